//! Builders of VMware files: small, valid, the same bytes for the same input.

mod descriptor;
mod extents;
mod state;
mod text;

pub use descriptor::DescriptorBuilder;
pub use extents::{
    Grain, SparseBuilder, change_tracking, cowd, cowd_with_grains, sesparse, sesparse_with_grains, stream_optimized,
    stream_with_grains,
};
pub use state::{VmsnBuilder, hosted_lock, nfs_lock, nfs_lock_name, nvram};
pub use text::{SnapshotBuilder, VmlogBuilder, VmsdBuilder, VmxBuilder, dictionary, uuid_text, vmxf};

#[cfg(test)]
mod tests;
