//! Promises of the block tables for any bytes: an error, or an answer that holds together.
//!
//! The oracle: ranges cover the disk from its start to its end without a gap, what they say is in the file lies in the
//! file, and what is counted is what they say.
#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected has to stop")]

use derelict_parsers::{
    DiskKind, Limits, ParseError, ReadAt,
    block_map::{Allocation, DiskRange, RangeContent},
    testkit::{
        SparseFile,
        vhd::VhdBuilder,
        vhdx::{BAT_OFFSET, LOG_OFFSET, LogEntry, LogUpdate, METADATA_OFFSET, ParentPaths, VhdxBuilder, VhdxLog},
    },
    vhd, vhdx,
};
use proptest::{collection::vec, prelude::*, sample::Index};

const MIB: u64 = 1 << 20;

/// A file of which less is left, or of which one byte differs.
struct Changed<'a> {
    file: &'a SparseFile,
    length: u64,
    flipped: Option<(u64, u8)>,
}

impl ReadAt for Changed<'_> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let there = usize::try_from(self.length.saturating_sub(offset))
            .unwrap()
            .min(buffer.len());
        let got = self.file.read_at(offset, &mut buffer[..there])?;
        if let Some((place, bits)) = self.flipped
            && (offset..offset + u64::try_from(got).unwrap()).contains(&place)
        {
            buffer[usize::try_from(place - offset).unwrap()] ^= bits;
        }
        Ok(got)
    }
}

type Walked = Result<(Allocation, Vec<DiskRange>), ParseError>;

/// The first million ranges: a changed size makes more of them than anybody wants to wait for.
fn walk_vhdx(source: &Changed<'_>) -> Walked {
    let told = vhdx::allocation(source, &Limits::default())?;
    let ranges = vhdx::ranges(source, &Limits::default())?.take(1_000_000);
    Ok((told, ranges.collect::<Result<_, _>>()?))
}

fn walk_vhd(source: &Changed<'_>) -> Walked {
    let told = vhd::allocation(source, &Limits::default())?;
    let ranges = vhd::ranges(source, &Limits::default())?.take(1_000_000);
    Ok((told, ranges.collect::<Result<_, _>>()?))
}

fn check(walked: &Walked, file_bytes: u64) -> Result<(), TestCaseError> {
    let Ok((told, ranges)) = walked else { return Ok(()) };
    let mut at = 0;
    let mut in_file = 0;
    let mut lost = false;
    for range in ranges {
        prop_assert_eq!(range.start, at, "a gap or an overlap");
        prop_assert!(range.length > 0);
        at = range.end();
        match range.content {
            RangeContent::File { offset } => {
                prop_assert!(offset + range.length <= file_bytes, "{:?} of {}", range, file_bytes);
                in_file += range.length;
            }
            RangeContent::Lost => lost = true,
            RangeContent::Zero | RangeContent::Absent => {}
            other => return Err(TestCaseError::fail(format!("{other:?} is of another format"))),
        }
    }
    prop_assert_eq!(told.allocated_bytes, in_file);
    prop_assert!(!lost || told.damage.is_some(), "something is lost without a word");
    prop_assert!(told.slack_bytes <= file_bytes);
    prop_assert!(told.unreferenced_bytes <= file_bytes);
    prop_assert!(told.anomalies.len() < 10);
    let blocks = told.blocks;
    let counted = blocks.present
        + blocks.partially_present
        + blocks.not_present
        + blocks.zero
        + blocks.unmapped
        + blocks.undefined
        + blocks.invalid;
    prop_assert_eq!(counted, blocks.total, "every block once");
    Ok(())
}

/// A differencing disk with blocks of every state, its bitmap, and a log that holds a part of the table.
fn vhdx_with_everything() -> SparseFile {
    let base = VhdxBuilder::new(DiskKind::Dynamic, 9 * MIB + MIB / 2, 1);
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\base.vhdx",
        volume: "",
    };
    let mut builder = VhdxBuilder::child_of(&base, paths, 2);
    builder.block_size_bytes = 1 << 20;
    let log_guid = derelict_parsers::testkit::guid(3, 3);
    builder.log = VhdxLog::Lost(log_guid);
    let mut file = builder.build();
    let payload = 4 * MIB;
    let mut sector = [0; 4096];
    let table = [
        payload + MIB + 7,
        payload + 2 * MIB + 6,
        2,
        3,
        1,
        0,
        payload + 3 * MIB + 7,
    ];
    for (entry, target) in table.iter().zip(sector.as_chunks_mut::<8>().0) {
        *target = entry.to_le_bytes();
    }
    let entry = LogEntry {
        sequence_number: 5,
        log_guid,
        tail_sectors: 0,
        file_bytes: 9 * MIB,
        updates: vec![LogUpdate::Data {
            offset: BAT_OFFSET,
            sector: Box::new(sector),
        }],
    };
    file.put(LOG_OFFSET, entry.bytes());
    file.put(BAT_OFFSET + 4096 * 8, (payload + 6).to_le_bytes());
    file.put(payload, [7, 0x80, 0xff]);
    file.put(payload + 6 * 256, [0xf0; 256]);
    file.length = 9 * MIB;
    file
}

/// Dynamic or differencing, with two rows of blocks and, where it has a parent, bitmaps.
fn vhd_with_everything(differencing: bool) -> SparseFile {
    let base = VhdBuilder::new(DiskKind::Dynamic, 11 * MIB, 1);
    let builder = if differencing {
        VhdBuilder::child_of(&base, r".\base.vhd", r"C:\base.vhd", 2)
    } else {
        base
    };
    let mut file = builder.build();
    let table = if differencing { 0x2000 } else { 0x600 };
    let blocks = [
        100_u32,
        100 + 4104,
        u32::MAX,
        100 + 4 * 4104,
        100 + 2 * 4104,
        100 + 3 * 4104,
    ];
    file.put(
        table,
        blocks.iter().flat_map(|block| block.to_be_bytes()).collect::<Vec<_>>(),
    );
    file.put(100 * 512, [0xf0; 512]);
    file.put((100 + 4104) * 512, [0xff; 512]);
    let (_, footer) = file.parts[0].clone();
    file.put((100 + 5 * 4104) * 512, footer);
    file
}

/// Where the structures of the VHDX begin and end.
const VHDX_BOUNDARIES: [u64; 24] = [
    0,
    8,
    520,
    0x1_0000,
    0x1_1000,
    0x2_0000,
    0x2_1000,
    0x3_0000,
    0x3_0050,
    0x4_0000,
    0x5_0000,
    LOG_OFFSET,
    LOG_OFFSET + 4096,
    LOG_OFFSET + 8192,
    METADATA_OFFSET,
    METADATA_OFFSET + 32,
    METADATA_OFFSET + 0x1_0000,
    METADATA_OFFSET + 0x1_0028,
    BAT_OFFSET,
    BAT_OFFSET + 56,
    BAT_OFFSET + 4097 * 8,
    4 * MIB,
    5 * MIB,
    8 * MIB,
];

#[test]
fn a_vhdx_cut_at_any_boundary_is_refused_or_tells_what_it_lost() {
    let file = vhdx_with_everything();
    let whole = walk_vhdx(&Changed {
        file: &file,
        length: file.length,
        flipped: None,
    });
    assert_eq!(whole.as_ref().unwrap().0.damage, None);
    check(&whole, file.length).unwrap();
    for boundary in VHDX_BOUNDARIES {
        for length in [boundary.saturating_sub(1), boundary, boundary + 1] {
            let walked = walk_vhdx(&Changed {
                file: &file,
                length,
                flipped: None,
            });
            // The log would make the file as long as it was, with zeros in place of what is lost.
            if let Ok((told, _)) = &walked {
                assert!(told.damage.is_some(), "cut at {length:#x}");
            }
            check(&walked, file.length).unwrap();
        }
    }
}

#[test]
fn a_flip_in_any_byte_of_a_vhdx_is_an_error_or_an_answer_that_holds_together() {
    let file = vhdx_with_everything();
    // The padding of headers and tables is under their checksum: of these bytes every thousandth stands for all.
    let padding = (0x5_0000..0x5_0400).chain((0x1_0000..0x5_0000).step_by(1009));
    let structures = (0..24)
        .chain(0x1_0000..0x1_0060)
        .chain(0x2_0000..0x2_0060)
        .chain(0x3_0000..0x3_0060)
        .chain(0x4_0000..0x4_0060)
        .chain(LOG_OFFSET..LOG_OFFSET + 100)
        .chain(LOG_OFFSET + 4096..LOG_OFFSET + 4096 + 64)
        .chain(METADATA_OFFSET..METADATA_OFFSET + 32 + 7 * 32)
        .chain(METADATA_OFFSET + 0x1_0000..METADATA_OFFSET + 0x1_0000 + 400)
        .chain(BAT_OFFSET + 4096 * 8..BAT_OFFSET + 4096 * 8 + 8)
        .chain(4 * MIB..4 * MIB + 4);
    for place in structures.chain(padding) {
        for bits in [1, 0x80, 0xff] {
            let source = Changed {
                file: &file,
                length: file.length,
                flipped: Some((place, bits)),
            };
            let walked = walk_vhdx(&source);
            check(&walked, file.length).unwrap_or_else(|error| panic!("{bits:#x} at {place:#x}: {error}"));
        }
    }
}

#[test]
fn a_vhd_cut_at_any_boundary_is_refused_or_tells_what_it_lost() {
    for differencing in [false, true] {
        let file = vhd_with_everything(differencing);
        let whole = walk_vhd(&Changed {
            file: &file,
            length: file.length,
            flipped: None,
        });
        assert_eq!(whole.as_ref().unwrap().0.damage, None);
        check(&whole, file.length).unwrap();
        let boundaries = [
            0_u64,
            8,
            512,
            1536,
            0x600,
            0x618,
            0x800,
            0x1000,
            0x2000,
            0x2018,
            0x2200,
            0x3000,
            100 * 512,
        ];
        let blocks = (0..6).map(|block| (100 + block * 4104) * 512);
        for boundary in boundaries.into_iter().chain(blocks) {
            for length in [
                boundary.saturating_sub(1),
                boundary,
                boundary + 1,
                boundary + 511,
                boundary + 512,
            ] {
                let walked = walk_vhd(&Changed {
                    file: &file,
                    length,
                    flipped: None,
                });
                let is_sound = length + 1 >= file.length;
                if let Ok((told, _)) = &walked {
                    assert_eq!(told.damage.is_none(), is_sound, "cut at {length:#x}");
                }
                check(&walked, length).unwrap();
            }
        }
    }
}

#[test]
fn a_flip_in_any_byte_of_a_vhd_is_an_error_or_an_answer_that_holds_together() {
    for differencing in [false, true] {
        let file = vhd_with_everything(differencing);
        let structures = (0..0x640)
            .chain(0x1000..0x1020)
            .chain(0x2000..0x2020)
            .chain(0x3000..0x3020);
        let rest = (100 * 512..100 * 512 + 8).chain(file.length - 512..file.length);
        for place in structures.chain(rest) {
            for bits in [1, 0x80, 0xff] {
                let source = Changed {
                    file: &file,
                    length: file.length,
                    flipped: Some((place, bits)),
                };
                let walked = walk_vhd(&source);
                check(&walked, file.length).unwrap_or_else(|error| panic!("{bits:#x} at {place:#x}: {error}"));
            }
        }
    }
}

#[test]
fn blocks_of_a_vhdx_that_are_partly_here_and_have_no_place_are_lost() {
    let base = VhdxBuilder::new(DiskKind::Dynamic, 30 * MIB, 1);
    let mut builder = VhdxBuilder::child_of(&base, ParentPaths::default(), 2);
    builder.block_size_bytes = 1 << 20;
    let mut file = builder.build();
    let partly = [7_u64, 7, 7].map(u64::to_le_bytes).concat();
    file.put(BAT_OFFSET, partly);
    file.put(BAT_OFFSET + 4096 * 8, (4 * MIB + 6).to_le_bytes());
    file.put(4 * MIB, vec![0xff; 768]);
    file.length = 8 * MIB;
    let source = Changed {
        file: &file,
        length: file.length,
        flipped: None,
    };
    let walked = walk_vhdx(&source);
    check(&walked, file.length).unwrap();
    let (told, ranges) = walked.unwrap();
    assert_eq!(told.blocks.invalid, 3);
    let lost = ranges.first().unwrap();
    assert_eq!((lost.length, lost.content), (3 * MIB, RangeContent::Lost));
}

/// What a table entry may be: often nearly right.
fn vhdx_entry() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => (4..14_u64, prop_oneof![Just(6_u64), Just(6), Just(7), 0..8_u64]).prop_map(|(mib, state)| mib * MIB + state),
        2 => 0..8_u64,
        1 => any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_table_of_a_vhdx_gives_an_answer_that_holds_together(
        entries in vec(vhdx_entry(), 0..40),
        differencing in any::<bool>(),
        bitmap in vhdx_entry(),
        bits in vec(any::<u8>(), 0..2000),
        half in 0..2_u64,
        file_mib in 4..15_u64,
    ) {
        let mut builder = VhdxBuilder::new(DiskKind::Dynamic, 30 * MIB + half * 512, 1);
        builder.block_size_bytes = 1 << 20;
        if differencing {
            builder = VhdxBuilder::child_of(&builder, ParentPaths::default(), 2);
            builder.block_size_bytes = 1 << 20;
        }
        let mut file = builder.build();
        file.put(BAT_OFFSET, entries.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>());
        file.put(BAT_OFFSET + 4096 * 8, bitmap.to_le_bytes());
        file.put(4 * MIB, bits);
        file.length = file_mib * MIB;
        let source = Changed { file: &file, length: file.length, flipped: None };
        let walked = walk_vhdx(&source);
        prop_assert!(walked.is_ok());
        check(&walked, file.length)?;
    }

    #[test]
    fn any_table_of_a_vhd_gives_an_answer_that_holds_together(
        entries in vec(prop_oneof![Just(u32::MAX), 0..30_000_u32, any::<u32>()], 0..30),
        row in (0..60_000_u32, 4096..8300_u32),
        differencing in any::<bool>(),
        bits in vec((any::<Index>(), any::<u8>()), 0..20),
    ) {
        let mut file = vhd_with_everything(differencing);
        let table = if differencing { 0x2000 } else { 0x600 };
        let row = (0..3).map(|block| row.0.wrapping_add(block * row.1));
        let bytes: Vec<u8> = entries.iter().copied().chain(row).take(6).flat_map(u32::to_be_bytes).collect();
        file.put(table, bytes);
        let room = usize::try_from(file.length - 512 - 0x4000).unwrap();
        for (place, byte) in bits {
            file.put(0x4000 + u64::try_from(place.index(room)).unwrap(), [byte]);
        }
        let source = Changed { file: &file, length: file.length, flipped: None };
        let walked = walk_vhd(&source);
        prop_assert!(walked.is_ok());
        check(&walked, file.length)?;
    }

    #[test]
    fn a_cut_disk_never_says_more_than_there_is(cut in any::<Index>(), differencing in any::<bool>()) {
        let file = vhdx_with_everything();
        let length = u64::try_from(cut.index(usize::try_from(file.length).unwrap())).unwrap();
        match walk_vhdx(&Changed { file: &file, length, flipped: None }) {
            Ok((told, _)) => prop_assert!(told.damage.is_some()),
            Err(error) => prop_assert!(!error.is_io()),
        }
        let file = vhd_with_everything(differencing);
        let length = u64::try_from(cut.index(usize::try_from(file.length).unwrap())).unwrap();
        check(&walk_vhd(&Changed { file: &file, length, flipped: None }), length)?;
    }
}
