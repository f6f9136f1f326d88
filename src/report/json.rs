//! The JSON report: stable, lossless, indented by two blanks, one document.
//!
//! Strings hold names as they are. Characters that would act on a terminal (see [`crate::sanitize::is_unsafe`]) are
//! written as `\u` escapes: a reader of JSON gets the same string, and `cat report.json` does no harm.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

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
    let mut formatter = PrettyFormatter::new();
    for _ in 0..levels {
        formatter.begin_object(&mut io::sink())?;
    }
    value.serialize(&mut Serializer::with_formatter(out, Safe(formatter)))?;
    Ok(())
}

/// Writes any value as one indented document with a final newline.
///
/// # Errors
/// When the writer fails: as it said it. What is taken over from one serializer to another (facts) would make a text of it, with
/// a place in the facts.
pub fn document<T: Serialize + ?Sized>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    let mut keeping = Keeping { out, error: None };
    let layout = Safe(PrettyFormatter::new());
    let written = value.serialize(&mut Serializer::with_formatter(&mut keeping, layout));
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
    value.serialize(&mut Serializer::with_formatter(&mut *out, Safe(CompactFormatter)))?;
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

/// A formatter that escapes more than JSON asks for, and lays out as the one inside does.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
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
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
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
