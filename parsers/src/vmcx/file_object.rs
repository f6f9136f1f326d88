//! File objects: values of 2048 bytes or more. They have no header and no checksum.

use std::borrow::Cow;

use super::{
    Budget,
    key_table::KeyTables,
    object_table::Listing,
    tree::{Stored, StoredKind},
};
use crate::{
    error::{Anomaly, ParseError, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

const FILE_OBJECT: &str = "VMCX file object";

/// Replaces the pointers of strings by the strings. Arrays stay where they are: the memory of a saved VM is one.
pub(super) fn load_strings<R: ReadAt + ?Sized>(
    source: &R,
    objects: &Listing,
    tables: &mut KeyTables,
    limits: &Limits,
    budget: &mut Budget,
    findings: &mut Findings,
) -> Result<()> {
    for &id in &tables.stored {
        let key = tables.tree.key(id).zip(tables.entries.get(id));
        let Some((key, entry, stored)) = key.and_then(|(key, entry)| Some((key, entry, key.stored()?))) else {
            continue;
        };
        check_listed(&stored, objects, key.name(), entry.offset, findings);
        if stored.kind != StoredKind::String {
            continue;
        }
        let bytes = load(source, stored, limits, budget);
        if let Some(bytes) = findings.tolerate("file-object-bad", bytes)? {
            let (text, lossy) = tables.tree.put_utf16(&bytes);
            if lossy {
                let name = tables.tree.key(id).map(|key| key.name().to_owned());
                let text = format!("value of key `{}` is not valid Unicode", name.unwrap_or_default());
                findings.note(Anomaly::at("text-not-unicode", stored.offset, text));
            }
            tables.tree.set(id, text);
        }
    }
    Ok(())
}

fn load<'s, R: ReadAt + ?Sized>(
    source: &'s R,
    stored: Stored,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<Cow<'s, [u8]>> {
    if stored.length > limits.string_bytes {
        return Err(ParseError::LimitExceeded {
            what: "VMCX string in a file object",
            value: stored.length,
            limit: limits.string_bytes,
        });
    }
    budget.spend(FILE_OBJECT, stored.length)?;
    source.exact(FILE_OBJECT, stored.offset, stored.length)
}

/// A pointer has to hit a file object that the object table lists and that is large enough. The key of this name stands
/// at `offset`.
fn check_listed(stored: &Stored, objects: &Listing, name: &str, offset: u64, findings: &mut Findings) {
    match objects.file_objects.get(&stored.offset) {
        Some(size) if *size >= stored.length => {}
        Some(size) => findings.damage_with(|| {
            let text = format!("value of `{name}` has {} bytes, its file object {size}", stored.length);
            Anomaly::at("file-object-too-small", offset, text)
        }),
        None => findings.note_with(|| {
            let place = stored.offset;
            let text = format!("no object table lists the file object of `{name}` at {place:#x}");
            Anomaly::at("file-object-not-listed", offset, text)
        }),
    }
}
