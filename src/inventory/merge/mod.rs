//! The parts of one source become one inventory.
//!
//! Files of one folder are one source unless they name different ones: parts that name none join the one that is named
//! beside them, or stay a source of their own where several are. VMs are joined by vCenter and moref, instance id,
//! configuration path and name, in this order, and never against a stronger key that differs.

mod chains;
mod check;
mod contradictions;
mod hosts;
mod join;
mod lists;
mod lost_letters;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

pub(super) use self::contradictions::between as contradictions;
use self::hosts::Hosts;
use super::{
    DatastoreRecord, Inventory, InventoryWarning, Observations, RegisteredObject, Registration, ToldParent, columns,
    moment::Moment,
    part::{ChainLink, Draft, NamedVm, ObjectDraft, Part, Place, Source},
    values, vi,
};
use crate::{kind::Platform, path::label_and_rest};

/// Most things of one name that are looked at. More are no real site, and would cost the square of their number.
const MAX_NAMESAKES: usize = 1000;

/// Puts the parts of all files together, sorted by folder and source.
pub(super) fn merge(parts: Vec<Part>) -> Vec<Inventory> {
    let mut folders: BTreeMap<(PathBuf, Platform), Vec<Part>> = BTreeMap::new();
    for part in parts {
        folders
            .entry((folder_key(&part), part.platform))
            .or_default()
            .push(part);
    }
    join_lists_above(&mut folders);
    let sources: Vec<Vec<Part>> = folders.into_values().flat_map(by_source).collect();
    let names: Vec<Vec<Part>> = sources.iter().map(|parts| names_alone(parts)).collect();
    let mut inventories: Vec<Inventory> = sources.into_iter().map(inventory).collect();
    hold_names_against_all(&mut inventories, &names);
    tell_apart(&mut inventories);
    spell_labels(&mut inventories);
    inventories.sort_by(|a, b| (&a.folder, &a.source, &a.files).cmp(&(&b.folder, &b.source, &b.files)));
    inventories
}

/// The parts of a source without a list of VMs that name VMs.
fn names_alone(parts: &[Part]) -> Vec<Part> {
    if parts.iter().any(|part| part.has_vm_list) {
        return Vec::new();
    }
    let naming = parts.iter().filter(|part| !part.named_vms.is_empty());
    naming.cloned().collect()
}

/// A source that names VMs and lists none is held against the lists of all others: which of them it is of is not told.
fn hold_names_against_all(inventories: &mut [Inventory], names: &[Vec<Part>]) {
    let platforms: BTreeSet<Platform> = inventories
        .iter()
        .filter(|inventory| inventory.has_vm_list)
        .map(|inventory| inventory.platform)
        .collect();
    let found: Vec<(usize, InventoryWarning)> = names
        .iter()
        .enumerate()
        .filter_map(|(place, parts)| {
            let platform = parts.first()?.platform;
            let lists = inventories.iter().filter(|inventory| inventory.platform == platform);
            let vms = lists.flat_map(|inventory| &inventory.vms);
            let warning = check::named_strangers(parts, vms, platform)?;
            platforms.contains(&platform).then_some((place, warning))
        })
        .collect();
    for (place, warning) in found {
        if let Some(inventory) = inventories.get_mut(place) {
            inventory.warnings.push(warning);
        }
    }
}

/// Paths below a label in which brackets do not come in pairs (`a] b`) are divided by the datastores that the lists name, and
/// written in the other way in which a host names a datastore by its label.
fn spell_labels(inventories: &mut [Inventory]) {
    let is_odd = |name: &&String| {
        let path = format!("[{name}] x");
        let label = label_and_rest(&path).map(|(label, _)| label);
        !name.is_empty() && !name.contains('/') && label != Some(name.as_str())
    };
    let datastores = inventories.iter().flat_map(|inventory| &inventory.datastores);
    let odd: BTreeSet<String> = datastores
        .map(|datastore| &datastore.name)
        .filter(is_odd)
        .cloned()
        .collect();
    let spell = |path: &mut String| {
        // Of two labels of which one begins with the other the longer one.
        let mut labels = odd.iter().rev();
        let spelled = labels.find_map(|label| {
            let rest = path
                .strip_prefix('[')?
                .strip_prefix(label.as_str())?
                .strip_prefix("] ")?;
            Some(format!("/vmfs/volumes/{label}/{rest}"))
        });
        if let Some(spelled) = spelled {
            *path = spelled;
        }
    };
    for inventory in inventories.iter_mut().filter(|_| !odd.is_empty()) {
        for vm in &mut inventory.vms {
            let files = vm.files.iter_mut().map(|file| &mut file.path);
            files.chain(&mut vm.folders).chain(&mut vm.config).for_each(spell);
        }
        let objects = inventory.objects.iter_mut();
        objects.filter_map(|object| object.path.as_mut()).for_each(spell);
    }
}

/// Inventories that are called by their file or folder, several by the same, get the folder above before their name: the
/// exports of many hosts lie in a folder each and are called alike.
fn tell_apart(inventories: &mut [Inventory]) {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for inventory in inventories.iter() {
        let number = uses.entry(inventory.source.clone()).or_default();
        *number = number.saturating_add(1);
    }
    for inventory in inventories.iter_mut() {
        if uses.get(&inventory.source).is_none_or(|&uses| uses < 2) {
            continue;
        }
        let folder = Path::new(&inventory.folder);
        let last = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let is_file = inventory
            .files
            .iter()
            .any(|file| last(Path::new(file)).as_ref() == Some(&inventory.source));
        let above = if is_file {
            last(folder)
        } else if last(folder).as_ref() == Some(&inventory.source) {
            folder.parent().and_then(last)
        } else {
            None
        };
        if let Some(above) = above {
            inventory.source = format!("{above}/{}", inventory.source);
        }
    }
}

/// Lists without VMs and without the name of their source, beside the one folder or archive that has VMs, are of its source:
/// an export of RVTools is a folder of its own, and lists of disks, volumes and libraries are laid beside it.
fn join_lists_above(folders: &mut BTreeMap<(PathBuf, Platform), Vec<Part>>) {
    let is_nameless = |part: &Part| part.source == Source::default() && !part.has_vm_list;
    let lists = folders
        .iter()
        .filter(|(_, parts)| parts.iter().all(is_nameless))
        .map(|(key, _)| key.clone());
    for key in lists.collect::<Vec<_>>() {
        let mut below = folders.iter().filter(|((folder, platform), parts)| {
            folder.parent() == Some(key.0.as_path()) && *platform == key.1 && parts.iter().any(|part| part.has_vm_list)
        });
        let only = below.next().map(|(folder, _)| folder.clone());
        let Some(only) = only.filter(|_| below.next().is_none()) else {
            continue;
        };
        let parts = folders.remove(&key).unwrap_or_default();
        folders.entry(only).or_default().extend(parts);
    }
}

/// The folder that a file lies in, however its path was written.
fn folder_key(part: &Part) -> PathBuf {
    let group = part.origin.group();
    // A relative file lies in the working folder, whose path `absolute` does not give for an empty one.
    let path = if group.as_os_str().is_empty() {
        Path::new(".")
    } else {
        &group
    };
    std::path::absolute(path).unwrap_or(group)
}

/// The ids that the parts of a folder give for each name of a source. Two vCenters may be called alike: of a part with the name
/// alone what lies in the same file tells which it is of.
struct SourceIds {
    of_name: BTreeMap<String, BTreeSet<String>>,
    in_file: BTreeMap<(PathBuf, String), BTreeSet<String>>,
}

impl SourceIds {
    fn of(parts: &[Part]) -> Self {
        let mut ids = Self {
            of_name: BTreeMap::new(),
            in_file: BTreeMap::new(),
        };
        for part in parts {
            if let (Some(name), Some(id)) = (&part.source.name, &part.source.id) {
                let name = name.to_lowercase();
                let file = (part.origin.path.clone(), name.clone());
                ids.in_file.entry(file).or_default().insert(id.clone());
                ids.of_name.entry(name).or_default().insert(id.clone());
            }
        }
        ids
    }

    fn only(&self, name: &str, part: &Part) -> Option<String> {
        let in_file = self.in_file.get(&(part.origin.path.clone(), name.to_owned()));
        let ids = in_file.or_else(|| self.of_name.get(name))?;
        ids.first().filter(|_| ids.len() == 1).cloned()
    }
}

/// The parts of one folder, divided by the sources that they name.
fn by_source(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let ids = SourceIds::of(&parts);
    let key = |part: &Part| -> Option<String> {
        let name = part.source.name.as_ref().map(|name| name.to_lowercase());
        let known = name.as_ref().and_then(|name| ids.only(name, part));
        part.source.id.clone().or(known).or(name)
    };
    let named: BTreeSet<String> = parts.iter().filter_map(&key).collect();
    let only = if named.len() == 1 { named.first().cloned() } else { None };
    let mut sources: BTreeMap<Option<String>, Vec<Part>> = BTreeMap::new();
    for part in parts {
        let key = key(&part).or_else(|| only.clone());
        sources.entry(key).or_default().push(part);
    }
    sources.into_values().collect()
}

/// One inventory of the parts of one source.
fn inventory(mut parts: Vec<Part>) -> Inventory {
    parts.sort_by(|a, b| (&a.origin.path, a.kind, &a.source).cmp(&(&b.origin.path, b.kind, &b.source)));
    let platform = parts.first().map_or(Platform::Vmware, |part| part.platform);
    let (collected, collected_is_file_time) = collected(&parts);
    let hosts = Hosts::of(&parts);
    let datastores = datastores(&parts, &hosts);
    let mut drafts: Vec<Draft> = parts.iter().flat_map(|part| part.vms.iter().cloned()).collect();
    label_configs(&mut drafts, &datastores);
    let drafts = join::vms(drafts);
    let mut inventory = Inventory {
        source: source_name(&parts),
        source_id: parts.iter().find_map(|part| part.source.id.clone()),
        folder: folder_name(&parts),
        kinds: parts
            .iter()
            .map(|part| part.kind)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        files: files(&parts),
        platform,
        collected: collected.map(|moment| moment.at),
        collected_from: collected
            .filter(|moment| moment.from < moment.at)
            .map(|moment| moment.from),
        collected_is_file_time,
        vms: drafts.into_iter().map(|draft| finished(draft, &hosts)).collect(),
        objects: objects(&parts, &datastores),
        fcd_scope: parts
            .iter()
            .flat_map(|part| part.fcd_scope.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        datastores,
        hosts: hosts.records,
        missing_hosts: Vec::new(),
        cluster_vms: Vec::new(),
        cluster_roles: Vec::new(),
        has_cluster_list: parts.iter().any(|part| part.has_cluster_list),
        has_vm_list: parts.iter().any(|part| part.has_vm_list),
        has_library_list: parts.iter().any(|part| part.has_library_list),
        object_lists: lists::of_objects(&parts),
        observations: observations(&parts),
        missing_columns: columns::missing(&parts),
        warnings: Vec::new(),
    };
    inventory
        .vms
        .sort_by(|a, b| (&a.name, &a.config, &a.row).cmp(&(&b.name, &b.config, &b.row)));
    place_in_folders(&mut inventory.vms, &parts);
    chains::add_parents(&mut inventory, &parts);
    chains::add_disk_ids(&mut inventory, &parts);
    if parts.iter().any(|part| part.lists_snapshots) {
        inventory.vms.iter_mut().for_each(|vm| vm.checkpoints_told = true);
    }
    check::cluster(&mut inventory, &parts);
    inventory.warnings = check::warnings(&inventory, &parts);
    inventory
}

/// Spells the configuration paths of VMs by the labels of their datastores: `getallvms` writes `[ds1] a/a.vmx` where
/// `vmInventory.xml` and `esxcli` of the same host write `/vmfs/volumes/<uuid>/a/a.vmx`.
fn label_configs(drafts: &mut [Draft], datastores: &[DatastoreRecord]) {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for datastore in datastores {
        let number = uses.entry(&datastore.name).or_default();
        *number = number.saturating_add(1);
    }
    let mut labels: HashMap<&str, &str> = HashMap::new();
    // Every host may have its own `datastore1`.
    let distinct = datastores
        .iter()
        .filter(|datastore| uses.get(datastore.name.as_str()) == Some(&1));
    for datastore in distinct {
        for alias in &datastore.aliases {
            labels.insert(vi::volume_path(alias), &datastore.name);
        }
    }
    for draft in drafts {
        let config = draft.vm.config.as_deref().unwrap_or_default();
        let below = config
            .strip_prefix("/vmfs/volumes/")
            .and_then(|path| path.split_once('/'));
        draft.labelled_config = below.and_then(|(volume, path)| {
            let label = labels.get(format!("/vmfs/volumes/{volume}").as_str())?;
            Some(format!("[{label}] {path}"))
        });
    }
}

/// Tells the folders of VMs from lists of inventory paths, where a name is that of one path and of one VM.
fn place_in_folders(vms: &mut [Registration], parts: &[Part]) {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for named in parts.iter().flat_map(|part| &part.named_vms) {
        if let NamedVm::Placed { folder, name } = named {
            folders.entry(name).or_default().insert(folder);
        }
    }
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for vm in vms.iter() {
        let number = uses.entry(vm.name.clone()).or_default();
        *number = number.saturating_add(1);
    }
    for vm in vms.iter_mut().filter(|vm| uses.get(&vm.name) == Some(&1)) {
        let folder = folders.get(vm.name.as_str()).filter(|folders| folders.len() == 1);
        let told = folder.and_then(BTreeSet::first).map(|folder| (*folder).to_owned());
        vm.inventory_folder = vm.inventory_folder.take().or(told);
    }
}

/// What all parts saw beside registrations, each once, sorted.
fn observations(parts: &[Part]) -> Observations {
    let mut all = Observations::default();
    for seen in parts.iter().map(|part| &part.observations) {
        all.open_files.extend_from_slice(&seen.open_files);
        all.files.extend_from_slice(&seen.files);
        all.grants.extend_from_slice(&seen.grants);
        all.ungranted.extend_from_slice(&seen.ungranted);
        all.compute_systems.extend_from_slice(&seen.compute_systems);
        all.findings.extend_from_slice(&seen.findings);
        all.other_names.extend_from_slice(&seen.other_names);
    }
    all.parents
        .extend(parts.iter().flat_map(|part| &part.chains).filter_map(told_parent));
    all.parents.sort();
    all.parents.dedup();
    all.open_files.sort();
    all.open_files.dedup();
    all.files.sort();
    all.files.dedup();
    all.grants.sort();
    all.grants.dedup();
    all.ungranted.sort();
    all.ungranted.dedup();
    all.compute_systems.sort();
    all.compute_systems.dedup();
    all.findings.sort();
    all.findings.dedup();
    all.other_names.sort();
    all.other_names.dedup();
    all
}

fn told_parent(link: &ChainLink) -> Option<ToldParent> {
    Some(ToldParent {
        parent: link.parent.clone()?,
        child: link.path.clone(),
        host: link.host.clone(),
        row: link.row.clone(),
    })
}

/// The name that the source gives itself, else that of the one file or of the folder. The store of a Hyper-V host is
/// called `data.vmcx` on every one, so its folder tells more.
fn source_name(parts: &[Part]) -> String {
    let named = parts.iter().find_map(|part| part.source.name.clone());
    let identified = parts.iter().find_map(|part| part.source.id.clone());
    let file = match parts {
        [part] if part.kind == super::InventoryKind::HypervHostStore && !part.origin.folder_name().is_empty() => {
            part.origin.folder_name()
        }
        [part] => part.origin.name(),
        _ => parts.first().map(|part| part.origin.folder_name()).unwrap_or_default(),
    };
    named.or(identified).unwrap_or(file)
}

fn folder_name(parts: &[Part]) -> String {
    let folder = parts.first().map(|part| part.origin.group());
    folder
        .map(|folder| folder.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn files(parts: &[Part]) -> Vec<String> {
    let files: BTreeSet<String> = parts
        .iter()
        .map(|part| part.origin.path.to_string_lossy().into_owned())
        .collect();
    files.into_iter().collect()
}

/// When the source was asked, and whether that is only the time of a file. Lists of VMs decide where there are any, and
/// the oldest of them: what is newer than it was perhaps not seen. Where they say nothing, a time that another file of the
/// source says (vMetaData in a folder of CSV files) bounds the time of theirs: a copy of a file is newer than its export.
fn collected(parts: &[Part]) -> (Option<Moment>, bool) {
    let lists: Vec<&Part> = parts.iter().filter(|part| part.has_vm_list).collect();
    let decisive: Vec<&Part> = if lists.is_empty() {
        parts.iter().collect()
    } else {
        lists
    };
    time_of(&decisive, parts)
}

/// When these of the parts were taken, and whether that is only the time of a file.
fn time_of(decisive: &[&Part], parts: &[Part]) -> (Option<Moment>, bool) {
    if let Some(said) = Moment::earliest(decisive.iter().filter_map(|part| part.said())) {
        return (Some(said), false);
    }
    let file = Moment::earliest(decisive.iter().filter_map(|part| part.origin.modified));
    match Moment::earliest(parts.iter().filter_map(Part::said)) {
        Some(said) if file.is_none_or(|file| said.at < file.at) => (Some(said), false),
        _ => (file, file.is_some()),
    }
}

/// Datastores, those of one reference or place put together.
fn datastores(parts: &[Part], hosts: &Hosts) -> Vec<DatastoreRecord> {
    let mut merged: Vec<DatastoreRecord> = Vec::new();
    let mut index: HashMap<String, Vec<usize>> = HashMap::new();
    for record in parts.iter().flat_map(|part| &part.datastores) {
        let mut record = record.clone();
        record.hosts = record.hosts.iter().map(|host| hosts.name_of(host)).collect();
        let keys = datastore_keys(&record);
        let candidates: BTreeSet<usize> = keys
            .iter()
            .filter_map(|key| index.get(key))
            .flat_map(|at| at.iter().take(MAX_NAMESAKES))
            .copied()
            .collect();
        let same = |at: &usize| merged.get(*at).is_some_and(|known| is_same_datastore(known, &record));
        let at = candidates.into_iter().find(same).unwrap_or(merged.len());
        match merged.get_mut(at) {
            Some(known) => add_to_datastore(known, record),
            None => merged.push(record),
        }
        for key in keys {
            let places = index.entry(key).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    for record in &mut merged {
        record.aliases.sort();
        record.hosts.sort();
        record.hosts.dedup();
    }
    merged.sort_by(|a, b| (&a.name, &a.moref, &a.aliases).cmp(&(&b.name, &b.moref, &b.aliases)));
    merged
}

/// What two records of one datastore have in common at least.
fn datastore_keys(record: &DatastoreRecord) -> Vec<String> {
    let place = record.aliases.iter().map(|alias| vi::volume_path(alias).to_owned());
    place.chain(record.moref.clone()).chain([record.name.clone()]).collect()
}

/// One reference is one datastore, and so is one place. A label alone tells only where nothing speaks against it: every
/// host may have its own `datastore1`.
fn is_same_datastore(a: &DatastoreRecord, b: &DatastoreRecord) -> bool {
    if let (Some(a), Some(b)) = (&a.moref, &b.moref) {
        return a == b;
    }
    let places = |record: &DatastoreRecord| -> BTreeSet<String> {
        record
            .aliases
            .iter()
            .map(|alias| vi::volume_path(alias))
            .filter(|alias| alias.contains("/volumes/"))
            .map(str::to_owned)
            .collect()
    };
    let (of_a, of_b) = (places(a), places(b));
    if of_a.is_empty() || of_b.is_empty() {
        return a.name == b.name;
    }
    !of_a.is_disjoint(&of_b)
}

fn add_to_datastore(known: &mut DatastoreRecord, other: DatastoreRecord) {
    let named: Vec<String> = other.aliases.iter().chain([&other.name]).cloned().collect();
    for alias in named {
        known.add_alias(&alias);
    }
    known.moref = known.moref.take().or(other.moref);
    known.kind = known.kind.take().or(other.kind);
    known.hosts.extend(other.hosts);
    known.host_count = known.host_count.max(other.host_count);
    known.vm_count = known.vm_count.max(other.vm_count);
    known.capacity_bytes = known.capacity_bytes.or(other.capacity_bytes);
    known.free_bytes = known.free_bytes.or(other.free_bytes);
}

/// Objects that are no VM, each once, their folders resolved where what they need for it is there.
fn objects(parts: &[Part], datastores: &[DatastoreRecord]) -> Vec<RegisteredObject> {
    let drafts: Vec<&ObjectDraft> = parts.iter().flat_map(|part| &part.objects).collect();
    let morefs: HashMap<&str, &str> = datastores
        .iter()
        .filter_map(|datastore| Some((datastore.moref.as_deref()?, datastore.name.as_str())))
        .collect();
    let mut objects: Vec<RegisteredObject> = drafts
        .iter()
        .map(|draft| match &draft.place {
            Place::Datastore { moref, folder } => {
                let path = morefs.get(moref.as_str()).map(|name| format!("[{name}] {folder}"));
                placed(&draft.object, path)
            }
            _ => draft.object.clone(),
        })
        .collect();
    let mut libraries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (object, _) in objects
        .iter()
        .zip(&drafts)
        .filter(|(_, draft)| matches!(draft.place, Place::Datastore { .. }))
    {
        libraries
            .entry(object.id.clone())
            .or_default()
            .extend(object.path.clone());
    }
    for draft in &drafts {
        if let Place::Library { id, folder } = &draft.place {
            let paths = libraries.get(id).into_iter().flatten();
            objects.extend(paths.map(|path| placed(&draft.object, Some(format!("{path}/{folder}")))));
        }
    }
    place_volumes(&mut objects);
    distinct_objects(objects)
}

/// A volume of Kubernetes or CNS is a First Class Disk of the same id, whose path a list of disks may tell.
fn place_volumes(objects: &mut [RegisteredObject]) {
    let paths: HashMap<String, String> = objects
        .iter()
        .filter(|object| object.class == "fcd")
        .filter_map(|object| Some((object.id.to_lowercase(), object.path.clone()?)))
        .collect();
    let volumes = objects
        .iter_mut()
        .filter(|object| object.path.is_none() && ["kubernetes-volume", "cns-volume"].contains(&object.class.as_str()));
    for volume in volumes {
        volume.path = paths.get(&volume.id.to_lowercase()).cloned();
    }
}

fn placed(object: &RegisteredObject, path: Option<String>) -> RegisteredObject {
    RegisteredObject { path, ..object.clone() }
}

/// Every object once; one whose path is known is not listed without it too.
fn distinct_objects(mut objects: Vec<RegisteredObject>) -> Vec<RegisteredObject> {
    objects.sort_by(|a, b| (&a.class, &a.id, &a.path, &a.row).cmp(&(&b.class, &b.id, &b.path, &b.row)));
    objects.dedup_by(|later, first| {
        let is_same = (&later.class, &later.id, &later.path) == (&first.class, &first.id, &first.path);
        // A list without names has the id in their place.
        if is_same && first.name == first.id {
            first.name.clone_from(&later.name);
        }
        is_same
    });
    let key = |object: &RegisteredObject| (object.class.clone(), object.id.clone());
    let with_path: BTreeSet<_> = objects.iter().filter(|object| object.path.is_some()).map(key).collect();
    objects.retain(|object| object.path.is_some() || !with_path.contains(&key(object)));
    objects
}

/// The registration of a draft, its host named and its path taken from its name where vCenter lost the VM's.
fn finished(mut draft: Draft, hosts: &Hosts) -> Registration {
    draft.leave_out_repetitions();
    let listing = join::listing(&draft);
    let mut vm = draft.vm;
    vm.listing = listing;
    vm.host = vm.host.map(|host| hosts.name_of(&host));
    let is_path = vm.name.starts_with(['/', '[']) && values::ends_with(&vm.name, &[".vmx", ".vmtx"]);
    if vm.config.is_none() && is_path {
        vm.config = Some(vm.name.clone());
    }
    if vm.name.is_empty() {
        vm.name = name_of_config(&vm);
    }
    vm
}

/// What a VM is called whose name is not in the export: the name of its configuration file without the ending.
fn name_of_config(vm: &Registration) -> String {
    let config = vm.config.as_deref().unwrap_or_default();
    let file = config.rsplit(['/', '\\']).next().unwrap_or_default();
    file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned()
}

/// Warnings without repetition, sorted.
fn distinct(warnings: impl IntoIterator<Item = InventoryWarning>) -> Vec<InventoryWarning> {
    warnings.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
