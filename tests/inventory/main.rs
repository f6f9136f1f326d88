//! Importing inventories through the public interface: the samples where they are there, and files made here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says loudly what it skips"
)]

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use derelict::{
    inventory::{
        Imported, Inventory, InventoryArgument, InventoryKind, Listing, Registration, describe::describe, import,
    },
    kind::{Platform, Role},
};

mod arguments;
mod bounds;
mod csv;
mod cut;
mod damage;
mod govc;
mod hyperv_forms;
mod hyperv_lists;
mod mixed_folder;
mod other_forms;
mod paths;
mod rvtools;
mod samples;
mod scripts;
mod tables;
mod times;
mod vmware_forms;
mod workbook;

/// A folder of the samples, or `None` after saying that they are absent.
fn sample(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples")).join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: samples absent: {}", path.display());
    None
}

/// A folder of exports.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file, with the folders that it lies in.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn import_file(content: impl AsRef<[u8]>) -> Imported {
    let folder = Folder::new();
    import_paths(&[&folder.put("export", content)])
}

fn only_of(content: impl AsRef<[u8]>) -> Inventory {
    let folder = Folder::new();
    only(&folder.put("export", content))
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn import_paths(paths: &[&Path]) -> Imported {
    let arguments: Vec<_> = paths
        .iter()
        .map(|path| InventoryArgument::from(path.to_path_buf()))
        .collect();
    import(&arguments)
}

/// The one inventory of a file or folder that is wholly understood.
fn only(path: &Path) -> Inventory {
    let imported = import_paths(&[path]);
    assert_eq!(imported.issues, [], "{}", path.display());
    let [inventory] = <[Inventory; 1]>::try_from(imported.inventories)
        .unwrap_or_else(|all| panic!("{} inventories of {}", all.len(), path.display()));
    inventory
}

fn vm<'a>(inventory: &'a Inventory, name: &str) -> &'a Registration {
    let mut named = inventory.vms.iter().filter(|vm| vm.name == name);
    let found = named.next().unwrap_or_else(|| panic!("no VM {name}"));
    assert!(named.next().is_none(), "more than one VM {name}");
    found
}

/// Paths of one role, sorted.
fn files(vm: &Registration, role: Role) -> Vec<&str> {
    let mut paths: Vec<&str> = vm
        .files
        .iter()
        .filter(|file| file.role == role)
        .map(|file| file.path.as_str())
        .collect();
    paths.sort_unstable();
    paths
}

fn codes(inventory: &Inventory) -> Vec<&str> {
    inventory.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

fn capping(inventory: &Inventory) -> Vec<&str> {
    inventory
        .warnings
        .iter()
        .filter(|warning| warning.caps)
        .map(|warning| warning.code.as_str())
        .collect()
}

/// Every name of each datastore, the label first.
fn datastores(inventory: &Inventory) -> BTreeMap<&str, Vec<&str>> {
    inventory
        .datastores
        .iter()
        .map(|datastore| {
            (
                datastore.name.as_str(),
                datastore.aliases.iter().map(String::as_str).collect(),
            )
        })
        .collect()
}
