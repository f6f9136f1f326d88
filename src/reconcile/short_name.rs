//! Short names of Windows (`FESTPL~1.VHD`): which long names may have them (H-B3).

/// Characters of a long name that may stand before the `~`, at most.
const STEM_CHARS: usize = 6;
/// Characters of its extension that stay.
const EXTENSION_CHARS: usize = 3;
/// From the fifth long name with the same beginning on, a checksum of this length replaces all but two characters.
const CHECKSUM_DIGITS: usize = 4;

/// True for a folded name that Windows may have made as a short one: at most 8 characters, `~`, a number, and at most 3
/// characters behind a dot.
pub(crate) fn is_one(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let number = stem.rsplit_once('~').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        && stem.chars().count() <= 8
        && extension.chars().count() <= EXTENSION_CHARS
}

/// True where a folded long name may have this folded short name. The rules are those of NTFS as published: blanks and all
/// dots but the last are left out, characters that FAT forbids become `_`; what becomes of letters beyond ASCII depends on
/// the code page of the host, so any stands for any.
pub(crate) fn may_be_of(short: &str, long: &str) -> bool {
    if !is_one(short) {
        return false;
    }
    let (stem, extension) = short.split_once('.').unwrap_or((short, ""));
    let Some((kept, _)) = stem.rsplit_once('~') else {
        return false;
    };
    let (long_stem, long_extension) = long.rsplit_once('.').unwrap_or((long, ""));
    let long_stem = in_fat(long_stem);
    fits(extension, &in_fat(long_extension), EXTENSION_CHARS)
        && (fits(kept, &long_stem, STEM_CHARS) || by_checksum(kept, &long_stem))
}

/// The characters that stay of a part of a long name.
fn in_fat(part: &str) -> Vec<char> {
    let kept = part.chars().filter(|c| !matches!(c, ' ' | '.'));
    kept.map(|c| {
        if matches!(c, '+' | ',' | ';' | '=' | '[' | ']') {
            '_'
        } else {
            c
        }
    })
    .collect()
}

/// True where a part of a short name is the beginning of one of a long name: all of it, or the first `most` characters, or
/// fewer where the number behind the `~` takes the place.
fn fits(short: &str, long: &[char], most: usize) -> bool {
    let short: Vec<char> = short.chars().collect();
    let is_same = |(short, long): (&char, &char)| short == long || !short.is_ascii() || !long.is_ascii();
    short.len() <= long.len().min(most) && (short.is_empty() == long.is_empty()) && short.iter().zip(long).all(is_same)
}

/// Two characters and the checksum of the whole name.
fn by_checksum(short: &str, long: &[char]) -> bool {
    let short: Vec<char> = short.chars().collect();
    let Some(start) = short
        .len()
        .checked_sub(CHECKSUM_DIGITS)
        .filter(|start| (1..=2).contains(start))
    else {
        return false;
    };
    let (start, digits) = short.split_at(start);
    let start: String = start.iter().collect();
    digits.iter().all(char::is_ascii_hexdigit) && fits(&start, long, STEM_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_with_their_short_ones() {
        for (short, long) in [
            ("langer~1", "langer ordnername"),
            ("festpl~1.vhd", "festplatte-system.vhdx"),
            ("festpl~2.vhd", "festplatte-daten.vhdx"),
            ("abc~1", "a b c d e"),
            ("web_1_~1.avh", "web[1]_2b1f.avhdx"),
            ("festp~12.vhd", "festplatte.neu.vhdx"),
            ("fe2b1f~1.vhd", "festplatte-archiv.vhdx"),
            ("lohnb_~1", "lohnb\u{fc}ro 2026"),
            ("vhdx~1", "vhdx"),
        ] {
            assert!(may_be_of(short, long), "{short} of {long}");
        }
    }

    #[test]
    fn other_names_have_it_not() {
        for (short, long) in [
            ("festpl~1.vhd", "festung.vhdx"),
            ("festpl~1.vhd", "festplatte-system.iso"),
            ("festpl~1", "festplatte.vhdx"),
            ("festpl~x.vhd", "festplatte.vhdx"),
            ("festplatte~1.vhd", "festplatte-system.vhdx"),
            ("web.vmx~", "web.vmx"),
            ("web~1.vmcx", "web server.vmcx"),
        ] {
            assert!(!may_be_of(short, long), "{short} of {long}");
        }
    }
}
