//! Paths and identity: cases V63 – V73 and H-B1 – H-B10.

use derelict::{
    inventory::{Inventory, InventoryKind, OtherName},
    kind::Platform,
    report::model::Verdict,
};
use derelict_parsers::testkit::{
    vhdx::{ParentPaths, VhdxBuilder},
    vmware::{DescriptorBuilder, cowd},
};

use super::support::{
    Export, Judged, SECTORS, Site, config_only, descriptor, hyperv_host, hyperv_row, hyperv_vm, inventory, row, row_of,
    vcenter, vhdx, vm_id, vmx,
};

const UUID: &str = "5f1c2d3e-0badc0de-1111-001b21aa0001";
const OTHER: &str = "5f1c2d3e-0badc0de-2222-001b21aa0002";

fn esx(source: &str) -> Inventory {
    inventory(source, Platform::Vmware, InventoryKind::RvtoolsXlsx).host("esx1")
}

// --- V63 – V73 ------------------------------------------------------------------------------------------------------

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

#[test]
fn v66_one_label_of_two_vcenters_is_not_guessed() {
    let first = esx("vc1")
        .datastore("ds", &[&format!("/vmfs/volumes/{UUID}")], &["esx1"])
        .vm(row("a", "[ds] a/a.vmx", &["[ds] a/a.vmdk"]));
    let second = esx("vc2")
        .datastore("ds", &[&format!("/vmfs/volumes/{OTHER}")], &["esx1"])
        .vm(row("b", "[ds] b/b.vmx", &["[ds] b/b.vmdk"]));
    Site::bare()
        .root("ds1", &["ds"])
        .disk("ds1/loose/loose")
        .vm("ds1", "unseen")
        .inventory(first)
        .inventory(second)
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown")
        .is("ds1/unseen/unseen.vmdk", "unknown");
}

#[test]
fn v66_two_roots_of_one_label_are_told_apart_by_what_lies_in_them() {
    let first = esx("vc1")
        .datastore("ds", &[&format!("/vmfs/volumes/{UUID}")], &["esx1"])
        .vm(row("a", "[ds] a/a.vmx", &["[ds] a/a.vmdk"]));
    let second = esx("vc2")
        .datastore("ds", &[&format!("/vmfs/volumes/{OTHER}")], &["esx1"])
        .vm(row("b", "[ds] b/b.vmx", &["[ds] b/b.vmdk"]));
    Site::bare()
        .root("one", &[])
        .root("two", &[])
        .vm("one", "a")
        .vm("two", "b")
        .disk("one/b/b")
        .inventory(first)
        .inventory(second)
        .judge()
        .are(&["one/a/a.vmdk", "two/b/b.vmdk"], "owned");
}

#[test]
fn v66_the_same_label_on_two_vcenters_never_crosses_over() {
    let first = esx("vc1")
        .datastore("ds", &[&format!("/vmfs/volumes/{UUID}")], &["esx1"])
        .vm(row("a", "[ds] a/a.vmx", &["[ds] a/a.vmdk"]));
    let second = esx("vc2")
        .datastore("ds", &[&format!("/vmfs/volumes/{OTHER}")], &["esx1"])
        .vm(row("b", "[ds] b/b.vmx", &["[ds] b/b.vmdk"]));
    Site::bare()
        .root("one", &[&format!("/vmfs/volumes/{UUID}")])
        .root("two", &[&format!("/vmfs/volumes/{OTHER}")])
        .vm("one", "a")
        .vm("two", "b")
        .disk("two/a/a")
        .inventory(first)
        .inventory(second)
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

// --- H-B1 – H-B10 ---------------------------------------------------------------------------------------------------

/// A VM whose disk is listed by a path that each case writes in another way.
fn listed_as(aliases: &[&str], records: &[&str], disk: &str) {
    let id = vm_id("web").to_string().to_uppercase();
    let mut vm = hyperv_row("web", &[disk]);
    vm.config = Some(format!(r"C:\ClusterStorage\Volume1\web\Virtual Machines\{id}.vmcx"));
    let mut all = vec![r"C:\ClusterStorage\Volume1"];
    all.extend(aliases);
    let mut names = vec![r"C:\ClusterStorage\Volume1"];
    names.extend(records);
    Site::bare()
        .root("csv1", &all)
        .vmcx("csv1/web", &hyperv_vm("web", &[]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/old/old.vhdx", &vhdx("old"))
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .datastore("Volume1", &names, &["hv1"])
                .vm(vm),
        )
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hb1_one_volume_has_many_names() {
    let guid = r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}\";
    listed_as(
        &[],
        &[guid],
        r"\\?\Volume{0F1E2D3C-0000-1111-2222-333344445555}\web\web.vhdx",
    );
    listed_as(
        &[guid],
        &[],
        r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}\web\web.vhdx",
    );
    listed_as(
        &[],
        &[guid],
        r"\\.\Volume{0f1e2d3c-0000-1111-2222-333344445555}\web\web.vhdx",
    );
    listed_as(&[], &[], r"\\hv1\C$\ClusterStorage\Volume1\web\web.vhdx");
    listed_as(&[], &[], r"\\?\C:\ClusterStorage\Volume1\web\web.vhdx");
    listed_as(&[], &[], r"\??\C:\ClusterStorage\Volume1\web\web.vhdx");
}

#[test]
fn hb2_one_server_has_many_names() {
    let share = r"\\files.example.com\vms";
    for path in [
        r"\\files\vms\web\web.vhdx",
        r"\\FILES.example.com\VMs\web\web.vhdx",
        r"\\?\UNC\files\vms\web\web.vhdx",
        "//files/vms/web/web.vhdx",
    ] {
        listed_as(&[share], &[], path);
    }
}

/// A VM that names its disk through a share; the export may tell which folder the share is.
fn through_a_share(disk: &str, others: &[(&str, &str, Option<&str>)]) -> Judged {
    let id = vm_id("web").to_string().to_uppercase();
    let mut vm = hyperv_row("web", &[disk]);
    vm.config = Some(format!(r"C:\ClusterStorage\Volume1\web\Virtual Machines\{id}.vmcx"));
    let mut host = hyperv_host("hv1").vm(vm);
    host.observations.other_names = others
        .iter()
        .map(|(path, name, host)| OtherName {
            path: (*path).to_owned(),
            name: (*name).to_owned(),
            host: host.map(str::to_owned),
        })
        .collect();
    Site::bare()
        .root("csv1", &[r"C:\ClusterStorage\Volume1"])
        .vmcx("csv1/web", &hyperv_vm("web", &[]))
        .vhdx("csv1/Shares/VMs/web.vhdx", &vhdx("web"))
        .vhdx("csv1/Shares/VMs/old.vhdx", &vhdx("old"))
        .inventory(host)
        .judge()
}

#[test]
fn hb2_a_share_is_a_folder_of_a_volume() {
    let share = (r"C:\ClusterStorage\Volume1\Shares\VMs", r"\\sofs\vms", Some("hv1"));
    let namespace = (r"\\sofs\vms", r"\\lab\files\machines", None);
    through_a_share(r"\\SOFS.lab.example\VMs\web.vhdx", &[share])
        .is("csv1/Shares/VMs/web.vhdx", "owned")
        .is("csv1/Shares/VMs/old.vhdx", "orphaned/deleted-vm-disk");
    through_a_share(r"\\lab\files\Machines\web.vhdx", &[namespace, share]).is("csv1/Shares/VMs/web.vhdx", "owned");
    let judged = through_a_share(r"\\sofs\vms\web.vhdx", &[]);
    assert_ne!(judged.artifact("csv1/Shares/VMs/web.vhdx").verdict, Verdict::Owned);
}

#[test]
fn hb2_names_that_go_round_in_a_circle_end() {
    let circle = [(r"\\a\s\x", r"\\b\s\x\x", None), (r"\\b\s\x", r"\\a\s\x\x", None)];
    let judged = through_a_share(r"\\a\s\x\x\web.vhdx", &circle);
    assert_ne!(judged.artifact("csv1/Shares/VMs/web.vhdx").verdict, Verdict::Owned);
}

#[test]
fn hb5_a_drive_of_one_host_is_tied_to_its_volume_only() {
    let guid = |letter: char| format!(r"\\?\Volume{{0f1e2d3c-0000-1111-2222-33334444555{letter}}}\");
    let other = |host: &str, letter: char| OtherName {
        path: r"D:\".to_owned(),
        name: guid(letter),
        host: Some(host.to_owned()),
    };
    let mut row = hyperv_row("a", &[r"D:\VMs\a.vhdx"]);
    row.config = Some(format!(
        r"D:\VMs\Virtual Machines\{}.vmcx",
        vm_id("a").to_string().to_uppercase()
    ));
    row.host = Some("hv1".to_owned());
    let mut export = inventory("c", Platform::Hyperv, InventoryKind::HypervJson)
        .host("hv1")
        .host("hv2")
        .vm(row);
    export.observations.other_names = vec![other("hv1", '1'), other("hv2", '2')];
    Site::bare()
        .root("one", &[&guid('1')])
        .root("two", &[&guid('2')])
        .vmcx("one/VMs", &hyperv_vm("a", &[r"D:\VMs\a.vhdx"]))
        .vhdx("one/VMs/a.vhdx", &vhdx("a"))
        .vhdx("two/VMs/a.vhdx", &vhdx("other"))
        .inventory(export)
        .judge()
        .is("one/VMs/a.vhdx", "owned")
        .owners("two/VMs/a.vhdx", &[]);
}

#[test]
fn hb2_a_name_of_dfs_is_tied_to_the_share_by_what_lies_there() {
    let listed = |path: &str| {
        let mut vm = hyperv_row("web", &[path]);
        vm.config = vm
            .config
            .map(|config| config.replace(r"C:\ClusterStorage\Volume1", r"\\fs01\vms"));
        Site::bare()
            .root("share", &[r"\\fs01\vms"])
            .vmcx("share/web", &hyperv_vm("web", &[path]))
            .vhdx("share/web/web.vhdx", &vhdx("web"))
            .vhdx("share/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").datastore("vms", &[r"\\fs01\vms"], &["hv1"]).vm(vm))
            .judge()
    };
    listed(r"\\corp.example\dfs\hyperv\vms\web\web.vhdx")
        .is("share/web/web.vhdx", "owned")
        .is("share/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("outside-scan");
    listed(r"\\corp.example\dfs\hyperv\vms\other\web.vhdx")
        .is("share/old/old.vhdx", "unknown/outside-scan")
        .gap("outside-scan");
}

#[test]
fn hb3_spelling_does_not_count() {
    for path in [
        r"c:\clusterstorage\volume1\WEB\Web.VHDX",
        "C:/ClusterStorage/Volume1/web/web.vhdx",
        r"C:\ClusterStorage\Volume1\\web\\web.vhdx",
        r"C:\ClusterStorage\Volume1\web.\web.vhdx ",
        r"C:\ClusterStorage\Volume1\web\x\..\web.vhdx",
    ] {
        listed_as(&[], &[], path);
    }
}

#[test]
fn hb3_composed_and_decomposed_names_are_one() {
    let disk = "C:\\ClusterStorage\\Volume1\\web\\b\u{fc}ro.vhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
        .vhdx("csv1/web/bu\u{308}ro.vhdx", &vhdx("b"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])))
        .judge()
        .is("csv1/web/bu\u{308}ro.vhdx", "owned");
}

#[test]
fn hb4_a_renamed_volume_leaves_parents_linked_by_relative_path() {
    let leaf = r"C:\ClusterStorage\Gold\web\web_A.avhdx";
    let paths = ParentPaths {
        relative: r".\web.vhdx",
        absolute: r"C:\ClusterStorage\Volume1\web\web.vhdx",
        volume: "",
    };
    let mut vm = hyperv_row("web", &[leaf]);
    vm.config = vm.config.map(|config| config.replace("Volume1", "Gold"));
    Site::bare()
        .root("csv1", &[r"C:\ClusterStorage\Gold"])
        .vmcx("csv1/web", &hyperv_vm("web", &[leaf]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv1/web/web_A.avhdx", &VhdxBuilder::child_of(&vhdx("web"), paths, 9))
        .vhdx("csv1/web/left.vhdx", &vhdx("left"))
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .datastore("Gold", &[r"C:\ClusterStorage\Gold"], &["hv1"])
                .vm(vm),
        )
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/web/left.vhdx", "orphaned/deleted-vm-disk")
        .no_problem("broken-chain");
}

#[test]
fn hb5_one_drive_letter_of_two_hosts_is_two_volumes() {
    let row_on = |host: &str, name: &str| {
        let mut vm = hyperv_row(name, &[&format!(r"D:\VMs\{name}.vhdx")]);
        vm.config = Some(format!(
            r"D:\VMs\Virtual Machines\{}.vmcx",
            vm_id(name).to_string().to_uppercase()
        ));
        vm.host = Some(host.to_owned());
        vm
    };
    let host = |name: &str| inventory(name, Platform::Hyperv, InventoryKind::HypervJson).host(name);
    Site::bare()
        .root("one", &[r"\\hv1\D$"])
        .root("two", &[r"\\hv2\D$"])
        .vmcx("one/VMs", &hyperv_vm("a", &[r"D:\VMs\a.vhdx"]))
        .vhdx("one/VMs/a.vhdx", &vhdx("a"))
        .vhdx("one/VMs/b.vhdx", &vhdx("b-old"))
        .vmcx("two/VMs", &hyperv_vm("b", &[r"D:\VMs\b.vhdx"]))
        .vhdx("two/VMs/b.vhdx", &vhdx("b"))
        .inventory(host("hv1").vm(row_on("hv1", "a")))
        .inventory(host("hv2").vm(row_on("hv2", "b")))
        .judge()
        .are(&["one/VMs/a.vhdx", "two/VMs/b.vhdx"], "owned")
        .owners("two/VMs/b.vhdx", &["b"]);
}

#[test]
fn hb6_a_link_that_registers_a_vm_and_leads_to_nothing_is_a_ghost() {
    let link = format!(
        "csv1/Host/Virtual Machines/{}.xml",
        vm_id("web").to_string().to_uppercase()
    );
    let site = |target: &str| {
        Site::hyperv()
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vmcx(
                "csv1/web",
                &hyperv_vm("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]),
            )
            .symlink(&link, target)
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"])))
            .judge()
    };
    let name = format!("{}.vmcx", vm_id("web").to_string().to_uppercase());
    site("../../gone/gone.xml").problem("ghost", "gone.xml");
    site(r"C:\ClusterStorage\Volume1\gone\gone.xml").problem("ghost", "gone.xml");
    site(&format!("../../web/Virtual Machines/{name}")).no_problem("ghost");
    site(&format!(r"C:\ClusterStorage\Volume1\web\Virtual Machines\{name}")).no_problem("ghost");
    site(r"E:\elsewhere\gone.xml").no_problem("ghost");
}

#[test]
fn hb7_one_file_seen_through_two_roots_counts_once_and_is_owned_under_both_names() {
    let judged = Site::hyperv()
        .root("share", &[r"\\files\vms"])
        .vmcx(
            "csv1/web",
            &hyperv_vm("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"]),
        )
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .hard_link("share/web/web.vhdx", "csv1/web/web.vhdx")
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[r"C:\ClusterStorage\Volume1\web\web.vhdx"])))
        .judge();
    judged.is("share/web/web.vhdx", "owned");
    let files: u64 = judged.report.summary.verdicts.values().map(|sum| sum.files).sum();
    assert_eq!(files, 2);
}

#[test]
fn hb8_files_in_the_top_of_a_volume_are_judged_as_any() {
    let disk = r"C:\ClusterStorage\Volume1\web.vhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
        .vhdx("csv1/web.vhdx", &vhdx("web"))
        .vhdx("csv1/left.vhdx", &vhdx("left"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])))
        .judge()
        .is("csv1/web.vhdx", "owned")
        .is("csv1/left.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hb9_a_vm_may_lie_on_several_volumes() {
    let data = r"C:\ClusterStorage\Volume2\other vm\data.vhdx";
    let system = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    Site::hyperv()
        .root("csv2", &[r"C:\ClusterStorage\Volume2"])
        .vmcx("csv1/web", &hyperv_vm("web", &[system, data]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv2/other vm/data.vhdx", &vhdx("data"))
        .vhdx("csv2/other vm/left.vhdx", &vhdx("left"))
        .inventory(
            hyperv_host("hv1")
                .datastore("Volume2", &[r"C:\ClusterStorage\Volume2"], &["hv1"])
                .vm(hyperv_row("web", &[system, data])),
        )
        .judge()
        .are(&["csv1/web/web.vhdx", "csv2/other vm/data.vhdx"], "owned")
        .is("csv2/other vm/left.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hb10_a_binned_disk_is_shown_and_unknown_while_a_vm_misses_one() {
    let disk = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    let site = || {
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
            .vhdx("csv1/$RECYCLE.BIN/S-1-5-21-1/$R0A1B2C.vhdx", &vhdx("bin"))
            .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])))
    };
    site()
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .judge()
        .is(
            "csv1/$RECYCLE.BIN/S-1-5-21-1/$R0A1B2C.vhdx",
            "orphaned/recycle-bin review",
        )
        .confidence("csv1/$RECYCLE.BIN/S-1-5-21-1/$R0A1B2C.vhdx", "low");
    site()
        .judge()
        .is("csv1/$RECYCLE.BIN/S-1-5-21-1/$R0A1B2C.vhdx", "unknown");
}

// --- against the first law ------------------------------------------------------------------------------------------

/// Two roots on storage of their own: device numbers tell nothing of one about the other.
fn on_other_device(site: Site, root: usize) -> Site {
    site.change(move |catalogue| {
        for artifact in catalogue
            .artifacts
            .iter_mut()
            .filter(|artifact| artifact.entry.root == root)
        {
            artifact.entry.device += 1000;
        }
    })
}

/// A volume, and a share on storage that looks like another device and shows the disk of a VM on the volume.
fn volume_seen_through_a_share() -> Site {
    let disk = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    let other = r"\\files\vms\other\other.vhdx";
    let mut on_share = hyperv_row("other", &[other]);
    on_share.config = Some(format!(
        r"\\files\vms\other\Virtual Machines\{}.vmcx",
        vm_id("other").to_string().to_uppercase()
    ));
    let site = Site::hyperv()
        .root("share", &[r"\\files\vms"])
        .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("share/web/web.vhdx", &vhdx("web"))
        .vmcx("share/other", &hyperv_vm("other", &[other]))
        .vhdx("share/other/other.vhdx", &vhdx("other"));
    on_other_device(site, 1)
        .only_as_it_is()
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[disk])).vm(on_share))
}

#[test]
fn hb7_a_file_seen_through_a_share_and_a_volume_is_no_leftover_of_itself() {
    volume_seen_through_a_share()
        .created("csv1/web/web.vhdx", "2026-01-01T00:00:00Z")
        .created("share/web/web.vhdx", "2026-01-01T00:00:00Z")
        .judge()
        .are(&["csv1/web/web.vhdx", "share/web/web.vhdx"], "owned");
}

#[test]
fn hb7_where_a_mount_tells_no_creation_a_file_that_looks_like_a_needed_one_is_not_judged() {
    volume_seen_through_a_share()
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .is("share/web/web.vhdx", "unknown/ambiguous-reference");
    volume_seen_through_a_share()
        .created("share/web/web.vhdx", "2026-01-01T00:00:00Z")
        .judge()
        .is("share/web/web.vhdx", "unknown/ambiguous-reference");
}

#[test]
fn hb7_a_file_created_at_another_time_is_a_leftover() {
    volume_seen_through_a_share()
        .created("csv1/web/web.vhdx", "2026-02-01T00:00:00Z")
        .created("share/web/web.vhdx", "2026-01-01T00:00:00Z")
        .judge()
        .is("share/web/web.vhdx", "orphaned/migration-leftover");
}

#[test]
fn hd15_a_twin_with_another_time_on_other_storage_is_a_leftover() {
    let disk = r"C:\ClusterStorage\Volume1\web\web.vhdx";
    let site = Site::hyperv()
        .root("csv2", &[r"C:\ClusterStorage\Volume2"])
        .vmcx("csv1/web", &hyperv_vm("web", &[disk]))
        .vhdx("csv1/web/web.vhdx", &vhdx("web"))
        .vhdx("csv2/web/web.vhdx", &vhdx("web"))
        .modified("csv2/web/web.vhdx", "2026-08-01T00:00:00Z");
    on_other_device(site, 1)
        .inventory(
            hyperv_host("hv1")
                .datastore("Volume2", &[r"C:\ClusterStorage\Volume2"], &["hv1"])
                .vm(hyperv_row("web", &[disk])),
        )
        .judge()
        .is("csv2/web/web.vhdx", "orphaned/migration-leftover candidate");
}

#[test]
fn hb2_a_vm_under_a_name_that_nobody_tied_to_the_share_owns_its_disks() {
    let folder = r"\\dfs\prod\web\Virtual Hard Disks\web.vhdx";
    let known = r"\\files\vms\known\known.vhdx";
    let with_config = |name: &str, root: &str, disk: &str| {
        let mut vm = hyperv_row(name, &[disk]);
        let id = vm_id(name).to_string().to_uppercase();
        vm.config = Some(format!(r"{root}\{name}\Virtual Machines\{id}.vmcx"));
        vm
    };
    Site::bare()
        .root("share", &[r"\\files\vms"])
        .vmcx("share/web", &hyperv_vm("web", &[folder]))
        .vhdx("share/web/Virtual Hard Disks/web.vhdx", &vhdx("web"))
        .vmcx("share/known", &hyperv_vm("known", &[known]))
        .vhdx("share/known/known.vhdx", &vhdx("known"))
        .vhdx("share/old/old.vhdx", &vhdx("old"))
        .only_as_it_is()
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .vm(with_config("web", r"\\dfs\prod", folder))
                .vm(with_config("known", r"\\files\vms", known)),
        )
        .judge()
        .are(
            &["share/web/Virtual Hard Disks/web.vhdx", "share/known/known.vhdx"],
            "owned",
        );
}

#[test]
fn v65_an_absolute_link_of_a_datastore_leads_to_the_file() {
    let folder = "0f1e2d3c-0000-1111-2222-333344445555";
    Site::vmware()
        .vmx(&format!("ds1/{folder}"), "web", &["web.vmdk"])
        .disk(&format!("ds1/{folder}/web"))
        .symlink(
            "ds1/web",
            &format!("/vmfs/volumes/vsan:52aabbccddeeff00-1122334455667788/{folder}"),
        )
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is(&format!("ds1/{folder}/web.vmdk"), "owned");
}

#[test]
fn v65_a_link_to_another_datastore_leads_to_the_file_there() {
    let two = |target: &str| {
        Site::vmware()
            .root("ds2", &["ds2", &format!("/vmfs/volumes/{UUID}")])
            .vmx("ds1/web", "web", &["data.vmdk"])
            .symlink("ds1/web/data.vmdk", target)
            .disk("ds2/data/data")
            .disk("ds2/data/old")
            .inventory(
                vcenter()
                    .datastore("ds2", &[], &["esx1"])
                    .vm(config_only("web", "[ds1] web/web.vmx")),
            )
            .judge()
    };
    for target in [
        &format!("/vmfs/volumes/{UUID}/data/data.vmdk"),
        "../../ds2/data/data.vmdk",
    ] {
        two(target)
            .are(&["ds2/data/data.vmdk", "ds2/data/data-flat.vmdk"], "owned")
            .is("ds2/data/old.vmdk", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn v65_a_link_that_leaves_the_scan_is_outside() {
    Site::vmware()
        .vmx("ds1/web", "web", &["data.vmdk"])
        .symlink("ds1/web/data.vmdk", "/mnt/elsewhere/data.vmdk")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .no_problem("missing-disk")
        .gap("outside-scan");
}

#[test]
fn two_files_with_the_id_of_a_parent_whose_path_is_stale_are_both_protected() {
    let paths = ParentPaths {
        relative: r".\gone.vhdx",
        ..ParentPaths::default()
    };
    let leaf = r"C:\ClusterStorage\Volume1\web\web_A.avhdx";
    Site::hyperv()
        .vmcx("csv1/web", &hyperv_vm("web", &[leaf]))
        .vhdx("csv1/web/web_A.avhdx", &VhdxBuilder::child_of(&vhdx("web"), paths, 5))
        .vhdx("csv1/moved/web.vhdx", &vhdx("web"))
        .vhdx("csv1/backup/web.vhdx", &vhdx("web"))
        .inventory(hyperv_host("hv1").vm(hyperv_row("web", &[leaf])))
        .judge()
        .are(&["csv1/moved/web.vhdx", "csv1/backup/web.vhdx"], "owned");
}

#[test]
fn the_base_of_a_broken_chain_is_protected_wherever_it_was_moved() {
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .delta("ds1/web/web-000001", "web.vmdk")
        .disk("ds1/moved/web")
        .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
        .judge()
        .are(&["ds1/moved/web.vmdk", "ds1/moved/web-flat.vmdk"], "owned");
}

#[test]
fn a_disk_with_name_and_size_of_a_lost_parent_is_not_judged() {
    let site = |parent_cid: u32| {
        let link = DescriptorBuilder::cowd_link("web-000001", SECTORS, 7, "web.vmdk", parent_cid);
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .file("ds1/web/web-000001.vmdk", link.build())
            .file("ds1/web/web-000001-delta.vmdk", cowd(8192))
            .disk("ds1/moved/web")
            .disk("ds1/old/old")
            .inventory(vcenter().vm(row("web", "[ds1] web/web.vmx", &["[ds1] web/web-000001.vmdk"])))
            .judge()
    };
    for parent_cid in [0xffff_fffe, 0x1234_5678] {
        site(parent_cid)
            .are(
                &["ds1/moved/web.vmdk", "ds1/moved/web-flat.vmdk"],
                "unknown/ambiguous-reference",
            )
            .problem("broken-chain", "web-000001.vmdk")
            .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn where_several_files_have_the_id_of_a_vm_that_moved_each_is_protected() {
    let mut vm = row_of("web");
    vm.instance_id = Some(vm_id("web"));
    let moved = |folder: &str, site: Site| site.vmx(folder, "web", &["web.vmdk"]).disk(&format!("{folder}/web"));
    let site = moved("ds1/backup", moved("ds1/new", Site::vmware()));
    site.inventory(vcenter().vm(vm))
        .judge()
        .are(
            &[
                "ds1/new/web.vmx",
                "ds1/new/web.vmdk",
                "ds1/backup/web.vmx",
                "ds1/backup/web.vmdk",
            ],
            "owned",
        )
        .problem("config-moved", "new/web.vmx")
        .no_problem("missing-disk");
}

#[test]
fn the_label_of_a_datastore_in_an_old_configuration_may_be_this_one() {
    // Where the inventory lists its datastores and none has the label, the only file of that path is the disk (V64).
    let mut without_list = vcenter();
    without_list.datastores.clear();
    Site::vmware()
        .vmx(
            "ds1/web",
            "web",
            &["web.vmdk", "/vmfs/volumes/old-label/data/data.vmdk"],
        )
        .disk("ds1/web/web")
        .disk("ds1/data/data")
        .inventory(without_list.vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .is("ds1/data/data.vmdk", "unknown/outside-scan");
}

#[test]
fn the_volume_id_of_a_host_export_is_tied_to_the_label_of_a_vcenter_by_what_lies_there() {
    let config = format!("/vmfs/volumes/{UUID}/b/b.vmx");
    Site::vmware()
        .vm("ds1", "a")
        .vm("ds1", "b")
        .inventory(vcenter().vm(row_of("a")))
        .inventory(inventory("esx2", Platform::Vmware, InventoryKind::EsxiInventory).vm(config_only("b", &config)))
        .judge()
        .are(&["ds1/a/a.vmdk", "ds1/b/b.vmdk"], "owned");
}
