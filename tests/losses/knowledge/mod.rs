//! What can be lost of the knowledge of a site. Who needs a file does not change by any of it.

mod exports;
mod files;
mod json;

use std::collections::BTreeSet;

use derelict::kind::Platform;

use self::{
    exports::{
        change_case, change_cell, header_only, remove_column, remove_file, remove_folder, remove_row, remove_sheet,
        replace_file, save_by_spreadsheet, shuffle, unlist_datastore,
    },
    files::{
        change_root, damage, hide_file, hide_folder, is_config, is_log, leave_root_out, remove_config, rename_folder,
    },
};
use crate::{
    chance::Chance,
    hyperv,
    plan::Loss,
    site::{RegisteredVm, Site},
    vmware,
};

pub(crate) use self::files::hide;

/// What the losses did, as far as the checks must know.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Each in words.
    pub(crate) texts: Vec<String>,
    /// VMs of which the exports say nothing any more, and nothing shows that something is missing.
    pub(crate) untold: BTreeSet<usize>,
    /// VMs of whose files the exports say less than before, and nothing shows it.
    pub(crate) less_told: BTreeSet<usize>,
    /// Folders of the site that cannot be listed.
    pub(crate) folders: Vec<String>,
    /// Files that cannot be read.
    pub(crate) files: Vec<String>,
    /// Files whose content was damaged, or that are gone.
    pub(crate) damaged: Vec<String>,
}

/// Takes all of it from the site.
pub(crate) fn lose(site: &mut Site, losses: &[Loss]) -> Lost {
    let mut lost = Lost::default();
    for loss in losses {
        let before: Vec<BTreeSet<String>> = told(site);
        let (text, silent) = apply(site, loss, &mut lost);
        lost.texts.push(format!("{}: {text}", loss.kind));
        if silent {
            let after = told(site);
            for (vm, (before, after)) in before.iter().zip(&after).enumerate() {
                if !before.is_empty() && after.is_empty() {
                    lost.untold.insert(vm);
                } else if before != after {
                    lost.less_told.insert(vm);
                }
            }
        }
    }
    lost
}

/// What the exports say of each VM: its own names, and its files.
fn told(site: &Site) -> Vec<BTreeSet<String>> {
    let says = |text: &String| site.exports.iter().any(|export| export.says(text));
    let of_vm = |(number, vm): (usize, &RegisteredVm)| {
        let own: BTreeSet<String> = vm.tokens.iter().filter(|token| says(token)).cloned().collect();
        let files = site.files.iter().filter(|(_, file)| file.truth.vms.contains(&number));
        let spelled = files.flat_map(|(path, _)| spellings(site.platform, path));
        let files: BTreeSet<String> = spelled.filter(says).collect();
        if own.is_empty() {
            return own;
        }
        own.into_iter().chain(files).collect()
    };
    site.vms.iter().enumerate().map(of_vm).collect()
}

fn spellings(platform: Platform, path: &str) -> Vec<String> {
    match platform {
        Platform::Vmware => vec![vmware::in_vcenter(path), vmware::on_host(path)],
        Platform::Hyperv => vec![hyperv::on_host(path)],
    }
}

/// Takes one thing away; says what, and whether nothing in the exports shows that it is missing.
fn apply(site: &mut Site, loss: &Loss, taken: &mut Lost) -> (String, bool) {
    let seed = loss.seed;
    match loss.kind {
        "file-missing" => (remove_file(site, seed), true),
        "folder-missing" => (remove_folder(site, seed), true),
        "file-empty" => (replace_file(site, seed, |_| Vec::new()), false),
        "file-cut" => (
            replace_file(site, seed, |bytes| bytes[..cut_at(bytes.len(), seed)].to_vec()),
            false,
        ),
        "file-header-only" => (header_only(site, seed), false),
        "file-error" => {
            let text = "Get-VM : You do not have the required permission to complete this task.\r\n";
            (replace_file(site, seed, |_| text.as_bytes().to_vec()), false)
        }
        "sheet-missing" => (remove_sheet(site, seed), false),
        "column-missing" => (remove_column(site, seed), false),
        "row-missing" => (remove_row(site, seed), true),
        "cell-emptied" => (change_cell(site, seed, |_| String::new()), true),
        "cell-cut" => (
            change_cell(site, seed, |cell| {
                let letters = cell.chars().count();
                cell.chars().take(cut_at(letters, seed)).collect()
            }),
            true,
        ),
        "spreadsheet" => (save_by_spreadsheet(site), false),
        "shuffled" => (shuffle(site, seed), false),
        "case-changed" => (change_case(site, seed), false),
        "datastore-unlisted" => (unlist_datastore(site, seed), true),
        "root-unscanned" => (leave_root_out(site, seed), false),
        "folder-unreadable" => (hide_folder(site, seed, taken), false),
        "file-unreadable" => (hide_file(site, seed, taken, |_, _| true), false),
        "config-unreadable" => (hide_file(site, seed, taken, is_config), false),
        "config-damaged" => (damage(site, seed, taken, is_config), false),
        "disk-damaged" => (damage(site, seed, taken, |_, path| !is_log(path)), false),
        "config-gone" => (remove_config(site, seed, taken), false),
        "folder-renamed" => (rename_folder(site, seed), false),
        "alias-other" | "alias-none" | "subfolder" => (change_root(site, loss), false),
        _ => ("see the parts of the site".to_owned(), false),
    }
}

/// Somewhere inside.
fn cut_at(length: usize, seed: u64) -> usize {
    Chance::of(seed, "cut").below(length.max(1))
}

fn nothing() -> String {
    "nothing there to lose".to_owned()
}
