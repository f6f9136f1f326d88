//! Crawl, classify and read through the public interface, on trees made here.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod changes;
mod kinds;
mod left_out;
mod links;
mod progress;
mod reach;
mod site;
mod unharmed;
