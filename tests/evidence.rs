//! What each format tells, in the words that the reconciliation reads.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::fs;

use derelict::{
    evidence::{Evidence, LinkId, MarkCode},
    inspect::{Inspection, inspect},
    kind::{Kind, Platform, Role},
};
use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        hyperv_files::{HrlBuilder, VmgsBuilder, vhds},
        hyperv_vm::{HypervDrive, HypervVm, host_store},
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder},
    },
};
use uuid::{Uuid, uuid};

const VM: Uuid = uuid!("b90ac31b-c6f8-479f-9b91-07b894a6a3f6");
const OTHER: Uuid = uuid!("1e3081cf-38f4-54f3-829f-ce9d6db0900e");

/// Inspects a file of this name and content; folders in the name are made.
fn look(name: &str, content: impl AsRef<[u8]>) -> Inspection {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    inspect(&path).unwrap()
}

/// Role, target and weakness of each reference.
fn targets(evidence: &Evidence) -> Vec<(Role, &str, bool)> {
    evidence
        .references
        .iter()
        .map(|at| (at.role, at.target.as_str(), at.weak))
        .collect()
}

fn marks(evidence: &Evidence) -> Vec<MarkCode> {
    evidence.marks.iter().map(|mark| mark.code).collect()
}

#[test]
fn a_vmx_names_disks_media_folders_and_its_companions() {
    let found = look(
        "a.vmx",
        concat!(
            "config.version = \"8\"\ndisplayName = \"web\"\nannotation = \"notes\"\ncleanShutdown = \"FALSE\"\n",
            "uuid.bios = \"56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b\"\n",
            "vc.uuid = \"52 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b\"\n",
            "scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n",
            "scsi0:1.present = \"FALSE\"\nscsi0:1.fileName = \"old.vmdk\"\n",
            "ide1:0.present = \"TRUE\"\nide1:0.fileName = \"/vmfs/volumes/iso/x.iso\"\n",
            "ide1:0.deviceType = \"cdrom-image\"\nnvram = \"a.nvram\"\nworkingDir = \"/vmfs/volumes/b/dir\"\n",
        ),
    );
    assert_eq!(
        targets(&found.evidence),
        [
            (Role::Disk, "a.vmdk", false),
            (Role::Disk, "old.vmdk", true),
            (Role::Media, "/vmfs/volumes/iso/x.iso", false),
            (Role::Nvram, "a.nvram", false),
            (Role::Folder, "/vmfs/volumes/b/dir", false),
        ]
    );
    assert_eq!(found.evidence.references[0].key, "scsi0:0.fileName");
    let vm = found.evidence.vm.unwrap();
    assert_eq!((vm.platform, vm.name.as_deref()), (Platform::Vmware, Some("web")));
    assert_eq!(vm.bios_id, Some(uuid!("564d6c27-96ea-1207-6f0b-b11d81469b0b")));
    assert_eq!(vm.instance_id, Some(uuid!("524d6c27-96ea-1207-6f0b-b11d81469b0b")));
    assert_eq!(
        (vm.template, vm.opaque, vm.notes.as_deref()),
        (false, None, Some("notes"))
    );
    assert_eq!(found.evidence.marks[0].code, MarkCode::NotShutDown);
}

#[test]
fn a_template_is_a_vmx_that_says_so_by_its_name() {
    let found = look("a.vmtx", "config.version = \"8\"\ndisplayName = \"golden\"\n");
    assert_eq!(found.kind, Some(Kind::Vmtx));
    assert!(found.evidence.vm.unwrap().template);
}

#[test]
fn a_fully_encrypted_vmx_is_opaque() {
    let found = look(
        "a.vmx",
        "displayName = \"x\"\nencryption.keySafe = \"k\"\nencryption.data = \"d\"\n",
    );
    assert!(found.evidence.vm.unwrap().opaque.is_some());
    assert_eq!(found.error, None, "encrypted is not damaged");
}

#[test]
fn a_torn_configuration_keeps_what_it_tells_and_is_opaque() {
    let torn = look(
        "a.vmx",
        "config.version = \"8\"\nscsi0:0.fileName = \"a.vmdk\"\nscsi0:1.fileName = \"b.vm",
    );
    assert_eq!(torn.evidence.references[0].target.as_str(), "a.vmdk");
    assert!(torn.evidence.vm.unwrap().opaque.is_some() && torn.error.is_some());
    let list = look("a.vmsd", "snapshot0.uid = \"1\"\nsnapshot0.disk0.fileName = \"a.v");
    assert!(
        list.evidence.vm.unwrap().opaque.is_some(),
        "a snapshot may be missing from the list"
    );
}

#[test]
fn a_replication_group_names_the_files_of_its_replicas() {
    let found = look(
        "hbrgrp.GID-1.txt",
        "disk.0.instance.0.path.ds = \"5c1a\"\ndisk.0.instance.0.path.relpath = \"w/hbrdisk.RDID-1.vmdk\"\n",
    );
    assert_eq!(found.kind, Some(Kind::Psf));
    assert_eq!(
        targets(&found.evidence),
        [(Role::Disk, "/vmfs/volumes/5c1a/w/hbrdisk.RDID-1.vmdk", false)]
    );
}

#[test]
fn notes_are_cut_at_a_character() {
    let found = look(
        "a.vmx",
        format!("config.version = \"8\"\nannotation = \"{}\"\n", "ä".repeat(3000)),
    );
    assert_eq!(found.evidence.vm.unwrap().notes.unwrap(), "ä".repeat(2048));
}

#[test]
fn a_snapshot_list_names_frozen_disks_states_and_clones() {
    let found = look(
        "a.vmsd",
        concat!(
            "snapshot.needConsolidate = \"TRUE\"\nsnapshot0.uid = \"1\"\nsnapshot0.filename = \"a-Snapshot1.vmsn\"\n",
            "snapshot0.disk0.fileName = \"a.vmdk\"\nsnapshot0.disk0.node = \"scsi0:0\"\n",
            "snapshot0.clone0 = \"/vmfs/volumes/b/c/c.vmx\"\n",
        ),
    );
    assert_eq!(
        targets(&found.evidence),
        [
            (Role::SnapshotState, "a-Snapshot1.vmsn", false),
            (Role::Disk, "a.vmdk", false),
            (Role::Clone, "/vmfs/volumes/b/c/c.vmx", false),
        ]
    );
    assert_eq!(marks(&found.evidence), [MarkCode::NeedsConsolidation]);
}

#[test]
fn a_descriptor_names_files_and_ties_itself_to_its_parent() {
    let found = look(
        "a-000001.vmdk",
        concat!(
            "# Disk DescriptorFile\nversion=3\nCID=0badcafe\nparentCID=1234abcd\ncreateType=\"seSparse\"\n",
            "parentFileNameHint=\"a.vmdk\"\nRW 2048 SESPARSE \"a-000001-sesparse.vmdk\"\nRW 8 ZERO\n",
            "RW 8 VSANSPARSE \"vsan://5f\"\nchangeTrackPath=\"a-000001-ctk.vmdk\"\n",
            "ddb.deletable = \"false\"\nddb.sidecars = \"a-1234567890abcdef.vmfd,\"\nddb.fcd.uuid = \"0f\"\n",
        ),
    );
    assert_eq!(
        targets(&found.evidence),
        [
            (Role::Parent, "a.vmdk", false),
            (Role::Extent, "a-000001-sesparse.vmdk", false),
            (Role::ChangeTracking, "a-000001-ctk.vmdk", false),
            (Role::Sidecar, "a-1234567890abcdef.vmfd", false),
        ]
    );
    let disk = found.evidence.disk.as_ref().unwrap();
    assert_eq!(disk.link, Some(LinkId::Cid(0x0bad_cafe)));
    assert_eq!(
        (disk.has_parent, disk.parent_links.as_slice()),
        (true, &[LinkId::Cid(0x1234_abcd)][..])
    );
    assert_eq!(disk.virtual_bytes, Some((2048 + 8 + 8) * 512));
    assert_eq!(disk.fcd_id.as_deref(), Some("0f"));
    assert_eq!(
        marks(&found.evidence),
        [MarkCode::ProtectedByDescriptor, MarkCode::ObjectBacked]
    );
}

#[test]
fn a_base_descriptor_quotes_no_parent() {
    let found = look(
        "a.vmdk",
        "version=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"vmfsRDM\"\nRW 8 VMFSRDM \"a-rdm.vmdk\"\n",
    );
    let disk = found.evidence.disk.as_ref().unwrap();
    assert_eq!((disk.has_parent, disk.parent_links.len()), (false, 0));
    assert_eq!(marks(&found.evidence), [MarkCode::RawDevice]);
}

#[test]
fn a_differencing_vhdx_names_its_parent_in_one_group_relative_first() {
    let parent = VhdxBuilder::new(DiskKind::Dynamic, 1 << 30, 1);
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\ClusterStorage\Volume1\base.vhdx",
        ..ParentPaths::default()
    };
    let child = VhdxBuilder::child_of(&parent, paths, 2);
    let found = look("base_1.avhdx", child.bytes());
    assert_eq!(found.kind, Some(Kind::Avhdx));
    let written: Vec<_> = found
        .evidence
        .references
        .iter()
        .map(|at| (at.role, at.group, at.key.as_str(), at.target.as_str()))
        .collect();
    assert_eq!(
        written,
        [
            (Role::Parent, Some(0), "parent locator relative_path", r".\base.vhdx"),
            (
                Role::Parent,
                Some(0),
                "parent locator absolute_win32_path",
                r"C:\ClusterStorage\Volume1\base.vhdx"
            ),
        ]
    );
    let base = look("base.vhdx", parent.bytes()).evidence.disk.unwrap();
    let disk = found.evidence.disk.unwrap();
    assert!(disk.has_parent && !base.has_parent);
    assert_eq!(disk.parent_links, [base.link.unwrap()]);
    assert_eq!(disk.disk_id, base.disk_id, "a child has the page 83 id of its base");
    assert_eq!(
        (disk.virtual_bytes, disk.create_type.as_deref()),
        (Some(1 << 30), Some("differencing"))
    );
}

#[test]
fn a_differencing_vhd_names_its_parent_too() {
    let parent = VhdBuilder::new(DiskKind::Dynamic, 1 << 26, 1);
    let child = VhdBuilder::child_of(&parent, r".\b.vhd", r"D:\vm\b.vhd", 2);
    let found = look("b_diff.avhd", child.bytes());
    assert_eq!(found.kind, Some(Kind::Avhd));
    let parents: Vec<_> = found.evidence.references.iter().map(|at| at.target.as_str()).collect();
    assert_eq!(parents[..2], [r".\b.vhd", r"D:\vm\b.vhd"]);
    assert!(
        found
            .evidence
            .references
            .iter()
            .all(|at| at.role == Role::Parent && at.group == Some(0))
    );
    let base = look("b.vhd", parent.bytes()).evidence.disk.unwrap();
    let disk = found.evidence.disk.unwrap();
    assert_eq!(disk.parent_links, [base.link.unwrap()]);
    assert_eq!(base.create_type.as_deref(), Some("dynamic"));
}

fn machine() -> HypervVm {
    let mut vm = HypervVm::new("sql", VM);
    vm.drives = vec![
        HypervDrive::disk(ControllerKind::Scsi, 0, r"C:\ClusterStorage\Volume1\sql\sql.vhdx"),
        HypervDrive::iso(ControllerKind::Scsi, 1, r"\\lib\iso\sql.iso"),
    ];
    vm
}

#[test]
fn both_forms_of_a_hyper_v_configuration_tell_the_same() {
    let vm = machine();
    let vmcx = look(&format!("Virtual Machines/{VM}.vmcx"), vm.to_vmcx());
    let xml = look(&format!("Virtual Machines/{VM}.xml"), vm.to_xml());
    assert_eq!((vmcx.kind, xml.kind), (Some(Kind::Vmcx), Some(Kind::HypervXml)));
    for found in [&vmcx, &xml] {
        assert_eq!(
            targets(&found.evidence)[..2],
            [
                (Role::Disk, r"C:\ClusterStorage\Volume1\sql\sql.vhdx", false),
                (Role::Media, r"\\lib\iso\sql.iso", false),
            ]
        );
    }
    assert_eq!(vmcx.evidence.vm, xml.evidence.vm);
    let vm = vmcx.evidence.vm.unwrap();
    assert_eq!(
        (vm.name.as_deref(), vm.instance_id, vm.checkpoint_of),
        (Some("sql"), Some(VM), None)
    );
}

#[test]
fn a_configuration_among_snapshots_is_a_checkpoint_of_its_logical_id() {
    let found = look(&format!("Snapshots/{OTHER}.vmcx"), machine().to_vmcx());
    let vm = found.evidence.vm.unwrap();
    assert_eq!((vm.instance_id, vm.checkpoint_of), (Some(OTHER), Some(VM)));
}

#[test]
fn a_damaged_configuration_is_opaque_and_keeps_the_id_of_its_name() {
    let mut bytes = machine().to_vmcx();
    bytes.truncate(100);
    let found = look(&format!("{VM}.vmcx"), bytes);
    let vm = found.evidence.vm.unwrap();
    assert!(vm.opaque.is_some() && found.error.is_some());
    assert_eq!(vm.instance_id, Some(VM));
}

#[test]
fn a_container_without_a_telling_name_is_what_its_keys_say() {
    assert_eq!(look("state", machine().to_vmrs(0)).kind, Some(Kind::Vmrs));
    let config = look("config", machine().to_vmcx());
    assert_eq!(config.kind, Some(Kind::Vmcx));
    let saved = look(&format!("{VM}.VMRS"), machine().to_vmrs(5000));
    assert!(marks(&saved.evidence).contains(&MarkCode::SavedState));
}

#[test]
fn the_list_of_a_host_is_no_vm_but_names_configurations() {
    let path = r"C:\vm\sql\Virtual Machines\b90ac31b-c6f8-479f-9b91-07b894a6a3f6.vmcx";
    let found = look("data.vmcx", host_store(&[(VM, path)]));
    assert!(found.evidence.vm.is_none());
    assert!(targets(&found.evidence).contains(&(Role::Config, path, false)));
}

#[test]
fn guest_state_logs_and_disk_sets_carry_their_signs() {
    let mut state = VmgsBuilder::new(1);
    state.vtpm = true;
    assert_eq!(marks(&look("a.vmgs", state.bytes()).evidence), [MarkCode::VirtualTpm]);
    let mut log = HrlBuilder::new(1);
    log.open = true;
    assert_eq!(marks(&look("a.vhdx.hrl", log.bytes()).evidence), [MarkCode::OpenLog]);
    let set = look("a.vhds", vhds(&["a_1.avhdx"]));
    assert_eq!(targets(&set.evidence), [(Role::Extent, "a_1.avhdx", false)]);
    assert_eq!(marks(&set.evidence), [MarkCode::Shared]);
}

#[test]
fn locks_name_their_target_and_holder() {
    let mut body = vec![0; 84];
    body[0x10] = 1;
    body[0x14..0x1a].copy_from_slice(b"esx-07");
    let nfs = look(".lck-e003090001000000", body).evidence.lock.unwrap();
    assert_eq!(
        (nfs.target_file_id, nfs.host.as_deref()),
        (Some(4_295_558_112), Some("esx-07"))
    );
    let esxi = look("a.vmx.lck", "").evidence.lock.unwrap();
    assert_eq!(esxi.target_name.unwrap().as_str(), "a.vmx");
    let hosted = look(
        "a.vmdk.lck/M12345.lck",
        "uuid=aa-bb 123-456(vmware-vmx.exe) 1 X 456 lc=7\0",
    );
    assert_eq!(hosted.kind, Some(Kind::VmLock));
    assert_eq!(hosted.evidence.lock.unwrap().target_name.unwrap().as_str(), "a.vmdk");
}

#[test]
fn a_list_of_vsphere_ha_names_configurations() {
    let found = look(
        "protectedlist",
        "0\n/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/a/a.vmx\n",
    );
    assert_eq!(found.kind, Some(Kind::DatastoreSystem));
    let path = "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/a/a.vmx";
    assert_eq!(targets(&found.evidence), [(Role::Config, path, false)]);
}

#[test]
fn a_log_is_history_and_no_reference() {
    let found = look(
        "vmware.log",
        "2023| vmx| I005: Log for VMware ESX\n2023| vmx| I005: DICT --- CONFIGURATION /vmfs/volumes/a/b/b.vmx\n",
    );
    assert_eq!(found.kind, Some(Kind::VmLog));
    assert_eq!(found.facts.value()["vmx_path"], "/vmfs/volumes/a/b/b.vmx");
    assert_eq!(found.evidence.references, []);
}

#[test]
fn a_state_file_without_signature_is_taken_for_encrypted() {
    let noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let found = look("a-Snapshot1.vmsn", noise);
    assert_eq!((found.error, marks(&found.evidence)), (None, vec![MarkCode::Encrypted]));
}
