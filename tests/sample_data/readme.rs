//! The README shows what the program prints.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    generator::allocated_bytes,
    run::{derelict, sites},
};

/// The text between `<!-- NAME -->` and `<!-- /NAME -->` in the README, without the fence around it.
fn readme_block(name: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme
        .split_once(&format!("<!-- {name} -->"))
        .expect("the block begins");
    let (block, _) = rest.split_once(&format!("<!-- /{name} -->")).expect("the block ends");
    let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with("```")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Whether files with holes take what they took on the file system where the README was written.
fn allocates_as_in_the_readme(folder: &Path) -> bool {
    let allocated = |path: &str| allocated_bytes(&fs::metadata(folder.join("sample-data").join(path)).unwrap());
    allocated("vmware/nfs01/web02/web02.vmdk") == 4 << 10
        && allocated("vmware/nfs01/crm-alt/crm-alt-flat.vmdk") == 240 << 10
        && allocated("hyperv/volume1/ALT-CRM/Virtual Hard Disks/ALT-CRM.vhdx") == 32 << 10
}

/// The lines of a table without numbers of bytes and without their order, which follows these.
fn without_sizes(table: &str) -> BTreeSet<String> {
    let is_size = |word: &str| ["B", "KiB", "MiB"].contains(&word.trim_matches(|c: char| !c.is_alphabetic()));
    let lines = table.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_number = |at: usize| words.get(at + 1).is_some_and(|next| is_size(next));
        let kept = words
            .iter()
            .enumerate()
            .filter(|&(at, word)| !is_size(word) && !is_number(at));
        kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
    });
    lines.collect()
}

#[test]
fn the_readme_shows_what_its_main_command_prints() {
    let folder = sites();
    let command = readme_block("ci:main").replace("\\\n", " ");
    let (_, arguments) = command
        .split_once(" -- ")
        .expect("the command hands arguments to derelict");
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let output = derelict(folder.path(), &arguments);
    let printed = String::from_utf8(output.stdout).unwrap();
    let shown = readme_block("output:main");
    if allocates_as_in_the_readme(folder.path()) {
        let differ = "the README shows another output than this, which its main command prints now:";
        assert!(shown == printed.trim_end(), "{differ}\n{printed}");
    } else {
        eprintln!("this file system allocates otherwise than that of the README: sizes are not compared");
        assert_eq!(without_sizes(&shown), without_sizes(&printed));
    }
}
