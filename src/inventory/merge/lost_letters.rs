//! Paths that lost letters on the way into an export, and what they may stand for.

use std::collections::BTreeSet;

use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, WINDOWS_1252};

use crate::inventory::{Inventory, InventoryWarning, part::Part};

/// Paths that lost characters on the way: what they may stand for is not judged.
pub(super) fn damaged_paths(inventory: &Inventory, parts: &[Part]) -> Vec<InventoryWarning> {
    let guessed = parts.iter().any(|part| part.guessed_encoding);
    let of_vms = inventory.vms.iter().flat_map(|vm| {
        vm.config
            .iter()
            .chain(vm.files.iter().map(|file| &file.path))
            .chain(&vm.folders)
    });
    let of_objects = inventory.objects.iter().filter_map(|object| object.path.as_ref());
    let paths: BTreeSet<&String> = of_vms.chain(of_objects).collect();
    let mut found = Vec::new();
    for path in paths {
        if let Some(pattern) = lost_characters(path) {
            found.push(InventoryWarning::damaged_path(
                "lossy-encoding",
                pattern,
                format!("the path {path} lost characters when it was exported; export again as UTF-8"),
            ));
        } else if guessed && !path.is_ascii() {
            found.extend(guesses(path).into_iter().map(|pattern| {
                InventoryWarning::damaged_path(
                    "lossy-encoding",
                    pattern,
                    format!("the path {path} was read as Windows-1252, which is a guess; export again as UTF-8"),
                )
            }));
        }
    }
    if guessed && found.is_empty() {
        found.push(InventoryWarning::note(
            "encoding-guessed",
            "a text is not UTF-8 and was read as Windows-1252; export again as UTF-8",
        ));
    }
    found
}

/// The pattern of a path in which `?` or U+FFFD stands for a lost character. The prefix `\\?\` is none.
fn lost_characters(path: &str) -> Option<String> {
    let (prefix, rest) = match path.strip_prefix("\\\\?\\") {
        Some(rest) => ("\\\\?\\", rest),
        None => ("", path),
    };
    rest.contains(['?', char::REPLACEMENT_CHARACTER])
        .then(|| format!("{prefix}{}", rest.replace(char::REPLACEMENT_CHARACTER, "?")))
}

/// The patterns of a path whose letters outside ASCII were guessed: each may be another letter, or two of them one.
fn guesses(path: &str) -> BTreeSet<String> {
    let mut single = String::new();
    let mut paired = String::new();
    let mut run = 0_usize;
    for character in path.chars() {
        if character.is_ascii() {
            run = 0;
            single.push(character);
            paired.push(character);
        } else {
            single.push('?');
            if run.is_multiple_of(2) {
                paired.push('?');
            }
            run = run.saturating_add(1);
        }
    }
    let mut patterns = BTreeSet::from([single, paired]);
    patterns.extend(EAST_ASIAN.into_iter().filter_map(|encoding| guessed_in(encoding, path)));
    patterns
}

/// Code pages whose letters have two bytes, of which the second may be one of ASCII: the ANSI text of a Windows in Japanese,
/// Chinese or Korean.
const EAST_ASIAN: [&Encoding; 4] = [SHIFT_JIS, GBK, BIG5, EUC_KR];

/// The pattern of a path that was read as Windows-1252 and may be in another encoding, where its bytes are text in that.
fn guessed_in(encoding: &'static Encoding, path: &str) -> Option<String> {
    let (bytes, _, is_other) = WINDOWS_1252.encode(path);
    let (text, is_malformed) = encoding.decode_without_bom_handling(&bytes);
    let pattern = text.chars().map(|letter| if letter.is_ascii() { letter } else { '?' });
    (!is_other && !is_malformed).then(|| pattern.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_characters_give_a_pattern() {
        assert_eq!(lost_characters("[d] ?/?.vmdk").as_deref(), Some("[d] ?/?.vmdk"));
        assert_eq!(lost_characters("[d] \u{fffd}.vmdk").as_deref(), Some("[d] ?.vmdk"));
        assert_eq!(lost_characters(r"\\?\C:\a.vhdx"), None);
        assert_eq!(lost_characters(r"\\?\C:\?.vhdx").as_deref(), Some(r"\\?\C:\?.vhdx"));
    }

    #[test]
    fn a_guessed_letter_may_be_one_or_half_a_letter() {
        assert_eq!(
            guesses("[d] \u{e4}\u{f6}.vmdk"),
            BTreeSet::from(["[d] ??.vmdk".to_owned(), "[d] ?.vmdk".to_owned()])
        );
        assert_eq!(guesses("[d] \u{e4}.vmdk"), BTreeSet::from(["[d] ?.vmdk".to_owned()]));
    }

    #[test]
    fn the_second_byte_of_a_guessed_letter_may_be_one_of_ascii() {
        for (encoding, name) in [
            (SHIFT_JIS, "\u{30c6}\u{30b9}\u{30c8}"),
            (SHIFT_JIS, "\u{8868}"),
            (BIG5, "\u{529f}\u{80fd}\u{8a31}\u{53ef}"),
            (GBK, "\u{73a5}\u{579a}"),
        ] {
            let path = format!("[d] {name}/{name}.vmdk");
            let (bytes, ..) = encoding.encode(&path);
            let (read, _) = WINDOWS_1252.decode_without_bom_handling(&bytes);
            let letters = "?".repeat(name.chars().count());
            let wanted = format!("[d] {letters}/{letters}.vmdk");
            assert!(guesses(&read).contains(&wanted), "{name}: {:?}", guesses(&read));
        }
    }
}
