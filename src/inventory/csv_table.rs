//! CSV text as a [`Table`]: delimiter from the header line, `sep=` and `#TYPE` lines skipped, line breaks inside quotes
//! kept, lines of a title above the header looked past, and a file that breaks off in the middle of a row said to be so.

use super::table::{MAX_COLUMNS, MAX_ROWS, Row, Table};

/// What divides cells, the most frequent first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reads a CSV text.
pub(super) fn parse(text: &str) -> Table {
    let (text, given, skipped) = without_preamble(text);
    parse_with(text, given.unwrap_or_else(|| sniff_delimiter(text)), skipped)
}

/// Reads a CSV text whose header `is_header`, perhaps below a title, which tells nothing of the delimiter. Without such a
/// header the first line is taken for one.
pub(super) fn parse_below_title(text: &str, is_header: impl Fn(&Table) -> bool) -> Table {
    let plain = parse(text);
    if is_header(&plain) {
        return plain;
    }
    let (body, _, skipped) = without_preamble(text);
    let below_title = |delimiter| parse_with(body, delimiter, skipped).below_title(&is_header);
    DELIMITERS
        .into_iter()
        .map(below_title)
        .find(|table| is_header(table))
        .unwrap_or(plain)
}

fn parse_with(text: &str, delimiter: u8, skipped: usize) -> Table {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut damage = None;
    let mut lines = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) if lines.len() <= MAX_ROWS => lines.push(Row {
                number: lines.len().saturating_add(skipped).saturating_add(1),
                cells: record.iter().take(MAX_COLUMNS).map(str::to_owned).collect(),
            }),
            Ok(_) => {
                damage = Some(format!("more than {MAX_ROWS} rows: the rest was left out"));
                break;
            }
            Err(error) => {
                damage = Some(error.to_string());
                break;
            }
        }
    }
    let broken = breaks_off(text, &lines);
    let mut table = Table::new(lines);
    table.damage = damage.or_else(|| broken.map(str::to_owned));
    table
}

/// The text without the lines before the header, the delimiter that one of them gives, and how many they are.
fn without_preamble(mut text: &str) -> (&str, Option<u8>, usize) {
    let mut delimiter = None;
    let mut skipped = 0_usize;
    loop {
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let line = line.trim_end().trim_matches('"');
        if let Some(given) = line.strip_prefix("sep=") {
            delimiter = given.bytes().next();
        } else if !line.starts_with("#TYPE") {
            return (text, delimiter, skipped);
        }
        text = rest;
        skipped = skipped.saturating_add(1);
    }
}

/// The most frequent of `,` `;` TAB and `|` outside quotes in the header line.
fn sniff_delimiter(text: &str) -> u8 {
    let mut counts = DELIMITERS.map(|delimiter| (0_usize, delimiter));
    let mut quoted = false;
    for byte in text.bytes().take_while(|byte| *byte != b'\n') {
        quoted ^= byte == b'"';
        for (count, delimiter) in &mut counts {
            *count = count.saturating_add(usize::from(!quoted && byte == *delimiter));
        }
    }
    // The first of equals wins, so that a header of one column is read with a comma.
    counts
        .iter()
        .rev()
        .max_by_key(|(count, _)| *count)
        .map_or(b',', |(_, delimiter)| *delimiter)
}

/// Why the last row may not be whole. Every tool ends its lines, and Excel too, which leaves trailing empty cells out: what
/// ends in the middle of a line was cut there, unless a quote closes the last cell that the header has.
fn breaks_off(text: &str, lines: &[Row]) -> Option<&'static str> {
    let last = lines.last()?;
    if ends_in_quotes(text) {
        return Some("the text breaks off in the middle of a quoted cell");
    }
    let width = lines.first()?.cells.len();
    let is_whole = text.ends_with(['\n', '\r']) || text.ends_with('"') && last.cells.len() >= width;
    (!is_whole).then_some("the text breaks off in the middle of its last line; where it is whole, end that line")
}

/// A quote was opened and not closed. One inside a cell without quotes counts as its letter, as the reader takes it.
fn ends_in_quotes(text: &str) -> bool {
    let mut quoted = false;
    let mut at_start = true;
    for byte in text.bytes() {
        quoted ^= byte == b'"' && (quoted || at_start);
        // After a quote that closes, another one opens again: it is the first of two that stand for one.
        at_start = matches!(byte, b'\n' | b'\r' | b'"') || DELIMITERS.contains(&byte);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(table: &Table) -> Vec<Vec<&str>> {
        table
            .rows
            .iter()
            .map(|row| row.cells.iter().map(String::as_str).collect())
            .collect()
    }

    #[test]
    fn the_delimiter_is_found_outside_quotes() {
        for text in [
            "a,b\n1,2\n",
            "a;b\n1;2\n",
            "a\tb\n1\t2\n",
            "\"a;;;;\",b\n1,2\n",
            "sep=;\na;b\n1;2\n",
        ] {
            let table = parse(text);
            assert_eq!(cells(&table), [["1", "2"]], "{text:?}");
        }
    }

    #[test]
    fn lines_before_the_header_are_skipped_and_counted() {
        let table = parse("#TYPE Selected.System\r\n\"sep=,\"\r\na,b\r\n1,\"x\r\ny\"\r\n");
        assert_eq!(table.header, ["a", "b"]);
        assert_eq!(cells(&table), [["1", "x\r\ny"]]);
        assert_eq!(table.rows[0].number, 4);
        assert_eq!(table.damage, None);
    }

    #[test]
    fn a_text_that_breaks_off_is_said_to() {
        assert!(parse("a,b\n1,2\n3").damage.is_some());
        assert!(
            parse("a,b\n1,2\n3\n").damage.is_none(),
            "a short row with a line end is no break"
        );
        assert!(
            parse("a,b\n1,2\n3,4").damage.is_some(),
            "the last cell may have been longer"
        );
        assert!(
            parse("a,b\n\"1\",\"2\"").damage.is_none(),
            "a quote closes the last cell"
        );
        assert!(
            parse("a,b\n\"1\"").damage.is_some(),
            "a quote closes a cell, and another is missing"
        );
        assert!(parse("a,b\n\"1\",\"2, x\ny\n").damage.is_some(), "the quote is open");
        assert!(parse("a,b\n\"1 \"\"x\"\"\",2 \"x\n").damage.is_none());
        assert!(parse("a,b\n").damage.is_none());
        assert!(parse("").damage.is_none());
    }

    #[test]
    fn a_header_is_found_below_a_title_whatever_divides_its_cells() {
        let is_header = |table: &Table| table.header.first().is_some_and(|cell| cell == "Parent");
        for text in [
            "Disks, of Monday\n\nParent;Filename\na;b\n",
            "\"Disks, of Monday\"\r\nParent,Filename\r\na,b\r\n",
            "Disks;\n;\nParent\tFilename\na\tb\n",
            "sep=;\nDisks\nParent;Filename\na;b\n",
        ] {
            let table = parse_below_title(text, is_header);
            assert_eq!(table.header, ["Parent", "Filename"], "{text:?}");
            assert_eq!(cells(&table), [["a", "b"]], "{text:?}");
        }
        assert_eq!(parse_below_title("x;y\n1;2\n", is_header).header, ["x", "y"]);
    }
}
