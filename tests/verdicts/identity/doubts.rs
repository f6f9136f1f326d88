//! Names of volumes, shares and drives that may be of another place, and places that no name ties: cases H-A1, H-B1 – H-B5, H-D15.

use derelict::{
    inventory::{InventoryKind, Listing},
    kind::{Platform, Role},
    report::model::Verdict,
};

use crate::support::{Export, Judged, Site, hyperv_host, hyperv_row, hyperv_vm, inventory, listed, vhdx, vm_id};

/// A disk of `app` in a folder of a root, which is listed like this for another host, while `web` lies there by the name of the root.
fn listed_elsewhere(alias: &str, web: &str, path: &str, is_clustered: bool) -> Judged {
    let row = |name: &str, host: &str, path: &str| {
        let mut row = hyperv_row(name, &[path]);
        row.host = Some(host.to_owned());
        row.listing = Listing::WholeChains;
        row.clustered = is_clustered;
        row.config = Some(path.replace(&format!("{name}.vhdx"), r"Virtual Machines\a.vmcx"));
        row
    };
    Site::bare()
        .root("r", &[alias])
        .vmcx("r/web", &hyperv_vm("web", &[web]))
        .vhdx("r/web/web.vhdx", &vhdx("web"))
        .vhdx("r/data/app/app.vhdx", &vhdx("app"))
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .vm(row("web", "hv1", web)),
        )
        .inventory(
            inventory("hv2", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv2")
                .vm(row("app", "hv2", path)),
        )
        .only_as_it_is()
        .judge()
}

#[test]
fn hb2_a_file_that_ends_the_path_of_one_at_a_place_tied_to_no_root_is_not_judged() {
    let on_volume = |path: &str| {
        let volume = r"C:\ClusterStorage\Volume1";
        listed_elsewhere(volume, &format!(r"{volume}\web\web.vhdx"), path, false)
    };
    let disk = "r/data/app/app.vhdx";
    for path in [
        r"\\sofs\vms\app\app.vhdx",
        r"V:\app\app.vhdx",
        r"C:\Mounts\vol5\data\app\app.vhdx",
        r"\\?\GLOBALROOT\Device\HarddiskVolume7\app\app.vhdx",
    ] {
        on_volume(path).is(disk, "unknown/ambiguous-reference never");
    }
    // At the top of a share that is a folder, cut, and as an address.
    for path in [
        r"\\sofs\vms\app.vhdx",
        r"V:\app.vhdx",
        r"\\sofs\vms\app\ap...",
        r"\\sofs\vms\%61pp\%61pp.vhdx",
    ] {
        on_volume(path).is(disk, "unknown/ambiguous-reference never");
    }
    for path in [
        r"\\sofs\vms\other\app.vhdx",
        r"C:\ClusterStorage\Volume2\app\app.vhdx",
        r"C:\ClusterStorage\Volume2\app.vhdx",
        r"\\sofs\vms\app\b...",
    ] {
        on_volume(path).is(disk, "orphaned/deleted-vm-disk");
    }
}

#[test]
fn hb2_the_top_of_a_root_may_be_a_folder_of_another_name_of_it_and_the_other_way() {
    let on_share = |file: &str, registered: &str| {
        let share = r"\\nas01\vms";
        let web = format!(r"{share}\web\web.vhdx");
        let row = |name: &str, disk: &str| {
            let mut row = hyperv_row(name, &[disk]);
            row.config = Some(disk.replace(&format!("{name}.vhdx"), r"Virtual Machines\a.vmcx"));
            row.listing = Listing::WholeChains;
            row
        };
        let host = inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1");
        Site::bare()
            .root("r", &[share])
            .vmcx("r/web", &hyperv_vm("web", &[&web]))
            .vhdx("r/web/web.vhdx", &vhdx("web"))
            .vhdx(file, &vhdx("app"))
            .only_as_it_is()
            .inventory(host.vm(row("web", &web)).vm(row("app", registered)))
            .judge()
    };
    let [made, top, below] = [
        "r/Virtual Hard Disks/app.vhdx",
        "r/app.vhdx",
        "r/app/Virtual Hard Disks/app.vhdx",
    ];
    for (file, registered) in [
        (made, r"\\192.168.10.5\vms\Virtual Hard Disks\app.vhdx"),
        (made, r"V:\Virtual Hard Disks\app.vhdx"),
        (made, r"\\corp\dfs\hv\Virtual Hard Disks\app.vhdx"),
        (top, r"\\corp\dfs\hv\app.vhdx"),
        (below, r"\\nas02\app$\Virtual Hard Disks\app.vhdx"),
        (below, r"V:\Virtual Hard Disks\app.vhdx"),
        // The share, or the root, is the folder that Hyper-V made.
        (below, r"\\nas02\app$\app.vhdx"),
        (top, r"\\corp\dfs\hv\Virtual Hard Disks\app.vhdx"),
    ] {
        on_share(file, registered).is(file, "unknown/ambiguous-reference never");
    }
    for (file, registered) in [
        (made, r"\\corp\dfs\hv\Virtual Hard Disks\other.vhdx"),
        (below, r"\\corp\dfs\hv\app.vhdx"),
        (below, r"\\corp\dfs\other\Virtual Hard Disks\app.vhdx"),
    ] {
        on_share(file, registered).is(file, "orphaned/deleted-vm-disk");
    }
}

#[test]
fn hb5_the_drive_of_another_node_may_be_this_one_for_a_role_of_a_cluster() {
    let on_drive = |is_clustered| listed_elsewhere(r"\\hv1\E$", r"E:\web\web.vhdx", r"E:\app\app.vhdx", is_clustered);
    on_drive(true).is("r/data/app/app.vhdx", "unknown/ambiguous-reference never");
    on_drive(false).is("r/data/app/app.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha1_the_image_in_a_drive_makes_no_cover() {
    let site = |role: Role| {
        let web = r"C:\ClusterStorage\Volume1\web\web.vhdx";
        let mut row = hyperv_row("web", &[web]);
        row.files.push(listed(r"\\nas\x\iso\w.iso", role));
        Site::hyperv()
            .root("share", &[r"\\nas\x"])
            .vmcx("csv1/web", &hyperv_vm("web", &[web]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("share/old/old.vhdx", &vhdx("old"))
            .inventory(hyperv_host("hv1").vm(row))
            .only_as_it_is()
            .judge()
    };
    site(Role::Media).is("share/old/old.vhdx", "unknown/no-coverage");
    site(Role::Disk).is("share/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha1_an_alias_under_which_nothing_that_is_listed_is_found_is_of_another_volume() {
    let site = |there: &[&str]| {
        let path = |name: &str| format!(r"C:\ClusterStorage\Volume1\{name}\{name}.vhdx");
        let rows = ["web", "db", "mail"].map(|name| hyperv_row(name, &[&path(name)]));
        let host = rows.into_iter().fold(hyperv_host("hv1"), Export::vm);
        let site = there.iter().fold(Site::hyperv(), |site, name| {
            site.vmcx(&format!("csv1/{name}"), &hyperv_vm(name, &[&path(name)]))
                .vhdx(&format!("csv1/{name}/{name}.vhdx"), &vhdx(name))
        });
        site.vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(host)
            .only_as_it_is()
            .judge()
    };
    site(&[])
        .is("csv1/old/old.vhdx", "unknown/ambiguous-datastore")
        .gap("ambiguous-datastore");
    site(&["web", "db", "mail"]).is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn ha1_one_vm_that_is_not_there_speaks_against_a_name_where_others_are() {
    let site = |aliases: &[&str], left: &str| {
        let path = |name: &str| format!(r"C:\ClusterStorage\Volume1\{name}\{name}.vhdx");
        let volume = r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}\";
        let host = hyperv_host("hv1").datastore("Volume1", &[r"C:\ClusterStorage\Volume1", volume], &["hv1"]);
        Site::bare()
            .root("csv1", aliases)
            .vmcx("csv1/other", &hyperv_vm("other", &[&path("other")]))
            .vhdx("csv1/other/other.vhdx", &vhdx("other"))
            .vhdx(&format!("csv1/{left}/old.vhdx"), &vhdx("old"))
            .inventory(host.vm(hyperv_row("web", &[&path("web")])))
            .only_as_it_is()
            .judge()
    };
    let name = r"C:\ClusterStorage\Volume1";
    site(&[name], "old")
        .are(
            &["csv1/old/old.vhdx", "csv1/other/other.vhdx"],
            "unknown/ambiguous-datastore",
        )
        .gap("ambiguous-datastore");
    // Its folder is there, or an id says that it is the volume.
    site(&[name], "web/alt").no_gap("ambiguous-datastore");
    site(&[name, r"\\?\Volume{0F1E2D3C-0000-1111-2222-333344445555}"], "old")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("ambiguous-datastore");
}

#[test]
fn ha1_one_of_many_files_that_is_there_confirms_no_name() {
    let site = |is_confirmed: bool| {
        let path = |name: &str| format!(r"C:\ClusterStorage\Volume1\{name}\{name}.vhdx");
        let names = ["web", "db", "mail", "app"];
        let host = names.iter().fold(hyperv_host("hv1"), |host, name| {
            host.vm(hyperv_row(name, &[&path(name)]))
        });
        let web = if is_confirmed { "web" } else { "webb" };
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm(web, &[&path("web")]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vmcx("csv1/other", &hyperv_vm("other", &[&path("other")]))
            .vhdx("csv1/other/other.vhdx", &vhdx("other"))
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(host)
            .only_as_it_is()
            .judge()
    };
    site(false).are(
        &["csv1/old/old.vhdx", "csv1/other/other.vhdx"],
        "unknown/ambiguous-datastore",
    );
    site(true)
        .is("csv1/web/web.vhdx", "owned")
        .is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk")
        .no_gap("ambiguous-datastore");
}

/// `web`, of which only the configuration's place is told, and a configuration of its id in a root, which names its disk there.
fn left_behind(alias: &str, registered: &str, named: &str) -> Judged {
    let app = format!(r"{alias}\app\app.vhdx");
    let placed = |name: &str, top: &str| {
        let id = vm_id(name).to_string().to_uppercase();
        let mut row = hyperv_row(name, &[]);
        row.config = Some(format!(r"{top}\{name}\Virtual Machines\{id}.vmcx"));
        row.listing = Listing::ConfigOnly;
        row
    };
    Site::bare()
        .root("r", &[alias])
        .vmcx("r/app", &hyperv_vm("app", &[&app]))
        .vhdx("r/app/app.vhdx", &vhdx("app"))
        .vmcx("r/web", &hyperv_vm("web", &[&format!(r"{named}\web\web.vhdx")]))
        .vhdx("r/web/web.vhdx", &vhdx("web"))
        .vhdx("r/data/data.vhdx", &vhdx("data"))
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .vm(placed("app", alias))
                .vm(placed("web", registered)),
        )
        .only_as_it_is()
        .judge()
}

#[test]
fn hd15_a_configuration_that_a_move_left_behind_is_not_the_one_that_was_not_scanned() {
    for (alias, registered) in [
        (r"\\fs01\vms", r"\\fs02\vms"),
        (r"\\hv1\D$", "E:"),
        (r"C:\ClusterStorage\Volume1", r"C:\ClusterStorage\Volume2"),
        (r"C:\ClusterStorage\Volume1", r"\\fs02\vms"),
    ] {
        let judged = left_behind(alias, registered, alias);
        judged.is("r/data/data.vhdx", "unknown").is("r/app/app.vhdx", "owned");
        let verdict = judged.artifact("r/web/web.vhdx").verdict;
        assert_ne!(verdict, Verdict::Owned, "{alias}");
    }
    // It names its disk where it is registered: the share has two names.
    left_behind(r"\\fs01\vms", r"\\dfs\prod", r"\\dfs\prod")
        .are(&["r/web/web.vhdx", "r/app/app.vhdx"], "owned")
        .is("r/data/data.vhdx", "orphaned/deleted-vm-disk");
    // It names its disk at a third place: it may be a copy of the one that was not scanned.
    left_behind(r"\\fs01\vms", r"\\fs02\vms", r"\\fs09\vms").is("r/data/data.vhdx", "unknown");
}

#[test]
fn hd15_disks_that_lie_on_one_share_as_they_are_listed_on_another_may_be_left_from_a_move() {
    let site = |named: &str| {
        let disk = |share: &str, name: &str| format!(r"{share}\{name}\{name}.vhdx");
        let placed = |name: &str, share: &str| {
            let mut row = hyperv_row(name, &[&disk(share, name)]);
            row.config = row
                .config
                .map(|config| config.replace(r"C:\ClusterStorage\Volume1", share));
            row
        };
        let (here, there) = (r"\\fs01\vms", r"\\fs02\vms");
        let host = inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1");
        let moved = ["m1", "m2", "m3", "m4"];
        let host = moved
            .iter()
            .fold(host.vm(placed("app", here)), |host, name| host.vm(placed(name, there)));
        let site = Site::bare()
            .root("r", &[here])
            .vmcx("r/app", &hyperv_vm("app", &[&disk(here, "app")]))
            .vhdx("r/app/app.vhdx", &vhdx("app"))
            .vhdx("r/data/data.vhdx", &vhdx("data"));
        let site = moved.iter().fold(site, |site, name| {
            site.vhdx(&format!("r/{name}/{name}.vhdx"), &vhdx(name))
                .vmcx(&format!("r/{name}"), &hyperv_vm(name, &[&disk(named, name)]))
        });
        site.inventory(host).only_as_it_is().judge()
    };
    site(r"\\fs01\vms").is("r/data/data.vhdx", "unknown");
    site(r"\\fs02\vms")
        .is("r/m1/m1.vhdx", "owned")
        .is("r/data/data.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hb1_the_id_of_another_volume_beside_a_name_lets_nothing_be_judged() {
    let site = |id: &str| {
        let web = r"C:\ClusterStorage\Volume2\web\web.vhdx";
        let mut row = hyperv_row("web", &[web]);
        row.listing = Listing::WholeChains;
        row.config = row.config.map(|config| config.replace("Volume1", "Volume2"));
        let volume = r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}\";
        Site::bare()
            .root("csv1", &[r"C:\ClusterStorage\Volume1", id])
            .vhdx("csv1/old/old.vhdx", &vhdx("old"))
            .inventory(
                inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                    .host("hv1")
                    .datastore("Volume1", &[r"C:\ClusterStorage\Volume1", volume], &["hv1"])
                    .vm(row),
            )
            .only_as_it_is()
            .judge()
    };
    site(r"\\?\Volume{0f1e2d3c-0000-1111-2222-333344445555}").is("csv1/old/old.vhdx", "orphaned/deleted-vm-disk");
    site(r"\\?\Volume{0f1e2d3c-0000-1111-2222-999999999999}").is("csv1/old/old.vhdx", "unknown/ambiguous-datastore");
}

#[test]
fn hb4_a_volume_that_the_list_of_volumes_has_not_may_be_this_one_by_an_earlier_name() {
    let site = |volumes: &[&str]| {
        let web = r"C:\ClusterStorage\Volume1\web\web.vhdx";
        let mut app = hyperv_row("app", &[r"C:\ClusterStorage\CSV-OLD\app\app.vhdx"]);
        app.listing = Listing::WholeChains;
        app.config = app.config.map(|config| config.replace("Volume1", "Volume9"));
        let host = inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1");
        let host = volumes
            .iter()
            .fold(host, |host, volume| host.datastore(volume, &[volume], &["hv1"]));
        Site::hyperv()
            .vmcx("csv1/web", &hyperv_vm("web", &[web]))
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .vhdx("csv1/app/app.vhdx", &vhdx("app"))
            .inventory(host.vm(hyperv_row("web", &[web])).vm(app))
            .only_as_it_is()
            .judge()
    };
    let volume = |name: &str| format!(r"C:\ClusterStorage\{name}");
    site(&[&volume("Volume1"), &volume("Volume9")]).is("csv1/app/app.vhdx", "unknown/ambiguous-reference never");
    site(&[&volume("Volume1"), &volume("Volume9"), &volume("CSV-OLD")])
        .is("csv1/app/app.vhdx", "orphaned/deleted-vm-disk");
}

/// A drive of a host of which only a host of this name was exported, whose VM `known` has that letter; `web` lies there, and
/// `known` where it is said to.
fn drive_of(alias: &str, host: &str, has_known: bool) -> Judged {
    let path = |name: &str| format!(r"D:\VMs\{name}\{name}.vhdx");
    let mut row = hyperv_row("known", &[&path("known")]);
    let id = vm_id("known").to_string().to_uppercase();
    row.config = Some(format!(r"D:\VMs\known\Virtual Machines\{id}.vmcx"));
    row.host = Some(host.to_owned());
    let site = Site::bare()
        .root("r", &[alias])
        .vmcx("r/VMs/web", &hyperv_vm("web", &[&path("web")]))
        .vhdx("r/VMs/web/web.vhdx", &vhdx("web"))
        .vhdx("r/VMs/data/data.vhdx", &vhdx("data"));
    let site = if has_known {
        site.vmcx("r/VMs/known", &hyperv_vm("known", &[&path("known")]))
            .vhdx("r/VMs/known/known.vhdx", &vhdx("known"))
    } else {
        site
    };
    let export = inventory(host, Platform::Hyperv, InventoryKind::HypervJson)
        .host(host)
        .vm(row);
    site.inventory(export).only_as_it_is().judge()
}

#[test]
fn hb5_a_host_of_another_domain_is_another_host() {
    let files = ["r/VMs/web/web.vhdx", "r/VMs/data/data.vhdx"];
    drive_of(r"\\hv1.a.example\D$", "hv1.b.example", false).are(&files, "unknown");
    // A VM of that name is there by its id: the host has two names.
    drive_of(r"\\hv1.a.example\D$", "hv1.b.example", true)
        .is("r/VMs/known/known.vhdx", "owned")
        .is("r/VMs/data/data.vhdx", "orphaned/deleted-vm-disk");
    for host in ["hv1.a.example", "HV1"] {
        drive_of(r"\\hv1.a.example\D$", host, true)
            .is("r/VMs/known/known.vhdx", "owned")
            .is("r/VMs/data/data.vhdx", "orphaned/deleted-vm-disk")
            .no_gap("ambiguous-datastore");
    }
}

#[test]
fn hb1_a_root_without_a_name_whose_folders_are_the_volumes_of_a_cluster_is_that_of_its_volumes() {
    let site = |volumes: &[&str]| {
        let site = volumes.iter().fold(Site::bare().root("cs", &[]), |site, volume| {
            let name = format!("vm{}", volume.to_lowercase());
            let path = format!(r"C:\ClusterStorage\{volume}\{name}\{name}.vhdx");
            site.vmcx(&format!("cs/{volume}/{name}"), &hyperv_vm(&name, &[&path]))
                .vhdx(&format!("cs/{volume}/{name}/{name}.vhdx"), &vhdx(&name))
        });
        let host = volumes.iter().fold(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1"),
            |host, volume| {
                let name = format!("vm{}", volume.to_lowercase());
                let top = format!(r"C:\ClusterStorage\{volume}");
                let mut row = hyperv_row(&name, &[&format!(r"{top}\{name}\{name}.vhdx")]);
                row.config = row
                    .config
                    .map(|config| config.replace(r"C:\ClusterStorage\Volume1", &top));
                host.datastore(volume, &[&top], &["hv1"]).vm(row)
            },
        );
        site.vhdx("cs/Volume1/old/old.vhdx", &vhdx("old"))
            .inventory(host)
            .only_as_it_is()
            .judge()
    };
    site(&["Volume1", "Volume2"])
        .are(
            &[
                "cs/Volume1/vmvolume1/vmvolume1.vhdx",
                "cs/Volume2/vmvolume2/vmvolume2.vhdx",
            ],
            "owned",
        )
        .is("cs/Volume1/old/old.vhdx", "orphaned/deleted-vm-disk");
    site(&["Volume1"]).is("cs/Volume1/old/old.vhdx", "unknown");
}
