//! The report as CSV: one row an artifact, for spreadsheets and quick scripts.
//!
//! Names are escaped as on a terminal (bytes that are not Unicode as `\xNN`), and a field that a spreadsheet would read
//! as a formula has an apostrophe in front. What has to be lossless is read from the JSON report.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    io::{self, Write},
};

use super::{
    codes::Class,
    model::{ArtifactReport, Artifacts, Group, Report, Vm},
    show,
};
use crate::sanitize;

/// The columns, in this order. Further ones may be added at the end.
pub const COLUMNS: [&str; 24] = [
    "path",
    "datastore",
    "relative_path",
    "kind",
    "verdict",
    "class",
    "confidence",
    "reclaim",
    "risk",
    "group",
    "owners",
    "apparent_bytes",
    "allocated_bytes",
    "virtual_bytes",
    "modified",
    "reason",
    "reason_codes",
    "accepted",
    "last_owner",
    "last_owner_basis",
    "vm_host",
    "vm_folder",
    "vm_noted_owner",
    "vm_notes",
];

/// Room for what most rows take.
const ROW_BYTES: usize = 512;

/// Writes a header and one row an artifact, by several threads.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let mut header = Vec::new();
    record(COLUMNS.map(Cow::Borrowed), &mut header)?;
    out.write_all(&header)?;
    let known = Known::new(report);
    report.artifacts.write_each(
        |artifact, rows| record(row(artifact, report, &known), rows),
        |rows| out.write_all(rows),
    )
}

/// Adds one row.
fn record(fields: [Cow<'_, str>; COLUMNS.len()], rows: &mut Vec<u8>) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().buffer_capacity(ROW_BYTES).from_writer(rows);
    for field in &fields {
        writer.write_field(sanitize::csv_field(field).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)?;
    writer.flush()
}

/// What is asked of by its id.
struct Known<'a> {
    groups: HashMap<&'a str, &'a Group>,
    vms: HashMap<&'a str, &'a Vm>,
}

impl<'a> Known<'a> {
    fn new(report: &'a Report<impl Artifacts>) -> Self {
        Self {
            groups: report.groups.iter().map(|group| (group.id.as_str(), group)).collect(),
            vms: report.vms.iter().map(|vm| (vm.id.as_str(), vm)).collect(),
        }
    }

    fn group(&self, artifact: &ArtifactReport) -> Option<&'a Group> {
        self.groups.get(artifact.group.as_deref()?).copied()
    }

    /// What the VMs that own an artifact have in one field, each once.
    fn of_vms(&self, artifact: &ArtifactReport, field: fn(&Vm) -> Option<&String>) -> String {
        let vms = artifact
            .owners
            .iter()
            .filter_map(|owner| self.vms.get(owner.id.as_str()));
        let texts: BTreeSet<_> = vms
            .filter_map(|vm| field(vm))
            .map(|text| sanitize::text(text))
            .collect();
        texts.into_iter().collect::<Vec<_>>().join("; ")
    }
}

fn row<'a>(
    artifact: &'a ArtifactReport,
    report: &'a Report<impl Artifacts>,
    known: &Known<'a>,
) -> [Cow<'a, str>; COLUMNS.len()] {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let owners: Vec<_> = artifact
        .owners
        .iter()
        .map(|owner| sanitize::text(&owner.name))
        .collect();
    let accepted = artifact.accepted.and_then(|place| report.accepted.get(place));
    let group = known.group(artifact);
    let last_owner = group.and_then(|group| group.owner.as_deref()).unwrap_or_default();
    let codes: Vec<_> = artifact.reasons.iter().map(|reason| reason.code.name()).collect();
    [
        sanitize::path(&artifact.path),
        sanitize::text(&artifact.datastore),
        sanitize::path(&artifact.relative_path),
        show::name(artifact.kind).into(),
        artifact.verdict.name().into(),
        artifact.class.map(Class::name).unwrap_or_default().into(),
        show::optional_name(artifact.confidence).into(),
        show::name(artifact.reclaim).into(),
        show::optional_name(artifact.risk).into(),
        sanitize::text(artifact.group.as_deref().unwrap_or_default()),
        owners.join("; ").into(),
        artifact.apparent_bytes.to_string().into(),
        number(artifact.allocated_bytes).into(),
        number(artifact.virtual_bytes).into(),
        artifact
            .modified
            .map(|time| time.to_string())
            .unwrap_or_default()
            .into(),
        artifact
            .reasons
            .first()
            .map(|reason| sanitize::text(&reason.text))
            .unwrap_or_default(),
        codes.join(" ").into(),
        accepted.map(|found| sanitize::text(&found.reason)).unwrap_or_default(),
        sanitize::text(last_owner),
        show::optional_name(group.and_then(|group| group.owner_basis)).into(),
        known.of_vms(artifact, |vm| vm.host.as_ref()).into(),
        known.of_vms(artifact, |vm| vm.folder.as_ref()).into(),
        known.of_vms(artifact, |vm| vm.noted_owner.as_ref()).into(),
        known.of_vms(artifact, |vm| vm.notes.as_ref()).into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn rows(report: &Report) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(out.as_slice())
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn a_header_and_one_row_an_artifact() {
        let rows = rows(&sample::report());
        assert_eq!(rows.len(), 7);
        assert_eq!(rows[0], COLUMNS);
        assert_eq!(
            rows[6],
            [
                "/mnt/san1/web07/web07.vmdk",
                "SAN-VMFS-01",
                "web07/web07.vmdk",
                "vmdk-descriptor",
                "orphaned",
                "deleted-vm-disk",
                "high",
                "candidate",
                "",
                "group-web07",
                "",
                "480",
                "512",
                "107374182400",
                "2023-01-05T08:00:00Z",
                "because of companion-of",
                "companion-of referenced-by",
                "",
                "web07",
                "evidence",
                "",
                "",
                "",
                "",
            ]
        );
        let owned = rows.iter().find(|row| row[2] == "web01/web01.vmx").unwrap();
        assert_eq!(owned[20..], ["esx1", "Prod-web0", "anna.müller", ""]);
    }

    #[test]
    fn no_field_is_a_formula_or_acts_on_a_terminal() {
        for row in rows(&sample::hostile()) {
            for field in row {
                assert!(!field.starts_with(['=', '+', '-', '@']), "{field}");
                assert!(!field.chars().any(sanitize::is_unsafe), "{field}");
            }
        }
    }
}
