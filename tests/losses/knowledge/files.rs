//! Losses of the files themselves: files and folders that cannot be read, are damaged, gone or renamed, and roots that are given
//! otherwise or not at all.

use std::collections::BTreeSet;

use derelict::catalogue::{Catalogue, Entry};

use super::{Lost, cut_at, nothing};
use crate::{
    chance::{Chance, chosen},
    place::folder_of,
    plan::Loss,
    site::Site,
    unreadable,
};

pub(super) fn leave_root_out(site: &mut Site, seed: u64) -> String {
    let scanned = site.roots.iter_mut().filter(|root| root.scanned).collect::<Vec<_>>();
    if scanned.len() < 2 {
        return nothing();
    }
    chosen(seed, scanned, |root| root.folder.clone()).map_or_else(nothing, |root| {
        root.scanned = false;
        root.folder.clone()
    })
}

pub(super) fn is_config(_: &Site, path: &str) -> bool {
    [".vmx", ".vmtx", ".vmcx", ".xml"].iter().any(|end| path.ends_with(end))
}

pub(super) fn is_log(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.starts_with("vmware"))
}

pub(super) fn hide_folder(site: &Site, seed: u64, lost: &mut Lost) -> String {
    let folders: BTreeSet<String> = site.files.keys().map(|path| folder_of(path).to_owned()).collect();
    let below: Vec<String> = folders.into_iter().filter(|folder| folder.contains('/')).collect();
    chosen(seed, below, Clone::clone).map_or_else(nothing, |folder| {
        lost.folders.push(folder.clone());
        folder
    })
}

/// Files that somebody needs.
fn needed(site: &Site, wanted: impl Fn(&Site, &str) -> bool) -> Vec<String> {
    let files = site.files.iter().filter(|(_, file)| file.truth.is_needed());
    files
        .map(|(path, _)| path.clone())
        .filter(|path| wanted(site, path))
        .collect()
}

pub(super) fn hide_file(site: &Site, seed: u64, lost: &mut Lost, wanted: impl Fn(&Site, &str) -> bool) -> String {
    chosen(seed, needed(site, wanted), Clone::clone).map_or_else(nothing, |path| {
        lost.files.push(path.clone());
        path
    })
}

/// Cuts a file, or writes zeros or other bytes over its beginning.
pub(super) fn damage(site: &mut Site, seed: u64, lost: &mut Lost, wanted: impl Fn(&Site, &str) -> bool) -> String {
    let small = |site: &Site, path: &str| wanted(site, path) && !site.files[path].content.parts.is_empty();
    let Some(path) = chosen(seed, needed(site, small), Clone::clone) else {
        return nothing();
    };
    let mut chance = Chance::of(seed, "damage");
    let Some(file) = site.files.get_mut(&path) else {
        return nothing();
    };
    let how = match chance.below(3) {
        0 => {
            let length = cut_at(usize::try_from(file.content.length).unwrap_or(usize::MAX), seed);
            let kept = length.min(if chance.one_in(3) { 0 } else { 1024 });
            let mut head = vec![0; kept];
            for (offset, bytes) in &file.content.parts {
                let start = usize::try_from(*offset).unwrap_or(usize::MAX).min(kept);
                let end = start.saturating_add(bytes.len()).min(kept);
                head[start..end].copy_from_slice(&bytes[..end - start]);
            }
            file.content.parts = vec![(0, head)];
            file.content.length = u64::try_from(kept).unwrap_or_default();
            format!("cut to {kept} bytes")
        }
        1 => {
            file.content
                .put(0, vec![0; 512.min(usize::try_from(file.content.length).unwrap_or(512))]);
            "zeros at its beginning".to_owned()
        }
        _ => {
            file.content.parts.clear();
            "all zeros".to_owned()
        }
    };
    lost.damaged.push(path.clone());
    format!("{path}, {how}")
}

pub(super) fn remove_config(site: &mut Site, seed: u64, lost: &mut Lost) -> String {
    let Some(path) = chosen(seed, needed(site, is_config), Clone::clone) else {
        return nothing();
    };
    site.files.remove(&path);
    lost.damaged.push(path.clone());
    path
}

/// Somebody renamed the folder of a VM after the exports.
pub(super) fn rename_folder(site: &mut Site, seed: u64) -> String {
    let configs = needed(site, is_config);
    let folders: BTreeSet<String> = configs
        .iter()
        .map(|path| path.split('/').take(2).collect::<Vec<_>>().join("/"))
        .collect();
    let Some(folder) = chosen(seed, folders.into_iter().collect(), Clone::clone) else {
        return nothing();
    };
    let to = format!("{folder}.renamed");
    let inside = format!("{folder}/");
    let move_path = |path: &str| match path.strip_prefix(&inside) {
        Some(rest) => format!("{to}/{rest}"),
        None => path.to_owned(),
    };
    let files = std::mem::take(&mut site.files);
    site.files = files.into_iter().map(|(path, file)| (move_path(&path), file)).collect();
    for lock in &mut site.locks {
        lock.of = move_path(&lock.of);
    }
    for vm in &mut site.vms {
        vm.config = move_path(&vm.config);
    }
    folder
}

pub(super) fn change_root(site: &mut Site, loss: &Loss) -> String {
    let seed = loss.seed;
    let folders: BTreeSet<(String, String)> = site
        .files
        .keys()
        .filter_map(|path| {
            let mut parts = path.split('/');
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        })
        .collect();
    let Some(root) = chosen(seed, site.roots.iter_mut().collect(), |root| root.folder.clone()) else {
        return nothing();
    };
    match loss.kind {
        "alias-none" => root.aliases.clear(),
        "alias-other" => {
            let one = Chance::of(seed, "alias").pick(&root.other_aliases);
            root.aliases = vec![one];
        }
        _ => {
            let own = folders.into_iter().filter(|(folder, _)| *folder == root.folder);
            let own: Vec<String> = own
                .map(|(_, below)| below)
                .filter(|name| !name.contains(".vmdk"))
                .collect();
            root.below = chosen(seed, own, Clone::clone);
            if Chance::of(seed, "alias").one_in(2) {
                root.aliases.clear();
            }
        }
    }
    format!("{} {:?} as {:?}", root.folder, root.below, root.aliases)
}

/// Takes out of a catalogue what cannot be listed or read.
pub(crate) fn hide(site: &Site, catalogue: &mut Catalogue, lost: &Lost) {
    for folder in &lost.folders {
        if let Some((root, below)) = place(site, folder) {
            unreadable::hide_folder(catalogue, root, below.as_bytes());
        }
    }
    for path in &lost.files {
        if let Some((root, below)) = place(site, path) {
            let is_it = |entry: &Entry| entry.root == root && entry.path.as_bytes() == below.as_bytes();
            if let Some(place) = catalogue.artifacts.iter().position(|artifact| is_it(&artifact.entry)) {
                unreadable::make_unreadable(catalogue, place);
            }
        }
    }
    catalogue.sort();
}

/// Root and path of a place of the site in the catalogue; `None` where it is not scanned.
fn place(site: &Site, path: &str) -> Option<(usize, String)> {
    let (root, below) = path.split_once('/')?;
    let number = site.scanned().position(|own| own.folder == root)?;
    let scanned = site.scanned().nth(number)?;
    match &scanned.below {
        None => Some((number, below.to_owned())),
        Some(folder) => Some((number, below.strip_prefix(&format!("{folder}/"))?.to_owned())),
    }
}
