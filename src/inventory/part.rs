//! What one file gives, before the files of one source are put together.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    BackedUpVm, ClusterVm, DatastoreRecord, HostRecord, InventoryKind, InventoryWarning, ListedFile, Observations,
    RegisteredObject, Registration, columns::Seen, json::Json, moment::Moment, rvtools::Tab, values,
};
use crate::kind::{Platform, Role};

/// The file that is being imported.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its path as given.
    pub(super) path: PathBuf,
    /// Its modification time, unless it is one that stands for none.
    pub(super) modified: Option<Moment>,
    /// The folder whose files are one source with it, where that is not the one that it lies in.
    pub(super) bundle: Option<PathBuf>,
}

impl Origin {
    /// A file without a time.
    #[cfg(test)]
    pub(super) fn of(path: &str) -> Self {
        Self {
            path: path.into(),
            modified: None,
            bundle: None,
        }
    }

    /// The folder whose files are one source.
    pub(super) fn group(&self) -> PathBuf {
        match &self.bundle {
            Some(bundle) => bundle.clone(),
            None => self.path.parent().map(PathBuf::from).unwrap_or_default(),
        }
    }

    /// The name of the file, for rows and messages.
    pub(super) fn name(&self) -> String {
        self.path.file_name().map_or_else(
            || self.path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// The name of the folder that it lies in; empty where the path does not tell.
    pub(super) fn folder_name(&self) -> String {
        let group = self.group();
        let name = group.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_default()
    }
}

/// Who an export speaks for, as far as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Source {
    /// Unique id (UUID of the vCenter), lower-case.
    pub(super) id: Option<String>,
    /// Name of the vCenter, cluster or host.
    pub(super) name: Option<String>,
}

impl Source {
    /// A source with a name alone.
    pub(super) fn named(name: Option<String>) -> Self {
        Self { id: None, name }
    }

    /// Nothing is said.
    pub(super) fn is_unknown(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }
}

/// One VM as one row or object gives it.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// What is known of it.
    pub(super) vm: Registration,
    /// It stands in a list of VMs; otherwise it is only mentioned (a row of a list of disks).
    pub(super) listed: bool,
    /// Its configuration path by the label of its datastore, where that is known: lists of one host spell it in two ways.
    pub(super) labelled_config: Option<String>,
    /// How many disks the list says that it has.
    pub(super) expected_disks: Option<u64>,
    /// It has a disk of which the list does not say the file.
    pub(super) has_nameless_disk: bool,
    /// Objects of it were cut to text at the nesting depth of the export.
    pub(super) flattened: bool,
}

impl Draft {
    /// Its configuration path, for comparison.
    pub(super) fn config_key(&self) -> Option<&String> {
        self.labelled_config.as_ref().or(self.vm.config.as_ref())
    }

    /// Adds a file unless its path is blank. Repetitions are left out at the end.
    pub(super) fn add_file(&mut self, role: Role, path: &str, size_bytes: Option<u64>) {
        if !path.trim().is_empty() {
            self.vm.files.push(ListedFile {
                path: path.to_owned(),
                role,
                size_bytes,
            });
        }
    }

    /// Notes the id of a disk.
    pub(super) fn add_disk_id(&mut self, path: &str, id: Option<Uuid>) {
        if let Some(id) = id {
            self.vm.disk_ids.insert(path.to_owned(), id.simple().to_string());
        }
    }

    /// Adds a folder unless it is blank. Repetitions are left out at the end.
    pub(super) fn add_folder(&mut self, path: &str) {
        if !path.trim().is_empty() {
            self.vm.folders.push(path.to_owned());
        }
    }

    /// Adds the files that the text names to which the depth of an export cut objects. They are some of its files, never all.
    pub(super) fn add_cut(&mut self, objects: Json<'_>) {
        for text in objects.texts() {
            for path in values::cut_paths(&text) {
                let role = match () {
                    () if values::ends_with(path, &[".vmx", ".vmtx", ".vmcx"]) => Role::Config,
                    () if values::ends_with(path, &[".vmdk", ".vhdx", ".vhd", ".avhdx", ".avhd", ".vhds"]) => {
                        Role::Disk
                    }
                    () if values::ends_with(path, &[".iso", ".flp", ".vfd", ".img"]) => Role::Media,
                    () => Role::Other,
                };
                if path.ends_with(['/', '\\']) {
                    self.add_folder(path);
                } else {
                    self.add_file(role, path, None);
                }
            }
        }
    }

    /// Leaves out files and folders that are there already; of a file the size is kept that somebody gave.
    pub(super) fn leave_out_repetitions(&mut self) {
        let mut places: HashMap<(Role, String), usize> = HashMap::new();
        let mut files: Vec<ListedFile> = Vec::new();
        for file in self.vm.files.drain(..) {
            let place = *places.entry((file.role, file.path.clone())).or_insert(files.len());
            match files.get_mut(place) {
                Some(known) => known.size_bytes = known.size_bytes.or(file.size_bytes),
                None => files.push(file),
            }
        }
        self.vm.files = files;
        let mut seen = HashSet::new();
        self.vm.folders.retain(|folder| seen.insert(folder.clone()));
    }
}

/// An object whose path may need the list of datastores.
#[derive(Debug, Clone)]
pub(super) struct ObjectDraft {
    /// The object.
    pub(super) object: RegisteredObject,
    /// Where it lies, as far as `object.path` does not say it yet.
    pub(super) place: Place,
}

/// Where an object lies, to be made a path when all parts are together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Its path says it, or nothing does.
    Said,
    /// In a folder of the datastore with this managed object reference.
    Datastore {
        /// The reference.
        moref: String,
        /// The folder, from the top of the datastore.
        folder: String,
    },
    /// In a folder of the content library with this id.
    Library {
        /// The id.
        id: String,
        /// The folder, from the folder of the library.
        folder: String,
    },
}

/// A disk and its parent, as `Get-VHD` gives them.
#[derive(Debug, Clone)]
pub(super) struct ChainLink {
    /// The disk.
    pub(super) path: String,
    /// Its parent; `None` for a base disk.
    pub(super) parent: Option<String>,
    /// Host that was asked, where the row says so: a drive letter is one of it.
    pub(super) host: Option<String>,
    /// Where in the export.
    pub(super) row: String,
}

/// A VM of which only the name or the reference is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamedVm {
    /// By its inventory path.
    Placed {
        /// The path of its folder.
        folder: String,
        /// Its name.
        name: String,
    },
    /// Its name, escapes undone.
    Name(String),
    /// Its managed object reference.
    Moref(String),
}

/// What one file says of one source.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The file.
    pub(super) origin: Origin,
    /// Which export it is.
    pub(super) kind: InventoryKind,
    /// Of which platform.
    pub(super) platform: Platform,
    /// Who it speaks for.
    pub(super) source: Source,
    /// The time that it says of itself.
    pub(super) said: Option<Moment>,
    /// `said` is the newest time of a part of it: the export is as new or newer.
    pub(super) said_is_floor: bool,
    /// VMs.
    pub(super) vms: Vec<Draft>,
    /// It lists VMs, perhaps none.
    pub(super) has_vm_list: bool,
    /// Hosts whose checkpoints it lists, by their short names.
    pub(super) checkpoint_hosts: BTreeSet<String>,
    /// Objects that are no VM.
    pub(super) objects: Vec<ObjectDraft>,
    /// Datastores.
    pub(super) datastores: Vec<DatastoreRecord>,
    /// VMs that datastores say they hold files of, by label of the datastore and managed object reference of the VM.
    pub(super) vms_on_datastores: Vec<(String, String)>,
    /// Hosts.
    pub(super) hosts: Vec<HostRecord>,
    /// It lists hosts, so that a host which it lacks is not one of its source.
    pub(super) has_host_list: bool,
    /// Members of the cluster that were asked for their VMs.
    pub(super) nodes: Vec<String>,
    /// Other members that it names.
    pub(super) other_nodes: Vec<String>,
    /// Members by the database of the cluster: each has to be asked, for VMs that are none of the cluster's.
    pub(super) member_nodes: Vec<String>,
    /// VMs of the cluster's resource list.
    pub(super) cluster_vms: Vec<ClusterVm>,
    /// It has a cluster's resource list.
    pub(super) has_cluster_list: bool,
    /// Datastores whose First Class Disks it lists.
    pub(super) fcd_scope: Vec<String>,
    /// It lists content libraries.
    pub(super) has_library_list: bool,
    /// Disks with their parents.
    pub(super) chains: Vec<ChainLink>,
    /// Disks with their identities: path, host that was asked, identity.
    pub(super) disk_ids: Vec<(String, Option<String>, Uuid)>,
    /// VMs that it names, as a list of names that it claims to be whole: their names and references.
    pub(super) named_vms: Vec<NamedVm>,
    /// Azure Local: ids of the disks that its VMs use, lower-case.
    pub(super) used_disks: BTreeSet<String>,
    /// Azure Local: it lists VMs with the disks that they use.
    pub(super) names_disk_users: bool,
    /// What it saw beside registrations.
    pub(super) observations: Observations,
    /// What backups it knows of.
    pub(super) backups: Vec<BackedUpVm>,
    /// What its lists could tell, and whether they do.
    pub(super) columns: Seen,
    /// RVTools: tabs that it has.
    pub(super) tabs: BTreeSet<Tab>,
    /// It lists the snapshots of all VMs.
    pub(super) lists_snapshots: bool,
    /// The text was decoded by a guess, so paths with letters outside ASCII may be wrong.
    pub(super) guessed_encoding: bool,
    /// Lines of the errors that the export says it met, whose cost is told.
    pub(super) told_errors: BTreeSet<String>,
    /// What is odd or missing.
    pub(super) warnings: Vec<InventoryWarning>,
}

impl Part {
    /// A part that says nothing yet.
    pub(super) fn new(origin: &Origin, kind: InventoryKind, source: Source) -> Self {
        let platform = kind.platform();
        Self {
            origin: origin.clone(),
            kind,
            platform,
            source,
            said: None,
            said_is_floor: false,
            vms: Vec::new(),
            has_vm_list: false,
            checkpoint_hosts: BTreeSet::new(),
            objects: Vec::new(),
            datastores: Vec::new(),
            vms_on_datastores: Vec::new(),
            hosts: Vec::new(),
            has_host_list: false,
            nodes: Vec::new(),
            other_nodes: Vec::new(),
            member_nodes: Vec::new(),
            cluster_vms: Vec::new(),
            has_cluster_list: false,
            fcd_scope: Vec::new(),
            has_library_list: false,
            chains: Vec::new(),
            disk_ids: Vec::new(),
            named_vms: Vec::new(),
            used_disks: BTreeSet::new(),
            names_disk_users: false,
            observations: Observations::default(),
            backups: Vec::new(),
            columns: Seen::new(),
            tabs: BTreeSet::new(),
            lists_snapshots: false,
            guessed_encoding: false,
            told_errors: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// When it was taken by its own words: never after its file was written.
    pub(super) fn said(&self) -> Option<Moment> {
        self.said.map(|said| said.within(self.origin.modified))
    }

    /// When it was taken, as far as can be told.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.said().or(self.origin.modified).map(|moment| moment.at)
    }

    /// Records something that keeps "nobody" from being said.
    pub(super) fn warn_capping(&mut self, code: &str, text: impl Into<String>) {
        self.warnings.push(InventoryWarning::capping(code, text));
    }

    /// Records something that is worth knowing.
    pub(super) fn warn(&mut self, code: &str, text: impl Into<String>) {
        self.warnings.push(InventoryWarning::note(code, text));
    }
}
