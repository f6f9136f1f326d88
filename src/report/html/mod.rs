//! The report as one self-contained page: `web/dist/report.html` with the data of one report put into it.
//!
//! The page is built from `web/` and stands in git, so that building derelict needs nothing but Rust. Its data are four
//! sorts of script elements that no browser runs: `head` (JSON, what the first view needs beside the table), `table` (one
//! row an artifact and group), `vms`, and the `details` of a few hundred artifacts each. All but the head are JSON,
//! deflated and in base64, and what stands behind the program is read when it is needed.
//!
//! Names are escaped here as they are for a terminal ([`crate::sanitize`]), so that no control or bidirectional character
//! reaches the page. The page itself sets every string as text, never as HTML, and its policy forbids every other script.

mod details;
mod head;
mod table;
mod text;

use std::io::{self, Write};

use base64::{engine::general_purpose::STANDARD, write::EncoderWriter};
use flate2::{Compression, write::DeflateEncoder};
use serde::Serialize;

use super::model::{Artifacts, Report};

/// The built page. What makes it stands beside it, in `web/src`.
const PAGE: &str = include_str!("web/dist/report.html");
/// Where `head` and `table` go: before the program of the page, which needs them.
const DATA_MARK: &str = "<!--derelict:data-->";
/// Where VMs and details go: behind the program, so that the first view does not wait for them.
const DETAILS_MARK: &str = "<!--derelict:details-->";

/// Writes the page with its data.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let (before, rest) = parted(PAGE, DATA_MARK)?;
    let (program, after) = parted(rest, DETAILS_MARK)?;
    let details = details::Details::of(report)?;
    out.write_all(before.as_bytes())?;
    let head = head::Head::new(report, &details);
    write!(out, "<script type=\"application/json\" id=\"head\">")?;
    out.write_all(inert(&serde_json::to_string(&head)?).as_bytes())?;
    writeln!(out, "</script>")?;
    packed("table", &pack(&table::Table::new(report))?, out)?;
    out.write_all(program.as_bytes())?;
    packed("vms", &pack(&table::vms(report))?, out)?;
    for (number, chunk) in details.chunks.iter().enumerate() {
        packed(&format!("details-{number}"), chunk, out)?;
    }
    out.write_all(after.as_bytes())
}

fn parted<'a>(page: &'a str, mark: &str) -> io::Result<(&'a str, &'a str)> {
    page.split_once(mark)
        .ok_or_else(|| io::Error::other(format!("the built page has no {mark}")))
}

fn packed(id: &str, base64: &[u8], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<script type=\"application/octet-stream\" id=\"{id}\">")?;
    out.write_all(base64)?;
    writeln!(out, "</script>")
}

/// JSON, deflated, in base64.
fn pack<T: Serialize + ?Sized>(value: &T) -> io::Result<Vec<u8>> {
    let base64 = EncoderWriter::new(Vec::new(), &STANDARD);
    let mut deflate = DeflateEncoder::new(base64, Compression::best());
    serde_json::to_writer(&mut deflate, value)?;
    deflate.finish()?.finish()
}

/// JSON that no parser of HTML takes for anything but text, and no older parser of scripts for the end of a line.
fn inert(json: &str) -> String {
    let mut inert = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let escaped = format!("\\u{:04x}", u32::from(character));
                inert.push_str(&escaped);
            }
            _ => inert.push(character),
        }
    }
    inert
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, io::Read};

    use base64::Engine;
    use serde_json::Value;

    use super::*;
    use crate::{
        report::{model::Verdict, sample, schema},
        sanitize,
    };

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn element<'a>(page: &'a str, id: &str) -> &'a str {
        let (_, rest) = page.split_once(&format!("id=\"{id}\">")).unwrap();
        rest.split_once("</script>").unwrap().0
    }

    fn unpacked(page: &str, id: &str) -> Value {
        let deflated = STANDARD.decode(element(page, id)).unwrap();
        let mut json = String::new();
        flate2::read::DeflateDecoder::new(deflated.as_slice())
            .read_to_string(&mut json)
            .unwrap();
        serde_json::from_str(&json).unwrap()
    }

    fn head(page: &str) -> Value {
        serde_json::from_str(element(page, "head")).unwrap()
    }

    fn each_string(value: &Value, check: &mut impl FnMut(&str)) {
        match value {
            Value::String(text) => check(text),
            Value::Array(items) => items.iter().for_each(|item| each_string(item, check)),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| {
                check(name);
                each_string(field, check);
            }),
            _ => {}
        }
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let page = written(&sample::report());
        assert!(page.starts_with("<!doctype html>"), "{}", &page[..80]);
        assert!(page.trim_end().ends_with("</html>"));
        assert!(!page.contains(DATA_MARK) && !page.contains(DETAILS_MARK));
        assert!(page.contains("default-src 'none'"));
        for loading in ["<link", "<img", "<iframe", "<script src", "url(http"] {
            assert!(!PAGE.contains(loading), "{loading}");
        }
    }

    #[test]
    fn what_backups_cover_is_told_for_all_and_for_each_group_of_nobody_and_only_where_a_list_was_given() {
        let mut report = sample::report();
        report.groups[1].backups = report.backups.as_ref().unwrap().gone.clone();
        report.groups[0].verdict = Verdict::Owned;
        let page = written(&report);
        assert_eq!(
            head(&page)["backups"][0].as_str().unwrap().split(" in a").next(),
            Some("1 registered VM")
        );
        let groups = &unpacked(&page, "table")["groups"];
        assert_eq!(
            groups[0]["backups"],
            Value::Null,
            "what somebody owns is not asked about"
        );
        assert_eq!(groups[1]["unprotected"], Value::Null);
        assert_eq!(
            groups[1]["backups"][0],
            "web09 by nightly web0, last of 2024-05-01 (jobs web0.csv: row 7)"
        );
        report.groups[1].backups.clear();
        let groups = &unpacked(&written(&report), "table")["groups"];
        assert_eq!(groups[1]["unprotected"], true);
        report.backups = None;
        let page = written(&report);
        assert_eq!(unpacked(&page, "table")["groups"][1]["backups"], Value::Null);
        assert_eq!(head(&page)["backups"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn every_problem_has_its_place_among_the_lights_of_a_migration() {
        const LIGHTS: &str = include_str!("web/src/lights.ts");
        let (_, rest) = LIGHTS.split_once("export const PLACES").unwrap();
        let (list, _) = rest.split_once("};").unwrap();
        let placed: BTreeSet<&str> = list
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": { on: "))
            .map(|(code, _)| code)
            .collect();
        let schema = serde_json::to_value(schema::schema()).unwrap();
        let codes = schema["$defs"]["ProblemCode"]["oneOf"].as_array().unwrap();
        let codes: BTreeSet<&str> = codes.iter().map(|code| code["const"].as_str().unwrap()).collect();
        assert_eq!(placed, codes);
    }

    #[test]
    fn of_files_that_nobody_judged_the_page_lists_the_first_and_counts_all() {
        let report = sample::unjudged(10_003);
        let page = written(&report);
        assert_eq!(
            unpacked(&page, "table")["artifacts"]["name"].as_array().unwrap().len(),
            10_000
        );
        let head = head(&page);
        assert_eq!(head["artifacts"], 10_003);
        assert_eq!(head["summary"]["verdicts"]["unknown"]["files"], 10_003);
        let certainty = head["certainty"].as_str().unwrap();
        assert!(certainty.contains(" 3 files more than the first 10000 "), "{certainty}");
        assert_eq!(head["chunks"], 20);
        assert_eq!(
            unpacked(&page, "details-19").as_array().unwrap().len(),
            10_000 - 19 * 512
        );
    }

    #[test]
    fn rows_stand_in_the_order_of_the_report() {
        let page = written(&sample::report());
        let table = unpacked(&page, "table");
        let names = &table["artifacts"]["name"];
        assert_eq!(names[0], "new.vmdk");
        assert_eq!(names.as_array().unwrap().len(), 6);
        let verdict = table["artifacts"]["verdict"]["index"][5].as_u64().unwrap();
        assert_eq!(
            table["artifacts"]["verdict"]["words"][usize::try_from(verdict).unwrap()],
            "orphaned"
        );
        assert_eq!(table["groups"][1]["title"], "web07/web07.vmdk");
        let details = unpacked(&page, "details-0");
        assert_eq!(
            details[5]["references"][0]["resolved"], 4,
            "a file of the list is its place there"
        );
        assert_eq!(details[5]["references"][1]["resolved"], "missing");
        assert_eq!(head(&page)["artifacts"], 6);
        assert_eq!(head(&page)["coverage"]["roots"][0]["path"], "/mnt/san1");
    }

    #[test]
    fn no_name_breaks_out_of_its_element_or_acts_on_who_looks_at_it() {
        let mut report = sample::hostile();
        report.problems[0].text = "</script><script>alert(1)</script><!--\u{2028}".to_owned();
        let page = written(&report);
        let scripts = written(&sample::report()).matches("<script").count();
        assert_eq!(page.matches("<script").count(), scripts, "no name opens an element");
        assert!(!page.contains("alert(1)</script>"));
        assert!(
            head(&page)["problems"][0]["text"]
                .as_str()
                .unwrap()
                .starts_with("</script><script>alert(1)")
        );
        for value in [head(&page), unpacked(&page, "table"), unpacked(&page, "details-0")] {
            each_string(&value, &mut |text| {
                assert!(!text.chars().any(sanitize::is_unsafe), "{text:?}");
            });
        }
    }
}
