//! A zip of exports: every entry is read as a file of its own, and a folder in it is a folder. Its bounds are counted on
//! what the entries really give, not on what they claim; an archive in an archive is refused.

use std::io::{Cursor, Read};

use jiff::{Timestamp, civil, tz::TimeZone};
use zip::ExtraField;

use super::{files::ImportError, moment::SaidTime};

/// Most entries of an archive. A folder of RVTools has 27.
const MAX_ENTRIES: usize = 10_000;
/// Most bytes that all entries together may give.
const MAX_BYTES: u64 = 1 << 30;
/// How many times its packed size an entry may give once it is large. Tables of long paths pack to a thirtieth; what
/// packs to a thousandth is made of one character.
const MAX_RATIO: u64 = 250;
/// From this size on the ratio counts.
const RATIO_BYTES: u64 = 32 << 20;

/// One entry that is a file.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its path in the archive. It is only shown, never opened.
    pub(super) path: String,
    /// When the file was last written, as the archive tells it.
    pub(super) modified: Option<SaidTime>,
    /// What it gives, or why it cannot be read.
    pub(super) bytes: Result<Vec<u8>, ImportError>,
}

/// The zip is an office document, not an archive of exports.
pub(super) fn is_document(bytes: &[u8]) -> Result<bool, ImportError> {
    let archive = open(bytes)?;
    let is_open_document =
        archive.index_for_name("mimetype").is_some() && archive.index_for_name("content.xml").is_some();
    Ok(is_open_document
        || archive.index_for_name("[Content_Types].xml").is_some()
        || archive
            .file_names()
            .any(|name| name.is_ok_and(|name| name.starts_with("xl/"))))
}

fn open(bytes: &[u8]) -> Result<zip::ZipArchive<Cursor<&[u8]>>, ImportError> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ImportError::Damaged(format!("the zip or workbook cannot be read: {error}")))?;
    if archive.len() > MAX_ENTRIES {
        return Err(ImportError::TooLarge(format!(
            "the zip has more than {MAX_ENTRIES} entries"
        )));
    }
    Ok(archive)
}

/// Gives every file of the archive to `each`, one after the other, so that one at a time is in memory.
pub(super) fn for_each(bytes: &[u8], mut each: impl FnMut(Entry)) -> Result<(), ImportError> {
    let mut archive = open(bytes)?;
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let (path, modified, content) = match archive.by_index(index) {
            Ok(entry) if entry.is_dir() => continue,
            Ok(entry) => {
                let path = String::from_utf8_lossy(entry.name_raw()).into_owned();
                let fair = entry.compressed_size().saturating_mul(MAX_RATIO).max(RATIO_BYTES);
                (path, modified(&entry), content(entry, left.min(fair)))
            }
            Err(error) => {
                let error = ImportError::Damaged(format!("an entry of the zip cannot be read: {error}"));
                (format!("entry {}", index.saturating_add(1)), None, Err(error))
            }
        };
        if is_hidden(&path) {
            continue;
        }
        let length = content.as_ref().map_or(0, Vec::len);
        left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
        let is_bomb = matches!(content, Err(ImportError::TooLarge(_)));
        each(Entry {
            path,
            modified,
            bytes: content,
        });
        if is_bomb {
            break;
        }
    }
    Ok(())
}

/// The time of an entry: in UTC where the packer noted it so, else the local time of the packer. A packer that knew none
/// wrote the first day of the format's count.
fn modified<R: Read>(entry: &zip::read::ZipFile<'_, R>) -> Option<SaidTime> {
    let in_utc = entry.extra_data_fields().find_map(|field| match field {
        ExtraField::ExtendedTimestamp(times) => Timestamp::from_second(i64::from(times.mod_time()?)).ok(),
        _ => None,
    });
    if let Some(at) = in_utc {
        return Some(SaidTime::zoned(at));
    }
    let said = entry
        .last_modified()
        .filter(|said| said.is_valid() && said.year() >= 2000)?;
    let part = |value: u8| i8::try_from(value).ok();
    let date = civil::Date::new(i16::try_from(said.year()).ok()?, part(said.month())?, part(said.day())?).ok()?;
    let time = civil::Time::new(part(said.hour())?, part(said.minute())?, part(said.second())?, 0).ok()?;
    let at = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(SaidTime::local(at))
}

/// What Finder and other packers add.
fn is_hidden(path: &str) -> bool {
    path.split(['/', '\\'])
        .any(|part| part.starts_with('.') || part == "__MACOSX")
}

/// What an entry gives, unless it is more than it may.
fn content(entry: impl Read, limit: u64) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    entry
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| ImportError::Damaged(format!("an entry of the zip cannot be read: {error}")))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(ImportError::TooLarge(format!(
            "an entry of the zip decompresses to more than {limit} bytes"
        )));
    }
    Ok(bytes)
}
