//! Cases V63 – V73: labels, ids, links, case and folders of VMware datastores.

use derelict::inventory::{Listing, Registration};

use super::{OTHER, UUID, esx};
use crate::support::{Export, Judged, SECTORS, Site, config_only, descriptor, row, row_of, vcenter, vmx};

#[test]
fn v63_labels_uuids_and_urls_of_one_datastore_are_one() {
    let url = format!("ds:///vmfs/volumes/{UUID}/");
    let absolute = format!("/vmfs/volumes/{UUID}/data/data.vmdk");
    let listed_by_uuid = format!("/vmfs/volumes/{UUID}/by-uuid/by-uuid.vmx");
    Site::bare()
        .root("ds1", &["prod-01"])
        .vmx("ds1/web", "web", &["web.vmdk", &absolute])
        .disk("ds1/web/web")
        .disk("ds1/data/data")
        .vm("ds1", "by-uuid")
        .inventory(
            esx("vc1")
                .datastore("prod-01", &[&url], &["esx1"])
                .vm(config_only("web", "[prod-01] web/web.vmx"))
                .vm(config_only("by-uuid", &listed_by_uuid)),
        )
        .judge()
        .are(
            &[
                "ds1/web/web.vmdk",
                "ds1/data/data-flat.vmdk",
                "ds1/by-uuid/by-uuid.vmdk",
            ],
            "owned",
        );
}

#[test]
fn v63_a_vm_that_is_called_by_its_path_bears_the_name_in_its_configuration() {
    let named = |name: &str| {
        let config = vmx("web", &["web.vmdk"]).set("displayName", "Shop").build();
        let mut vm = row_of("web");
        name.clone_into(&mut vm.name);
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .disk("ds1/web/web")
            .inventory(vcenter().vm(vm))
            .judge()
    };
    for path in [
        "[ds1] web/web.vmx",
        "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/web/web.vmx",
    ] {
        named(path).owners("ds1/web/web-flat.vmdk", &["Shop"]);
    }
    named("Shop (old)").owners("ds1/web/web-flat.vmdk", &["Shop (old)"]);
}

#[test]
fn v64_a_renamed_datastore_is_known_by_its_uuid() {
    let url = format!("/vmfs/volumes/{UUID}/");
    let alias = format!("/vmfs/volumes/{UUID}");
    Site::bare()
        .root("ds1", &[&alias])
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .inventory(
            esx("before")
                .datastore("old-name", &[&url], &["esx1"])
                .vm(config_only("web", "[old-name] web/web.vmx")),
        )
        .inventory(esx("after").datastore("new-name", &[&url], &["esx1"]))
        .judge()
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v65_a_path_through_a_symbolic_link_to_an_unreadable_folder_is_no_ghost() {
    let judged = Site::vmware()
        .symlink("ds1/web", "0f1e2d3c-0000-1111-2222-333344445555")
        .vm("ds1", "other")
        .change(|catalogue| {
            catalogue.issues.push(derelict::catalogue::Issue {
                root: Some(0),
                path: "0f1e2d3c-0000-1111-2222-333344445555".into(),
                stage: derelict::catalogue::Stage::Crawl,
                error: "permission denied".to_owned(),
                folder: true,
            });
        })
        .inventory(vcenter().vm(row_of("web")).vm(row_of("other")))
        .judge();
    assert_eq!(judged.report.problems, []);
}

#[test]
fn v65_a_path_through_a_symbolic_link_leads_to_the_file() {
    let folder = "0f1e2d3c-0000-1111-2222-333344445555";
    let judged = Site::vmware()
        .vmx(&format!("ds1/{folder}"), "web", &["web.vmdk"])
        .disk(&format!("ds1/{folder}/web"))
        .symlink("ds1/web", folder)
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.is(&format!("ds1/{folder}/web.vmdk"), "owned");
    assert!(!judged.is_reported("ds1/web/web.vmdk"), "a link is never walked");
}

#[test]
fn v65_hard_links_have_the_verdict_of_the_best_protected_name_and_count_once() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .hard_link("ds1/copy/other.vmdk", "ds1/web/web.vmdk")
        .hard_link("ds1/copy/other-flat.vmdk", "ds1/web/web-flat.vmdk")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.are(&["ds1/copy/other.vmdk", "ds1/copy/other-flat.vmdk"], "owned never");
    let files: u64 = judged.report.summary.verdicts.values().map(|sum| sum.files).sum();
    assert_eq!(files, 3, "a configuration, a descriptor and an extent");
}

#[test]
fn v65_a_hard_link_of_the_same_file_on_another_root_counts_once() {
    let judged = Site::vmware()
        .root("again", &["again"])
        .vm("ds1", "web")
        .hard_link("again/web.vmdk", "ds1/web/web.vmdk")
        .only_as_it_is()
        .inventory(vcenter().datastore("again", &[], &["esx1"]).vm(row_of("web")))
        .judge();
    judged.is("again/web.vmdk", "owned");
}

/// A registered VM, and its descriptor and extent under other names, as hard links.
fn hard_linked() -> Site {
    Site::vmware()
        .root("again", &["again"])
        .vm("ds1", "web")
        .hard_link("ds1/copy/other.vmdk", "ds1/web/web.vmdk")
        .hard_link("ds1/copy/web-flat.vmdk", "ds1/web/web-flat.vmdk")
        .hard_link("again/third.vmdk", "ds1/web/web.vmdk")
        .only_as_it_is()
        .inventory(vcenter().datastore("again", &[], &["esx1"]).vm(row_of("web")))
}

const LINKED: [&str; 3] = ["ds1/copy/other.vmdk", "ds1/copy/web-flat.vmdk", "again/third.vmdk"];

#[test]
fn v65_names_that_may_be_of_one_file_are_nobodys_only_where_the_file_system_tells_files_apart() {
    hard_linked().judge().are(&LINKED, "owned never");
    hard_linked()
        .unnumbered(&LINKED)
        .judge()
        .are(&LINKED, "unknown/ambiguous-reference never")
        .because("again/third.vmdk", "perhaps-same-file")
        .says("ds1/copy/other.vmdk", "another name of the same file");
    let of_vm = ["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk"];
    hard_linked()
        .unnumbered(&of_vm)
        .judge()
        .are(&LINKED, "unknown/ambiguous-reference never");
}

#[test]
fn v65_files_without_numbers_that_differ_in_time_or_length_are_not_one() {
    let twins = || {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/copy/old")
            .all_modified(&["ds1/web/web.vmdk", "ds1/copy/old.vmdk"], "2026-01-02T03:04:05Z")
            .all_modified(
                &["ds1/web/web-flat.vmdk", "ds1/copy/old-flat.vmdk"],
                "2026-01-02T03:04:06Z",
            )
            .inventory(vcenter().vm(row_of("web")))
    };
    let copies = ["ds1/copy/old.vmdk", "ds1/copy/old-flat.vmdk"];
    let all = ["ds1/web/web.vmdk", "ds1/web/web-flat.vmdk", copies[0], copies[1]];
    twins().judge().are(&copies, "orphaned/deleted-vm-disk");
    twins()
        .unnumbered(&all)
        .judge()
        .is(copies[1], "unknown/ambiguous-reference");
    twins()
        .unnumbered(&all)
        .all_modified(&copies, "2026-01-02T03:04:07Z")
        .judge()
        .are(&copies, "orphaned/deleted-vm-disk");
    let created = twins()
        .unnumbered(&all)
        .created("ds1/web/web-flat.vmdk", "2025-01-01T00:00:00Z")
        .created("ds1/copy/old-flat.vmdk", "2025-01-01T00:00:01Z");
    created.judge().is(copies[1], "orphaned/deleted-vm-disk");
}

/// The exports of two vCenters that both call a datastore `ds`: that of the first holds the VM `a`, that of the second `b`.
fn two_of_one_label(site: Site) -> Site {
    let first = esx("vc1")
        .datastore("ds", &[&format!("/vmfs/volumes/{UUID}")], &["esx1"])
        .vm(row("a", "[ds] a/a.vmx", &["[ds] a/a.vmdk"]));
    let second = esx("vc2")
        .datastore("ds", &[&format!("/vmfs/volumes/{OTHER}")], &["esx1"])
        .vm(row("b", "[ds] b/b.vmx", &["[ds] b/b.vmdk"]));
    site.inventory(first).inventory(second)
}

#[test]
fn v66_one_label_of_two_vcenters_is_not_guessed() {
    let site = Site::bare()
        .root("ds1", &["ds"])
        .disk("ds1/loose/loose")
        .vm("ds1", "unseen");
    two_of_one_label(site)
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown")
        .is("ds1/unseen/unseen.vmdk", "unknown");
}

#[test]
fn v66_two_roots_of_one_label_are_told_apart_by_what_lies_in_them() {
    let site = Site::bare()
        .root("one", &[])
        .root("two", &[])
        .vm("one", "a")
        .vm("two", "b")
        .disk("one/b/b");
    two_of_one_label(site)
        .judge()
        .are(&["one/a/a.vmdk", "two/b/b.vmdk"], "owned");
}

#[test]
fn v66_the_same_label_on_two_vcenters_never_crosses_over() {
    let site = Site::bare()
        .root("one", &[&format!("/vmfs/volumes/{UUID}")])
        .root("two", &[&format!("/vmfs/volumes/{OTHER}")])
        .vm("one", "a")
        .vm("two", "b")
        .disk("two/a/a");
    two_of_one_label(site)
        .judge()
        .are(&["one/a/a.vmdk", "two/b/b.vmdk"], "owned")
        .is("two/a/a.vmdk", "orphaned/migration-leftover");
}

#[test]
fn v67_one_file_that_differs_in_case_is_a_probable_match() {
    Site::vmware()
        .vmx("ds1/Web", "web", &["WEB.VMDK"])
        .disk("ds1/Web/web")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/Web/web.vmdk", "owned")
        .because("ds1/Web/web.vmx", "registered-vm");
}

// V67 wants `unknown/ambiguous-reference` for several files that differ in case only. One of them is needed and none may
// be called nobody's; `owned` protects them as well, and that is what is asked here.
// A folder of Windows does not hold both.
#[cfg(unix)]
#[test]
fn v67_several_files_that_differ_in_case_are_all_protected() {
    let judged = Site::vmware()
        .vmx("ds1/web", "web", &["DISK.vmdk"])
        .disk("ds1/web/disk")
        .disk("ds1/web/Disk")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge();
    for path in ["ds1/web/disk.vmdk", "ds1/web/Disk.vmdk"] {
        assert!(
            ["owned", "unknown"].contains(&judged.artifact(path).verdict.name()),
            "{path} may be the disk of a VM"
        );
    }
}

#[test]
fn v68_odd_paths_are_read() {
    let judged = Site::vmware()
        .vmx("ds1/a b [c]", "x", &["disk [1] (ü).vmdk"])
        .disk("ds1/a b [c]/disk [1] (ü)")
        .vmx("ds1", "top", &["top.vmdk"])
        .disk("ds1/top")
        .vmx("ds1/deep/er", "deep", &["../up.vmdk"])
        .disk("ds1/deep/up")
        .inventory(
            vcenter()
                .vm(row("x", "[ds1] a b [c]/x.vmx", &["[ds1] a b [c]/disk [1] (ü).vmdk"]))
                .vm(row("top", "[ds1] top.vmx", &["[ds1]top.vmdk"]))
                .vm(row("deep", "[ds1] /deep//er/./deep.vmx", &["[ds1] deep/er/../up.vmdk"])),
        )
        .judge();
    judged.are(
        &[
            "ds1/a b [c]/disk [1] (ü)-flat.vmdk",
            "ds1/top-flat.vmdk",
            "ds1/deep/up.vmdk",
            "ds1/deep/er/deep.vmx",
        ],
        "owned",
    );
}

// No name on Windows has an asterisk.
#[cfg(unix)]
#[test]
fn v69_v70_names_are_no_patterns_and_a_like_named_disk_elsewhere_hides_nothing() {
    Site::vmware()
        .vmx("ds1/w[e]b.*", "w[e]b.*", &["w[e]b.*.vmdk"])
        .disk("ds1/w[e]b.*/w[e]b.*")
        .disk("ds1/web.x/web.x")
        .file("ds1/old/w[e]b.*.vmdk", descriptor("other").build())
        .zeros("ds1/old/other-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("w[e]b.*")))
        .judge()
        .is("ds1/w[e]b.*/w[e]b.*-flat.vmdk", "owned")
        .is("ds1/web.x/web.x.vmdk", "orphaned/deleted-vm-disk")
        .is("ds1/old/w[e]b.*.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v71_nested_folders_are_judged_file_by_file() {
    Site::vmware()
        .vmx("ds1/a/b/c", "web", &["web.vmdk"])
        .disk("ds1/a/b/c/web")
        .disk("ds1/a/b/left")
        .disk("ds1/root")
        .inventory(vcenter().vm(row("web", "[ds1] a/b/c/web.vmx", &["[ds1] a/b/c/web.vmdk"])))
        .judge()
        .is("ds1/a/b/c/web-flat.vmdk", "owned")
        .are(&["ds1/a/b/left.vmdk", "ds1/root.vmdk"], "orphaned/deleted-vm-disk");
}

#[test]
fn v72_the_name_of_a_folder_decides_nothing() {
    Site::vmware()
        .file("ds1/before/before.vmx", vmx("after", &["before.vmdk"]).build())
        .disk("ds1/before/before")
        .disk("ds1/after/after")
        .inventory(vcenter().vm(row("after", "[ds1] before/before.vmx", &["[ds1] before/before.vmdk"])))
        .judge()
        .is("ds1/before/before.vmdk", "owned")
        .owners("ds1/before/before.vmdk", &["after"])
        .is("ds1/after/after.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v73_absolute_parent_hints_are_read_through_every_name_of_the_datastore() {
    for hint in [
        "/vmfs/volumes/ds1/gold/gold.vmdk".to_owned(),
        format!("/vmfs/volumes/{UUID}/gold/gold.vmdk"),
        "../gold/gold.vmdk".to_owned(),
    ] {
        Site::vmware()
            .disk("ds1/gold/gold")
            .vmx("ds1/web", "web", &["web.vmdk"])
            .delta("ds1/web/web", &hint)
            .inventory(
                esx("vc1")
                    .datastore("ds1", &[&format!("/vmfs/volumes/{UUID}")], &["esx1"])
                    .vm(row_of("web")),
            )
            .judge()
            .are(&["ds1/gold/gold.vmdk", "ds1/gold/gold-flat.vmdk"], "owned");
    }
}

#[test]
fn a_root_that_is_a_folder_of_its_datastore_is_placed_by_its_alias() {
    Site::bare()
        .root("part", &["[ds1] prod/vms"])
        .vm("part", "web")
        .disk("part/loose/loose")
        .inventory(esx("vc1").datastore("ds1", &[], &["esx1"]).vm(row(
            "web",
            "[ds1] prod/vms/web/web.vmx",
            &["[ds1] prod/vms/web/web.vmdk"],
        )))
        .judge()
        .is("part/web/web.vmdk", "owned")
        .is("part/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

// The part of the datastore that is not a root was not read: a VM there may use what lies here.
#[test]
fn a_vm_in_the_other_part_of_a_datastore_may_use_what_lies_in_this_part() {
    Site::bare()
        .root("part", &["[ds1] prod/vms"])
        .vm("part", "web")
        .disk("part/loose/loose")
        .inventory(
            esx("vc1")
                .datastore("ds1", &[], &["esx1"])
                .vm(row(
                    "web",
                    "[ds1] prod/vms/web/web.vmx",
                    &["[ds1] prod/vms/web/web.vmdk"],
                ))
                .vm(config_only("far", "[ds1] lab/far/far.vmx")),
        )
        .judge()
        .is("part/loose/loose.vmdk", "unknown");
}

#[test]
fn a_subfolder_scanned_as_a_root_without_alias_is_not_judged_as_the_datastore() {
    Site::bare()
        .root("vms", &[])
        .vm("vms", "web")
        .disk("vms/loose/loose")
        .inventory(esx("vc1").datastore("ds1", &[], &["esx1"]).vm(row(
            "web",
            "[ds1] prod/web/web.vmx",
            &["[ds1] prod/web/web.vmdk"],
        )))
        .judge()
        .is("vms/loose/loose.vmdk", "unknown/no-coverage")
        .is("vms/web/web.vmdk", "unknown/no-coverage");
}

#[test]
fn a_root_without_alias_is_inferred_from_what_resolves_and_lowers_the_confidence() {
    Site::bare()
        .root("mnt", &[])
        .vm("mnt", "web")
        .vm("mnt", "db")
        .vm("mnt", "app")
        .disk("mnt/loose/loose")
        .inventory(vcenter().vm(row_of("web")).vm(row_of("db")).vm(row_of("app")))
        .judge()
        .is("mnt/web/web.vmdk", "owned")
        .is("mnt/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .confidence("mnt/loose/loose.vmdk", "medium");
}

#[test]
fn a_root_is_inferred_from_what_is_found_through_links_or_in_another_case() {
    let loose_where = |folder_of: fn(&str) -> String, linked: bool| {
        let mut site = Site::bare().root("mnt", &[]).disk("mnt/loose/loose");
        for name in ["web", "db", "app"] {
            let folder = folder_of(name);
            site = site.vmx(&format!("mnt/{folder}"), name, &[&format!("{name}.vmdk")]);
            site = site.disk(&format!("mnt/{folder}/{name}"));
            if linked {
                site = site.symlink(&format!("mnt/{name}"), &folder);
            }
        }
        let exported = vcenter().vm(row_of("web")).vm(row_of("db")).vm(row_of("app"));
        site.inventory(exported).judge()
    };
    let renamed = |name: &str| format!("{name}-2");
    loose_where(renamed, true).is("mnt/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    loose_where(str::to_uppercase, false).is("mnt/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    loose_where(renamed, false).is("mnt/loose/loose.vmdk", "unknown/no-coverage");
}

#[test]
fn a_folder_given_as_the_whole_datastore_is_told_and_not_judged() {
    let site = |alias: &str, folder: &str| {
        let row = |name: &str| {
            row(
                name,
                &format!("[ds1] {folder}{name}/{name}.vmx"),
                &[&format!("[ds1] {folder}{name}/{name}.vmdk")],
            )
        };
        Site::bare()
            .root("part", &[alias])
            .vm("part", "web")
            .vm("part", "db")
            .disk("part/loose/loose")
            .inventory(
                esx("vc1")
                    .datastore("ds1", &[], &["esx1"])
                    .vm(row("web"))
                    .vm(row("db"))
                    .vm(config_only("far", "[ds1] lab/far/far.vmx")),
            )
            .assume_complete()
            .only_as_it_is()
            .judge()
    };
    for (alias, folder, told) in [
        (
            "ds1",
            "prod/vms/",
            "its folder prod/vms is found at the top of this root",
        ),
        (
            "[ds1] lab",
            "prod/vms/",
            "its folder prod/vms is found at the top of this root",
        ),
        ("[ds1] prod", "", "what is written about the top of that is found here"),
    ] {
        site(alias, folder)
            .are(
                &["part/loose/loose.vmdk", "part/loose/loose-flat.vmdk"],
                "unknown/ambiguous-datastore never",
            )
            .says("part/loose/loose.vmdk", told)
            .complete(false);
    }
    for (alias, folder) in [("ds1", ""), ("[ds1] prod/vms", "prod/vms/")] {
        site(alias, folder)
            .is("part/web/web.vmdk", "owned")
            .no_gap("ambiguous-datastore");
    }
}

#[test]
fn a_datastore_whose_vms_are_gone_is_no_folder_of_itself() {
    Site::vmware()
        .disk("ds1/loose/loose")
        .disk("ds1/app/app")
        .inventory(
            esx("vc1")
                .datastore("ds1", &[], &["esx1"])
                .vm(row_of("web"))
                .vm(row_of("db")),
        )
        .only_as_it_is()
        .judge()
        .no_gap("ambiguous-datastore");
}

#[test]
fn v63_a_label_may_hold_brackets() {
    for (label, other) in [
        ("[Prod] nfs01", "nfs02"),
        ("SAN [gold] 01", "SAN"),
        ("[Prod]", "Prod [2]"),
    ] {
        let config = format!("[{label}] web/web.vmx");
        let data = format!("[{label}] data/data.vmdk");
        let inventory = esx("vc1")
            .datastore(label, &[], &["esx1"])
            .datastore(other, &[], &["esx1"])
            .vm(row("web", &config, &[&data]));
        Site::bare()
            .root("ds1", &[label])
            .vm("ds1", "web")
            .disk("ds1/data/data")
            .disk("ds1/loose/loose")
            .inventory(inventory)
            .judge()
            .are(&["ds1/web/web.vmx", "ds1/data/data-flat.vmdk"], "owned")
            .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
    }
}

/// `nfsA` is scanned and `nfsB` not; `web` is registered there, and lies in the folder `sub` of what was scanned.
fn nested_exports(outer: &str, inner: &str) -> Judged {
    let web = row(
        "web",
        "[nfsB] web/web.vmx",
        &["[nfsB] web/web.vmdk", "[nfsB] data/data.vmdk"],
    );
    Site::bare()
        .root("ds1", &["nfsA"])
        .vm("ds1", "top")
        .vm("ds1/sub", "web")
        .disk("ds1/sub/data/data")
        .disk("ds1/sub/loose/loose")
        .inventory(
            esx("vc1")
                .datastore("nfsA", &[outer], &["esx1"])
                .datastore("nfsB", &[inner], &["esx1"])
                .vm(row("top", "[nfsA] top/top.vmx", &["[nfsA] top/top.vmdk"]))
                .vm(web),
        )
        .judge()
}

#[test]
fn v64_an_export_in_a_folder_of_another_is_found_there() {
    let files = [
        "ds1/sub/web/web.vmx",
        "ds1/sub/web/web.vmdk",
        "ds1/sub/data/data-flat.vmdk",
    ];
    for (outer, inner) in [
        ("nas01:/export", "nas01:/export/sub"),
        ("nas01:/export/", "NAS01.lab.example:/export/sub/"),
        ("nas01:/", "nas01:/sub"),
    ] {
        let judged = nested_exports(outer, inner);
        judged.are(&files, "owned");
        assert_eq!(judged.missing("web"), Vec::<String>::new());
    }
}

#[test]
fn v64_a_file_at_the_end_of_whose_path_a_vm_has_one_on_an_unscanned_export_is_not_judged() {
    for inner in ["nas02:/export/sub", "nas01:/other/sub"] {
        nested_exports("nas01:/export", inner)
            .is("ds1/sub/web/web.vmx", "unknown")
            .is("ds1/sub/data/data.vmdk", "unknown");
    }
}

/// Two datastores of VMFS with two VMs each, scanned as these roots.
fn two_of_vmfs(site: Site, folders: [&str; 2]) -> Site {
    let urls = [UUID, OTHER].map(|id| format!("ds:///vmfs/volumes/{id}/"));
    let mut inventory =
        esx("vc1")
            .datastore("vmfs01", &[&urls[0]], &["esx1"])
            .datastore("vmfs02", &[&urls[1]], &["esx1"]);
    let mut site = site;
    for (label, folder) in ["vmfs01", "vmfs02"].into_iter().zip(folders) {
        for number in 1..=2 {
            let name = format!("{label}-{number}");
            let disks = [
                format!("[{label}] {name}/{name}.vmdk"),
                format!("[{label}] data/{name}.vmdk"),
            ];
            let disks: Vec<&str> = disks.iter().map(String::as_str).collect();
            inventory = inventory.vm(Registration {
                listing: Listing::WholeChains,
                ..row(&name, &format!("[{label}] {name}/{name}.vmx"), &disks)
            });
            if !folder.is_empty() {
                site = site.vm(folder, &name).disk(&format!("{folder}/data/{name}"));
            }
        }
    }
    site.inventory(inventory)
}

#[test]
fn v66_an_alias_that_the_files_contradict_lets_nothing_be_judged() {
    // The folder above both datastores has the alias of one.
    let above = Site::bare().root("all", &["vmfs01"]).disk("all/vmfs02/loose/loose");
    two_of_vmfs(above, ["all/vmfs01", "all/vmfs02"]).judge().are(
        &[
            "all/vmfs02/vmfs02-1/vmfs02-1.vmx",
            "all/vmfs02/data/vmfs02-1.vmdk",
            "all/vmfs01/data/vmfs01-1.vmdk",
            "all/vmfs02/loose/loose.vmdk",
        ],
        "unknown/ambiguous-datastore",
    );
    // The root of one datastore has the alias of the other.
    let swapped = Site::bare().root("ds1", &["vmfs02"]).disk("ds1/loose/loose");
    two_of_vmfs(swapped, ["ds1", ""])
        .judge()
        .is("ds1/data/vmfs01-1.vmdk", "unknown/ambiguous-datastore")
        .is("ds1/loose/loose.vmdk", "unknown/ambiguous-datastore");
    let right = Site::bare().root("ds1", &["vmfs01"]).disk("ds1/loose/loose");
    two_of_vmfs(right, ["ds1", ""])
        .disk("ds1/backup/vmfs02-1/vmfs02-1")
        .judge()
        .is("ds1/data/vmfs01-1.vmdk", "owned")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn the_folder_of_a_vm_that_was_given_as_its_datastore_has_disks_at_its_top_and_nothing_that_is_listed() {
    let site = |disk: &str| {
        Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds2", "app")
            .disk(disk)
            .inventory(
                vcenter()
                    .datastore("ds2", &[], &["esx1"])
                    .vm(row("app", "[ds2] app/app.vmx", &["[ds2] app/app.vmdk"]))
                    .vm(row_of("web-1"))
                    .vm(row_of("web-2")),
            )
    };
    site("ds1/web")
        .judge()
        .is("ds1/web.vmdk", "unknown/ambiguous-datastore never")
        .says("ds1/web.vmdk", "it may be a folder of that datastore");
    site("ds1/web/web")
        .judge()
        .is("ds1/web/web.vmdk", "orphaned/deleted-vm-disk");
    site("ds1/web")
        .vm("ds1", "web-2")
        .judge()
        .is("ds1/web.vmdk", "orphaned/deleted-vm-disk");
}
