//! Makes a site in a temporary folder, judges it, and says in words what was expected and what came out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use derelict::{
    accept::Accepted,
    catalogue::{Catalogue, Issue, SkipReason, Skipped, Stage},
    collect::{CollectOptions, RootArgument, collect},
    evidence::{Evidence, Mark, MarkCode, VmEvidence},
    inventory::{
        BackedUpVm, Backups, Checkpoint, DatastoreRecord, HostRecord, Inventory, InventoryKind, InventoryWarning,
        ListedFile, Listing, Observations, RegisteredObject, Registration, VmGrant,
    },
    kind::{Platform, Role},
    progress::Hidden,
    raw::RawPath,
    reconcile::{Options, Told, reconcile},
    report::{
        codes::{Class, ProblemCode},
        model::{ArtifactReport, Report, Verdict},
    },
    rules::Rules,
};
use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        SparseFile, guid,
        hyperv_vm::{HypervDrive, HypervVm},
        vhdx::{ParentPaths, VhdxBuilder},
        vmware::{DescriptorBuilder, VmxBuilder, cowd, nfs_lock, nfs_lock_name},
    },
};
use jiff::Timestamp;
use uuid::Uuid;

/// When the inventories are taken.
pub(crate) const TAKEN: &str = "2026-10-01T00:00:00Z";

/// When files were written unless a test says otherwise.
const OLD: &str = "2026-09-01T00:00:00Z";

/// As of when the report judges ages.
const AS_OF: &str = "2026-11-01T00:00:00Z";

/// Sectors of the disks that are made here: 4 MiB.
pub(crate) const SECTORS: u64 = 8192;

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Content id of the disk with this file name, so that chains fit without writing the ids down.
pub(crate) fn cid(name: &str) -> u32 {
    let name = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".vmdk");
    name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) & 0x7fff_ffff
}

/// A number that differs from name to name, for identities.
fn seed(name: &str) -> u64 {
    u64::from(cid(name)) << 8
}

/// Identity of the VM with this name, on both platforms.
pub(crate) fn vm_id(name: &str) -> Uuid {
    guid(seed(name), 7)
}

/// A `.vmx` whose files begin with `name`, with one SCSI disk for each path.
pub(crate) fn vmx(name: &str, disks: &[&str]) -> VmxBuilder {
    let mut builder = VmxBuilder::new(name, name).uuids(guid(seed(name), 9), vm_id(name));
    for (number, disk) in disks.iter().enumerate() {
        builder = builder.disk(&format!("scsi0:{number}"), disk);
    }
    builder
}

/// A descriptor of a flat disk with the content id of its name.
pub(crate) fn descriptor(name: &str) -> DescriptorBuilder {
    DescriptorBuilder::vmfs(name, SECTORS, cid(name), guid(seed(name), 3))
}

/// A dynamic VHDX whose identities follow from `name`.
pub(crate) fn vhdx(name: &str) -> VhdxBuilder {
    VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, seed(name))
}

/// A differencing child of the disk that [`vhdx`] makes of `parent`.
pub(crate) fn child(name: &str, parent: &VhdxBuilder, relative: &str) -> VhdxBuilder {
    let paths = ParentPaths {
        relative,
        ..ParentPaths::default()
    };
    VhdxBuilder::child_of(parent, paths, seed(name))
}

/// A Hyper-V VM with one SCSI disk for each path.
pub(crate) fn hyperv_vm(name: &str, disks: &[&str]) -> HypervVm {
    let mut vm = HypervVm::new(name, vm_id(name));
    for (number, disk) in disks.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        vm.drives.push(HypervDrive::disk(ControllerKind::Scsi, number, *disk));
    }
    vm
}

/// A change to the catalogue that no file system here can make.
type Change = Box<dyn Fn(&mut Catalogue)>;

/// A site: roots with files, inventories, and what the user says.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    roots: Vec<(String, Vec<String>)>,
    inventories: Vec<Inventory>,
    backups: Option<Backups>,
    rules: Rules,
    assume_complete: bool,
    created: BTreeMap<String, Timestamp>,
    changes: Vec<Change>,
    mutate: bool,
}

impl Site {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            roots: Vec::new(),
            inventories: Vec::new(),
            backups: None,
            rules: Rules::built_in().unwrap(),
            assume_complete: false,
            created: BTreeMap::new(),
            changes: Vec::new(),
            mutate: true,
        }
    }

    /// One root `ds1`, which is the datastore of that label.
    pub(crate) fn vmware() -> Self {
        Self::new().root("ds1", &["ds1"])
    }

    /// One root `csv1`, which is `C:\ClusterStorage\Volume1`.
    pub(crate) fn hyperv() -> Self {
        Self::new().root("csv1", &[r"C:\ClusterStorage\Volume1"])
    }

    /// No root yet.
    pub(crate) fn bare() -> Self {
        Self::new()
    }

    pub(crate) fn root(mut self, name: &str, aliases: &[&str]) -> Self {
        fs::create_dir_all(self.folder.path().join(name)).unwrap();
        let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
        self.roots.push((name.to_owned(), aliases));
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Where a file lies on this machine.
    pub(crate) fn place(&self, path: &str) -> String {
        self.path(path).to_str().unwrap().to_owned()
    }

    /// A file; the first part of every path is the root.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let mut file = SparseFile::new(0);
        file.put(0, content.as_ref());
        self.sparse(path, &file)
    }

    /// A file that is mostly holes.
    pub(crate) fn sparse(self, path: &str, content: &SparseFile) -> Self {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let mut file = fs::File::create(&place).unwrap();
        file.set_len(content.length).unwrap();
        for (offset, bytes) in &content.parts {
            file.seek(SeekFrom::Start(*offset)).unwrap();
            file.write_all(bytes).unwrap();
        }
        drop(file);
        self.modified(path, OLD)
    }

    /// A file of zeros.
    pub(crate) fn zeros(self, path: &str, length: u64) -> Self {
        self.sparse(path, &SparseFile::new(length))
    }

    /// Sets the time of the last change.
    pub(crate) fn modified(self, path: &str, time: &str) -> Self {
        let since = u64::try_from(at(time).as_second()).unwrap();
        let file = fs::File::options().write(true).open(self.path(path)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
            .unwrap();
        self
    }

    /// Sets the time of the last change of each.
    pub(crate) fn all_modified(self, paths: &[&str], time: &str) -> Self {
        paths.iter().fold(self, |site, path| site.modified(path, time))
    }

    /// Sets the time of creation, which no file has otherwise.
    pub(crate) fn created(mut self, path: &str, time: &str) -> Self {
        self.created.insert(path.to_owned(), at(time));
        self
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(target, self.path(path)).unwrap();
            self
        }
        // The making of one takes a privilege there, so the catalogue is told what the crawl would tell.
        #[cfg(windows)]
        {
            let (path, target) = (path.to_owned(), target.to_owned());
            self.change(move |catalogue| {
                let (root, path) = split(catalogue, &path);
                catalogue.specials.push(derelict::catalogue::Special {
                    root,
                    path: path.as_str().into(),
                    target: Some(target.as_str().into()),
                });
            })
        }
    }

    pub(crate) fn hard_link(self, path: &str, of: &str) -> Self {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::hard_link(self.path(of), self.path(path)).unwrap();
        self
    }

    /// A flat disk of VMware: `<stem>.vmdk` and `<stem>-flat.vmdk`.
    pub(crate) fn disk(self, stem: &str) -> Self {
        let name = stem.rsplit('/').next().unwrap().to_owned();
        self.file(&format!("{stem}.vmdk"), descriptor(&name).build())
            .zeros(&format!("{stem}-flat.vmdk"), SECTORS * 512)
    }

    /// A snapshot link of VMware: `<stem>.vmdk` and `<stem>-delta.vmdk`.
    pub(crate) fn delta(self, stem: &str, hint: &str) -> Self {
        let name = stem.rsplit('/').next().unwrap().to_owned();
        let link = DescriptorBuilder::cowd_link(&name, SECTORS, cid(&name), hint, cid(hint));
        self.file(&format!("{stem}.vmdk"), link.build())
            .file(&format!("{stem}-delta.vmdk"), cowd(u32::try_from(SECTORS).unwrap()))
    }

    /// `<folder>/<name>/<name>.vmx` with its disks.
    pub(crate) fn vmx(self, folder: &str, name: &str, disks: &[&str]) -> Self {
        self.file(&format!("{folder}/{name}.vmx"), vmx(name, disks).build())
    }

    /// A VM with one disk in `<root>/<name>`.
    pub(crate) fn vm(self, root: &str, name: &str) -> Self {
        let folder = format!("{root}/{name}");
        self.vmx(&folder, name, &[&format!("{name}.vmdk")])
            .disk(&format!("{folder}/{name}"))
    }

    /// The lock of a file on NFS 3, beside it.
    pub(crate) fn nfs_lock(self, of: &str, host: &str) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(self.path(of)).unwrap());
        #[cfg(windows)]
        let inode = {
            let file = winapi_util::Handle::from_path(self.path(of)).unwrap();
            winapi_util::file::information(file).unwrap().file_index()
        };
        let lock = format!("{}/{}", of.rsplit_once('/').unwrap().0, nfs_lock_name(inode));
        self.file(&lock, nfs_lock(host))
    }

    /// A Hyper-V configuration `<folder>/Virtual Machines/<ID>.vmcx`.
    pub(crate) fn vmcx(self, folder: &str, vm: &HypervVm) -> Self {
        self.file(&vmcx_path(folder, vm.id), vm.to_vmcx())
    }

    /// A VHDX.
    pub(crate) fn vhdx(self, path: &str, disk: &VhdxBuilder) -> Self {
        self.sparse(path, &disk.build())
    }

    pub(crate) fn inventory(mut self, inventory: Inventory) -> Self {
        self.inventories.push(inventory);
        self
    }

    /// A list of a backup product that names these VMs.
    pub(crate) fn backups(mut self, vms: &[BackedUpVm]) -> Self {
        self.backups = Some(Backups {
            vms: vms.to_vec(),
            files: vec!["jobs.csv".to_owned()],
            warnings: Vec::new(),
        });
        self
    }

    pub(crate) fn rules(mut self, text: &str) -> Self {
        self.rules.extend("test", text).unwrap();
        self
    }

    pub(crate) fn assume_complete(mut self) -> Self {
        self.assume_complete = true;
        self
    }

    /// A change to the catalogue that no file system here can make.
    pub(crate) fn change(mut self, change: impl Fn(&mut Catalogue) + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// A mark that no file here can carry: a sharing violation.
    pub(crate) fn mark(self, path: &str, code: MarkCode) -> Self {
        let path = path.to_owned();
        self.change(move |catalogue| {
            let place = find(catalogue, &path);
            catalogue.artifacts[place].evidence.marks.push(Mark {
                code,
                text: "made by the test".to_owned(),
                offset: None,
            });
        })
    }

    /// A file system of another type; `None` where the system does not tell it.
    pub(crate) fn file_system(self, root: usize, name: Option<&str>) -> Self {
        let name = name.map(str::to_owned);
        self.change(move |catalogue| catalogue.roots[root].file_system.clone_from(&name))
    }

    /// Files that the file system does not number: it does not tell one from another.
    pub(crate) fn unnumbered(self, paths: &[&str]) -> Self {
        paths.iter().fold(self, |site, path| {
            let path = (*path).to_owned();
            site.change(move |catalogue| {
                let place = find(catalogue, &path);
                let entry = &mut catalogue.artifacts[place].entry;
                (entry.inode, entry.links) = (0, 1);
            })
        })
    }

    /// A folder that could not be listed: what lies in it is not in the catalogue.
    pub(crate) fn unreadable_folder(self, path: &str) -> Self {
        let path = path.to_owned();
        self.change(move |catalogue| {
            let (root, folder) = split(catalogue, &path);
            hide_folder(catalogue, root, folder.as_bytes());
        })
    }

    /// A file that `--exclude` leaves out.
    pub(crate) fn excluded(self, path: &str) -> Self {
        let path = path.to_owned();
        self.change(move |catalogue| {
            let place = find(catalogue, &path);
            exclude(catalogue, place);
        })
    }

    /// A configuration or disk that cannot be opened.
    pub(crate) fn unreadable_file(self, path: &str) -> Self {
        let path = path.to_owned();
        self.change(move |catalogue| {
            let place = find(catalogue, &path);
            make_unreadable(catalogue, place);
        })
    }

    /// Only this view: the scenario shows a loss that nothing left in the evidence could tell.
    pub(crate) fn only_as_it_is(mut self) -> Self {
        self.mutate = false;
        self
    }

    fn catalogue(&self) -> Catalogue {
        let roots: Vec<RootArgument> = self
            .roots
            .iter()
            .map(|(name, aliases)| RootArgument {
                path: self.path(name),
                aliases: aliases.clone(),
            })
            .collect();
        let mut catalogue = collect(&roots, &CollectOptions::default(), Arc::new(Hidden)).unwrap();
        // That the tests run on some file system says nothing of the site: its own numbers the files.
        for root in &mut catalogue.roots {
            root.file_system = Some("nfs".to_owned());
        }
        let names: Vec<String> = self.roots.iter().map(|(name, _)| name.clone()).collect();
        for artifact in &mut catalogue.artifacts {
            let path = format!("{}/{}", names[artifact.entry.root], artifact.entry.path.lossy());
            artifact.entry.created = self.created.get(&path).copied();
            artifact.entry.changed = None;
        }
        for change in &self.changes {
            change(&mut catalogue);
        }
        catalogue.sort();
        catalogue
    }

    /// Judges the site, and checks what holds of every judgement and of everything that may be taken away.
    pub(crate) fn judge(mut self) -> Judged {
        let catalogue = self.catalogue();
        let options = Options {
            as_of: at(AS_OF),
            assume_complete: self.assume_complete,
            rules: std::mem::take(&mut self.rules),
            inventory_issues: Vec::new(),
            backups: self.backups.take(),
            accepted: Accepted::default(),
        };
        let views = Views {
            inventories: &self.inventories,
            options: &options,
            roots: &self.roots,
        };
        let judged = views.judge(&catalogue, &self.inventories);
        judged.check("as it is");
        views.without_inventories(&catalogue);
        if self.mutate {
            views.take_away(&catalogue, &judged);
        }
        judged
    }
}

/// A report that outlives what it is made of.
fn kept(report: Report<Told<'_>>) -> Report {
    report.listed()
}

/// The same evidence with parts taken away.
struct Views<'a> {
    inventories: &'a [Inventory],
    options: &'a Options,
    roots: &'a [(String, Vec<String>)],
}

impl Views<'_> {
    fn judge(&self, catalogue: &Catalogue, inventories: &[Inventory]) -> Judged {
        let report = reconcile(catalogue, inventories, self.options, kept);
        Judged::new(report, self.roots)
    }

    /// Without any inventory only what needs none is nobody's (design, *Coverage*).
    fn without_inventories(&self, catalogue: &Catalogue) {
        let judged = self.judge(catalogue, &[]);
        judged.check("without inventories");
        for (path, artifact) in &judged.artifacts {
            let class = artifact.class.map(Class::name);
            let needs_none =
                artifact.verdict == Verdict::Orphaned && matches!(class, Some("stale-lock" | "leftover-sidecar"));
            let said = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
            assert!(
                !said || needs_none,
                "without inventories {path} is nobody's: {}",
                judged.explain(path)
            );
        }
    }

    /// Takes away one thing after the other: what was owned must not become nobody's, and what was only not looked at is
    /// not missing.
    fn take_away(&self, catalogue: &Catalogue, before: &Judged) {
        let needed: BTreeSet<&String> = before
            .artifacts
            .iter()
            .filter(|(_, artifact)| artifact.verdict == Verdict::Owned)
            .map(|(path, _)| path)
            .collect();
        let look = |what: String, catalogue: &Catalogue| {
            let judged = self.judge(catalogue, self.inventories);
            judged.check(&what);
            for (path, artifact) in &judged.artifacts {
                let nobody = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
                assert!(
                    !(nobody && needed.contains(path)),
                    "{what}, {path} becomes nobody's\n{}",
                    judged.explain(path)
                );
            }
            judged
        };
        let look_without = |what: String, hidden: &RawPath, catalogue: &Catalogue| {
            let judged = look(what.clone(), catalogue);
            let missing = judged.called_missing(&hidden.lossy());
            assert_eq!(missing, Vec::<&str>::new(), "{what}, this is called missing");
        };
        for (root, folder) in folders_of(catalogue) {
            let name = format!("{} of {}", String::from_utf8_lossy(&folder), self.roots[root].0);
            let mut changed = catalogue.clone();
            hide_folder(&mut changed, root, &folder);
            look_without(format!("with {name} unreadable"), &RawPath::new(folder), &changed);
        }
        for (place, artifact) in catalogue.artifacts.iter().enumerate() {
            let name = artifact.entry.path.lossy();
            if artifact.kind.is_config() || artifact.kind.is_disk() {
                let mut changed = catalogue.clone();
                make_unreadable(&mut changed, place);
                look_without(format!("with {name} unreadable"), &artifact.entry.path, &changed);
            }
            let mut changed = catalogue.clone();
            exclude(&mut changed, place);
            look_without(format!("with {name} excluded"), &artifact.entry.path, &changed);
        }
        if self.roots.len() > 1 {
            for root in 0..self.roots.len() {
                let mut changed = catalogue.clone();
                changed.artifacts.retain(|artifact| artifact.entry.root != root);
                changed.bystanders.retain(|entry| entry.root != root);
                changed.specials.retain(|special| special.root != root);
                // The root itself stays, so that the numbers of the others do not change, and is some empty folder.
                changed.roots[root].aliases = vec![format!("another-{root}")];
                look(format!("without {}", self.roots[root].0), &changed);
            }
        }
    }
}

fn folders_of(catalogue: &Catalogue) -> BTreeSet<(usize, Vec<u8>)> {
    catalogue
        .artifacts
        .iter()
        .map(|artifact| (artifact.entry.root, artifact.entry.path.folder().as_bytes().to_vec()))
        .filter(|(_, folder)| !folder.is_empty())
        .collect()
}

/// As `--exclude` leaves out one file.
fn exclude(catalogue: &mut Catalogue, place: usize) {
    let artifact = catalogue.artifacts.remove(place);
    catalogue.roots[artifact.entry.root].skipped.push(Skipped {
        path: artifact.entry.path,
        folder: false,
        why: SkipReason::Excluded,
    });
}

fn split(catalogue: &Catalogue, path: &str) -> (usize, String) {
    let (root, rest) = path.split_once('/').unwrap();
    let place = catalogue
        .roots
        .iter()
        .position(|record| record.path.name() == root.as_bytes())
        .unwrap();
    (place, rest.to_owned())
}

fn find(catalogue: &Catalogue, path: &str) -> usize {
    let (root, rest) = split(catalogue, path);
    catalogue
        .artifacts
        .iter()
        .position(|artifact| artifact.entry.root == root && artifact.entry.path == RawPath::from(rest.as_str()))
        .unwrap_or_else(|| panic!("{path} is no artifact"))
}

fn hide_folder(catalogue: &mut Catalogue, root: usize, folder: &[u8]) {
    let prefix = [folder, b"/"].concat();
    let inside = |of: usize, path: &RawPath| of == root && path.as_bytes().starts_with(&prefix);
    catalogue
        .artifacts
        .retain(|artifact| !inside(artifact.entry.root, &artifact.entry.path));
    catalogue.bystanders.retain(|entry| !inside(entry.root, &entry.path));
    catalogue
        .specials
        .retain(|special| !inside(special.root, &special.path));
    catalogue.issues.push(Issue {
        root: Some(root),
        path: RawPath::new(folder.to_vec()),
        stage: Stage::Crawl,
        error: "permission denied".to_owned(),
        folder: true,
    });
}

fn make_unreadable(catalogue: &mut Catalogue, place: usize) {
    let artifact = &mut catalogue.artifacts[place];
    let text = "the file could not be read: permission denied".to_owned();
    let mut evidence = Evidence::default();
    if artifact.kind.is_config() {
        let mut vm = VmEvidence::of(artifact.kind.platform().unwrap_or(Platform::Vmware));
        vm.opaque = Some(text.clone());
        if vm.platform == Platform::Hyperv {
            let name = artifact.entry.path.lossy().into_owned();
            let name = name.rsplit('/').next().unwrap_or_default();
            vm.instance_id = name.get(..36).and_then(|id| Uuid::try_parse(id).ok());
        }
        evidence.vm = Some(Box::new(vm));
    }
    evidence.marks.push(Mark {
        code: MarkCode::Unreadable,
        text: text.clone(),
        offset: None,
    });
    artifact.evidence = evidence;
    let (root, path) = (artifact.entry.root, artifact.entry.path.clone());
    catalogue.issues.push(Issue {
        root: Some(root),
        path,
        stage: Stage::Read,
        error: text,
        folder: false,
    });
}

/// The path of a Hyper-V configuration in the folder of its VM.
pub(crate) fn vmcx_path(folder: &str, id: Uuid) -> String {
    format!("{folder}/Virtual Machines/{}.vmcx", id.to_string().to_uppercase())
}

/// A report by path: root, `/`, path below it.
pub(crate) struct Judged {
    pub(crate) report: Report,
    artifacts: BTreeMap<String, ArtifactReport>,
}

impl Judged {
    fn new(report: Report, roots: &[(String, Vec<String>)]) -> Self {
        let name = |artifact: &ArtifactReport| {
            let root = String::from_utf8_lossy(artifact.root.name()).into_owned();
            assert!(roots.iter().any(|(known, _)| *known == root));
            format!("{root}/{}", artifact.relative_path.lossy())
        };
        let artifacts = report
            .artifacts
            .iter()
            .map(|artifact| (name(artifact), artifact.clone()))
            .collect();
        Self { report, artifacts }
    }

    /// The problems that call a place missing, or something below it.
    fn called_missing(&self, place: &str) -> Vec<&str> {
        let codes = [
            ProblemCode::Ghost,
            ProblemCode::MissingDisk,
            ProblemCode::MissingFile,
            ProblemCode::DanglingDescriptor,
            ProblemCode::BrokenChain,
        ];
        let problems = self.report.problems.iter();
        let names = |text: &str| text.contains(&format!(" {place} on ")) || text.contains(&format!(" {place}/"));
        problems
            .filter(|problem| codes.contains(&problem.code) && names(&problem.text))
            .map(|problem| problem.text.as_str())
            .collect()
    }

    /// What holds of every report.
    fn check(&self, what: &str) {
        let registered: BTreeSet<&RawPath> = self
            .report
            .vms
            .iter()
            .filter(|vm| vm.registered)
            .flat_map(|vm| &vm.artifacts)
            .collect();
        for (path, artifact) in &self.artifacts {
            assert!(!artifact.reasons.is_empty(), "{what}: {path} has no reason");
            if registered.contains(&artifact.path) {
                assert!(
                    matches!(artifact.verdict, Verdict::Owned),
                    "{what}: a registered VM reaches {path}\n{}",
                    self.explain(path)
                );
            }
            let nobody = matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered);
            assert_eq!(artifact.confidence.is_some(), nobody, "{what}: confidence of {path}");
        }
        for problem in &self.report.problems {
            assert!(
                !problem.subject.is_empty() && !problem.reasons.is_empty() && !problem.next_step.is_empty(),
                "{what}: a problem has a subject, evidence and a next step: {problem:#?}"
            );
        }
    }

    pub(crate) fn artifact(&self, path: &str) -> &ArtifactReport {
        self.artifacts.get(path).unwrap_or_else(|| {
            let known: Vec<&String> = self.artifacts.keys().collect();
            panic!("{path} is not reported; there are {known:#?}")
        })
    }

    pub(crate) fn is_reported(&self, path: &str) -> bool {
        self.artifacts.contains_key(path)
    }

    /// `verdict[/class] [reclaim] [risk]`; what is not written is not asked, but an `owned` without class has none.
    pub(crate) fn is(&self, path: &str, expected: &str) -> &Self {
        let artifact = self.artifact(path);
        let mut words = expected.split(' ');
        let verdict = words.next().unwrap_or_default();
        let class = artifact.class.map(Class::name);
        let (verdict, expected_class) = verdict
            .split_once('/')
            .map_or((verdict, None), |(verdict, class)| (verdict, Some(class)));
        let asks_class = expected_class.is_some() || verdict == "owned";
        let mut fits = artifact.verdict.name() == verdict && (!asks_class || class == expected_class);
        for word in words {
            fits &= match word {
                "data-loss" => artifact.risk.is_some(),
                "no-risk" => artifact.risk.is_none(),
                word => serde_json::to_value(artifact.reclaim).unwrap() == word,
            };
        }
        assert!(fits, "{path} should be {expected}\n{}", self.explain(path));
        self
    }

    /// All of these paths are the same.
    pub(crate) fn are(&self, paths: &[&str], expected: &str) -> &Self {
        for path in paths {
            self.is(path, expected);
        }
        self
    }

    /// Its owners by name, sorted.
    pub(crate) fn owners(&self, path: &str, expected: &[&str]) -> &Self {
        let mut owners: Vec<&str> = self
            .artifact(path)
            .owners
            .iter()
            .map(|owner| owner.name.as_str())
            .collect();
        owners.sort_unstable();
        assert_eq!(owners, expected, "owners of {path}\n{}", self.explain(path));
        self
    }

    /// A reason of this code is among its reasons.
    pub(crate) fn because(&self, path: &str, code: &str) -> &Self {
        let reasons = &self.artifact(path).reasons;
        assert!(
            reasons.iter().any(|reason| reason.code.name() == code),
            "{path} should have the reason {code}\n{}",
            self.explain(path)
        );
        self
    }

    /// Holds a reason of a file to words.
    pub(crate) fn says(&self, path: &str, words: &str) -> &Self {
        let reasons = &self.artifact(path).reasons;
        assert!(
            reasons.iter().any(|reason| reason.text.contains(words)),
            "{path}: {words}: {reasons:?}"
        );
        self
    }

    pub(crate) fn confidence(&self, path: &str, expected: &str) -> &Self {
        let confidence = serde_json::to_value(self.artifact(path).confidence).unwrap();
        assert_eq!(confidence, expected, "confidence of {path}\n{}", self.explain(path));
        self
    }

    /// There is a problem of this code whose subject or text holds `about`.
    pub(crate) fn problem(&self, code: &str, about: &str) -> &Self {
        let problems = &self.report.problems;
        let fits = problems.iter().any(|problem| {
            problem.code.name() == code && (problem.subject.contains(about) || problem.text.contains(about))
        });
        assert!(
            fits,
            "a problem {code} about {about} is wanted; there are {problems:#?}"
        );
        self
    }

    pub(crate) fn no_problem(&self, code: &str) -> &Self {
        let found: Vec<_> = self
            .report
            .problems
            .iter()
            .filter(|problem| problem.code.name() == code)
            .collect();
        assert!(found.is_empty(), "no problem {code} is wanted; there are {found:#?}");
        self
    }

    /// There is a gap of this code.
    pub(crate) fn gap(&self, code: &str) -> &Self {
        let gaps = &self.report.coverage.gap_details;
        assert!(
            gaps.iter().any(|gap| gap.code.name() == code),
            "a gap {code} is wanted; there are {gaps:#?}"
        );
        self
    }

    pub(crate) fn no_gap(&self, code: &str) -> &Self {
        let gaps = &self.report.coverage.gap_details;
        assert!(
            gaps.iter().all(|gap| gap.code.name() != code),
            "no gap {code} is wanted; there are {gaps:#?}"
        );
        self
    }

    pub(crate) fn complete(&self, expected: bool) -> &Self {
        assert_eq!(
            self.report.coverage.complete, expected,
            "{:#?}\n{:#?}",
            self.report.coverage.issues, self.report.coverage.gap_details
        );
        self
    }

    /// Paths, relative to their roots, that a VM misses.
    pub(crate) fn missing(&self, vm: &str) -> Vec<String> {
        let root_paths: Vec<String> = self
            .report
            .coverage
            .roots
            .iter()
            .map(|root| root.path.lossy().into_owned())
            .collect();
        self.report
            .vms
            .iter()
            .filter(|known| known.name == vm)
            .flat_map(|vm| &vm.missing)
            .map(|missing| {
                let path = missing.path.lossy().into_owned();
                let parent = root_paths
                    .iter()
                    .find(|root| path.starts_with(root.as_str()))
                    .and_then(|root| root.rsplit_once('/'))
                    .map_or(0, |(parent, _)| parent.len() + 1);
                path[parent..].to_owned()
            })
            .collect()
    }

    fn explain(&self, path: &str) -> String {
        let artifact = self.artifact(path);
        let reasons: Vec<String> = artifact
            .reasons
            .iter()
            .map(|reason| format!("    {}: {}", reason.code.name(), reason.text))
            .collect();
        format!(
            "  {path} is {}/{} (reclaim {:?}, risk {:?}, confidence {:?}, owners {:?})\n{}",
            artifact.verdict.name(),
            artifact.class.map_or("-", |class| class.name()),
            artifact.reclaim,
            artifact.risk,
            artifact.confidence,
            artifact.owners.iter().map(|owner| &owner.name).collect::<Vec<_>>(),
            reasons.join("\n")
        )
    }
}

/// An export without VMs, taken at [`TAKEN`].
pub(crate) fn inventory(source: &str, platform: Platform, kind: InventoryKind) -> Inventory {
    Inventory {
        source: source.to_owned(),
        folder: source.to_owned(),
        kinds: vec![kind],
        files: vec![format!("{source}.export")],
        platform,
        collected: Some(at(TAKEN)),
        collected_is_file_time: false,
        vms: Vec::new(),
        objects: Vec::new(),
        datastores: Vec::new(),
        hosts: Vec::new(),
        missing_hosts: Vec::new(),
        cluster_vms: Vec::new(),
        has_cluster_list: false,
        has_vm_list: true,
        fcd_scope: Vec::new(),
        has_library_list: false,
        observations: Observations::default(),
        missing_columns: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A vCenter with the host `esx1`, which mounts `ds1`.
pub(crate) fn vcenter() -> Inventory {
    inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
        .host("esx1")
        .datastore("ds1", &[], &["esx1"])
}

/// A Hyper-V host with the volume that [`Site::hyperv`] scans.
pub(crate) fn hyperv_host(name: &str) -> Inventory {
    inventory(name, Platform::Hyperv, InventoryKind::HypervJson)
        .host(name)
        .datastore("Volume1", &[r"C:\ClusterStorage\Volume1"], &[name])
}

/// Adds rows to an export.
pub(crate) trait Export {
    fn host(self, name: &str) -> Self;
    fn datastore(self, name: &str, aliases: &[&str], hosts: &[&str]) -> Self;
    fn vm(self, vm: Registration) -> Self;
    fn object(self, class: &str, name: &str, path: Option<&str>) -> Self;
    fn folder_object(self, class: &str, name: &str, path: &str) -> Self;
    fn warning(self, code: &str, pattern: Option<&str>) -> Self;
    fn taken(self, time: &str) -> Self;
}

impl Export for Inventory {
    fn host(mut self, name: &str) -> Self {
        self.hosts.push(HostRecord {
            name: name.to_owned(),
            ..HostRecord::default()
        });
        self
    }

    fn datastore(mut self, name: &str, aliases: &[&str], hosts: &[&str]) -> Self {
        self.datastores.push(DatastoreRecord {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            ..DatastoreRecord::default()
        });
        self
    }

    fn vm(mut self, mut vm: Registration) -> Self {
        vm.row = format!("row {}", self.vms.len() + 1);
        self.vms.push(vm);
        self
    }

    fn object(mut self, class: &str, name: &str, path: Option<&str>) -> Self {
        self.objects.push(RegisteredObject {
            class: class.to_owned(),
            id: format!("id of {name}"),
            name: name.to_owned(),
            path: path.map(str::to_owned),
            folder: false,
            row: format!("object {name}"),
        });
        self
    }

    fn folder_object(self, class: &str, name: &str, path: &str) -> Self {
        let mut inventory = self.object(class, name, Some(path));
        for object in inventory.objects.iter_mut().filter(|object| object.name == name) {
            object.folder = true;
        }
        inventory
    }

    fn warning(mut self, code: &str, pattern: Option<&str>) -> Self {
        self.warnings.push(InventoryWarning {
            code: code.to_owned(),
            text: format!("{code} of the test"),
            caps: true,
            pattern: pattern.map(str::to_owned),
        });
        self
    }

    fn taken(mut self, time: &str) -> Self {
        self.collected = Some(at(time));
        self
    }
}

/// A row of a VM that lists its configuration and its disks as attached now.
pub(crate) fn row(name: &str, config: &str, disks: &[&str]) -> Registration {
    Registration {
        name: name.to_owned(),
        has_configuration: true,
        listing: Listing::LeafDisks,
        config: Some(config.to_owned()),
        files: disks.iter().map(|disk| listed(disk, Role::Disk)).collect(),
        ..Registration::default()
    }
}

/// The row of the VM that [`Site::vm`] makes on `ds1`.
pub(crate) fn row_of(name: &str) -> Registration {
    row(
        name,
        &format!("[ds1] {name}/{name}.vmx"),
        &[&format!("[ds1] {name}/{name}.vmdk")],
    )
}

/// A row that knows only where the configuration lies.
pub(crate) fn config_only(name: &str, config: &str) -> Registration {
    Registration {
        listing: Listing::ConfigOnly,
        ..row(name, config, &[])
    }
}

/// A row of a Hyper-V VM with its id.
pub(crate) fn hyperv_row(name: &str, disks: &[&str]) -> Registration {
    let id = vm_id(name);
    let config = format!(
        r"C:\ClusterStorage\Volume1\{name}\Virtual Machines\{}.vmcx",
        id.to_string().to_uppercase()
    );
    Registration {
        instance_id: Some(id),
        ..row(name, &config, disks)
    }
}

pub(crate) fn listed(path: &str, role: Role) -> ListedFile {
    ListedFile {
        path: path.to_owned(),
        role,
        size_bytes: None,
    }
}

pub(crate) fn checkpoint(id: Uuid, has_disks: bool) -> Checkpoint {
    Checkpoint {
        id,
        name: "checkpoint".to_owned(),
        kind: Some("Standard".to_owned()),
        has_disks,
        created: None,
    }
}

/// A VM as a list of a backup product names it.
pub(crate) fn listed_backup(name: &str, last: Option<&str>) -> BackedUpVm {
    BackedUpVm {
        name: name.to_owned(),
        moref: None,
        id: None,
        job: Some("nightly".to_owned()),
        last: last.map(at),
        row: "jobs.csv: row 2".to_owned(),
    }
}

/// What a saved access list says: each path granted to a VM.
pub(crate) fn grants(granted: &[(&str, Uuid)]) -> Vec<VmGrant> {
    let grant = |(place, (path, vm)): (usize, &(&str, Uuid))| VmGrant {
        path: (*path).to_owned(),
        vm: *vm,
        row: format!("acl.txt: line {}", place + 1),
    };
    granted.iter().enumerate().map(grant).collect()
}
