#!/usr/bin/env python3
"""derelict's crawl beside find, diskus and pdu, and its hashing beside b3sum: everything in turns, in one go.

    benches/peers/run.py [--files N] [--rounds N] [--only WORD] [--work FOLDER]

Installs the peers with cargo into FOLDER/peers, builds derelict, makes the trees below FOLDER (default: target/peers), runs
every program once to warm up and then N times in turns, and prints a table in Markdown: the best wall time, the CPU time
of the whole process and its peak memory, each beside `find`. Trees are kept for the next run. Read the ratios: machines
are noisy. Everything is local and warm; the shares are a FUSE file system with a delay (slow_share.rs). It needs Linux,
Rust, fusermount3, GNU time, and 10 GB for the trees.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PEERS = {"diskus": "diskus", "pdu": "parallel-disk-usage", "b3sum": "b3sum"}
VMX = b'config.version = "8"\ndisplayName = "a"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "a.vmdk"\n'
DESCRIPTOR = (b'# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="vmfs"\n'
              b'RW 2048 VMFS "a-flat.vmdk"\n')


# On a share the wait is what is measured, and it hardly varies.
SHARE_ROUNDS = 2

nothing = contextlib.nullcontext


LARGE = b'# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="vmfs"\nRW 4194304 VMFS "a-flat.vmdk"\n'

# What govc says of a VM that has no disk: the disk that is hashed belongs to nobody.
OTHER_VM = {"kind": "enter", "obj": {"type": "VirtualMachine", "value": "vm-1"}, "changeSet": [
    {"name": name, "op": "assign", "val": value} for name, value in {
        "name": "other", "config.uuid": "b3822812-62f7-44dc-bafb-32936013d9ab",
        "config.instanceUuid": "b3822812-62f7-44dc-bafb-32936013d9ab", "config.template": False,
        "config.files": {"vmPathName": "[hash] other/other.vmx"}, "config.hardware.device": {"_value": []}}.items()]}


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = Path(options.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.derelict = str(TOP / "target/release/derelict")
        self.share = str(TOP / "target/release/examples/slow-share")

    def prepare(self):
        for command, package in PEERS.items():
            if not (self.work / "peers/bin" / command).exists():
                run(["cargo", "install", "--quiet", "--locked", "--root", str(self.work / "peers"), package])
        run(["cargo", "build", "--quiet", "--release", "--example", "slow-share"], cwd=TOP)
        run(["cargo", "build", "--quiet", "--release"], cwd=TOP)

    def peer(self, name, *arguments):
        return [str(self.work / "peers/bin" / name), *arguments]

    def collected(self):
        return ["-o", str(self.work / "out.catalogue"), "--force", "--quiet"]

    def crawlers(self, tree):
        """Every program looks at the length and the blocks of every file."""
        return {
            "find -printf": ["find", str(tree), "-printf", r"%s %b %T@ %p\n"],
            "diskus, 2 threads": self.peer("diskus", "-j", "2", str(tree)),
            "diskus, its default": self.peer("diskus", str(tree)),
            "pdu": self.peer("pdu", str(tree)),
            "derelict collect": [self.derelict, "collect", str(tree), *self.collected()],
        }

    def compare(self, title, programs, rounds=None, around=nothing):
        """Best of the rounds, in turns; the first program is what the others are measured by. Each runs inside `around`; where
        that is given every run is as cold as the first, so that there is none to warm up."""
        warm_up = 1 if around is nothing else 0
        best = {}
        for turn in range((rounds or self.options.rounds) + warm_up):
            for name, command in programs.items():
                with around():
                    measured = self.measure(command)
                if turn >= warm_up:
                    best[name] = [min(pair) for pair in zip(best.get(name, measured), measured)]
        print(f"\n### {title}\n\n| program | wall | ratio | CPU | ratio | peak memory |\n|---|--:|--:|--:|--:|--:|")
        first = next(iter(best.values()))
        for name, (wall, cpu, memory) in best.items():
            print(f"| {name} | {wall:.3f} s | {wall / first[0]:.3f} | {cpu:.3f} s | {cpu / max(first[1], 0.001):.2f} | {memory / 1024:.1f} MiB |")
        sys.stdout.flush()

    def measure(self, command):
        """Wall time and CPU time in seconds, peak memory in KiB."""
        told = self.work / f"memory-{os.getpid()}"
        # A program that Python starts itself begins with the memory of Python as its peak.
        command = ["/usr/bin/time", "--quiet", "-f", "%M", "-o", str(told), *command]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        # 1: a peer met a path that is too long.
        if process.returncode not in (0, 1, 3):
            sys.exit(f"{command} ended with {process.returncode}")
        return wall, usage.ru_utime + usage.ru_stime, int(told.read_text())

    def tree(self, name, make):
        path = self.work / name
        if not path.exists():
            shutil.rmtree(self.work / "unfinished", ignore_errors=True)
            make(self.work / "unfinished")
            (self.work / "unfinished").rename(path)
        return path

    def local(self):
        files = self.options.files
        tree = self.tree(f"plain-{files}", lambda path: wide(path, files, 0))
        self.compare(f"{files} files in folders of 50, no artifact among them", self.crawlers(tree))

    def artifacts(self):
        files = self.options.files
        tree = self.tree(f"machines-{files}", lambda path: machines(path, files))
        self.compare(f"{files} files, every hundredth an artifact, ten in a folder of their own", self.crawlers(tree))

    def scattered(self):
        files = self.options.files // 5
        tree = self.tree(f"mixed-{files}", lambda path: wide(path, files, 100))
        self.compare(f"{files} files, every hundredth an artifact, two in a folder with 48 other files, which are opened as well",
                     self.crawlers(tree))

    def flat(self):
        tree = self.tree("flat", lambda path: many(path, 200_000))
        self.compare("one folder of 200000 files", self.crawlers(tree))

    def deep(self):
        tree = self.tree("deep", lambda path: chain(path, 5000))
        self.compare("5000 folders one in the other, 5 files each (diskus and pdu stop where a path is too long)", self.crawlers(tree))

    def shares(self):
        wide_tree, flat, in_chain = (200, 50), (1, 5000), (200, 5)
        for title, shape, delay, more in [
            ("share, 1 ms an operation, 200 folders of 50 files", wide_tree, 1000, []),
            ("share, 5 ms an operation, 200 folders of 50 files", wide_tree, 5000, []),
            ("share, 1 ms an operation, one folder of 5000 files", flat, 1000, []),
            ("share, 1 ms an operation, 200 folders one in the other", in_chain, 1000, ["--chain"]),
            ("the same, and nothing is cached", in_chain, 1000, ["--chain", "--cache", "0"]),
        ]:
            mount = self.work / "share"
            mount.mkdir(exist_ok=True)
            serve = [self.share, str(mount), *map(str, shape), str(delay), *more]
            # Nothing is remembered of what another program asked.
            self.compare(title, self.crawlers(mount), rounds=SHARE_ROUNDS, around=lambda: mounted(serve, mount))

    def hashing(self):
        tree = self.tree("one-large", one_large)
        disk = tree / "datastore/a/a-flat.vmdk"
        report = self.work / "out.json"
        self.compare("one file of 2 GiB, hashed", {
            "b3sum": self.peer("b3sum", str(disk)),
            "b3sum --no-mmap": self.peer("b3sum", "--no-mmap", str(disk)),
            "derelict scan --hash": [self.derelict, "scan", f"hash={tree / 'datastore'}", "--inventory",
                                     str(tree / "inventory.json"), "-o", str(report), "--force", "--quiet", "--hash"],
        })
        told = {artifact["relative_path"]: artifact["blake3"] for artifact in json.loads(report.read_text())["artifacts"]}
        real = subprocess.check_output(self.peer("b3sum", "--no-names", str(disk)), text=True).strip()
        if told["a/a-flat.vmdk"] != real:
            sys.exit(f"derelict says {told['a/a-flat.vmdk']} where b3sum says {real}: the disk was not hashed")

    def growth(self):
        print("\n### Memory and time of derelict collect, every hundredth file an artifact\n\n| files | wall | CPU | peak memory |\n|--:|--:|--:|--:|")
        for files in [10_000, 100_000, 1_000_000]:
            tree = self.tree(f"machines-{files}", lambda path, files=files: machines(path, files))
            self.grown(files, [tree])
        # Ten million inodes are more than many disks have left: the last tree is given ten times, under ten names.
        links = [self.work / f"root-{number}" for number in range(10)]
        for link in links:
            link.unlink(missing_ok=True)
            link.symlink_to(tree)
        self.grown(10 * files, links)

    def grown(self, files, roots):
        command = [self.derelict, "collect", *map(str, roots), *self.collected()]
        self.measure(command)
        wall, cpu, memory = self.measure(command)
        print(f"| {files} | {wall:.2f} s | {cpu:.2f} s | {memory / 1024:.1f} MiB |")
        sys.stdout.flush()


@contextlib.contextmanager
def mounted(serve, mount):
    """The share while it is served."""
    server = subprocess.Popen(serve, stdout=subprocess.DEVNULL)
    while not os.path.ismount(mount):
        if server.poll() is not None:
            sys.exit("slow-share could not mount: is /dev/fuse there, and fusermount3?")
        time.sleep(0.01)
    try:
        yield
    finally:
        run(["fusermount3", "-u", str(mount)])
        server.wait()


def run(command, **more):
    subprocess.run(command, check=True, **more)


def write(folder, name, content):
    file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=folder)
    os.write(file, content)
    os.close(file)


def wide(path, files, every):
    """Folders of 50 files; of every so many files one an artifact, two in a folder: a configuration and its disk. Without
    artifacts nothing is opened, and the files are empty."""
    content = b"x" if every else b""
    for number in range(files // 50):
        folder = path / f"group {number % 100}" / f"folder {number}"
        folder.mkdir(parents=True)
        at = os.open(folder, os.O_RDONLY)
        artifacts = [("a.vmx", VMX), ("a.vmdk", DESCRIPTOR)] if every and number % (every // 25) == 0 else []
        for name, content in artifacts:
            write(at, name, content)
        for file in range(50 - len(artifacts)):
            write(at, f"file {file}.txt", content)
        os.close(at)


def machines(path, files):
    """Empty files in folders of 50; every hundredth file an artifact, ten in a folder of its own, as on a datastore."""
    path.mkdir()
    machine = {"a.vmx": VMX, "a.vmdk": DESCRIPTOR, "a-flat.vmdk": b"", "a-000001.vmdk": DESCRIPTOR, "a-000001-delta.vmdk": b"",
               "a.nvram": b"MRVN", "a.vmsd": b"", "a.vmxf": b"", "a.vswp": b"", "vmware.log": b"x"}
    for number in range(files // 1000):
        folder = path / f"group {number % 100}" / f"machine {number}"
        folder.mkdir(parents=True)
        at = os.open(folder, os.O_RDONLY)
        for name, content in machine.items():
            write(at, name, content)
        os.close(at)
    for number in range(files * 99 // 5000):
        folder = path / f"group {number % 100}" / f"folder {number}"
        folder.mkdir(parents=True)
        at = os.open(folder, os.O_RDONLY)
        for file in range(50):
            write(at, f"file {file}.txt", b"")
        os.close(at)


def many(path, files):
    path.mkdir()
    at = os.open(path, os.O_RDONLY)
    for file in range(files):
        write(at, f"file {file}.txt", b"x")
    os.close(at)


def chain(path, levels):
    path.mkdir()
    at = os.open(path, os.O_RDONLY)
    for level in range(levels):
        for file in range(5):
            write(at, f"file {file}.txt", b"x")
        os.mkdir(f"level {level}", dir_fd=at)
        below = os.open(f"level {level}", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def one_large(path):
    """The folder of a VM, and that of a disk which belongs to nobody."""
    left, other = path / "datastore/a", path / "datastore/other"
    left.mkdir(parents=True)
    other.mkdir()
    (other / "other.vmx").write_bytes(b'config.version = "8"\ndisplayName = "other"\n'
                                      b'uuid.bios = "b3 82 28 12 62 f7 44 dc-ba fb 32 93 60 13 d9 ab"\n')
    (left / "a.vmdk").write_bytes(LARGE)
    part = bytes(range(251)) * 4178
    with open(left / "a-flat.vmdk", "wb") as file:
        for _ in range(2048):
            file.write(part[:1 << 20])
    for old in [left / "a.vmdk", left / "a-flat.vmdk", other / "other.vmx"]:
        # Older than any inventory.
        os.utime(old, (1_577_836_800, 1_577_836_800))
    (path / "inventory.json").write_text(json.dumps(OTHER_VM) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000, help="files of the wide trees")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=SCENES, action="append", help="one scene instead of all; may be given again")
    parser.add_argument("--work", default=str(TOP / "target/peers"), help="where peers and trees are kept")
    options = parser.parse_args()
    bench = Bench(options)
    bench.prepare()
    for scene in options.only or SCENES:
        getattr(bench, scene)()


SCENES = ["local", "artifacts", "scattered", "flat", "deep", "shares", "hashing", "growth"]

if __name__ == "__main__":
    main()
