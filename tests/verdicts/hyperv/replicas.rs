//! H-A9, H-D13: registrations that bear one id and are two VMs: a VM and its replica, copies on two hosts.

use derelict::{
    inventory::{ClusterVm, Inventory, InventoryKind, Listing, Registration},
    kind::Platform,
};

use super::{csv, row_of, with_vm};
use crate::support::{Export, Judged, Site, child, hyperv_host, hyperv_row, inventory, vhdx, vm_id, vmcx_path};

/// The row of a VM of this host whose configuration lies in this folder, with its disks.
fn row_at(name: &str, host: &str, folder: &str, disks: &[&str]) -> Registration {
    Registration {
        host: Some(host.to_owned()),
        config: Some(vmcx_path(folder, vm_id(name)).replace('/', "\\")),
        replication: Some("Primary".to_owned()),
        ..hyperv_row(name, disks)
    }
}

/// The VM `web` on HV01, all of whose chains are told.
fn primary() -> Registration {
    Registration {
        listing: Listing::WholeChains,
        checkpoints_told: true,
        ..row_at("web", "HV01", r"E:\VMs\web", &[r"E:\VMs\web\web.vhdx"])
    }
}

fn host_of_primary() -> Inventory {
    inventory("HV01", Platform::Hyperv, InventoryKind::HypervJson).host("HV01")
}

/// The scanned volume of the replica server, with a disk that no row names.
fn with_replica(primary: Inventory, replica: Registration) -> Judged {
    with_vm(Site::hyperv(), "app")
        .vhdx("csv1/rep/web.vhdx", &vhdx("base"))
        .only_as_it_is()
        .inventory(primary)
        .inventory(hyperv_host("RP01").vm(row_of("app")).vm(replica))
        .judge()
}

#[test]
fn ha9_what_is_told_of_a_vm_says_nothing_of_its_replica() {
    let folder = r"C:\ClusterStorage\Volume2\rep";
    let disk = format!(r"{folder}\web_1.avhdx");
    let replica = || Registration {
        replication: Some("Replica".to_owned()),
        ..row_at("web", "RP01", folder, &[&disk])
    };
    with_replica(host_of_primary().vm(primary()), replica())
        .is("csv1/rep/web.vhdx", "unknown/outside-scan never")
        .says("csv1/rep/web.vhdx", "Volume2")
        .no_problem("duplicate-identity");
}

#[test]
fn ha9_one_vm_in_two_exports_of_its_host_is_one() {
    let again = || Registration {
        host: Some("hv01.corp.test".to_owned()),
        ..row_at("web", "HV01", r"F:\VMs\web", &[r"F:\VMs\web\web.vhdx"])
    };
    let judged = with_replica(host_of_primary().vm(primary()), again());
    judged.is("csv1/rep/web.vhdx", "orphaned/deleted-vm-disk");
    assert_eq!(judged.report.vms.iter().filter(|vm| vm.name == "web").count(), 1);
}

#[test]
fn ha9_one_configuration_under_two_names_is_one_vm() {
    let (share, drive) = (r"\\fs01\vms\web", r"D:\Shares\vms\web");
    let one = Registration {
        listing: Listing::WholeChains,
        ..row_at("web", "HV01", share, &[r"\\fs01\vms\web\web.vhdx"])
    };
    let judged = with_replica(host_of_primary().vm(one), row_at("web", "HV02", drive, &[]));
    judged.is("csv1/rep/web.vhdx", "orphaned/deleted-vm-disk");
    assert_eq!(judged.report.vms.iter().filter(|vm| vm.name == "web").count(), 1);
}

/// A cluster whose list has `web`, of which no node has a row.
fn cluster_that_lists_web() -> Inventory {
    let mut cluster = hyperv_host("RP01").vm(row_of("app"));
    cluster.has_cluster_list = true;
    cluster.cluster_vms.push(ClusterVm {
        id: vm_id("web"),
        name: "web".to_owned(),
        root: Some(r"C:\ClusterStorage\Volume2\web".to_owned()),
        state: None,
    });
    cluster
}

fn listed_by_cluster(row: Registration) -> Judged {
    let base = vhdx("base");
    with_vm(Site::hyperv(), "app")
        .vhdx("csv1/rep/web.vhdx", &base)
        .vhdx("csv1/rep/web_rp.avhdx", &child("rp", &base, r".\web.vhdx"))
        .only_as_it_is()
        .inventory(host_of_primary().vm(row))
        .inventory(cluster_that_lists_web())
        .judge()
}

#[test]
fn ha2_the_row_of_a_replicated_vm_elsewhere_is_none_of_the_cluster() {
    listed_by_cluster(primary())
        .is("csv1/rep/web_rp.avhdx", "unknown/no-coverage never")
        .is("csv1/rep/web.vhdx", "in-use/has-children never")
        .gap("cluster-vm-without-row");
    let not_replicated = Registration {
        replication: None,
        ..primary()
    };
    listed_by_cluster(not_replicated).no_gap("cluster-vm-without-row");
}

#[test]
fn a_volume_of_the_primary_that_is_scanned_too_keeps_both() {
    let disk = csv("web/web.vhdx");
    let on_volume = row_at("web", "HV01", r"C:\ClusterStorage\Volume1\web", &[&disk]);
    with_vm(with_vm(Site::hyperv(), "app"), "web")
        .only_as_it_is()
        .inventory(hyperv_host("HV01").vm(row_of("app")).vm(on_volume))
        .inventory(
            inventory("RP01", Platform::Hyperv, InventoryKind::HypervJson).vm(row_at(
                "web",
                "RP01",
                r"R:\rep",
                &[r"R:\rep\web.vhdx"],
            )),
        )
        .judge()
        .is("csv1/web/web.vhdx", "owned")
        .no_problem("ghost");
}
