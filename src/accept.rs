//! What somebody has accepted: orphaned and unregistered files that are known, may stay, and should not be counted.
//!
//! ```toml
//! version = 1
//!
//! [[accept]]
//! paths = ["archive-2019/**"]     # relative to the root; `*` stays within a folder, `**` does not
//! datastore = "nfs01"             # optional, like `class`
//! reason = "kept for the tax office"
//! by = "finance"
//! until = "2027-12-31"            # optional: from the end of that day in UTC on the findings are back
//! ```
//!
//! Nothing is accepted silently: the report lists every acceptance with what it is about, expired or not.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Deserialize;

use crate::{
    error::{ErrorKind, Result, ToolError},
    report::{
        codes::Class,
        model::{Acceptance, ArtifactReport, Sum, Verdict},
    },
};

/// Everything that `--accept` says.
#[derive(Debug, Default)]
pub struct Accepted {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    paths: GlobSet,
    datastore: Option<String>,
    class: Option<Class>,
    reason: String,
    by: Option<String>,
    until: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default, rename = "accept")]
    entries: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    paths: Vec<String>,
    datastore: Option<String>,
    class: Option<Class>,
    reason: String,
    by: Option<String>,
    until: Option<Date>,
}

impl Accepted {
    /// Adds what one file says.
    ///
    /// # Errors
    /// When the text is no such file; the message names the file and the entry.
    pub fn extend(&mut self, name: &str, text: &str) -> Result<()> {
        let wrong = |what: String| ToolError::new(ErrorKind::Rules, format!("{name}: {what}"));
        let file: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if file.version != 1 {
            return Err(wrong(format!("version {} is not supported", file.version)));
        }
        for (number, written) in (1..).zip(file.entries) {
            let entry = Entry::new(written).map_err(|what| wrong(format!("accept entry {number}: {what}")))?;
            self.entries.push(entry);
        }
        Ok(())
    }

    /// The entries as the report lists them, about nothing yet.
    pub(crate) fn report(&self, as_of: Timestamp) -> Vec<Acceptance> {
        let entries = self.entries.iter().map(|entry| Acceptance {
            reason: entry.reason.clone(),
            by: entry.by.clone(),
            until: entry.until,
            expired: entry.until.is_some_and(|until| until <= as_of),
            sum: Sum::default(),
        });
        entries.collect()
    }

    /// The first entry about a file. Only what belongs to nobody can be accepted.
    pub(crate) fn find(&self, artifact: &ArtifactReport) -> Option<usize> {
        if !matches!(artifact.verdict, Verdict::Orphaned | Verdict::Unregistered) {
            return None;
        }
        self.entries.iter().position(|entry| entry.is_about(artifact))
    }
}

impl Entry {
    fn new(written: Written) -> std::result::Result<Self, String> {
        if written.paths.is_empty() || written.paths.iter().any(|path| path.trim().is_empty()) {
            return Err("it needs paths, and none may be empty".to_owned());
        }
        if written.reason.trim().is_empty() {
            return Err("it needs a reason".to_owned());
        }
        let mut paths = GlobSetBuilder::new();
        for path in &written.paths {
            let glob = GlobBuilder::new(path).literal_separator(true).build();
            paths.add(glob.map_err(|error| error.to_string())?);
        }
        let until = written.until.map(end_of_day).transpose()?;
        Ok(Self {
            paths: paths.build().map_err(|error| error.to_string())?,
            datastore: written.datastore,
            class: written.class,
            reason: written.reason,
            by: written.by,
            until,
        })
    }

    fn is_about(&self, artifact: &ArtifactReport) -> bool {
        let on = |datastore: &String| datastore.eq_ignore_ascii_case(&artifact.datastore);
        self.datastore.as_ref().is_none_or(on)
            && self.class.is_none_or(|class| artifact.class == Some(class))
            && self.paths.is_match(artifact.relative_path.lossy().as_ref())
    }
}

fn end_of_day(day: Date) -> std::result::Result<Timestamp, String> {
    let next = day.tomorrow().map_err(|error| error.to_string())?;
    let midnight = next.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn accepted(text: &str) -> Accepted {
        let mut accepted = Accepted::default();
        accepted.extend("accept.toml", text).unwrap();
        accepted
    }

    fn found(text: &str) -> Vec<String> {
        let accepted = accepted(&format!("version = 1\n[[accept]]\nreason = \"kept\"\n{text}"));
        let report = sample::report();
        let about = report
            .artifacts
            .iter()
            .filter(|artifact| accepted.find(artifact) == Some(0));
        about
            .map(|artifact| artifact.relative_path.lossy().into_owned())
            .collect()
    }

    #[test]
    fn an_entry_is_about_paths_datastore_and_class() {
        assert_eq!(
            found("paths = [\"web07/**\"]"),
            ["web07/web07-000001.vmdk", "web07/web07-flat.vmdk", "web07/web07.vmdk"]
        );
        assert_eq!(
            found("paths = [\"**\"]\ndatastore = \"nfs01\""),
            [""; 0],
            "too new is no finding"
        );
        assert_eq!(
            found("paths = [\"**\"]\nclass = \"stranded-snapshot\""),
            ["web07/web07-000001.vmdk"]
        );
        assert_eq!(found("paths = [\"*.vmdk\"]"), [""; 0], "`*` stays within a folder");
    }

    #[test]
    fn what_is_owned_or_unknown_cannot_be_accepted() {
        assert_eq!(found("paths = [\"web01/**\", \"new/**\"]"), [""; 0]);
    }

    #[test]
    fn an_entry_expires_at_the_end_of_its_day() {
        let accepted = accepted("version = 1\n[[accept]]\npaths = [\"**\"]\nreason = \"kept\"\nuntil = \"2024-06-01\"");
        let expired = |time: &str| accepted.report(sample::time(time))[0].expired;
        assert!(!expired("2024-06-01T23:59:59Z"));
        assert!(expired("2024-06-02T00:00:00Z"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, what) in [
            ("version = 2", "version 2 is not supported"),
            (
                "version = 1\n[[accept]]\npaths = []\nreason = \"x\"",
                "accept entry 1: it needs paths",
            ),
            (
                "version = 1\n[[accept]]\npaths = [\"a\"]\nreason = \" \"",
                "accept entry 1: it needs a reason",
            ),
            (
                "version = 1\n[[accept]]\npaths = [\"[a\"]\nreason = \"x\"",
                "accept entry 1: ",
            ),
            (
                "version = 1\n[[accept]]\npaths = [\"a\"]\nreason = \"x\"\nuntil = \"soon\"",
                "until",
            ),
            ("version = 1\n[[accept]]\npath = \"a\"\nreason = \"x\"", "unknown field"),
        ] {
            let error = Accepted::default().extend("accept.toml", text).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }
}
