//! Parent locator.

use super::*;

#[test]
fn a_differencing_disk_without_locator_and_a_base_with_one_are_noted() {
    let mut orphan = child();
    orphan.locator.clear();
    let vhdx = read_bytes(&orphan.bytes()).unwrap();
    assert_eq!(codes(&vhdx), [code::LOCATOR_MISSING]);
    assert!(vhdx.may_have_parent());
    let mut odd = child();
    odd.kind = DiskKind::Dynamic;
    let vhdx = read_bytes(&odd.bytes()).unwrap();
    assert_eq!(codes(&vhdx), [code::LOCATOR_UNEXPECTED]);
    assert!(
        vhdx.parent.is_some() && vhdx.may_have_parent(),
        "the first law: it is a reference"
    );
}

#[test]
fn linkages_are_read_in_any_spelling_and_unknown_keys_are_kept() {
    let id = base().data_write_guid;
    let second = guid(9, 9);
    let upper = format!("{{{id}}}").to_uppercase();
    let list = [
        ("parent_linkage", upper.as_str()),
        ("parent_linkage2", &second.to_string()),
        ("Relative_Path", "kept, for keys differ in case"),
    ];
    let vhdx = read_with_locator(&parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &pairs(&list)));
    let parent = vhdx.parent.unwrap();
    assert_eq!(parent.linkages().collect::<Vec<_>>(), [id, second]);
    assert_eq!(parent.paths().count(), 0);
    assert_eq!(parent.others.len(), 1);
    assert_eq!(parent.others[0].key.as_str(), "Relative_Path");
}

#[test]
fn a_locator_of_another_type_is_kept_as_it_is() {
    let list = pairs(&[("relative_path", r".\x.vhdx")]);
    let vhdx = read_with_locator(&parent_locator(Uuid::from_u128(5), &list));
    assert_eq!(codes(&vhdx), [code::LOCATOR_TYPE_UNKNOWN]);
    let parent = vhdx.parent.unwrap();
    assert_eq!((parent.paths().count(), parent.others.len()), (0, 1));
}

#[test]
fn a_bad_pair_costs_only_itself() {
    let list = pairs(&[
        ("relative_path", "a\0b"),
        ("parent_linkage", "no guid"),
        ("absolute_win32_path", r"C:\x"),
        ("absolute_win32_path", r"C:\y"),
    ]);
    let mut item = parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &list);
    let vhdx = read_with_locator(&item);
    assert_eq!(
        codes(&vhdx),
        [
            code::LOCATOR_ENTRY_INVALID,
            code::LOCATOR_ENTRY_INVALID,
            code::LOCATOR_KEY_TWICE
        ]
    );
    let parent = vhdx.parent.unwrap();
    assert_eq!(parent.relative_path, None);
    assert_eq!(parent.absolute_win32_path, Some(EncodedText::new(r"C:\x")));
    assert_eq!(parent.others[0].value, EncodedText::new(r"C:\y"), "the second is kept");
    assert!(vhdx.anomalies[2].text.starts_with("absolute_win32_path occurs twice"));
    // The value of the third pair: its length made odd, then its place put outside the item.
    item[54] = 5;
    let odd = read_with_locator(&item);
    assert_eq!(odd.parent.unwrap().absolute_win32_path, Some(EncodedText::new(r"C:\y")));
    assert!(
        odd.anomalies
            .iter()
            .any(|anomaly| anomaly.text.ends_with("its length is odd"))
    );
    item[48..52].copy_from_slice(&u32::MAX.to_le_bytes());
    let outside = read_with_locator(&item);
    assert_eq!(
        outside.anomalies[2].text,
        ParseError::Truncated {
            what: "VHDX parent locator",
            offset: LOCATOR_PLACE,
            need: u64::from(u32::MAX) + 5,
            have: 596
        }
        .to_string()
    );
}

#[test]
fn a_pair_count_is_held_against_the_item_and_the_limit() {
    let item = parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &child().locator);
    let mut lying = item.clone();
    lying[18..20].copy_from_slice(&u16::MAX.to_le_bytes());
    let vhdx = read_with_locator(&lying);
    assert_eq!(codes(&vhdx), [code::LOCATOR_BAD]);
    assert_eq!(vhdx.damage.as_ref().unwrap().offset, Some(LOCATOR_PLACE + 18));
    let limits = Limits {
        locator_entries: 2,
        ..Limits::default()
    };
    let vhdx = read(&child().bytes(), &limits).unwrap();
    assert_eq!(
        vhdx.damage.as_ref().unwrap().text,
        ParseError::LimitExceeded {
            what: "VHDX parent locator entry count",
            value: 5,
            limit: 2
        }
        .to_string()
    );
}

#[test]
fn strings_that_share_bytes_do_not_multiply_memory() {
    let entries = 256;
    let string = vec![b'a'; 0xfffe];
    let mut item = parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &[]);
    item[18..20].copy_from_slice(&256_u16.to_le_bytes());
    let strings = u32::try_from(20 + entries * 12).unwrap();
    for _ in 0..entries {
        item.extend([strings.to_le_bytes(), strings.to_le_bytes()].concat());
        item.extend([0xfe, 0xff, 0xfe, 0xff]);
    }
    item.extend(string);
    let mut findings = Findings::default();
    let cursor = crate::bytes::Cursor::new("locator", 0, &item);
    let locator = crate::vhdx::locator::parse(&cursor, &Limits::default(), &mut findings).unwrap();
    assert!(locator.others.len() <= 1, "{} pairs of 64 KiB", locator.others.len());
}

#[test]
fn the_testkit_lays_out_items_where_these_tests_expect_them() {
    let (_, items) = metadata_table(&[(PARENT_LOCATOR_ITEM_GUID, 0, vec![1, 2])]);
    assert_eq!(items, [1, 2]);
    let file = child().bytes();
    let place = usize::try_from(LOCATOR_PLACE).unwrap();
    assert_eq!(file[place..place + 16], PARENT_LOCATOR_VHDX_TYPE_GUID.to_bytes_le());
}

#[test]
fn a_locator_that_does_not_say_where_or_which_the_parent_is_says_so() {
    let linkage = ("parent_linkage", "{21111111-2222-3333-4444-555555555550}");
    let path = ("relative_path", r".\b.vhdx");
    let told = |list: &[(&str, &str)]| {
        let vhdx = read_with_locator(&parent_locator(PARENT_LOCATOR_VHDX_TYPE_GUID, &pairs(list)));
        let codes: Vec<String> = codes(&vhdx).into_iter().map(str::to_owned).collect();
        (codes, vhdx.damage.map(|damage| damage.code))
    };
    let none = Vec::<String>::new();
    assert_eq!(told(&[linkage, path]), (none, None));
    assert_eq!(told(&[path]), (vec![code::LOCATOR_LINKAGE_MISSING.to_owned()], None));
    assert_eq!(told(&[linkage]), (vec![code::LOCATOR_PATH_MISSING.to_owned()], None));
    let (codes, damage) = told(&[("Parent_Linkage", linkage.1)]);
    assert_eq!(codes, [code::LOCATOR_LINKAGE_MISSING, code::LOCATOR_PATH_MISSING]);
    assert_eq!(
        damage.as_deref(),
        Some(code::LOCATOR_PATH_MISSING),
        "the parent is hidden"
    );
    let other_case = told(&[("RELATIVE_PATH", path.1)]);
    assert_eq!(other_case.1, None, "a value that names a disk is a path to it");
}
