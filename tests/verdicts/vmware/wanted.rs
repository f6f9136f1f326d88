//! What the rows and logs of a registered VM tell of files that are not where they should be.

use derelict::inventory::{Listing, Registration};
use derelict_parsers::testkit::guid;

use crate::support::{Export, Judged, Site, cid, row, row_of, vcenter, vm_id, vmx};

/// The id of the disk with this name, as its descriptor bears it.
fn disk_id(name: &str) -> String {
    guid(u64::from(cid(name)) << 8, 3).simple().to_string()
}

/// A VM that misses `web_1.vmdk`, of which an inventory lists whole chains.
fn missing_second_disk() -> Registration {
    Registration {
        listing: Listing::WholeChains,
        ..row(
            "web",
            "[ds1] web/web.vmx",
            &["[ds1] web/web.vmdk", "[ds1] web/web_1.vmdk"],
        )
    }
}

const RENAMED: [&str; 2] = ["ds1/moved/data.vmdk", "ds1/moved/data-flat.vmdk"];

#[test]
fn a_disk_with_the_id_of_one_that_a_registered_vm_misses_may_be_it() {
    let site = |id: &str| {
        let mut vm = missing_second_disk();
        vm.disk_ids.insert("[ds1] web/web_1.vmdk".to_owned(), id.to_owned());
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk", "web_1.vmdk"])
            .disk("ds1/web/web")
            .disk("ds1/moved/data")
            .inventory(vcenter().vm(vm))
            .judge()
    };
    site(&disk_id("data"))
        .are(&RENAMED, "unknown/ambiguous-reference")
        .says(RENAMED[0], "bears the id of a disk of that VM");
    site(&disk_id("another")).are(&RENAMED, "orphaned/deleted-vm-disk");
}

#[test]
fn a_disk_that_the_vm_has_tells_nothing_of_a_copy_of_it() {
    let mut vm = missing_second_disk();
    vm.disk_ids.insert("[ds1] web/web.vmdk".to_owned(), disk_id("web"));
    Site::vmware()
        .vmx("ds1/web", "web", &["web.vmdk", "web_1.vmdk"])
        .disk("ds1/web/web")
        .disk("ds1/moved/data")
        .inventory(vcenter().vm(vm))
        .judge()
        .are(&RENAMED, "orphaned/deleted-vm-disk");
}

#[test]
fn the_log_of_a_vm_tells_the_id_of_a_disk_that_it_misses() {
    let site = |path: &str| {
        let id = disk_id("data");
        let pairs: Vec<&str> = (0..16).map(|byte| &id[2 * byte..2 * byte + 2]).collect();
        let id = format!("{}-{}", pairs[..8].join(" "), pairs[8..].join(" "));
        let log = format!(
            "2026-08-01T00:00:00.000Z In(05) vmx - Log for VMware ESX pid=1 version=8.0.2 build=build-1 option=Release\n\
             2026-08-01T00:00:00.003Z In(05) vmx - DISK: Disk '/vmfs/volumes/ds1/{path}' has UUID '{id}'\n"
        );
        Site::vmware()
            .vmx("ds1/web", "web", &["web.vmdk", "web_1.vmdk"])
            .disk("ds1/web/web")
            .disk("ds1/moved/data")
            .file("ds1/web/vmware.log", log)
            .inventory(vcenter().vm(missing_second_disk()))
            .judge()
    };
    site("web/web_1.vmdk").are(&RENAMED, "unknown/ambiguous-reference");
    // A disk that the VM had once and does not miss.
    site("web/web_7.vmdk").are(&RENAMED, "orphaned/deleted-vm-disk");
}

/// A suspended VM whose configuration names its state by a name alone.
fn suspended(folder: Option<&str>) -> Judged {
    let mut vm = row_of("web");
    vm.folders.extend(folder.map(str::to_owned));
    let config = vmx("web", &["web.vmdk"]).set("checkpoint.vmState", "web-5f0a1b2c.vmss");
    Site::vmware()
        .root("ds2", &["ds2"])
        .file("ds1/web/web.vmx", config.build())
        .disk("ds1/web/web")
        .zeros("ds2/susp/web-5f0a1b2c.vmss", 512)
        .zeros("ds2/susp/web-5f0a1b2c.vmem", 4096)
        .file("ds2/susp/web.vmsd", ".encoding = \"UTF-8\"\n")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(vm))
        .only_as_it_is()
        .judge()
}

#[test]
fn state_and_lists_lie_in_the_folders_that_the_inventory_names() {
    suspended(Some("[ds2] susp/")).are(
        &[
            "ds2/susp/web-5f0a1b2c.vmss",
            "ds2/susp/web-5f0a1b2c.vmem",
            "ds2/susp/web.vmsd",
        ],
        "owned",
    );
    let elsewhere = suspended(Some("[ds2] other/"));
    assert_ne!(elsewhere.artifact("ds2/susp/web.vmsd").verdict.name(), "owned");
}

#[test]
fn a_template_that_became_a_vm_since_the_export_is_the_same_where_no_id_tells_otherwise() {
    let site = |id: Option<uuid::Uuid>| {
        let mut vm = row("gold", "[ds1] gold/gold.vmtx", &["[ds1] gold/gold.vmdk"]);
        vm.instance_id = id;
        Site::vmware()
            .vm("ds1", "gold")
            .file("ds1/gold/gold.nvram", "x")
            .inventory(vcenter().vm(vm))
            .judge()
    };
    let gold = ["ds1/gold/gold.vmx", "ds1/gold/gold.vmdk", "ds1/gold/gold.nvram"];
    site(None).are(&gold, "owned");
    site(Some(vm_id("gold"))).are(&gold, "owned");
    let other = site(Some(vm_id("another")));
    assert_ne!(other.artifact("ds1/gold/gold.vmx").verdict.name(), "owned");
}

#[test]
fn more_hosts_than_the_inventory_has_mount_the_datastore() {
    let site = |hosts: u64| {
        let mut inventory = vcenter().vm(row_of("web"));
        inventory.datastores[0].host_count = Some(hosts);
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .inventory(inventory)
            .judge()
    };
    site(5)
        .gap("host-without-inventory")
        .is("ds1/old/old.vmdk", "unknown/no-coverage");
    site(1)
        .no_gap("host-without-inventory")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn high_availability_of_another_vcenter_that_wrote_lately_is_a_gap() {
    let own = "11111111-2222-3333-4444-555555555555";
    let site = |other: &str, time: &str| {
        let mut inventory = vcenter().vm(row_of("web"));
        inventory.source_id = Some(own.to_owned());
        let folder = |id: &str, name: &str| format!("ds1/.vSphere-HA/FDM-{id}-512-7a1d2c3-{name}/host-11-poweron");
        let foreign = folder(other, "vc9.other.example");
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/old/old")
            .file(&folder(own, "vc1.lab.example"), "0\n")
            .file(&foreign, "0\n")
            .modified(&foreign, time)
            .inventory(inventory)
            .judge()
    };
    let stranger = "99999999-2222-3333-4444-555555555555";
    site(stranger, "2026-09-30T23:50:00Z")
        .gap("host-without-inventory")
        .is("ds1/old/old.vmdk", "unknown/no-coverage");
    for (id, time) in [(stranger, "2026-09-01T00:00:00Z"), (own, "2026-09-30T23:50:00Z")] {
        site(id, time)
            .no_gap("host-without-inventory")
            .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
    }
}

#[test]
fn a_dump_of_an_unknown_host_that_was_written_lately_is_a_gap() {
    let known = "11111111-2222-3333-4444-555555555555";
    let site = |time: &str| {
        let mut inventory = vcenter().vm(row_of("web"));
        inventory.hosts[0].uuid = Some(known.parse().unwrap());
        let dump = "ds1/vmkdump/99999999-2222-3333-4444-555555555555.dumpfile";
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "foreign")
            .file(&format!("ds1/vmkdump/{known}.dumpfile"), "x")
            .file(dump, "x")
            .modified(dump, time)
            .inventory(inventory)
            .judge()
    };
    site("2026-09-30T23:50:00Z")
        .gap("host-without-inventory")
        .is("ds1/foreign/foreign.vmx", "unknown/no-coverage");
    site("2026-09-01T00:00:00Z")
        .no_gap("host-without-inventory")
        .is("ds1/foreign/foreign.vmx", "unregistered/complete-vm");
}

#[test]
fn a_group_of_replication_is_none_the_less_one_with_a_key_of_a_configuration() {
    let list = "config.version = \"1\"\n\
                disk.0.instance.0.path.ds = \"6532a1f1-4c19d7b1-77aa-001b21aa0001\"\n\
                disk.0.instance.0.path.relpath = \"crm/crm.vmdk\"\n";
    Site::vmware()
        .root("ds2", &["ds2", "/vmfs/volumes/6532a1f1-4c19d7b1-77aa-001b21aa0001"])
        .vm("ds1", "web")
        .file("ds1/crm/hbrgrp.GID-1.txt", list)
        .disk("ds2/crm/crm")
        .inventory(vcenter().datastore("ds2", &[], &["esx1"]).vm(row_of("web")))
        .only_as_it_is()
        .judge()
        .is("ds2/crm/crm.vmdk", "service");
}
