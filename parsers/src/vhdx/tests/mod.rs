//! A valid file from the testkit, one thing changed, and the exact answer to it.

mod allocation;
mod locator;
mod log;
mod metadata;

use uuid::Uuid;

use super::{format::*, *};
use crate::{
    EncodedText, ParseError,
    testkit::{
        SparseFile, guid,
        vhdx::{
            LOG_OFFSET, LogEntry, LogUpdate, METADATA_OFFSET, ParentPaths, VhdxBuilder, VhdxLog, metadata_table,
            parent_locator, seal,
        },
    },
};

const GIB: u64 = 1 << 30;

fn base() -> VhdxBuilder {
    VhdxBuilder::new(DiskKind::Dynamic, GIB, 1)
}

fn child() -> VhdxBuilder {
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\ClusterStorage\Volume1\vm\base.vhdx",
        volume: r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\vm\base.vhdx",
    };
    VhdxBuilder::child_of(&base(), paths, 2)
}

fn read_bytes(bytes: &[u8]) -> Result<Vhdx> {
    read(&bytes, &Limits::default())
}

/// Reads the built file after `parts` were written over it.
fn read_with(builder: &VhdxBuilder, parts: &[(u64, &[u8])]) -> Result<Vhdx> {
    let mut file = builder.build();
    for (offset, bytes) in parts {
        file.put(*offset, *bytes);
    }
    read_bytes(&file.to_vec())
}

fn codes(vhdx: &Vhdx) -> Vec<&str> {
    vhdx.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
}

/// The first region table of a built file with its entries changed and its checksum right.
fn region_table(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let file = base().bytes();
    let mut table = file[0x30000..0x40000].to_vec();
    change(&mut table);
    seal(&mut table);
    table
}

fn read_with_regions(change: impl FnOnce(&mut [u8])) -> Vhdx {
    let table = region_table(change);
    read_with(&base(), &[(0x30000, &table), (0x40000, &table)]).unwrap()
}

/// Where the builder puts the parent locator: behind five items of 8, 8, 4, 4 and 16 bytes.
const LOCATOR_PLACE: u64 = METADATA_OFFSET + METADATA_TABLE_BYTES + 40;

fn read_with_locator(item: &[u8]) -> Vhdx {
    read_with(&child(), &[(LOCATOR_PLACE, item)]).unwrap()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_dynamic_disk_tells_all_its_facts() {
    let builder = base();
    let vhdx = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(
        vhdx,
        Vhdx {
            creator: Some("Microsoft Windows 10.0.20348.0".to_owned()),
            sequence_number: 7,
            file_write_guid: builder.file_write_guid,
            data_write_guid: builder.data_write_guid,
            log_guid: None,
            log_state: LogState::Clean,
            block_size_bytes: Some(32 << 20),
            kind: Some(DiskKind::Dynamic),
            virtual_bytes: Some(GIB),
            disk_id: Some(builder.disk_id),
            logical_sector_bytes: Some(512),
            physical_sector_bytes: Some(4096),
            incomplete: false,
            parent: None,
            layout: Layout {
                other_sequence_number: Some(6),
                log_version: 0,
                log_offset_bytes: 1 << 20,
                log_length_bytes: 1 << 20,
                ..vhdx.layout.clone()
            },
            other_items: Vec::new(),
            damage: None,
            anomalies: Vec::new(),
        }
    );
    assert!(!vhdx.may_have_parent());
    let metadata = vhdx.layout.metadata.unwrap();
    assert_eq!(
        (metadata.offset_bytes, metadata.length_bytes),
        (METADATA_OFFSET, 1 << 20)
    );
    assert!(vhdx.layout.bat.is_some() && vhdx.layout.other_regions.is_empty());
}

#[test]
fn a_child_quotes_its_parent_and_zeros_are_no_second_linkage() {
    let vhdx = read_bytes(&child().bytes()).unwrap();
    assert_eq!(vhdx.kind, Some(DiskKind::Differencing));
    assert_eq!(vhdx.disk_id, Some(base().disk_id), "the disk id passes to every child");
    assert!(vhdx.anomalies.is_empty(), "{:?}", vhdx.anomalies);
    let parent = vhdx.parent.unwrap();
    assert_eq!(parent.linkages().collect::<Vec<_>>(), [base().data_write_guid]);
    assert_eq!(parent.linkage2, Some(Uuid::nil()), "written, and not left out");
    assert_eq!(
        parent.paths().collect::<Vec<_>>(),
        [
            ("relative_path", &EncodedText::new(r".\base.vhdx")),
            (
                "volume_path",
                &EncodedText::new(r"\\?\Volume{26a21bda-a627-11d7-9931-806e6f6e6963}\vm\base.vhdx")
            ),
            (
                "absolute_win32_path",
                &EncodedText::new(r"C:\ClusterStorage\Volume1\vm\base.vhdx")
            ),
        ],
        "in the order in which they are tried"
    );
}

#[test]
fn a_fixed_and_an_incomplete_disk_say_so() {
    let mut builder = VhdxBuilder::new(DiskKind::Fixed, 4 << 20, 3);
    builder.incomplete = true;
    let vhdx = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(vhdx.kind, Some(DiskKind::Fixed));
    assert!(vhdx.incomplete);
    assert_eq!(codes(&vhdx), [""; 0]);
}

#[test]
fn another_signature_is_no_vhdx() {
    assert_eq!(
        read_with(&base(), &[(0, b"vhdxfilE")]),
        Err(ParseError::BadSignature {
            what: "VHDX file identifier",
            offset: 0,
            expected: "vhdxfile",
            found: "76 68 64 78 66 69 6c 45".to_owned()
        })
    );
}

#[test]
fn one_bad_header_copy_is_noted_and_the_other_taken() {
    let vhdx = read_with(&base(), &[(0x20008, &[99])]).unwrap();
    assert_eq!(vhdx.sequence_number, 6, "the sound copy is the first");
    assert_eq!(codes(&vhdx), [code::HEADER_COPY_BAD]);
    assert_eq!(vhdx.anomalies[0].offset, Some(0x20000));
    assert_eq!(vhdx.damage, None, "one sound copy tells everything");
    let vhdx = read_with(&base(), &[(0x10000, b"dead")]).unwrap();
    assert_eq!((vhdx.sequence_number, codes(&vhdx).len()), (7, 1));
}

#[test]
fn two_bad_headers_are_the_error_of_the_first() {
    let error = read_with(&base(), &[(0x10008, &[99]), (0x20000, b"dead")]).unwrap_err();
    assert!(
        matches!(
            error,
            ParseError::ChecksumMismatch {
                what: "VHDX header",
                offset: 0x10000,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_header_of_another_version_is_not_read() {
    let mut header = base().bytes()[0x10000..0x11000].to_vec();
    header[66] = 2;
    seal(&mut header);
    assert_eq!(
        read_with(&base(), &[(0x10000, &header), (0x20000, &header)]),
        Err(ParseError::Unsupported {
            what: "VHDX header",
            version: "2".to_owned()
        })
    );
}

#[test]
fn headers_of_one_sequence_number_that_differ_are_noted() {
    let file = base().bytes();
    let mut second = file[0x20000..0x21000].to_vec();
    second[8..16].copy_from_slice(&6_u64.to_le_bytes());
    second[32] ^= 1;
    seal(&mut second);
    let vhdx = read_with(&base(), &[(0x20000, &second)]).unwrap();
    assert_eq!(vhdx.data_write_guid, base().data_write_guid, "the first is taken");
    assert_eq!(codes(&vhdx), [code::HEADER_SEQUENCE_EQUAL]);
}

#[test]
fn a_bad_region_table_copy_is_noted_and_two_leave_the_header_facts() {
    let vhdx = read_with(&base(), &[(0x30010, &[1])]).unwrap();
    assert_eq!(vhdx.virtual_bytes, Some(GIB));
    assert_eq!(codes(&vhdx), [code::REGION_TABLE_COPY_BAD]);
    assert_eq!(vhdx.damage, None);
    let vhdx = read_with(&base(), &[(0x30010, &[1]), (0x40010, &[1])]).unwrap();
    assert_eq!(vhdx.data_write_guid, base().data_write_guid);
    assert_eq!((vhdx.virtual_bytes, vhdx.kind), (None, None));
    assert!(vhdx.may_have_parent(), "nobody can tell that it has none");
    assert_eq!(vhdx.damage.as_ref().unwrap().offset, Some(0x30000));
    assert_eq!(codes(&vhdx), [code::REGION_TABLES_BAD; 2]);
}

#[test]
fn region_tables_that_differ_are_noted() {
    let table = region_table(|table| table[40..44].copy_from_slice(&(2_u32 << 20).to_le_bytes()));
    let vhdx = read_with(&base(), &[(0x40000, &table)]).unwrap();
    assert_eq!(codes(&vhdx), [code::REGION_TABLES_DIFFER]);
}

#[test]
fn rejects_a_region_count_that_does_not_fit_the_table() {
    let table = region_table(|table| table[8..12].copy_from_slice(&2048_u32.to_le_bytes()));
    let vhdx = read_with(&base(), &[(0x30000, &table)]).unwrap();
    assert_eq!(
        vhdx.anomalies[0].text,
        ParseError::OutOfBounds {
            what: "VHDX region table entry count",
            offset: 0x30008,
            value: 2048,
            limit: 2047
        }
        .to_string()
    );
}

#[test]
fn rejects_a_region_that_is_listed_twice() {
    let vhdx = read_with_regions(|table| table.copy_within(16..48, 48));
    assert_eq!(codes(&vhdx), [code::REGION_TABLES_BAD; 2]);
    assert_eq!(vhdx.anomalies[0].offset, Some(0x30030));
}

#[test]
fn notes_regions_that_are_misplaced_overlap_or_reach_past_the_end() {
    let misplaced = read_with_regions(|table| table[32..40].copy_from_slice(&0x1234_u64.to_le_bytes()));
    assert_eq!(codes(&misplaced), [code::REGION_INVALID, code::REGION_MISSING]);
    assert_eq!(misplaced.virtual_bytes, Some(GIB), "the metadata are where they were");
    let overlapping = read_with_regions(|table| table[32..40].copy_from_slice(&(1_u64 << 20).to_le_bytes()));
    assert_eq!(codes(&overlapping), [code::REGION_OVERLAP], "the BAT lies on the log");
    let beyond = read_with_regions(|table| table[32..40].copy_from_slice(&(9_u64 << 20).to_le_bytes()));
    assert_eq!(codes(&beyond), [code::REGION_BEYOND_END]);
    let overflowing = read_with_regions(|table| table[32..40].copy_from_slice(&(u64::MAX << 20).to_le_bytes()));
    assert_eq!(codes(&overflowing), [code::REGION_INVALID, code::REGION_MISSING]);
}

#[test]
fn an_unknown_region_matters_only_when_required() {
    let add = |table: &mut [u8], required: u8| {
        table[8] = 3;
        table[80..96].copy_from_slice(&[0xab; 16]);
        table[96..104].copy_from_slice(&(1_u64 << 32).to_le_bytes());
        table[104..108].copy_from_slice(&(1_u32 << 20).to_le_bytes());
        table[108] = required;
    };
    let optional = read_with_regions(|table| add(table, 0));
    assert_eq!(optional.virtual_bytes, Some(GIB));
    assert!(!codes(&optional).contains(&code::REGION_UNKNOWN_REQUIRED));
    let [other] = optional.layout.other_regions.as_slice() else {
        panic!("it is told: {optional:?}");
    };
    assert_eq!(
        (other.id, other.region.offset_bytes),
        (Uuid::from_bytes_le([0xab; 16]), 1 << 32)
    );
    let required = read_with_regions(|table| add(table, 1));
    assert_eq!(required.virtual_bytes, Some(GIB), "what is known is still told");
    assert_eq!(required.damage.as_ref().unwrap().code, code::REGION_UNKNOWN_REQUIRED);
    assert_eq!(required.damage.as_ref().unwrap().offset, Some(0x30050));
}
