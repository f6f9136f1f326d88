//! Texts by the letter of the grammar, and what is said where they break it.

use proptest::prelude::*;

use super::*;

/// Pieces of lines, sound and odd.
fn line_pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => Just(b" = \"".to_vec()),
        8 => Just(b"\"\n".to_vec()),
        4 => "[a-z0-9:.]{1,20}".prop_map(String::into_bytes),
        1 => Just(b"\"\r\n".to_vec()),
        1 => Just("ä = \"中\"".as_bytes().to_vec()),
        2 => prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b'='), 0..0x30_u8, any::<u8>()], 0..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_line_is_the_same_whether_it_is_met_on_the_way_or_cut_out_first(text in line_pieces()) {
        let Ok(dictionary) = Dictionary::parse(&text, &Limits::default()) else { return Ok(()) };
        let told = dictionary.entries.iter().map(|entry| (entry.line, entry.key.to_string(), entry.value.raw().to_vec()));
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let lines = || (1..).zip(text.split(|byte| *byte == b'\n'));
        let cut = lines().filter_map(|(number, line)| {
            let (key, value) = parse_line(line.strip_suffix(b"\r").unwrap_or(line))?;
            Some((number, dictionary.charset.decode(key).0.into_owned(), undo_escapes(value)))
        });
        prop_assert_eq!(told.collect::<Vec<_>>(), cut.collect::<Vec<_>>());
        prop_assert_eq!(dictionary.crlf_lines, lines().filter(|(_, line)| line.ends_with(b"\r")).count());
    }
}

fn parse(text: &[u8]) -> Dictionary<'_> {
    Dictionary::parse(text, &Limits::default()).unwrap()
}

#[test]
fn a_value_is_quoted_bare_or_empty_and_a_comment_may_follow() {
    let dictionary = parse(b"a = \"x # y\"  # note\n b=512#n\n\tc =\r\nd=\"\"\n# all comment\n\n");
    let values: Vec<_> = dictionary
        .entries
        .iter()
        .map(|entry| (entry.key.as_ref(), entry.value.as_str(), entry.line))
        .collect();
    assert_eq!(values, [("a", "x # y", 1), ("b", "512", 2), ("c", "", 3), ("d", "", 4)]);
    assert_eq!(dictionary.crlf_lines, 1);
    assert!(dictionary.malformed.is_empty());
}

#[test]
fn a_line_that_breaks_the_grammar_is_kept_as_malformed() {
    let dictionary =
        parse("x = \"a\" \"b\"\ny = \"open.vmdk\nno equals\nz = “curly quotes”\n= 1\nq = a b\n".as_bytes());
    let numbers: Vec<_> = dictionary.malformed.iter().map(|bad| bad.line).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    let recovered = |index: usize| {
        let (key, pieces) = dictionary.malformed[index].recover();
        (key, pieces.collect::<Vec<_>>())
    };
    assert_eq!(recovered(0), ("x", vec!["a", "b"]));
    assert_eq!(recovered(1), ("y", vec!["open.vmdk"]));
    assert_eq!(recovered(2), ("", vec!["no equals"]));
    assert_eq!(recovered(3), ("z", vec!["curly quotes"]));
    assert!(dictionary.entries.is_empty());
    assert_eq!(dictionary.anomalies[0].code, "malformed-lines");
}

#[test]
fn escapes_are_undone_before_the_charset_applies() {
    let dictionary = parse(b".encoding = \"Shift_JIS\"\nn = \"|89|bC|91|7A\"\np = \"|22a|7C|2|zz\"\n");
    assert_eq!(dictionary.get("N").map(TextRef::as_str), Some("仮想"));
    assert_eq!(dictionary.get("p").map(TextRef::as_str), Some("\"a||2|zz"));
}

#[test]
fn a_key_that_stands_twice_is_kept_and_the_last_wins_without_case() {
    let dictionary = parse(b"scsi0:0.fileName = \"a.vmdk\"\nSCSI0:0.FILENAME = \"b.vmdk\"\n");
    assert_eq!(dictionary.entries.len(), 2);
    assert_eq!(dictionary.get("scsi0:0.filename").map(TextRef::as_str), Some("b.vmdk"));
    assert_eq!(dictionary.duplicate_keys(), ["SCSI0:0.FILENAME"]);
}

#[test]
fn refuses_too_many_bytes_lines_and_utf_16() {
    let limits = Limits {
        text_bytes: 10,
        ..Limits::default()
    };
    assert_eq!(
        Dictionary::parse(b"a = \"123456\"", &limits),
        Err(ParseError::LimitExceeded {
            what: WHAT,
            value: 12,
            limit: 10
        })
    );
    let limits = Limits {
        text_entries: 2,
        ..Limits::default()
    };
    assert_eq!(
        Dictionary::parse(b"a=1\n\nb=2\nc=3", &limits),
        Err(ParseError::LimitExceeded {
            what: "lines of a VMware dictionary",
            value: 4,
            limit: 2
        })
    );
    assert_eq!(
        Dictionary::parse(b"\xFF\xFEa\0", &Limits::default()),
        Err(ParseError::Unsupported {
            what: WHAT,
            version: "UTF-16 text".to_owned()
        })
    );
}

#[test]
fn a_file_that_ends_inside_a_line_or_holds_nuls_is_torn() {
    assert!(parse(b"a = \"b\"\nscsi0:0.fileName = \"c.vm").is_torn);
    assert!(parse(b"a = \"b\"\n\0\0\0").is_torn);
    assert!(!parse(b"a = \"b\"\nmalformed\n").is_torn);
    assert!(!parse(b"malformed\na = \"b\"").is_torn);
}

#[test]
fn a_quote_without_an_end_is_told_apart_from_other_damage() {
    let dictionary = parse(b"a = \"b\nbroken\nc = \"d\" e\nf = \n");
    let unterminated: Vec<_> = dictionary
        .malformed
        .iter()
        .map(MalformedLine::is_unterminated)
        .collect();
    assert_eq!(unterminated, [true, false, false]);
    assert_eq!(dictionary.unterminated_lines(), 1);
}

#[test]
fn the_encoding_used_is_the_declared_one_only_where_that_is_known() {
    assert_eq!(parse(b".encoding = \"CP936\"\n").encoding_used(), "CP936");
    assert_eq!(parse(b".encoding = \"klingon\"\n").encoding_used(), "UTF-8");
    assert_eq!(parse(b"a = \"b\"\n").encoding_used(), "UTF-8");
    assert_eq!(parse(b"a = \"\xE9\"\n").encoding_used(), "windows-1252");
}

#[test]
fn a_file_on_a_damaged_line_keeps_its_bytes() {
    let dictionary = parse(b".encoding = \"GBK\"\nnvram \"\xCE\xBB.nvram\"\n");
    let files: Vec<_> = dictionary.malformed_file_references().collect();
    assert_eq!(
        (files[0].value.as_str(), files[0].value.raw()),
        ("位.nvram", &b"\xCE\xBB.nvram"[..])
    );
}

#[test]
fn a_damaged_line_with_a_long_key_and_many_files_does_not_multiply_them() {
    let text = format!("{} = {}", "k".repeat(5000), "\"a.vmdk\" ".repeat(500));
    let named: Vec<_> = parse(text.as_bytes()).malformed_file_references().collect();
    assert_eq!(named.len(), 500);
    assert_eq!(named[0].key, format!("line 1: {}", "k".repeat(KEY_SHOWN_CHARACTERS)));
}

#[test]
fn a_value_that_is_not_of_its_charset_keeps_its_bytes() {
    let dictionary = parse(b".encoding = \"UTF-8\"\nn = \"a\xE9.vmdk\"\n");
    let value = dictionary.get("n").unwrap();
    assert_eq!(value.as_str(), "a\u{FFFD}.vmdk");
    assert_eq!(value.raw(), b"a\xE9.vmdk");
    assert_eq!(dictionary.anomalies[0].code, "undecodable-text");
}
