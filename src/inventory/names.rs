//! Lists of names: `govc find` and `govc ls` as text, `govc disk.ls -L`. A name says nothing of files, but a list of all
//! VMs by name shows whether another list has them all.

use super::{
    RegisteredObject,
    json::Json,
    part::{NamedVm, ObjectDraft, Part, Place},
    text::unescape_name,
    values,
};
use crate::path::label_and_rest;

/// Code of the warning that a list names VMs alone.
pub(super) const NAMES_ONLY: &str = "names-only";

/// Most names of one list.
const MAX_NAMES: usize = 1_000_000;

/// What a list of names names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// VMs, by inventory path or reference.
    Vms,
    /// First Class Disks: id and path.
    Disks,
    /// Files of content libraries: `library.info -L`.
    LibraryFiles,
    /// Things that are no VMs.
    Others,
}

impl Names {
    /// What the lines of a text name.
    pub(super) fn of(head: &str) -> Option<Self> {
        // The last line of a head may be cut.
        let lines: Vec<&str> = head.lines().filter(|line| !line.trim().is_empty()).collect();
        let whole = match lines.split_last() {
            Some((_, before)) if !before.is_empty() => before,
            _ => lines.as_slice(),
        };
        let all = |is: fn(&str) -> bool| !whole.is_empty() && whole.iter().all(|line| is(line));
        match () {
            () if all(|line| vm(line).is_some()) => Some(Self::Vms),
            () if all(|line| disk(line).is_some()) => Some(Self::Disks),
            () if all(|line| library_item(line).is_some()) => Some(Self::LibraryFiles),
            () if all(is_named) => Some(Self::Others),
            () => None,
        }
    }
}

/// An inventory path or a reference to anything.
fn is_named(line: &str) -> bool {
    let kinds = [
        "Datastore:",
        "HostSystem:",
        "Folder:",
        "Datacenter:",
        "ResourcePool:",
        "VirtualMachine:",
    ];
    let is_reference = kinds.iter().any(|kind| line.starts_with(kind)) && !line.trim().contains(char::is_whitespace);
    is_reference || line.starts_with('/') && line.contains("/vm")
}

/// The VM of a line: `/DC/vm/a`, `/DC/vm/a (VirtualMachine)`, `VirtualMachine  /DC/vm/a`, `VirtualMachine:vm-1`.
fn vm(line: &str) -> Option<NamedVm> {
    let line = line.trim();
    if let Some(moref) = line.strip_prefix("VirtualMachine:") {
        // More columns are the table of `object.collect`.
        return (!moref.contains(char::is_whitespace)).then(|| NamedVm::Moref(moref.to_owned()));
    }
    let (path, is_said) = match line.strip_prefix("VirtualMachine ") {
        Some(path) => (path.trim(), true),
        None => match line.strip_suffix(" (VirtualMachine)") {
            Some(path) => (path, true),
            None => (line, false),
        },
    };
    let (_, below) = path
        .strip_prefix('/')?
        .split_once("/vm/")
        .filter(|(_, below)| !below.is_empty())?;
    // `ls -l` says what a line is when it is something else.
    let other = !is_said && below.ends_with(')') && below.rsplit_once(" (").is_some_and(|(_, kind)| is_api_type(kind));
    let name = below.rsplit('/').next()?;
    let folder = path.strip_suffix(name)?.trim_end_matches('/');
    (!other).then(|| NamedVm::Placed {
        folder: unescape_name(folder),
        name: unescape_name(name),
    })
}

fn is_api_type(kind: &str) -> bool {
    ["Folder)", "VirtualApp)", "ResourcePool)", "Datastore)", "HostSystem)"].contains(&kind)
}

/// Id and path of a line of `disk.ls -L`.
fn disk(line: &str) -> Option<(&str, &str)> {
    let (id, path) = line.trim().split_once([' ', '\t'])?;
    let path = path.trim();
    (values::id(id).is_some() && path.starts_with('[')).then_some((id, path))
}

/// The text begins like `disk.ls` without `-L`: ids and names, no paths.
pub(super) fn is_disk_without_path(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    let id = line.split_whitespace().next().unwrap_or_default();
    values::id(id).is_some() && disk(line).is_none()
}

/// Adds the names of a text.
pub(super) fn add_text(part: &mut Part, names: Names, text: &str, file: &str) {
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(MAX_NAMES)
        .enumerate();
    for (index, line) in lines {
        match names {
            Names::Vms => part.named_vms.extend(vm(line)),
            Names::Disks => {
                if let Some((id, path)) = disk(line) {
                    add_disk(part, id, path, format!("{file}: line {}", index.saturating_add(1)));
                }
            }
            Names::LibraryFiles => part
                .objects
                .extend(library_file(line, format!("{file}: line {}", index.saturating_add(1)))),
            Names::Others => {}
        }
    }
    if names == Names::Vms {
        part.warn(
            NAMES_ONLY,
            format!("{file}: names alone; their files are told by {}", super::govc::COMMAND),
        );
    }
}

/// The id of the library item in `[DS] contentlib-LIBRARY/ITEM/FILE`.
fn library_item(line: &str) -> Option<&str> {
    let (_, path) = label_and_rest(line.trim())?;
    let mut folders = path.trim_start_matches(' ').strip_prefix("contentlib-")?.split('/');
    let (_library, item, _file) = (folders.next()?, folders.next()?, folders.next()?);
    Some(item)
}

fn library_file(line: &str, row: String) -> Option<ObjectDraft> {
    let path = line.trim();
    Some(ObjectDraft {
        object: RegisteredObject {
            class: "content-library".to_owned(),
            id: library_item(line)?.to_owned(),
            name: path.rsplit('/').next().unwrap_or(path).to_owned(),
            path: Some(path.to_owned()),
            folder: false,
            row,
        },
        place: Place::Said,
    })
}

fn add_disk(part: &mut Part, id: &str, path: &str, row: String) {
    part.fcd_scope.extend(super::govc::label(path).map(str::to_owned));
    part.objects.push(ObjectDraft {
        object: RegisteredObject {
            class: "fcd".to_owned(),
            id: id.to_owned(),
            name: id.to_owned(),
            path: Some(path.to_owned()),
            folder: false,
            row,
        },
        place: Place::Said,
    });
}

/// The items of a JSON list are inventory paths or references of VMs.
pub(super) fn is_list(list: Json<'_>) -> bool {
    let items = list.items();
    !items.is_empty()
        && items
            .iter()
            .all(|item| item.text().is_some_and(|text| vm(text).is_some()))
}

/// Adds the names of `govc find -json`.
pub(super) fn add_list(part: &mut Part, list: Json<'_>, file: &str) {
    let texts = list.items().into_iter().filter_map(Json::text);
    part.named_vms.extend(texts.take(MAX_NAMES).filter_map(vm));
    part.warn(
        NAMES_ONLY,
        format!("{file}: names alone; their files are told by {}", super::govc::COMMAND),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vms_are_named_in_four_ways() {
        for (line, folder, name) in [
            ("/DC0/vm/Prod/web%2f01", "/DC0/vm/Prod", "web/01"),
            ("VirtualMachine  /DC0/vm/Prod/web01", "/DC0/vm/Prod", "web01"),
            ("/DC0/vm/Prod/web01 (VirtualMachine)", "/DC0/vm/Prod", "web01"),
            ("/F/DC 1/vm/a (b)", "/F/DC 1/vm", "a (b)"),
        ] {
            let placed = NamedVm::Placed {
                folder: folder.to_owned(),
                name: name.to_owned(),
            };
            assert_eq!(vm(line), Some(placed), "{line}");
        }
        assert_eq!(vm("VirtualMachine:vm-68"), Some(NamedVm::Moref("vm-68".to_owned())));
        for line in [
            "/DC0/vm",
            "/DC0/vm/Prod (Folder)",
            "/DC0/datastore/x",
            "Datastore:datastore-1",
            "notes",
            "/vm/x",
        ] {
            assert_eq!(vm(line), None, "{line}");
        }
    }

    #[test]
    fn a_list_is_taken_for_vms_only_when_all_are() {
        assert_eq!(Names::of("/DC0/vm/a\n/DC0/vm/b\n/DC0/v"), Some(Names::Vms));
        assert_eq!(Names::of("/\n/DC0\n/DC0/vm\n/DC0/vm/a\n"), None);
        assert_eq!(
            Names::of("Datastore:datastore-1\nDatastore:datastore-2\n"),
            Some(Names::Others)
        );
        assert_eq!(
            Names::of("5dd77a1c-21be-45ca-9e4f-d30bf047f9e7  [d] fcd/x.vmdk\n"),
            Some(Names::Disks)
        );
        let library = "[d] contentlib-42e6c178/d17d5c27/t.iso\n";
        assert_eq!(Names::of(library), Some(Names::LibraryFiles));
        assert_eq!(library_item(library), Some("d17d5c27"));
        assert_eq!(Names::of("[d] a/b/c.vmdk\n"), None);
        assert_eq!(Names::of("notes\nmore\n"), None);
        assert_eq!(Names::of(""), None);
    }
}
