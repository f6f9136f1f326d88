//! VHD Set files (`.vhds`): the small file that names a disk which several VMs share.
//!
//! Its content is undocumented, so it is taken as opaque: only the UTF-16LE names of `.avhdx` files near its start are
//! collected \[A\]. The data are in such a file beside it, which is an ordinary VHDX.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Anomaly, Result},
    findings::Findings,
    read_at::ReadAt,
    text::EncodedText,
    utf16,
};

/// How much of a file is searched. Published ones have 260 KiB.
pub const SEARCHED_MAX_BYTES: u64 = 4 << 20;
/// Most names that are kept.
pub const NAMES_MAX_COUNT: usize = 1000;
/// Most places that are looked at: a file of nothing but suffixes has hundreds of thousands, each with a long name before.
const PLACES_MAX_COUNT: usize = 10 * NAMES_MAX_COUNT;
/// Longest name in UTF-16 units: more than a path without `\\?\` may have.
const NAME_MAX_UNITS: usize = 1024;

/// The codes of the anomalies of a VHD Set.
pub mod code {
    /// The file is longer than what is searched, or names more files than are kept.
    pub const SEARCH_BOUNDED: &str = "search-bounded";
}

/// What can be told of a VHD Set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vhds {
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Names and paths that end in `.avhdx`, sorted, each once.
    pub names: Vec<EncodedText>,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// Searches a VHD Set for the names of its files.
///
/// # Errors
/// `Io` when the source cannot be read.
pub fn read(source: &(impl ReadAt + ?Sized)) -> Result<Vhds> {
    let bytes = (&source).up_to("VHD Set", 0, SEARCHED_MAX_BYTES)?;
    let mut findings = Findings::default();
    let mut names = BTreeSet::new();
    for (place, name) in names_in(&bytes).enumerate() {
        if names.len() >= NAMES_MAX_COUNT || place >= PLACES_MAX_COUNT {
            let text = format!("more than {NAMES_MAX_COUNT} names, or too many repetitions: the others are left out");
            findings.note(Anomaly::new(code::SEARCH_BOUNDED, text));
            break;
        }
        names.insert(name);
    }
    if source.len() > SEARCHED_MAX_BYTES {
        let text = format!("only the first {SEARCHED_MAX_BYTES} bytes were searched for names");
        findings.note(Anomaly::at(code::SEARCH_BOUNDED, SEARCHED_MAX_BYTES, text));
    }
    Ok(Vhds {
        bytes: source.len(),
        names: names.into_iter().collect(),
        anomalies: findings.into_anomalies(),
    })
}

/// Every run of name characters that ends in `.avhdx`, in the order of the file.
fn names_in(bytes: &[u8]) -> impl Iterator<Item = EncodedText> {
    let suffix: Vec<u8> = ".avhdx".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = suffix.len();
    bytes
        .windows(length)
        .enumerate()
        .filter(move |(_, window)| window.eq_ignore_ascii_case(&suffix))
        .filter_map(move |(start, _)| {
            let before = bytes.get(..start)?;
            let units = before
                .rchunks_exact(2)
                .take(NAME_MAX_UNITS)
                .take_while(|unit| is_name_unit(unit))
                .count();
            let first = start.checked_sub(units.checked_mul(2)?)?;
            (units > 0).then(|| bytes.get(first..start.checked_add(length)?))?
        })
        .map(utf16::decode_le)
}

/// A character that a Windows path can hold.
fn is_name_unit(unit: &[u8]) -> bool {
    match unit {
        [low, 0] => *low >= 0x20 && !b"\"*<>?|".contains(low),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::hyperv_files::vhds;

    #[test]
    fn names_are_found_wherever_they_stand_and_listed_once() {
        let mut bytes = vhds(&["disk_B.avhdx", r".\sub\disk_A.AVHDX", "disk_B.avhdx"]);
        bytes.push(0xff);
        bytes.extend(vhds(&["odd place.avhdx"]));
        let vhds = read(&bytes).unwrap();
        let names: Vec<_> = vhds.names.iter().map(EncodedText::as_str).collect();
        assert_eq!(names, [r".\sub\disk_A.AVHDX", "disk_B.avhdx", "odd place.avhdx"]);
        assert_eq!(
            (vhds.bytes, vhds.anomalies),
            (u64::try_from(bytes.len()).unwrap(), vec![])
        );
    }

    #[test]
    fn a_suffix_without_a_name_is_none() {
        assert_eq!(read(&vhds(&[".avhdx"])).unwrap().names, []);
        assert_eq!(read(&Vec::new()).unwrap().names, []);
    }

    #[test]
    fn the_search_is_bounded_and_says_so() {
        let names: Vec<_> = (0..1001).map(|number| format!("{number}.avhdx")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let found = read(&vhds(&names)).unwrap();
        assert_eq!((found.names.len(), found.anomalies.len()), (NAMES_MAX_COUNT, 1));
        let repeated = read(&vhds(&[".avhdx".repeat(10_002).as_str()])).unwrap();
        assert_eq!(repeated.anomalies[0].code, code::SEARCH_BOUNDED);
        let long = vec![0; usize::try_from(SEARCHED_MAX_BYTES).unwrap() + 1];
        assert_eq!(read(&long).unwrap().anomalies[0].code, code::SEARCH_BOUNDED);
    }
}
