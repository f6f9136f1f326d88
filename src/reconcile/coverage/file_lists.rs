//! What lists of the files on datastores tell. They say what was there when they were taken, never whose it is: nothing is
//! owned or nobody's on their word. They show what the crawl could not see, and that a root may not be what it is taken for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Builder, Reach, count};
use crate::{
    inventory::DatastoreFile,
    kind::Kind,
    path::{Mount, Parsed, fold, parse},
    reconcile::{
        files::NodeId,
        own::World,
        resolve::{Match, Target},
    },
    report::codes::ReasonCode,
};

/// Names of what every crawl keeps: disks and configurations. Other files come and go with the state of a VM.
const LASTING: [&str; 9] = [
    ".vmdk", ".vmx", ".vmtx", ".vhd", ".vhdx", ".avhd", ".avhdx", ".vhds", ".vmcx",
];
/// Fewer listed files than this may all have been deleted since; that none of more is there speaks for another datastore.
const FEWEST_TO_DOUBT: usize = 8;
/// Files that are named one by one.
const NAMED: usize = 5;

/// What the list of one inventory tells of one root.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileList {
    /// Who made it.
    pub(crate) source: String,
    /// When.
    pub(crate) taken: Option<Timestamp>,
    /// The root.
    pub(crate) root: usize,
    /// Listed disks and configurations that are there.
    pub(crate) there: usize,
    /// Listed disks and configurations that are not there: how many, and the first.
    pub(crate) gone: Several,
    /// Listed files in places that were not read.
    pub(crate) unread: Several,
    /// Disks and configurations among them.
    pub(crate) unread_lasting: usize,
    /// Files of another size than listed, with that size.
    pub(crate) resized: Vec<(NodeId, u64)>,
}

/// How many there are, and the first few.
#[derive(Debug, Clone, Default)]
pub(crate) struct Several {
    /// How many.
    pub(crate) number: usize,
    first: BTreeSet<String>,
}

impl Several {
    fn add(&mut self, text: String) {
        self.number = self.number.saturating_add(1);
        self.first.insert(text);
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }

    /// The first few, and how many more.
    pub(crate) fn named(&self) -> String {
        let names = self.first.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.number.saturating_sub(self.first.len()) {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }
}

/// Files of a list on a datastore that was not scanned.
#[derive(Debug, Default)]
struct Elsewhere {
    files: usize,
    lasting: usize,
    bytes: u64,
}

impl Builder<'_> {
    /// Holds the lists against the crawl.
    pub(super) fn file_lists(&mut self) {
        for index in 0..self.world.inventories.len() {
            let (lists, elsewhere) = tally(self.world, index);
            for list in lists {
                self.file_list(&list);
                self.coverage.file_lists.push(list);
            }
            let source = self.world.inventories[index].source.clone();
            for (datastore, seen) in elsewhere {
                let text = format!(
                    "{source} lists {} ({} bytes) on {datastore}, {} of them disks or configurations, and it was not scanned: scan it as well",
                    count(seen.files, "file", "files"),
                    seen.bytes,
                    seen.lasting,
                );
                self.note(ReasonCode::DatastoreNotScanned, text, BTreeSet::new(), false);
            }
        }
    }

    fn file_list(&mut self, list: &FileList) {
        let root = self.root_name(list.root).to_owned();
        let roots = BTreeSet::from([list.root]);
        if list.unread.number > 0 {
            let text = format!(
                "{} lists {} in places of {root} that were not read, {} of them disks or configurations ({}): read these places as well",
                list.source,
                count(list.unread.number, "file", "files"),
                list.unread_lasting,
                list.unread.named(),
            );
            self.note(ReasonCode::FolderUnreadable, text, roots.clone(), false);
        }
        if list.there == 0 && list.gone.number >= FEWEST_TO_DOUBT {
            let text = format!(
                "of {} disks and configurations that {} lists on {root} none is there ({}), so the root may be another datastore, or the list of \
                 another time: check the mount and its alias, and take a new list",
                list.gone.number,
                list.source,
                list.gone.named(),
            );
            self.gap(ReasonCode::AmbiguousDatastore, text, roots, Reach::Everything);
        }
    }
}

/// What the list of an inventory tells of each root, and of each datastore that was not scanned.
fn tally(world: World<'_>, inventory: usize) -> (Vec<FileList>, BTreeMap<String, Elsewhere>) {
    let list = &world.inventories[inventory];
    let mut of_root: BTreeMap<usize, FileList> = BTreeMap::new();
    let mut elsewhere: BTreeMap<String, Elsewhere> = BTreeMap::new();
    for file in &list.observations.files {
        let name = fold(&file.path);
        let lasting = LASTING.iter().any(|end| name.ends_with(end));
        let target = world.resolver.listed(inventory, None, &file.path);
        let root = match &target {
            Target::Files(nodes) => nodes.first().map(|(node, _)| world.files.nodes[*node].entry.root),
            Target::Missing { root, .. } | Target::Unread { root, .. } => Some(*root),
            Target::Outside | Target::NotAFile => None,
        };
        let Some(root) = root else {
            if let Some(datastore) = label(&file.path) {
                let seen = elsewhere.entry(datastore).or_default();
                seen.files = seen.files.saturating_add(1);
                seen.lasting = seen.lasting.saturating_add(usize::from(lasting));
                seen.bytes = seen.bytes.saturating_add(file.size_bytes.unwrap_or_default());
            }
            continue;
        };
        let seen = of_root.entry(root).or_insert_with(|| FileList {
            source: list.source.clone(),
            taken: list.collected,
            root,
            ..FileList::default()
        });
        seen.add(world, file, &target, lasting);
    }
    (of_root.into_values().collect(), elsewhere)
}

impl FileList {
    fn add(&mut self, world: World<'_>, file: &DatastoreFile, target: &Target, lasting: bool) {
        match target {
            Target::Files(nodes) => {
                self.there = self.there.saturating_add(usize::from(lasting));
                if let [(node, Match::Exact)] = nodes.as_slice() {
                    self.compare(world, file, *node);
                }
            }
            Target::Unread { .. } => {
                self.unread_lasting = self.unread_lasting.saturating_add(usize::from(lasting));
                self.unread.add(file.path.clone());
            }
            Target::Missing { .. } if lasting => self.gone.add(file.path.clone()),
            _ => {}
        }
    }

    /// The browser of vCenter gives a descriptor the size of its disk, so that of descriptors says nothing.
    fn compare(&mut self, world: World<'_>, file: &DatastoreFile, node: NodeId) {
        let found = world.files.nodes[node];
        let comparable = found.kind().is_disk() && found.kind() != Kind::VmdkDescriptor || found.kind() == Kind::Iso;
        let Some(listed) = file.size_bytes.filter(|_| comparable) else {
            return;
        };
        if listed != found.entry.length {
            self.resized.push((node, listed));
        }
    }
}

/// The datastore of a path, as it is called there.
fn label(path: &str) -> Option<String> {
    match parse(path) {
        Parsed::Path(path) => match path.mount? {
            Mount::Label(label) => Some(label),
            _ => None,
        },
        Parsed::NotAFile | Parsed::Unclear => None,
    }
}
