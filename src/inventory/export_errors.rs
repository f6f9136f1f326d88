//! `errors.txt`, in which the scripts of `scripts/export` note what failed while they made the exports of a folder.
//!
//! Those for a shell write what a command says and below it `failed: COMMAND`; those for PowerShell write `LIST: MESSAGE`.

use std::path::Path;

use super::files::words_of;

/// Commands whose lists other rules know how to do without: of these lists alone an export says by itself that it lacks them. A
/// standalone ESXi host has neither libraries nor volumes, so that these commands fail on every one.
const DISPENSABLE: [&str; 5] = [
    "govc library.ls",
    "govc volume.ls",
    "govc disk.ls",
    "govc find / -type m",
    "esxcli vm process list",
];

/// The list of backups, which never says who owns a file.
const OF_BACKUPS: &str = "restore-points.csv: ";

/// Most errors that are quoted, and most letters of one.
const QUOTED: usize = 3;
const MAX_LETTERS: usize = 120;

/// True for the name of such a file: `errors.txt`, `vmm01-errors.txt`.
pub(super) fn is_file_of_them(path: &Path) -> bool {
    let is_text = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("txt"));
    is_text && words_of(path).last().is_some_and(|word| word == "errors")
}

/// The lines that tell of something which may be missing from the exports.
pub(super) fn costly(text: &str) -> Vec<String> {
    let mut costly = Vec::new();
    let mut said = Vec::new();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !is_harmless(line)) {
        said.push(line.to_owned());
        if let Some(command) = line.strip_prefix("failed: ") {
            if DISPENSABLE.iter().any(|known| command.starts_with(known)) {
                said.clear();
            }
            costly.append(&mut said);
        }
    }
    costly.append(&mut said);
    costly
}

/// True for what commands write that did what they were to do: warnings and the log of `kubectl`.
fn is_harmless(line: &str) -> bool {
    let is_log = || {
        let (level, time) = line.split_at_checked(1).unwrap_or_default();
        let date = time.split(' ').next().unwrap_or_default();
        "IWE".contains(level) && date.len() == 4 && date.bytes().all(|digit| digit.is_ascii_digit())
    };
    line.starts_with("Warning: ") || line.starts_with(OF_BACKUPS) || is_log()
}

/// The first of these errors, and how many there are.
pub(super) fn in_short(path: &Path, errors: &[String]) -> Option<String> {
    errors.first()?;
    let quoted = errors.iter().take(QUOTED).map(|error| {
        let letters = error
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter });
        letters.take(MAX_LETTERS).collect::<String>()
    });
    let quoted = quoted.collect::<Vec<_>>().join(" | ");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = match errors.len() {
        1 => String::new(),
        lines => format!("{lines} lines, first: "),
    };
    Some(format!(
        "{name}: the export met errors ({number}{quoted}), so VMs or files may be missing from it; mend them and export again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_others_make_up_for_costs_nothing() {
        let none: [&str; 0] = [];
        assert_eq!(costly("govc: not supported\nfailed: govc library.ls -json\n"), none);
        assert_eq!(costly("restore-points.csv: no rights\r\n"), none);
        assert_eq!(
            costly("Warning: v1 is deprecated\nE1130 10:00:00.1 memcache.go:287] no metrics\n\n"),
            none
        );
        assert_eq!(
            costly("govc: no\nfailed: govc volume.ls -json\ngovc: bad\nfailed: govc object.collect -json\n"),
            ["govc: bad", "failed: govc object.collect -json"]
        );
        assert_eq!(costly("vms.json: no rights\r\n"), ["vms.json: no rights"]);
    }

    #[test]
    fn errors_are_quoted_in_bounds() {
        let errors = vec!["a\u{1b}[31m".repeat(100), "b".to_owned()];
        let text = in_short(Path::new("x/errors.txt"), &errors).unwrap_or_default();
        assert!(
            text.starts_with("errors.txt: the export met errors (2 lines, first: a [31m"),
            "{text}"
        );
        assert!(text.len() < 400 && !text.contains('\u{1b}'), "{text}");
        assert_eq!(in_short(Path::new("errors.txt"), &[]), None);
    }
}
