//! Metadata table and items.

use super::*;

#[test]
fn a_bad_metadata_table_leaves_the_header_facts() {
    let vhdx = read_with(&base(), &[(METADATA_OFFSET, b"Metadata")]).unwrap();
    assert_eq!(codes(&vhdx), [code::METADATA_TABLE_BAD]);
    assert_eq!(vhdx.damage.as_ref().unwrap().offset, Some(METADATA_OFFSET));
    let vhdx = read_with(&base(), &[(METADATA_OFFSET + 10, &60_000_u16.to_le_bytes())]).unwrap();
    assert_eq!(
        vhdx.damage.as_ref().unwrap().text,
        ParseError::OutOfBounds {
            what: "VHDX metadata table entry count",
            offset: METADATA_OFFSET + 10,
            value: 60_000,
            limit: 2047
        }
        .to_string()
    );
}

#[test]
fn every_bad_item_costs_only_its_own_fact() {
    let items = METADATA_OFFSET + METADATA_TABLE_BYTES;
    let vhdx = read_with(&child(), &[(items, &(3_u32 << 20).to_le_bytes())]).unwrap();
    assert_eq!((vhdx.block_size_bytes, vhdx.kind), (None, Some(DiskKind::Differencing)));
    assert_eq!(vhdx.damage.as_ref().unwrap().offset, Some(items));
    let vhdx = read_with(&base(), &[(items + 8, &(1_u64 << 60).to_le_bytes())]).unwrap();
    assert_eq!((vhdx.virtual_bytes, vhdx.disk_id), (None, Some(base().disk_id)));
    assert_eq!(
        vhdx.damage.as_ref().unwrap().text,
        ParseError::OutOfBounds {
            what: "VHDX virtual disk size",
            offset: items + 8,
            value: 1 << 60,
            limit: 64 << 40
        }
        .to_string()
    );
    let vhdx = read_with(&base(), &[(items + 16, &1024_u32.to_le_bytes())]).unwrap();
    assert_eq!(
        (vhdx.logical_sector_bytes, vhdx.physical_sector_bytes),
        (None, Some(4096))
    );
    assert_eq!(codes(&vhdx), [code::METADATA_ITEM_BAD]);
}

#[test]
fn an_item_outside_its_region_is_not_read() {
    // The second entry, the virtual disk size; its offset stands at 16 and its length at 20.
    let entry = METADATA_OFFSET + 64;
    for (field, value, limit) in [
        (16, 0xffff_u32, 0x10_0000 - 8),
        (16, 0x10_0000 - 7, 0x10_0000 - 8),
        (20, (1 << 20) + 1, 1 << 20),
    ] {
        let vhdx = read_with(&base(), &[(entry + field, &value.to_le_bytes())]).unwrap();
        assert_eq!(vhdx.virtual_bytes, None);
        assert_eq!(
            vhdx.damage.as_ref().unwrap().text,
            ParseError::OutOfBounds {
                what: "VHDX virtual disk size",
                offset: entry + field,
                value: value.into(),
                limit
            }
            .to_string()
        );
    }
}

#[test]
fn missing_twice_listed_and_unknown_required_items_are_noted() {
    let entry = METADATA_OFFSET + 64;
    let unknown = read_with(&base(), &[(entry, &[0xab; 16])]).unwrap();
    assert_eq!(
        codes(&unknown),
        [code::METADATA_UNKNOWN_REQUIRED, code::METADATA_ITEM_MISSING]
    );
    assert_eq!(unknown.damage.as_ref().unwrap().offset, Some(entry));
    let twice = read_with(&base(), &[(entry, &FILE_PARAMETERS_ITEM_GUID.to_bytes_le())]).unwrap();
    assert_eq!(codes(&twice), [code::METADATA_ITEM_TWICE, code::METADATA_ITEM_MISSING]);
    let user = read_with(&base(), &[(entry + 24, &7_u32.to_le_bytes())]).unwrap();
    assert_eq!(
        codes(&user),
        [code::METADATA_UNKNOWN_REQUIRED, code::METADATA_ITEM_MISSING],
        "a user item of the same id is another item"
    );
}

#[test]
fn a_virtual_size_of_broken_sectors_is_noted() {
    let mut builder = base();
    builder.virtual_bytes = GIB + 1;
    let vhdx = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(codes(&vhdx), [code::VIRTUAL_SIZE_RAGGED]);
    assert_eq!(vhdx.damage, None);
    let offset = vhdx.anomalies[0].offset.unwrap();
    assert!(
        offset >= METADATA_OFFSET + 0x10000,
        "the place of the item: {offset:#x}"
    );
}

#[test]
fn items_without_a_field_are_told_and_reserved_flags_noted() {
    assert_eq!(read_bytes(&base().bytes()).unwrap().other_items, []);
    // The entry of the second item becomes an optional one of a user, that of the first of unknown flags.
    let entry = METADATA_OFFSET + 64;
    let user = read_with(&base(), &[(entry, &[0xab; 16]), (entry + 24, &1_u32.to_le_bytes())]).unwrap();
    let [item] = user.other_items.as_slice() else {
        panic!("{user:?}");
    };
    assert_eq!(
        (item.is_user, item.is_required, item.name.as_deref()),
        (true, false, None)
    );
    let geometry = read_with(&base(), &[(entry, &CHS_PARAMETERS_ITEM_GUID.to_bytes_le())]).unwrap();
    assert_eq!(geometry.other_items[0].name.as_deref(), Some("geometry"));
    let flags = METADATA_OFFSET + 0x10004;
    let reserved = read_with(&base(), &[(flags, &4_u32.to_le_bytes())]).unwrap();
    assert_eq!(codes(&reserved), [code::FILE_PARAMETERS_RESERVED]);
    assert_eq!(reserved.anomalies[0].offset, Some(flags));
}
