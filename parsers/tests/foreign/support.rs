//! What the modules share: limits, codes, and other tools that are run where they are there.

use std::{
    path::Path,
    process::{Command, Output},
};

use derelict_parsers::Limits;

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn codes<'a>(anomalies: impl IntoIterator<Item = &'a derelict_parsers::Anomaly>) -> Vec<&'a str> {
    anomalies.into_iter().map(|anomaly| anomaly.code.as_str()).collect()
}

/// Runs a tool in a folder; `None`, said loudly, where it is not installed.
pub(crate) fn run(folder: &Path, tool: &str, arguments: &[&str]) -> Option<Output> {
    let Ok(output) = Command::new(tool).current_dir(folder).args(arguments).output() else {
        eprintln!("SKIPPED: {tool} absent, nothing was compared with it");
        return None;
    };
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}

pub(crate) fn bytes_of(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}
