//! A small datastore, the export of its vCenter, and runs of the program on it.

use std::{
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, SystemTime},
};

use derelict::catalogue::{Catalogue, RootRecord};
use serde_json::Value;

use crate::fs::Faulty;

/// Registers web01 and lists its disk, but no whole chains: what else it has stands in its configuration.
pub(crate) const EXPORT: &str = r#"[{
  "Name": "web01", "MoRef": "VirtualMachine-vm-1",
  "InstanceUuid": "500c1d3e-0000-4000-8000-000000000001", "Uuid": "420c1d3e-0000-4000-8000-000000000001",
  "Template": false, "ConnectionState": "connected", "PowerState": "poweredOff",
  "VmPathName": "[ds1] web01/web01.vmx",
  "Files": {"VmPathName": "[ds1] web01/web01.vmx", "SnapshotDirectory": "[ds1] web01", "LogDirectory": "[ds1] web01"},
  "Disks": [{"Key": 2000, "Label": "Hard disk 1", "FileName": "[ds1] web01/web01.vmdk", "CapacityInKB": 2048}]
}]"#;

const VMX: &[u8] =
    b".encoding = \"UTF-8\"\nconfig.version = \"8\"\nvirtualHW.version = \"19\"\ndisplayName = \"web01\"\n\
    scsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"web01.vmdk\"\n";

const fn descriptor(text: &'static str) -> &'static [u8] {
    text.as_bytes()
}

const WEB01: &[u8] = descriptor(
    "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=a1b2c3d4\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
     # Extent description\nRW 4096 VMFS \"web01-flat.vmdk\"\n",
);

/// The descriptor of a disk that nobody knows.
pub(crate) const OLD: &[u8] = descriptor(
    "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=0badc0de\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
     # Extent description\nRW 4096 VMFS \"old-flat.vmdk\"\n",
);

/// Longer than what is opened although its name tells what it is.
pub(crate) static FLAT: [u8; 2 << 20] = [1; 2 << 20];

/// One VM that is registered, one disk that nobody knows, and a folder that holds neither.
pub(crate) fn files() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("web01/web01.vmx", VMX),
        ("web01/web01.vmdk", WEB01),
        ("web01/web01-flat.vmdk", &FLAT),
        ("old/old.vmdk", OLD),
        ("old/old-flat.vmdk", &FLAT),
        ("stray/note.txt", b"x"),
    ]
}

/// Where the program runs, with an export of May 2024.
pub(crate) struct Desk {
    folder: Arc<tempfile::TempDir>,
    runs: AtomicUsize,
}

/// A run that is under way.
pub(crate) struct Running {
    child: Child,
    folder: PathBuf,
    desk: Arc<tempfile::TempDir>,
}

/// What came of a run.
pub(crate) struct Run {
    pub(crate) status: i32,
    folder: PathBuf,
    /// What was written lies there.
    _desk: Arc<tempfile::TempDir>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            runs: AtomicUsize::new(0),
        };
        fs::write(desk.path("vms.json"), EXPORT).unwrap();
        let time: jiff::Timestamp = "2024-05-01T00:00:00Z".parse().unwrap();
        let export = fs::OpenOptions::new().write(true).open(desk.path("vms.json")).unwrap();
        export.set_modified(SystemTime::from(time)).unwrap();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `collect` with a deadline that nothing healthy comes near to.
    pub(crate) fn collect(&self, roots: &[&Path]) -> Run {
        self.start("collect", roots, &["--io-timeout", "600"]).end(None)
    }

    /// `scan` likewise.
    pub(crate) fn scan(&self, roots: &[&Path]) -> Run {
        self.start("scan", roots, &["--io-timeout", "600"]).end(None)
    }

    /// Starts a scan that looks again after so many seconds, and waits until the first look is done.
    pub(crate) fn settle(&self, storage: &Faulty, seconds: &str, more: &[&str]) -> Running {
        let more = [more, &["--settle", seconds, "--progress", "json"]].concat();
        let running = self.start("scan", &[storage.path()], &more);
        running.until(|| running.stderr().contains("settle"));
        running
    }

    /// `report` of a catalogue.
    pub(crate) fn report(&self, catalogue: &Path) -> Run {
        self.report_all(&[catalogue])
    }

    /// `report` of several.
    pub(crate) fn report_all(&self, catalogues: &[&Path]) -> Run {
        self.start("report", catalogues, &[]).end(None)
    }

    /// Starts one of these; the first root is the datastore `ds1`, the others are `ds2` and so on.
    pub(crate) fn start(&self, verb: &str, roots: &[&Path], more: &[&str]) -> Running {
        let folder = self.runs.fetch_add(1, Ordering::Relaxed).to_string();
        self.start_in(&folder, verb, roots, more)
    }

    /// The same in a folder of this name, in which another run may have been.
    pub(crate) fn start_in(&self, folder: &str, verb: &str, roots: &[&Path], more: &[&str]) -> Running {
        self.spawn(Command::new(env!("CARGO_BIN_EXE_derelict")), folder, verb, roots, more)
    }

    /// `collect` on a machine of this id; `None`, said loudly, where none can be feigned.
    pub(crate) fn collect_on(&self, machine: &str, roots: &[&Path]) -> Option<Run> {
        const FEIGN: &str = "mount --bind \"$0\" /etc/machine-id && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]);
        if !command.args(["true"]).status().is_ok_and(|status| status.success()) {
            skip("another machine cannot be feigned here, for that needs root and unshare");
            return None;
        }
        let id = self.path(machine);
        fs::write(&id, machine).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "bash", "-c", FEIGN]);
        command.arg(id).arg(env!("CARGO_BIN_EXE_derelict"));
        let folder = format!("of {machine}");
        Some(
            self.spawn(command, &folder, "collect", roots, &["--io-timeout", "600"])
                .end(None),
        )
    }

    /// The same where no file may have more than 8 KiB.
    pub(crate) fn start_limited(&self, folder: &str, verb: &str, roots: &[&Path], more: &[&str]) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 16; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_derelict")]);
        self.spawn(command, folder, verb, roots, more)
    }

    fn spawn(&self, mut command: Command, folder: &str, verb: &str, roots: &[&Path], more: &[&str]) -> Running {
        let folder = self.path(folder);
        fs::create_dir_all(&folder).unwrap();
        command.arg(verb).args(more).current_dir(&folder);
        for (number, root) in roots.iter().enumerate() {
            let alias = format!("ds{}=", number + 1);
            let mut argument = OsString::from(if verb == "report" { "" } else { &alias });
            argument.push(root);
            command.arg(argument);
        }
        if verb == "collect" {
            if !more.contains(&"-o") {
                command.args(["-o", "out.catalogue"]);
            }
        } else {
            command.args([
                "-i",
                "../vms.json",
                "--as-of",
                "2024-06-01",
                "-f",
                "json",
                "-o",
                "out.json",
            ]);
        }
        self.launch(command, folder)
    }

    /// Starts the program with these arguments and no others.
    pub(crate) fn run_plain(&self, arguments: &[&str]) -> Running {
        let (command, folder) = self.plain(arguments);
        self.launch(command, folder)
    }

    /// The same with its standard output in this file.
    pub(crate) fn run_into(&self, stdout: &Path, arguments: &[&str]) -> Running {
        let (command, folder) = self.plain(arguments);
        self.launch_into(command, folder, stdout)
    }

    fn plain(&self, arguments: &[&str]) -> (Command, PathBuf) {
        let folder = self.path(&self.runs.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_derelict"));
        command.args(arguments).current_dir(&folder);
        (command, folder)
    }

    fn launch(&self, command: Command, folder: PathBuf) -> Running {
        let stdout = folder.join("stdout");
        self.launch_into(command, folder, &stdout)
    }

    fn launch_into(&self, mut command: Command, folder: PathBuf, stdout: &Path) -> Running {
        let output = |path: &Path| fs::File::create(path).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(output(stdout))
            .stderr(output(&folder.join("stderr")));
        let child = command.spawn().unwrap();
        Running {
            child,
            folder,
            desk: Arc::clone(&self.folder),
        }
    }
}

impl Running {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Ends it in the middle of what it does. What it wrote lies in the folder. Its thread that hangs in the kernel goes when
    /// the storage lets it.
    pub(crate) fn kill(mut self, stalled: &Faulty) -> PathBuf {
        self.child.kill().unwrap();
        stalled.release();
        self.child.wait().unwrap();
        self.folder.clone()
    }

    pub(crate) fn interrupt(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    }

    /// What it has told so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap()
    }

    /// Waits until this is so, which a program that has ended brings about no more.
    pub(crate) fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            let has_ended = self.has_ended();
            if is_so() {
                return;
            }
            assert!(!has_ended, "it ended before: {}", self.stderr());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program has done all it does. Its threads that hang in the kernel stay until the storage lets them
    /// go, which `stalled` does only then: that the program comes here at all is the proof that it waits for none of them.
    pub(crate) fn end(mut self, stalled: Option<&Faulty>) -> Run {
        while !self.has_ended() {
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(storage) = stalled {
            assert!(storage.held() > 0, "the storage was to be stalled to the end");
            storage.release();
        }
        let status = self.child.wait().unwrap().code().unwrap();
        Run {
            status,
            folder: std::mem::take(&mut self.folder),
            _desk: Arc::clone(&self.desk),
        }
    }

    /// The first thread is gone: what is left of the process only waits for the kernel.
    fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let state = stat.rsplit_once(") ").unwrap().1;
        state.starts_with('Z') || state.starts_with('X')
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.child.kill();
    }
}

impl Run {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.folder.join("stdout")).unwrap()
    }

    /// What `scan` wrote to its output file, which is also what it printed.
    pub(crate) fn report(&self) -> Value {
        let file = fs::read(self.folder.join("out.json"));
        let file = file.unwrap_or_else(|error| unreachable!("{error}: {}", self.stderr()));
        assert!(
            file == fs::read(self.folder.join("stdout")).unwrap(),
            "both are complete"
        );
        serde_json::from_slice(&file).unwrap()
    }

    fn load(&self) -> Catalogue {
        let catalogue = Catalogue::load(&self.folder.join("out.catalogue"));
        catalogue.unwrap_or_else(|error| unreachable!("{error}: {}", self.stderr()))
    }

    /// The roots of the catalogue.
    pub(crate) fn roots(&self) -> Vec<RootRecord> {
        self.load().roots
    }

    pub(crate) fn catalogue(&self) -> Value {
        let catalogue = self.load();
        serde_json::json!({
            "artifacts": catalogue.artifacts,
            "bystanders": catalogue.bystanders,
            "specials": catalogue.specials,
            "issues": catalogue.issues,
        })
    }

    /// The verdict of the artifact with this path in its root.
    pub(crate) fn verdict(&self, path: &str) -> String {
        self.artifact(path)["verdict"].as_str().unwrap().to_owned()
    }

    /// The artifact with this path in its root.
    pub(crate) fn artifact(&self, path: &str) -> Value {
        let report = self.report();
        let mut artifacts = report["artifacts"].as_array().unwrap().iter();
        let found = artifacts.find(|artifact| artifact["relative_path"] == path);
        found
            .unwrap_or_else(|| unreachable!("{path} is no artifact: {}", self.stderr()))
            .clone()
    }

    /// Paths and errors of all issues.
    pub(crate) fn issues(&self) -> Vec<(String, String)> {
        let report = self.report();
        let issues = report["coverage"]["issues"].as_array().unwrap();
        let text = |issue: &Value, field: &str| issue[field].as_str().unwrap().to_owned();
        issues
            .iter()
            .map(|issue| (text(issue, "path"), text(issue, "error")))
            .collect()
    }
}

/// Says loudly that a test is left out: past the capture of the test harness.
pub(crate) fn skip(why: &str) {
    // Where nobody listens nothing is lost.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}\n");
}

/// What a catalogue holds besides these files, without what differs from mount to mount.
pub(crate) fn catalogue_without(catalogue: &Value, paths: &[&str]) -> Vec<Value> {
    let lists = ["artifacts", "bystanders", "specials"].map(|list| catalogue[list].as_array().unwrap());
    let mut entries: Vec<Value> = lists.into_iter().flatten().cloned().collect();
    entries.retain(|entry| !paths.contains(&entry["path"].as_str().unwrap()));
    for entry in &mut entries {
        entry.as_object_mut().unwrap().remove("device");
    }
    entries
}
