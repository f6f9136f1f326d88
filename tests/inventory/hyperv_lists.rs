//! The lists of Hyper-V hosts and clusters that belong together.

use super::*;

pub(crate) const HYPERV_VM: &str = r#"{"Name":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ComputerName":"HV01","State":"Off","Version":"10.0","IsClustered":true,
    "ConfigurationLocation":"C:\\ClusterStorage\\Volume1\\a","SnapshotFileLocation":"C:\\ClusterStorage\\Volume1\\a",
    "HardDrives":[{"Path":"C:\\ClusterStorage\\Volume1\\a\\a.vhdx","DiskNumber":null}],"DvdDrives":[],"Snapshots":[],"ReplicationMode":"Primary"}"#;

#[test]
fn the_separate_hyperv_outputs_are_joined() {
    let folder = Folder::new();
    folder.put("hyperv-vms.json", HYPERV_VM);
    folder.put("csv.json", r#"{"Name":"CSV1","State":"Online","OwnerNode":"HV01","Path":"C:\\ClusterStorage\\Volume1","Volume":"\\\\?\\Volume{1}\\","Size":10,"Free":5}"#);
    folder.put("cluster.json", r#"{"Name":"Virtual Machine Configuration a","State":"Online","OwnerGroup":"a","VmID":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","Root":"C:\\ClusterStorage\\Volume1\\a"}"#);
    folder.put("vhd.csv", "\"Path\",\"ParentPath\"\r\n\"C:\\ClusterStorage\\Volume1\\a\\A.vhdx\",\"C:\\ClusterStorage\\Volume1\\gold.vhdx\"\r\n\"c:\\clusterstorage\\volume1\\gold.vhdx\",\r\n");
    let inventory = only(folder.path());
    let vm = vm(&inventory, "a");
    assert_eq!(files(vm, Role::Parent), [r"C:\ClusterStorage\Volume1\gold.vhdx"]);
    assert_eq!(
        vm.listing,
        Listing::WholeChains,
        "every chain ends at a disk that has no parent"
    );
    assert_eq!(vm.told_disks.len(), 2, "the chain of the disk and its parent is told");
    let [told] = inventory.observations.parents.as_slice() else {
        panic!("one disk has a parent")
    };
    assert_eq!(
        (told.parent.as_str(), told.row.as_str()),
        (r"C:\ClusterStorage\Volume1\gold.vhdx", "vhd.csv: row 2")
    );
    assert_eq!(vm.replication.as_deref(), Some("Primary"));
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([(r"C:\ClusterStorage\Volume1", vec![r"\\?\Volume{1}\"])])
    );
    assert!(inventory.has_cluster_list && inventory.cluster_vms.is_empty());
    assert_eq!(inventory.warnings, []);
}

fn hyperv_export(extra: &str) -> Inventory {
    only_of(format!(
        r#"{{"schema":"hyperv-inventory-export/1","exported":"2026-11-22T08:45:00Z","cluster":"C","vms":[{HYPERV_VM}]{extra}}}"#
    ))
}

#[test]
fn a_node_without_vms_is_missing_unless_the_cluster_list_explains_it() {
    let resources =
        r#","clusterResources":[{"Name":"a","OwnerNode":"HV01","VmID":"6f1d3a2e-8b4c-4d5e-9f00-112233445566"}]"#;
    let inventory = hyperv_export(r#","nodes":["HV01","HV02"]"#);
    assert_eq!(inventory.missing_hosts, ["HV02"]);
    let hosts: Vec<_> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["HV01"], "it does not speak for a host that is missing");
    let inventory = hyperv_export(&format!(r#","nodes":["HV01","HV02"]{resources}"#));
    assert_eq!(inventory.missing_hosts, Vec::<String>::new());
    assert_eq!(inventory.warnings, []);
    let elsewhere = r#","clusterSharedVolumes":[{"OwnerNode":"HV03","Path":"C:\\ClusterStorage\\V","Volume":"x"}]"#;
    let inventory = hyperv_export(&format!(r#","nodes":["HV01"]{resources}{elsewhere}"#));
    assert_eq!(inventory.missing_hosts, ["HV03"], "a member that was not asked");
}

#[test]
fn a_clustered_vm_without_a_row_is_kept() {
    let inventory = hyperv_export(
        r#","clusterResources":[{"Name":"x","OwnerGroup":"b","State":"Offline","VmID":"00000000-0000-0000-0000-0000000000b0","VmStoreRootPath":"C:\\ClusterStorage\\Volume1\\b"}]"#,
    );
    assert_eq!(inventory.cluster_vms.len(), 1);
    assert_eq!(inventory.cluster_vms[0].name, "b");
    assert_eq!(
        inventory.cluster_vms[0].root.as_deref(),
        Some(r"C:\ClusterStorage\Volume1\b")
    );
    assert_eq!(codes(&hyperv_export("")), ["no-cluster-list"]);
}

#[test]
fn errors_in_the_export_cap() {
    assert_eq!(
        capping(&hyperv_export(r#","errors":["Get-VM: broken"]"#)),
        ["export-errors"]
    );
    assert_eq!(capping(&hyperv_export(r#","errors":[]"#)), Vec::<&str>::new());
}

#[test]
fn a_question_about_one_vm_or_one_list_that_failed_costs_its_answer() {
    let with = |error: &str| hyperv_export(&format!(r#","clusterResources":[],"errors":["{error}"]"#));
    let inventory = with("DVD drives of a: Access denied: 5");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    assert!(codes(&inventory).contains(&"export-errors"));
    assert!(vm(&inventory, "a").checkpoints_told);
    let inventory = with("checkpoints of a: in use");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    let row = vm(&inventory, "a");
    assert!(!row.checkpoints_told && row.has_snapshots, "it may have some");
    let inventory = with("disks of a: in use");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    assert_eq!(vm(&inventory, "a").listing, Listing::ConfigOnly);
    let inventory = with("Get-ClusterResource: The cluster service is not running");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    assert!(!inventory.has_cluster_list);
    assert!(with("Get-ClusterSharedVolume: no").has_cluster_list);
}

#[test]
fn an_error_that_may_have_cost_vms_caps() {
    for error in [
        "Get-VM on HV02: not reached",
        "checkpoints of another: in use",
        "checkpoints of a",
        "disks of checkpoint before: in use",
        "a: checkpoints of a: in use",
    ] {
        let inventory = hyperv_export(&format!(
            r#","clusterResources":[],"errors":["DVD drives of a: no","{error}"]"#
        ));
        assert_eq!(capping(&inventory), ["export-errors"], "{error}");
    }
}

#[test]
fn hosts_and_clusters_that_name_themselves_are_apart() {
    let folder = Folder::new();
    let export =
        |host: &str| format!(r#"{{"schema":"hyperv-inventory-export/1","host":"{host}","vms":[{HYPERV_VM}]}}"#);
    folder.put("1.json", export("HV01"));
    folder.put("2.json", export("HV02"));
    let imported = import_paths(&[folder.path()]);
    let sources: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| inventory.source.as_str())
        .collect();
    assert_eq!(sources, ["HV01", "HV02"]);
}

#[test]
fn chains_are_told_for_the_host_that_was_asked() {
    let vm = |host: &str, id: u32| {
        format!(
            r#"{{"Name":"dc{id}","VMId":"00000000-0000-0000-0000-00000000000{id}","ComputerName":"{host}","State":"Off","Version":"10.0","ConfigurationLocation":"D:\\VMs\\dc",
               "HardDrives":[{{"Path":"D:\\VMs\\dc\\dc.vhdx","DiskNumber":null}}],"DvdDrives":[],"Snapshots":[]}}"#
        )
    };
    let listings = |disks: &str| {
        let folder = Folder::new();
        folder.put("vms.json", format!("[{},{}]", vm("HV01", 1), vm("HV02", 2)));
        folder.put("vhd.json", disks);
        let inventory = only(folder.path());
        ["dc1", "dc2"].map(|name| super::vm(&inventory, name).listing)
    };
    let (whole, leaf) = (Listing::WholeChains, Listing::LeafDisks);
    let row = |host: &str| format!(r#"{{{host}"Path":"D:\\VMs\\dc\\dc.vhdx","ParentPath":"","VhdType":3}}"#);
    assert_eq!(listings(&row(r#""ComputerName":"HV01","#)), [whole, leaf]);
    assert_eq!(listings(&row(r#""PSComputerName":"hv02.corp.test","#)), [leaf, whole]);
    assert_eq!(
        listings(&row("")),
        [leaf, leaf],
        "it does not say of which of both it is"
    );
    let both = [row(r#""ComputerName":"HV01","#), row(r#""ComputerName":"HV02","#)].join(",");
    assert_eq!(listings(&format!("[{both}]")), [whole, whole]);
}

#[test]
fn an_empty_list_of_drives_is_believed_of_a_vm_that_is_off() {
    let listing = |state: &str| {
        let export = format!(
            r#"[{{"Name":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ComputerName":"HV01","State":{state},"Version":"10.0",
               "ConfigurationLocation":"C:\\ClusterStorage\\Volume1\\a","HardDrives":[],"DvdDrives":[],"Snapshots":[]}}]"#
        );
        let inventory = only_of(export);
        vm(&inventory, "a").listing
    };
    for state in [
        r#""OffCritical""#,
        "32782",
        r#""32784""#,
        "32799",
        "5",
        r#""Sonstiges""#,
        r#""Running""#,
        "2",
        r#""FastSaved""#,
        "32773",
    ] {
        assert_eq!(listing(state), Listing::ConfigOnly, "{state}");
    }
    for state in [r#""Off""#, "3"] {
        assert_eq!(listing(state), Listing::LeafDisks, "{state}");
    }
}

const CLUSTERED_ID: &str = "6f1d3a2e-8b4c-4d5e-9f00-112233445566";

/// What a list of a cluster beside the VM `a` gives.
fn beside_a(list: &str) -> Inventory {
    let folder = Folder::new();
    folder.put("hyperv-vms.json", HYPERV_VM);
    folder.put("cluster.json", list);
    only(folder.path())
}

#[test]
fn clustered_vms_without_an_id_are_kept_by_their_names() {
    let resource = |name: &str, group: &str, id: &str| {
        format!(r#"{{"Name":"{name}","State":"Failed","OwnerGroup":"{group}","VmID":{id},"Root":null}}"#)
    };
    let known = format!(r#""{CLUSTERED_ID}""#);
    for start in [
        "Virtual Machine Configuration ",
        "Konfiguration des virtuellen Computers ",
    ] {
        let list = [
            resource(&format!("{start}a"), "a", &known),
            resource(&format!("{start}ghost"), "ghost", "null"),
            resource("Cluster IP Address", "Cluster Group", "null"),
        ];
        let inventory = beside_a(&format!("[{}]", list.join(",")));
        assert_eq!(inventory.cluster_roles, ["a", "ghost"], "{start}");
        assert!(inventory.cluster_vms.is_empty() && inventory.has_cluster_list);
    }
    let groups = r#"[{"Name":"a","OwnerNode":"HV01","State":"Online","GroupType":111},{"Name":"files","OwnerNode":"HV01","State":"Online","GroupType":100}]"#;
    assert_eq!(beside_a(groups).cluster_roles, ["a"]);
    let raw = r#"[{"Name":"Virtual Machine Configuration b","State":"Online","OwnerGroup":"b","ResourceType":"Virtual Machine Configuration"}]"#;
    assert_eq!(beside_a(raw).cluster_roles, ["b"]);
}

#[test]
fn the_parameters_of_resources_list_the_vms_of_a_cluster() {
    let parameter = |vm: &str, name: &str, value: &str| {
        format!(
            r#"{{"ClusterObject":"Virtual Machine Configuration {vm}","Name":"{name}","IsReadOnly":false,"ParameterType":"String","Value":"{value}"}}"#
        )
    };
    let rows = [
        parameter("a", "VmID", CLUSTERED_ID),
        parameter("a", "VmStoreRootPath", r"C:\\ClusterStorage\\Volume1\\a"),
        parameter("b", "VmID", "00000000-0000-0000-0000-0000000000b0"),
        parameter("b", "VmStoreRootPath", r"C:\\ClusterStorage\\Volume1\\b"),
    ];
    let inventory = beside_a(&format!("[{}]", rows.join(",")));
    assert!(inventory.has_cluster_list);
    let [vm] = inventory.cluster_vms.as_slice() else {
        panic!("{:?}", inventory.cluster_vms)
    };
    assert_eq!(
        (vm.name.as_str(), vm.root.as_deref()),
        ("b", Some(r"C:\ClusterStorage\Volume1\b"))
    );
    let other = beside_a(r#"[{"ClusterObject":"Cluster IP Address","Name":"Address","Value":"192.0.2.1"}]"#);
    assert!(!other.has_cluster_list);
}

#[test]
fn a_vm_and_its_replica_in_one_list_are_two() {
    let on = |host: &str, folder: &str| {
        HYPERV_VM
            .replace("HV01", host)
            .replace(r"C:\\ClusterStorage\\Volume1\\a", folder)
    };
    let (primary, replica) = (on("HV01", r"D:\\VMs\\a"), on("RP01", r"R:\\rep\\a"));
    let drive = r#"[{"VMName":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ComputerName":"RP01","Path":"R:\\rep\\a\\data.vhdx","DiskNumber":null}]"#;
    let folder = Folder::new();
    folder.put("vms.json", format!("[{primary},{replica}]"));
    folder.put("drives.json", drive);
    let inventory = only(folder.path());
    let of_hosts: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| (vm.host.as_deref(), files(vm, Role::Disk).len()))
        .collect();
    assert_eq!(of_hosts, [(Some("HV01"), 1), (Some("RP01"), 2)]);
    let again = on("hv01.corp.test", r"E:\\VMs\\a");
    let folder = Folder::new();
    folder.put("vms.json", format!("[{primary},{again}]"));
    assert_eq!(only(folder.path()).vms.len(), 1, "one host has one VM of an id");
}
