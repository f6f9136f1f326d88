//! CSV text as a [`Table`]: delimiter from the header line, `sep=` and `#TYPE` lines skipped, line breaks inside quotes
//! kept, and a file that breaks off in the middle of a row said to be so.

use super::table::{MAX_COLUMNS, MAX_ROWS, Row, Table};

/// Reads a CSV text.
pub(super) fn parse(text: &str) -> Table {
    let (text, given, skipped) = without_preamble(text);
    let delimiter = given.unwrap_or_else(|| sniff_delimiter(text));
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
    table.damage = damage.or_else(|| broken.then(|| "the text breaks off in the middle of its last row".to_owned()));
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
    let mut counts = [(0_usize, b','), (0, b';'), (0, b'\t'), (0, b'|')];
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

/// The last row has fewer cells than every other and no line end after it. Excel leaves trailing empty cells out too, but
/// ends its lines.
fn breaks_off(text: &str, lines: &[Row]) -> bool {
    let Some((last, others)) = lines.split_last() else {
        return false;
    };
    !text.ends_with(['\n', '\r']) && others.iter().all(|row| row.cells.len() > last.cells.len()) && !others.is_empty()
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
            parse("a,b\n1,2\n3,4").damage.is_none(),
            "a whole row without a line end is no break"
        );
        assert!(parse("a,b").damage.is_none());
        assert!(parse("").damage.is_none());
    }
}
