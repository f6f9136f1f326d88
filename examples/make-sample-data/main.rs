//! Makes `sample-data/vmware` and `sample-data/hyperv`: two small sites with their inventories.
//!
//! The bytes depend on nothing but this source, so in a checkout nothing changes. What a checkout does not keep is set
//! anew: modification times, holes, hard links, an empty folder, and the lock whose name is the inode of another file.
//! Files that it did not make stay as they are. `sample-data/README.md` says what the sites hold.
//!
//! With an argument the sites are made in that folder instead.
#![expect(
    clippy::expect_used,
    reason = "a failure here is a mistake in the sites, and ends the program"
)]

mod hyperv;
mod tree;
mod vmware;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data").into());
    vmware::site().write(&folder.join("vmware"))?;
    hyperv::site().write(&folder.join("hyperv"))
}
