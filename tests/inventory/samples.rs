//! The samples, each held against what it really contains.

use super::*;

/// Name, configuration and number of disks of the twelve VMs of the simulated vCenter.
const SIMULATED: [(&str, &str, usize); 12] = [
    (
        "App Server Ä 01",
        "[SAN VMFS 02] App Server Ä 01/App Server Ä 01.vmx",
        1,
    ),
    ("DC0_C0_APP0_VM0", "[LocalDS_0] DC0_C0_APP0_VM0/DC0_C0_APP0_VM0.vmx", 1),
    ("DC0_C0_APP0_VM1", "[LocalDS_0] DC0_C0_APP0_VM1/DC0_C0_APP0_VM1.vmx", 1),
    (
        "app-from-template",
        "[SAN-VMFS-01] app-from-template/app-from-template.vmx",
        1,
    ),
    ("broken01", "[SAN-VMFS-01] broken01/broken01.vmx", 1),
    ("db01", "[SAN-VMFS-01] db01/db01.vmx", 2),
    ("newname", "[SAN-VMFS-01] oldname/oldname.vmx", 1),
    ("tmpl-rhel8", "[SAN-VMFS-01] tmpl-rhel8/tmpl-rhel8.vmx", 1),
    (
        "vm (copy) [old]",
        "[SAN VMFS 02] vm (copy) [old]/vm (copy) [old].vmx",
        1,
    ),
    ("web01", "[SAN-VMFS-01] web01/web01.vmx", 2),
    ("web01-clone", "[SAN-VMFS-01] web01-clone/web01-clone.vmx", 2),
    ("web01-linked", "[SAN-VMFS-01] web01-linked/web01-linked.vmx", 2),
];

const URLS: [(&str, &str); 6] = [
    ("ISO-Library", "ds:///vmfs/volumes/253898a5-4253ab64-fb26-d561e6a5ab46/"),
    ("LocalDS_0", "ds:///vmfs/volumes/5276465f-5a709286-5fd3-2604690533ca/"),
    ("LocalDS_1", "ds:///vmfs/volumes/8cd401d1-f6caea55-e588-69f60a76a67b/"),
    ("NFS-Vol01", "ds:///vmfs/volumes/c6861b0e-454f0ab0-9f4d-0a8ae2f70d11/"),
    ("SAN VMFS 02", "ds:///vmfs/volumes/36dfe1b5-36bc44df-4d63-2338e00adaed/"),
    ("SAN-VMFS-01", "ds:///vmfs/volumes/9e403e05-b99c1814-996a-60c9fb5fc4f4/"),
];

/// The twelve VMs with their configurations and disks, however they were exported.
fn assert_simulated(inventory: &Inventory) {
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| {
            (
                vm.name.as_str(),
                vm.config.as_deref().unwrap_or("none"),
                files(vm, Role::Disk).len(),
            )
        })
        .collect();
    assert_eq!(found, SIMULATED);
    let templates: Vec<_> = inventory
        .vms
        .iter()
        .filter(|vm| vm.template)
        .map(|vm| vm.name.as_str())
        .collect();
    assert_eq!(templates, ["tmpl-rhel8"]);
    assert!(inventory.vms.iter().all(|vm| vm.has_configuration));
    assert_eq!(
        files(vm(inventory, "db01"), Role::Disk),
        ["[SAN VMFS 02] db01/db01_1.vmdk", "[SAN-VMFS-01] db01/db01.vmdk"]
    );
    assert_eq!(vm(inventory, "newname").moref.as_deref(), Some("vm-144"));
    assert_eq!(
        vm(inventory, "web01").instance_id.unwrap().to_string(),
        "d0e8e76b-94d9-527c-9d6f-1a3a383c9c0c"
    );
}

fn with_snapshots(inventory: &Inventory) -> Vec<&str> {
    inventory
        .vms
        .iter()
        .filter(|vm| vm.has_snapshots)
        .map(|vm| vm.name.as_str())
        .collect()
}

/// The inventory of a folder with every output of govc, of which some are in forms that cannot be read.
fn only_of_govc(path: &Path) -> Inventory {
    let mut imported = import_paths(&[path]);
    let refused: Vec<String> = imported
        .issues
        .iter()
        .filter_map(|issue| issue.path.lossy().rsplit('/').next().map(str::to_owned))
        .collect();
    assert_eq!(
        refused,
        [
            "esxcli.json",
            "object.collect-vms-min.txt",
            "vm.info-web01.dump.txt",
            "vm.info-web01.xml"
        ]
    );
    assert_eq!(imported.inventories.len(), 1);
    imported.inventories.remove(0)
}

#[test]
fn govc_folder_of_today_is_one_source_with_whole_chains() {
    let Some(path) = sample("inventory/govc/vcsim-0.54-api8") else {
        return;
    };
    let inventory = only_of_govc(&path);
    assert_simulated(&inventory);
    assert!(inventory.vms.iter().all(|vm| vm.listing == Listing::WholeChains));
    assert_eq!(with_snapshots(&inventory), ["db01", "web01"]);
    let web01 = vm(&inventory, "web01");
    assert_eq!(
        files(web01, Role::Extent),
        [
            "[SAN-VMFS-01] web01/web01-flat.vmdk",
            "[SAN-VMFS-01] web01/web01_1-flat.vmdk"
        ]
    );
    assert_eq!(
        files(web01, Role::SnapshotState),
        [
            "[SAN-VMFS-01] web01/web01-Snapshot1.vmsn",
            "[SAN-VMFS-01] web01/web01-Snapshot2.vmsn"
        ]
    );
    assert_eq!(files(web01, Role::Nvram), ["[SAN-VMFS-01] web01/web01.nvram"]);
    assert_eq!(files(web01, Role::Log), ["[SAN-VMFS-01] web01/vmware.log"]);
    assert_eq!(web01.folders, ["[SAN-VMFS-01] web01"]);
    assert_eq!(
        files(vm(&inventory, "db01"), Role::Media),
        ["[ISO-Library] iso/ubuntu-24.04.iso"]
    );
    assert_eq!(inventory.source, "vcsim-0.54-api8");
    assert_eq!(inventory.platform, Platform::Vmware);
    assert_eq!(
        inventory.kinds,
        [
            InventoryKind::GovcCollect,
            InventoryKind::GovcInfo,
            InventoryKind::GovcDisks,
            InventoryKind::GovcLibrary,
            InventoryKind::GovcNames,
            InventoryKind::FileList
        ]
    );
    assert_eq!(inventory.warnings, []);
}

#[test]
fn govc_folder_of_today_resolves_hosts_and_datastores() {
    let Some(path) = sample("inventory/govc/vcsim-0.54-api8") else {
        return;
    };
    let inventory = only_of_govc(&path);
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([
            ("ISO-Library", vec!["/srv/vcsim/ISO-Library"]),
            ("LocalDS_0", vec!["/srv/vcsim/DC0-LocalDS_0"]),
            ("LocalDS_1", vec!["/srv/vcsim/DC0-LocalDS_1"]),
            ("NFS-Vol01", vec!["nas01.example.test:/export/vol01"]),
            ("SAN VMFS 02", vec!["/srv/vcsim/SAN VMFS 02"]),
            ("SAN-VMFS-01", vec!["/srv/vcsim/SAN-VMFS-01"]),
            ("datastore1", vec!["/vmfs/volumes/deadbeef-01234567-89ab-cdef00000003"]),
        ])
    );
    let san = inventory
        .datastores
        .iter()
        .find(|datastore| datastore.name == "SAN-VMFS-01")
        .unwrap();
    assert_eq!(san.moref.as_deref(), Some("datastore-73"));
    assert_eq!(san.hosts, ["DC0_C0_H0", "DC0_C0_H1"]);
    assert_eq!((san.vm_count, san.capacity_bytes), (Some(8), Some(2_199_023_255_552)));
    let hosts: Vec<_> = inventory
        .hosts
        .iter()
        .map(|host| (host.name.as_str(), host.moref.as_deref()))
        .collect();
    assert_eq!(
        hosts,
        [
            ("DC0_C0_H0", Some("host-38")),
            ("DC0_C0_H1", Some("host-48")),
            ("DC0_H0", Some("host-22"))
        ]
    );
}

#[test]
fn govc_folder_of_today_resolves_objects() {
    let Some(path) = sample("inventory/govc/vcsim-0.54-api8") else {
        return;
    };
    let inventory = only_of_govc(&path);
    let objects: Vec<_> = inventory
        .objects
        .iter()
        .map(|object| {
            (
                object.class.as_str(),
                object.name.as_str(),
                object.path.as_deref(),
                object.folder,
            )
        })
        .collect();
    let library = "[SAN-VMFS-01] contentlib-42e6c178-cae7-4039-b068-39afa9befbd1";
    assert_eq!(
        objects,
        [
            ("content-library", "golden", Some(library), true),
            (
                "content-library",
                "win-iso",
                Some(&*format!("{library}/d17d5c27-bd9a-4531-b32a-ddc39870ec46")),
                true
            ),
            (
                "content-library",
                "t.iso",
                Some(&*format!("{library}/d17d5c27-bd9a-4531-b32a-ddc39870ec46/t.iso")),
                false
            ),
            (
                "fcd",
                "pvc-1111",
                Some("[SAN-VMFS-01] fcd/5dd77a1c-21be-45ca-9e4f-d30bf047f9e7.vmdk"),
                false
            ),
            (
                "fcd",
                "fcd two",
                Some("[SAN VMFS 02] fcd/d41a5a4e-a380-4103-91e2-9556ed9775b1.vmdk"),
                false
            ),
        ]
    );
    assert_eq!(inventory.fcd_scope, ["SAN VMFS 02", "SAN-VMFS-01"]);
    assert!(inventory.has_library_list && inventory.has_vm_list);
}

#[test]
fn govc_folder_of_old_gives_the_same_vms() {
    let Some(path) = sample("inventory/govc/govc-0.24-pascalcase") else {
        return;
    };
    let inventory = only(&path);
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| (vm.name.as_str(), vm.config.as_deref().unwrap_or("none")))
        .collect();
    assert_eq!(found, SIMULATED.map(|(name, config, _)| (name, config)));
    let whole: Vec<_> = inventory
        .vms
        .iter()
        .filter(|vm| vm.listing == Listing::WholeChains)
        .map(|vm| vm.name.as_str())
        .collect();
    assert_eq!(
        whole,
        ["app-from-template", "db01", "web01", "web01-clone", "web01-linked"],
        "those of vm.info and ls"
    );
    assert!(
        inventory
            .vms
            .iter()
            .filter(|vm| !whole.contains(&vm.name.as_str()))
            .all(|vm| vm.listing == Listing::ConfigOnly)
    );
    assert_eq!(
        files(vm(&inventory, "db01"), Role::Disk),
        ["[SAN VMFS 02] db01/db01_1.vmdk", "[SAN-VMFS-01] db01/db01.vmdk"]
    );
    assert_eq!(inventory.datastores.len(), 6);
    assert_eq!(inventory.fcd_scope, ["SAN-VMFS-01"]);
    let objects: Vec<_> = inventory
        .objects
        .iter()
        .filter_map(|object| object.path.as_deref())
        .collect();
    assert_eq!(
        objects,
        [
            "[SAN-VMFS-01] contentlib-42e6c178-cae7-4039-b068-39afa9befbd1",
            "[SAN-VMFS-01] fcd/5dd77a1c-21be-45ca-9e4f-d30bf047f9e7.vmdk"
        ]
    );
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn govc_files_given_apart_are_one_source() {
    let Some(path) = sample("inventory/govc/vcsim-0.54-api8") else {
        return;
    };
    let files = [
        "object.collect-vms.json",
        "object.collect-datastores.json",
        "library.ls.json",
    ]
    .map(|name| path.join(name));
    let imported = import_paths(&files.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert_eq!(imported.issues, []);
    let [inventory] = imported.inventories.as_slice() else {
        panic!("{} inventories", imported.inventories.len())
    };
    assert_simulated(inventory);
    assert_eq!(
        inventory.objects[0].path.as_deref(),
        Some("[SAN-VMFS-01] contentlib-42e6c178-cae7-4039-b068-39afa9befbd1"),
        "the library's datastore is resolved with the list beside it"
    );
    assert_eq!(
        inventory.collected.unwrap().to_string(),
        "2026-11-22T08:33:37.057570532Z",
        "the newest layout"
    );
    assert!(!inventory.collected_is_file_time);
}

#[test]
fn a_failed_export_of_govc_is_an_issue_when_named() {
    let Some(path) = sample("inventory/govc/vcsim-0.54-api8/esxcli.json") else {
        return;
    };
    let imported = import_paths(&[&path]);
    assert_eq!(imported.inventories, []);
    assert_eq!(
        imported.issues[0].error,
        "not understood: an error message of govc: the export failed"
    );
}

#[test]
fn govc_of_one_host() {
    let Some(path) = sample("inventory/govc/vcsim-esx") else {
        return;
    };
    let inventory = only(&path);
    let names: Vec<_> = inventory.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["ha-host_VM0", "ha-host_VM1"]);
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([
            ("LocalDS_0", vec!["/srv/vcsim/ha-datacenter-LocalDS_0"]),
            ("datastore1", vec!["/vmfs/volumes/deadbeef-01234567-89ab-cdef00000003"]),
        ])
    );
}

fn assert_rvtools(inventory: &Inventory) {
    assert_simulated(inventory);
    assert_eq!(inventory.source, "vcsim.example.test");
    assert!(inventory.vms.iter().all(|vm| vm.listing == Listing::LeafDisks));
    assert_eq!(with_snapshots(inventory), ["db01", "web01"]);
    assert_eq!(
        files(vm(inventory, "web01"), Role::SnapshotState),
        [
            "[SAN-VMFS-01] web01/web01-Snapshot1.vmsn",
            "[SAN-VMFS-01] web01/web01-Snapshot2.vmsn"
        ]
    );
    assert_eq!(
        files(vm(inventory, "db01"), Role::Media),
        ["[ISO-Library] iso/ubuntu-24.04.iso"]
    );
    assert_eq!(vm(inventory, "web01").folders, ["[SAN-VMFS-01] web01/"]);
    assert_eq!(vm(inventory, "web01").host.as_deref(), Some("DC0_C0_H0"));
    assert_eq!(
        vm(inventory, "web01").bios_id.unwrap().to_string(),
        "483cd6a3-d9dc-532c-bc5c-3eaee63d57e2"
    );
    let urls: Vec<_> = datastores(inventory)
        .into_iter()
        .map(|(name, aliases)| (name, aliases[0]))
        .collect();
    assert_eq!(urls, URLS);
    let nfs = inventory
        .datastores
        .iter()
        .find(|datastore| datastore.name == "NFS-Vol01")
        .unwrap();
    assert_eq!(nfs.aliases[1], "nas01.example.test:/export/vol01");
    let hosts: Vec<_> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(
        hosts,
        ["DC0_C0_H0", "DC0_C0_H1"],
        "a vCenter speaks for the hosts of its datastores"
    );
    assert_eq!(capping(inventory), Vec::<&str>::new());
}

#[test]
fn rvtools_workbook() {
    let Some(path) = sample("inventory/rvtools/synthetic-from-vcsim/RVTools_export_all_SYNTHETIC.xlsx") else {
        return;
    };
    let inventory = only(&path);
    assert_rvtools(&inventory);
    assert_eq!(inventory.kinds, [InventoryKind::RvtoolsXlsx]);
    assert_eq!(
        inventory.collected.unwrap().to_string(),
        "2026-11-22T08:45:00Z",
        "of vMetaData"
    );
    assert!(!inventory.collected_is_file_time);
    let san = inventory
        .datastores
        .iter()
        .find(|datastore| datastore.name == "SAN-VMFS-01")
        .unwrap();
    assert_eq!((san.host_count, san.vm_count), (Some(2), Some(8)));
    assert_eq!(san.capacity_bytes, Some(2_097_152 << 20));
    assert_eq!(
        vm(&inventory, "web01").row,
        "RVTools_export_all_SYNTHETIC.xlsx: vInfo row 4"
    );
}

#[test]
fn rvtools_folders_in_both_encodings() {
    for folder in ["csv-utf8-comma", "csv-utf8bom-semicolon"] {
        let Some(path) = sample(&format!("inventory/rvtools/synthetic-from-vcsim/{folder}")) else {
            return;
        };
        let inventory = only(&path);
        assert_rvtools(&inventory);
        assert_eq!(inventory.kinds, [InventoryKind::RvtoolsCsv]);
        assert!(inventory.collected_is_file_time, "no tab of the CSV form says a time");
        assert_eq!(inventory.files.len(), 8, "vPartition holds nothing needed");
    }
}

#[test]
fn rvtools_of_old_has_megabytes_and_no_datastores() {
    let Some(path) = sample("inventory/rvtools/synthetic-from-vcsim/RVTools_3x-flavour_SYNTHETIC.xlsx") else {
        return;
    };
    let inventory = only(&path);
    assert_simulated(&inventory);
    assert_eq!(codes(&inventory), ["no-vdatastore-tab"]);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    let web01 = vm(&inventory, "web01");
    assert_eq!(web01.bios_id, web01.instance_id, "there its one id may be either");
}

#[test]
fn a_trimmed_workbook_in_the_wild_covers_nothing() {
    let Some(path) = sample("inventory/rvtools/migration-planner_example1.xlsx") else {
        return;
    };
    let inventory = only(&path);
    let names: Vec<_> = inventory.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(
        names,
        ["vm-1", "vm-2", "vm-3", "vm-4", "vm-5", "vm-6", "vm-7", "vm-8", "vm-9"]
    );
    assert!(
        inventory
            .vms
            .iter()
            .all(|vm| vm.config.is_none() && vm.files.is_empty())
    );
    assert_eq!(
        vm(&inventory, "vm-1").listing,
        Listing::ConfigOnly,
        "it has a disk that is not listed"
    );
    assert_eq!(vm(&inventory, "vm-1").moref.as_deref(), Some("vm-89952"));
    let mut found = capping(&inventory);
    found.dedup();
    assert_eq!(found, ["no-disk-path-column", "no-path-column", "vm-count-mismatch"]);
    let host = inventory.hosts.iter().find(|host| host.name == "10.17.135.71").unwrap();
    assert_eq!(host.vm_count, Some(45));
}

#[test]
fn powercli_of_both_powershells() {
    let Some(path) = sample("inventory/powercli/CONSTRUCTED_getview_projection_ps7.json") else {
        return;
    };
    let inventory = only(&path);
    assert_simulated(&inventory);
    assert!(inventory.vms.iter().all(|vm| vm.listing == Listing::WholeChains));
    assert_eq!(inventory.kinds, [InventoryKind::PowercliJson]);
    assert_eq!(files(vm(&inventory, "web01"), Role::SnapshotState).len(), 2);
    let Some(path) = sample("inventory/powercli/CONSTRUCTED_getview_projection_ps51_utf16.json") else {
        return;
    };
    let utf16 = only(&path);
    let names: Vec<_> = utf16.vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["db01", "web01"]);
    for name in names {
        assert_eq!(vm(&utf16, name).files, vm(&inventory, name).files);
        assert_eq!(vm(&utf16, name).instance_id, vm(&inventory, name).instance_id);
    }
}

#[test]
fn esxi_inventory_knows_configurations_alone() {
    let Some(path) = sample("inventory/esxi/vmInventory-CONSTRUCTED.xml") else {
        return;
    };
    let inventory = only(&path);
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| {
            (
                vm.name.as_str(),
                vm.moref.as_deref(),
                vm.config.as_deref().unwrap_or("none"),
                vm.template,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (
                "Jump Box",
                Some("2"),
                "/vmfs/volumes/5fbccd01-70743049-2728-002481827d55/Jump Box/Jump Box.vmx",
                false
            ),
            ("SUSP1", Some("39808"), "/vmfs/volumes/storage1/SUSP1/SUSP1.vmx", false),
            (
                "tmpl",
                Some("12"),
                "/vmfs/volumes/95e378c2-863dd2b4/tmpl & co/tmpl.vmtx",
                true
            ),
        ]
    );
    assert!(
        inventory
            .vms
            .iter()
            .all(|vm| vm.listing == Listing::ConfigOnly && vm.has_configuration)
    );
}

#[test]
fn hyperv_recommended_export() {
    let Some(path) = sample("inventory/hyperv/CONSTRUCTED_recommended_export.json") else {
        return;
    };
    let inventory = only(&path);
    assert_eq!(
        (inventory.source.as_str(), inventory.platform),
        ("HVCL01", Platform::Hyperv)
    );
    assert_eq!(inventory.collected.unwrap().to_string(), "2026-11-22T08:45:00Z");
    let sql01 = vm(&inventory, "SQL01");
    let folder = r"C:\ClusterStorage\Volume1\SQL01";
    assert_eq!(
        sql01.config.as_deref(),
        Some(&*format!(
            r"{folder}\Virtual Machines\6F1D3A2E-8B4C-4D5E-9F00-112233445566.vmcx"
        ))
    );
    let disks = format!(r"{folder}\Virtual Hard Disks");
    assert_eq!(
        files(sql01, Role::Disk),
        [
            format!(r"{disks}\SQL01_OS.vhdx"),
            format!(r"{disks}\SQL01_OS_9C0E1A2B-0000-4000-8000-00000000ABCD.avhdx")
        ]
    );
    assert_eq!(sql01.fileless_disks, ["Disk 3 100.00 GB Bus 0 Lun 0 Target 1"]);
    assert_eq!(files(sql01, Role::Media), [r"C:\ClusterStorage\Volume2\ISO\ws2022.iso"]);
    assert_eq!(
        files(sql01, Role::SnapshotState),
        [format!(r"{folder}\Snapshots\0B7C9A11-2222-4333-8444-555566667777.vmcx")]
    );
    assert_eq!(sql01.folders, [folder]);
    assert!(sql01.clustered && sql01.has_snapshots && sql01.checkpoints[0].has_disks);
    assert_eq!(sql01.checkpoints[0].kind.as_deref(), Some("Standard"));
    assert_eq!(
        (sql01.host.as_deref(), sql01.state.as_deref()),
        (Some("HV01"), Some("Running"))
    );
    assert_eq!(
        sql01.listing,
        Listing::LeafDisks,
        "the chain list has no row that says that the base is one"
    );
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([(
            r"C:\ClusterStorage\Volume1",
            vec![r"\\?\Volume{11111111-2222-3333-4444-555555555555}\"]
        )])
    );
    let hosts: Vec<_> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(hosts, ["HV01", "HV02"]);
    assert!(inventory.has_cluster_list && inventory.cluster_vms.is_empty() && inventory.missing_hosts.is_empty());
    assert_eq!(inventory.warnings, []);
}

#[test]
fn hyperv_export_of_too_little_depth_is_seen() {
    let Some(path) = sample("inventory/hyperv/CONSTRUCTED_getvm_ps51_depth2_broken.json") else {
        return;
    };
    let inventory = only(&path);
    assert_eq!(capping(&inventory), ["depth-truncated"]);
    assert!(
        inventory.warnings[0].text.contains("-Depth 6"),
        "it says which command makes a good one"
    );
    let sql01 = vm(&inventory, "SQL01");
    assert_eq!(sql01.listing, Listing::ConfigOnly);
    assert_eq!(sql01.files, []);
    assert!(sql01.config.is_some() && sql01.has_snapshots);
    assert_eq!(sql01.state.as_deref(), Some("Running"));
}

#[test]
fn hyperv_drives_as_json_and_csv_are_the_same() {
    let (Some(json), Some(csv)) = (
        sample("inventory/hyperv/CONSTRUCTED_get-vmharddiskdrive.json"),
        sample("inventory/hyperv/CONSTRUCTED_get-vmharddiskdrive_ps51.csv"),
    ) else {
        return;
    };
    let (json, csv) = (only(&json), only(&csv));
    assert!(
        !json.has_vm_list && !csv.has_vm_list,
        "a list of disks is no list of VMs"
    );
    let summary = |inventory: &Inventory| -> Vec<(String, usize, usize)> {
        inventory
            .vms
            .iter()
            .map(|vm| (vm.name.clone(), vm.files.len(), vm.fileless_disks.len()))
            .collect()
    };
    assert_eq!(
        summary(&json),
        [("FILE02".to_owned(), 1, 0), ("SQL01".to_owned(), 2, 1)]
    );
    assert_eq!(summary(&csv), summary(&json));
}

#[test]
fn hyperv_host_store() {
    let Some(path) = sample("hyperv/dissect.target/data.vmcx") else {
        return;
    };
    let inventory = only(&path);
    assert_eq!(inventory.kinds, [InventoryKind::HypervHostStore]);
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| (vm.instance_id.unwrap().to_string(), vm.config.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "4c57771a-3230-4b92-b029-d63f96518e70".to_owned(),
                r"C:\VM\Other Generation 2\Virtual Machines\4C57771A-3230-4B92-B029-D63F96518E70.vmcx"
            ),
            (
                "993f7b33-6057-4d1e-a1fe-a1a1d77be974".to_owned(),
                r"C:\Hyper-V\EasyToFind\Virtual Machines\993F7B33-6057-4D1E-A1FE-A1A1D77BE974.vmcx"
            ),
            (
                "a5b56431-ca94-482a-b70a-f1f2b12373be".to_owned(),
                r"C:\VM\Other Generation 1\Virtual Machines\A5B56431-CA94-482A-B70A-F1F2B12373BE.vmcx"
            ),
            (
                "ec04f346-db96-4700-af5b-77b3c56c38bd".to_owned(),
                r"C:\Hyper-V\EasyToFind\Virtual Machines\EC04F346-DB96-4700-AF5B-77B3C56C38BD.vmcx"
            ),
        ]
    );
    assert_eq!(inventory.warnings, []);
    let Some(path) = sample("hyperv/dissect.hypervisor/test.vmcx") else {
        return;
    };
    let imported = import_paths(&[&path]);
    assert_eq!(
        imported.issues[0].error,
        "not understood: a configuration or state of one VM, not the store of a host (data.vmcx)"
    );
}

#[test]
fn malformed_files_of_datastores_are_issues_and_never_inventories() {
    let Some(path) = sample("malformed") else { return };
    let entries = walkdir::WalkDir::new(path).into_iter().map(Result::unwrap);
    for file in entries.filter(|entry| entry.file_type().is_file()) {
        let imported = import_paths(&[file.path()]);
        assert_eq!(imported.inventories, [], "{}", file.path().display());
        let [issue] = imported.issues.as_slice() else {
            panic!("{}: {} issues", file.path().display(), imported.issues.len())
        };
        assert!(
            !issue.error.contains("please report"),
            "{}: {}",
            file.path().display(),
            issue.error
        );
    }
}
