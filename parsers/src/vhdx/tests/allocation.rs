//! Block allocation table: built by hand over the table of an empty disk.

use super::*;
use crate::{
    block_map::{
        BlockCounts, DiskRange, RangeContent,
        testing::{codes_of, file, noise, other},
    },
    testkit::vhdx::BAT_OFFSET,
};

/// Where the payload may begin in files of the builder whose table has 1 MiB.
const PAYLOAD: u64 = 4 * MIB;
const PRESENT: u64 = PAYLOAD_FULLY_PRESENT;
const PARTIAL: u64 = PAYLOAD_PARTIALLY_PRESENT;

/// A disk of 10 blocks of 1 MiB, the last of which is half outside of the disk, with these entries of its table.
fn with_bat(kind: DiskKind, entries: &[u64], file_mib: u64) -> SparseFile {
    let mut builder = base();
    builder.kind = kind;
    builder.virtual_bytes = 9 * MIB + MIB / 2;
    builder.block_size_bytes = 1 << 20;
    if kind == DiskKind::Differencing {
        builder.locator = child().locator;
    }
    let mut file = builder.build();
    file.put(
        BAT_OFFSET,
        entries.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>(),
    );
    file.length = file_mib * MIB;
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

/// 5000 blocks, over the end of a chunk of 4096, few or many of them on others, absent, outside or in an unknown state.
#[test]
fn scattered_blocks_are_counted_as_one_by_one() {
    const BLOCKS: u64 = 5000;
    for (round, crowd) in [(1, 0), (2, 1), (3, 40), (4, 4000)] {
        for block_mib in [1, 2, 32] {
            let file_mib = 4 + 2 * BLOCKS * block_mib;
            let mut numbers = noise(round);
            let mut slots: Vec<u64> = (0..2 * BLOCKS).collect();
            slots.sort_by_cached_key(|_| numbers.next());
            let entries = slots
                .iter()
                .take(5000)
                .zip(numbers)
                .map(|(slot, number)| match number % 100_000 {
                    few if few >= crowd * 20 => (PAYLOAD + slot * block_mib * MIB) | PRESENT,
                    few if few < crowd * 4 => PAYLOAD_NOT_PRESENT,
                    few if few < crowd * 8 => (number % 4 * MIB) | PRESENT,
                    few if few < crowd * 12 => (file_mib * MIB) | PRESENT,
                    few if few < crowd * 14 => (PAYLOAD + slot * block_mib * MIB) | 5,
                    _ => (PAYLOAD + number % (file_mib - 5 - block_mib) * MIB) | PRESENT,
                });
            let entries: Vec<u64> = entries.collect();
            let ratio = usize::try_from(4096 / block_mib).unwrap();
            let mut bat = Vec::new();
            for chunk in entries.chunks(ratio) {
                bat.extend(chunk.iter().chain([&0]).flat_map(|entry| entry.to_le_bytes()));
            }
            bat.truncate(bat.len() - 8);
            let mut builder = base();
            builder.virtual_bytes = BLOCKS * block_mib * MIB;
            builder.block_size_bytes = u32::try_from(block_mib * MIB).unwrap();
            let mut image = builder.build();
            image.put(BAT_OFFSET, bat);
            image.length = file_mib * MIB;

            let mut taken = vec![false; usize::try_from(file_mib).unwrap()];
            let (mut present, mut outside, mut overlapping) = (0, 0, 0);
            for entry in entries.iter().filter(|entry| **entry & 7 == PRESENT) {
                let first = entry / MIB;
                if first == 0 || first + block_mib > file_mib {
                    outside += 1;
                    continue;
                }
                present += 1;
                let units = usize::try_from(first).unwrap()..usize::try_from(first + block_mib).unwrap();
                let on_structures = first < 4;
                overlapping += u64::from(on_structures || taken[units.clone()].contains(&true));
                taken[units].fill(true);
            }
            let unknown = u64::try_from(entries.iter().filter(|entry| **entry & 7 == 5).count()).unwrap();
            let told = allocation_of(&image);
            let counts = (told.blocks.present, told.blocks.invalid);
            assert_eq!(counts, (present, outside + unknown), "round {round}, {block_mib} MiB");
            assert_eq!(told.allocated_bytes, present * block_mib * MIB);
            let texts: Vec<&str> = told.anomalies.iter().map(|anomaly| anomaly.text.as_str()).collect();
            let says = |what: &str, count: u64| texts.iter().any(|text| text.starts_with(&format!("{what}: {count},")));
            let what = "blocks outside the file or in its header area";
            assert_eq!(says(what, outside), outside > 0, "{texts:?}: {outside}");
            let what = "blocks on another block, a region or the log";
            assert_eq!(says(what, overlapping), overlapping > 0, "{texts:?}: {overlapping}");
        }
    }
}

#[test]
fn blocks_of_a_fixed_disk_have_places() {
    let whole: Vec<u64> = (0..10).map(|block| (PAYLOAD + block * MIB) | PRESENT).collect();
    let mut bat = whole.clone();
    bat[1] = PAYLOAD_NOT_PRESENT;
    let allocation = allocation_of(&with_bat(DiskKind::Fixed, &bat, 14));
    let codes: Vec<_> = allocation
        .anomalies
        .iter()
        .map(|anomaly| anomaly.code.as_str())
        .collect();
    assert_eq!(codes, [code::FIXED_BLOCK_ABSENT]);
    assert_eq!(allocation.damage, None);
    assert_eq!(allocation_of(&with_bat(DiskKind::Dynamic, &bat, 14)).anomalies, []);
    assert_eq!(allocation_of(&with_bat(DiskKind::Fixed, &whole, 14)).anomalies, []);
}

#[test]
fn every_state_of_a_block_is_counted_and_placed() {
    let bat = [
        PAYLOAD | PRESENT,
        (PAYLOAD + MIB) | PRESENT,
        (PAYLOAD + 3 * MIB) | PRESENT,
        PAYLOAD_ZERO,
        PAYLOAD_UNMAPPED,
        (PAYLOAD + 5 * MIB) | PAYLOAD_UNMAPPED,
        PAYLOAD_UNDEFINED,
        PAYLOAD_NOT_PRESENT,
        0,
        (PAYLOAD + 6 * MIB) | PRESENT,
    ];
    let image = with_bat(DiskKind::Dynamic, &bat, 13);
    assert_eq!(
        allocation_of(&image),
        Allocation {
            allocated_bytes: 3 * MIB + MIB / 2,
            block_size_bytes: MIB,
            blocks: BlockCounts {
                total: 10,
                present: 4,
                partially_present: 0,
                not_present: 2,
                zero: 1,
                unmapped: 2,
                undefined: 1,
                invalid: 0
            },
            payload_bytes: 4 * MIB,
            reusable_bytes: MIB,
            slack_bytes: 2 * MIB,
            unreferenced_bytes: 4 * MIB,
            damage: None,
            anomalies: Vec::new(),
        }
    );
    assert_eq!(
        ranges_of(&image),
        [
            file(0, 2 * MIB, PAYLOAD),
            file(2 * MIB, MIB, PAYLOAD + 3 * MIB),
            other(3 * MIB, 4 * MIB, RangeContent::Zero),
            other(7 * MIB, 2 * MIB, RangeContent::Absent),
            file(9 * MIB, MIB / 2, PAYLOAD + 6 * MIB),
        ]
    );
}

/// Blocks 0 and 2 are partly here; the bitmap of the only chunk stands at entry 4096.
fn partial(bitmap_entry: u64) -> SparseFile {
    let mut bat = vec![0; 4097];
    bat[0] = (PAYLOAD + MIB) | PARTIAL;
    bat[1] = (PAYLOAD + 2 * MIB) | PRESENT;
    bat[2] = (PAYLOAD + 3 * MIB) | PARTIAL;
    bat[4096] = bitmap_entry;
    let mut image = with_bat(DiskKind::Differencing, &bat, 8);
    // Least significant bit first: sectors 0 to 2 and 15 of block 0, the last one of block 2.
    image.put(PAYLOAD, [0b0000_0111, 0x80]);
    image.put(PAYLOAD + 3 * 256 - 1, [0x80]);
    image
}

#[test]
fn sectors_of_a_block_that_is_partly_here_are_told_from_those_of_the_parent() {
    let image = partial(PAYLOAD | BITMAP_PRESENT);
    let told = allocation_of(&image);
    assert_eq!(told.anomalies, []);
    assert_eq!(told.allocated_bytes, MIB + 5 * 512);
    assert_eq!((told.blocks.present, told.blocks.partially_present), (1, 2));
    assert_eq!(told.payload_bytes, 4 * MIB, "three blocks and the bitmap");
    assert_eq!((told.slack_bytes, told.unreferenced_bytes), (0, 0));
    assert_eq!(
        ranges_of(&image),
        [
            file(0, 3 * 512, PAYLOAD + MIB),
            other(3 * 512, 12 * 512, RangeContent::Absent),
            file(15 * 512, 512, PAYLOAD + MIB + 15 * 512),
            other(16 * 512, MIB - 16 * 512, RangeContent::Absent),
            file(MIB, MIB, PAYLOAD + 2 * MIB),
            other(2 * MIB, MIB - 512, RangeContent::Absent),
            file(3 * MIB - 512, 512, PAYLOAD + 4 * MIB - 512),
            other(3 * MIB, 6 * MIB + MIB / 2, RangeContent::Absent),
        ]
    );
}

#[test]
fn a_block_that_is_partly_here_without_its_bitmap_is_lost() {
    for (entry, codes) in [
        (0, &[code::BLOCK_WITHOUT_BITMAP][..]),
        (PAYLOAD | 5, &[code::BLOCK_WITHOUT_BITMAP, code::BITMAP_BAD]),
        (
            (1 << 40) | BITMAP_PRESENT,
            &[code::BLOCK_WITHOUT_BITMAP, code::BITMAP_BAD],
        ),
    ] {
        let image = partial(entry);
        let told = allocation_of(&image);
        assert_eq!(codes_of(&told), codes, "{entry:#x}");
        assert_eq!((told.allocated_bytes, told.blocks.invalid), (MIB, 2));
        let ranges = ranges_of(&image);
        assert_eq!(ranges[0], other(0, MIB, RangeContent::Lost));
        assert_eq!(ranges[2], other(2 * MIB, MIB, RangeContent::Lost));
    }
    let base = with_bat(DiskKind::Dynamic, &[PAYLOAD | PARTIAL], 8);
    let told = allocation_of(&base);
    assert_eq!(
        codes_of(&told),
        [code::BLOCK_WITHOUT_BITMAP],
        "a disk without parent has no such block"
    );
    assert_eq!(told.damage.as_ref().unwrap().offset, Some(BAT_OFFSET));
}

#[test]
fn blocks_outside_the_file_and_on_other_things_are_counted_in_one_sentence_each() {
    let bat = [
        PAYLOAD | PRESENT,
        PAYLOAD | PRESENT,
        METADATA_OFFSET | PRESENT,
        PRESENT,
        (7 * MIB) | PRESENT,
        (8 * MIB) | PRESENT,
        (9 * MIB) | PRESENT,
        4,
        (5 * MIB) | 0x8 | PRESENT,
        u64::MAX,
    ];
    let image = with_bat(DiskKind::Dynamic, &bat, 8);
    let told = allocation_of(&image);
    let texts: Vec<_> = told
        .anomalies
        .iter()
        .map(|anomaly| {
            (
                anomaly.code.as_str(),
                anomaly.offset.unwrap() - BAT_OFFSET,
                anomaly.text.as_str(),
            )
        })
        .collect();
    assert_eq!(
        texts,
        [
            (
                code::BLOCK_STATE_BAD,
                7 * 8,
                "blocks in a state that nobody knows: 1, the first is block 7"
            ),
            (
                code::BLOCK_OUTSIDE_FILE,
                3 * 8,
                "blocks outside the file or in its header area: 4, the first is block 3"
            ),
            (
                code::BLOCK_OVERLAP,
                8,
                "blocks on another block, a region or the log: 2, the first is block 1"
            ),
            (
                code::BLOCK_ENTRY_RESERVED,
                8 * 8,
                "blocks whose entry has reserved bits: 2, the first is block 8"
            ),
        ]
    );
    assert_eq!((told.blocks.present, told.blocks.invalid), (5, 5));
    let lost = ranges_of(&image)
        .into_iter()
        .filter(|range| range.content == RangeContent::Lost);
    assert_eq!(lost.map(|range| range.length).sum::<u64>(), 4 * MIB + MIB / 2);
}

#[test]
fn overlaps_show_whatever_the_order() {
    for entries in [[4, 6, 5, 4], [6, 5, 4, 6], [5, 5, 5, 5], [7, 6, 7, 5]] {
        let bat: Vec<_> = entries.iter().map(|mib| (mib * MIB) | PRESENT).collect();
        let told = allocation_of(&with_bat(DiskKind::Dynamic, &bat, 8));
        assert_eq!(codes_of(&told), [code::BLOCK_OVERLAP], "{entries:?}");
    }
    let told = allocation_of(&with_bat(
        DiskKind::Dynamic,
        &[6, 4, 7, 5].map(|mib| (mib * MIB) | PRESENT),
        8,
    ));
    assert_eq!(told.anomalies, []);
}

/// A log that is open holds the only copy of a table: the disk is counted as the next opener will see it.
#[test]
fn the_table_is_read_through_the_log() {
    let mut sector = [0; LOG_SECTOR_BYTES];
    sector[..8].copy_from_slice(&(PAYLOAD | PRESENT).to_le_bytes());
    let entry = LogEntry {
        sequence_number: 9,
        log_guid: guid(7, 7),
        tail_sectors: 0,
        file_bytes: 36 * MIB,
        updates: vec![LogUpdate::Data {
            offset: BAT_OFFSET,
            sector: Box::new(sector),
        }],
    };
    let mut builder = base();
    builder.log = VhdxLog::Lost(guid(7, 7));
    let mut image = builder.build();
    image.put(LOG_OFFSET, entry.bytes());
    image.length = 36 * MIB;
    let told = allocation_of(&image);
    assert_eq!(told.anomalies, []);
    assert_eq!((told.blocks.present, told.allocated_bytes), (1, 32 * MIB));
    assert_eq!(ranges_of(&image)[0], file(0, 32 * MIB, PAYLOAD));
}

#[test]
fn a_lost_log_makes_the_numbers_doubtful() {
    let mut builder = base();
    builder.log = VhdxLog::Lost(guid(7, 7));
    let told = allocation_of(&builder.build());
    assert_eq!(told.damage.unwrap().code, code::LOG_NO_VALID_RUN);
}

#[test]
fn without_the_facts_that_lay_it_out_no_table_is_read() {
    let mut broken = base().build();
    broken.put(METADATA_OFFSET, *b"Metadata");
    let error = allocation(&broken, &Limits::default()).unwrap_err();
    assert!(
        matches!(&error, ParseError::Malformed { what: "VHDX block allocation table", detail, .. }
            if detail.contains("VHDX metadata table")),
        "{error}"
    );
    let mut small = base();
    small.virtual_bytes = 64 << 40;
    small.block_size_bytes = 1 << 20;
    let mut image = small.build();
    let table = region_table(|_| {});
    image.put(0x3_0000, table.clone());
    image.put(0x4_0000, table);
    assert_eq!(
        allocation(&image, &Limits::default()).unwrap_err(),
        ParseError::OutOfBounds {
            what: "VHDX block allocation table length",
            offset: BAT_OFFSET,
            value: (67_108_864 + 16_383) * 8,
            limit: MIB
        }
    );
    assert!(ranges(&image, &Limits::default()).is_err());
}

/// Bitmaps stand among the payload whatever the size of blocks and sectors: what is written in order reads in order.
#[test]
fn both_interleavings_of_bitmaps_are_read() {
    for kind in [DiskKind::Fixed, DiskKind::Dynamic, DiskKind::Differencing] {
        for (block_mib, sector, virtual_gib) in [(1, 512, 9), (256, 512, 70), (32, 4096, 70), (2, 512, 4), (4, 4096, 1)]
        {
            let mut builder = base();
            builder.kind = kind;
            builder.block_size_bytes = block_mib << 20;
            builder.logical_sector_bytes = sector;
            builder.virtual_bytes = virtual_gib * GIB;
            builder.allocated_blocks = 3000;
            if kind == DiskKind::Differencing {
                builder.locator = child().locator;
            }
            let image = builder.build();
            let told = allocation_of(&image);
            assert_eq!(told.anomalies, [], "{builder:?}");
            let total = virtual_gib * GIB / (u64::from(block_mib) * MIB);
            let present = if kind == DiskKind::Fixed {
                total
            } else {
                total.min(3000)
            };
            assert_eq!((told.blocks.total, told.blocks.present), (total, present));
            let first = ranges_of(&image)[0];
            assert_eq!((first.start, first.length), (0, present * u64::from(block_mib) * MIB));
        }
    }
}

#[test]
fn metadata_items_that_overlap_are_noted() {
    let entry = METADATA_OFFSET + 64;
    let vhdx = read_with(&base(), &[(entry + 16, &(65_536_u32 + 4).to_le_bytes())]).unwrap();
    assert!(
        codes(&vhdx).contains(&code::METADATA_ITEM_OVERLAP),
        "{:?}",
        codes(&vhdx)
    );
}
