//! Cases H-… of the Hyper-V traps, in the order of the list: one file for each part.
//!
//! Paths (H-B) are in `identity.rs` and `coverage.rs`. What stands elsewhere, or cannot be seen from files and exports:
//!
//! - H-D19: a sharing violation is a mark that `tests/crawl` and the tests of `read` make; that it was transient no later look of
//!   one reading tells, so it is taken for use.
//! - H-F2, H-F3, H-F4: how many blocks a deletion gives back depends on block clones, slabs and UNMAP, of which no file
//!   and no export tells; the README says that reclaimable bytes are an upper bound there. H-F5: no next step advises to move
//!   a disk.
//! - H-F9: previous versions and snapshots of the storage are V81 (`coverage.rs`, `tests/crawl`).
//! - H-F11, H-F12: `tests/crawl` shows that extents are not opened without need, that a scan changes nothing and is not
//!   stalled by a file that somebody holds; the benches measure it.
//! - H-F13: redaction (`cli/faces.rs`).

mod attribution;
mod chains;
mod disks;
mod inventories;
mod machines;
mod places;
mod problems;
mod promises;
mod replicas;
mod services;
mod wanted;

use derelict_parsers::testkit::{guid, hyperv_vm::HypervVm};

use crate::support::{Export, Site, hyperv_host, hyperv_row, hyperv_vm, vhdx, vm_id, vmcx_path};

/// A path on the volume that [`Site::hyperv`] scans, as Windows writes it.
fn csv(path: &str) -> String {
    format!(r"C:\ClusterStorage\Volume1\{}", path.replace('/', "\\"))
}

/// A VM with one disk in its folder.
fn with_vm(site: Site, name: &str) -> Site {
    site.vmcx(
        &format!("csv1/{name}"),
        &hyperv_vm(name, &[&csv(&format!("{name}/{name}.vhdx"))]),
    )
    .vhdx(&format!("csv1/{name}/{name}.vhdx"), &vhdx(name))
}

/// The row of such a VM.
fn row_of(name: &str) -> derelict::inventory::Registration {
    hyperv_row(name, &[&csv(&format!("{name}/{name}.vhdx"))])
}

fn config(name: &str) -> String {
    vmcx_path(&format!("csv1/{name}"), vm_id(name))
}

/// A checkpoint of a VM with its own disks.
fn checkpoint_config(vm: &str, number: u64, disks: &[&str]) -> HypervVm {
    let mut checkpoint = hyperv_vm(vm, disks);
    checkpoint.id = guid(number, 77);
    checkpoint.checkpoint_of = Some(vm_id(vm));
    checkpoint
}

fn checkpoint_path(folder: &str, number: u64) -> String {
    format!(
        "{folder}/Snapshots/{}.vmcx",
        guid(number, 77).to_string().to_uppercase()
    )
}

#[test]
fn a_registered_vm_owns_its_files_and_a_loose_disk_is_orphaned() {
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/web/old.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")))
        .judge()
        .are(&[&config("web"), "csv1/web/web.vhdx"], "owned never")
        .owners("csv1/web/web.vhdx", &["web"])
        .is("csv1/web/old.vhdx", "orphaned/deleted-vm-disk candidate")
        .confidence("csv1/web/old.vhdx", "high")
        .complete(true);
}
