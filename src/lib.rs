//! derelict finds the virtual disks and VM configuration files on a datastore that belong to no VM, and proves it from
//! the files themselves.
//!
//! ```text
//! roots ──crawl──▶ entries ──classify──▶ artifacts ──read──▶ facts ─┐
//!                                                                   ▼
//!                                                               catalogue
//!                                                                   │
//! inventories ──import──▶ registrations ──┐                         │
//! owner rules ────────────────────────────┤                         │
//!                                         ▼                         ▼
//!                         reconcile: identity → resolve → own → judge
//!                                         ▼
//!                                      report
//! ```

pub mod accept;
pub mod catalogue;
pub mod classify;
pub mod cli;
pub mod collect;
pub mod config;
mod crawl;
mod each_file;
pub mod error;
pub mod evidence;
pub mod exit_code;
pub mod facts;
pub mod file_reader;
pub mod hash;
mod in_order;
pub mod inspect;
pub mod interrupt;
pub mod inventory;
pub mod kind;
mod needed_words;
pub mod output;
pub mod path;
mod place;
pub mod progress;
mod quiet_panic;
pub mod raw;
pub mod read;
pub mod reconcile;
pub mod report;
pub mod rules;
pub mod run;
pub mod sanitize;
pub mod saved_file;
pub mod settle;
pub mod signals;
#[cfg(feature = "parquet")]
pub mod tables;
pub mod volume;
#[cfg(windows)]
mod windows;
mod words;
