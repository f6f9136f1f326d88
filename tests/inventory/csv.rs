//! CSV as other programs save it: encodings, lost letters, cut ends.

use super::rvtools::{DISK, INFO, rvtools};
use super::*;

#[test]
fn a_csv_may_be_utf16_with_semicolons_and_lines_before_the_header() {
    let info = format!("\u{feff}sep=;\r\n{}", INFO.replace(',', ";").replace("a/a", "Ä/ä"));
    let inventory = only_of(utf16(&info));
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] Ä/ä.vmx"));
    assert_eq!(vm(&inventory, "a").row, "export: vInfo row 3");
}

#[test]
fn lost_letters_cap_what_they_may_stand_for() {
    let inventory = rvtools(&[("1.csv", &INFO.replace("a/a", "?/?")), ("2.csv", DISK)]);
    let patterns: Vec<_> = inventory
        .warnings
        .iter()
        .filter(|warning| warning.caps)
        .map(|warning| warning.pattern.as_deref())
        .collect();
    assert_eq!(patterns, [Some("[d] ?/?.vmx")]);
    assert_eq!(capping(&inventory), ["lossy-encoding"]);
}

#[test]
fn a_guessed_encoding_caps_the_paths_that_it_concerns() {
    let folder = Folder::new();
    folder.put(
        "1.csv",
        INFO.replace("a/a.vmx", "\u{1}/a.vmx")
            .bytes()
            .map(|b| if b == 1 { 0xc4 } else { b })
            .collect::<Vec<_>>(),
    );
    folder.put("2.csv", DISK);
    let inventory = only(folder.path());
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] Ä/a.vmx"));
    let patterns: Vec<_> = inventory
        .warnings
        .iter()
        .filter_map(|warning| warning.pattern.as_deref())
        .collect();
    assert_eq!(patterns, ["[d] ?/a.vmx"]);
}

#[test]
fn a_cell_that_was_not_exported_caps() {
    let inventory = rvtools(&[
        ("1.csv", &INFO.replace("[d] a/a.vmx", "System.String[]")),
        ("2.csv", DISK),
    ]);
    assert_eq!(capping(&inventory), ["no-config-paths", "not-exported-cell"]);
}

#[test]
fn a_csv_that_breaks_off_caps_and_keeps_its_rows() {
    let inventory = rvtools(&[("1.csv", &format!("{INFO}c,Fal")), ("2.csv", DISK)]);
    assert_eq!(inventory.vms.len(), 3);
    assert_eq!(capping(&inventory), ["no-config-paths", "truncated"]);
}

/// A folder that is copied keeps what `vMetaData` says of it, and not the times of its files.
#[test]
fn the_time_that_a_folder_of_csv_files_says_bounds_the_times_of_its_files() {
    let said = |time: &str| {
        let meta = format!("RVTools version,xlsx creation datetime,Server\n4.7,{time},\n");
        rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", &meta)])
    };
    let copied = said("2025-01-02 03:04:05");
    assert_eq!(copied.collected.unwrap().to_string(), "2025-01-02T03:04:05Z");
    assert!(!copied.collected_is_file_time);
    let impossible = said("2199-01-02 03:04:05");
    assert!(
        impossible.collected_is_file_time,
        "no export is newer than the files that hold it"
    );
}
