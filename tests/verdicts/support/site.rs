//! A site: roots with files, inventories, and what the user says.

use std::{
    collections::BTreeMap,
    fs,
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use derelict::{
    accept::Accepted,
    catalogue::Catalogue,
    collect::{CollectOptions, RootArgument, collect},
    evidence::{Mark, MarkCode},
    interrupt::Stop,
    inventory::{BackedUpVm, Backups, Inventory, Mention},
    progress::Hidden,
    raw::RawPath,
    reconcile::Options,
    rules::Rules,
};
use derelict_parsers::testkit::{
    SparseFile,
    hyperv_vm::HypervVm,
    vhdx::VhdxBuilder,
    vmware::{DescriptorBuilder, cowd, nfs_lock, nfs_lock_name},
};
use jiff::Timestamp;

use super::{
    catalogue::{exclude, find, split},
    judged::Judged,
    parts::{AS_OF, OLD, SECTORS, at, cid, descriptor, vmcx_path, vmx},
    views::Views,
};
use crate::unreadable::{hide_folder, make_unreadable};

/// A change to the catalogue that no file system here can make.
type Change = Box<dyn Fn(&mut Catalogue)>;

/// A site: roots with files, inventories, and what the user says.
pub(crate) struct Site {
    folder: tempfile::TempDir,
    roots: Vec<(String, Vec<String>)>,
    inventories: Vec<Inventory>,
    mentions: Vec<Mention>,
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
            mentions: Vec::new(),
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

    /// A text beside the inventories that is none and names a file.
    pub(crate) fn mention(mut self, named: &str) -> Self {
        self.mentions.push(Mention {
            text: RawPath::from("exports/notes.txt"),
            named: named.to_owned(),
        });
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
                is_silent: false,
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
        for bystander in &mut catalogue.bystanders {
            bystander.changed = None;
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
            mentions: std::mem::take(&mut self.mentions),
            backups: self.backups.take(),
            accepted: Accepted::default(),
            stop: Stop::default(),
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
