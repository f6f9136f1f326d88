#!/usr/bin/env python3
"""Makes a large VMware site with its inventory, for measuring what a scan of it costs.

    site.py FOLDER VMS [DATASTORES]

Writes FOLDER/ds00, FOLDER/ds01, … with about ten artifacts a VM, and FOLDER/inventory with what `govc object.collect` says of
them. Of a hundred VMs three were deleted and left their disks, one is not registered, one is registered and has no
files, twenty have a snapshot, ten are linked clones of a golden image of their datastore.
"""

import json
import os
import struct
import sys
import uuid

SPACE = uuid.UUID("5d1f6c0e-6f0b-4c38-9a5e-0d8f5e1b7a11")
WRITTEN = 1_790_000_000
# Header of a COWD delta without a grain: version, flags, sectors of the disk, sectors a grain, place and number of grain
# directory entries, first free sector.
COWD = b"COWD" + struct.pack("<8I", 1, 3, 2048, 1, 4, 1, 6, 0)


# Header of a snapshot state without a group: magic, version, number of groups.
VMSN = b"\xd2\xbe\xd2\xbe" + struct.pack("<2I", 8, 0)


def spaced(identity):
    """A UUID as configurations write it."""
    pairs = [identity.hex[place:place + 2] for place in range(0, 32, 2)]
    return " ".join(pairs[:8]) + "-" + " ".join(pairs[8:])


def descriptor(extent, extent_type, cid, parent=None, hint=None, of=""):
    kind = "vmfsSparse" if parent else "vmfs"
    lines = ["# Disk DescriptorFile", "version=1", f"CID={cid:08x}", f"parentCID={parent or 0xffffffff:08x}", f'createType="{kind}"']
    if hint:
        lines.append(f'parentFileNameHint="{hint}"')
    identity = spaced(uuid.uuid5(SPACE, of + extent))
    return "\n".join([*lines, "", f'RW 2048 {extent_type} "{extent}"', "", f'ddb.uuid = "{identity}"', ""]).encode()


class Folder:
    """One folder of a VM; files are made beside its descriptor, which is cheaper than by path."""

    def __init__(self, path):
        os.makedirs(path)
        self.at = os.open(path, os.O_RDONLY)

    def write(self, name, content, length=None):
        file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=self.at)
        os.write(file, content)
        if length:
            os.ftruncate(file, length)
        os.utime(file, (WRITTEN, WRITTEN))
        os.close(file)

    def close(self):
        os.close(self.at)


def disk(folder, stem, cid, of=""):
    folder.write(f"{stem}.vmdk", descriptor(f"{stem}-flat.vmdk", "VMFS", cid, of=of))
    folder.write(f"{stem}-flat.vmdk", b"\0", 1 << 20)


def delta(folder, stem, cid, parent, hint):
    folder.write(f"{stem}.vmdk", descriptor(f"{stem}-delta.vmdk", "VMFSSPARSE", cid, parent, hint))
    folder.write(f"{stem}-delta.vmdk", COWD, 1 << 14)


def vmx(name, identity, disks):
    lines = ['.encoding = "UTF-8"', 'config.version = "8"', f'displayName = "{name}"', f'nvram = "{name}.nvram"',
             f'uuid.bios = "{spaced(identity)}"', f'vc.uuid = "{spaced(identity)}"', 'scsi0.present = "TRUE"']
    for number, file in enumerate(disks):
        lines += [f'scsi0:{number}.present = "TRUE"', f'scsi0:{number}.deviceType = "scsi-hardDisk"', f'scsi0:{number}.fileName = "{file}"']
    return "\n".join([*lines, ""]).encode()


def snapshots(name, has_one):
    lines = ['.encoding = "UTF-8"', 'snapshot.lastUID = "1"', f'snapshot.numSnapshots = "{has_one:d}"']
    if has_one:
        lines += ['snapshot.current = "1"', 'snapshot0.uid = "1"', f'snapshot0.filename = "{name}-Snapshot1.vmsn"',
                  'snapshot0.displayName = "before the upgrade"', 'snapshot0.numDisks = "1"',
                  f'snapshot0.disk0.fileName = "{name}.vmdk"', 'snapshot0.disk0.node = "scsi0:0"']
    return "\n".join([*lines, ""]).encode()


def golden_cid(datastore):
    return 0x60d00000 + int(datastore[2:])


def vm(root, datastore, number):
    """Makes one VM; its document for the inventory, or None where the inventory does not know it."""
    name = f"vm{number:07}"
    identity = uuid.uuid5(SPACE, name)
    share = number % 100
    disks = [f"{name}.vmdk", f"{name}_1.vmdk"]
    if share != 4:
        folder = Folder(f"{root}/{name}")
        cid = (number * 7 + 1) & 0xffffffff
        disk(folder, f"{name}_1", cid + 1)
        if 20 <= share < 30:
            delta(folder, name, cid, golden_cid(datastore), "../golden/golden.vmdk")
        else:
            disk(folder, name, cid)
        if 30 <= share < 50:
            delta(folder, f"{name}-000001", cid + 2, cid, f"{name}.vmdk")
            disks[0] = f"{name}-000001.vmdk"
        if share > 2:
            folder.write(f"{name}.vmx", vmx(name, identity, disks))
            folder.write(f"{name}.nvram", b"MRVN" + bytes(60))
            folder.write(f"{name}.vmsd", snapshots(name, 30 <= share < 50))
            if 30 <= share < 50:
                folder.write(f"{name}-Snapshot1.vmsn", VMSN)
            folder.write(f"{name}.vmxf", b'<?xml version="1.0"?><Foundry><VM></VM></Foundry>')
            folder.write("vmware.log", b"2026-11-01T08:00:00.000Z In(05) vmx Log for VMware ESX pid=1 version=8.0.2 build=1 option=Release\n")
        folder.close()
    return document(name, identity, datastore, disks, number) if share > 3 else None


def document(name, identity, datastore, disks, number):
    device = [{"key": 2000 + place, "backing": {"fileName": f"[{datastore}] {name}/{file}"}, "capacityInKB": 1024} for place, file in enumerate(disks)]
    config = f"[{datastore}] {name}/{name}.vmx"
    values = {"name": name, "config.uuid": str(identity), "config.instanceUuid": str(identity), "config.template": False,
              "config.files": {"vmPathName": config}, "config.hardware.device": {"_value": device}}
    changes = [{"name": key, "op": "assign", "val": value} for key, value in values.items()]
    return {"kind": "enter", "obj": {"type": "VirtualMachine", "value": f"vm-{number}"}, "changeSet": changes}


def main(folder, vms, datastores=20):
    names = [f"ds{number:02}" for number in range(datastores)]
    for name in names:
        golden = Folder(f"{folder}/{name}/golden")
        disk(golden, "golden", golden_cid(name), of=name)
        golden.close()
    os.makedirs(f"{folder}/inventory")
    with open(f"{folder}/inventory/vms.json", "w", encoding="utf-8") as inventory:
        for number in range(vms):
            name = names[number % datastores]
            known = vm(f"{folder}/{name}", name, number)
            if known:
                inventory.write(json.dumps(known) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], *(int(number) for number in sys.argv[2:]))
