//! Block allocation table: built by hand over the table of an empty disk.

use super::*;
use crate::{
    block_map::{
        BlockCounts, DiskRange, RangeContent,
        testing::{codes_of, file, noise, other},
    },
    testkit::SparseFile,
};

/// Sectors of a block of 2 MiB with its bitmap.
const SPAN: u64 = 4097;
/// Where the builder puts the tables.
const TABLE: u64 = 0x600;
const CHILD_TABLE: u64 = 0x2000;
/// Behind everything that the builder writes.
const FIRST: u64 = 100;

/// A disk of 5 blocks, the last of which is half outside of the disk, with these entries of its table and a footer at
/// this sector.
fn with_table(differencing: bool, entries: &[u32], footer: u64) -> SparseFile {
    let base = VhdBuilder::new(DiskKind::Dynamic, 9 * MIB, 2);
    let builder = if differencing {
        VhdBuilder::child_of(&base, r".\base.vhd", r"D:\VMs\base.vhd", 3)
    } else {
        base
    };
    let mut file = builder.build();
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_be_bytes()).collect();
    file.put(if differencing { CHILD_TABLE } else { TABLE }, bytes);
    let (_, copy) = file.parts[0].clone();
    file.put(footer * 512, copy);
    file
}

fn allocation_of(file: &SparseFile) -> Allocation {
    allocation(file, &Limits::default()).unwrap()
}

fn ranges_of(file: &SparseFile) -> Vec<DiskRange> {
    ranges(file, &Limits::default())
        .unwrap()
        .collect::<Result<_>>()
        .unwrap()
}

#[test]
fn blocks_are_counted_and_placed_in_whatever_order_they_stand() {
    // The order and the gap of real files of Windows: the content begins on whole 4 KiB.
    let image = with_table(
        false,
        &[103, 103 + 2 * 4104, u32::MAX, u32::MAX, 103 + 4104],
        103 + 3 * 4104,
    );
    assert_eq!(
        allocation_of(&image),
        Allocation {
            allocated_bytes: 5 * MIB,
            block_size_bytes: 2 * MIB,
            blocks: BlockCounts {
                total: 5,
                present: 3,
                not_present: 2,
                ..BlockCounts::default()
            },
            payload_bytes: 3 * SPAN * 512,
            reusable_bytes: 0,
            slack_bytes: 7 * 512,
            unreferenced_bytes: (103 - 4) * 512 + 3 * 7 * 512,
            damage: None,
            anomalies: Vec::new(),
        }
    );
    assert_eq!(
        ranges_of(&image),
        [
            file(0, 2 * MIB, 104 * 512),
            file(2 * MIB, 2 * MIB, (104 + 2 * 4104) * 512),
            other(4 * MIB, 4 * MIB, RangeContent::Absent),
            file(8 * MIB, MIB, (104 + 4104) * 512),
        ]
    );
}

/// 600 blocks scattered over twice the room that they need, few or many of them on others, absent or outside.
#[test]
fn scattered_blocks_are_counted_as_one_by_one() {
    const BLOCKS: u64 = 600;
    for (round, crowd) in [(1, 1), (2, 1), (3, 40), (4, 40), (5, 4000)] {
        let mut numbers = noise(round);
        let mut slots: Vec<u64> = (0..2 * BLOCKS).collect();
        slots.sort_by_cached_key(|_| numbers.next());
        let entries = slots
            .iter()
            .take(600)
            .zip(numbers)
            .map(|(slot, number)| match number % 100_000 {
                few if few >= crowd * 20 => FIRST + slot * (SPAN + 1) + number % 2,
                few if few < crowd * 5 => u32::MAX.into(),
                few if few < crowd * 10 => FIRST + 2 * BLOCKS * (SPAN + 1) + number % 100,
                _ => FIRST + number % (BLOCKS * SPAN),
            });
        let entries: Vec<u32> = entries.map(|entry| u32::try_from(entry).unwrap()).collect();
        let end = FIRST + 2 * BLOCKS * (SPAN + 1);
        let mut image = VhdBuilder::new(DiskKind::Dynamic, BLOCKS * 2 * MIB, 2).build();
        let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_be_bytes()).collect();
        image.put(TABLE, bytes);
        let (_, copy) = image.parts[0].clone();
        image.put(end * 512, copy);

        let mut taken: Vec<u64> = Vec::new();
        let (mut outside, mut overlapping) = (0, 0);
        for sector in entries.into_iter().filter(|entry| *entry != u32::MAX).map(u64::from) {
            if sector + SPAN > end {
                outside += 1;
            } else if taken.iter().any(|other| other.abs_diff(sector) < SPAN) {
                overlapping += 1;
            } else {
                taken.push(sector);
            }
        }
        let told = allocation_of(&image);
        let present = u64::try_from(taken.len()).unwrap() + overlapping;
        assert_eq!(
            (told.blocks.present, told.blocks.invalid),
            (present, outside),
            "round {round}"
        );
        assert_eq!(told.allocated_bytes, present * 2 * MIB);
        let texts: Vec<&str> = told.anomalies.iter().map(|anomaly| anomaly.text.as_str()).collect();
        let says = |what: &str, count: u64| texts.iter().any(|text| text.starts_with(&format!("{what}: {count},")));
        assert_eq!(says("blocks outside the file", outside), outside > 0, "{texts:?}");
        let what = "blocks on another block, a header or the table";
        assert_eq!(says(what, overlapping), overlapping > 0, "{texts:?}: {overlapping}");
    }
}

#[test]
fn rows_of_blocks_are_read_as_one_by_one() {
    for step in [SPAN, SPAN + 7, 2 * SPAN - 1, 2 * SPAN, 3 * SPAN] {
        let entries: Vec<u32> = (0..5)
            .map(|block| u32::try_from(FIRST + block * step).unwrap())
            .collect();
        let image = with_table(false, &entries, FIRST + 5 * step);
        let told = allocation_of(&image);
        assert_eq!(
            (codes_of(&told), told.blocks.present, told.allocated_bytes),
            (vec![], 5, 9 * MIB)
        );
        let places: Vec<_> = ranges_of(&image).iter().map(|range| range.content).collect();
        let expected = (0..5).map(|block| RangeContent::File {
            offset: (FIRST + block * step + 1) * 512,
        });
        assert_eq!(places, expected.collect::<Vec<_>>());
    }
}

#[test]
fn the_bitmap_of_a_differencing_disk_parts_it_from_its_parent() {
    let mut image = with_table(true, &[u32::MAX, 100, 100 + 4097, u32::MAX, u32::MAX], FIRST + 2 * SPAN);
    // Most significant bit first: sectors 0 to 2 and 15 of the first, every one of the second.
    image.put(FIRST * 512, [0b1110_0000, 0x01]);
    image.put((FIRST + SPAN) * 512, [0xff; 512]);
    let told = allocation_of(&image);
    assert_eq!(told.anomalies, []);
    assert_eq!(told.allocated_bytes, 4 * 512 + 2 * MIB);
    assert_eq!(
        (
            told.blocks.present,
            told.blocks.partially_present,
            told.blocks.not_present
        ),
        (1, 1, 3)
    );
    let data = (FIRST + 1) * 512;
    assert_eq!(
        ranges_of(&image),
        [
            other(0, 2 * MIB, RangeContent::Absent),
            file(2 * MIB, 3 * 512, data),
            other(2 * MIB + 3 * 512, 12 * 512, RangeContent::Absent),
            file(2 * MIB + 15 * 512, 512, data + 15 * 512),
            other(2 * MIB + 16 * 512, 2 * MIB - 16 * 512, RangeContent::Absent),
            file(4 * MIB, 2 * MIB, data + SPAN * 512),
            other(6 * MIB, 3 * MIB, RangeContent::Absent),
        ]
    );
}

#[test]
fn blocks_outside_the_file_and_on_other_things_are_damage() {
    // On the table, on each other (twice), one sector too far, far outside.
    let image = with_table(
        false,
        &[3, 8000, 8000 + 4096, 8000 + 4097, u32::MAX - 1],
        8000 + 2 * SPAN - 1,
    );
    let told = allocation_of(&image);
    assert_eq!(codes_of(&told), [code::BLOCK_OUTSIDE_FILE, code::BLOCK_OVERLAP]);
    assert_eq!(
        told.anomalies[0].text,
        "blocks outside the file: 2, the first is block 3"
    );
    assert_eq!(
        told.anomalies[1].text,
        "blocks on another block, a header or the table: 2, the first is block 0"
    );
    assert_eq!((told.blocks.present, told.blocks.invalid), (3, 2));
    assert_eq!(
        ranges_of(&image).last(),
        Some(&other(6 * MIB, 3 * MIB, RangeContent::Lost))
    );
}

#[test]
fn a_row_of_blocks_that_leaves_the_file_is_cut_at_the_last_whole_one() {
    let entries: Vec<u32> = (0..5)
        .map(|block| u32::try_from(FIRST + block * 4104).unwrap())
        .collect();
    for (footer, inside) in [
        (FIRST + SPAN - 1, 0),
        (FIRST + SPAN, 1),
        (FIRST + 4104 + SPAN - 1, 1),
        (FIRST + 4104 + SPAN, 2),
        (FIRST + 4 * 4104 + SPAN - 1, 4),
        (FIRST + 4 * 4104 + SPAN, 5),
    ] {
        let told = allocation_of(&with_table(false, &entries, footer));
        assert_eq!(
            (told.blocks.present, told.blocks.invalid),
            (inside, 5 - inside),
            "{footer}"
        );
    }
}

#[test]
fn a_fixed_disk_is_one_range_and_a_cut_one_says_what_is_lost() {
    let image = fixed().build();
    assert_eq!(ranges_of(&image), [file(0, 64 << 10, 0)]);
    assert_eq!(allocation_of(&image).allocated_bytes, 64 << 10);
    let mut cut = fixed().build();
    let (place, footer) = cut.parts.pop().unwrap();
    cut.put(place - 1024, footer);
    cut.length = place - 512;
    assert_eq!(
        ranges_of(&cut),
        [file(0, 63 << 10, 0), other(63 << 10, 1 << 10, RangeContent::Lost)]
    );
    let told = allocation_of(&cut);
    assert_eq!((codes_of(&told), told.allocated_bytes), (vec![], 63 << 10));
    assert_eq!(told.damage.unwrap().code, code::FILE_TOO_SHORT);
}

#[test]
fn without_a_dynamic_header_no_table_is_read() {
    let mut image = dynamic().build();
    image.put(DYNAMIC_HEADER_OFFSET, [0; 8]);
    for error in [
        allocation(&image, &Limits::default()).unwrap_err(),
        ranges(&image, &Limits::default()).unwrap_err(),
    ] {
        assert!(
            matches!(
                error,
                ParseError::Malformed {
                    what: "VHD block allocation table",
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn a_disk_that_lost_its_footer_still_tells_its_blocks() {
    let mut image = with_table(
        false,
        &[100, 100 + 4097, u32::MAX, u32::MAX, u32::MAX],
        FIRST + 2 * SPAN,
    );
    image.parts.pop();
    image.length = (FIRST + 2 * SPAN) * 512 - 7;
    let told = allocation_of(&image);
    assert_eq!(codes_of(&told), [code::BLOCK_OUTSIDE_FILE]);
    assert_eq!(told.damage.as_ref().unwrap().code, code::FOOTER_LOST);
    assert_eq!(
        (told.blocks.present, told.blocks.invalid),
        (1, 1),
        "the last block lost its end too"
    );
}

/// Blocks that all name one place would make a walk read it again and again.
#[test]
fn no_walk_reads_more_bitmaps_than_the_file_has_bytes() {
    let base = VhdBuilder::new(DiskKind::Dynamic, MIB, 2);
    let mut builder = VhdBuilder::child_of(&base, r".\base.vhd", r"D:\base.vhd", 3);
    builder.block_size_bytes = 4 << 20;
    builder.virtual_bytes = 40_000 * (4 << 20);
    let mut image = builder.build();
    let table = 0x2000;
    image.put(table, 400_u32.to_be_bytes().repeat(40_000));
    let (_, copy) = image.parts[0].clone();
    image.put((400 + 2 + 8192) * 512, copy);
    let limits = Limits::default();
    for error in [
        allocation(&image, &limits).unwrap_err(),
        ranges(&image, &limits)
            .unwrap()
            .collect::<Result<Vec<_>>>()
            .unwrap_err(),
    ] {
        assert!(matches!(error, ParseError::LimitExceeded { .. }), "{error}");
    }
}
