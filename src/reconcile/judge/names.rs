//! What names alone tell: recycle bins, and foreign extensions behind known ones.

use crate::path::fold;

/// A recycle bin of Windows, a NAS or a desktop, as a whole part of the path.
pub(super) fn in_recycle_bin(path: &str) -> bool {
    path.split('/').map(fold).any(|part| {
        matches!(part.as_str(), "$recycle.bin" | "#recycle" | "@recycle" | "recycler") || part.starts_with(".trash")
    })
}

/// The stem before the last known extension of a name, and what follows that extension: empty for ordinary names and for
/// the copies that editors, hosts and backups leave.
pub(super) fn known_stem(name: &str) -> Option<(&str, &str)> {
    const KNOWN: [&str; 9] = [
        ".vmdk", ".vmx", ".vmxf", ".nvram", ".vmsd", ".vhdx", ".avhdx", ".vhd", ".vmcx",
    ];
    // Copies, sidecars, checksums, archives and notes that people and programs leave beside disks.
    const HARMLESS: &[&str] = &[
        "~",
        ".bak",
        ".orig",
        ".old",
        ".save",
        ".copy",
        ".new",
        ".lck",
        ".lock",
        ".writelock",
        ".readlock",
        ".rct",
        ".mrt",
        ".hrl",
        ".hru",
        ".metadata",
        ".tmp",
        ".part",
        ".filepart",
        ".crdownload",
        ".swp",
        ".md5",
        ".sha1",
        ".sha256",
        ".sha512",
        ".asc",
        ".sig",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".zip",
        ".7z",
        ".tar",
        ".txt",
        ".log",
        ".json",
        ".xml",
        ".csv",
        ".deleted",
        ".delete",
    ];
    let known_at = |place: usize| KNOWN.iter().filter(move |known| name[place..].starts_with(**known));
    let (place, extension) = name
        .match_indices('.')
        .flat_map(|(place, _)| known_at(place).map(move |known| (place, *known)))
        .max_by_key(|&(place, known)| (place + known.len(), known.len()))?;
    let suffix = &name[place + extension.len()..];
    let foreign = suffix.starts_with('.')
        && suffix.len() > 1
        && !is_redo_log(suffix)
        && !HARMLESS.iter().any(|harmless| suffix.ends_with(harmless))
        && !suffix[1..].chars().all(|c| c.is_ascii_digit());
    Some((&name[..place], if foreign { suffix } else { "" }))
}

/// A redo log of a disk in the mode independent-nonpersistent: `x.vmdk.REDO_a1b2c3`, `x.redo` (V53).
pub(super) fn is_redo_log(name: &str) -> bool {
    has_extension(name, "redo") || name.contains(".redo_")
}

/// The label of the copy of a VMFS volume that got a signature of its own: `snap-0a1b2c3d-label`, in lower case (V9).
pub(super) fn is_resignatured(label: &str) -> bool {
    let signature = label.strip_prefix("snap-").and_then(|rest| rest.split_once('-'));
    signature.is_some_and(|(id, label)| {
        id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && !label.is_empty()
    })
}

/// A dump of a VM's process or of a host (V55); every other log is part of its VM's history.
pub(super) fn is_dump(name: &str) -> bool {
    name.contains("zdump") || name.starts_with("vmmcores") || has_extension(name, "core")
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}
