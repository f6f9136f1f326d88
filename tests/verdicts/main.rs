//! Every rule of the verdicts, firing and holding back, on trees made here; the cases are those of the trap documents.
//!
//! Each scenario is judged as it is, and again with something taken away (every inventory, a folder, a configuration, a
//! disk, a root): what somebody needs must never become nobody's by that ([`support`]).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../unreadable/mod.rs"]
mod unreadable;

mod arrivals;
mod backups;
mod coverage;
mod file_lists;
mod findings;
mod hyperv;
mod identity;
mod lost;
mod migration;
mod opinions;
mod sources;
mod support;
mod times;
mod vmware;
