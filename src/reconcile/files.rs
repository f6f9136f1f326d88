//! All files of the catalogue, found by root and path the way the platforms compare names.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use foldhash::quality::RandomState;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::{
    Options,
    links::{leaving_links, links, place_of},
    same_file::{first_names, looks, unnumbered_looks},
    short_name,
    unread::UnreadPlaces,
};
use crate::{
    catalogue::{Artifact, Catalogue, Entry, RootRecord},
    evidence::{Evidence, MarkCode},
    kind::{Kind, Platform},
    path::{Mount, Parsed, fold, parse},
    raw::RawPath,
};

/// A file of the catalogue: artifacts first, then the ordinary files beside them.
pub(crate) type NodeId = usize;

/// One file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    /// What the file system says.
    pub(crate) entry: &'a Entry,
    /// What was read; `None` for an ordinary file.
    pub(crate) artifact: Option<&'a Artifact>,
}

impl<'a> Node<'a> {
    /// Kind; an ordinary file is one that only a reference can make an artifact.
    pub(crate) fn kind(&self) -> Kind {
        self.artifact.map_or(Kind::Referenced, |artifact| artifact.kind)
    }

    /// What it says; nothing for an ordinary file.
    pub(crate) fn evidence(&self) -> Option<&'a Evidence> {
        self.artifact.map(|artifact| &artifact.evidence)
    }

    /// True when it carries this mark.
    pub(crate) fn has_mark(&self, code: MarkCode) -> bool {
        self.evidence()
            .is_some_and(|evidence| evidence.marks.iter().any(|mark| mark.code == code))
    }

    /// Folded name.
    fn name(&self) -> Cow<'a, str> {
        folded_text(self.entry.path.name())
    }

    /// Folder of the file, relative to its root.
    pub(crate) fn folder(&self) -> &'a [u8] {
        folder_of(self.entry)
    }
}

/// What a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The file; `exact` is false where only the letter case fits.
    Found {
        /// Which.
        node: NodeId,
        /// Byte for byte.
        exact: bool,
    },
    /// Several files differ only in case, and none fits exactly.
    Ambiguous(Vec<NodeId>),
    /// Short names of Windows stand in the path: every file that may be meant (H-B3).
    Short(Vec<NodeId>),
    /// Nothing.
    Nothing,
}

/// The files and their indexes.
#[derive(Debug)]
pub(crate) struct Files<'a> {
    /// All files, artifacts first.
    pub(crate) nodes: Vec<Node<'a>>,
    exact: Vec<ByPath<&'a [u8], NodeId>>,
    /// By folded path; the first of several.
    folded: Vec<Folded<'a>>,
    alike: Alike,
    folders: Vec<ByPath<&'a [u8], InFolder>>,
    /// The files of each root.
    of_roots: Vec<Vec<NodeId>>,
    /// For each root the folded first parts of all paths under which something is found.
    tops: Vec<HashSet<String>>,
    links: Vec<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// The same links by their targets.
    named_by: Vec<BTreeMap<Vec<u8>, Vec<Vec<u8>>>>,
    /// Symbolic links that leave their root, with their absolute targets.
    leaving: Vec<BTreeMap<Vec<u8>, RawPath>>,
    roots: &'a [RootRecord],
    /// Places that were not looked at.
    pub(crate) unread: UnreadPlaces,
    names: Vec<Cow<'a, str>>,
    /// For each file the first name of the same file.
    pub(crate) first_name: Vec<NodeId>,
    /// Files of one look: they may be one file that is seen through several devices, or under names of which the file system
    /// does not tell whether they are of one file.
    pub(crate) looks: Vec<Vec<NodeId>>,
}

/// The files of one folder.
#[derive(Debug, Default)]
struct InFolder {
    /// As the catalogue has them.
    nodes: Vec<NodeId>,
    /// By their folded names, where they are too many to look at each of them for every other.
    by_name: Vec<NodeId>,
    /// The logs of VMs among them, whose names do not tell whose they are.
    logs: Vec<NodeId>,
}

/// More files of a folder than these are found by their sorted names.
const FEW_IN_A_FOLDER: usize = 64;

/// What is asked for paths many million times: a hash that costs little, with a seed that nobody knows before.
type ByPath<K, V> = HashMap<K, V, RandomState>;

/// Files by their folded paths.
type Folded<'a> = ByPath<Cow<'a, str>, NodeId>;

/// All of several files whose folded paths are the same, by the first.
type Alike = HashMap<NodeId, Vec<NodeId>>;

/// Most symbolic links that one lookup goes through.
const LINK_HOPS_MAX: usize = 8;

impl<'a> Files<'a> {
    /// Indexes a catalogue; `None` where it is given up.
    pub(crate) fn new(catalogue: &'a Catalogue, options: &Options) -> Option<Self> {
        options.go_on()?;
        let artifacts = catalogue.artifacts.iter().map(|artifact| Node {
            entry: &artifact.entry,
            artifact: Some(artifact),
        });
        let bystanders = catalogue.bystanders.iter().map(|entry| Node { entry, artifact: None });
        let nodes: Vec<Node<'a>> = artifacts.chain(bystanders).collect();
        let mut looks = looks(catalogue, &nodes);
        options.go_on()?;
        let first_name = first_names(catalogue, &nodes, &looks);
        options.go_on()?;
        looks.extend(unnumbered_looks(&nodes));
        options.go_on()?;
        let of_roots = of_roots(&nodes, catalogue.roots.len());
        let exact = of_roots.par_iter().map(|of_root| exact(&nodes, of_root)).collect();
        options.go_on()?;
        let names: Vec<Cow<'a, str>> = nodes.par_iter().map(Node::name).collect();
        let folders = of_roots.par_iter().map(|of_root| folders(&nodes, &names, of_root));
        let folders = folders.collect();
        options.go_on()?;
        let folded = of_roots.par_iter().map(|of_root| folded(&nodes, of_root));
        let (folded, alike): (_, Vec<Alike>) = folded.unzip();
        let links = links(catalogue);
        let tops = of_roots.par_iter().zip(&links);
        let tops = tops.map(|(of_root, links)| tops_of(&nodes, of_root, links)).collect();
        options.go_on()?;
        Some(Self {
            exact,
            folded,
            alike: alike.into_iter().flatten().collect(),
            folders,
            of_roots,
            tops,
            named_by: links.iter().map(by_target).collect(),
            links,
            leaving: leaving_links(catalogue),
            roots: &catalogue.roots,
            unread: UnreadPlaces::new(catalogue),
            first_name,
            looks,
            names,
            nodes,
        })
    }

    /// Artifacts that a path of a Windows server may mean when nobody knows which root its drive or share is: the path of
    /// the file below its root is the end of it, or begins with the end of it where it is that of a folder. A share mostly has
    /// the name of its folder, which may lie anywhere.
    pub(crate) fn at_end_of(&self, text: &str, folder: bool) -> Vec<NodeId> {
        let Parsed::Path(path) = parse(text) else {
            return Vec::new();
        };
        if !matches!(path.mount, Some(Mount::Drive { .. } | Mount::Share { .. })) {
            return Vec::new();
        }
        let wanted: Vec<String> = path.parts.iter().map(|part| fold(part)).collect();
        let share = match &path.mount {
            Some(Mount::Share { share, .. }) if folder => [vec![fold(share)], wanted.clone()].concat(),
            _ => Vec::new(),
        };
        let may_be = |node: &NodeId| {
            let entry = self.nodes[*node].entry;
            let name = self.name(*node);
            if !folder && wanted.last().is_none_or(|last| last != name) {
                return false;
            }
            let below = fold(&entry.path.lossy());
            let below: Vec<&str> = below.split('/').collect();
            if folder {
                let begins = |below: &[&str], end: &[String]| {
                    below.len() > end.len() && below.iter().zip(end).all(|(part, end)| part == end)
                };
                let is_in_share = || (0..below.len()).any(|start| begins(&below[start..], &share));
                return (0..wanted.len()).any(|start| begins(&below, &wanted[start..]))
                    || !share.is_empty() && is_in_share();
            }
            below.len() <= wanted.len()
                && below
                    .iter()
                    .rev()
                    .zip(wanted.iter().rev())
                    .all(|(part, end)| part == end)
        };
        (0..self.nodes.len())
            .filter(|node| self.nodes[*node].artifact.is_some())
            .filter(may_be)
            .collect()
    }

    /// The files of a root.
    pub(crate) fn of_root(&self, root: usize) -> &[NodeId] {
        &self.of_roots[root]
    }

    /// False only where [`Self::find`] finds no path of a root that begins with this part.
    pub(crate) fn may_hold(&self, root: usize, first_part: &str) -> bool {
        first_part.contains('~') || self.tops[root].contains(&fold(first_part))
    }

    /// Where a root lies on the machine that scanned it.
    pub(crate) fn root_path(&self, root: usize) -> Cow<'_, str> {
        self.roots[root].path.lossy()
    }

    /// How many roots there are.
    pub(crate) fn root_count(&self) -> usize {
        self.roots.len()
    }

    /// Folded name of a file.
    pub(crate) fn name(&self, node: NodeId) -> &str {
        &self.names[node]
    }

    /// What is known of a root.
    pub(crate) fn root(&self, root: usize) -> &'a RootRecord {
        &self.roots[root]
    }

    /// Files directly in a folder.
    pub(crate) fn in_folder(&self, root: usize, folder: &[u8]) -> &[NodeId] {
        self.folders[root]
            .get(folder)
            .map_or(&[], |together| together.nodes.as_slice())
    }

    /// Files directly in a folder whose folded names begin so, in the order of the catalogue.
    pub(crate) fn beginning_with(&self, root: usize, folder: &[u8], start: &str) -> Vec<NodeId> {
        let Some(together) = self.folders[root].get(folder) else {
            return Vec::new();
        };
        let begins = |node: &NodeId| self.name(*node).starts_with(start);
        if together.by_name.is_empty() {
            return together.nodes.iter().copied().filter(begins).collect();
        }
        let sorted = &together.by_name;
        let first = sorted.partition_point(|&node| self.name(node) < start);
        let mut found: Vec<NodeId> = sorted[first..].iter().copied().take_while(begins).collect();
        found.sort_unstable();
        found
    }

    /// Logs of VMs directly in a folder.
    pub(crate) fn logs(&self, root: usize, folder: &[u8]) -> &[NodeId] {
        self.folders[root]
            .get(folder)
            .map_or(&[], |together| together.logs.as_slice())
    }

    /// True where a file of exactly this folded name lies directly in a folder and is such a one.
    pub(crate) fn any_named(&self, root: usize, folder: &[u8], name: &str, is: impl Fn(NodeId) -> bool) -> bool {
        let mut named = self.beginning_with(root, folder, name).into_iter();
        named.any(|node| self.name(node) == name && is(node))
    }

    /// All folders that hold a file of the catalogue: root, folder, files.
    pub(crate) fn folders(&self) -> Vec<(usize, &'a [u8], &[NodeId])> {
        let mut all: Vec<_> = self
            .folders
            .iter()
            .enumerate()
            .flat_map(|(root, folders)| {
                folders
                    .iter()
                    .map(move |(&folder, together)| (root, folder, together.nodes.as_slice()))
            })
            .collect();
        all.sort_unstable_by_key(|&(root, folder, _)| (root, folder));
        all
    }

    /// A folder above files of the catalogue, as it is spelled: names of Windows have no case.
    pub(crate) fn spelled_folder(&self, root: usize, way: &[String]) -> Option<Vec<String>> {
        let spelled = self.folders[root].keys().filter_map(|folder| {
            let text = String::from_utf8_lossy(folder);
            let parts: Vec<&str> = text.split('/').take(way.len()).collect();
            let fits = parts.len() == way.len() && parts.iter().zip(way).all(|(part, name)| fold(part) == fold(name));
            fits.then(|| parts.into_iter().map(str::to_owned).collect())
        });
        spelled.min()
    }

    /// Looks a path up: byte for byte, else through links, else without regard to case.
    pub(crate) fn find(&self, root: usize, path: &[u8]) -> Lookup {
        let mut path = Cow::Borrowed(path);
        for _ in 0..LINK_HOPS_MAX {
            if let Some(&node) = self.exact[root].get(path.as_ref()) {
                return Lookup::Found { node, exact: true };
            }
            match self.through_link(root, &path) {
                Some(next) => path = Cow::Owned(next),
                None => break,
            }
        }
        let Some(&node) = self.folded[root].get(folded_text(&path).as_ref()) else {
            return self.find_by_short_names(root, &path);
        };
        match self.alike.get(&node) {
            None => Lookup::Found { node, exact: false },
            Some(several) => Lookup::Ambiguous(several.clone()),
        }
    }

    /// The files that a path with short names may mean. Only the volume itself knows which long name has which short one.
    fn find_by_short_names(&self, root: usize, path: &[u8]) -> Lookup {
        if !path.contains(&b'~') {
            return Lookup::Nothing;
        }
        let wanted = fold(&String::from_utf8_lossy(path));
        let parts: Vec<&str> = wanted.split('/').collect();
        if !parts.iter().any(|part| short_name::is_one(part)) {
            return Lookup::Nothing;
        }
        let is_meant = |long: &str| {
            let mut long = long.split('/');
            let fits = parts.iter().all(|part| {
                long.next()
                    .is_some_and(|long| *part == long || short_name::may_be_of(part, long))
            });
            fits && long.next().is_none()
        };
        let of_windows = |node: &NodeId| self.nodes[*node].kind().platform() != Some(Platform::Vmware);
        let fitting = self.folded[root].iter().filter(|(long, _)| is_meant(long));
        let all = fitting.flat_map(|(_, node)| self.alike.get(node).map_or(std::slice::from_ref(node), Vec::as_slice));
        let mut found: Vec<NodeId> = all.copied().filter(of_windows).collect();
        if found.is_empty() {
            return Lookup::Nothing;
        }
        found.sort_unstable();
        Lookup::Short(found)
    }

    /// True for a path that leads, through links or not, to a place that was not looked at.
    pub(crate) fn is_unread(&self, root: usize, path: &[u8]) -> bool {
        let mut path = path.to_vec();
        for _ in 0..LINK_HOPS_MAX {
            if self.unread.holds(root, &path) {
                return true;
            }
            match self.through_link(root, &path) {
                Some(next) => path = next,
                None => break,
            }
        }
        false
    }

    /// Replaces the longest leading link of a path by what it points to, inside the root.
    fn through_link(&self, root: usize, path: &[u8]) -> Option<Vec<u8>> {
        let (target, rest) = leading_link(&self.links[root], path)?;
        Some([target.as_slice(), rest].concat())
    }

    /// The other paths of a file or folder of a root: through the symbolic links that lead to a folder above it. On vSAN and
    /// virtual volumes a folder of the top level is a namespace that is named by its id, and its name is such a link (V65).
    pub(crate) fn other_paths(&self, root: usize, path: &[u8]) -> Vec<Vec<u8>> {
        let links = &self.named_by[root];
        if links.is_empty() {
            return Vec::new();
        }
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = ends.map(|(at, _)| at).chain([path.len()]);
        let through = |end: usize| {
            let links = links.get(&path[..end]).into_iter().flatten();
            links.map(move |link| [link.as_slice(), &path[end..]].concat())
        };
        ends.flat_map(through).collect()
    }

    /// True where a symbolic link of this path leads to another place of its root.
    pub(crate) fn has_link(&self, root: usize, path: &[u8]) -> bool {
        self.links[root].contains_key(path)
    }

    /// True where symbolic links lead to other places of their root.
    pub(crate) fn has_links(&self, root: usize) -> bool {
        !self.links[root].is_empty()
    }

    /// The absolute path behind a leading link that leaves the root.
    pub(crate) fn leaving_link(&self, root: usize, path: &[u8]) -> Option<RawPath> {
        let (target, rest) = leading_link(&self.leaving[root], path)?;
        Some(RawPath::new([target.as_bytes(), rest].concat()))
    }

    /// The root that an absolute path of the machine which scanned `from` lies in, and the path below it.
    pub(crate) fn scanned_place(&self, from: usize, path: &RawPath) -> Option<(usize, Vec<u8>)> {
        let of_machine = self
            .roots
            .iter()
            .enumerate()
            .filter(|(_, root)| root.machine == self.roots[from].machine);
        of_machine
            .filter_map(|(index, root)| Some((index, below(place_of(root).as_bytes(), path.as_bytes())?)))
            .min_by_key(|(_, below)| below.len())
    }
}

/// A path below a root, both as one machine has them. Those of Windows are the same with either stroke and in any case.
pub(super) fn below(root: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let (root, path) = (with_slashes(root), with_slashes(path));
    let top = root.strip_suffix(b"/").unwrap_or(&root);
    if top_parts(&root) > 0 {
        return below_of_windows(top, &path);
    }
    let (start, rest) = path.split_at_checked(top.len())?;
    Some(rest.strip_prefix(b"/").filter(|_| start == top)?.to_vec())
}

/// Part by part, for a letter may take more bytes in the other case.
fn below_of_windows(top: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    if top_parts(path) == 0 {
        return None;
    }
    let mut parts = path.split(|&byte| byte == b'/');
    for part in top.split(|&byte| byte == b'/') {
        parts.next().filter(|found| folded_text(found) == folded_text(part))?;
    }
    let rest: Vec<&[u8]> = parts.collect();
    (!rest.is_empty()).then(|| rest.join(&b'/'))
}

/// How many parts name the volume in a path of Windows with slashes: `D:` is one, `//server/share` two, `//?/Volume{…}`
/// two. None in any other path.
pub(super) fn top_parts(path: &[u8]) -> usize {
    match path {
        [letter, b':'] | [letter, b':', b'/', ..] if letter.is_ascii_alphabetic() => 1,
        [b'/', b'/', first, ..] if *first != b'/' => 2,
        _ => 0,
    }
}

/// A path of Windows with slashes, without the sign that it is verbatim where it has another form; any other path as it is.
/// Both `\\?\UNC\server\share` and `//?/UNC/server/share` are `//server/share`.
pub(super) fn with_slashes(path: &[u8]) -> Cow<'_, [u8]> {
    let is_of_windows = match path {
        [letter, b':', b'\\' | b'/', ..] => letter.is_ascii_alphabetic(),
        _ => path.starts_with(br"\\") || path.starts_with(b"//?/") || path.starts_with(br"\??\"),
    };
    if !is_of_windows {
        return Cow::Borrowed(path);
    }
    let slash = |&byte: &u8| if byte == b'\\' { b'/' } else { byte };
    let path: Vec<u8> = path.iter().map(slash).collect();
    let Some(plain) = path.strip_prefix(b"//?/").or_else(|| path.strip_prefix(b"/??/")) else {
        return Cow::Owned(path);
    };
    Cow::Owned(match plain {
        [letter, b':', b'/', ..] if letter.is_ascii_alphabetic() => plain.to_vec(),
        [b'u' | b'U', b'n' | b'N', b'c' | b'C', b'/', share @ ..] => [b"//", share].concat(),
        _ => [b"//?/", plain].concat(),
    })
}

/// The longest link that a path leads through: what it points to, and the rest of the path.
fn leading_link<'p, T>(links: &'p BTreeMap<Vec<u8>, T>, path: &'p [u8]) -> Option<(&'p T, &'p [u8])> {
    if links.is_empty() {
        return None;
    }
    let ends = path
        .iter()
        .enumerate()
        .filter(|&(_, &byte)| byte == b'/')
        .map(|(end, _)| end)
        .chain([path.len()]);
    ends.filter_map(|end| Some((links.get(&path[..end])?, &path[end..])))
        .next_back()
}

/// Text of a path folded; most are as they stand.
fn folded_text(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text;
    }
    Cow::Owned(fold(&text))
}

/// The files of each root, in order.
fn of_roots(nodes: &[Node<'_>], roots: usize) -> Vec<Vec<NodeId>> {
    let mut of_roots = vec![Vec::new(); roots];
    for (id, node) in nodes.iter().enumerate() {
        of_roots[node.entry.root].push(id);
    }
    of_roots
}

/// Files of a root by path.
fn exact<'a>(nodes: &[Node<'a>], of_root: &[NodeId]) -> ByPath<&'a [u8], NodeId> {
    let by_path = of_root.iter().map(|&id| (nodes[id].entry.path.as_bytes(), id));
    by_path.collect()
}

/// The first file of every folded path of a root, and all by the first where there are several.
fn folded<'a>(nodes: &[Node<'a>], of_root: &[NodeId]) -> (Folded<'a>, Alike) {
    let mut folded = Folded::with_capacity_and_hasher(of_root.len(), RandomState::default());
    let mut alike = Alike::new();
    for &id in of_root {
        let path = folded_text(nodes[id].entry.path.as_bytes());
        let first = *folded.entry(path).or_insert(id);
        if first != id {
            alike.entry(first).or_insert_with(|| vec![first]).push(id);
        }
    }
    (folded, alike)
}

/// Files of a root by folder.
fn folders<'a>(nodes: &[Node<'a>], names: &[Cow<'a, str>], of_root: &[NodeId]) -> ByPath<&'a [u8], InFolder> {
    let mut folders: ByPath<_, InFolder> = ByPath::default();
    for &id in of_root {
        let together = folders.entry(folder_of(nodes[id].entry)).or_default();
        together.nodes.push(id);
        if nodes[id].kind() == Kind::VmLog {
            together.logs.push(id);
        }
    }
    for together in folders
        .values_mut()
        .filter(|together| together.nodes.len() > FEW_IN_A_FOLDER)
    {
        together.by_name.clone_from(&together.nodes);
        together
            .by_name
            .sort_unstable_by(|one, other| names[*one].cmp(&names[*other]));
    }
    folders
}

/// The folded first parts of the paths of files and of links.
fn tops_of(nodes: &[Node<'_>], of_root: &[NodeId], links: &BTreeMap<Vec<u8>, Vec<u8>>) -> HashSet<String> {
    let files = of_root.iter().map(|&node| nodes[node].entry.path.as_bytes());
    let paths = files.chain(links.keys().map(Vec::as_slice));
    let mut tops: Vec<&[u8]> = paths
        .filter_map(|path| path.split(|&byte| byte == b'/').next())
        .collect();
    // Those of one folder mostly follow each other.
    tops.dedup();
    tops.into_iter().map(|top| folded_text(top).into_owned()).collect()
}

/// Links by what they lead to.
fn by_target(links: &BTreeMap<Vec<u8>, Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut by_target: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for (link, target) in links.iter().filter(|(_, target)| !target.is_empty()) {
        by_target.entry(target.clone()).or_default().push(link.clone());
    }
    by_target
}

fn folder_of(entry: &Entry) -> &[u8] {
    let bytes = entry.path.as_bytes();
    bytes
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(&[], |end| &bytes[..end])
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_path_lies_below_a_root_as_the_machine_of_both_has_it() {
        let is = |root: &str, path: &str, expected: Option<&str>| {
            let found = below(root.as_bytes(), path.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{path} below {root}");
        };
        is("/mnt/ds1", "/mnt/ds1/a/b.vmdk", Some("a/b.vmdk"));
        is("/mnt/ds1", "/mnt/DS1/a/b.vmdk", None);
        is("/mnt/ds1", "/mnt/ds10/b.vmdk", None);
        is("/", "/a/b.vmdk", Some("a/b.vmdk"));
        is(r"D:\VMs", r"D:\VMs\a\b.vmdk", Some("a/b.vmdk"));
        is(r"D:\VMs", "d:/vms/a/b.vmdk", Some("a/b.vmdk"));
        is(r"\\?\D:\", r"D:\a\b.vmdk", Some("a/b.vmdk"));
        is(r"D:\VMs", r"D:\VMs2\b.vmdk", None);
        is(r"D:\VMs", r"E:\VMs\b.vmdk", None);
        is("//?/D:/VMs", r"D:\VMs\b.vmdk", Some("b.vmdk"));
        is(r"D:\Über", r"\??\d:\ÜBER\b.vmdk", Some("b.vmdk"));
        for root in [
            r"\\nas\vms",
            r"\\NAS\VMs\",
            "//nas/vms",
            r"\\?\UNC\nas\vms",
            "//?/UNC/nas/vms/",
        ] {
            for path in [
                r"\\nas\vms\a\b.vhdx",
                "//nas/vms/a/b.vhdx",
                r"\\?\UNC\nas\vms\a\b.vhdx",
                "//?/UNC/nas/vms/a/b.vhdx",
            ] {
                is(root, path, Some("a/b.vhdx"));
            }
            is(root, r"\\nas\vms2\b.vhdx", None);
            is(root, r"\\nas2\vms\b.vhdx", None);
            is(root, "/nas/vms/b.vhdx", None);
        }
        let volume = r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\";
        is(volume, &format!("{volume}b.vhdx").replace('\\', "/"), Some("b.vhdx"));
    }
}
