//! What lies beside VMs, as the builders make it and as other tools do.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test reads what it wrote, may stop at the first surprise, and says loudly what it skips"
)]

mod allocation;
mod cd;
mod disk_images;
mod every_format;
mod packages;
mod raw;
mod support;
