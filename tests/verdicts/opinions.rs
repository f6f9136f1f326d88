//! What another tool calls nobody's, held against the verdicts.

use derelict::{
    inventory::{ForeignFinding, Inventory},
    report::model::{Agreement, Verdict},
};

use crate::support::{Export, Judged, Site, row_of, vcenter};

/// An export whose own list of orphans names these files.
fn with_zombies(inventory: Inventory, paths: &[&str]) -> Inventory {
    let mut inventory = inventory;
    inventory.observations.findings = (2..)
        .zip(paths)
        .map(|(row, path)| ForeignFinding {
            path: (*path).to_owned(),
            kind: "ZOMBIE".to_owned(),
            message: "Possibly a Zombie vmdk file! Please check.".to_owned(),
            row: format!("rv.xlsx: vHealth row {row}"),
        })
        .collect();
    inventory
}

fn site(paths: &[&str]) -> Judged {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "whole")
        .disk("ds1/old/old")
        .disk("ds1/new/new")
        .modified("ds1/new/new.vmdk", "2026-10-01T00:00:00Z")
        .modified("ds1/new/new-flat.vmdk", "2026-10-01T00:00:00Z")
        .inventory(with_zombies(vcenter().vm(row_of("web")), paths))
        .judge()
}

/// Agreement, verdict and reason about a path.
fn about<'a>(judged: &'a Judged, path: &str) -> Vec<(Agreement, Option<Verdict>, &'a str)> {
    let opinions = judged.report.second_opinions.iter();
    opinions
        .filter(|opinion| opinion.path.lossy() == path)
        .map(|opinion| (opinion.agreement, opinion.verdict, opinion.why.as_str()))
        .collect()
}

#[test]
fn where_both_call_a_file_nobodys_they_agree() {
    let judged = site(&["[ds1] old/old.vmdk", "[ds1] whole/whole.vmdk"]);
    for (path, verdict) in [
        ("[ds1] old/old.vmdk", Verdict::Orphaned),
        ("[ds1] whole/whole.vmdk", Verdict::Unregistered),
    ] {
        let [(agreement, found, _)] = about(&judged, path)[..] else {
            panic!("{:#?}", judged.report.second_opinions)
        };
        assert_eq!((agreement, found), (Agreement::Agrees, Some(verdict)), "{path}");
    }
    judged.because("ds1/old/old.vmdk", "second-opinion");
}

#[test]
fn where_derelict_knows_better_it_says_why() {
    let judged = site(&[
        "[ds1] web/web.vmdk",
        "[ds1] new/new.vmdk",
        "[ds1] gone/gone.vmdk",
        "[far] x/x.vmdk",
    ]);
    let [(agreement, verdict, why)] = about(&judged, "[ds1] web/web.vmdk")[..] else {
        panic!("{:#?}", judged.report.second_opinions)
    };
    assert_eq!((agreement, verdict), (Agreement::Disagrees, Some(Verdict::Owned)));
    assert!(why.contains("web is registered"), "{why}");
    judged
        .is("ds1/web/web.vmdk", "owned")
        .because("ds1/web/web.vmdk", "second-opinion");
    for (path, verdict, part) in [
        ("[ds1] new/new.vmdk", Some(Verdict::Unknown), "newer than an inventory"),
        ("[ds1] gone/gone.vmdk", None, "not there any more"),
        ("[far] x/x.vmdk", None, "was not scanned"),
    ] {
        let [(agreement, found, why)] = about(&judged, path)[..] else {
            panic!("{:#?}", judged.report.second_opinions)
        };
        assert_eq!((agreement, found), (Agreement::Unknown, verdict), "{path}");
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn what_a_list_of_orphans_leaves_out_is_told_and_without_a_list_nothing_is() {
    let judged = site(&["[ds1] web/web.vmdk"]);
    let [(agreement, verdict, why)] = about(&judged, "old/old.vmdk")[..] else {
        panic!("{:#?}", judged.report.second_opinions)
    };
    assert_eq!((agreement, verdict), (Agreement::Disagrees, Some(Verdict::Orphaned)));
    assert!(why.starts_with("its list of orphans does not name it"), "{why}");
    assert_eq!(about(&judged, "old/old-flat.vmdk"), [], "a disk is told once");
    assert_eq!(site(&[]).report.second_opinions, []);
}

#[test]
fn other_findings_of_a_tool_are_no_opinion_about_owners() {
    let mut inventory = vcenter().vm(row_of("web"));
    inventory.observations.findings.push(ForeignFinding {
        path: "[ds1] web/web.vmdk".to_owned(),
        kind: "Foldername".to_owned(),
        message: "Inconsistent Foldername! VMname = A Foldername = B".to_owned(),
        row: "rv.xlsx: vHealth row 2".to_owned(),
    });
    let judged = Site::vmware().vm("ds1", "web").inventory(inventory).judge();
    assert_eq!(judged.report.second_opinions, []);
}
