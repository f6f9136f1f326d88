//! What the grain tables say is what `qemu-img map` says, range by range; damaged tables are found and never believed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says loudly what it skips"
)]

mod damage;
mod hostile;
mod qemu;
mod samples;
mod support;
