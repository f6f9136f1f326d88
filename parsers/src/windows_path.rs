//! Which strings are Windows paths, and which of those name a file that virtualization writes.
//!
//! Configurations have keys that no document lists. A value that looks like a path of a known kind is therefore taken
//! for a reference whatever its key is called, so that an unknown key cannot make a used file look unused.

use memchr::memchr2;

/// Extensions of the files that Hyper-V reads or writes, lower case.
const KNOWN_EXTENSIONS: [&str; 19] = [
    "vhd", "vhdx", "avhd", "avhdx", "vhds", "vhdpmem", "iso", "vfd", "rct", "mrt", "hrl", "hru", "vsv", "bin", "slp",
    "vmcx", "vmrs", "vmgs", "xml",
];

/// True for an absolute Windows path: `C:\…`, `C:/…`, `\\server\…`, `\\?\…`. Devices (`\\.\pipe\…`,
/// `\\.\PhysicalDrive1`) are no files.
pub fn is_absolute(text: &str) -> bool {
    let text = text.trim();
    let begins_like_one = match text.as_bytes() {
        [b'\\', b'\\', b'.', ..] => false,
        [b'\\', b'\\', rest @ ..] => !rest.is_empty(),
        [letter, b':', b'\\' | b'/', ..] => letter.is_ascii_alphabetic(),
        _ => false,
    };
    begins_like_one && memchr2(0, b'\n', text.as_bytes()).is_none()
}

/// True for the name of a device: `\\.\PHYSICALDRIVE1`, `\\.\CdRom0`, `\\.\pipe\com1`.
pub fn is_device(text: &str) -> bool {
    text.trim_start().starts_with(r"\\.\")
}

/// True when the last part of the path ends in an extension that Hyper-V uses.
pub fn has_known_extension(path: &str) -> bool {
    extension(path).is_some_and(|extension| {
        KNOWN_EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// The extension of the last part, without the dot.
pub fn extension(path: &str) -> Option<&str> {
    let name = path.trim().rsplit(['\\', '/']).next()?;
    name.rsplit_once('.')
        .map(|(_, extension)| extension.trim_end_matches([' ', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_spellings_of_an_absolute_path() {
        for path in [
            r"C:\VMs\a.vhdx",
            "d:/VMs/a.vhdx",
            r"\\server\share\a.vhdx",
            r"\\?\C:\a.vhdx",
            r"\\?\Volume{1}\a",
            r" C:\a ",
        ] {
            assert!(is_absolute(path), "{path}");
        }
        for other in [
            "",
            "a.vhdx",
            r".\a.vhdx",
            "C:",
            "1:\\a",
            r"\\",
            r"\\.\pipe\com1",
            r"\\.\PhysicalDrive1",
            "C:\\a\0",
        ] {
            assert!(!is_absolute(other), "{other:?}");
        }
        assert!(is_device(r"\\.\PhysicalDrive1") && !is_device(r"\\?\C:\a.vhdx") && !is_device(r".\a.vhdx"));
    }

    #[test]
    fn the_extension_is_that_of_the_last_part() {
        assert!(has_known_extension(r"C:\a.b\disk.AVHDX"));
        assert!(has_known_extension(r"C:\a\disk.vhdx "));
        assert!(!has_known_extension(r"C:\disk.vhdx\folder"));
        assert!(!has_known_extension(r"C:\a.vhdx.bak"));
    }
}
