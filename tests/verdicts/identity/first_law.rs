//! Files under a name, a place or an id that nobody tied to what is needed.

use derelict::{
    inventory::{InventoryKind, Listing, Registration},
    kind::Platform,
};
use derelict_parsers::testkit::{
    vhdx::{ParentPaths, VhdxBuilder},
    vmware::{DescriptorBuilder, cowd},
};

use super::{OTHER, UUID};
use crate::support::{
    Export, SECTORS, Site, config_only, hyperv_host, hyperv_row, hyperv_vm, inventory, row, row_of, vcenter, vhdx,
    vm_id,
};

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

#[test]
fn v64_a_vm_of_a_host_whose_volume_nothing_ties_to_the_root_is_not_nobodys() {
    let place = |name: &str, kind: &str| format!("/vmfs/volumes/{UUID}/{name}/{name}.{kind}");
    let site = |label: &[&str]| {
        let host = inventory("esx2", Platform::Vmware, InventoryKind::EsxiInventory);
        let host = ["b", "gone", "away"].iter().fold(host, |host, name| {
            host.vm(Registration {
                listing: Listing::WholeChains,
                ..row(name, &place(name, "vmx"), &[&place(name, "vmdk")])
            })
        });
        let vcenter = inventory("vc1", Platform::Vmware, InventoryKind::RvtoolsXlsx)
            .host("esx1")
            .datastore("ds1", label, &["esx1"]);
        Site::vmware()
            .vm("ds1", "a")
            .vm("ds1", "b")
            .inventory(vcenter.vm(row_of("a")))
            .inventory(host)
            .only_as_it_is()
            .judge()
    };
    site(&[]).are(
        &["ds1/b/b.vmx", "ds1/b/b.vmdk", "ds1/b/b-flat.vmdk"],
        "unknown/ambiguous-reference",
    );
    // The root is another volume by its id.
    let other = site(&[&format!("ds:///vmfs/volumes/{OTHER}/")]);
    let mut reasons = other.artifact("ds1/b/b.vmx").reasons.iter();
    assert!(!reasons.any(|reason| reason.text.contains("under another name")));
}
