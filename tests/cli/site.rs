//! A small site and the program run on it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::SystemTime,
};

pub(crate) const DERELICT: &str = env!("CARGO_BIN_EXE_derelict");

/// One VM that is registered, one disk that nobody knows, and an export that covers the datastore.
pub(crate) struct Site(pub(crate) tempfile::TempDir);

impl Site {
    pub(crate) fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        site.file("ds1/web01/web01.vmx", vmx("web01"));
        site.disk("ds1/web01/web01");
        site.disk("ds1/old/old");
        site.file("vms.json", EXPORT);
        site.age("vms.json", "2024-05-01");
        site
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// A file of January 2024.
    pub(crate) fn file(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        self.age(relative, "2024-01-01");
    }

    pub(crate) fn age(&self, relative: &str, date: &str) {
        let time: jiff::Timestamp = format!("{date}T00:00:00Z").parse().unwrap();
        let file = fs::OpenOptions::new().write(true).open(self.path(relative)).unwrap();
        file.set_modified(SystemTime::from(time)).unwrap();
    }

    pub(crate) fn disk(&self, stem: &str) {
        let name = Path::new(stem).file_name().unwrap().to_str().unwrap();
        self.file(&format!("{stem}.vmdk"), descriptor(&format!("{name}-flat.vmdk")));
        self.file(&format!("{stem}-flat.vmdk"), vec![1; 1 << 20]);
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(DERELICT);
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    pub(crate) fn read(&self, relative: &str) -> Vec<u8> {
        fs::read(self.path(relative)).unwrap()
    }

    /// `scan` of the datastore with its inventory, as of a month later.
    pub(crate) fn scan(&self, more: &[&str]) -> Output {
        self.run(&[&SCAN, more].concat())
    }

    pub(crate) fn report(&self, more: &[&str]) -> serde_json::Value {
        serde_json::from_slice(&self.scan(&[&["-f", "json"], more].concat()).stdout).unwrap()
    }
}

pub(crate) const SCAN: [&str; 6] = ["scan", "ds1=ds1", "-i", "vms.json", "--as-of", "2024-06-01"];

pub(crate) const EXPORT: &str = r#"[{
  "Name": "web01", "MoRef": "VirtualMachine-vm-1",
  "InstanceUuid": "500c1d3e-0000-4000-8000-000000000001", "Uuid": "420c1d3e-0000-4000-8000-000000000001",
  "Template": false, "ConnectionState": "connected", "PowerState": "poweredOff",
  "VmPathName": "[ds1] web01/web01.vmx",
  "Files": {"VmPathName": "[ds1] web01/web01.vmx", "SnapshotDirectory": "[ds1] web01", "LogDirectory": "[ds1] web01"},
  "Disks": [{"Key": 2000, "Label": "Hard disk 1", "FileName": "[ds1] web01/web01.vmdk", "CapacityInKB": 1024}],
  "LayoutExFile": [
    {"Key": 0, "Name": "[ds1] web01/web01.vmx", "Type": "config", "Size": 200, "Accessible": true},
    {"Key": 1, "Name": "[ds1] web01/web01.vmdk", "Type": "diskDescriptor", "Size": 300, "Accessible": true},
    {"Key": 2, "Name": "[ds1] web01/web01-flat.vmdk", "Type": "diskExtent", "Size": 1048576, "Accessible": true}],
  "LayoutExSnapshot": []
}]"#;

pub(crate) fn vmx(name: &str) -> String {
    format!(
        ".encoding = \"UTF-8\"\nconfig.version = \"8\"\nvirtualHW.version = \"19\"\ndisplayName = \"{name}\"\n\
         scsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"{name}.vmdk\"\n"
    )
}

pub(crate) fn descriptor(extent: &str) -> String {
    format!(
        "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=a1b2c3d4\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
         # Extent description\nRW 2048 VMFS \"{extent}\"\n"
    )
}

pub(crate) fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
