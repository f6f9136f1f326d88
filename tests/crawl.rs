//! Crawl, classify and read through the public interface, on trees made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use derelict::{
    catalogue::{Artifact, Catalogue, Issue, SkipReason, Stage},
    collect::{CollectOptions, RootArgument, collect},
    evidence::MarkCode,
    hash::hash_artifacts,
    interrupt::Answer,
    kind::{Basis, Kind},
    progress::{Hidden, Progress},
    raw::RawPath,
    settle::{candidates, settle},
};
use derelict_parsers::{DiskKind, testkit::vhdx::VhdxBuilder};

/// A text descriptor of one flat extent.
const DESCRIPTOR: &str = "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
     RW 2048 VMFS \"a-flat.vmdk\"\n";

const VMX: &str = ".encoding = \"UTF-8\"\nconfig.version = \"8\"\ndisplayName = \"a\"\n\
     scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"a.vmdk\"\n";

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn file(&self, relative: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A file of `length` zero bytes that takes no space.
    fn sparse(&self, relative: &str, length: u64) -> &Self {
        self.file(relative, "");
        let file = fs::OpenOptions::new().write(true).open(self.path(relative)).unwrap();
        file.set_len(length).unwrap();
        self
    }

    fn arguments(&self) -> [RootArgument; 1] {
        [root(self.0.path())]
    }

    fn collect(&self) -> Catalogue {
        self.collect_with(&CollectOptions::default())
    }

    fn collect_with(&self, options: &CollectOptions) -> Catalogue {
        collect(&self.arguments(), options, Arc::new(Hidden)).unwrap()
    }
}

fn root(path: &Path) -> RootArgument {
    RootArgument {
        path: path.to_owned(),
        aliases: Vec::new(),
    }
}

fn artifact<'a>(catalogue: &'a Catalogue, path: &str) -> &'a Artifact {
    catalogue
        .artifacts
        .iter()
        .find(|artifact| artifact.entry.path == RawPath::from(path))
        .unwrap_or_else(|| unreachable!("{path} is no artifact of {:?}", names(catalogue)))
}

fn hash(catalogue: &mut Catalogue, indexes: &[usize]) {
    let progress: Arc<dyn Progress> = Arc::new(Hidden);
    hash_artifacts(catalogue, indexes, &CollectOptions::default(), &progress).unwrap();
}

fn names(catalogue: &Catalogue) -> Vec<String> {
    let paths = catalogue.artifacts.iter().map(|artifact| &artifact.entry.path);
    paths.map(|path| path.lossy().into_owned()).collect()
}

fn bystanders(catalogue: &Catalogue) -> Vec<String> {
    let paths = catalogue.bystanders.iter().map(|entry| &entry.path);
    paths.map(|path| path.lossy().into_owned()).collect()
}

fn kind(catalogue: &Catalogue, path: &str) -> (Kind, Basis) {
    let artifact = artifact(catalogue, path);
    (artifact.kind, artifact.basis)
}

fn has_mark(artifact: &Artifact, code: MarkCode) -> bool {
    artifact.evidence.marks.iter().any(|mark| mark.code == code)
}

#[test]
fn ordinary_files_are_counted_but_kept_only_beside_an_artifact() {
    let tree = Tree::new();
    tree.file("docs/a.txt", "hello")
        .file("docs/deep/b.pdf", "12345678")
        .file("vm/a.vmx", VMX)
        .file("vm/.hidden", "x")
        .file("vm/README.txt", "x");
    fs::create_dir(tree.path("gone")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    assert_eq!(bystanders(&catalogue), ["vm/.hidden", "vm/README.txt"]);
    let root = &catalogue.roots[0];
    assert_eq!((root.directories, root.files), (5, 5));
    assert_eq!(root.apparent_bytes, 5 + 8 + 2 + u64::try_from(VMX.len()).unwrap());
    assert_eq!(root.empty_folders, ["gone".into()]);
    assert_eq!(catalogue.issues, []);
}

#[test]
fn a_configuration_is_read_into_references() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let catalogue = tree.collect();
    let vmx = artifact(&catalogue, "vm/a.vmx");
    assert_eq!((vmx.kind, vmx.basis), (Kind::Vmx, Basis::Both));
    assert_eq!(vmx.evidence.vm.as_ref().unwrap().name.as_deref(), Some("a"));
    let targets: Vec<_> = vmx.evidence.references.iter().map(|at| at.target.as_str()).collect();
    assert_eq!(targets, ["a.vmdk"]);
    assert_eq!(vmx.facts.value()["display_name"], "a");
}

#[test]
fn one_and_eight_threads_give_the_same_catalogue() {
    let tree = Tree::new();
    for folder in 0..40 {
        for file in 0..50 {
            tree.file(&format!("f{folder}/{file}.txt"), "x");
        }
        tree.file(&format!("f{folder}/a.vmx"), VMX)
            .file(&format!("f{folder}/a.vmdk"), DESCRIPTOR)
            .sparse(&format!("f{folder}/a-flat.vmdk"), 2048 * 512);
    }
    let collect = |threads| {
        let mut catalogue = tree.collect_with(&CollectOptions {
            threads: Some(threads),
            ..CollectOptions::default()
        });
        catalogue.roots[0].started = None;
        catalogue.roots[0].free_bytes = None;
        catalogue
    };
    let one = collect(1);
    assert_eq!(one.artifacts.len(), 120);
    assert_eq!(one.bystanders.len(), 2000);
    assert!(one == collect(8), "the number of threads must not show");
}

#[cfg(unix)]
#[test]
fn links_and_special_files_are_recorded_and_never_opened() {
    use std::os::unix::fs::symlink;

    let outside = Tree::new();
    outside.file("secret/b.vmx", VMX);
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    symlink(outside.path("secret"), tree.path("vm/out")).unwrap();
    symlink("../nowhere.vmdk", tree.path("vm/dangling.vmdk")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(tree.path("vm/pipe.vmdk"))
        .status();
    assert!(fifo.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("vm/socket")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let specials: Vec<_> = catalogue
        .specials
        .iter()
        .map(|special| (special.path.lossy(), special.target.as_ref().map(RawPath::lossy)))
        .map(|(path, target)| (path.into_owned(), target.map(std::borrow::Cow::into_owned)))
        .collect();
    let link = outside.path("secret").to_str().unwrap().to_owned();
    assert_eq!(
        specials,
        [
            ("vm/dangling.vmdk".to_owned(), Some("../nowhere.vmdk".to_owned())),
            ("vm/out".to_owned(), Some(link)),
            ("vm/pipe.vmdk".to_owned(), None),
            ("vm/socket".to_owned(), None),
        ]
    );
    assert_eq!(catalogue.roots[0].files, 1);
    assert_eq!(catalogue.issues, []);
}

/// Needs root for the device.
#[cfg(target_os = "linux")]
#[test]
fn loops_of_links_and_devices_are_recorded_and_end() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    symlink("..", tree.path("vm/up")).unwrap();
    symlink("b.vmdk", tree.path("vm/c.vmdk")).unwrap();
    symlink("c.vmdk", tree.path("vm/b.vmdk")).unwrap();
    symlink("self.vhdx", tree.path("vm/self.vhdx")).unwrap();
    let mut expected = vec!["vm/b.vmdk", "vm/c.vmdk", "vm/self.vhdx", "vm/up"];
    let device = std::process::Command::new("mknod")
        .arg(tree.path("vm/disk-flat.vmdk"))
        .args(["c", "1", "8"])
        .status();
    if device.is_ok_and(|status| status.success()) {
        // Whoever read /dev/random would never come to its end.
        expected.insert(2, "vm/disk-flat.vmdk");
    } else {
        skip("no device can be made here");
    }
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let specials: Vec<_> = catalogue.specials.iter().map(|special| special.path.lossy()).collect();
    assert_eq!(specials, expected);
    assert_eq!(catalogue.roots[0].directories, 2);
    assert_eq!(catalogue.issues, []);
}

/// Changes a file as soon as its folder was listed and before it is read.
#[cfg(target_os = "linux")]
struct Replaces(PathBuf);

#[cfg(target_os = "linux")]
impl Progress for Replaces {
    fn entries(&self, _: u64) {
        let new = self.0.with_extension("new");
        let Ok(times) = fs::metadata(&self.0) else { return };
        fs::write(&new, VMX).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&new).unwrap();
        file.set_modified(times.modified().unwrap()).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_replaced_by_another_of_its_length_and_time_before_it_is_read_is_told_by_its_inode() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let replaces = Arc::new(Replaces(tree.path("vm/a.vmx")));
    let options = CollectOptions {
        threads: Some(1),
        ..CollectOptions::default()
    };
    let catalogue = collect(&tree.arguments(), &options, replaces).unwrap();
    let vmx = artifact(&catalogue, "vm/a.vmx");
    assert!(has_mark(vmx, MarkCode::Changed), "{:?}", vmx.evidence.marks);
    assert_eq!(vmx.evidence.references.len(), 1, "the new one was read");
}

#[cfg(unix)]
#[test]
fn a_root_that_is_a_link_is_the_folder_behind_it() {
    let tree = Tree::new();
    tree.file("real/vm/a.vmx", VMX);
    std::os::unix::fs::symlink(tree.path("real"), tree.path("link")).unwrap();
    let catalogue = collect(
        &[root(&tree.path("link"))],
        &CollectOptions::default(),
        Arc::new(Hidden),
    )
    .unwrap();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
}

#[cfg(unix)]
#[test]
fn hard_links_have_an_entry_each_and_count_once() {
    let tree = Tree::new();
    tree.file("vm/a.vmdk", DESCRIPTOR);
    fs::create_dir(tree.path("other")).unwrap();
    fs::hard_link(tree.path("vm/a.vmdk"), tree.path("other/b.vmdk")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["other/b.vmdk", "vm/a.vmdk"]);
    let [first, second] = [&catalogue.artifacts[0].entry, &catalogue.artifacts[1].entry];
    assert_eq!(
        (first.device, first.inode, first.links),
        (second.device, second.inode, 2)
    );
    let root = &catalogue.roots[0];
    assert_eq!(
        (root.files, root.apparent_bytes),
        (2, u64::try_from(DESCRIPTOR.len()).unwrap())
    );
    assert_eq!(root.allocated_bytes, first.allocated);
}

#[cfg(unix)]
#[test]
fn a_file_that_nobody_may_write_to_is_told_from_others() {
    let tree = Tree::new();
    tree.sparse("vm/parent.vhdx", 4096).sparse("vm/disk.vhdx", 4096);
    let path = tree.path("vm/parent.vhdx");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let catalogue = tree.collect();
    assert!(artifact(&catalogue, "vm/parent.vhdx").entry.read_only);
    assert!(!artifact(&catalogue, "vm/disk.vhdx").entry.read_only);
}

#[cfg(unix)]
#[test]
fn names_are_kept_byte_by_byte() {
    use std::os::unix::ffi::OsStrExt;

    let tree = Tree::new();
    let odd: [&[u8]; 4] = [
        b"bad\xff\xfe.vmdk",
        b"new\nline.vmdk",
        b"esc\x1b[31m.vmdk",
        b"[ds] 100% a.vmdk",
    ];
    for name in odd {
        fs::write(tree.0.path().join(std::ffi::OsStr::from_bytes(name)), DESCRIPTOR).unwrap();
    }
    let catalogue = tree.collect();
    let mut expected: Vec<RawPath> = odd.iter().map(|name| RawPath::new(*name)).collect();
    expected.sort();
    let found: Vec<RawPath> = catalogue.artifacts.iter().map(|at| at.entry.path.clone()).collect();
    assert_eq!(found, expected);
    assert!(catalogue.artifacts.iter().all(|at| at.kind == Kind::VmdkDescriptor));
}

#[test]
fn excluded_places_are_left_out_and_named() {
    let tree = Tree::new();
    tree.file("keep/a.vmx", VMX)
        .file("keep/b.iso", "x")
        .file("old/c.vmx", VMX)
        .file("vm/.snapshot/hourly/a.vmx", VMX)
        .file("vm/Snapshots/a.vmx", VMX);
    let mut globs = globset::GlobSetBuilder::new();
    globs.add("old".parse().unwrap()).add("**/*.iso".parse().unwrap());
    let catalogue = tree.collect_with(&CollectOptions {
        exclude: globs.build().unwrap(),
        ..CollectOptions::default()
    });
    assert_eq!(names(&catalogue), ["keep/a.vmx", "vm/Snapshots/a.vmx"]);
    let skipped: Vec<_> = catalogue.roots[0]
        .skipped
        .iter()
        .map(|place| (place.path.lossy().into_owned(), place.why))
        .collect();
    assert_eq!(
        skipped,
        [
            ("keep/b.iso".to_owned(), SkipReason::Excluded),
            ("old".to_owned(), SkipReason::Excluded),
            ("vm/.snapshot".to_owned(), SkipReason::StorageSnapshot),
        ]
    );
    assert_eq!(catalogue.roots[0].files, 2);
}

#[test]
fn v81_hf9_hb10_previous_versions_are_left_out_and_named_and_like_names_are_read() {
    let tree = Tree::new();
    tree.file("a/@GMT-2026.11.22-10.30.00/a.vmx", VMX)
        .file("a/~snapshot/a.vmx", VMX)
        .file("System Volume Information/a.vmx", VMX)
        .file("a/@GMT-old/a.vmx", VMX)
        .file("a/snapshot/a.vmx", VMX)
        .file("$RECYCLE.BIN/a.vmx", VMX);
    let catalogue = tree.collect();
    assert_eq!(
        names(&catalogue),
        ["$RECYCLE.BIN/a.vmx", "a/@GMT-old/a.vmx", "a/snapshot/a.vmx"]
    );
    let skipped = &catalogue.roots[0].skipped;
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert!(skipped.iter().all(|place| place.why == SkipReason::StorageSnapshot));
}

#[test]
fn a_disk_is_recognised_by_content_whatever_its_name() {
    let tree = Tree::new();
    let mut vhdx = b"vhdxfile".to_vec();
    vhdx.resize(1 << 20, 0);
    let mut footer = vec![0; (1 << 20) + 512];
    footer[1 << 20..][..8].copy_from_slice(b"conectix");
    tree.file("far/backup of db", &vhdx)
        .file("far2/image.001", &footer)
        .file("far3/small", &vhdx[..4096])
        .file("vm/a.vmx", VMX)
        .file("vm/renamed", DESCRIPTOR)
        .file("vm/a.vmdk.iFire", DESCRIPTOR)
        .file("vm/b.vhd", &vhdx);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "far/backup of db"), (Kind::Vhdx, Basis::Content));
    assert_eq!(kind(&catalogue, "far2/image.001"), (Kind::Vhd, Basis::Content));
    assert!(
        !names(&catalogue).contains(&"far3/small".to_owned()),
        "too small to be probed far from any artifact"
    );
    assert_eq!(kind(&catalogue, "vm/renamed"), (Kind::VmdkDescriptor, Basis::Content));
    assert_eq!(
        kind(&catalogue, "vm/a.vmdk.iFire"),
        (Kind::VmdkDescriptor, Basis::Content)
    );
    assert_eq!(kind(&catalogue, "vm/b.vhd"), (Kind::Vhdx, Basis::Conflict));
}

#[test]
fn a_small_file_is_probed_where_a_large_one_turned_out_to_be_a_disk() {
    let tree = Tree::new();
    let mut vhdx = b"vhdxfile".to_vec();
    vhdx.resize(1 << 20, 0);
    tree.file("x/large", &vhdx)
        .file("x/small", DESCRIPTOR)
        .file("x/note.txt", "n");
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["x/large", "x/small"]);
    assert_eq!(bystanders(&catalogue), ["x/note.txt"]);
}

#[test]
fn a_name_without_its_content_is_a_conflict_or_empty_and_opaque() {
    let tree = Tree::new();
    let guid = "B90AC31B-C6F8-479F-9B91-07B894A6A3F6";
    tree.file("vm/text.vmcx", "only a note\n")
        .file("vm/empty.vmx", "")
        .file("vm/empty.vmsd", "")
        .file(&format!("vm/{guid}.xml"), "<?xml version=\"1.0\"?><other/>")
        .file("vm/zeros.vmx", [0; 100]);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "vm/text.vmcx"), (Kind::Vmcx, Basis::Conflict));
    let empty = artifact(&catalogue, "vm/empty.vmx");
    assert!(has_mark(empty, MarkCode::Empty));
    assert!(empty.evidence.vm.as_ref().unwrap().opaque.is_some());
    let list = artifact(&catalogue, "vm/empty.vmsd");
    assert!(has_mark(list, MarkCode::Empty));
    assert!(list.evidence.vm.is_none(), "an empty snapshot list is the usual one");
    let zeros = artifact(&catalogue, "vm/zeros.vmx");
    assert!(has_mark(zeros, MarkCode::Damaged));
    assert!(zeros.evidence.vm.as_ref().unwrap().opaque.is_some());
    let stages: Vec<_> = catalogue
        .issues
        .iter()
        .map(|issue| (issue.path.lossy(), issue.stage))
        .collect();
    assert!(stages.contains(&("vm/zeros.vmx".into(), Stage::Parse)), "{stages:?}");
    assert_eq!(bystanders(&catalogue), [format!("vm/{guid}.xml")]);
}

#[test]
fn hf11_a_flat_extent_with_its_descriptor_is_not_opened() {
    let tree = Tree::new();
    tree.file("vm/a.vmdk", DESCRIPTOR).sparse("vm/a-flat.vmdk", 8 << 20);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "vm/a-flat.vmdk"), (Kind::VmdkFlat, Basis::Name));
    assert_eq!(kind(&catalogue, "vm/a.vmdk"), (Kind::VmdkDescriptor, Basis::Both));
    let flat = &artifact(&catalogue, "vm/a-flat.vmdk").entry;
    assert_eq!((flat.length, flat.allocated), (8 << 20, Some(0)));
}

#[test]
fn system_files_are_told_by_their_place() {
    let tree = Tree::new();
    tree.sparse(".fbb.sf", 1 << 20)
        .file(".dvsData/50 2a/100", "port")
        .file("vm/.fbb.sf", "x")
        .file("vm/.dvsData/100", "x");
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), [".dvsData/50 2a/100", ".fbb.sf"]);
    assert!(catalogue.artifacts.iter().all(|at| at.kind == Kind::DatastoreSystem));
}

/// Remembers what it heard.
#[derive(Default)]
struct Listener {
    files: AtomicU64,
    artifacts: AtomicU64,
    bytes: AtomicU64,
}

impl Progress for Listener {
    fn entries(&self, count: u64) {
        self.files.fetch_add(count, Ordering::Relaxed);
    }

    fn artifacts(&self, count: u64) {
        self.artifacts.fetch_add(count, Ordering::Relaxed);
    }

    fn bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
    }
}

#[test]
fn progress_hears_of_every_file_artifact_and_byte() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.txt", "x").file("c.txt", "y");
    let heard = Arc::new(Listener::default());
    let listener: Arc<dyn Progress> = heard.clone();
    let options = CollectOptions::default();
    let mut catalogue = collect(&tree.arguments(), &options, Arc::clone(&listener)).unwrap();
    hash_artifacts(&mut catalogue, &[0], &options, &listener).unwrap();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    assert_eq!((load(&heard.files), load(&heard.artifacts)), (3, 1));
    assert_eq!(load(&heard.bytes), u64::try_from(VMX.len()).unwrap());
    assert_eq!(
        catalogue.artifacts[0].blake3.as_deref(),
        Some(blake3::hash(VMX.as_bytes()).to_hex().as_str())
    );
}

/// Hears of artifacts while the only folder is not done.
#[derive(Default)]
struct Early {
    done: AtomicU64,
    artifacts: AtomicU64,
}

impl Progress for Early {
    fn folders(&self, _: u64, done: u64) {
        self.done.fetch_add(done, Ordering::Relaxed);
    }

    fn artifacts(&self, count: u64) {
        if self.done.load(Ordering::Relaxed) == 0 && count == 1 {
            self.artifacts.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn progress_hears_of_artifacts_before_their_folder_is_done() {
    let tree = Tree::new();
    for number in 0..50 {
        tree.file(&format!("{number}.vmx"), VMX);
    }
    let heard = Arc::new(Early::default());
    let listener: Arc<dyn Progress> = heard.clone();
    collect(&tree.arguments(), &CollectOptions::default(), listener).unwrap();
    assert_eq!(heard.artifacts.load(Ordering::Relaxed), 50);
}

#[test]
fn a_file_that_vanished_before_hashing_is_an_issue() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX).file("vm/b.vmx", VMX);
    let mut catalogue = tree.collect();
    fs::remove_file(tree.path("vm/a.vmx")).unwrap();
    hash(&mut catalogue, &[0, 1]);
    assert_eq!(artifact(&catalogue, "vm/a.vmx").blake3, None);
    assert!(artifact(&catalogue, "vm/b.vmx").blake3.is_some());
    assert_eq!((catalogue.issues.len(), catalogue.issues[0].stage), (1, Stage::Hash));
}

#[test]
fn a_disk_that_somebody_opened_between_two_looks_is_seen_by_the_counters_of_its_header() {
    let tree = Tree::new();
    let disk = |sequence_number| VhdxBuilder {
        sequence_number,
        ..VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, 1)
    };
    tree.file("vm/a.vhdx", disk(6).bytes())
        .file("vm/b.vhdx", disk(6).bytes());
    let mut catalogue = tree.collect();
    tree.file("vm/a.vhdx", disk(8).bytes());
    let all = candidates(&catalogue);
    settle(
        &mut catalogue,
        &all,
        Duration::ZERO,
        &CollectOptions::default(),
        &Hidden,
    )
    .unwrap();
    let changes = |path: &str| {
        let look = artifact(&catalogue, path).second_look.as_ref();
        look.unwrap().changes.join("\n")
    };
    let of_a = changes("vm/a.vhdx");
    assert!(of_a.contains("its header from sequence"), "{of_a}");
    assert!(has_mark(artifact(&catalogue, "vm/a.vhdx"), MarkCode::Changed));
    assert_eq!(changes("vm/b.vhdx"), "");
}

#[test]
fn hf12_a_scan_changes_nothing_in_the_tree() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX)
        .file("vm/a.vmdk", DESCRIPTOR)
        .sparse("vm/a-flat.vmdk", 1 << 20);
    let state = || {
        let mut files: Vec<_> = walkdir::WalkDir::new(tree.0.path())
            .into_iter()
            .map(Result::unwrap)
            .map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().modified().unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = state();
    let mut catalogue = tree.collect();
    hash(&mut catalogue, &[0, 1, 2]);
    assert_eq!(state(), before);
}

/// The owner, and root, may leave access times alone.
#[cfg(target_os = "linux")]
#[test]
fn hf12_access_times_of_files_and_folders_stay_as_they_were() {
    let tree = Tree::new();
    tree.file("read/a.txt", "x")
        .file("root/vm/a.vmx", VMX)
        .file("root/vm/a.vmdk", DESCRIPTOR)
        .sparse("root/vm/a-flat.vmdk", 1 << 20)
        .file("root/other/a.txt", "x");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let paths: Vec<PathBuf> = walkdir::WalkDir::new(tree.0.path())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect();
    let times = || {
        let accessed = |path: &PathBuf| fs::symlink_metadata(path).unwrap().accessed().unwrap();
        paths.iter().map(accessed).collect::<Vec<_>>()
    };
    for path in &paths {
        let file = fs::File::open(path).unwrap();
        file.set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
    }
    let before = times();
    for cross_file_systems in [false, true] {
        let options = CollectOptions {
            cross_file_systems,
            ..CollectOptions::default()
        };
        let mut catalogue = collect(&[root(&tree.path("root"))], &options, Arc::new(Hidden)).unwrap();
        hash(&mut catalogue, &[0, 1, 2]);
        assert_eq!(catalogue.artifacts.len(), 3);
        assert_eq!(times(), before);
    }
    assert_eq!(fs::read_dir(tree.path("read")).unwrap().count(), 1);
    if times() == before {
        skip("the file system of temporary files keeps no access times");
    }
}

#[test]
fn a_root_that_is_missing_or_a_file_is_an_error_that_names_it() {
    let tree = Tree::new();
    tree.file("file", "x");
    for name in ["nowhere", "file"] {
        let error = collect(&[root(&tree.path(name))], &CollectOptions::default(), Arc::new(Hidden)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn the_same_folder_through_two_roots_is_in_both() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let roots = [root(tree.0.path()), root(&tree.path("vm"))];
    let catalogue = collect(&roots, &CollectOptions::default(), Arc::new(Hidden)).unwrap();
    let places: Vec<_> = catalogue
        .artifacts
        .iter()
        .map(|at| (at.entry.root, at.entry.path.lossy()))
        .collect();
    assert_eq!(places, [(0, "vm/a.vmx".into()), (1, "a.vmx".into())]);
    assert_eq!(catalogue.artifacts[0].entry.inode, catalogue.artifacts[1].entry.inode);
}

/// Longer paths than the system takes are reached through descriptors only.
#[cfg(target_os = "linux")]
#[test]
fn a_tree_deeper_than_the_longest_path_is_seen_whole() {
    use rustix::fs::{Mode, OFlags, mkdirat, open, openat};

    let tree = Tree::new();
    let name = "d".repeat(200);
    let mut folder = open(tree.0.path(), OFlags::DIRECTORY, Mode::empty()).unwrap();
    for _ in 0..25 {
        mkdirat(&folder, &name, Mode::RWXU).unwrap();
        folder = openat(&folder, &name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let file = openat(&folder, "a.vmx", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    rustix::io::write(&file, VMX.as_bytes()).unwrap();
    let catalogue = tree.collect();
    assert!(catalogue.issues.is_empty(), "{:?}", catalogue.issues);
    assert_eq!(catalogue.roots[0].directories, 26);
    let [vmx] = catalogue.artifacts.as_slice() else {
        unreachable!("{:?}", catalogue.artifacts)
    };
    assert_eq!(vmx.entry.path.as_bytes().len(), 25 * 201 + "a.vmx".len());
    assert_eq!(vmx.evidence.references.len(), 1, "it was opened and read");
}

#[test]
fn what_was_not_looked_at_when_the_user_ended_the_scan_is_named() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let options = CollectOptions::default();
    options.stop.listen();
    assert_eq!(options.stop.ask(), Answer::Ends);
    let catalogue = tree.collect_with(&options);
    // How far it came depends on the machine: a folder has either been looked at, or it is named or lies below one that is.
    // One may be named with the one that holds it, whose files are still asked for while it is entered.
    let is_whole = catalogue.issues.is_empty();
    assert_eq!(catalogue.roots[0].directories == 2, is_whole, "{:?}", catalogue.issues);
    assert!(!is_whole || catalogue.artifacts.len() == 1, "{:?}", catalogue.artifacts);
    let names_why = |issue: &Issue| issue.folder && issue.error.contains("interrupted");
    assert!(catalogue.issues.iter().all(names_why), "{:?}", catalogue.issues);
}

/// Root is stopped by no permission, so the test runs itself again as `nobody`. A folder that can be listed and not
/// searched tells names and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_an_issue_and_an_artifact_by_its_name() {
    use std::os::unix::fs::PermissionsExt;

    const TREE: &str = "DERELICT_TEST_UNREADABLE_TREE";
    if let Ok(path) = std::env::var(TREE) {
        let catalogue = collect(&[root(Path::new(&path))], &CollectOptions::default(), Arc::new(Hidden)).unwrap();
        assert_eq!(
            names(&catalogue),
            ["closed.vmx", "listed/c-flat.vmdk", "listed/c.vmx", "open/a.vmx"]
        );
        let issues: Vec<_> = catalogue
            .issues
            .iter()
            .map(|issue| (issue.path.lossy(), issue.stage, issue.folder))
            .collect();
        assert_eq!(
            issues,
            [
                ("closed".into(), Stage::Crawl, true),
                ("closed.vmx".into(), Stage::Read, false),
                ("listed/c-flat.vmdk".into(), Stage::Stat, false),
                ("listed/c.vmx".into(), Stage::Stat, false),
                ("listed/notes".into(), Stage::Stat, false)
            ]
        );
        assert_eq!(catalogue.bystanders.len(), 1, "the notes are there all the same");
        for path in ["listed/c-flat.vmdk", "listed/c.vmx"] {
            assert!(has_mark(artifact(&catalogue, path), MarkCode::Unreadable), "{path}");
        }
        assert!(
            artifact(&catalogue, "listed/c.vmx")
                .evidence
                .vm
                .as_ref()
                .unwrap()
                .opaque
                .is_some()
        );
        let closed = artifact(&catalogue, "closed.vmx");
        assert!(has_mark(closed, MarkCode::Unreadable));
        assert!(closed.evidence.vm.as_ref().unwrap().opaque.is_some());
        let whole = collect(
            &[root(&Path::new(&path).join("closed"))],
            &CollectOptions::default(),
            Arc::new(Hidden),
        );
        assert!(whole.is_err(), "no root can be read");
        return;
    }
    let tree = Tree::new();
    tree.file("open/a.vmx", VMX)
        .file("closed/b.vmx", VMX)
        .file("closed.vmx", VMX)
        .file("listed/c.vmx", VMX)
        .file("listed/c-flat.vmdk", "x")
        .file("listed/notes", "x");
    let mode = |name: &str, mode| fs::set_permissions(tree.path(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("", 0o755);
    mode("closed", 0);
    mode("closed.vmx", 0);
    mode("listed", 0o444);
    let program = std::env::current_exe().unwrap();
    let test = "what_cannot_be_read_is_an_issue_and_an_artifact_by_its_name";
    let status = if fs::read_dir(tree.path("closed")).is_err() {
        std::process::Command::new(&program)
            .args(["--exact", test])
            .env(TREE, tree.0.path())
            .status()
    } else {
        std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(["--exact", test])
            .env(TREE, tree.0.path())
            .status()
    };
    mode("closed", 0o755);
    mode("listed", 0o755);
    match status {
        Ok(status) => assert!(status.success(), "the test as nobody failed"),
        Err(error) => skip(&format!("setpriv cannot be run: {error}")),
    }
}

/// A lease is what the kernel's own file servers hold a file by; breaking one takes up to 45 s for whoever would wait.
#[cfg(target_os = "linux")]
#[test]
fn hf12_a_file_that_somebody_holds_does_not_stall_the_scan() {
    use std::{io::Read, process::Stdio};

    const HOLDER: &str = "import fcntl, os, signal, sys, time\n\
         signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
         held = os.open(sys.argv[1], os.O_RDWR)\n\
         fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
         print('held', flush=True)\n\
         time.sleep(40)\n";
    let tree = Tree::new();
    tree.file("vm/a.vhdx", "vhdxfile").file("vm/b.vmx", VMX);
    let holder = std::process::Command::new("python3")
        .args(["-c", HOLDER])
        .arg(tree.path("vm/a.vhdx"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut holder) = holder else {
        return skip("python3 cannot be run");
    };
    // Open until the end: the holder must not die of writing to nobody.
    let mut told = holder.stdout.take().unwrap();
    if told.read_exact(&mut [0; 5]).is_err() {
        holder.wait().unwrap();
        return skip("no lease can be taken here");
    }
    let catalogue = tree.collect();
    let still_held = holder.try_wait().unwrap().is_none();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(still_held, "waited for the holder");
    assert_eq!(names(&catalogue), ["vm/a.vhdx", "vm/b.vmx"]);
    // Whether the second try is let in is up to the kernel; what became of the first must be told if not.
    let disk = artifact(&catalogue, "vm/a.vhdx");
    assert!(has_mark(disk, MarkCode::SharingViolation) || disk.basis == Basis::Both);
}

/// Needs root and a tmpfs.
#[cfg(target_os = "linux")]
#[test]
fn another_file_system_is_entered_only_when_asked() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    fs::create_dir(tree.path("mnt")).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "none"])
        .arg(tree.path("mnt"))
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return skip("a tmpfs cannot be mounted here");
    }
    tree.file("mnt/b.vmx", VMX);
    let stay = tree.collect();
    let cross = tree.collect_with(&CollectOptions {
        cross_file_systems: true,
        ..CollectOptions::default()
    });
    let umount = std::process::Command::new("umount").arg(tree.path("mnt")).status();
    assert!(umount.unwrap().success());
    assert_eq!(names(&stay), ["vm/a.vmx"]);
    assert_eq!(stay.roots[0].skipped[0].why, SkipReason::OtherFileSystem);
    assert_eq!(stay.roots[0].skipped[0].path, "mnt".into());
    assert_eq!(names(&cross), ["mnt/b.vmx", "vm/a.vmx"]);
}

/// Needs root. A folder that is mounted into itself is no end, for the mount is not in the folder that is mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_bind_mount_of_the_tree_into_itself_ends_and_shows_the_same_files() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    fs::create_dir(tree.path("again")).unwrap();
    let mount = std::process::Command::new("mount")
        .arg("--bind")
        .args([tree.path(""), tree.path("again")])
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        return skip("nothing can be mounted here");
    }
    let catalogue = tree.collect();
    let umount = std::process::Command::new("umount").arg(tree.path("again")).status();
    assert!(umount.unwrap().success());
    assert_eq!(names(&catalogue), ["again/vm/a.vmx", "vm/a.vmx"]);
    let [one, other] = [&catalogue.artifacts[0].entry, &catalogue.artifacts[1].entry];
    assert_eq!(
        (one.device, one.inode),
        (other.device, other.inode),
        "one file, seen twice"
    );
    assert_eq!(catalogue.issues, []);
}

#[test]
fn snapshot_folders_of_the_storage_are_left_out_and_named() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let folders = [
        "#snapshot",
        ".ckpt",
        ".snap",
        ".snaps",
        ".snapshot",
        ".snapshots",
        "@GMT-2026.11.22-10.30.00",
        "@Recently-Snapshot",
        "@snapshots",
        "vm/.zfs",
        "~snapshot",
    ];
    for folder in folders {
        tree.file(&format!("{folder}/1/vm/a.vmx"), VMX);
    }
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    let skipped = catalogue.roots[0].skipped.iter();
    let skipped: Vec<_> = skipped.map(|place| (place.path.lossy(), place.why)).collect();
    assert_eq!(skipped, folders.map(|path| (path.into(), SkipReason::StorageSnapshot)));
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// Panics once, at the first files that are seen.
struct PanicsOnce(AtomicU64);

impl Progress for PanicsOnce {
    fn entries(&self, _: u64) {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "a fault of ours");
    }
}

#[test]
fn a_panic_over_a_folder_is_its_issue_and_the_crawl_goes_on() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    for threads in [1, 8] {
        let options = CollectOptions {
            threads: Some(threads),
            ..CollectOptions::default()
        };
        let catalogue = collect(&tree.arguments(), &options, Arc::new(PanicsOnce(AtomicU64::new(0)))).unwrap();
        let issues: Vec<_> = catalogue.issues.iter().map(|issue| issue.error.as_str()).collect();
        assert_eq!(issues.len(), 1);
        assert!(
            issues[0].starts_with("panicked: please report this folder"),
            "{issues:?}"
        );
        assert_eq!(catalogue.roots[0].directories, 1);
    }
}
