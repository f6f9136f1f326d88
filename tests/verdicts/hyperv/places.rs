//! H-B, H-C12: what a path means that does not say its place in full.

use derelict::inventory::{Inventory, InventoryKind, Listing, OtherName};
use derelict::kind::Platform;

use super::{config, csv, row_of, with_vm};
use crate::support::{Export, Judged, Site, hyperv_host, hyperv_row, hyperv_vm, inventory, vhdx, vm_id, vmcx_path};

/// A VM whose row and configuration name its disk by a short name.
fn named_short(disk: &str) -> Judged {
    let folder = r"C:\ClusterStorage\Volume1\LANGER~1";
    let disk = format!(r"{folder}\{disk}");
    let mut row = hyperv_row("long", &[&disk]);
    row.config = Some(vmcx_path(folder, vm_id("long")).replace('/', "\\"));
    with_vm(Site::hyperv(), "web")
        .vmcx("csv1/Langer Ordner", &hyperv_vm("long", &[&disk]))
        .vhdx("csv1/Langer Ordner/festplatte-system.vhdx", &vhdx("system"))
        .vhdx("csv1/Langer Ordner/festplatte-daten.vhdx", &vhdx("data"))
        .vhdx("csv1/Langer Ordner/alt.vhdx", &vhdx("old"))
        .inventory(hyperv_host("hv1").vm(row_of("web")).vm(row))
        .judge()
}

#[test]
fn hb3_a_short_name_of_windows_is_every_file_that_may_have_it() {
    let judged = named_short("FESTPL~1.VHD");
    judged
        .are(
            &[
                &vmcx_path("csv1/Langer Ordner", vm_id("long")),
                "csv1/Langer Ordner/festplatte-system.vhdx",
                "csv1/Langer Ordner/festplatte-daten.vhdx",
            ],
            "owned",
        )
        .because("csv1/Langer Ordner/festplatte-daten.vhdx", "listed-by-inventory")
        .is("csv1/Langer Ordner/alt.vhdx", "orphaned/deleted-vm-disk")
        .no_problem("missing-disk")
        .no_problem("config-moved");
}

#[test]
fn hb3_a_file_that_cannot_have_the_short_name_is_not_meant() {
    named_short("FESTUN~1.VHD")
        .is("csv1/Langer Ordner/festplatte-system.vhdx", "orphaned/deleted-vm-disk")
        .problem("missing-disk", "long");
}

/// The lists of a file server, which name no host.
fn file_server() -> Inventory {
    let mut server = inventory("fs01", Platform::Hyperv, InventoryKind::HypervJson);
    server.has_vm_list = false;
    server
        .object("iscsi-lun", "lun7", Some(r"F:\Shares\vmstore\luns\lun7.vhdx"))
        .folder_object("user-profile-disk", "profiles", r"F:\Shares\vmstore\Benutzer")
}

fn share_with_disks(server: Inventory) -> Judged {
    let disk = r"\\sofs01\vmstore\web\web.vhdx";
    let mut row = hyperv_row("web", &[disk]);
    row.config = Some(format!(r"\\sofs01\vmstore\web\Virtual Machines\{}.vmcx", vm_id("web")));
    Site::bare()
        .root("share", &[r"\\sofs01\vmstore"])
        .vmcx("share/web", &hyperv_vm("web", &[disk]))
        .vhdx("share/web/web.vhdx", &vhdx("web"))
        .vhdx("share/luns/lun7.vhdx", &vhdx("lun7"))
        .vhdx("share/luns/lun8.vhdx", &vhdx("lun8"))
        .vhdx("share/alt/luns/lun7.vhdx", &vhdx("old lun"))
        .vhdx("share/Benutzer/anna.vhdx", &vhdx("anna"))
        .only_as_it_is()
        .inventory(
            inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                .host("hv1")
                .vm(row),
        )
        .inventory(server)
        .judge()
}

#[test]
fn hb2_the_list_of_shares_of_a_server_places_the_other_lists_of_it() {
    let mut server = file_server();
    server.observations.other_names.push(OtherName {
        path: r"F:\Shares\vmstore".to_owned(),
        name: r"\\SOFS01\vmstore".to_owned(),
        host: None,
    });
    share_with_disks(server)
        .is("share/luns/lun7.vhdx", "service/iscsi-lun never")
        .is("share/Benutzer/anna.vhdx", "service/user-profile-disk never")
        .is("share/luns/lun8.vhdx", "orphaned/deleted-vm-disk")
        .is("share/alt/luns/lun7.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hc12_what_a_service_lists_at_a_place_that_nothing_ties_to_a_root_is_not_nobodys() {
    share_with_disks(file_server())
        .is("share/luns/lun7.vhdx", "unknown/ambiguous-reference never")
        .is("share/Benutzer/anna.vhdx", "unknown/ambiguous-reference never")
        .is("share/luns/lun8.vhdx", "orphaned/deleted-vm-disk")
        .is("share/alt/luns/lun7.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hc12_a_list_of_another_volume_that_is_known_claims_nothing_here() {
    let elsewhere = r"C:\ClusterStorage\Volume9\luns\lun7.vhdx";
    with_vm(Site::hyperv(), "web")
        .vhdx("csv1/luns/lun7.vhdx", &vhdx("lun7"))
        .inventory(
            hyperv_host("hv1")
                .vm(row_of("web"))
                .object("iscsi-lun", "lun7", Some(elsewhere)),
        )
        .judge()
        .is(&config("web"), "owned")
        .is("csv1/luns/lun7.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn he16_a_drive_of_the_host_in_a_dvd_drive_is_no_file() {
    let with_media = |media: &str| {
        let mut vm = hyperv_vm("web", &[&csv("web/web.vhdx")]);
        vm.drives.push(derelict_parsers::testkit::hyperv_vm::HypervDrive::iso(
            derelict_parsers::hyperv_config::ControllerKind::Scsi,
            9,
            media,
        ));
        Site::hyperv()
            .vmcx("csv1/web", &vm)
            .vhdx("csv1/web/web.vhdx", &vhdx("web"))
            .inventory(hyperv_host("hv1").vm(row_of("web")))
            .judge()
    };
    for drive in ["PhysicalDrive0", r"\\.\CDROM1", r"\\.\PhysicalDrive12"] {
        with_media(drive)
            .is("csv1/web/web.vhdx", "owned")
            .no_problem("missing-file")
            .no_problem("mounted-iso");
    }
    with_media(&csv("web/PhysicalDrive0.iso"))
        .problem("missing-file", "PhysicalDrive0.iso")
        .problem("mounted-iso", "PhysicalDrive0.iso");
}

/// The registered VM `app` at a name of its folder that is no alias of the root, beside one at a name that is.
fn app_at(alias: &str, own: &str, registered: &str, told: Option<Inventory>) -> Judged {
    let named = |name: &str, folder: &str| {
        let disk = format!(r"{folder}\{name}.vhdx");
        let mut row = hyperv_row(name, &[&disk]);
        row.config = Some(vmcx_path(folder, vm_id(name)).replace('/', "\\"));
        (disk, row)
    };
    let (web_disk, web) = named("web", &format!(r"{own}\web"));
    let (app_disk, app) = named("app", &format!(r"{registered}\app"));
    let host = inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1");
    let site = Site::bare()
        .root("vol", &[alias])
        .vmcx("vol/web", &hyperv_vm("web", &[&web_disk]))
        .vhdx("vol/web/web.vhdx", &vhdx("web"))
        .vmcx("vol/Shares/vms/app", &hyperv_vm("app", &[&app_disk]))
        .vhdx("vol/Shares/vms/app/app.vhdx", &vhdx("app"))
        .vhdx("vol/Shares/old.vhdx", &vhdx("old"))
        .only_as_it_is()
        .inventory(host.vm(web).vm(app));
    told.into_iter().fold(site, Site::inventory).judge()
}

/// A file server that tells the other name of a folder.
fn server_with(path: &str, name: &str, host: Option<&str>) -> Inventory {
    let mut server = inventory("fs01", Platform::Hyperv, InventoryKind::HypervJson);
    server.has_vm_list = false;
    server.observations.other_names.push(OtherName {
        path: path.to_owned(),
        name: name.to_owned(),
        host: host.map(str::to_owned),
    });
    server
}

#[test]
fn hb2_the_shares_that_a_file_server_lists_place_the_vms_of_other_exports() {
    let app = vmcx_path("vol/Shares/vms/app", vm_id("app"));
    let drive = server_with(r"D:\Shares\vms", r"\\fs01\vms", Some("FS01"));
    app_at(r"\\fs01\d$", r"\\fs01\d$", r"\\fs01\vms", Some(drive))
        .are(&[&app, "vol/Shares/vms/app/app.vhdx", "vol/web/web.vhdx"], "owned")
        .is("vol/Shares/old.vhdx", "orphaned/deleted-vm-disk candidate")
        .confidence("vol/Shares/old.vhdx", "high")
        .no_gap("datastore-not-scanned");
    let volume = r"C:\ClusterStorage\Volume1";
    let shared = server_with(r"C:\ClusterStorage\Volume1\Shares\vms", r"\\sofs\vms", Some("FS01"));
    app_at(volume, volume, r"\\sofs\vms", Some(shared))
        .are(&[&app, "vol/Shares/vms/app/app.vhdx"], "owned")
        .is("vol/Shares/old.vhdx", "orphaned/deleted-vm-disk");
}

#[test]
fn hb2_a_cluster_volume_that_another_export_names_is_this_one_only_where_the_file_is() {
    let volume = r"C:\ClusterStorage\Volume1";
    let told = server_with(r"C:\ClusterStorage\Volume1\Other", r"\\sofs\vms", Some("FS01"));
    let judged = app_at(volume, volume, r"\\sofs\vms", Some(told));
    judged
        .is("vol/web/web.vhdx", "owned")
        .is("vol/Shares/old.vhdx", "unknown/outside-scan")
        .no_problem("ghost")
        .no_problem("missing-disk");
}

/// A cluster with a VM on its shared volume and one on the drive of its node, where the root is a drive or folder of the node.
fn on_system_drive(alias: &[&str], volume_at: &str, cluster: Inventory) -> Judged {
    let disk = csv("web/web.vhdx");
    let site = Site::bare()
        .root("c", alias)
        .vmcx(&format!("c/{volume_at}/web"), &hyperv_vm("web", &[&disk]))
        .vhdx(&format!("c/{volume_at}/web/web.vhdx"), &vhdx("web"))
        .vhdx(&format!("c/{volume_at}/old/old.vhdx"), &vhdx("old"))
        .only_as_it_is();
    site.inventory(cluster.vm(hyperv_row("web", &[&disk]))).judge()
}

#[test]
fn hb1_a_cluster_volume_is_a_folder_of_the_system_drive_of_a_node() {
    for (alias, volume_at) in [
        (r"\\hv1\c$", "ClusterStorage/Volume1"),
        ("C:", "ClusterStorage/volume1"),
        (r"C:\ClusterStorage", "Volume1"),
        (r"\\HV1\c$\ClusterStorage", "Volume1"),
        (r"\\hv1\ClusterStorage$", "Volume1"),
    ] {
        on_system_drive(&[alias], volume_at, hyperv_host("hv1"))
            .is(&vmcx_path(&format!("c/{volume_at}/web"), vm_id("web")), "owned")
            .is(&format!("c/{volume_at}/web/web.vhdx"), "owned")
            .is(
                &format!("c/{volume_at}/old/old.vhdx"),
                "orphaned/deleted-vm-disk candidate",
            )
            .no_gap("datastore-not-scanned");
    }
}

#[test]
fn hb1_the_system_drive_of_another_cluster_holds_another_volume_of_that_name() {
    let web = on_system_drive(&[r"\\hv9\c$"], "ClusterStorage/Volume1", hyperv_host("hv1"));
    web.is("c/ClusterStorage/Volume1/web/web.vhdx", "unknown")
        .gap("datastore-not-scanned");
}

#[test]
fn hc2_the_folder_of_a_service_that_is_a_share_of_its_own_may_lie_anywhere() {
    let site = |share: &str| {
        let mut server = inventory("fs01", Platform::Hyperv, InventoryKind::HypervJson);
        server.has_vm_list = false;
        let disk = r"\\fs01\d$\web\web.vhdx";
        let mut row = hyperv_row("web", &[disk]);
        row.config = Some(vmcx_path(r"\\fs01\d$\web", vm_id("web")).replace('/', "\\"));
        Site::bare()
            .root("d", &[r"\\fs01\d$"])
            .vmcx("d/web", &hyperv_vm("web", &[disk]))
            .vhdx("d/web/web.vhdx", &vhdx("web"))
            .vhdx("d/Shares/prof/anna/anna.vhdx", &vhdx("anna"))
            .vhdx("d/old/old.vhdx", &vhdx("old"))
            .only_as_it_is()
            .inventory(
                inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson)
                    .host("hv1")
                    .vm(row),
            )
            .inventory(server.folder_object("fslogix", share, share))
            .judge()
    };
    let anna = "d/Shares/prof/anna/anna.vhdx";
    site(r"\\fs01\prof")
        .is(anna, "unknown/ambiguous-reference never")
        .is("d/old/old.vhdx", "orphaned/deleted-vm-disk");
    site(r"\\fs01\prof\anna").is(anna, "unknown/ambiguous-reference never");
    site(r"\\fs01\profiles").is(anna, "orphaned/deleted-vm-disk");
}

#[test]
fn hc2_the_name_of_a_share_or_a_volume_tells_what_it_is_for_as_a_folder_does() {
    let site = |place: &str| {
        let disk = format!(r"{place}\web\web.vhdx");
        let mut row = hyperv_row("web", &[&disk]);
        row.config = Some(vmcx_path(&format!(r"{place}\web"), vm_id("web")).replace('/', "\\"));
        row.listing = Listing::WholeChains;
        let host = inventory("hv1", Platform::Hyperv, InventoryKind::HypervJson).host("hv1");
        Site::bare()
            .root("vol", &[place])
            .vmcx("vol/web", &hyperv_vm("web", &[&disk]))
            .vhdx("vol/web/web.vhdx", &vhdx("web"))
            .vhdx("vol/2022.vhdx", &vhdx("2022"))
            .only_as_it_is()
            .inventory(host.vm(row))
            .judge()
    };
    for place in [
        r"\\lib\MSSCVMMLibrary",
        r"\\fs\Templates",
        r"\\fs\golden-images$",
        r"C:\ClusterStorage\Templates",
    ] {
        site(place)
            .is("vol/2022.vhdx", "service/image-library never")
            .is("vol/web/web.vhdx", "owned");
    }
    for place in [r"\\fs\vms", r"C:\ClusterStorage\Volume1"] {
        site(place).is("vol/2022.vhdx", "orphaned/deleted-vm-disk");
    }
}
