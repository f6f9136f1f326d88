//! Places in a catalogue, and a file that a scan leaves out.

use derelict::{
    catalogue::{Catalogue, SkipReason, Skipped},
    raw::RawPath,
};

/// As `--exclude` leaves out one file.
pub(super) fn exclude(catalogue: &mut Catalogue, place: usize) {
    let artifact = catalogue.artifacts.remove(place);
    catalogue.roots[artifact.entry.root].skipped.push(Skipped {
        path: artifact.entry.path,
        folder: false,
        why: SkipReason::Excluded,
    });
}

pub(super) fn split(catalogue: &Catalogue, path: &str) -> (usize, String) {
    let (root, rest) = path.split_once('/').unwrap();
    let place = catalogue
        .roots
        .iter()
        .position(|record| record.path.name() == root.as_bytes())
        .unwrap();
    (place, rest.to_owned())
}

pub(super) fn find(catalogue: &Catalogue, path: &str) -> usize {
    let (root, rest) = split(catalogue, path);
    catalogue
        .artifacts
        .iter()
        .position(|artifact| artifact.entry.root == root && artifact.entry.path == RawPath::from(rest.as_str()))
        .unwrap_or_else(|| panic!("{path} is no artifact"))
}
