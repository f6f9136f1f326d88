//! Cases V74 – V86: files of the file system and the platform.

use crate::support::{Export, SECTORS, Site, TAKEN, descriptor, row_of, vcenter};

#[test]
fn v74_to_v78_system_files_are_known_at_the_top_and_only_there() {
    Site::vmware()
        .vm("ds1", "web")
        .zeros("ds1/.fbb.sf", 4096)
        .file("ds1/.vSphere-HA/FDM-1/protectedlist", "")
        .zeros("ds1/.naa.600a0b80/slotsfile", 512)
        .file("ds1/.dvsData/a/1", "x")
        .disk("ds1/etc/etc")
        .disk("ds1/targets/t")
        .disk("ds1/deep/.naa.600a0b80/d")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/.fbb.sf", "system/vmfs-metadata never")
        .is("ds1/.vSphere-HA/FDM-1/protectedlist", "system/ha never")
        .is("ds1/.naa.600a0b80/slotsfile", "system/sioc never")
        .is("ds1/.dvsData/a/1", "system/datastore-service never")
        .are(
            &[
                "ds1/etc/etc.vmdk",
                "ds1/targets/t.vmdk",
                "ds1/deep/.naa.600a0b80/d.vmdk",
            ],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn v75_a_vm_that_a_list_of_ha_names_is_run_by_an_unknown_vcenter() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "foreign")
        .file(
            "ds1/.vSphere-HA/FDM-1/protectedlist",
            "/vmfs/volumes/ds1/foreign/foreign.vmx\n",
        )
        .disk("ds1/loose/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/foreign/foreign.vmx", "in-use/ha-protected never")
        .is("ds1/foreign/foreign-flat.vmdk", "in-use")
        .is("ds1/loose/loose.vmdk", "unknown/no-coverage")
        .gap("ha-vm-unregistered");
}

#[test]
fn v75_an_old_list_of_ha_is_named_with_its_age_and_what_would_settle_it() {
    let lists = ["1", "2"].map(|number| format!("ds1/.vSphere-HA/FDM-{number}/protectedlist"));
    let named = "/vmfs/volumes/ds1/foreign/foreign.vmx\n";
    let judged = Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "foreign")
        .file(&lists[0], named)
        .file(&lists[1], named)
        .modified(&lists[0], "2024-05-15T00:00:00Z")
        .modified(&lists[1], "2024-05-14T00:00:00Z")
        .disk("ds1/loose/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let aged = ".vSphere-HA/FDM-1/protectedlist, last written 2024-05-15 00:00 UTC, 900 days before this report";
    judged
        .says("ds1/foreign/foreign.vmx", aged)
        .says("ds1/loose/loose.vmdk", aged)
        .gap_says(
            "ha-vm-unregistered",
            "where that is gone, scan again without the list that it left",
        );
    let reasons = judged.artifact("ds1/loose/loose.vmdk").reasons.iter();
    let settles: Vec<&str> = reasons.filter_map(|reason| reason.settles.as_deref()).collect();
    assert_eq!(
        settles,
        ["export the vCenter that runs it, or, where that is gone, scan again without the list that it left"]
    );
}

#[test]
fn v75_the_folder_of_ha_is_a_namespace_on_vsan() {
    let namespace = "0f1e2d3c-0000-1111-2222-333344445555";
    let list = format!("ds1/{namespace}/FDM-1/protectedlist");
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "foreign")
        .vm("ds1", "left")
        .symlink("ds1/.vSphere-HA", namespace)
        .file(&list, "/vmfs/volumes/ds1/foreign/foreign.vmx\n")
        .file("ds1/left/FDM-1/protectedlist", "/vmfs/volumes/ds1/left/left.vmx\n")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/foreign/foreign.vmx", "in-use/ha-protected never")
        .is("ds1/foreign/foreign-flat.vmdk", "in-use")
        .is(&list, "system/ha never")
        .is("ds1/left/left.vmx", "unknown");
}

#[test]
fn v76_files_of_datastore_services_are_known_at_the_top() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/.iSCSI-CONFIG/targets", "x")
        .file("ds1/.vsan.stats", "x")
        .file("ds1/config.db", "x")
        .file("ds1/stats.db-wal", "x")
        .file("ds1/web/config.db", "x")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &[
                "ds1/.iSCSI-CONFIG/targets",
                "ds1/.vsan.stats",
                "ds1/config.db",
                "ds1/stats.db-wal",
            ],
            "system/datastore-service never",
        );
}

#[test]
fn v77_a_vm_folder_with_the_name_of_a_system_folder_hides_nothing() {
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "etc")
        .disk("ds1/.snapshotted/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/etc/etc.vmx", "ds1/etc/etc-flat.vmdk"],
            "unregistered/complete-vm",
        )
        .is("ds1/.snapshotted/old.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v79_a_locked_file_is_in_use_and_so_is_its_disk_and_its_lock() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/old")
        .nfs_lock("ds1/old/old-flat.vmdk", "esx1")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    judged.are(&["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"], "in-use/locked never");
    let locks = judged
        .report
        .artifacts
        .iter()
        .filter(|artifact| artifact.relative_path.lossy().contains(".lck-"));
    assert_eq!(locks.map(|lock| lock.verdict.name()).collect::<Vec<_>>(), ["in-use"]);
}

#[test]
fn v79_a_lock_without_target_is_stale_whether_or_not_an_inventory_was_given() {
    let site = || {
        Site::vmware().vm("ds1", "web").file(
            "ds1/web/.lck-e003090001000000",
            derelict_parsers::testkit::vmware::nfs_lock("esx9"),
        )
    };
    site()
        .judge()
        .is("ds1/web/.lck-e003090001000000", "orphaned/stale-lock candidate");
    site()
        .disk("ds1/old/old")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/web/.lck-e003090001000000", "orphaned/stale-lock candidate")
        .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk");
}

/// A lock of NFS 3 that names a file id which no file of the site has.
const STRANGE_LOCK: &str = ".lck-e003090001000000";

/// A registered VM, and of nobody's a VM and a disk; a lock in the folder of each of the latter.
fn locked_by_strange_ids(host: &str) -> Site {
    let lock = || derelict_parsers::testkit::vmware::nfs_lock(host);
    Site::vmware()
        .vm("ds1", "web")
        .vm("ds1", "lost")
        .disk("ds1/old/old")
        .disk("ds1/loose/loose")
        .file(&format!("ds1/lost/{STRANGE_LOCK}"), lock())
        .file(&format!("ds1/old/{STRANGE_LOCK}"), lock())
        .inventory(vcenter().vm(row_of("web")))
}

const PERHAPS_LOCKED: [&str; 5] = [
    "ds1/lost/lost.vmx",
    "ds1/lost/lost.vmdk",
    "ds1/lost/lost-flat.vmdk",
    "ds1/old/old.vmdk",
    "ds1/old/old-flat.vmdk",
];

#[test]
fn v79_where_file_ids_are_not_those_of_the_server_a_lock_may_be_of_any_file_beside_it() {
    for file_system in [Some("cifs"), Some("smb3"), Some("fuse.sshfs"), Some("9p"), None] {
        let judged = locked_by_strange_ids("esx1").file_system(0, file_system).judge();
        for lock in ["lost", "old"].map(|folder| format!("ds1/{folder}/{STRANGE_LOCK}")) {
            judged.is(&lock, "unknown/ambiguous-reference never");
        }
        judged
            .are(&PERHAPS_LOCKED, "unknown/ambiguous-reference never")
            .because("ds1/lost/lost.vmx", "lock")
            .says("ds1/old/old.vmdk", "may be locked by esx1")
            .says("ds1/old/old.vmdk", "61 days before this report")
            .is("ds1/web/web.vmdk", "owned")
            .are(
                &["ds1/loose/loose.vmdk", "ds1/loose/loose-flat.vmdk"],
                "orphaned/deleted-vm-disk",
            );
    }
}

#[test]
fn v79_where_file_ids_are_those_of_the_server_a_lock_without_target_holds_nothing() {
    for file_system in ["nfs", "nfs4", "xfs"] {
        let judged = locked_by_strange_ids("esx9").file_system(0, Some(file_system)).judge();
        judged
            .is(&format!("ds1/lost/{STRANGE_LOCK}"), "orphaned/stale-lock candidate")
            .is("ds1/lost/lost.vmx", "unregistered/complete-vm")
            .are(
                &["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"],
                "orphaned/deleted-vm-disk",
            )
            .no_gap("lock-of-unknown-host");
    }
}

#[test]
fn v79_one_lock_that_names_the_id_of_its_file_tells_that_an_unknown_file_system_shows_the_ids_of_the_server() {
    let site = |file_system| {
        locked_by_strange_ids("esx1")
            .nfs_lock("ds1/web/web-flat.vmdk", "esx1")
            .file_system(0, file_system)
            .judge()
    };
    site(None)
        .is(&format!("ds1/old/{STRANGE_LOCK}"), "orphaned/stale-lock")
        .is("ds1/lost/lost.vmx", "unregistered/complete-vm")
        .are(
            &["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"],
            "orphaned/deleted-vm-disk",
        );
    site(Some("cifs")).are(&PERHAPS_LOCKED, "unknown/ambiguous-reference");
}

#[test]
fn v79_a_lock_may_be_of_a_file_beside_it_that_has_no_id_and_of_no_other() {
    locked_by_strange_ids("esx1")
        .disk("ds1/old/data")
        .modified("ds1/old/data-flat.vmdk", "2026-01-02T03:04:05Z")
        .unnumbered(&["ds1/old/data-flat.vmdk"])
        .judge()
        .is(&format!("ds1/old/{STRANGE_LOCK}"), "unknown never")
        .are(
            &["ds1/old/data.vmdk", "ds1/old/data-flat.vmdk"],
            "unknown/ambiguous-reference never",
        )
        .are(
            &["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"],
            "orphaned/deleted-vm-disk",
        )
        .is(&format!("ds1/lost/{STRANGE_LOCK}"), "orphaned/stale-lock");
}

#[test]
fn v79_a_lock_of_an_unknown_host_that_may_be_of_files_of_nobody_caps_the_datastore() {
    locked_by_strange_ids("esx9")
        .file_system(0, Some("cifs"))
        .judge()
        .is("ds1/loose/loose.vmdk", "unknown/no-coverage")
        .gap("lock-of-unknown-host");
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/loose/loose")
        .file(
            &format!("ds1/web/{STRANGE_LOCK}"),
            derelict_parsers::testkit::vmware::nfs_lock("esx9"),
        )
        .file_system(0, Some("cifs"))
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk")
        .no_gap("lock-of-unknown-host");
}

#[test]
fn v80_a_deleted_file_that_is_still_open_is_in_use() {
    Site::vmware()
        .vm("ds1", "web")
        .sparse("ds1/old/.nfs000000000000abcd00000001", &{
            let mut file = derelict_parsers::testkit::SparseFile::new(1 << 20);
            file.put(0, [9; 64]);
            file
        })
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/.nfs000000000000abcd00000001", "in-use/open-deleted never");
}

#[test]
fn v80_a_disk_whose_name_only_begins_like_that_is_judged_as_any() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/.nfs-server")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/old/.nfs-server.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v82_scratch_of_a_host_is_its_own() {
    Site::vmware()
        .vm("ds1", "web")
        .file("ds1/.locker-esx1/log/x.log", "x")
        .file("ds1/vmkdump/0011.dumpfile", "x")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/.locker-esx1/log/x.log", "ds1/vmkdump/0011.dumpfile"],
            "system/host-scratch never",
        );
}

#[test]
fn v82_a_dump_of_a_host_that_no_inventory_lists_any_more_is_a_leftover() {
    let gone = "4c4c4544-0043-4410-8039-b4c04f4d4e31";
    let other = "11111111-2222-3333-4444-555555555555";
    let listed = |hosts: &[Option<&str>], dump_of_known: &str, listed: &str| {
        let mut inventory = vcenter().vm(row_of("web")).list("host-scratch", None, listed);
        inventory.hosts.clear();
        for (number, uuid) in hosts.iter().enumerate() {
            inventory = inventory.host(&format!("esx{}", number + 1));
            inventory.hosts.last_mut().unwrap().uuid = uuid.map(|uuid| uuid.parse().unwrap());
        }
        Site::vmware()
            .vm("ds1", "web")
            .file(&format!("ds1/vmkdump/{}.dumpfile", gone.to_uppercase()), "x")
            .file("ds1/.locker-esx9/log/x.log", "x")
            .file(&format!("ds1/vmkdump/{dump_of_known}.dumpfile"), "x")
            .inventory(inventory)
            .judge()
    };
    let site = |hosts: &[Option<&str>], dump_of_known: &str| listed(hosts, dump_of_known, TAKEN);
    let dump = format!("ds1/vmkdump/{}.dumpfile", gone.to_uppercase());
    let known = other;
    let other = Some(other);
    site(&[other], known)
        .is(&dump, "orphaned/host-leftover review")
        .confidence(&dump, "low")
        .is("ds1/.locker-esx9/log/x.log", "system/host-scratch never");
    let swapped = Some("44454c4c-4300-1044-8039-b4c04f4d4e31");
    for hosts in [vec![other, Some(gone)], vec![other, swapped], vec![other, None]] {
        site(&hosts, known).is(&dump, "system/host-scratch never");
    }
    // The host came since the list of hosts was made.
    listed(&[other], known, "2026-08-01T00:00:00Z").is(&dump, "system/host-scratch never");
    // Nothing shows that dumps bear the UUIDs which the inventory lists.
    site(&[other], "22222222-2222-3333-4444-555555555555").is(&dump, "system/host-scratch never");
}

#[test]
fn v86_what_vsan_holds_without_a_file_is_said_to_be_out_of_sight() {
    let site = |kind: &str, id: &str| {
        let mut inventory = vcenter().vm(row_of("web"));
        inventory.datastores[0].kind = Some(kind.to_owned());
        inventory.datastores[0].aliases.push(id.to_owned());
        Site::vmware()
            .vm("ds1", "web")
            .file("ds1/old/old.vmdk", descriptor("old").build())
            .inventory(inventory)
            .judge()
    };
    for (kind, id) in [
        ("vsan", ""),
        ("", "ds:///vmfs/volumes/vsan:5261f0c51b2c3d4e-a1b2c3d4e5f60718/"),
    ] {
        site(kind, id)
            .gap("vsan-objects")
            .is("ds1/old/old.vmdk", "orphaned/dangling-descriptor review")
            .complete(true);
    }
    site("VMFS", "")
        .no_gap("vsan-objects")
        .is("ds1/old/old.vmdk", "orphaned/dangling-descriptor candidate");
}

#[test]
fn v86_a_disk_whose_data_are_an_object_is_looked_at_before_its_descriptor_is_deleted() {
    let site = |extent: &str| {
        let disk = String::from_utf8(descriptor("old").build()).unwrap();
        assert!(disk.contains("\"old-flat.vmdk\""), "{disk}");
        let site = Site::vmware()
            .vm("ds1", "web")
            .file("ds1/old/old.vmdk", disk.replace("old-flat.vmdk", extent));
        let site = if extent == "old-flat.vmdk" {
            site.zeros("ds1/old/old-flat.vmdk", 1 << 20)
        } else {
            site
        };
        site.inventory(vcenter().vm(row_of("web"))).judge()
    };
    for extent in [
        "vsan://5261f0c5-1b2c-3d4e-a1b2-c3d4e5f60718",
        "vvol://rfc4122.5261f0c5-1b2c-3d4e-a1b2-c3d4e5f60718",
    ] {
        site(extent)
            .is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk review")
            .says("ds1/old/old.vmdk", extent);
    }
    site("old-flat.vmdk").is("ds1/old/old.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn v86_apparent_and_allocated_bytes_are_told_apart() {
    let judged = Site::vmware()
        .vm("ds1", "web")
        .inventory(vcenter().vm(row_of("web")))
        .judge();
    let flat = judged.artifact("ds1/web/web-flat.vmdk");
    assert_eq!(flat.apparent_bytes, SECTORS * 512);
    assert!(
        flat.allocated_bytes
            .is_some_and(|allocated| allocated < flat.apparent_bytes)
    );
}
