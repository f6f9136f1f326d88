//! Single values as the exports write them: numbers, truth, ids and times in every spelling that was met. Nothing here
//! fails a row: what cannot be read is `None`.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use uuid::Uuid;

use super::moment::SaidTime;

/// A whole number: `1234`, `1,234`, `1.234`, `1 234`, `1.234,5`. The part after a decimal mark is dropped.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’'))
        .collect();
    let last_mark = text.rfind([',', '.']);
    let decimal = last_mark.filter(|&at| !groups_by(&text, at));
    let integer = decimal.and_then(|at| text.get(..at)).unwrap_or(&text);
    let digits: String = integer.chars().filter(|c| !matches!(c, ',' | '.')).collect();
    digits.parse().ok()
}

/// True when the last mark of a number divides thousands: it is the only kind of mark, with three digits after it and
/// at most three before the first.
fn groups_by(text: &str, at: usize) -> bool {
    let mark = text.as_bytes().get(at).copied();
    let marks = text.bytes().filter(|byte| matches!(byte, b',' | b'.'));
    let one_kind = marks.clone().all(|byte| Some(byte) == mark);
    let mut parts = text.split([',', '.']);
    let first = parts.next().unwrap_or_default();
    one_kind && (1..=3).contains(&first.len()) && parts.all(|part| part.len() == 3)
}

/// `True`, `1`, `WAHR` and their kin; anything else is false. Excel writes the word of its own language.
pub(super) fn truth(text: &str) -> bool {
    matches!(
        text.trim().to_lowercase().as_str(),
        "true"
            | "1"
            | "yes"
            | "wahr"
            | "ja"
            | "vrai"
            | "oui"
            | "verdadero"
            | "verdadeiro"
            | "vero"
            | "sì"
            | "waar"
            | "prawda"
            | "sant"
    )
}

/// A UUID that is not all zero.
pub(super) fn id(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text.trim()).ok().filter(|id| !id.is_nil())
}

/// The name of a type where a value belongs: PowerShell writes it for what it cannot write flat.
pub(super) fn is_type_name(text: &str) -> bool {
    const TYPES: [&str; 5] = [
        "System.String[]",
        "System.Object[]",
        "System.Collections.",
        "VMware.Vim",
        "Microsoft.HyperV.",
    ];
    let text = text.trim();
    TYPES.iter().any(|name| text.starts_with(name))
}

/// The text that PowerShell makes of an object that it cannot write whole.
pub(super) fn is_cut_object(text: &str) -> bool {
    text.trim_start().starts_with("@{")
}

/// The paths in the text that PowerShell makes of an object below its depth: `@{Key=2000; FileName=[ds1] a/a.vmdk}`. What
/// holds a `;` itself is not found.
pub(super) fn cut_paths(text: &str) -> impl Iterator<Item = &str> {
    let members = text.split("@{").skip(1).flat_map(|object| object.split(';'));
    members.filter_map(|member| {
        let (_, value) = member.split_once('=')?;
        let value = value.trim().trim_end_matches('}');
        let is_path = value.starts_with('[') && value.contains("] ")
            || value.starts_with("\\\\")
            || value.get(1..3) == Some(":\\");
        is_path.then_some(value)
    })
}

/// The path ends with one of these endings, in any case.
pub(super) fn ends_with(path: &str, endings: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    endings.iter().any(|ending| path.ends_with(ending))
}

/// Bytes of a size in MiB, which RVTools 3 calls MB.
pub(super) fn mib(text: &str) -> Option<u64> {
    whole(text)?.checked_mul(1 << 20)
}

/// A time in any of the forms that the exports write.
pub(super) fn time(text: &str) -> Option<SaidTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(SaidTime::zoned(at));
    }
    if let Some(milliseconds) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        let at = Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
        return Some(SaidTime::zoned(at));
    }
    let utc = |local: civil::DateTime| Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let sure = sure_time(text).or_else(|| excel_serial(text)).and_then(utc);
    let readings = || either_time(text).into_iter().filter_map(utc);
    let at = sure.or_else(|| readings().min())?;
    Some(SaidTime {
        or: readings().max().filter(|&later| sure.is_none() && later > at),
        ..SaidTime::local(at)
    })
}

/// The forms without a zone in which each part has its place.
fn sure_time(text: &str) -> Option<civil::DateTime> {
    const SURE: [&str; 8] = [
        "%Y/%m/%d %H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d_%H.%M.%S",
        "%d.%m.%Y %H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%Y-%m-%d %H:%M",
        "%d.%m.%Y %H:%M",
    ];
    SURE.iter()
        .find_map(|format| civil::DateTime::strptime(format, text).ok())
}

/// The readings of a time without a zone in which day and month may have changed places.
fn either_time(text: &str) -> Vec<civil::DateTime> {
    const EITHER: [&str; 10] = [
        "%m/%d/%Y %I:%M:%S %p",
        "%d/%m/%Y %I:%M:%S %p",
        "%m/%d/%Y %H:%M:%S",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M %p",
        "%d/%m/%Y %I:%M %p",
        "%m/%d/%Y %H:%M",
        "%d/%m/%Y %H:%M",
        "%m-%d-%Y %H:%M:%S",
        "%d-%m-%Y %H:%M:%S",
    ];
    let parse = |format: &&str| civil::DateTime::strptime(format, text).ok();
    EITHER.iter().filter_map(parse).collect()
}

/// A date of a spreadsheet: days since 1899-12-30.
fn excel_serial(text: &str) -> Option<civil::DateTime> {
    let days: f64 = text.parse().ok()?;
    // 1982 to 2119: anything else is another number.
    if !(30_000.0..80_000.0).contains(&days) {
        return None;
    }
    let since = SignedDuration::try_from_secs_f64(days * 86_400.0 + 0.5).ok()?;
    let whole_seconds = SignedDuration::from_secs(since.as_secs());
    civil::date(1899, 12, 30).at(0, 0, 0, 0).checked_add(whole_seconds).ok()
}

/// The time in the name of a folder or workbook that RVTools wrote: `RVTools_export_all_2026-11-22_08.45.00`.
pub(super) fn time_in_name(name: &str) -> Option<SaidTime> {
    let at = name.to_ascii_lowercase().find("rvtools_export_all_")?;
    let stamp = name
        .get(at.checked_add("rvtools_export_all_".len())?..)?
        .get(.."2026-11-22_08.45.00".len())?;
    time(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_read_in_every_grouping() {
        assert_eq!(whole("10240"), Some(10240));
        assert_eq!(whole("1.234,5"), Some(1234));
        assert_eq!(whole("1,234.5"), Some(1234));
        assert_eq!(whole("1 234"), Some(1234));
        assert_eq!(whole("1\u{a0}234\u{a0}567"), Some(1_234_567));
        assert_eq!(whole("1,234,567"), Some(1_234_567));
        assert_eq!(whole("3125248.125"), Some(3_125_248));
        assert_eq!(whole("12.5"), Some(12));
        assert_eq!(whole("-1"), None);
        assert_eq!(whole(""), None);
        assert_eq!(whole("many"), None);
    }

    #[test]
    fn objects_cut_to_text_still_name_paths() {
        let paths = |text| cut_paths(text).collect::<Vec<_>>();
        assert_eq!(
            paths("@{Key=2000; Type=VirtualDisk; FileName=[ds1] a b/a=1.vmdk}"),
            ["[ds1] a b/a=1.vmdk"]
        );
        assert_eq!(
            paths(r"@{Path=D:\VMs\a.vhdx; DiskNumber=} @{Path=\\fs\vms\b.vhdx}"),
            [r"D:\VMs\a.vhdx", r"\\fs\vms\b.vhdx"]
        );
        assert_eq!(paths("@{Name=a; Items=System.Object[]}"), Vec::<&str>::new());
        assert_eq!(paths("FileName=[ds1] a/a.vmdk"), Vec::<&str>::new());
    }

    #[test]
    fn truth_may_be_in_the_language_of_the_spreadsheet() {
        for yes in ["True", "TRUE", "1", "WAHR", " true "] {
            assert!(truth(yes), "{yes}");
        }
        for no in ["False", "0", "FALSCH", "", "VM"] {
            assert!(!truth(no), "{no}");
        }
    }

    #[test]
    fn times_are_read_in_every_form() {
        let expected = at("2026-11-22T08:45:00Z");
        for text in [
            "2026/11/22 08:45:00",
            "2026-11-22 08:45:00",
            "22.11.2026 08:45:00",
            "11/22/2026 8:45:00 AM",
            "22/11/2026 08:45:00",
            "22.11.2026 08:45",
            "2026-11-22 08:45",
            "11/22/2026 8:45 AM",
            "22-11-2026 08:45:00",
            "46348.36458333334",
        ] {
            assert_eq!(time(text), Some(SaidTime::local(expected)), "{text}");
        }
        assert_eq!(time("2026-11-22T09:45:00+01:00"), Some(SaidTime::zoned(expected)));
        assert_eq!(
            time("/Date(1706779800000)/").map(|t| t.at),
            Some(at("2024-02-01T09:30:00Z"))
        );
        assert_eq!(time("12"), None);
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn a_date_that_could_be_two_is_the_earlier_and_tells_the_other() {
        assert_eq!(
            time("03/02/2026 10:00:00"),
            Some(SaidTime {
                or: Some(at("2026-03-02T10:00:00Z")),
                ..SaidTime::local(at("2026-02-03T10:00:00Z"))
            })
        );
        assert_eq!(time("02/02/2026 10:00:00").and_then(|said| said.or), None);
    }

    #[test]
    fn the_name_of_the_folder_gives_the_time() {
        let found = time_in_name("RVTools_export_all_2026-11-22_08.45.00").map(|t| t.at);
        assert_eq!(found, Some(at("2026-11-22T08:45:00Z")));
        assert_eq!(
            time_in_name("rvtools_export_all_2026-11-22_08.45.00.xlsx").map(|t| t.at),
            found
        );
        assert_eq!(time_in_name("RVTools_export_all_SYNTHETIC.xlsx"), None);
    }
}
