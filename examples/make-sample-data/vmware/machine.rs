//! A VM of the VMware site: what is written into its folder, and what vCenter knows of it.

use derelict_parsers::testkit::{
    guid,
    vmware::{SnapshotBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder, nvram, vmxf},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    DATASTORES, HOSTS,
    disk::{Disk, Listed},
};
use crate::tree::{Content, Tree, data};

/// A VM or template.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Display name.
    pub(crate) name: String,
    /// Folder in the site, beginning with the datastore.
    pub(crate) folder: String,
    /// Beginning of the names of its files.
    pub(crate) stem: String,
    /// Number from which its ids follow.
    pub(crate) number: u64,
    /// It is a template.
    pub(crate) template: bool,
    /// `poweredOn`, `poweredOff` or `suspended`.
    pub(crate) power: &'static str,
    /// The disks that are attached now.
    pub(crate) disks: Vec<Disk>,
    /// CD images, paths in the site.
    pub(crate) media: Vec<String>,
    /// Snapshots: name, when, state file in the site.
    pub(crate) snapshots: Vec<(String, Timestamp, String)>,
    /// Its files as vCenter lists them.
    pub(crate) listed: Vec<Listed>,
    vmx: VmxBuilder,
    vmsd: VmsdBuilder,
}

impl Machine {
    /// A VM that is off and has no disks. Its files are named after its folder.
    pub(crate) fn new(number: u64, name: &str, folder: &str) -> Self {
        let stem = folder.rsplit('/').next().unwrap_or(folder);
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            number,
            template: false,
            power: "poweredOff",
            disks: Vec::new(),
            media: Vec::new(),
            snapshots: Vec::new(),
            listed: Vec::new(),
            vmx: VmxBuilder::new(name, stem).uuids(guid(number, 1), guid(number, 2)),
            vmsd: VmsdBuilder::default(),
        }
    }

    /// BIOS id.
    pub(crate) fn bios_id(&self) -> Uuid {
        guid(self.number, 1)
    }

    /// Instance id.
    pub(crate) fn instance_id(&self) -> Uuid {
        guid(self.number, 2)
    }

    /// Managed object reference.
    pub(crate) fn moref(&self) -> String {
        format!("vm-{}", 1000 + self.number)
    }

    /// The host on which it is registered.
    pub(crate) fn host(&self) -> usize {
        usize::from(self.number.is_multiple_of(2))
    }

    /// The configuration's path in the site.
    pub(crate) fn config(&self) -> String {
        let extension = if self.template { "vmtx" } else { "vmx" };
        self.path(&format!("{}.{extension}", self.stem))
    }

    /// Path in the site of a file in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Sets a key of the configuration.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.vmx = self.vmx.clone().set(key, value);
    }

    /// Adds a file to its folder that vCenter lists.
    pub(crate) fn file(
        &mut self,
        tree: &mut Tree,
        name: &str,
        content: impl Into<Content>,
        kind: &'static str,
        modified: Timestamp,
    ) {
        tree.file(&self.path(name), content, modified);
        self.listed.push((self.path(name), kind));
    }

    /// Attaches a disk; one of another folder by its absolute path.
    pub(crate) fn attach(&mut self, device: &str, disk: &Disk) {
        let file = if disk.folder == self.folder {
            format!("{}.vmdk", disk.stem)
        } else {
            on_host(&disk.path())
        };
        self.vmx = self.vmx.clone().disk(device, &file);
        self.disks.push(disk.clone());
    }

    /// Writes a flat disk into its folder and attaches it.
    pub(crate) fn add_disk(
        &mut self,
        tree: &mut Tree,
        device: &str,
        stem: &str,
        size: (usize, usize),
        modified: Timestamp,
    ) {
        let disk = Disk::new(&self.folder, stem, size.0);
        self.listed.extend(disk.write(tree, size.1, modified));
        self.attach(device, &disk);
    }

    /// Puts a CD image into its drive.
    pub(crate) fn insert(&mut self, image: &str) {
        self.vmx = self.vmx.clone().cd("sata0:0", &on_host(image));
        self.media.push(image.to_owned());
    }

    /// Adds a snapshot that holds `disk`, with its state file.
    pub(crate) fn snapshot(&mut self, tree: &mut Tree, name: &str, disk: &Disk, taken: Timestamp, clones: &[&str]) {
        let number = self.snapshots.len() + 1;
        let state = format!("{}-Snapshot{number}.vmsn", self.stem);
        let vmsn = VmsnBuilder::new(self.vmx.build(), self.bios_id()).build();
        self.file(tree, &state, vmsn, "snapshotData", taken);
        self.snapshots.push((name.to_owned(), taken, self.path(&state)));
        let number = u64::try_from(number).unwrap_or_default();
        self.vmsd = self.vmsd.clone().snapshot(SnapshotBuilder {
            uid: number,
            parent: number - 1,
            name: name.to_owned(),
            state_file: state,
            created_us: u64::try_from(taken.as_microsecond()).unwrap_or_default(),
            disks: vec![("scsi0:0".to_owned(), format!("{}.vmdk", disk.stem))],
            clones: clones.iter().map(|clone| on_host(clone)).collect(),
        });
    }

    /// The VM runs: swap files and an open log, the configuration says that it was not shut down.
    pub(crate) fn run(&mut self, tree: &mut Tree, since: Timestamp) {
        self.power = "poweredOn";
        let swap = format!("{}-{:08x}.vswp", self.stem, self.bios_id().as_fields().0);
        let process_swap = format!("vmx-{}-{:08x}-1.vswp", self.stem, self.instance_id().as_fields().0);
        self.set("cleanShutdown", "FALSE");
        self.set("sched.swap.derivedName", &on_host(&self.path(&swap)));
        self.file(tree, &swap, data("swap", 64, 0), "swap", since);
        self.file(tree, &process_swap, data("swap", 16, 0), "uwswap", since);
    }

    /// Writes configuration, extended configuration, firmware variables, snapshot list and log.
    pub(crate) fn finish(&mut self, tree: &mut Tree, modified: Timestamp) {
        let stem = self.stem.clone();
        let config = self.config();
        let name = config.rsplit('/').next().unwrap_or_default().to_owned();
        let log = VmlogBuilder::new(HOSTS[self.host()].1, &on_host(&config));
        let log = if self.power == "poweredOn" { log } else { log.ended() };
        self.file(tree, &name, self.vmx.build(), "config", modified);
        let extended = vmxf(&name, self.instance_id());
        self.file(tree, &format!("{stem}.vmxf"), extended, "extendedConfig", modified);
        self.file(tree, &format!("{stem}.nvram"), nvram(), "nvram", modified);
        self.file(
            tree,
            &format!("{stem}.vmsd"),
            self.vmsd.build(),
            "snapshotList",
            modified,
        );
        self.file(tree, "vmware.log", log.build(), "log", modified);
    }
}

/// A path in the site as vCenter writes it: `[datastore] folder/file`.
pub(crate) fn in_vcenter(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    format!("[{datastore}] {rest}")
}

/// A path in the site as a host writes it: `/vmfs/volumes/<id>/folder/file`.
pub(crate) fn on_host(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    let id = DATASTORES
        .iter()
        .find(|known| known.name == datastore)
        .map_or(datastore, |known| known.id);
    format!("/vmfs/volumes/{id}/{rest}")
}
