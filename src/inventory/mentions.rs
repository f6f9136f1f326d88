//! What a text beside the exports that is no export names: files of VMs. Whoever laid it there may have meant it to count.

use std::collections::BTreeSet;

/// Most files of one text that are kept.
const MAX_FILES: usize = 10_000;
/// Longest line that is looked at: no path is as long.
const MAX_LINE_BYTES: usize = 64 << 10;
/// How the names of files end that a VM consists of.
const ENDINGS: [&str; 11] = [
    ".vmdk", ".vmtx", ".vmx", ".avhdx", ".avhd", ".vhdx", ".vhds", ".vhd", ".vmcx", ".iso", ".vmsn",
];
/// What a report of derelict bears, which names whatever it lists.
const OWN_REPORT: &str = "derelict/report/";

/// The files that a text names by a whole path: `[label] a/b.vmdk`, `/vmfs/volumes/…`, `C:\…`, `\\server\share\…`. A volume of
/// Kubernetes is named without its ending too (V20).
pub(super) fn named_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if text.contains('\0') || text.contains(OWN_REPORT) {
        return found;
    }
    for line in text.lines().filter(|line| line.len() <= MAX_LINE_BYTES) {
        found.extend(paths_in(line));
        if found.len() >= MAX_FILES {
            break;
        }
    }
    found
}

/// The paths that a line names.
fn paths_in(line: &str) -> Vec<String> {
    let ends = ends_of_names(line);
    if ends.is_empty() {
        return volume_without_ending(line).into_iter().collect();
    }
    let mut from = 0;
    let path = |end: usize| {
        let before = line.get(from..end)?;
        from = end;
        Some(before.get(start_of_path(before)?..)?.to_owned())
    };
    ends.into_iter().filter_map(path).collect()
}

/// Where the names of files end.
fn ends_of_names(line: &str) -> BTreeSet<usize> {
    let lower = line.to_ascii_lowercase();
    let ends = ENDINGS.iter().flat_map(|ending| {
        let ends = lower.match_indices(ending);
        ends.map(|(at, _)| at.saturating_add(ending.len()))
    });
    let is_end = |end: &usize| {
        let next = lower.get(*end..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '-' | '_'))
    };
    ends.filter(is_end).collect()
}

/// Where the last path begins that a text ends with.
fn start_of_path(text: &str) -> Option<usize> {
    let label = text.rfind("] ").and_then(|end| text.get(..end)?.rfind('['));
    let volume = text.rfind("/vmfs/volumes/");
    let drives = text.match_indices(":\\").filter_map(|(colon, _)| {
        let letter = text.get(..colon)?.chars().next_back()?;
        letter.is_ascii_alphabetic().then(|| colon.saturating_sub(1))
    });
    let drive = drives.last();
    let share = text.rfind("\\\\").filter(|_| drive.is_none());
    [label, volume, drive, share].into_iter().flatten().max()
}

/// `[label] folder/name` up to the end of its value, with the ending that the file has.
fn volume_without_ending(line: &str) -> Option<String> {
    let start = line.find('[')?;
    let rest = line.get(start..)?;
    let (label, path) = rest.split_once("] ")?;
    let path = path
        .split(['"', '\'', ',', ';', '|', '<', '>', '\t'])
        .next()?
        .trim_end();
    let name = path.rsplit('/').next()?;
    let is_path = path.contains('/') && !path.contains(": ") && !name.is_empty() && !name.contains('.');
    is_path.then(|| format!("{label}] {path}.vmdk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        named_in(text).into_iter().collect()
    }

    #[test]
    fn whole_paths_are_found_wherever_they_stand() {
        assert_eq!(
            named("    VolumePath:         [vmfs02] volumes/myDisk.vmdk\n"),
            ["[vmfs02] volumes/myDisk.vmdk"]
        );
        assert_eq!(
            named("keep: [a b] x y/z.VMDK, \"/vmfs/volumes/ds1/w/w.vmx\"; C:\\ClusterStorage\\V1\\v\\v.avhdx"),
            [
                "/vmfs/volumes/ds1/w/w.vmx",
                "C:\\ClusterStorage\\V1\\v\\v.avhdx",
                "[a b] x y/z.VMDK"
            ]
        );
        assert_eq!(
            named("needed \\\\nas\\vms\\v\\v.vhdx by Anna"),
            ["\\\\nas\\vms\\v\\v.vhdx"]
        );
        assert_eq!(
            named("volumePath: \"[datastore1] volumes/myDisk\""),
            ["[datastore1] volumes/myDisk.vmdk"]
        );
    }

    #[test]
    fn names_alone_words_and_reports_of_our_own_name_nothing() {
        for text in [
            "web.vmdk is gone",
            "see [1] for more",
            "[ds1] ",
            "a/b/c.vmdk\n",
            "[ds1] web/web.vmdkx",
            "{\"schema\":\"derelict/report/1\",\"path\":\"[ds1] a/a.vmdk\"}",
            "[ds1] a/a.vmdk\0",
        ] {
            assert_eq!(named(text), Vec::<String>::new(), "{text}");
        }
    }
}
