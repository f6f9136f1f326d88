//! What a key tree says: the typed view of Hyper-V configurations, host lists and runtime states.
//!
//! Container (`.vmcx`, `.VMRS`, `data.vmcx`) and legacy XML give the same tree, so all that follows is the same for
//! both. Known keys become fields; besides, every text anywhere in the tree that looks like a path is kept, since
//! neither checkpoints nor later versions are documented: an unknown key must not make a used file look unused.
//!
//! How sure a fact is stands behind it: (R) seen in real files, (M) published by Microsoft, (T) by others, (S) only
//! named in a schema of unclear origin, (A) assumed.
//!
//! Not decided here: whether a configuration lies in a `Snapshots` folder (which too makes it a checkpoint), and which
//! file a path means.

mod drives;
mod host_store;
mod machine;
mod paths;
mod runtime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    drives::{ControllerKind, Drive, DriveKind},
    host_store::{HostStore, Registration},
    machine::{HypervConfig, SavedState, Security},
    paths::{KeyedPath, PathReference, PathRole},
    runtime::RuntimeState,
};
use crate::{
    error::{Anomaly, Result},
    hyperv_xml::{self, Encoding},
    limits::Limits,
    read_at::ReadAt,
    vmcx::{self, KeyRef, KeyTree, Storage},
};

/// The root of what a VM is configured with.
const CONFIGURATION: &str = "configuration";

/// What a key tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TreeKind {
    /// The configuration of a VM.
    VirtualMachine,
    /// The configuration that a VM had at a checkpoint.
    Checkpoint,
    /// The list of what a host has registered (`data.vmcx`).
    HostStore,
    /// The runtime state of a VM (`.VMRS`).
    RuntimeState,
    /// None of these.
    Other,
}

/// Which kind of tree this is.
pub fn classify(tree: &KeyTree) -> TreeKind {
    match purpose(tree) {
        TreeKind::VirtualMachine if tree.root(CONFIGURATION).is_some_and(machine::is_checkpoint) => {
            TreeKind::Checkpoint
        }
        kind => kind,
    }
}

/// As [`classify`], but of a checkpoint too only that it is the configuration of a VM.
fn purpose(tree: &KeyTree) -> TreeKind {
    if tree.root("Configurations").is_some() {
        return TreeKind::HostStore;
    }
    let Some(root) = tree.root(CONFIGURATION) else {
        return match tree.root("savedstate") {
            Some(_) => TreeKind::RuntimeState,
            None => TreeKind::Other,
        };
    };
    let is_config = [
        "properties/global_id",
        "properties/name",
        "properties/type_id",
        "manifest",
        "settings",
    ]
    .iter()
    .any(|path| root.get(path).is_some());
    if is_config {
        TreeKind::VirtualMachine
    } else {
        TreeKind::RuntimeState
    }
}

/// All that was read of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HypervFile {
    /// What its tree is.
    pub kind: TreeKind,
    /// Facts of the container; `None` for XML.
    pub storage: Option<Storage>,
    /// Encoding of the XML; `None` for a container.
    pub encoding: Option<Encoding>,
    /// What its keys say.
    pub content: Content,
    /// The first thing because of which a key or path may be missing; one of the anomalies, as far as these are listed.
    #[serde(default)]
    pub damage: Option<Anomaly>,
}

/// What the keys of a file say, by the kind of their tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The configuration of a VM or of a checkpoint.
    Config(Box<HypervConfig>),
    /// The list of a host.
    HostStore(HostStore),
    /// The runtime state of a VM.
    Runtime(RuntimeState),
    /// Something else in the same container.
    Other(OtherTree),
}

/// A tree of unknown purpose.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OtherTree {
    /// Names of its first root keys.
    pub roots: Vec<String>,
    /// Every path in it.
    pub paths: Vec<KeyedPath>,
    /// Nothing is missing, as far as the file tells.
    pub complete: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// Reads a container: `.vmcx`, `.VMRS`, `data.vmcx`, newer `.vsv`.
///
/// # Errors
/// As [`vmcx::read`].
pub fn read_container<R: ReadAt + ?Sized>(source: &R, limits: &Limits) -> Result<HypervFile> {
    let container = vmcx::read(source, limits)?;
    let mut file = HypervFile::of_tree(&container.tree, container.anomalies);
    if let Content::Runtime(state) = &mut file.content {
        state.add_unlisted(container.storage.unlisted_memory);
    }
    file.storage = Some(container.storage);
    file.damage = container.damage.or(file.damage);
    Ok(file)
}

/// Reads a legacy XML configuration.
///
/// # Errors
/// As [`hyperv_xml::read`].
pub fn read_xml<R: ReadAt + ?Sized>(source: &R, limits: &Limits) -> Result<HypervFile> {
    let document = hyperv_xml::read(source, limits)?;
    let mut file = HypervFile::of_tree(&document.tree, document.anomalies);
    file.encoding = Some(document.encoding);
    file.damage = document.damage.or(file.damage);
    Ok(file)
}

impl HypervFile {
    /// The typed view of a tree; `anomalies` are those of its reader.
    pub fn of_tree(tree: &KeyTree, anomalies: Vec<Anomaly>) -> Self {
        let mut kind = purpose(tree);
        let mut content = match kind {
            TreeKind::VirtualMachine | TreeKind::Checkpoint => {
                let config = HypervConfig::from_tree(tree);
                if config.is_checkpoint {
                    kind = TreeKind::Checkpoint;
                }
                Content::Config(Box::new(config))
            }
            TreeKind::HostStore => Content::HostStore(HostStore::from_tree(tree)),
            TreeKind::RuntimeState => Content::Runtime(RuntimeState::from_tree(tree)),
            TreeKind::Other => Content::Other(OtherTree::from_tree(tree)),
        };
        let overflow = content
            .anomalies_mut()
            .iter()
            .find(|anomaly| anomaly.code == paths::OVERFLOW);
        let damage = overflow.cloned();
        content.anomalies_mut().splice(..0, anomalies);
        Self {
            kind,
            storage: None,
            encoding: None,
            content,
            damage,
        }
    }

    /// The configuration, when it is one.
    pub fn config(&self) -> Option<&HypervConfig> {
        match &self.content {
            Content::Config(config) => Some(config),
            _ => None,
        }
    }

    /// Nothing is missing, as far as the file tells. While `false`, it may own more than it names.
    pub fn is_complete(&self) -> bool {
        match &self.content {
            Content::Config(config) => config.complete,
            Content::HostStore(store) => store.complete,
            Content::Runtime(state) => state.complete,
            Content::Other(other) => other.complete,
        }
    }

    /// What is odd about the file and its keys.
    pub fn anomalies(&self) -> &[Anomaly] {
        match &self.content {
            Content::Config(config) => &config.anomalies,
            Content::HostStore(store) => &store.anomalies,
            Content::Runtime(state) => &state.anomalies,
            Content::Other(other) => &other.anomalies,
        }
    }

    /// Every path that the file names, with what it is for. Earlier paths ([`Storage::previous_paths`]) are history
    /// and not among them.
    pub fn references(&self) -> Vec<PathReference> {
        match &self.content {
            Content::Config(config) => config.references(),
            Content::HostStore(store) => store.references(),
            Content::Runtime(state) => paths::references(&state.paths),
            Content::Other(other) => paths::references(&other.paths),
        }
    }
}

impl Content {
    fn anomalies_mut(&mut self) -> &mut Vec<Anomaly> {
        match self {
            Self::Config(config) => &mut config.anomalies,
            Self::HostStore(store) => &mut store.anomalies,
            Self::Runtime(state) => &mut state.anomalies,
            Self::Other(other) => &mut other.anomalies,
        }
    }
}

impl OtherTree {
    /// The typed view of a tree.
    pub fn from_tree(tree: &KeyTree) -> Self {
        let paths = paths::PathValues::collect(tree);
        let complete = tree.complete && !paths.overflow;
        let mut anomalies = Vec::new();
        Self {
            roots: tree.roots().take(16).map(|key| key.name().to_owned()).collect(),
            paths: paths.finish(&mut anomalies).into_all(),
            complete,
            anomalies,
        }
    }
}

/// A GUID with or without braces (values) or underscores (names of device nodes), in any letter case.
fn parse_guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.trim().trim_matches(['_', '{', '}'])).ok()
}

/// The GUID at a path below `key`; the null GUID is none.
fn guid_at(key: KeyRef<'_>, path: &str) -> Option<Uuid> {
    parse_guid(key.get(path)?.as_str()?).filter(|id| !id.is_nil())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testkit::hyperv_vm::HypervVm,
        vmcx::{Key, Value},
    };

    fn tree(roots: impl Into<Vec<Key>>) -> KeyTree {
        KeyTree::new(&roots.into(), &[], true)
    }

    #[test]
    fn trees_are_told_apart_by_their_keys() {
        let vm = HypervVm::new("vm", Uuid::from_u128(1));
        let checkpoint = HypervVm {
            checkpoint_of: Some(Uuid::from_u128(1)),
            ..HypervVm::new("checkpoint", Uuid::from_u128(2))
        };
        let properties = Key::node("properties", [Key::leaf("version", 2304)]);
        let cases = [
            (tree([vm.tree()]), TreeKind::VirtualMachine),
            (tree([checkpoint.tree()]), TreeKind::Checkpoint),
            (tree([Key::node("Configurations", [])]), TreeKind::HostStore),
            (tree([Key::node("configuration", [properties])]), TreeKind::RuntimeState),
            (tree([Key::node("savedstate", [])]), TreeKind::RuntimeState),
            (tree([Key::node("something", [])]), TreeKind::Other),
            (tree([]), TreeKind::Other),
        ];
        for (tree, kind) in cases {
            assert_eq!(classify(&tree), kind, "{tree:?}");
            assert_eq!(HypervFile::of_tree(&tree, Vec::new()).kind, kind);
        }
    }

    #[test]
    fn one_sign_is_enough_for_a_checkpoint() {
        let config = |type_id: Option<&str>, own: &str, logical: &str| {
            let mut properties = vec![Key::leaf("global_id", own), Key::leaf("name", "x")];
            properties.extend(type_id.map(|text| Key::leaf("type_id", text)));
            let global = Key::node("global", [Key::leaf("logical_id", logical)]);
            let keys = [Key::node("properties", properties), Key::node("settings", [global])];
            let config = HypervConfig::from_tree(&tree([Key::node("configuration", keys)]));
            (config.is_checkpoint, config.checkpoint_of())
        };
        let (a, b) = (
            "11111111-1111-1111-1111-111111111111",
            "{22222222-2222-2222-2222-22222222222A}",
        );
        let id_b = parse_guid(b);
        assert_eq!(config(Some("virtual machines"), a, &a.to_uppercase()), (false, None));
        assert_eq!(config(Some("Virtual Machines"), a, b), (true, id_b));
        assert_eq!(config(Some("Snapshots"), b, &b.to_lowercase()), (true, None));
        assert_eq!(config(Some("Snapshots"), a, b), (true, id_b));
        assert_eq!(config(None, a, a), (false, None), "a missing type says nothing");
        assert_eq!(config(Some("Virtual Machines"), a, ""), (false, None));
    }

    #[test]
    fn anomalies_of_the_reader_stand_before_those_of_the_keys() {
        let root = Key::node("configuration", [Key::node("settings", [])]);
        let file = HypervFile::of_tree(&tree([root]), vec![Anomaly::new("first", "")]);
        let codes: Vec<_> = file.anomalies().iter().map(|anomaly| anomaly.code.as_str()).collect();
        assert_eq!(codes, ["first", "id-missing", "id-missing"]);
    }

    #[test]
    fn damage_is_what_made_the_keys_incomplete_whatever_else_is_odd() {
        let cut = b"<configuration><properties><version type='integer'>x</version>".as_slice();
        let damage = |file: HypervFile| {
            assert_eq!(file.damage.is_none(), file.is_complete());
            assert!(
                file.anomalies().first().map(|anomaly| &anomaly.code)
                    != file.damage.as_ref().map(|damage| &damage.code)
            );
            file.damage.map(|damage| damage.code)
        };
        let limits = Limits::default();
        assert_eq!(damage(read_xml(cut, &limits).unwrap()).as_deref(), Some("xml-broken"));
        let paths = (0..=10_000).map(|n| Key::leaf("k", format!(r"C:\{n}.vhd").as_str()));
        let many = Key::node("configuration", [Key::node("settings", paths.collect::<Vec<_>>())]);
        let container = crate::testkit::vmcx::ContainerBuilder::new([many]).build();
        let told = damage(read_container(container.as_slice(), &limits).unwrap());
        assert_eq!(told.as_deref(), Some("too-many-paths"));
        let odd = b"<configuration><settings/></configuration>".as_slice();
        assert_eq!(
            damage(read_xml(odd, &limits).unwrap()),
            None,
            "an id that is not there is odd only"
        );
    }

    #[test]
    fn facts_survive_their_json() {
        let vm = HypervVm {
            guest_state_path: Some(r"C:\a.vmgs".to_owned()),
            ..HypervVm::new("vm", Uuid::from_u128(1))
        };
        for bytes in [
            vm.to_vmcx(),
            vm.to_vmrs(4096),
            crate::testkit::hyperv_vm::host_store(&[(vm.id, r"C:\a.vmcx")]),
        ] {
            let file = read_container(&bytes, &Limits::default()).unwrap();
            let json = serde_json::to_value(&file).unwrap();
            assert_eq!(serde_json::from_value::<HypervFile>(json).unwrap(), file);
        }
        let schema = schemars::schema_for!(HypervFile);
        assert!(schema.as_object().is_some_and(|schema| schema.contains_key("$defs")));
    }

    #[test]
    fn a_tree_of_unknown_purpose_still_names_its_paths() {
        let keys = [
            Key::leaf("a", r"C:\x\disk.vhdx"),
            Key::leaf("b", r"\\server\share\folder"),
            Key::leaf("c", "text"),
            Key::leaf("d", Value::UInt(1)),
        ];
        let file = HypervFile::of_tree(&tree([Key::node("unknown", keys)]), Vec::new());
        let references = file.references();
        let named: Vec<_> = references.iter().map(|r| (r.role, r.key.as_str())).collect();
        assert_eq!(named, [(PathRole::Disk, "unknown/a"), (PathRole::Other, "unknown/b")]);
    }

    #[test]
    fn keys_that_damage_cut_off_still_count() {
        let lost = Key::node("drive0", [Key::leaf("pathname", r"C:\x\lost.old")]);
        let vm = HypervVm::new("vm", Uuid::from_u128(1)).tree();
        let tree = KeyTree::new(&[vm], &[lost], false);
        let file = HypervFile::of_tree(&tree, Vec::new());
        assert!(!file.is_complete());
        let lost = &file.config().unwrap().other_paths[0];
        assert_eq!(
            (lost.key.as_str(), lost.path.as_str()),
            ("?/drive0/pathname", r"C:\x\lost.old")
        );
    }
}
