//! How values are written for people: sizes in binary units, ages in days, names as they stand in JSON.

use std::{borrow::Cow, cmp::Reverse};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    codes::{Class, ReasonCode},
    model::{
        Acceptance, Agreement, ArtifactReport, Artifacts, BackupMention, Coverage, Gap, Group, IssueReport, OwnerBasis,
        Reason, Report, SecondOpinion, Sum, Verdict, Weight,
    },
};
use crate::{
    catalogue::{INCOMPLETE, Stage},
    sanitize,
};

/// The name of a unit variant as it stands in JSON.
pub(crate) fn name<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The name of an optional variant; empty where there is none.
pub(crate) fn optional_name<T: Serialize>(value: Option<T>) -> String {
    value.map(name).unwrap_or_default()
}

/// Bytes in binary units with one decimal, rounded half up: `512 B`, `1.0 KiB`, `60.0 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size: u128 = 1024;
    let mut shown = String::new();
    for unit in UNITS {
        let tenths = (u128::from(bytes) * 10 + size / 2) / size;
        shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
        if tenths < 10_240 {
            break;
        }
        size *= 1024;
    }
    shown
}

/// Bytes that may not be known.
pub(crate) fn optional_bytes(value: Option<u64>) -> String {
    value.map_or_else(|| "?".to_owned(), bytes)
}

/// Age as of a time: hours below two days, then days. A time after `as_of` has the age 0.
pub(crate) fn age(as_of: Timestamp, time: Option<Timestamp>) -> String {
    let Some(time) = time else {
        return "?".to_owned();
    };
    let hours = as_of.duration_since(time).as_hours().max(0);
    if hours < 48 {
        format!("{hours} h")
    } else {
        format!("{} d", hours / 24)
    }
}

/// `[datastore] relative/path`, escaped.
pub(crate) fn place(artifact: &ArtifactReport) -> String {
    format!(
        "[{}] {}",
        sanitize::text(&artifact.datastore),
        sanitize::path(&artifact.relative_path)
    )
}

/// A gap in one sentence, with what is unknown because of it.
pub(crate) fn gap(gap: &Gap) -> String {
    if !gap.caps || gap.files == 0 {
        return gap.text.clone();
    }
    let (files, size) = (count(gap.files, "file"), bytes(gap.allocated_bytes));
    format!("{} ({files} unknown because of it, {size})", gap.text)
}

/// A number with its noun: `1 file`, `2 files`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A length as a number for [`count`].
pub(crate) fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A list of names, escaped; the first ones only where there are many.
pub(crate) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>, most: usize) -> String {
    let length = names.len();
    let mut shown: Vec<Cow<'_, str>> = names.take(most).map(sanitize::text).collect();
    if length > most {
        shown.push(Cow::Owned(format!("{} more", length - most)));
    }
    shown.join(", ")
}

/// The sums of one verdict over the whole report.
pub(crate) fn total(report: &Report<impl Artifacts>, verdict: Verdict) -> Sum {
    report.summary.verdicts.get(verdict.name()).copied().unwrap_or_default()
}

/// The first reason for the verdict of the largest of these files that does not merely follow another.
pub(crate) fn why<'a>(files: impl Iterator<Item = &'a ArtifactReport>) -> Option<&'a Reason> {
    let reasons = files.filter_map(|file| {
        let reason = file.reasons.iter().find(|reason| reason.weight == Weight::For)?;
        Some((file.allocated_or_length(), reason))
    });
    let follows = |reason: &Reason| reason.code == ReasonCode::FollowsArtifact;
    let (_, reason) = reasons.min_by_key(|(bytes, reason)| (follows(reason), Reverse(*bytes)))?;
    Some(reason)
}

/// The result in one sentence: what belongs to nobody and what could be reclaimed.
pub(crate) fn result(report: &Report<impl Artifacts>) -> String {
    let orphaned = total(report, Verdict::Orphaned);
    let unregistered = total(report, Verdict::Unregistered);
    let artifacts: u64 = report.summary.verdicts.values().map(|sum| sum.files).sum();
    if artifacts == 0 {
        return "No file of a virtual machine was found.".to_owned();
    }
    if is_unjudged(report) {
        let (files, was) = (count(artifacts, "file"), if artifacts == 1 { "was" } else { "were" });
        return format!("{files} {was} read and none was judged: the run was interrupted.");
    }
    let mut found = Vec::new();
    if orphaned.files > 0 {
        let verb = if orphaned.files == 1 { "is" } else { "are" };
        found.push(format!("{} {verb} orphaned", files(orphaned)));
    }
    if unregistered.files > 0 {
        let verb = if unregistered.files == 1 { "belongs" } else { "belong" };
        found.push(format!("{} {verb} to unregistered VMs", files(unregistered)));
    }
    if found.is_empty() {
        return format!(
            "Nothing was found to be orphaned or unregistered among {}.",
            count(artifacts, "file")
        );
    }
    format!(
        "{}: {} can be reclaimed now, {} after review.",
        found.join(" and "),
        bytes(report.summary.reclaimable_bytes),
        bytes(report.summary.review_bytes)
    )
}

/// True where the run was interrupted before any of the files was judged.
fn is_unjudged(report: &Report<impl Artifacts>) -> bool {
    let artifacts: u64 = report.summary.verdicts.values().map(|sum| sum.files).sum();
    let class = format!("{}/{}", Verdict::Unknown.name(), Class::Interrupted.name());
    let unjudged = report.summary.classes.get(&class).map_or(0, |sum| sum.files);
    unjudged > 0 && unjudged == artifacts
}

/// Most files that a page, a workbook or a table lists where none was judged: nothing is said of any, a row of them takes long to
/// make, and whoever has interrupted the run does not wait for it.
const UNJUDGED_SHOWN: usize = 10_000;

/// How many files a page, a workbook or a table lists, the first ones.
pub(crate) fn files_shown(report: &Report<impl Artifacts>) -> usize {
    let files = report.artifacts.count();
    if is_unjudged(report) {
        files.min(UNJUDGED_SHOWN)
    } else {
        files
    }
}

/// Says how many files are not listed where so many are.
pub(crate) fn files_left_out(report: &Report<impl Artifacts>, shown: usize) -> Option<String> {
    let more = report.artifacts.count().checked_sub(shown).filter(|more| *more > 0)?;
    let more = count(number(more), "file");
    Some(format!(
        "{more} more than the first {shown} stand in no list here: the JSON and CSV reports have all."
    ))
}

/// How sure the result is, in one sentence.
pub(crate) fn certainty(report: &Report<impl Artifacts>) -> String {
    let coverage = &report.coverage;
    let mut words = if coverage.complete {
        "The scan is complete.".to_owned()
    } else {
        let mut missing = Vec::new();
        if coverage.inventories.is_empty() {
            missing.push("no inventory was given".to_owned());
        }
        missing.extend(unread(coverage));
        let unknown = total(report, Verdict::Unknown);
        if unknown.files > 0 {
            missing.push(format!("{} cannot be judged", files(unknown)));
        }
        if missing.is_empty() {
            missing.push("see the gaps".to_owned());
        }
        format!(
            "NOT COMPLETE: {}; what was not found is not proven absent.",
            missing.join(", ")
        )
    };
    if coverage.assume_complete {
        words.push_str(" It rests on --assume-complete: the user's word that no inventory is missing.");
    }
    words
}

/// What could not be read, in a few words each: a catalogue that is not whole by its name, the rest by number.
pub(crate) fn unread(coverage: &Coverage) -> Vec<String> {
    let is_cut = |issue: &&IssueReport| issue.stage == Stage::Catalogue && issue.error == INCOMPLETE;
    let cut = coverage.issues.iter().filter(is_cut);
    let mut unread: Vec<String> = cut
        .map(|issue| {
            format!(
                "the catalogue {} is incomplete, for its run did not end",
                sanitize::path(&issue.path)
            )
        })
        .collect();
    let rest = coverage.issues.len().saturating_sub(unread.len());
    if rest > 0 {
        unread.push(format!("{} could not be read", count(number(rest), "item")));
    }
    unread
}

/// The last known owner of a group; a hint is marked as one.
pub(crate) fn last_owner(group: &Group) -> String {
    let name = sanitize::text(group.owner.as_deref().unwrap_or_default());
    match group.owner_basis {
        Some(OwnerBasis::Hint) => format!("{name} (hint)"),
        _ => name.into_owned(),
    }
}

/// What another tool says of a file and why derelict says what it says, in one line.
pub(crate) fn second_opinion(opinion: &SecondOpinion) -> String {
    let said = match &opinion.opinion {
        Some(said) => format!("\"{}\"; ", sanitize::text(said)),
        None => String::new(),
    };
    let verdict = opinion.verdict.map_or("not found", Verdict::name);
    format!(
        "{}: {said}derelict: {verdict}, {} ({})",
        sanitize::path(&opinion.path),
        sanitize::text(&opinion.why),
        sanitize::text(&opinion.source)
    )
}

/// How many of the second opinions agree, differ, and cannot be judged.
pub(crate) fn agreements(opinions: &[SecondOpinion]) -> String {
    let of = |wanted: Agreement| opinions.iter().filter(|opinion| opinion.agreement == wanted).count();
    format!(
        "{} agree, {} differ, {} cannot be judged",
        of(Agreement::Agrees),
        of(Agreement::Disagrees),
        of(Agreement::Unknown)
    )
}

/// What backups cover, in a line for each thing to know; nothing where no list of a backup product was given.
pub(crate) fn backups(report: &Report<impl Artifacts>) -> Vec<String> {
    const NAMES_SHOWN: usize = 8;
    let Some(backups) = &report.backups else {
        return Vec::new();
    };
    let names = |names: Vec<&str>| match names.as_slice() {
        [] => String::new(),
        names => format!(": {}", list(names.iter().copied(), NAMES_SHOWN)),
    };
    let oldest = backups
        .protected
        .iter()
        .filter_map(|vm| Some((vm.last?, vm.name.as_str())))
        .min();
    let oldest = oldest.map_or_else(String::new, |(last, name)| {
        let day = last.strftime("%Y-%m-%d");
        format!("; the oldest last restore point is of {day} ({})", sanitize::text(name))
    });
    let protected = count(number(backups.protected.len()), "registered VM");
    let bare = count(number(backups.unprotected.len()), "registered VM");
    let bare_names = names(backups.unprotected.iter().map(|vm| vm.name.as_str()).collect());
    let gone = names(backups.gone.iter().map(|backup| backup.name.as_str()).collect());
    let groups = count(backups.unprotected_groups, "group");
    let doubt = if backups.complete {
        ""
    } else {
        " as far as the lists tell, which do not name every VM"
    };
    let mut lines = vec![
        format!("{protected} in a backup{oldest}"),
        format!("{bare} in none{doubt}{bare_names}"),
        format!(
            "{} of VMs that no inventory registers{gone}",
            count(number(backups.gone.len()), "backup")
        ),
        format!(
            "{groups} of orphaned and unregistered files ({}) in no backup of a VM of that name that is gone",
            bytes(backups.unprotected_bytes)
        ),
    ];
    lines.extend(
        backups
            .warnings
            .iter()
            .map(|warning| sanitize::text(warning).into_owned()),
    );
    lines
}

/// A backup that bears the name or id of something, in one line.
pub(crate) fn backup(backup: &BackupMention) -> String {
    let job = backup
        .job
        .as_deref()
        .map_or_else(String::new, |job| format!(" by {}", sanitize::text(job)));
    let last = backup.last.map_or_else(
        || "an unknown day".to_owned(),
        |last| last.strftime("%Y-%m-%d").to_string(),
    );
    let source = match backup.source.as_str() {
        "" => String::new(),
        source => format!(" ({})", sanitize::text(source)),
    };
    format!("{}{job}, last of {last}{source}", sanitize::text(&backup.name))
}

/// What is said where a list of backups was given and none fits.
pub(crate) const NO_BACKUP: &str = "no backup of a VM of that name that is gone";

/// The backups that a group of nobody may have, each in a line, or that there is none. Nothing for other groups, and
/// where no list of backups was given.
pub(crate) fn backups_of(report: &Report<impl Artifacts>, group: &Group) -> Vec<String> {
    if !group.is_nobodys() || report.backups.is_none() {
        return Vec::new();
    }
    if group.backups.is_empty() {
        return vec![NO_BACKUP.to_owned()];
    }
    group.backups.iter().map(backup).collect()
}

/// What was accepted, by whom and until when, in one line.
pub(crate) fn acceptance(acceptance: &Acceptance) -> String {
    let mut who: Vec<String> = acceptance.by.iter().map(|by| sanitize::text(by).into_owned()).collect();
    // The end of a day is the beginning of the next: shown is the last day.
    let last = |until: Timestamp| until.checked_sub(jiff::Span::new().seconds(1)).unwrap_or(until);
    who.extend(
        acceptance
            .until
            .map(|until| format!("until {}", last(until).strftime("%Y-%m-%d"))),
    );
    let who = if who.is_empty() {
        String::new()
    } else {
        format!(" ({})", who.join(", "))
    };
    let state = if acceptance.expired {
        "EXPIRED, counted again: "
    } else {
        ""
    };
    let about = format!(
        "{}, {}",
        count(acceptance.sum.files, "file"),
        bytes(acceptance.sum.allocated_bytes)
    );
    format!("{state}{}{who}: {about}", sanitize::text(&acceptance.reason))
}

fn files(sum: Sum) -> String {
    format!("{} ({})", count(sum.files, "file"), bytes(sum.allocated_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kind::Kind, report::sample};

    #[test]
    fn sizes_have_binary_units_and_one_decimal() {
        for (value, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_524, "1023.9 KiB"),
            (1_048_525, "1.0 MiB"),
            (64_424_509_440, "60.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(value), shown, "{value}");
        }
    }

    #[test]
    fn ages_are_hours_then_days_and_never_negative() {
        let as_of = sample::time("2024-06-01T00:00:00Z");
        for (time, shown) in [
            ("2024-05-31T12:30:00Z", "11 h"),
            ("2024-05-30T00:00:00Z", "2 d"),
            ("2023-06-01T00:00:00Z", "366 d"),
            ("2025-01-01T00:00:00Z", "0 h"),
        ] {
            assert_eq!(age(as_of, Some(sample::time(time))), shown);
        }
        assert_eq!(age(as_of, None), "?");
    }

    #[test]
    fn of_many_files_that_nobody_judged_the_first_are_listed_and_the_rest_is_counted() {
        let shown = |report: &Report| {
            let shown = files_shown(report);
            (shown, files_left_out(report, shown))
        };
        let many = sample::unjudged(UNJUDGED_SHOWN + 1);
        let note = "1 file more than the first 10000 stand in no list here: the JSON and CSV reports have all.";
        assert_eq!(shown(&many), (UNJUDGED_SHOWN, Some(note.to_owned())));
        assert_eq!(shown(&sample::unjudged(3)), (3, None));
        let mut judged = many;
        judged.artifacts.extend(sample::report().artifacts);
        for artifact in &judged.artifacts {
            judged.summary.add(artifact);
        }
        assert_eq!(shown(&judged), (judged.artifacts.len(), None), "one of them was judged");
    }

    #[test]
    fn names_are_those_of_the_json() {
        assert_eq!(name(Kind::VmdkSeSparse), "vmdk-sesparse");
        assert_eq!(optional_name::<Kind>(None), "");
    }

    #[test]
    fn the_result_names_what_was_found_and_how_sure_it_is() {
        let mut report = sample::report();
        assert_eq!(
            result(&report),
            "3 files (60.0 GiB) are orphaned and 1 file (4.0 KiB) belongs to unregistered VMs: \
             59.0 GiB can be reclaimed now, 4.0 KiB after review."
        );
        assert_eq!(
            certainty(&report),
            "NOT COMPLETE: 1 item could not be read, 1 file (2.0 MiB) cannot be judged; \
             what was not found is not proven absent."
        );
        report.coverage.complete = true;
        report.coverage.assume_complete = true;
        assert_eq!(
            certainty(&report),
            "The scan is complete. It rests on --assume-complete: the user's word that no inventory is missing."
        );
        report.summary.verdicts.clear();
        assert_eq!(result(&report), "No file of a virtual machine was found.");
    }
}
