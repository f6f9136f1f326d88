//! The report as CSV: one row an artifact, for spreadsheets and quick scripts.
//!
//! Names are escaped as on a terminal (bytes that are not Unicode as `\xNN`), and a field that a spreadsheet would read
//! as a formula has an apostrophe in front. What has to be lossless is read from the JSON report.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
};

use super::{
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

/// Writes a header and one row an artifact.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report<impl Artifacts>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    let known = Known::new(report);
    for artifact in report.artifacts.all() {
        writer.write_record(row(&artifact, report, &known).map(|field| sanitize::csv_field(&field).into_owned()))?;
    }
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

fn row(artifact: &ArtifactReport, report: &Report<impl Artifacts>, known: &Known<'_>) -> [String; 24] {
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
        sanitize::path(&artifact.path).into_owned(),
        sanitize::text(&artifact.datastore).into_owned(),
        sanitize::path(&artifact.relative_path).into_owned(),
        show::name(artifact.kind),
        show::name(artifact.verdict),
        show::optional_name(artifact.class),
        show::optional_name(artifact.confidence),
        show::name(artifact.reclaim),
        show::optional_name(artifact.risk),
        sanitize::text(artifact.group.as_deref().unwrap_or_default()).into_owned(),
        owners.join("; "),
        artifact.apparent_bytes.to_string(),
        number(artifact.allocated_bytes),
        number(artifact.virtual_bytes),
        artifact.modified.map(|time| time.to_string()).unwrap_or_default(),
        artifact
            .reasons
            .first()
            .map(|reason| sanitize::text(&reason.text).into_owned())
            .unwrap_or_default(),
        codes.join(" "),
        accepted
            .map(|found| sanitize::text(&found.reason).into_owned())
            .unwrap_or_default(),
        sanitize::text(last_owner).into_owned(),
        show::optional_name(group.and_then(|group| group.owner_basis)),
        known.of_vms(artifact, |vm| vm.host.as_ref()),
        known.of_vms(artifact, |vm| vm.folder.as_ref()),
        known.of_vms(artifact, |vm| vm.noted_owner.as_ref()),
        known.of_vms(artifact, |vm| vm.notes.as_ref()),
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
