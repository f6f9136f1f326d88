//! Which exports are of one source: two vCenters, hosts or clusters may be called alike, and one may be asked more than once.

use derelict::{
    inventory::{HostRecord, Inventory, InventoryKind, Listing, Registration},
    kind::{Platform, Role},
};

use crate::support::{
    Export, Judged, Site, TAKEN, hyperv_host, hyperv_row, hyperv_vm, inventory, listed, row, row_of, vcenter, vhdx,
    vm_id,
};

const LOOSE: &str = "ds1/loose/loose.vmdk";
const BETWEEN: &str = "2026-09-20T00:00:00Z";

/// A vCenter of this name and with these hosts, which lists a VM of this name.
fn vcenter_of(name: &str, hosts: &[&str], vm: &str) -> Inventory {
    let of_name = inventory(name, Platform::Vmware, InventoryKind::RvtoolsXlsx).datastore("ds1", &[], hosts);
    let with_hosts = hosts.iter().fold(of_name, |inventory, host| inventory.host(host));
    with_hosts.vm(row_of(vm))
}

/// An export that does not say of whom it is: it is called after its file.
fn nameless(file: &str, hosts: &[&str], vm: &str) -> Inventory {
    let mut inventory = vcenter_of(file, hosts, vm);
    inventory.files = vec![format!("exports/{file}")];
    inventory
}

fn with_id(mut inventory: Inventory, id: &str) -> Inventory {
    inventory.source_id = Some(id.to_owned());
    inventory
}

fn with_reference(mut inventory: Inventory, moref: &str) -> Inventory {
    for vm in &mut inventory.vms {
        vm.moref = Some(moref.to_owned());
        vm.instance_id = Some(vm_id(&vm.name));
    }
    inventory
}

/// A disk of nobody that was written after the older export and before the newer one.
fn between(older: Inventory, newer: Inventory) -> Judged {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "db")
        .disk("ds1/loose/loose")
        .all_modified(&[LOOSE, "ds1/loose/loose-flat.vmdk"], BETWEEN)
        .inventory(older.taken("2026-09-15T00:00:00Z"))
        .inventory(newer.taken(TAKEN))
        .judge()
}

#[test]
fn the_older_export_of_another_vcenter_counts_for_what_was_written_since() {
    let in_one_folder = |name: &str, hosts: &[&str], vm: &str| Inventory {
        folder: "exports".to_owned(),
        ..vcenter_of(name, hosts, vm)
    };
    let pairs = [
        // Called alike, as the ids tell or the hosts.
        (
            with_id(vcenter_of("vcsa", &["esx1"], "web"), "b"),
            with_id(vcenter_of("vcsa", &["esx1"], "db"), "a"),
        ),
        (
            vcenter_of("vcsa", &["esx1"], "web"),
            vcenter_of("vcsa", &["esx2"], "db"),
        ),
        // In one folder.
        (
            in_one_folder("vc1", &["esx1"], "web"),
            in_one_folder("vc2", &["esx2"], "db"),
        ),
        // Hosts whose short names are alike.
        (
            vcenter_of("vc1", &["esx1"], "web"),
            vcenter_of("vc2", &["esx1", "esx2"], "db"),
        ),
        (
            nameless("one.xlsx", &["esx1.a.test"], "web"),
            nameless("two.xlsx", &["esx1.b.test"], "db"),
        ),
        // The reference of a VM is another in each vCenter.
        (
            with_reference(nameless("one.json", &["esx1"], "web"), "vm-7"),
            with_reference(nameless("two.json", &["esx1"], "db"), "vm-7"),
        ),
    ];
    for (older, newer) in pairs {
        between(older, newer).is(LOOSE, "unknown/too-new");
    }
}

#[test]
fn the_newer_export_of_one_vcenter_replaces_the_older() {
    let pairs = [
        (
            with_id(vcenter_of("10.0.0.5", &["esx1"], "web"), "a"),
            with_id(vcenter_of("vcsa.a.test", &["esx1", "esx2"], "web"), "a"),
        ),
        (
            vcenter_of("vcsa.a.test", &["esx1"], "web"),
            vcenter_of("vcsa", &["esx1", "esx2"], "web"),
        ),
        (
            nameless("old.json", &["esx1"], "web"),
            nameless("new.json", &["esx1"], "web"),
        ),
        // One tool tells the name, the other does not.
        (
            nameless("vms.json", &["esx1.a.test"], "web"),
            with_id(vcenter_of("vcsa.a.test", &["esx1.a.test"], "web"), "a"),
        ),
        // A VM in common is of one vCenter, whatever its hosts are called.
        (
            with_reference(nameless("old.json", &["host-11"], "web"), "vm-7"),
            with_reference(nameless("new.json", &["host-11"], "web"), "vm-7"),
        ),
        // A host that was asked itself, and the vCenter that has it.
        (
            vcenter_of("esx1", &["esx1"], "web"),
            vcenter_of("vcsa", &["esx1", "esx2"], "web"),
        ),
        (
            vcenter_of("vc1", &["esx1.a.test"], "web"),
            vcenter_of("vc2", &["esx1.a.test", "esx2.a.test"], "web"),
        ),
    ];
    for (older, mut newer) in pairs {
        newer.vms.extend(older.vms.clone());
        newer = newer.vm(row_of("db"));
        newer.vms.dedup_by(|one, other| one.name == other.name);
        between(older, newer).is(LOOSE, "orphaned/deleted-vm-disk");
    }
}

#[test]
fn the_older_export_of_one_vcenter_counts_while_the_newer_lacks_a_vm_of_it_that_is_there() {
    let of = |vms: &[&str]| {
        let hosts = vcenter_of("vcsa", &["esx1"], "web");
        vms.iter().fold(hosts, |export, vm| export.vm(row_of(vm)))
    };
    between(of(&["db"]), of(&[])).is(LOOSE, "unknown/too-new");
    // Nothing of it is here, but it may have gone to a datastore that was not scanned.
    let with_ds2 = |export: Inventory| export.datastore("ds2", &[], &["esx1"]);
    between(with_ds2(of(&["db", "gone"])), with_ds2(of(&["db"]))).is(LOOSE, "unknown/too-new");
    // A host of which nothing is known since.
    let on_two_hosts = vcenter_of("vcsa", &["esx1", "esx2"], "web").vm(row_of("db"));
    between(on_two_hosts, of(&["db"])).is(LOOSE, "unknown/too-new");
    between(of(&["db", "gone"]), of(&["db"])).is(LOOSE, "orphaned/deleted-vm-disk");

    // A deletion leaves images and logs.
    let with_image = |export: Inventory| {
        let image = Registration {
            files: vec![listed("[ds1] iso/boot.iso", Role::Media)],
            ..row_of("gone")
        };
        export.vm(image)
    };
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "db")
        .disk("ds1/loose/loose")
        .file("ds1/iso/boot.iso", b"image")
        .all_modified(&[LOOSE, "ds1/loose/loose-flat.vmdk"], BETWEEN)
        .inventory(with_image(of(&["db"])).taken("2026-09-15T00:00:00Z"))
        .inventory(of(&["db"]).taken(TAKEN))
        .judge()
        .is(LOOSE, "orphaned/deleted-vm-disk");

    // A configuration that was made since, and may be registered again elsewhere.
    let anew = |newer: Inventory| {
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "db")
            .vm("ds1", "anew")
            .all_modified(&["ds1/anew/anew.vmx", "ds1/anew/anew.vmdk"], BETWEEN)
            .inventory(of(&["db"]).taken("2026-09-15T00:00:00Z"))
            .inventory(newer.taken(TAKEN))
            .judge()
    };
    anew(of(&[])).is("ds1/anew/anew.vmx", "unknown/too-new");
    anew(of(&["db"])).is("ds1/anew/anew.vmx", "unregistered/complete-vm");
}

#[test]
fn what_only_the_older_of_two_exports_of_one_vcenter_lists_stays_owned_and_says_so() {
    const CODE: &str = "not-in-newer-export";
    let of = |vms: &[&str]| {
        let hosts = vcenter_of("vcsa", &["esx1"], "web");
        vms.iter().fold(hosts, |export, vm| export.vm(row_of(vm)))
    };
    let (db, web) = ("ds1/db/db.vmdk", "ds1/web/web.vmdk");
    between(of(&["db"]), of(&[]))
        .is(db, "owned")
        .says(db, "only vcsa of 2026-09-15 00:00 UTC lists db; vcsa of 2026-10-01")
        .not_because(web, CODE)
        .gap_says(CODE, "does not list 1 VM of vcsa of 2026-09-15 00:00 UTC (db)");

    let elsewhere = Registration {
        config: Some("[ds2] db/db.vmx".to_owned()),
        ..row_of("db")
    };
    let without_vms = inventory("vcsa", Platform::Vmware, InventoryKind::RvtoolsXlsx);
    for (older, newer) in [
        // Listed by both; moved since; of two vCenters; a VM of which nothing is here; a newer one that failed.
        (of(&["db"]), of(&["db"])),
        (of(&["db"]), of(&[]).vm(elsewhere)),
        (of(&["db"]), vcenter_of("vc2", &["esx2"], "web")),
        (of(&["db", "gone"]), of(&["db"])),
        (of(&["db"]), without_vms),
    ] {
        between(older, newer).is(db, "owned").not_because(db, CODE).no_gap(CODE);
    }
}

#[test]
fn each_host_of_hyperv_counts_for_itself_though_their_exports_lie_in_one_folder() {
    let path = |name: &str| format!(r"C:\ClusterStorage\Volume1\{name}\{name}.vhdx");
    let with_vm = |site: Site, name: &str| {
        site.vmcx(&format!("csv1/{name}"), &hyperv_vm(name, &[&path(name)]))
            .vhdx(&format!("csv1/{name}/{name}.vhdx"), &vhdx(name))
    };
    let loose = "csv1/loose/loose.vhdx";
    let site = |hosts: [&str; 2]| {
        let of = |host: &str, vm: &str| {
            let mut export = hyperv_host(host).vm(hyperv_row(vm, &[&path(vm)]));
            export.folder = "exports".to_owned();
            export
        };
        with_vm(with_vm(Site::hyperv(), "web"), "db")
            .vhdx(loose, &vhdx("loose"))
            .modified(loose, BETWEEN)
            .inventory(of(hosts[0], "web").taken("2026-09-15T00:00:00Z"))
            .inventory(of(hosts[1], "db").vm(hyperv_row("web", &[&path("web")])).taken(TAKEN))
            .judge()
    };
    site(["HV01", "HV02"]).is(loose, "unknown/too-new");
    site(["HV01.a.test", "HV01.b.test"]).is(loose, "unknown/too-new");
    site(["HV01.a.test", "HV01"]).is(loose, "orphaned");
}

/// A datastore that these hosts mount, in the export of `vc1`, which lists `esx1.a.test`, beside another export.
fn mounted_by(hosts: &[&str], other: Inventory) -> Judged {
    let mut own = inventory("vc1", Platform::Vmware, InventoryKind::GovcCollect)
        .host("esx1.a.test")
        .datastore("ds1", &[], hosts)
        .vm(row_of("web"));
    own.source_id = Some("a".to_owned());
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .inventory(own)
        .inventory(other)
        .judge()
}

#[test]
fn the_reference_of_a_host_is_one_of_its_own_vcenter() {
    let with_reference = |id: &str| {
        let mut other = vcenter_of("vc2", &[], "db");
        other.datastores.clear();
        other.vms.clear();
        other.hosts.push(HostRecord {
            name: "esx9.b.test".to_owned(),
            moref: Some("host-31".to_owned()),
            ..HostRecord::default()
        });
        with_id(other, id)
    };
    let hosts = ["esx1.a.test", "host-31"];
    mounted_by(&hosts, with_reference("b"))
        .gap("host-without-inventory")
        .is(LOOSE, "unknown/no-coverage");
    mounted_by(&hosts, with_reference("a"))
        .no_gap("host-without-inventory")
        .is(LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn a_host_of_another_domain_is_another_host() {
    let other = || {
        let mut other = vcenter_of("vc2", &["esx5.a.test"], "db");
        other.datastores.clear();
        other.vms.clear();
        other
    };
    mounted_by(&["esx1.a.test", "esx1.b.test"], other())
        .gap("host-without-inventory")
        .is(LOOSE, "unknown/no-coverage");
    mounted_by(&["ESX1.A.test", "esx1", "esx5"], other())
        .no_gap("host-without-inventory")
        .is(LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn as_many_hosts_as_a_datastore_has_are_those_that_are_told_by_their_full_names() {
    let site = |count: u64| {
        let mut inventory = vcenter_of("vc1", &["esx1.a.test", "esx1.b.test"], "web");
        inventory.datastores[0].host_count = Some(count);
        Site::vmware().vm("ds1", "web").inventory(inventory).judge()
    };
    site(2).no_gap("host-without-inventory");
    site(3).gap("host-without-inventory");
}

#[test]
fn a_lock_of_a_host_of_another_domain_is_that_of_a_stranger_unless_it_locks_a_registered_vm() {
    let site = || {
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "lost")
            .nfs_lock("ds1/lost/lost-flat.vmdk", "esx1.b.test")
            .inventory(vcenter_of("vc1", &["esx1.a.test"], "web"))
    };
    site().judge().gap("lock-of-unknown-host");
    site()
        .nfs_lock("ds1/web/web-flat.vmdk", "esx1.b.test")
        .judge()
        .no_gap("lock-of-unknown-host");
}

#[test]
fn high_availability_of_a_vcenter_that_is_called_alike_is_that_of_a_stranger() {
    let own = "11111111-2222-3333-4444-555555555555";
    let stranger = "99999999-2222-3333-4444-555555555555";
    let site = |with_own: bool| {
        let folder = |id: &str| format!("ds1/.vSphere-HA/FDM-{id}-512-7a1d2c3-vcsa/host-11-poweron");
        let foreign = folder(stranger);
        let mut site = Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/loose/loose")
            .file(&foreign, "0\n")
            .modified(&foreign, "2026-09-30T23:50:00Z");
        if with_own {
            site = site.file(&folder(own), "0\n");
        }
        site.inventory(with_id(vcenter_of("vcsa", &["esx1"], "web"), own))
            .judge()
    };
    site(true)
        .gap("host-without-inventory")
        .is(LOOSE, "unknown/no-coverage");
    // That the id of the folder is that of the vCenter is not confirmed: alone the name tells.
    site(false).no_gap("host-without-inventory");
}

/// A loose disk beside a VM of which all lies on a datastore that was not scanned, listed by two exports of one vCenter.
fn beside_unscanned(older: (&str, Registration), newer: (&str, Registration)) -> Judged {
    let of = |(time, vm): (&str, Registration)| {
        let mut vm = vm;
        vm.instance_id = Some(vm_id("erp"));
        let export = with_id(vcenter(), "a").datastore("ds2", &[], &["esx1"]);
        export.vm(row_of("web")).vm(vm).taken(time)
    };
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .inventory(of(older))
        .inventory(of(newer))
        .judge()
}

fn erp(listing: Listing, disk: &str) -> Registration {
    let mut vm = row("erp", "[ds2] erp/erp.vmx", &[disk]);
    vm.listing = listing;
    vm.files.push(listed("[ds2] erp/erp.vmx", Role::Config));
    vm
}

#[test]
fn whole_chains_of_an_older_export_say_nothing_of_the_disks_of_the_newest() {
    let (base, leaf) = ("[ds2] erp/erp.vmdk", "[ds2] erp/erp-000001.vmdk");
    let (long_ago, lately) = ("2026-09-15T00:00:00Z", "2026-09-30T20:00:00Z");
    let whole = |time, disk| (time, erp(Listing::WholeChains, disk));
    let leaves = |time, disk| (time, erp(Listing::LeafDisks, disk));
    for (older, newer) in [
        (whole(long_ago, base), leaves(TAKEN, leaf)),
        (whole(lately, base), leaves(TAKEN, leaf)),
        (whole(long_ago, base), leaves(TAKEN, base)),
    ] {
        beside_unscanned(older, newer)
            .gap("outside-scan")
            .is(LOOSE, "unknown/outside-scan");
    }
    for (older, newer) in [
        // Asked with two tools on one day.
        (whole(lately, leaf), leaves(TAKEN, leaf)),
        (leaves(lately, leaf), whole(TAKEN, leaf)),
        // The newest export of the vCenter tells all.
        (leaves(long_ago, base), whole(TAKEN, leaf)),
    ] {
        beside_unscanned(older, newer)
            .no_gap("outside-scan")
            .is(LOOSE, "orphaned/deleted-vm-disk");
    }
}

/// A VM that nobody registers and that was written days after the older export and days before the newer one.
fn between_parts(older: Inventory, newer: Inventory) -> Judged {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "db")
        .vm("ds1", "old")
        .inventory(older.taken("2026-09-15T00:00:00Z"))
        .inventory(newer.taken(TAKEN))
        .judge()
}

#[test]
fn a_vm_that_went_from_one_part_of_a_source_to_the_other_between_two_exports_is_in_neither() {
    let (web, db) = (
        vcenter_of("vcsa", &["esx1"], "web"),
        vcenter_of("vcsa", &["esx1"], "db"),
    );
    between_parts(db.clone(), web)
        .gap_says("inventory-incomplete", "a VM that went from the one to the other")
        .confidence("ds1/old/old.vmx", "medium");
    between_parts(db.clone(), db.vm(row_of("web")))
        .no_gap("inventory-incomplete")
        .confidence("ds1/old/old.vmx", "high");
}

#[test]
fn an_inventory_without_a_time_makes_nobody_old() {
    let undated = |name: &str, vm: &str| Inventory {
        collected: None,
        ..vcenter_of(name, &["esx1"], vm)
    };
    let site = || Site::vmware().vm("ds1", "web").vm("ds1", "old").disk("ds1/loose/loose");
    site()
        .inventory(undated("vcsa", "web"))
        .judge()
        .gap_says(
            "inventory-incomplete",
            "nothing tells when the inventory of vcsa was taken",
        )
        .is(LOOSE, "unknown/no-coverage")
        .is("ds1/old/old.vmx", "unknown/no-coverage")
        .is("ds1/web/web.vmx", "owned");
    // Of another source its time stays unknown; another export of the same one speaks for it.
    site()
        .inventory(undated("vc2", "web"))
        .inventory(vcenter_of("vcsa", &["esx2"], "web").taken(TAKEN))
        .judge()
        .is(LOOSE, "unknown/no-coverage");
    site()
        .inventory(undated("vcsa", "web"))
        .inventory(vcenter_of("vcsa", &["esx1"], "web").taken(TAKEN))
        .judge()
        .no_gap("inventory-incomplete")
        .is(LOOSE, "orphaned/deleted-vm-disk");
}

#[test]
fn a_datastore_that_a_newer_export_of_its_vcenter_does_not_have_may_be_of_somebody_else() {
    let newer = |hosts: &[&str]| {
        let of_ds2 = inventory("vcsa", Platform::Vmware, InventoryKind::RvtoolsXlsx).datastore("ds2", &[], hosts);
        let mut other = row("app", "[ds2] app/app.vmx", &["[ds2] app/app.vmdk"]);
        other.listing = Listing::WholeChains;
        hosts
            .iter()
            .fold(of_ds2, |inventory, host| inventory.host(host))
            .vm(other)
    };
    let site = |newer: Inventory| {
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "old")
            .disk("ds1/loose/loose")
            .inventory(vcenter_of("vcsa", &["esx1"], "web").taken("2026-09-15T00:00:00Z"))
            .inventory(newer.taken(TAKEN))
            .judge()
    };
    site(newer(&["esx1"]))
        .gap_says("inventory-incomplete", "give the inventory of whoever has it now")
        .is(LOOSE, "unknown/no-coverage")
        .is("ds1/old/old.vmx", "unknown/no-coverage");
    // The newer one was asked of another part, and lacks the hosts that have it.
    site(newer(&["esx2"]))
        .no_gap("inventory-incomplete")
        .is(LOOSE, "orphaned/deleted-vm-disk");
}
