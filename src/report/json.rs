//! The JSON report: stable, lossless, indented by two blanks, one document.
//!
//! Strings hold names as they are. Characters that would act on a terminal (see [`crate::sanitize::is_unsafe`]) are
//! written as `\u` escapes: a reader of JSON gets the same string, and `cat report.json` does no harm.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::model::{Artifacts, Report};
use crate::{in_order::write_in_order, sanitize};

/// Writes the report as one indented document with a final newline, its long lists by several threads.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let Report {
        schema,
        generated,
        as_of,
        duration_ms,
        tool,
        coverage,
        summary,
        vms,
        artifacts,
        groups,
        problems,
        accepted,
        second_opinions,
        backups,
    } = report;
    let mut fields = Fields { out, divider: "{" };
    fields.add("schema", schema)?;
    fields.add("generated", generated)?;
    fields.add("as_of", as_of)?;
    fields.add("duration_ms", duration_ms)?;
    fields.add("tool", tool)?;
    fields.add("coverage", coverage)?;
    fields.add("summary", summary)?;
    fields.add_list("vms", |write| write_in_order(vms, list_item, write))?;
    fields.add_list("artifacts", |write| artifacts.write_each(list_item, write))?;
    fields.add_list("groups", |write| write_in_order(groups, list_item, write))?;
    fields.add_list("problems", |write| write_in_order(problems, list_item, write))?;
    fields.add("accepted", accepted)?;
    fields.add("second_opinions", second_opinions)?;
    fields.add("backups", backups)?;
    out.write_all(b"\n}\n")
}

/// The fields of a document, laid out as [`document`] does.
struct Fields<'a> {
    out: &'a mut dyn Write,
    /// What stands before the next field.
    divider: &'static str,
}

/// Takes the text of items of a list.
type Writer<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

impl Fields<'_> {
    fn name(&mut self, name: &str) -> io::Result<()> {
        write!(self.out, "{}\n  \"{name}\": ", self.divider)?;
        self.divider = ",";
        Ok(())
    }

    fn add<T: Serialize>(&mut self, name: &str, value: &T) -> io::Result<()> {
        self.name(name)?;
        inside(1, value, &mut *self.out)
    }

    /// Adds a list whose items `write` hands over as [`list_item`] makes them.
    fn add_list(&mut self, name: &str, write: impl FnOnce(Writer<'_>) -> io::Result<()>) -> io::Result<()> {
        self.name(name)?;
        let mut is_empty = true;
        write(&mut |items| {
            let items = if is_empty { items.strip_prefix(b",") } else { None }.unwrap_or(items);
            if is_empty && !items.is_empty() {
                self.out.write_all(b"[")?;
                is_empty = false;
            }
            self.out.write_all(items)
        })?;
        self.out.write_all(if is_empty { b"[]" } else { b"\n  ]" })
    }
}

/// An item of a list in a field of a document, a comma before it.
fn list_item<T: Serialize>(item: &T, out: &mut Vec<u8>) -> io::Result<()> {
    out.extend(b",\n    ");
    inside(2, item, out)
}

/// Writes a value that stands in so many lists and objects.
fn inside<T: Serialize, W: Write + ?Sized>(levels: usize, value: &T, out: &mut W) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Layout::indented(levels)))?;
    Ok(())
}

/// Writes any value as one indented document with a final newline.
///
/// # Errors
/// When the writer fails: as it said it. What is taken over from one serializer to another (facts) would make a text of it, with
/// a place in the facts.
pub fn document<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut keeping = Keeping { out, error: None };
    let written = value.serialize(&mut Serializer::with_formatter(&mut keeping, Layout::indented(0)));
    match (written, keeping.error) {
        (Err(_), Some(error)) => return Err(error),
        (written, _) => written?,
    }
    out.write_all(b"\n")
}

/// Writes any value on one line.
///
/// # Errors
/// When the writer fails.
pub fn line<T: Serialize + ?Sized>(value: &T, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Layout::LINE))?;
    out.write_all(b"\n")
}

/// A writer that keeps the error that it gave.
struct Keeping<'a> {
    out: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl Keeping<'_> {
    fn keep<T>(&mut self, answer: io::Result<T>) -> io::Result<T> {
        answer.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.error = Some(error);
            }
            kind.into()
        })
    }
}

impl Write for Keeping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let answer = self.out.write(bytes);
        self.keep(answer)
    }

    fn flush(&mut self) -> io::Result<()> {
        let answer = self.out.flush();
        self.keep(answer)
    }
}

/// How JSON is laid out: indented, or on one line. It escapes more than JSON asks for.
///
/// Every piece of text costs a call, and a report has some two hundred of them an artifact: what stands together is written
/// together.
struct Layout {
    /// In how many lists and objects it stands; `None` on one line.
    level: Option<usize>,
    /// The list or object that ends next holds something.
    holds_something: bool,
}

/// What stands between two items: so much of it as their level takes.
const BETWEEN: &str = concat!(
    ",\n",
    "                                                                "
);

impl Layout {
    const LINE: Self = Self {
        level: None,
        holds_something: false,
    };

    /// Inside so many lists and objects.
    fn indented(level: usize) -> Self {
        Self {
            level: Some(level),
            holds_something: false,
        }
    }

    fn begin<W: ?Sized + Write>(&mut self, bracket: &[u8], writer: &mut W) -> io::Result<()> {
        self.level = self.level.map(|level| level + 1);
        self.holds_something = false;
        writer.write_all(bracket)
    }

    fn begin_item<W: ?Sized + Write>(&self, first: bool, writer: &mut W) -> io::Result<()> {
        let start = usize::from(first);
        let Some(level) = self.level else {
            return writer.write_all(if first { b"" } else { b"," });
        };
        if let Some(between) = BETWEEN.get(start..2 + 2 * level) {
            return writer.write_all(between.as_bytes());
        }
        writer.write_all(BETWEEN.get(start..2).unwrap_or_default().as_bytes())?;
        (0..level).try_for_each(|_| writer.write_all(b"  "))
    }

    fn end<W: ?Sized + Write>(&mut self, bracket: &[u8], writer: &mut W) -> io::Result<()> {
        self.level = self.level.map(|level| level.saturating_sub(1));
        if self.holds_something && self.level.is_some() {
            self.begin_item(true, writer)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for Layout {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((before, found)) = first_unsafe(rest) {
            writer.write_all(before.as_bytes())?;
            for unit in found.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = rest.get(before.len() + found.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(b"[", writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(b"]", writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_item(first, writer)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.holds_something = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(b"{", writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(b"}", writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.begin_item(first, writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.level.is_some() { b": " } else { b":" })
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.holds_something = true;
        Ok(())
    }
}

fn first_unsafe(text: &str) -> Option<(&str, char)> {
    // Nearly all text is this plain, and to find that out costs nearly nothing.
    if text
        .bytes()
        .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
    {
        return None;
    }
    let (at, found) = text
        .char_indices()
        .find(|(_, character)| sanitize::is_unsafe(*character))?;
    Some((text.get(..at)?, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A disk that is full behind so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_error_of_a_full_disk_is_told_as_it_is_wherever_it_strikes() {
        let mut report = sample::report();
        let facts = crate::facts::Facts::of(&serde_json::json!({"a": [1, 2], "b": "text"}));
        report.artifacts[0].facts = facts;
        let mut whole = Vec::new();
        document(&report, &mut whole).unwrap();
        for room in (0..whole.len()).step_by(61) {
            let error = document(&report, &mut Full(room)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}: {error}");
            assert!(!error.to_string().contains(" line "), "{room}: {error}");
        }
    }

    #[test]
    fn what_was_written_reads_back_the_same() {
        for report in [sample::report(), sample::hostile()] {
            let read: Report = serde_json::from_str(&written(&report)).unwrap();
            assert_eq!(read, report);
        }
    }

    #[test]
    fn the_schema_comes_first_and_the_layout_is_that_of_serde_json() {
        let report = sample::report();
        let text = written(&report);
        assert!(text.starts_with("{\n  \"schema\": \"derelict/report/1\",\n"));
        assert_eq!(text, serde_json::to_string_pretty(&report).unwrap() + "\n");
    }

    #[test]
    fn so_it_is_however_deep_lists_and_objects_lie() {
        let mut value = serde_json::json!({"a": [], "b": {}, "c": [{}, [1], null], "d": "é\"\\/"});
        for level in 0..40 {
            let mut pretty = Vec::new();
            document(&value, &mut pretty).unwrap();
            let expected = serde_json::to_string_pretty(&value).unwrap() + "\n";
            assert_eq!(String::from_utf8(pretty).unwrap(), expected, "{level}");
            let mut short = Vec::new();
            line(&value, &mut short).unwrap();
            let expected = serde_json::to_string(&value).unwrap() + "\n";
            assert_eq!(String::from_utf8(short).unwrap(), expected, "{level}");
            value = if level % 2 == 0 {
                serde_json::json!([value, level])
            } else {
                serde_json::json!({"z": value, "y": [[]]})
            };
        }
    }

    #[test]
    fn nothing_that_acts_on_a_terminal_is_written() {
        let text = written(&sample::hostile());
        assert!(
            !text
                .chars()
                .any(|character| character != '\n' && sanitize::is_unsafe(character))
        );
    }

    #[test]
    fn characters_beyond_the_first_plane_become_surrogates() {
        let mut out = Vec::new();
        line("a\u{e0041}b\u{7f}", &mut out).unwrap();
        assert_eq!(out, b"\"a\\udb40\\udc41b\\u007f\"\n");
    }
}
