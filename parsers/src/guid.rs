//! GUIDs in the names that Hyper-V gives its files.
//!
//! Configurations are `<GUID>.vmcx` (`.vmrs`, `.vmgs`, `.xml`, `.bin`, `.vsv`, …), disks of checkpoints
//! `<stem>_<GUID>.avhdx` beside their parent \[R\]; the GUID of a disk need not be the checkpoint's id \[A\]. Backups up to
//! 2012 R2 leave `<stem>-AutoRecovery.avhdx`, where the stem has no GUID \[T\]. Windows compares names without letter case,
//! and so does this.

use uuid::Uuid;

/// Length of a GUID with hyphens and without braces.
const GUID_CHARACTERS: usize = 36;
const AUTO_RECOVERY: &str = "-AutoRecovery";

/// The name of a checkpoint disk, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointDisk<'a> {
    /// What stands before `_<GUID>`: the stem of the base disk.
    pub stem: &'a str,
    /// The GUID.
    pub id: Uuid,
    /// `avhdx` or `avhd`, as written.
    pub extension: &'a str,
}

/// `<stem>_<GUID>.avhdx` or `.avhd`.
pub fn checkpoint_disk(name: &str) -> Option<CheckpointDisk<'_>> {
    let (stem, extension) = differencing(name)?;
    let (stem, id) = stem.rsplit_once('_')?;
    let id = hyphenated(id)?;
    (!stem.is_empty()).then_some(CheckpointDisk { stem, id, extension })
}

/// The stem of `<stem>-AutoRecovery.avhdx` or `.avhd`.
pub fn auto_recovery(name: &str) -> Option<&str> {
    let (stem, _) = differencing(name)?;
    let (stem, suffix) = stem.split_at_checked(stem.len().checked_sub(AUTO_RECOVERY.len())?)?;
    (!stem.is_empty() && suffix.eq_ignore_ascii_case(AUTO_RECOVERY)).then_some(stem)
}

/// The GUID of `<GUID>.<extension>`, and the extension as written.
pub fn named_by_guid(name: &str) -> Option<(Uuid, &str)> {
    let (stem, extension) = name.rsplit_once('.')?;
    Some((hyphenated(stem)?, extension))
}

/// The stem of a base disk and of every disk that follows from it: `VM` for `VM.vhdx`, `VM_<GUID>.avhdx` and
/// `VM-AutoRecovery.avhdx`; the name up to its last dot otherwise.
pub fn disk_stem(name: &str) -> &str {
    if let Some(disk) = checkpoint_disk(name) {
        return disk.stem;
    }
    auto_recovery(name).unwrap_or_else(|| name.rsplit_once('.').map_or(name, |(stem, _)| stem))
}

/// A GUID with hyphens and nothing around it.
pub fn hyphenated(text: &str) -> Option<Uuid> {
    (text.len() == GUID_CHARACTERS).then(|| Uuid::try_parse(text).ok())?
}

fn differencing(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.')
        .filter(|(_, extension)| extension.eq_ignore_ascii_case("avhdx") || extension.eq_ignore_ascii_case("avhd"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "1E3081CF-38F4-54F3-829F-CE9D6DB0900E";

    fn id() -> Uuid {
        Uuid::from_u128(0x1E30_81CF_38F4_54F3_829F_CE9D_6DB0_900E)
    }

    #[test]
    fn a_checkpoint_disk_is_its_stem_and_a_guid() {
        let name = format!("my_VM.disk_{GUID}.avhdx");
        let disk = checkpoint_disk(&name).unwrap();
        assert_eq!((disk.stem, disk.id, disk.extension), ("my_VM.disk", id(), "avhdx"));
        let lower = format!("VM_{}.AVHD", GUID.to_lowercase());
        assert_eq!(checkpoint_disk(&lower).unwrap().id, id());
        for other in [
            format!("VM_{GUID}.vhdx"),
            format!("_{GUID}.avhdx"),
            format!("VM{GUID}.avhdx"),
            "VM_1E3081CF38F454F3829FCE9D6DB0900E.avhdx".to_owned(),
            "VM_1.avhdx".to_owned(),
            "VM".to_owned(),
        ] {
            assert_eq!(checkpoint_disk(&other), None, "{other}");
        }
    }

    #[test]
    fn an_auto_recovery_disk_is_named_after_its_base() {
        assert_eq!(auto_recovery("VM-AutoRecovery.avhdx"), Some("VM"));
        assert_eq!(auto_recovery("VM-autorecovery.AVHD"), Some("VM"));
        assert_eq!(auto_recovery("VM-AutoRecovery.vhdx"), None);
        assert_eq!(auto_recovery("-AutoRecovery.avhdx"), None);
        assert_eq!(auto_recovery("ü.avhdx"), None);
    }

    #[test]
    fn a_configuration_is_named_by_its_guid() {
        assert_eq!(named_by_guid(&format!("{GUID}.VMRS")), Some((id(), "VMRS")));
        assert_eq!(named_by_guid(&format!("{{{GUID}}}.vmcx")), None);
        assert_eq!(named_by_guid(&format!("x{GUID}.vmcx")), None);
        assert_eq!(named_by_guid(GUID), None);
    }

    #[test]
    fn every_disk_of_a_chain_has_one_stem() {
        for name in ["VM.vhdx", &format!("VM_{GUID}.avhdx"), "VM-AutoRecovery.avhdx", "VM"] {
            assert_eq!(disk_stem(name), "VM", "{name}");
        }
    }
}
