//! Cases H-B1 – H-B10: names of volumes, shares, namespaces and drives.

use derelict::{
    inventory::{InventoryKind, OtherName},
    kind::Platform,
    report::model::Verdict,
};
use derelict_parsers::testkit::vhdx::{ParentPaths, VhdxBuilder};

use crate::support::{Export, Judged, Site, hyperv_host, hyperv_row, hyperv_vm, inventory, vhdx, vm_id};

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
fn hb1_a_folder_given_as_the_whole_volume_is_told_and_not_judged() {
    let site = |alias: &str| {
        let id = vm_id("web").to_string().to_uppercase();
        let place = r"C:\ClusterStorage\Volume1\VMs\web";
        let mut vm = hyperv_row("web", &[&format!(r"{place}\web.vhdx")]);
        vm.instance_id = None;
        vm.config = Some(format!(r"{place}\Virtual Machines\{id}.vmcx"));
        Site::bare()
            .root("csv1", &[alias])
            .vmcx("csv1/web", &hyperv_vm("web", &[&format!(r"{place}\web.vhdx")]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(vm))
            .only_as_it_is()
            .judge()
    };
    site(r"C:\ClusterStorage\Volume1")
        .is("csv1/old/old.vhdx", "unknown/ambiguous-datastore never")
        .says("csv1/old/old.vhdx", "its folder VMs is found at the top");
    site(r"C:\ClusterStorage\Volume1\VMs")
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
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
    let listed = |names: &[&str], folder: &str| {
        let mut site = Site::bare().root("share", &[r"\\fs01\vms"]);
        let mut host = hyperv_host("hv1").datastore("vms", &[r"\\fs01\vms"], &["hv1"]);
        for name in names {
            let path = folder.replace("NAME", name);
            let mut vm = hyperv_row(name, &[&path]);
            vm.config = vm
                .config
                .map(|config| config.replace(r"C:\ClusterStorage\Volume1", r"\\fs01\vms"));
            host = host.vm(vm);
            site = site
                .vmcx(&format!("share/{name}"), &hyperv_vm(name, &[&path]))
                .vhdx(&format!("share/{name}/{name}.vhdx"), &vhdx(name));
        }
        site.vhdx("share/old/old.vhdx", &vhdx("old")).inventory(host).judge()
    };
    let names = ["web", "db", "mail"];
    listed(&names, r"\\corp.example\dfs\hyperv\vms\NAME\NAME.vhdx")
        .is("share/web/web.vhdx", "owned")
        .is("share/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("outside-scan");
    listed(&names, r"\\corp.example\dfs\hyperv\vms\other\NAME.vhdx")
        .is("share/old/old.vhdx", "unknown/outside-scan")
        .gap("outside-scan");
    // Every site has a `web/web.vhdx`: one alone ties nothing to a share that has a name.
    listed(&names[..1], r"\\corp.example\dfs\hyperv\vms\NAME\NAME.vhdx")
        .is("share/web/web.vhdx", "owned")
        .is("share/old/old.vhdx", "unknown/outside-scan");
}

#[test]
fn hb3_spelling_does_not_count() {
    for path in [
        r"c:\clusterstorage\volume1\WEB\Web.VHDX",
        "C:/ClusterStorage/Volume1/web/web.vhdx",
        r"C:\ClusterStorage\Volume1\\web\\web.vhdx",
        r"C:\ClusterStorage\Volume1\web.\web.vhdx ",
        r"C:\ClusterStorage\Volume1 \web\web.vhdx",
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
