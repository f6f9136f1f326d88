//! How a long job tells how far it is. The library knows the trait; its forms for people and for programs stand here too, but
//! only the binary picks one. How much is left of a crawl is not known before it ends: it tells how many of the folders that were found
//! are done, and no time. Of hashing all is known.

mod counts;
mod lines;
mod terminal;

use std::path::PathBuf;

use counts::Counts;
pub use lines::Lines;
pub use terminal::Terminal;

/// What a job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Asking the roots, and reading inventories and catalogues.
    Prepare,
    /// Listing folders and reading artifacts.
    Crawl,
    /// Holding references and inventories against each other.
    Reconcile,
    /// Waiting before a second look, and taking it.
    Settle,
    /// Hashing: so many bytes in all.
    Hash {
        /// Sum of the lengths.
        total_bytes: u64,
    },
    /// Writing what came of it.
    Write,
}

impl Phase {
    /// Its name in the lines for programs.
    fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Crawl => "crawl",
            Self::Reconcile => "reconcile",
            Self::Settle => "settle",
            Self::Hash { .. } => "hash",
            Self::Write => "write",
        }
    }
}

/// Hears how far a job is, from any thread. All methods do nothing unless overridden.
pub trait Progress: Send + Sync {
    /// A new part of the job begins.
    fn phase(&self, _phase: Phase) {}
    /// The roots that are crawled.
    fn roots(&self, _paths: &[PathBuf]) {}
    /// So many more folders were found, and so many more are done.
    fn folders(&self, _found: u64, _done: u64) {}
    /// So many more files were seen.
    fn entries(&self, _count: u64) {}
    /// They lie in this root, by its place among the roots, and have so many bytes.
    fn seen(&self, _root: usize, _bytes: u64) {}
    /// So many more artifacts were read.
    fn artifacts(&self, _count: u64) {}
    /// So many more bytes were hashed.
    fn bytes(&self, _count: u64) {}
    /// The job is done, or cannot go on: clears what was drawn.
    fn finish(&self) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hidden;

impl Progress for Hidden {}
