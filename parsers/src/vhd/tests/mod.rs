//! A valid file from the testkit, one thing changed, and the exact answer to it.

mod blocks;

use super::{footer::time, format::*, *};
use crate::{
    EncodedText, ParseError,
    testkit::{
        guid,
        vhd::{DYNAMIC_HEADER_OFFSET, VhdBuilder, W2KU_OFFSET, W2RU_OFFSET, seal},
    },
};

const MIB: u64 = 1 << 20;

fn fixed() -> VhdBuilder {
    VhdBuilder::new(DiskKind::Fixed, 64 << 10, 1)
}

fn dynamic() -> VhdBuilder {
    VhdBuilder::new(DiskKind::Dynamic, 8 * MIB, 2)
}

fn child() -> VhdBuilder {
    VhdBuilder::child_of(&dynamic(), r".\base.vhd", r"D:\VMs\base.vhd", 3)
}

fn read_bytes(bytes: &[u8]) -> Result<Vhd> {
    read(&bytes, &Limits::default())
}

fn codes(vhd: &Vhd) -> Vec<&str> {
    vhd.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
}

fn damage(vhd: &Vhd) -> Option<(&str, u64)> {
    let damage = vhd.damage.as_ref()?;
    Some((&damage.code, damage.offset?))
}

/// Changes the structure at `start` and gives it the right checksum again.
fn resealed(bytes: &mut [u8], start: usize, length: usize, checksum: usize, change: impl FnOnce(&mut [u8])) {
    let part = &mut bytes[start..start + length];
    change(part);
    seal(part, checksum);
}

fn with_dynamic_header(change: impl FnOnce(&mut [u8])) -> Vhd {
    let mut bytes = child().bytes();
    resealed(&mut bytes, 512, 1024, DYNAMIC_HEADER_CHECKSUM_OFFSET, change);
    read_bytes(&bytes).unwrap()
}

#[test]
fn a_fixed_disk_is_known_by_its_footer_alone() {
    let mut builder = fixed();
    builder.content = b"conectix: what the guest wrote".to_vec();
    assert_eq!(
        read_bytes(&builder.bytes()),
        Ok(Vhd {
            kind: DiskKind::Fixed,
            virtual_bytes: Some(64 << 10),
            original_bytes: 64 << 10,
            unique_id: Some(builder.unique_id),
            creator: Some("win".to_owned()),
            creator_version: 0x000A_0000,
            creator_host_os: Some("Wi2k".to_owned()),
            created: Some("2022-03-07T20:26:40Z".parse().unwrap()),
            saved_state: false,
            temporary: false,
            footer: FooterPlace::End,
            block_size_bytes: None,
            parent: None,
            geometry: Geometry {
                cylinders: 1,
                heads: 4,
                sectors: 17,
            },
            features: 2,
            header_offset_bytes: None,
            table_offset_bytes: None,
            table_entries: None,
            damage: None,
            anomalies: Vec::new(),
        })
    );
}

#[test]
fn a_dynamic_disk_tells_its_block_size() {
    let vhd = read_bytes(&dynamic().bytes()).unwrap();
    assert_eq!((vhd.kind, vhd.virtual_bytes), (DiskKind::Dynamic, Some(8 * MIB)));
    assert_eq!((vhd.block_size_bytes, vhd.parent.as_ref()), (Some(2 << 20), None));
    assert_eq!(
        (vhd.header_offset_bytes, vhd.table_offset_bytes, vhd.table_entries),
        (Some(512), Some(1536), Some(4))
    );
    assert_eq!(codes(&vhd), [""; 0]);
}

#[test]
fn a_child_names_its_parent_in_three_ways() {
    let vhd = read_bytes(&child().bytes()).unwrap();
    assert_eq!(vhd.kind, DiskKind::Differencing);
    assert_eq!(codes(&vhd), [""; 0]);
    let parent = vhd.parent.unwrap();
    assert_eq!(parent.unique_id, Some(dynamic().unique_id));
    let (relative, absolute) = (EncodedText::new(r".\base.vhd"), EncodedText::new(r"D:\VMs\base.vhd"));
    assert_eq!(
        parent.paths().collect::<Vec<_>>(),
        [("W2ru", &relative), ("W2ku", &absolute), ("parent name", &absolute)]
    );
    assert_eq!(parent.time, None, "Windows leaves it zero");
}

#[test]
fn without_a_footer_there_is_no_vhd() {
    let bytes = vec![7; 1024];
    assert_eq!(
        read_bytes(&bytes),
        Err(ParseError::BadSignature {
            what: "VHD footer",
            offset: 512,
            expected: "conectix",
            found: "07 07 07 07 07 07 07 07".to_owned()
        })
    );
    assert_eq!(
        read_bytes(&[0; 100]),
        Err(ParseError::Truncated {
            what: "VHD footer",
            offset: 0,
            need: 512,
            have: 100
        })
    );
    assert_eq!(
        read_bytes(&dynamic().bytes()[..100]),
        read_bytes(&[0; 100]),
        "the first bytes of a copy are no footer"
    );
    assert_eq!(has_footer(&bytes), Ok(false));
    assert_eq!(has_footer(&Vec::new()), Ok(false));
    assert_eq!(has_footer(&fixed().bytes()), Ok(true));
}

#[test]
fn an_old_footer_is_one_byte_shorter() {
    let mut bytes = fixed().bytes();
    bytes.pop();
    assert_eq!(has_footer(&bytes), Ok(true));
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!((vhd.footer, codes(&vhd)), (FooterPlace::End511, vec![""; 0]));
}

#[test]
fn unknown_versions_and_types_are_not_read() {
    let read_with = |place: usize, value| {
        let mut bytes = dynamic().bytes();
        let end = bytes.len() - 512;
        for start in [0, end] {
            resealed(&mut bytes, start, 512, FOOTER_CHECKSUM_OFFSET, |footer| {
                footer[place] = value;
            });
        }
        read_bytes(&bytes).unwrap_err()
    };
    let version = read_with(13, 2);
    assert!(
        matches!(version, ParseError::Unsupported { what: "VHD footer", .. }),
        "{version}"
    );
    let kind = read_with(63, 5).to_string();
    assert!(
        kind.ends_with(": 5 is none of fixed (2), dynamic (3) and differencing (4)"),
        "{kind}"
    );
}

#[test]
fn a_footer_with_a_wrong_checksum_gives_way_to_its_copy() {
    let mut bytes = dynamic().bytes();
    let end = bytes.len() - 512;
    bytes[end + 70] ^= 1;
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!((vhd.footer, codes(&vhd)), (FooterPlace::Start, vec![code::FOOTER_BAD]));
    assert_eq!(vhd.unique_id, Some(dynamic().unique_id));
    assert_eq!(vhd.damage, None);
    assert_eq!(vhd.anomalies[0].offset, Some(u64::try_from(end).unwrap()));
}

#[test]
fn two_wrong_checksums_leave_doubtful_facts() {
    let mut bytes = dynamic().bytes();
    let end = bytes.len() - 512;
    bytes[end + 70] ^= 1;
    bytes[70] ^= 1;
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(vhd.virtual_bytes, Some(8 * MIB));
    assert_eq!(
        damage(&vhd),
        Some((code::FOOTER_CHECKSUM_BAD, u64::try_from(end).unwrap()))
    );
}

#[test]
fn a_fixed_disk_with_a_wrong_checksum_is_never_read_as_what_its_guest_wrote() {
    let mut builder = fixed();
    builder.content = dynamic().bytes()[..2048].to_vec();
    let mut bytes = builder.bytes();
    bytes[(64 << 10) + 70] ^= 1;
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(
        (vhd.kind, damage(&vhd)),
        (DiskKind::Fixed, Some((code::FOOTER_CHECKSUM_BAD, 64 << 10)))
    );
}

#[test]
fn a_lost_end_is_damage_and_the_copy_tells_the_facts() {
    let mut bytes = child().bytes();
    let end = bytes.len() - 512;
    bytes.truncate(end);
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(vhd.footer, FooterPlace::Start);
    assert_eq!(vhd.parent, read_bytes(&child().bytes()).unwrap().parent);
    let place = u64::try_from(end - 512).unwrap();
    assert_eq!(damage(&vhd), Some((code::FOOTER_LOST, place)));
    bytes[70] ^= 1;
    assert_eq!(
        codes(&read_bytes(&bytes).unwrap()),
        [code::FOOTER_LOST, code::FOOTER_CHECKSUM_BAD]
    );
}

#[test]
fn a_copy_that_is_missing_wrong_or_different_is_noted() {
    let sound = dynamic().bytes();
    let mut missing = sound.clone();
    missing[0] = 0;
    let mut wrong = sound.clone();
    wrong[100] = 1;
    let mut different = sound;
    resealed(&mut different, 0, 512, FOOTER_CHECKSUM_OFFSET, |footer| footer[84] = 1);
    for (bytes, text) in [
        (missing, "the copy of the footer is missing"),
        (wrong, "the copy of the footer has a wrong checksum"),
        (different, "the copy of the footer differs from it"),
    ] {
        let vhd = read_bytes(&bytes).unwrap();
        assert_eq!(codes(&vhd), [code::FOOTER_COPY_BAD]);
        assert_eq!((vhd.anomalies[0].text.as_str(), vhd.damage), (text, None));
    }
}

#[test]
fn the_length_of_a_fixed_disk_is_its_size_and_the_footer() {
    for (shift, code) in [(512, code::FILE_TOO_SHORT), (-512, code::FILE_TOO_LONG)] {
        let mut bytes = fixed().bytes();
        resealed(&mut bytes, 64 << 10, 512, FOOTER_CHECKSUM_OFFSET, |footer| {
            let size = (64_u64 << 10).checked_add_signed(shift).unwrap();
            footer[48..56].copy_from_slice(&size.to_be_bytes());
        });
        let vhd = read_bytes(&bytes).unwrap();
        assert_eq!(codes(&vhd), [code]);
        assert_eq!(
            vhd.damage.is_some(),
            code == code::FILE_TOO_SHORT,
            "only bytes that are missing are damage"
        );
    }
}

#[test]
fn a_size_that_cannot_be_is_no_fact() {
    let mut bytes = fixed().bytes();
    resealed(&mut bytes, 64 << 10, 512, FOOTER_CHECKSUM_OFFSET, |footer| {
        footer[48..56].copy_from_slice(&u64::MAX.to_be_bytes());
    });
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(vhd.virtual_bytes, None);
    assert_eq!(codes(&vhd), [code::FILE_TOO_SHORT, code::VIRTUAL_SIZE_BAD]);
}

#[test]
fn saved_state_and_temporary_are_read() {
    let mut builder = fixed();
    builder.saved_state = true;
    builder.time_stamp = 0;
    let mut bytes = builder.bytes();
    resealed(&mut bytes, 64 << 10, 512, FOOTER_CHECKSUM_OFFSET, |footer| {
        footer[11] = 3;
    });
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!((vhd.saved_state, vhd.temporary, vhd.created), (true, true, None));
}

#[test]
fn a_dynamic_header_with_a_wrong_checksum_is_read_as_damage() {
    let mut bytes = child().bytes();
    bytes[512 + 1000] = 1;
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(
        damage(&vhd),
        Some((code::DYNAMIC_HEADER_CHECKSUM_BAD, DYNAMIC_HEADER_OFFSET))
    );
    assert_eq!(vhd.parent, read_bytes(&child().bytes()).unwrap().parent);
}

#[test]
fn a_dynamic_header_that_is_not_where_it_should_be_is_looked_for_at_its_usual_place() {
    let mut bytes = child().bytes();
    let end = bytes.len() - 512;
    for start in [0, end] {
        resealed(&mut bytes, start, 512, FOOTER_CHECKSUM_OFFSET, |footer| footer[20] = 1);
    }
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!(damage(&vhd), Some((code::DYNAMIC_HEADER_BAD, 0x0100_0200)));
    assert_eq!(vhd.parent, read_bytes(&child().bytes()).unwrap().parent);
    bytes[512] = 0;
    let vhd = read_bytes(&bytes).unwrap();
    assert_eq!((vhd.parent, vhd.block_size_bytes), (None, None));
    assert_eq!(codes(&read_bytes(&bytes).unwrap()), [code::DYNAMIC_HEADER_BAD]);
}

#[test]
fn a_table_has_to_fit_disk_and_file() {
    let vhd = with_dynamic_header(|header| header[28..32].copy_from_slice(&3_u32.to_be_bytes()));
    assert_eq!(damage(&vhd), Some((code::TABLE_TOO_SMALL, DYNAMIC_HEADER_OFFSET)));
    let vhd = with_dynamic_header(|header| header[28..32].copy_from_slice(&u32::MAX.to_be_bytes()));
    assert_eq!(damage(&vhd), Some((code::TABLE_BEYOND_END, 0x2000)));
    let vhd = with_dynamic_header(|header| header[32..36].copy_from_slice(&(3_u32 << 20).to_be_bytes()));
    assert_eq!(damage(&vhd), Some((code::BLOCK_SIZE_BAD, DYNAMIC_HEADER_OFFSET)));
}

#[test]
fn a_bad_locator_costs_only_itself() {
    let locators = DYNAMIC_HEADER_OFFSET + 576;
    let sound = read_bytes(&child().bytes()).unwrap().parent.unwrap();
    let vhd = with_dynamic_header(|header| header[584..588].copy_from_slice(&u32::MAX.to_be_bytes()));
    assert_eq!(
        vhd.damage.as_ref().unwrap().text,
        ParseError::OutOfBounds {
            what: "VHD parent locator length",
            offset: locators + 8,
            value: u32::MAX.into(),
            limit: 1 << 20
        }
        .to_string()
    );
    let parent = vhd.parent.unwrap();
    assert_eq!(
        (parent.absolute_path, parent.relative_path),
        (None, sound.relative_path)
    );
    let vhd = with_dynamic_header(|header| header[587] |= 1);
    assert_eq!(damage(&vhd), Some((code::LOCATOR_BAD, locators + 8)), "an odd length");
    let vhd = with_dynamic_header(|header| header[592] = 1);
    assert_eq!(damage(&vhd), Some((code::LOCATOR_BAD, (1 << 56) + W2KU_OFFSET)));
}

#[test]
fn a_child_that_does_not_say_where_or_which_its_parent_is_says_so() {
    let told = |has_id: bool, has_path: bool| {
        let mut builder = child();
        if !has_id {
            builder.parent_id = Uuid::nil();
        }
        if !has_path {
            builder.parent_relative.clear();
            builder.parent_absolute.clear();
        }
        let vhd = read_bytes(&builder.bytes()).unwrap();
        let codes: Vec<String> = codes(&vhd).into_iter().map(str::to_owned).collect();
        (codes, vhd.damage.map(|damage| damage.code))
    };
    assert_eq!(told(true, true), (Vec::new(), None));
    assert_eq!(told(false, true), (vec![code::PARENT_ID_MISSING.to_owned()], None));
    assert_eq!(told(true, false), (vec![code::PARENT_PATH_MISSING.to_owned()], None));
    let (codes, damage) = told(false, false);
    assert_eq!(codes, [code::PARENT_ID_MISSING, code::PARENT_PATH_MISSING]);
    assert_eq!(
        damage.as_deref(),
        Some(code::PARENT_PATH_MISSING),
        "the parent is hidden"
    );
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let mut builder = dynamic();
    builder.creator = [0xff, 0xfe, 0, 1];
    let vhd = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(vhd.creator.as_deref(), Some("0xfffe0001"));
    builder.creator = *b"d2v\0";
    assert_eq!(read_bytes(&builder.bytes()).unwrap().creator.as_deref(), Some("d2v"));
    let mut bytes = child().bytes();
    let start = usize::try_from(W2RU_OFFSET).unwrap();
    bytes[start..start + 8].copy_from_slice(b"\0\x01\x02alias");
    resealed(&mut bytes, 512, 1024, DYNAMIC_HEADER_CHECKSUM_OFFSET, |header| {
        header[600..604].copy_from_slice(b"Mac ");
    });
    let parent = read_bytes(&bytes).unwrap().parent.unwrap();
    assert!(
        parent.others[0].value.as_str().starts_with("\0\u{1}\u{2}alias"),
        "{parent:?}"
    );
}

#[test]
fn locators_of_other_platforms_and_second_ones_are_kept() {
    let vhd = with_dynamic_header(|header| header[576..580].copy_from_slice(b"W2ru"));
    let parent = vhd.parent.unwrap();
    assert_eq!(parent.relative_path, Some(EncodedText::new(r"D:\VMs\base.vhd")));
    assert_eq!(parent.others[0].platform, "W2ru");
    let mut bytes = child().bytes();
    let start = usize::try_from(W2RU_OFFSET).unwrap();
    bytes[start..start + 20].copy_from_slice(b"file:///vm/base.vhd\0");
    resealed(&mut bytes, 512, 1024, DYNAMIC_HEADER_CHECKSUM_OFFSET, |header| {
        header[600..604].copy_from_slice(b"MacX");
    });
    let parent = read_bytes(&bytes).unwrap().parent.unwrap();
    assert_eq!(parent.others[0].value, EncodedText::new("file:///vm/base.vhd"));
    assert_eq!(parent.paths().nth(1).unwrap().0, "MacX");
}

#[test]
fn times_count_from_the_year_2000() {
    assert_eq!(time(1), Some("2000-01-01T00:00:01Z".parse().unwrap()));
    assert_eq!(time(0), None);
    assert!(time(u32::MAX).is_some());
    assert_eq!(guid(3, 1), child().unique_id, "the id follows from the seed");
}
