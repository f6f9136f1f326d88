//! The command line, run as its user runs it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![expect(clippy::disallowed_methods, reason = "tests read what they wrote")]

mod catalogues;
mod commands;
mod faces;
mod interrupt;
mod json;
mod outputs;
mod settle;
mod site;
mod status;
