//! Puts right the checksums of a changed file, so that a fuzzer gets past them.

use derelict_parsers::{
    ReadAt,
    testkit::{vhd, vhdx, vmcx},
};

use super::image::Image;

/// Most structures of one kind that are sealed: more than a small file has.
const MOST: usize = 64;

/// VHDX: both headers, both region tables, the entries of the log.
pub(crate) fn vhdx(image: &mut Image) {
    for (offset, length) in [
        (0x1_0000, 4096),
        (0x2_0000, 4096),
        (0x3_0000, 0x1_0000),
        (0x4_0000, 0x1_0000),
    ] {
        if let Some(mut bytes) = image.get(offset, length) {
            vhdx::seal(&mut bytes);
            image.put(offset, bytes[..8].to_vec());
        }
    }
    let log = |header: u64| number(image, header + 72, 8);
    let places = [log(0x1_0000), log(0x2_0000)];
    for log in places {
        for sector in 0..64_u64 {
            let Some(start) = log.checked_add(sector * 4096) else {
                break;
            };
            let length = usize::try_from(number(image, start.saturating_add(8), 4)).unwrap_or(usize::MAX);
            if image.get(start, 4).as_deref() == Some(b"loge")
                && (8..=1 << 20).contains(&length)
                && let Some(mut bytes) = image.get(start, length)
            {
                vhdx::seal(&mut bytes);
                image.put(start, bytes[..8].to_vec());
            }
        }
    }
}

/// VHD: the footer, its copy, the dynamic header.
pub(crate) fn vhd(image: &mut Image) {
    let end = image.len().saturating_sub(512);
    let header = number_be(image, end.saturating_add(16));
    let named = number_be(image, 16);
    for (offset, length, field) in [(end, 512, 64), (0, 512, 64), (header, 1024, 36), (named, 1024, 36)] {
        let cookie = image.get(offset, 8);
        let is_whole = matches!(cookie.as_deref(), Some(b"conectix" | b"cxsparse"));
        if is_whole && let Some(mut bytes) = image.get(offset, length) {
            vhd::seal(&mut bytes, field);
            image.put(offset + long(field), bytes[field..field + 4].to_vec());
        }
    }
}

/// VMGS: both headers.
pub(crate) fn vmgs(image: &mut Image) {
    vhd(image);
    for offset in [0, 4096] {
        if let Some(mut bytes) = image.get(offset, 168) {
            vmcx::seal(&mut bytes, 12);
            image.put(offset, bytes[..16].to_vec());
        }
    }
}

/// GPT: both headers and the entry arrays that they name.
pub(crate) fn gpt(image: &mut Image) {
    for sector in [512, 4096] {
        for place in [sector, image.len().saturating_sub(sector)] {
            gpt_header(image, place, sector);
        }
    }
}

fn gpt_header(image: &mut Image, place: u64, sector: u64) {
    if image.get(place, 8).as_deref() != Some(b"EFI PART") {
        return;
    }
    let array = number(image, place + 72, 8).saturating_mul(sector);
    let length = number(image, place + 80, 4).saturating_mul(number(image, place + 84, 4));
    if let Some(length) = usize::try_from(length).ok().filter(|length| *length <= 1 << 20)
        && let Some(entries) = image.get(array, length)
    {
        image.put(place + 88, crc32(&entries).to_vec());
    }
    let length = usize::try_from(number(image, place + 12, 4)).unwrap_or(usize::MAX);
    if (20..=512).contains(&length)
        && let Some(mut bytes) = image.get(place, length)
    {
        vmcx::seal(&mut bytes, 16);
        image.put(place + 16, bytes[16..20].to_vec());
    }
}

/// CRC-32 of `bytes`: that of a structure whose own checksum, taken as zero, would stand behind them needs no field.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    // `seal` takes the four bytes of its field as zero; a field in front of all bytes would change the sum, so the
    // plain sum is computed here.
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    });
    (!sum).to_le_bytes()
}

/// HyperVStorage: both headers, the log, the object tables, the key tables and their entries.
pub(crate) fn vmcx(image: &mut Image) {
    for offset in [0, 0x1000] {
        if let Some(mut bytes) = image.get(offset, 46) {
            vmcx::seal(&mut bytes, 4);
            image.put(offset, bytes[..8].to_vec());
        }
        let log = number(image, offset + 26, 8);
        let block = number(image, offset + 42, 4);
        vmcx_log(image, log, block);
    }
    object_table(image, 0x2000, 0);
}

fn vmcx_log(image: &mut Image, log: u64, block: u64) {
    let Some(mut bytes) = image.get(log, 34) else { return };
    vmcx::seal(&mut bytes, 4);
    image.put(log.saturating_add(4), bytes[4..8].to_vec());
    for entry in 0..MOST.min(usize::try_from(block / 28).unwrap_or(MOST)) {
        let place = log.saturating_add(34 + 28 * long(entry));
        if let Some(mut bytes) = image.get(place, 28).filter(|bytes| bytes.iter().any(|byte| *byte != 0)) {
            vmcx::seal(&mut bytes, 20);
            image.put(place + 20, bytes[20..24].to_vec());
        }
    }
}

fn object_table(image: &mut Image, table: u64, depth: usize) {
    let count = usize::try_from(number(image, table.saturating_add(4), 4)).unwrap_or(MOST);
    for entry in 0..count.min(MOST) {
        let place = table.saturating_add(8 + 18 * long(entry));
        let Some(mut bytes) = image.get(place, 18) else { return };
        vmcx::seal(&mut bytes, 1);
        image.put(place + 1, bytes[1..5].to_vec());
        let (offset, size) = (number(image, place + 5, 8), number(image, place + 13, 4));
        match bytes[0] {
            1 if depth < 4 => object_table(image, offset, depth + 1),
            2 => key_table(image, offset, size),
            _ => {}
        }
    }
}

fn key_table(image: &mut Image, table: u64, size: u64) {
    let Some(mut bytes) = image.get(table, 10) else { return };
    vmcx::seal(&mut bytes, 6);
    image.put(table + 6, bytes[6..10].to_vec());
    let end = table.saturating_add(size);
    let mut place = table.saturating_add(10);
    for _ in 0..MOST {
        let length = number(image, place.saturating_add(2), 4);
        if place >= end || length < 21 || image.get(place, 21).is_none() {
            return;
        }
        key(image, place, length);
        place = place.saturating_add(length);
    }
}

/// The checksum of a key covers header, name and value.
fn key(image: &mut Image, place: u64, length: u64) {
    let (kind, flags) = (number(image, place, 1), number(image, place + 1, 1));
    let value = 21 + number(image, place + 20, 1);
    let counted = 4 + number(image, place + value, 4);
    let used = match kind {
        _ if flags & 1 != 0 => 12,
        3..=5 => 8,
        6 | 7 => counted,
        8 => 4,
        9 => 12,
        _ => length.saturating_sub(value),
    };
    let covered = usize::try_from(value + used).unwrap_or(usize::MAX);
    if covered <= 1 << 16
        && let Some(mut bytes) = image.get(place, covered)
    {
        vmcx::seal(&mut bytes, 12);
        image.put(place + 12, bytes[12..16].to_vec());
    }
}

/// A little-endian number, 0 where the file ends before it.
fn number(image: &Image, offset: u64, length: usize) -> u64 {
    let bytes = image.get(offset, length).unwrap_or_default();
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn number_be(image: &Image, offset: u64) -> u64 {
    image
        .get(offset, 8)
        .unwrap_or_default()
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
