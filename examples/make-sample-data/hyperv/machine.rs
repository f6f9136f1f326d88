//! A VM of the Hyper-V site: its folder, and what its node knows of it.

use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        guid,
        hyperv_files::VmgsBuilder,
        hyperv_vm::{HypervDrive, HypervVm},
        vhdx::{ParentPaths, VhdxBuilder},
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{SHARE, VOLUMES};
use crate::tree::{Tree, time};

/// A checkpoint.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// Its id, which is the name of its files.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: &'static str,
    /// When it was taken.
    pub(crate) taken: Timestamp,
    /// Its disks, paths in the site.
    pub(crate) disks: Vec<String>,
}

/// A VM.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Its configuration.
    pub(crate) vm: HypervVm,
    /// Its folder in the site, beginning with the volume.
    pub(crate) folder: String,
    /// Node on which it is registered: an index.
    pub(crate) node: usize,
    /// `Running`, `Off` or `Saved`.
    pub(crate) state: &'static str,
    /// Disks that are attached now, paths in the site.
    pub(crate) disks: Vec<String>,
    /// CD images, paths in the site.
    pub(crate) media: Vec<String>,
    /// Checkpoints.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// `Primary`, `Replica` or `None`.
    pub(crate) replication: &'static str,
}

impl Machine {
    /// A clustered VM of generation 2 that is off and has no disks.
    pub(crate) fn new(number: u64, name: &str, folder: &str) -> Self {
        let mut vm = HypervVm::new(name, guid(number, 1));
        vm.creation_time = time("2024-02-01T08:00:00Z");
        vm.highly_available = true;
        Self {
            vm,
            folder: folder.to_owned(),
            node: 0,
            state: "Off",
            disks: Vec::new(),
            media: Vec::new(),
            checkpoints: Vec::new(),
            replication: "None",
        }
    }

    /// Its id as its files are named.
    pub(crate) fn id(&self) -> String {
        upper(self.vm.id)
    }

    /// Path in the site of a file in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// The configuration's path in the site.
    pub(crate) fn config(&self) -> String {
        let extension = if self.vm.version < 0x0600 { "xml" } else { "vmcx" };
        self.path(&format!("Virtual Machines/{}.{extension}", self.id()))
    }

    /// Attaches a disk to the next place.
    pub(crate) fn attach(&mut self, path: &str) {
        let controller = if self.vm.generation == 1 {
            ControllerKind::Ide
        } else {
            ControllerKind::Scsi
        };
        let location = u32::try_from(self.vm.drives.len()).unwrap_or_default();
        self.vm
            .drives
            .push(HypervDrive::disk(controller, location, on_host(path)));
        self.disks.push(path.to_owned());
    }

    /// Puts a CD image into its drive.
    pub(crate) fn insert(&mut self, image: &str) {
        let location = u32::try_from(self.vm.drives.len()).unwrap_or_default();
        self.vm
            .drives
            .push(HypervDrive::iso(ControllerKind::Ide, location, on_host(image)));
        self.media.push(image.to_owned());
    }

    /// Gives it guest state, with a virtual TPM where `vtpm`.
    pub(crate) fn add_guest_state(&mut self, tree: &mut Tree, vtpm: bool, modified: Timestamp) {
        let path = self.path(&format!("Virtual Machines/{}.vmgs", self.id()));
        let seed = u64::from(self.vm.id.as_fields().0);
        let state = VmgsBuilder {
            vtpm,
            ..VmgsBuilder::new(seed)
        };
        tree.file(&path, state.build(), modified);
        self.vm.tpm_enabled = vtpm;
        self.vm.guest_state_path = Some(on_host(&path));
    }

    /// Adds a checkpoint that holds `disks`, with its configuration and state.
    pub(crate) fn checkpoint(
        &mut self,
        tree: &mut Tree,
        number: u64,
        name: &'static str,
        disks: &[&str],
        taken: Timestamp,
    ) {
        let id = guid(number, 3);
        let mut config = HypervVm {
            checkpoint_of: Some(self.vm.id),
            id,
            drives: Vec::new(),
            name: name.to_owned(),
            ..self.vm.clone()
        };
        for (disk, location) in disks.iter().zip(0..) {
            config
                .drives
                .push(HypervDrive::disk(ControllerKind::Scsi, location, on_host(disk)));
        }
        let stem = self.path(&format!("Snapshots/{}", upper(id)));
        tree.file(&format!("{stem}.vmcx"), config.to_vmcx(), taken);
        tree.file(&format!("{stem}.VMRS"), config.to_vmrs(0), taken);
        self.vm.checkpoint_count += 1;
        self.checkpoints.push(Checkpoint {
            id,
            name,
            taken,
            disks: disks.iter().map(|disk| (*disk).to_owned()).collect(),
        });
    }

    /// Writes configuration and runtime state.
    pub(crate) fn finish(&self, tree: &mut Tree, modified: Timestamp) {
        tree.file(&self.config(), self.vm.to_vmcx(), modified);
        let state = self.path(&format!("Virtual Machines/{}.VMRS", self.id()));
        tree.file(&state, self.vm.to_vmrs(0), modified);
    }
}

/// An id as Hyper-V writes it in names.
pub(crate) fn upper(id: Uuid) -> String {
    id.to_string().to_uppercase()
}

/// A path in the site as the nodes write it.
pub(crate) fn on_host(path: &str) -> String {
    let (root, rest) = path.split_once('/').unwrap_or((path, ""));
    let volume = VOLUMES.iter().find(|volume| volume.0 == root).map(|volume| volume.1);
    let top = volume.unwrap_or(SHARE.1);
    format!(r"{top}\{}", rest.replace('/', r"\"))
}

/// A dynamic disk of so many GiB.
pub(crate) fn dynamic(seed: u64, gib: u64) -> VhdxBuilder {
    VhdxBuilder::new(DiskKind::Dynamic, gib << 30, seed)
}

/// A differencing disk on `parent`, which lies at `path` in the site; `relative` leads there from the child.
pub(crate) fn differencing(parent: &VhdxBuilder, path: &str, relative: &str, seed: u64) -> VhdxBuilder {
    let absolute = on_host(path);
    let volume = VOLUMES.iter().find(|volume| path.starts_with(volume.0));
    let by_volume = volume.map_or_else(String::new, |volume| {
        absolute.replace(&format!(r"{}\", volume.1), volume.2)
    });
    let paths = ParentPaths {
        relative,
        absolute: &absolute,
        volume: &by_volume,
    };
    VhdxBuilder::child_of(parent, paths, seed)
}
