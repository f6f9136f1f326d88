//! What `scripts/export/hyperv.ps1` could not ask, and what that costs.

use super::{Listing, json::Json, part::Part};

/// Questions of `scripts/export/hyperv.ps1`, which notes one that failed as `QUESTION: MESSAGE`, or `QUESTION VM: MESSAGE`, and
/// writes an empty list in place of the answer.
const MEDIA: &str = "DVD drives of ";
const CHECKPOINTS: &str = "checkpoints of ";
const DISKS: &str = "disks of ";
const CHECKPOINT_DISKS: &str = "disks of checkpoint ";
const RESOURCES: &str = "Get-ClusterResource";
const VOLUMES: &str = "Get-ClusterSharedVolume";

/// True for an error of this question about this VM. A message may hold colons, and so may the name of a VM.
fn is_about(error: &str, question: &str, name: &str) -> bool {
    let rest = error.strip_prefix(question).and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with(": "))
}

/// Adds the errors of an export. One of a question about one VM, or about a list of the cluster, costs its answer; any other
/// may have cost VMs.
pub(super) fn add(part: &mut Part, errors: &[String], file: &str) {
    // The script writes them into `errors.txt` as well.
    let lines = errors.iter().flat_map(|error| error.lines());
    part.told_errors.extend(lines.map(|line| line.trim().to_owned()));
    let (known, unknown): (Vec<&String>, Vec<&String>) = errors.iter().partition(|error| lacks_answer(part, error));
    if let Some(errors) = in_short(&unknown) {
        part.warn_capping(
            "export-errors",
            format!(
                "{file}: the export met errors ({errors}), so VMs may be missing from it; mend them and export again"
            ),
        );
    }
    if let Some(errors) = in_short(&known) {
        part.warn(
            "export-errors",
            format!(
                "{file}: questions about single VMs or lists were not answered ({errors}); mend that and export again"
            ),
        );
    }
}

/// Takes the empty list in place of an answer for none. False for an error of which nobody can say what it cost.
fn lacks_answer(part: &mut Part, error: &str) -> bool {
    let mut is_known = [RESOURCES, VOLUMES].iter().any(|list| is_about(error, list, ""));
    for draft in &mut part.vms {
        let vm = &mut draft.vm;
        let is_of_vm = |question: &str| !vm.name.is_empty() && is_about(error, question, &vm.name);
        let (media, checkpoints, disks) = (is_of_vm(MEDIA), is_of_vm(CHECKPOINTS), is_of_vm(DISKS));
        if checkpoints {
            // It may have some.
            vm.checkpoints_told = false;
            vm.has_snapshots = true;
        }
        if disks {
            vm.listing = Listing::ConfigOnly;
        }
        let mut without_disks = vm.checkpoints.iter().filter(|checkpoint| !checkpoint.has_disks);
        let of_checkpoint = without_disks.any(|checkpoint| is_about(error, CHECKPOINT_DISKS, &checkpoint.name));
        is_known |= media || checkpoints || disks || of_checkpoint;
    }
    is_known
}

/// True where the list of the resources of the cluster was not given.
pub(super) fn lacks_resources(errors: &[String]) -> bool {
    errors.iter().any(|error| is_about(error, RESOURCES, ""))
}

/// What an `errors` field says, unless it is empty or zero.
pub(super) fn texts(field: Json<'_>) -> Vec<String> {
    let items = field.items().into_iter();
    let texts: Vec<String> = items
        .map(|item| item.scalar().unwrap_or_else(|| item.0.to_string()))
        .collect();
    if texts == ["0"] { Vec::new() } else { texts }
}

/// The first of several errors, and how many there are.
fn in_short(errors: &[&String]) -> Option<String> {
    let short: String = errors.first()?.chars().take(120).collect();
    Some(if errors.len() > 1 {
        format!("{}, first: {short}", errors.len())
    } else {
        short
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_errors_field_counts_unless_it_is_empty() {
        let short = |field: serde_json::Value| {
            let texts = texts(Json(&field));
            in_short(&texts.iter().collect::<Vec<_>>())
        };
        assert_eq!(short(json!(0)), None);
        assert_eq!(short(json!([])), None);
        assert_eq!(short(json!(null)), None);
        assert_eq!(short(json!(2)).as_deref(), Some("2"));
        assert_eq!(short(json!(["a", "b"])).as_deref(), Some("2, first: a"));
    }
}
