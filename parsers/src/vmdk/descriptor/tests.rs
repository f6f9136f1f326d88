//! Descriptors as products write them, and what is said where they are odd.

use proptest::prelude::*;

use super::{lines::lines_of_encoding, *};

fn parse(text: &str) -> Descriptor {
    Descriptor::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn codes(descriptor: &Descriptor) -> Vec<&str> {
    descriptor
        .anomalies
        .iter()
        .map(|anomaly| anomaly.code.as_str())
        .collect()
}

proptest! {
    #[test]
    fn lines_of_an_encoding_are_found_wherever_they_stand(
        pieces in prop::collection::vec("encoding|ENCODING|ddb\\.|Ddb\\.|x|=|\"|\n|\r| |\t|a", 0..24)
    ) {
        let text = pieces.concat();
        let begins = |line: &[u8], word: &str| line.get(..word.len()).is_some_and(|own| own.eq_ignore_ascii_case(word.as_bytes()));
        let lines = text.as_bytes().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let expected: Vec<_> = lines.filter(|line| begins(line, "encoding") || begins(line, "ddb.encoding")).collect();
        prop_assert_eq!(lines_of_encoding(text.as_bytes()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn the_first_line_that_is_no_comment_tells_a_descriptor() {
    for text in [
        "# Disk DescriptorFile\n",
        "#Disk Descriptor File\r\nx",
        "# Description file created by VMDK stream converter\nversion=1\n",
        "\u{feff}\n \r\nVersion = 1\n",
        "CID=fffffffe\n",
    ] {
        assert!(Descriptor::is_descriptor(text.as_bytes()), "{text:?}");
    }
    for text in [
        "",
        "# comment\n",
        "RW 1 FLAT \"a\" 0\n",
        "name=1\n",
        "<html version=\"1\">",
    ] {
        assert!(!Descriptor::is_descriptor(text.as_bytes()), "{text:?}");
    }
}

#[test]
fn a_text_that_ends_inside_a_line_is_torn_and_one_that_lacks_the_end_of_its_last_is_not() {
    let head = "version=1\nCID=fffffffe\ncreateType=\"vmfs\"\nRW 8192 VMFS \"a-flat.vmdk\"\n";
    let is_torn = |last: &str| codes(&parse(&[head, last].concat())).contains(&TORN);
    for torn in [
        "changeTrackPath=\"a-ct",
        "ddb.longContentID = \"0123",
        "changeTrackPa",
        "changeTrackPath=",
    ] {
        assert!(is_torn(torn), "{torn}");
    }
    for whole in [
        "",
        "ddb.adapterType = \"lsilogic\"",
        "ddb.longContentID = \"0123\n",
        "# The Disk Da",
        "RW 1 ZERO",
        "changeTrackPath=\"\"",
        "version=1",
    ] {
        assert!(!is_torn(whole), "{whole}");
    }
}

#[test]
fn a_cid_is_a_number_and_may_lack_leading_zeros() {
    let descriptor = parse("version=1\nCID=812bafe\nparentCID=FFFFFFFF\nRW 1 ZERO\n");
    assert_eq!(descriptor.cid, Some(0x0812_bafe));
    assert_eq!(descriptor.parent_cid, Some(u32::MAX));
    assert_eq!(
        codes(&parse("createType=vmfs\nCID=123456789\nRW 1 ZERO\n")),
        ["bad-cid"]
    );
}

#[test]
fn a_comment_behind_a_quoted_value_is_none_of_it() {
    let descriptor = parse(
        "createType=\"vmfs\" #x\nchangeTrackPath=\"a #1-ctk.vmdk\" # comment\nparentFileNameHint=\"a\" b.vmdk\"\n\
         digestFilename=a #2.vmdk\nRW 1 ZERO\n",
    );
    assert_eq!(descriptor.create_type.as_deref(), Some("vmfs"));
    assert_eq!(descriptor.change_track_path, Some("a #1-ctk.vmdk".into()));
    assert_eq!(
        descriptor.parent_file_name_hint,
        Some("a\" b.vmdk".into()),
        "a quote in a name"
    );
    assert_eq!(
        descriptor.digest_file_name,
        Some("a #2.vmdk".into()),
        "blanks and hashes stand in names"
    );
    assert_eq!(codes(&descriptor), Vec::<&str>::new());
}

#[test]
fn a_value_that_is_none_of_its_key_is_kept_and_said() {
    let descriptor = parse("version=x\nisNativeSnapshot=\"maybe\"\nCID=1\ncreateType=\"vmfs\"\nRW 1 ZERO\n");
    let kept: Vec<_> = descriptor
        .other
        .iter()
        .map(|entry| (&*entry.key, entry.value.as_str()))
        .collect();
    assert_eq!(kept, [("version", "x"), ("isNativeSnapshot", "maybe")]);
    assert_eq!(codes(&descriptor), ["bad-value", "bad-value"]);
    assert_eq!(
        descriptor.anomalies[0].text,
        "line 1: version \"x\" is no value of this key"
    );
    let sound = parse("version=1\nisNativeSnapshot=\"no\"\nCID=1\ncreateType=\"vmfs\"\nRW 1 ZERO\n");
    assert_eq!((sound.other.len(), codes(&sound).len()), (0, 0));
    assert_eq!(
        codes(&parse("version=4294967296\ncreateType=\"vmfs\"\nRW 1 ZERO\n")),
        ["bad-value"]
    );
}

#[test]
fn header_keys_that_stand_twice_keep_both_values() {
    let descriptor = parse(
        "version=1\nversion=3\nCID=1\nCID=2\nparentCID=3\nparentCID=ffffffff\nisNativeSnapshot=no\nisNativeSnapshot=yes\n\
         createType=\"vmfs\"\ncreateType=\"vmfsSparse\"\nRW 1 ZERO\n",
    );
    let before: Vec<_> = descriptor
        .replaced
        .iter()
        .map(|entry| (&*entry.key, entry.value.as_str()))
        .collect();
    let expected = [
        ("version", "1"),
        ("CID", "00000001"),
        ("parentCID", "00000003"),
        ("isNativeSnapshot", "no"),
        ("createType", "vmfs"),
    ];
    assert_eq!(before, expected);
    assert_eq!(codes(&descriptor), ["duplicate-keys"]);
    assert_eq!(descriptor.anomalies[0].text, "line 2: version stands more than once");
    assert!(descriptor.has_parent(), "one of the lines names one");
    assert_eq!(descriptor.references(), []);
    let database = parse("createType=vmfs\nRW 1 ZERO\nddb.uuid = \"1\"\nDDB.UUID = \"2\"\n");
    assert_eq!(codes(&database), ["duplicate-keys"]);
    assert_eq!(
        codes(&parse(
            "createType=vmfs\nRW 1 ZERO\nddb.uuid = \"1\"\nddb.uuid.image = \"1\"\n"
        )),
        [""; 0]
    );
}

#[test]
fn kinds_of_disk_and_extent_that_are_not_known_are_said() {
    let extents = "RW 8 FOO \"a.vmdk\"\n";
    assert_eq!(
        codes(&parse(&format!("createType=\"foo\"\n{extents}"))),
        ["unknown-create-type", "unknown-extent-type"]
    );
    assert_eq!(codes(&parse("RW 8 FLAT \"a.vmdk\" 0\n")), ["unknown-create-type"]);
    for known in CREATE_TYPES {
        let text = format!("createType=\"{}\"\nRW 8 VMFS \"a-flat.vmdk\"\n", known.to_uppercase());
        assert_eq!(codes(&parse(&text)), [""; 0], "{known}");
    }
}

#[test]
fn text_ends_at_the_first_nul_and_unquoted_values_count() {
    let descriptor = parse("createType=streamOptimized\nRW 1 SPARSE \"a\"\n\0\0CID=1\n");
    assert!(descriptor.has_create_type("STREAMoptimized"));
    assert_eq!(descriptor.cid, None);
    assert_eq!(descriptor.malformed, []);
}

#[test]
fn names_are_decoded_with_the_declared_charset_and_keep_their_bytes() {
    let mut bytes = b"RW 8 FLAT \"\xCE\xBB.vmdk\" 0\nddb.encoding = \"GBK\"\n".to_vec();
    let descriptor = Descriptor::parse(&bytes, &Limits::default()).unwrap();
    let name = descriptor.extents[0].name.as_ref().unwrap();
    assert_eq!((name.as_str(), name.raw()), ("位.vmdk", &b"\xCE\xBB.vmdk"[..]));
    bytes.extend_from_slice(b"encoding=\"UTF-8\"\n");
    let descriptor = Descriptor::parse(&bytes, &Limits::default()).unwrap();
    assert_eq!(descriptor.extents[0].name, Some("λ.vmdk".into()));
}

#[test]
fn too_many_lines_are_refused_whether_they_are_extents_or_not() {
    let limits = Limits {
        text_entries: 3,
        ..Limits::default()
    };
    let extent = "RW 8 SPARSE \"a.vmdk\"\n";
    for line in [extent, "x=1\n"] {
        let text = |lines| format!("version=1\n{}\n\n", line.repeat(lines));
        assert!(Descriptor::parse(text(2).as_bytes(), &limits).is_ok());
        assert_eq!(
            Descriptor::parse(text(3).as_bytes(), &limits),
            Err(ParseError::LimitExceeded {
                what: "lines of a VMDK descriptor",
                value: 4,
                limit: 3
            })
        );
    }
}

#[test]
fn text_without_end_is_refused_and_a_nul_ends_it() {
    let limits = Limits {
        text_bytes: 64,
        ..Limits::default()
    };
    let mut bytes = b"version=1\n".repeat(7);
    assert_eq!(
        Descriptor::read(&bytes, &limits),
        Err(ParseError::LimitExceeded {
            what: WHAT,
            value: 70,
            limit: 64
        })
    );
    bytes[40] = 0;
    assert_eq!(
        Descriptor::read(&bytes, &limits).map(|descriptor| descriptor.version),
        Ok(Some(1))
    );
}
