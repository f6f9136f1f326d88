//! The runtime state of a VM: `.VMRS`, newer `.vsv`.
//!
//! A VM that is off leaves versions and metrics here, and neither its name nor its id (R): it belongs to a VM only by
//! its file name. Saved memory is a second root (M).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    machine::version_text,
    paths::{KeyedPath, PathValues},
};
use crate::{
    error::Anomaly,
    vmcx::{KeyRef, KeyTree, UnlistedMemory, ValueRef},
};

/// The runtime state of a VM.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RuntimeState {
    /// Configuration version, e.g. `9.0`.
    pub config_version: Option<String>,
    /// It holds the memory of a VM that was saved: valuable.
    pub has_saved_state: bool,
    /// `savedstate/type` as written.
    pub saved_state_type: Option<String>,
    /// `savedstate/VmVersion`, e.g. `9.0`.
    pub saved_state_version: Option<String>,
    /// Number of blocks of memory (`RamBlock…`).
    pub ram_blocks: u64,
    /// Bytes of values in file objects below `savedstate`: memory and device state, compressed.
    pub saved_bytes: u64,
    /// Every path in it.
    pub paths: Vec<KeyedPath>,
    /// Nothing is missing, as far as the file tells.
    pub complete: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

impl RuntimeState {
    /// The typed view of a tree without the keys of a configuration.
    pub fn from_tree(tree: &KeyTree) -> Self {
        let paths = PathValues::collect(tree);
        let saved = tree.root("savedstate");
        let version_at = |path| tree.get(path).and_then(KeyRef::as_int).map(version_text);
        let mut state = Self {
            config_version: version_at("configuration/properties/version"),
            has_saved_state: saved.is_some(),
            saved_state_type: saved.and_then(|saved| saved.child("type")?.as_str()).map(str::to_owned),
            saved_state_version: version_at("savedstate/VmVersion"),
            complete: tree.complete && !paths.overflow,
            ..Self::default()
        };
        tree.walk(|path, key| {
            if let ValueRef::Stored(stored) = key.value()
                && is_saved_state(path)
            {
                state.saved_bytes = state.saved_bytes.saturating_add(stored.length);
                state.ram_blocks = state.ram_blocks.saturating_add(u64::from(is_ram_block(key.name())));
            }
        });
        state.paths = paths.finish(&mut state.anomalies).into_all();
        state
    }

    /// Adds the blocks of memory that are not in the tree.
    pub(super) fn add_unlisted(&mut self, unlisted: UnlistedMemory) {
        self.ram_blocks = self.ram_blocks.saturating_add(unlisted.blocks);
        self.saved_bytes = self.saved_bytes.saturating_add(unlisted.bytes);
    }
}

fn is_saved_state(path: &str) -> bool {
    path.split('/').any(|name| name.eq_ignore_ascii_case("savedstate"))
}

fn is_ram_block(name: &str) -> bool {
    name.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("RamBlock"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        hyperv_config::{Content, read_container},
        limits::Limits,
        testkit::{hyperv_vm::HypervVm, vmcx::ContainerBuilder},
        vmcx::Key,
    };

    fn state(file: &[u8], limits: &Limits) -> RuntimeState {
        match read_container(file, limits).unwrap().content {
            Content::Runtime(state) => state,
            other => panic!("no runtime state: {other:?}"),
        }
    }

    #[test]
    fn only_a_saved_vm_holds_memory() {
        let vm = HypervVm::new("vm", Uuid::from_u128(1));
        let off = state(&vm.to_vmrs(0), &Limits::default());
        assert_eq!((off.has_saved_state, off.saved_bytes, off.complete), (false, 0, true));
        let saved = state(&vm.to_vmrs(10_000), &Limits::default());
        assert_eq!(
            (saved.has_saved_state, saved.saved_bytes, saved.ram_blocks),
            (true, 10_000, 1)
        );
        assert_eq!(saved.saved_state_version.as_deref(), Some("9.0"));
    }

    #[test]
    fn the_sums_count_blocks_that_are_not_listed() {
        let keys: Vec<_> = (0..50)
            .map(|n| Key::leaf(format!("RamBlock{n}"), vec![0; 0x800]))
            .collect();
        let file = ContainerBuilder::new([Key::node("savedstate", keys)]).build();
        let limits = Limits {
            tree_nodes: 64,
            ..Limits::default()
        };
        let state = state(&file, &limits);
        assert_eq!(
            (state.ram_blocks, state.saved_bytes, state.complete),
            (50, 50 * 0x800, true)
        );
    }
}
