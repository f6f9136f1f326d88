//! Cases V15 – V21: First Class Disks, and the volumes of CNS, Kubernetes and Docker.

use derelict::inventory::{InventoryKind, Registration};
use derelict_parsers::testkit::vmware::{DescriptorBuilder, cowd};

use crate::support::{Export, SECTORS, Site, TAKEN, cid, descriptor, row_of, vcenter, vm_id};

#[test]
fn v15_a_first_class_disk_is_known_by_its_folder_or_by_its_descriptor() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/0a1b")
        .file("ds1/loose/f.vmdk", descriptor("f").ddb("fcd.uuid", "0a 1b").build())
        .zeros("ds1/loose/f-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/fcd/0a1b.vmdk", "ds1/fcd/0a1b-flat.vmdk"], "service/fcd never")
        .are(&["ds1/loose/f.vmdk", "ds1/loose/f-flat.vmdk"], "service/fcd never");
}

#[test]
fn v15_neither_a_folder_of_a_like_name_nor_another_key_makes_a_first_class_disk() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd-old/a")
        .disk("ds1/old/fcd")
        .file("ds1/loose/f.vmdk", descriptor("f").ddb("uuid.fcd", "0a 1b").build())
        .zeros("ds1/loose/f-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/fcd-old/a.vmdk", "ds1/old/fcd.vmdk", "ds1/loose/f.vmdk"],
            "orphaned/deleted-vm-disk",
        );
}

#[test]
fn v15_v16_a_snapshot_of_a_first_class_disk_is_as_the_disk_listed_or_not() {
    let link_in = |site: Site, folder: &str, name: &str| {
        let parent = format!("{name}.vmdk");
        let link = DescriptorBuilder::cowd_link(&format!("{name}-000001"), SECTORS, cid("link"), &parent, cid(name));
        site.file(
            &format!("ds1/{folder}/{name}.vmdk"),
            descriptor(name).ddb("fcd.uuid", "0a 1b").build(),
        )
        .zeros(&format!("ds1/{folder}/{name}-flat.vmdk"), SECTORS * 512)
        .file(&format!("ds1/{folder}/{name}-000001.vmdk"), link.build())
        .file(&format!("ds1/{folder}/{name}-000001-delta.vmdk"), cowd(2048))
    };
    let links = [
        "ds1/fcd/a-000001.vmdk",
        "ds1/fcd/a-000001-delta.vmdk",
        "ds1/k8s/b-000001.vmdk",
        "ds1/k8s/b-000001-delta.vmdk",
    ];
    let site = || link_in(link_in(Site::vmware().vm("ds1", "web"), "fcd", "a"), "k8s", "b");
    site()
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&links, "service/fcd never");
    let listing = |paths: &[&str]| {
        let mut inventory = vcenter().vm(row_of("web"));
        for path in paths {
            inventory = inventory.object("fcd", path, Some(path));
        }
        inventory.fcd_scope = vec!["ds1".to_owned()];
        site().inventory(inventory).judge()
    };
    listing(&["[ds1] fcd/a.vmdk", "[ds1] k8s/b.vmdk"]).are(&links, "service/fcd");
    listing(&[]).are(&links[..1], "orphaned/leaked-volume");
}

#[test]
fn v15_the_sidecar_of_a_listed_first_class_disk_goes_with_it_whether_or_not_that_names_it() {
    let mut inventory = vcenter()
        .vm(row_of("web"))
        .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"))
        .object("fcd", "outside", Some("[ds1] volumes/outside.vmdk"))
        .object("fcd", "snapped", Some("[ds1] volumes/snapped-000001.vmdk"));
    inventory.fcd_scope = vec!["ds1".to_owned()];
    let sidecar = |stem: &str| format!("ds1/{stem}-4686b60be34dc512.vmfd");
    let stems = [
        "fcd/kept",
        "volumes/outside",
        "volumes/snapped",
        "fcd/leaked",
        "fcd/gone",
        "loose/loose",
    ];
    let disks = stems.into_iter().filter(|stem| *stem != "fcd/gone");
    let site = disks.fold(Site::vmware().vm("ds1", "web"), |site, stem| {
        site.disk(&format!("ds1/{stem}"))
    });
    let site = stems
        .into_iter()
        .fold(site, |site, stem| site.file(&sidecar(stem), "{}"));
    site.delta("ds1/volumes/snapped-000001", "snapped.vmdk")
        .inventory(inventory)
        .judge()
        .are(
            &["fcd/kept", "volumes/outside", "volumes/snapped"]
                .map(sidecar)
                .each_ref()
                .map(String::as_str),
            "service/fcd never",
        )
        .owners(&sidecar("fcd/kept"), &["kept"])
        .are(
            &[&sidecar("fcd/leaked"), &sidecar("fcd/gone")],
            "orphaned/leaked-volume review",
        )
        .is(&sidecar("loose/loose"), "orphaned/leftover-sidecar review");
}

#[test]
fn v16_a_first_class_disk_that_a_full_list_does_not_name_is_leaked() {
    let mut inventory = vcenter()
        .vm(row_of("web"))
        .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"));
    inventory.fcd_scope = vec!["ds1".to_owned()];
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/kept")
        .disk("ds1/fcd/leaked")
        .file(
            "ds1/fcd/guarded.vmdk",
            descriptor("guarded").ddb("deletable", "false").build(),
        )
        .zeros("ds1/fcd/guarded-flat.vmdk", SECTORS * 512)
        .inventory(inventory)
        .judge()
        .are(&["ds1/fcd/kept.vmdk", "ds1/fcd/kept-flat.vmdk"], "service/fcd")
        .are(
            &["ds1/fcd/leaked.vmdk", "ds1/fcd/leaked-flat.vmdk"],
            "orphaned/leaked-volume review",
        )
        .are(
            &["ds1/fcd/guarded.vmdk", "ds1/fcd/guarded-flat.vmdk"],
            "in-use/protected-by-descriptor never",
        );
}

#[test]
fn v16_a_list_of_another_datastore_leaks_nothing_here() {
    let mut inventory = vcenter().vm(row_of("web"));
    inventory.fcd_scope = vec!["ds2".to_owned()];
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/fcd/a")
        .inventory(inventory)
        .judge()
        .is("ds1/fcd/a.vmdk", "service/fcd");
}

#[test]
fn v16_a_first_class_disk_that_no_volume_claims_is_for_review_and_told() {
    let site = |claims: &[(&str, &str)]| {
        let fcds = vcenter()
            .vm(row_of("web"))
            .object("fcd", "one", Some("[ds1] fcd/one.vmdk"))
            .object("fcd", "two", Some("[ds1] fcd/two.vmdk"));
        let inventory = claims.iter().fold(fcds, |inventory, (class, name)| {
            let mut inventory = inventory.object(class, name, None);
            inventory.objects.last_mut().unwrap().id = format!("ID OF {name}");
            inventory
        });
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/one")
            .disk("ds1/fcd/two")
            .inventory(inventory)
            .judge()
    };
    for class in ["cns-volume", "kubernetes-volume"] {
        let judged = site(&[(class, "one")]);
        judged
            .are(&["ds1/fcd/two.vmdk", "ds1/fcd/two-flat.vmdk"], "service/fcd review")
            .are(&["ds1/fcd/one.vmdk", "ds1/fcd/one-flat.vmdk"], "service/fcd never")
            .problem("unclaimed-volume", "two");
        let told = judged
            .report
            .problems
            .iter()
            .filter(|problem| problem.code.name() == "unclaimed-volume");
        assert_eq!(told.count(), 1);
    }
    site(&[])
        .is("ds1/fcd/two.vmdk", "service/fcd never")
        .no_problem("unclaimed-volume");
    site(&[("cns-volume", "one"), ("cns-volume", "two")]).no_problem("unclaimed-volume");
}

#[test]
fn v17_the_prefix_of_a_name_decides_nothing() {
    let site = |listed: Option<&str>| {
        let inventory = listed.into_iter().fold(vcenter(), |inventory, path| {
            inventory.object("fcd", "pvc-1", Some(path))
        });
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/disks/pvc-1")
            .inventory(inventory.vm(row_of("web")))
            .judge()
    };
    site(None).is("ds1/disks/pvc-1.vmdk", "orphaned/deleted-vm-disk");
    site(Some("[ds1] disks/pvc-1.vmdk")).are(
        &["ds1/disks/pvc-1.vmdk", "ds1/disks/pvc-1-flat.vmdk"],
        "service/fcd never",
    );
}

#[test]
fn v18_a_volume_that_only_cns_claims_is_for_review_until_a_cluster_confirms_it() {
    let site = |persistent: Option<&str>| {
        let claimed =
            vcenter()
                .vm(row_of("web"))
                .object("cns-volume", "pvc-1 of the cluster dead", Some("[ds1] fcd/one.vmdk"));
        let inventory = persistent.into_iter().fold(claimed, |inventory, name| {
            inventory.object("kubernetes-volume", name, None)
        });
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/one")
            .inventory(inventory)
            .judge()
    };
    for other in [None, Some("pvc-2")] {
        site(other)
            .are(
                &["ds1/fcd/one.vmdk", "ds1/fcd/one-flat.vmdk"],
                "service/cns-volume review",
            )
            .owners("ds1/fcd/one.vmdk", &["pvc-1 of the cluster dead"])
            .because("ds1/fcd/one.vmdk", "last-written");
    }
    site(Some("pvc-1 of the cluster dead")).is("ds1/fcd/one.vmdk", "service/cns-volume never");
}

#[test]
fn v19_a_first_class_disk_whose_file_is_gone_is_a_ghost_too() {
    let site = |path: &str| {
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/one")
            .inventory(vcenter().vm(row_of("web")).object("fcd", "volume one", Some(path)))
            .judge()
    };
    site("[ds1] fcd/gone.vmdk").problem("service-ghost", "volume one");
    site("[ds1] fcd/one.vmdk").no_problem("service-ghost");
}

#[test]
fn v19_a_volume_that_several_lists_name_is_one_ghost() {
    let gone = Some("[ds1] fcd/gone.vmdk");
    let judged = Site::vmware()
        .vm("ds1", "web")
        .inventory(
            vcenter()
                .vm(row_of("web"))
                .object("fcd", "volume", gone)
                .object("cns-volume", "volume of a cluster", gone)
                .object("fcd", "other", Some("[ds1] fcd/other.vmdk")),
        )
        .judge();
    let ghosts = judged.report.problems.iter();
    let texts: Vec<&str> = ghosts
        .filter(|problem| problem.code.name() == "service-ghost")
        .map(|problem| problem.text.as_str())
        .collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(
        texts.iter().any(|text| text.contains("cns-volume and fcd")),
        "{texts:?}"
    );
}

#[test]
fn v20_kubernetes_volumes_are_known_by_folder() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/kubevols/pvc-1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/kubevols/pvc-1-flat.vmdk", "service/kubernetes-volume");
}

#[test]
fn v20_a_loose_disk_at_the_top_of_a_site_with_kubernetes_may_be_a_static_volume() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/kubevols/pvc-1")
        .disk("ds1/pv1")
        .disk("ds1/loose/loose")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(&["ds1/pv1.vmdk", "ds1/pv1-flat.vmdk"], "unknown/service-unlisted")
        .is("ds1/loose/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v20_a_list_of_persistent_volumes_tells_which_disks_at_the_top_are_volumes() {
    let site = |claims: &[(&str, &str)]| {
        let mut inventory = claims
            .iter()
            .fold(vcenter().vm(row_of("web")), |inventory, (class, name)| {
                inventory.object(class, name, Some(&format!("[ds1] {name}.vmdk")))
            });
        inventory.kinds.push(InventoryKind::Kubernetes);
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/kubevols/pvc-1")
            .disk("ds1/pv1")
            .disk("ds1/pv2")
            .inventory(inventory)
            .judge()
    };
    let in_folder = ("kubernetes-volume", "kubevols/pvc-1");
    site(&[in_folder, ("kubernetes-volume", "pv1")])
        .is("ds1/pv1.vmdk", "service/kubernetes-volume")
        .are(&["ds1/pv2.vmdk", "ds1/pv2-flat.vmdk"], "orphaned/deleted-vm-disk");
    // CNS has a volume of a cluster whose list was not given.
    site(&[in_folder, ("kubernetes-volume", "pv1"), ("cns-volume", "pv3")])
        .is("ds1/pv2.vmdk", "unknown/service-unlisted");
}

#[test]
fn v20_a_loose_disk_at_the_top_of_a_site_without_kubernetes_is_judged_as_any() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/pv1")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/pv1.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v21_docker_volumes_are_known_by_folder() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/dockvols/group/vol")
        .file("ds1/dockvols/group/vol-0011223344556677.vmfd", "{}")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .is("ds1/dockvols/group/vol.vmdk", "service/docker-volume")
        .is("ds1/dockvols/group/vol-0011223344556677.vmfd", "service/docker-volume");
}

#[test]
fn v21_only_the_folder_of_the_service_holds_its_volumes() {
    Site::vmware()
        .vm("ds1", "web")
        .disk("ds1/old/dockvols")
        .disk("ds1/dockvols-old/group/vol")
        .inventory(vcenter().vm(row_of("web")))
        .judge()
        .are(
            &["ds1/old/dockvols.vmdk", "ds1/dockvols-old/group/vol.vmdk"],
            "orphaned/deleted-vm-disk",
        );
}

/// A First Class Disk below `place` whose descriptor bears the id.
fn first_class_disk(site: Site, place: &str, id: &str) -> Site {
    let name = place.rsplit('/').next().unwrap_or(place);
    let bytes = id.replace('-', "");
    site.file(
        &format!("{place}.vmdk"),
        descriptor(name).ddb("fcd.uuid", &bytes).build(),
    )
    .zeros(&format!("{place}-flat.vmdk"), SECTORS * 512)
}

#[test]
fn v16_v19_a_first_class_disk_is_of_the_list_that_has_its_id_wherever_it_lies() {
    const LISTED: &str = "5dd77a1c-21be-45ca-9e4f-d30bf047f9e7";
    const OTHER: &str = "6ee77a1c-21be-45ca-9e4f-d30bf047f9e7";
    let site = |class: &str, path: Option<&str>| {
        let kept = vcenter()
            .vm(row_of("web"))
            .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"));
        let mut inventory = kept.object(class, "listed", path);
        inventory.objects.last_mut().unwrap().id = LISTED.to_uppercase();
        inventory.fcd_scope = vec!["ds1".to_owned()];
        let site = Site::vmware().vm("ds1", "web").disk("ds1/fcd/kept");
        let site = first_class_disk(site, "ds1/fcd/in-folder", LISTED);
        let site = first_class_disk(site, "ds1/node/moved", LISTED);
        let site = first_class_disk(site, "ds1/fcd/leaked", OTHER);
        site.inventory(inventory).judge()
    };
    let bearing = [
        "ds1/fcd/in-folder.vmdk",
        "ds1/fcd/in-folder-flat.vmdk",
        "ds1/node/moved.vmdk",
        "ds1/node/moved-flat.vmdk",
    ];
    for judged in [
        site("kubernetes-volume", None),
        site("cns-volume", None),
        site("fcd", Some("[ds1] fcd/gone.vmdk")),
    ] {
        judged
            .are(&bearing, "service/fcd")
            .because("ds1/node/moved.vmdk", "service-object")
            .is("ds1/fcd/leaked.vmdk", "orphaned/leaked-volume review");
    }
    // The file of the list is there: what else bears its id is a copy.
    site("fcd", Some("[ds1] fcd/in-folder.vmdk"))
        .is("ds1/fcd/in-folder.vmdk", "service/fcd")
        .is("ds1/node/moved.vmdk", "orphaned");
}

#[test]
fn v16_the_list_of_first_class_disks_of_one_export_counts_for_another_of_the_same_vcenter() {
    let site = |other: &str, taken: &str| {
        let row = |name: &str| Registration {
            instance_id: Some(vm_id(name)),
            ..row_of(name)
        };
        let mut with_list = vcenter()
            .vm(row("web"))
            .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"));
        with_list.fcd_scope = vec!["ds1".to_owned()];
        let mut without = vcenter().vm(row(other));
        without.source = "another export".to_owned();
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "db")
            .disk("ds1/fcd/kept")
            .disk("ds1/fcd/leaked")
            .inventory(with_list.taken(taken))
            .inventory(without)
            .judge()
    };
    site("web", TAKEN).is("ds1/fcd/leaked.vmdk", "orphaned/leaked-volume review");
    site("web", "2026-09-20T00:00:00Z").is("ds1/fcd/leaked.vmdk", "orphaned/leaked-volume review");
    site("db", TAKEN).is("ds1/fcd/leaked.vmdk", "service/fcd");
    // It was made after the list.
    site("web", "2026-08-20T00:00:00Z").is("ds1/fcd/leaked.vmdk", "service/fcd");
}

#[test]
fn v20_a_volume_that_the_list_of_persistent_volumes_lacks_is_of_another_cluster() {
    let site = |listed: &[&str]| {
        let mut inventory = listed.iter().fold(vcenter().vm(row_of("web")), |inventory, name| {
            inventory.object("kubernetes-volume", name, Some(&format!("[ds1] {name}.vmdk")))
        });
        inventory.kinds.push(InventoryKind::Kubernetes);
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/kubevols/pvc-1")
            .disk("ds1/kubevols/pvc-2")
            .disk("ds1/loose")
            .inventory(inventory)
            .judge()
    };
    site(&["kubevols/pvc-1"]).is("ds1/loose.vmdk", "unknown/service-unlisted");
    site(&["kubevols/pvc-1", "kubevols/pvc-2"]).is("ds1/loose.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn v16_a_first_class_disk_that_was_made_since_its_list_is_not_leaked_whatever_lies_beside_the_list() {
    let site = |scope: &str, listed: &str, written: &str| {
        let mut inventory = vcenter()
            .vm(row_of("web"))
            .object("fcd", "kept", Some("[ds1] fcd/kept.vmdk"))
            .list("fcd", Some(scope), listed);
        inventory.fcd_scope = vec!["ds1".to_owned()];
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/fcd/kept")
            .disk("ds1/fcd/other")
            .file("ds1/loose/f.vmdk", descriptor("f").ddb("fcd.uuid", "0a 1b").build())
            .zeros("ds1/loose/f-flat.vmdk", SECTORS * 512)
            .all_modified(
                &[
                    "ds1/fcd/other.vmdk",
                    "ds1/fcd/other-flat.vmdk",
                    "ds1/loose/f.vmdk",
                    "ds1/loose/f-flat.vmdk",
                ],
                written,
            )
            .inventory(inventory)
            .judge()
    };
    let disks = ["ds1/fcd/other.vmdk", "ds1/fcd/other-flat.vmdk", "ds1/loose/f.vmdk"];
    let (list, hours_before) = ("2026-09-10T12:00:00Z", "2026-09-10T10:00:00Z");
    site("ds1", list, hours_before).are(&disks, "orphaned/leaked-volume review");
    // The clocks of hosts differ, and the list is older than it.
    for written in ["2026-09-10T11:30:00Z", "2026-09-20T12:00:00Z"] {
        site("ds1", list, written).are(&disks, "service/fcd never");
        site("ds1", TAKEN, written).are(&disks, "orphaned/leaked-volume review");
        // The list of another datastore is older.
        site("ds2", list, written).are(&disks, "orphaned/leaked-volume review");
    }
}

#[test]
fn v20_a_disk_at_the_top_that_was_made_since_the_list_of_persistent_volumes_may_be_one() {
    let site = |written: &str| {
        let mut inventory = vcenter()
            .vm(row_of("web"))
            .object("kubernetes-volume", "pv1", Some("[ds1] pv1.vmdk"))
            .list("kubernetes-volume", None, "2026-09-10T12:00:00Z");
        inventory.kinds.push(InventoryKind::Kubernetes);
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/pv1")
            .disk("ds1/pv2")
            .all_modified(&["ds1/pv2.vmdk", "ds1/pv2-flat.vmdk"], written)
            .inventory(inventory)
            .judge()
    };
    site("2026-09-01T00:00:00Z").is("ds1/pv2.vmdk", "orphaned/deleted-vm-disk");
    site("2026-09-20T00:00:00Z").is("ds1/pv2.vmdk", "unknown/service-unlisted");
}
