//! Hyper-V exports of every cmdlet that matters, in the containers that PowerShell 5.1 and 7 write.

use derelict_parsers::testkit::regf::HiveKey;

use super::*;

const ID: &str = "6f1d3a2e-8b4c-4d5e-9f00-112233445566";
const CHECKPOINT: &str = "0b7c9a11-2222-4333-8444-555566667777";

fn vm_json() -> String {
    format!(
        r#"[{{"Name":"a","VMId":"{ID}","ComputerName":"HV01","Version":"10.0","IsClustered":false,"ConfigurationLocation":"D:\\VMs\\a",
        "SnapshotFileLocation":"D:\\VMs\\a","HardDrives":[{{"Path":"D:\\VMs\\a\\a_1.avhdx","DiskNumber":null}}],"DVDDrives":[],"ParentSnapshotId":"{CHECKPOINT}"}}]"#
    )
}

/// The VM with another export beside it.
fn with(content: impl AsRef<[u8]>) -> Inventory {
    let folder = Folder::new();
    folder.put("vms.json", vm_json());
    folder.put("other", content);
    only(folder.path())
}

#[test]
fn a_list_of_checkpoints_is_no_list_of_vms() {
    let json = format!(
        r#"[{{"Name":"before","Id":"{CHECKPOINT}","VMId":"{ID}","VMName":"a","SnapshotType":0,"Path":"D:\\VMs\\a","ConfigurationLocation":"D:\\VMs\\a","HardDrives":[{{"Path":"D:\\VMs\\a\\a.vhdx"}}]}}]"#
    );
    let alone = only_of(&json);
    assert!(!alone.has_vm_list);
    let inventory = with(&json);
    let a = vm(&inventory, "a");
    assert_eq!(inventory.vms.len(), 1);
    assert_eq!(a.checkpoints.len(), 1);
    assert!(a.checkpoints[0].has_disks);
    assert_eq!(files(a, Role::Disk), [r"D:\VMs\a\a.vhdx", r"D:\VMs\a\a_1.avhdx"]);
    assert_eq!(
        files(a, Role::SnapshotState),
        [format!(r"D:\VMs\a\Snapshots\{}.vmcx", CHECKPOINT.to_uppercase())]
    );
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn checkpoints_without_their_disks_say_so() {
    let csv = format!(
        "VMName,VMId,Id,Name,SnapshotType,Path,HardDrives\na,{ID},{CHECKPOINT},before,Standard,D:\\VMs\\a,System.Object[]\n"
    );
    let inventory = with(csv);
    let a = vm(&inventory, "a");
    assert!(!a.checkpoints[0].has_disks);
    assert_eq!(a.checkpoints[0].kind.as_deref(), Some("Standard"));
}

/// Rows of `Get-VMHardDiskDrive` in every container and encoding.
fn drives() -> Vec<Vec<u8>> {
    let csv = |separator: &str| {
        format!("VMName,VMId,ControllerType,Path,DiskNumber\r\na,{ID},SCSI,D:\\VMs\\Ä\\d.vhdx,\r\na,{ID},SCSI,Disk 3 100.00 GB,3\r\n")
            .replace(',', separator)
    };
    let json = format!(
        r#"{{"value":[{{"VMName":"a","VMId":"{ID}","ControllerType":1,"Path":"D:\\VMs\\Ä\\d.vhdx","DiskNumber":null}},{{"VMName":"a","VMId":"{ID}","ControllerType":1,"Path":"Disk 3 100.00 GB","DiskNumber":3}}],"Count":2}}"#
    );
    let clixml = format!(
        r#"<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0"><TN RefId="0"><T>Deserialized.Microsoft.HyperV.PowerShell.HardDiskDrive</T></TN><Props><S N="VMName">a</S><G N="VMId">{ID}</G><Nil N="DiskNumber"/><S N="Path">D:\VMs\_x00C4_\d.vhdx</S></Props></Obj>
        <Obj RefId="1"><TNRef RefId="0"/><Props><S N="VMName">a</S><G N="VMId">{ID}</G><I32 N="DiskNumber">3</I32><S N="Path">Disk 3 100.00 GB</S></Props></Obj></Objs>"#
    );
    let big_endian = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        [&[0xfe, 0xff], units.as_slice()].concat()
    };
    vec![
        csv(",").into(),
        csv(";").into(),
        csv("\t").into(),
        format!("\u{feff}#TYPE X\r\n{}", csv(",")).into(),
        format!("sep=;\r\n{}", csv(";")).into(),
        utf16(&format!("\u{feff}{}", csv(","))),
        utf16(&csv(";")),
        big_endian(&csv(",")),
        json.clone().into(),
        utf16(&format!("\u{feff}{json}")),
        clixml.clone().into(),
        utf16(&format!("\u{feff}{clixml}")),
    ]
}

#[test]
fn drives_are_read_from_every_container_and_encoding() {
    for (index, content) in drives().into_iter().enumerate() {
        let inventory = with(content);
        let a = vm(&inventory, "a");
        assert_eq!(inventory.vms.len(), 1, "{index}");
        assert!(files(a, Role::Disk).contains(&r"D:\VMs\Ä\d.vhdx"), "{index}");
        assert_eq!(a.fileless_disks, ["Disk 3 100.00 GB"], "{index}");
        assert_eq!(capping(&inventory), Vec::<&str>::new(), "{index}");
    }
}

#[test]
fn two_columns_are_enough_for_a_list_of_drives() {
    let inventory = with("VMName,Path\na,D:\\VMs\\a\\d.vhdx\na,D:\\iso\\x.iso\n");
    let a = vm(&inventory, "a");
    assert!(files(a, Role::Disk).contains(&r"D:\VMs\a\d.vhdx"));
    assert_eq!(files(a, Role::Media), [r"D:\iso\x.iso"]);
}

#[test]
fn get_vm_as_csv_has_lost_its_drives_and_says_so() {
    let csv = format!(
        "Name,VMId,ComputerName,Version,ConfigurationLocation,HardDrives\na,{ID},HV01,10.0,D:\\VMs\\a,System.Collections.Generic.List`1[Microsoft.HyperV.PowerShell.HardDiskDrive]\n"
    );
    let inventory = only_of(csv);
    assert_eq!(capping(&inventory), ["depth-truncated"]);
    assert!(
        inventory
            .warnings
            .iter()
            .any(|warning| warning.text.contains("ConvertTo-Json -Depth"))
    );
    let a = vm(&inventory, "a");
    assert_eq!(a.listing, Listing::ConfigOnly);
    assert_eq!(
        a.config.as_deref(),
        Some(format!(r"D:\VMs\a\Virtual Machines\{}.vmcx", ID.to_uppercase()).as_str())
    );
    assert_eq!(inventory.kinds, [InventoryKind::HypervCsv]);
}

#[test]
fn the_sample_of_clixml_is_read() {
    let Some(path) = sample("inventory/hyperv/CONSTRUCTED_harddiskdrive.clixml") else {
        return;
    };
    let inventory = only(&path);
    assert_eq!(inventory.kinds, [InventoryKind::HypervClixml]);
    assert!(files(&inventory.vms[0], Role::Disk)[0].contains("SQL01_OS_9C0E1A2B"));
    assert_eq!(inventory.vms[0].name, "SQL01 \n escaped");
}

#[test]
fn replication_marks_the_vm_and_replica_storage_owns_nothing() {
    let inventory = with(format!(
        r#"{{"VMName":"a","VMId":"{ID}","Mode":"Primary","PrimaryServer":"HV01","ReplicaServer":"HV09"}}"#
    ));
    assert_eq!(vm(&inventory, "a").replication.as_deref(), Some("Primary"));
    let stranger =
        with(r#"{"VMName":"x","VMId":"00000000-0000-0000-0000-0000000000aa","Mode":"Replica","PrimaryServer":"HV09"}"#);
    assert_eq!(capping(&stranger), ["vm-count-mismatch"]);
    let storage = with(r#"{"ReplicationEnabled":true,"DefaultStorageLocation":"D:\\Replica"}"#);
    assert!(codes(&storage).contains(&"replica-storage"));
    assert_eq!(storage.objects, []);
}

#[test]
fn the_parent_of_a_disk_in_the_library_of_scvmm_is_told() {
    for content in [
        "Name,Location,VHDType,Parent,LibraryServer\nx,\\\\lib\\v\\x.vhdx,Differencing,\\\\lib\\v\\y.vhdx,lib\n",
        r#"[{"Name":"x","Location":"\\\\lib\\v\\x.vhdx","VHDType":"Differencing","ParentDisk":{"Location":"\\\\lib\\v\\y.vhdx"},"LibraryServer":"lib"}]"#,
    ] {
        let inventory = only_of(content);
        let told = inventory.observations.parents.iter();
        let told: Vec<_> = told.map(|told| (told.child.as_str(), told.parent.as_str())).collect();
        assert_eq!(told, [(r"\\lib\v\x.vhdx", r"\\lib\v\y.vhdx")], "{content}");
    }
}

#[test]
fn shares_and_namespaces_are_other_names_of_folders() {
    let shares = "Name,ScopeName,Path,Volume,PSComputerName\nVMs$,SOFS,C:\\ClusterStorage\\Volume1\\Shares\\VMs,\\\\?\\Volume{1}\\,HV01\nC$,*,C:\\,,HV01\nIPC$,*,,,HV01\nlocal,*,D:\\x,,HV01\nlost,*,D:\\y,,\n";
    let inventory = only_of(shares);
    assert_eq!(
        other_names(&inventory),
        [
            (r"C:\ClusterStorage\Volume1\Shares\VMs", r"\\SOFS\VMs$", Some("HV01")),
            (r"D:\x", r"\\HV01\local", Some("HV01")),
        ]
    );
    assert!(codes(&inventory).contains(&"share-without-server"));
    assert_eq!(
        inventory.datastores,
        [],
        "a share is no datastore that had to be scanned"
    );
    let namespace = only_of("Path,TargetPath,State\n\\\\dom\\ns\\vms,\\\\fs1\\vms,Online\n");
    assert_eq!(other_names(&namespace), [(r"\\fs1\vms", r"\\dom\ns\vms", None)]);
    let volumes = only_of(
        "DriveLetter,Path,FileSystemType,Size,SizeRemaining,PSComputerName\nD,\\\\?\\Volume{1}\\,ReFS,10,5,HV01\n,\\\\?\\Volume{2}\\,NTFS,1,1,HV01\n",
    );
    assert_eq!(other_names(&volumes), [("D:\\", r"\\?\Volume{1}\", Some("HV01"))]);
}

fn other_names(inventory: &Inventory) -> Vec<(&str, &str, Option<&str>)> {
    let names = inventory.observations.other_names.iter();
    names
        .map(|other| (other.path.as_str(), other.name.as_str(), other.host.as_deref()))
        .collect()
}

#[test]
fn open_files_are_told_with_their_clients() {
    let inventory = only_of(
        r#"[{"Path":"D:\\VMs\\a.vhdx","ShareRelativePath":"a.vhdx","ClientComputerName":"10.0.0.9","ClientUserName":"L\\HV09$","ClusterNodeName":"FS01"}]"#,
    );
    let open = &inventory.observations.open_files[0];
    assert_eq!(
        (open.client.as_deref(), open.host.as_deref()),
        (Some("10.0.0.9"), Some("FS01"))
    );
    assert!(!inventory.has_vm_list && inventory.vms.is_empty());
}

#[test]
fn objects_of_services_are_no_links_of_chains() {
    for (content, class, path, folder) in [
        (
            "Path,ParentPath,Status\nD:\\iSCSI\\lun1.vhdx,,Idle\n",
            "iscsi-lun",
            r"D:\iSCSI\lun1.vhdx",
            false,
        ),
        (
            "FilePath,Version\nD:\\Store\\gold.vhdx,1\n",
            "pvs-store",
            r"D:\Store\gold.vhdx",
            false,
        ),
        (
            "CollectionName,DiskPath,MaxUserProfileDiskSizeGB\nC1,\\\\fs\\upd,20\n",
            "user-profile-disk",
            r"\\fs\upd",
            true,
        ),
        (
            "Enabled,VHDLocations\n1,\\\\fs\\fslogix\n",
            "fslogix",
            r"\\fs\fslogix",
            true,
        ),
        (
            "Number,Location,BusType\n4,D:\\mounted.vhdx,File Backed Virtual\n",
            "mounted-vhd",
            r"D:\mounted.vhdx",
            false,
        ),
        (
            "Name,Location,VHDType,LibraryServer\ngold,\\\\lib\\MSSCVMMLibrary\\gold.vhdx,DynamicallyExpanding,lib\n",
            "image-library",
            r"\\lib\MSSCVMMLibrary\gold.vhdx",
            false,
        ),
    ] {
        let inventory = only_of(content);
        let objects: Vec<_> = inventory
            .objects
            .iter()
            .map(|object| (object.class.as_str(), object.path.as_deref(), object.folder))
            .collect();
        assert_eq!(objects, [(class, Some(path), folder)], "{content}");
        assert!(!inventory.has_vm_list);
    }
}

#[test]
fn disks_and_images_of_azure_local_are_objects() {
    let inventory = only_of(
        r#"[{"id":"/subscriptions/1/disk1","name":"disk1","type":"Microsoft.AzureStackHCI/virtualHardDisks","properties":{"diskSizeGb":10}},
        {"id":"/subscriptions/1/path","name":"path","type":"microsoft.azurestackhci/storagecontainers","properties":{"path":"C:\\ClusterStorage\\V1"}}]"#,
    );
    assert_eq!(inventory.kinds, [InventoryKind::AzureLocal]);
    assert_eq!(inventory.objects.len(), 1, "a storage path owns nothing by itself");
    assert_eq!(codes(&inventory), ["objects-without-path"]);
}

#[test]
fn vms_of_azure_local_name_themselves_and_the_disks_that_they_use() {
    let disk = |name: &str| {
        format!(
            r#"{{"id":"/s/1/providers/Microsoft.AzureStackHCI/virtualHardDisks/{name}","name":"{name}","type":"microsoft.azurestackhci/virtualharddisks","properties":{{"containerId":"/s/c"}}}}"#
        )
    };
    let machine = r#"[{"id":"/s/1/providers/Microsoft.HybridCompute/machines/web/providers/Microsoft.AzureStackHCI/virtualMachineInstances/default",
        "name":"default","type":"microsoft.azurestackhci/virtualmachineinstances",
        "properties":{"storageProfile":{"dataDisks":[{"id":"/S/1/providers/Microsoft.AzureStackHCI/virtualHardDisks/used"}],"osDisk":{"osType":"Windows"}}}}]"#;
    let folder = Folder::new();
    folder.put("vms.json", machine);
    folder.put("disks.json", format!("[{},{}]", disk("used"), disk("free")));
    folder.put("nodes.json", format!(r#"[{{"Name":"db","VMId":"{ID}","ConfigurationLocation":"D:\\VMs\\db","ComputerName":"HV01","HardDrives":[],"Snapshots":[]}}]"#));
    let inventory = only(folder.path());
    let warning = |code: &str| {
        let found = inventory.warnings.iter().find(|warning| warning.code == code);
        found.unwrap_or_else(|| panic!("no {code}")).text.clone()
    };
    assert!(warning("unattached-disks").contains("1 disk of Azure Local is used by no VM of its list, first: free"));
    assert!(
        warning("vm-count-mismatch").contains("first: web"),
        "Get-VM of the nodes does not list it"
    );
    assert!(
        inventory.vms.iter().all(|vm| vm.name == "db"),
        "a name alone registers nothing"
    );
}

#[test]
fn scvmm_lists_vms_with_the_places_that_it_knows() {
    let json = format!(
        r#"[{{"Name":"a","ID":"1","VMId":"{ID}","Status":3,"VMHost":"HV01.lab","Location":"D:\\VMs\\a","CheckpointLocation":"D:\\VMs\\a","VMCPath":"D:\\VMs\\a\\x.vmcx","Owner":"LAB\\anna","Description":"old","Disks":["D:\\VMs\\a\\a.vhdx"]}}]"#
    );
    let inventory = only_of(&json);
    let a = vm(&inventory, "a");
    assert_eq!(a.listing, Listing::LeafDisks);
    assert_eq!(files(a, Role::Disk), [r"D:\VMs\a\a.vhdx"]);
    assert_eq!(a.config.as_deref(), Some(r"D:\VMs\a\x.vmcx"));
    assert_eq!(a.noted_owner.as_deref(), Some(r"LAB\anna"));
    assert_eq!(a.notes.as_deref(), Some("old"));
    assert_eq!(codes(&inventory), ["scvmm-copy"]);
    let foreign = only_of(json.replace(&format!(r#","VMId":"{ID}""#), ""));
    assert_eq!(vm(&foreign, "a").instance_id, None, "the ID of VMM is no id of Hyper-V");
    assert_eq!(codes(&foreign), ["scvmm-copy", "scvmm-ids-only"]);
    let lost = only_of(json.replace(r#"["D:\\VMs\\a\\a.vhdx"]"#, r#"["a_disk_1"]"#));
    assert_eq!(capping(&lost), ["depth-truncated"]);
    assert_eq!(vm(&lost, "a").listing, Listing::ConfigOnly);
}

#[test]
fn saved_access_lists_name_the_vms_of_files() {
    let text = "a\\a.vhdx\r\nD:AI(A;;0x12019f;;;S-1-5-83-1-2951761591-1086169693-630393256-923523501)(A;ID;FA;;;BA)\r\nb\r\nD:AI(A;ID;FA;;;BA)\r\nb\\b.vhdx\r\nD:AI(A;ID;FA;;;BA)\r\n";
    let inventory = only_of(utf16(text));
    let grants = &inventory.observations.grants;
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0].path, r"a\a.vhdx");
    assert_eq!(grants[0].vm.to_string(), "aff04eb7-a25d-40bd-a809-9325add90b37");
    let ungranted: Vec<&str> = inventory
        .observations
        .ungranted
        .iter()
        .map(|disk| disk.path.as_str())
        .collect();
    assert_eq!(ungranted, [r"b\b.vhdx"], "of folders nobody expects one");
    assert!(inventory.vms.is_empty(), "a right is no registration");
}

#[test]
fn roles_of_a_cluster_without_ids_ask_for_them() {
    let groups = "Name,OwnerNode,State,GroupType\na,HV01,Online,VirtualMachine\nCluster Group,HV02,Online,Cluster\nz,HV01,Online,111\n";
    let inventory = with(groups);
    let note = inventory
        .warnings
        .iter()
        .find(|warning| warning.code == "vm-count-mismatch")
        .unwrap();
    assert!(!note.caps && note.text.contains("first: z"), "{note:?}");
    assert!(codes(&inventory).contains(&"no-vm-ids"));
    assert!(!inventory.has_cluster_list);
}

#[test]
fn a_set_brings_the_files_behind_it() {
    let folder = Folder::new();
    folder.put("vms.json", vm_json().replace(r"a_1.avhdx", "s.vhds"));
    folder.put(
        "sets.json",
        r#"{"Path":"D:\\VMs\\a\\s.vhds","AllPaths":["D:\\VMs\\a\\s_1.avhdx","D:\\VMs\\a\\s_0.avhdx"]}"#,
    );
    let inventory = only(folder.path());
    assert_eq!(
        files(vm(&inventory, "a"), Role::Parent),
        [r"D:\VMs\a\s_0.avhdx", r"D:\VMs\a\s_1.avhdx"]
    );
}

/// The database of a cluster with a VM, its configuration and a volume.
fn cluster_database() -> HiveKey {
    let resource = |id: &str, kind: &str, parameters: HiveKey| {
        let key = HiveKey::new(id)
            .text("Type", kind)
            .text("Name", &format!("{kind} of web"));
        key.key(parameters)
    };
    let parameters = || HiveKey::new("Parameters");
    let configuration = parameters()
        .text("VmID", ID)
        .text("VmStoreRootPath", r"C:\ClusterStorage\Volume1\web");
    let disk = parameters()
        .text("MountPoint", r"C:\ClusterStorage\Volume1\")
        .text("VolumeName", r"\\?\Volume{11111111-2222-3333-4444-555555555555}\");
    let store = parameters().text("ConfigStoreRootPath", r"C:\ClusterStorage\Volume1\ClusterConfig");
    let resources = HiveKey::new("Resources")
        .key(resource("r1", "Virtual Machine", parameters().text("VmID", ID)))
        .key(resource("r2", "Virtual Machine Configuration", configuration))
        .key(resource("r3", "Physical Disk", disk))
        .key(resource("r4", "Virtual Machine Cluster WMI", store))
        .key(resource("r5", "IP Address", parameters().text("Address", "192.0.2.1")));
    let nodes = HiveKey::new("Nodes")
        .key(HiveKey::new("1").text("NodeName", "HV01"))
        .key(HiveKey::new("2").text("NodeName", "HV02"));
    let groups = HiveKey::new("Groups").key(HiveKey::new("g1").text("Name", "web").texts("Contains", &["R1", "r2"]));
    HiveKey::new("Cluster")
        .text("ClusterName", "HVCL01")
        .key(nodes)
        .key(groups)
        .key(resources)
}

#[test]
fn the_database_of_a_cluster_lists_its_vms_volumes_and_nodes() {
    let inventory = only_of(cluster_database().hive());
    assert_eq!(inventory.source, "HVCL01");
    assert_eq!(inventory.kinds, [InventoryKind::ClusterDatabase]);
    assert!(inventory.has_cluster_list && !inventory.has_vm_list);
    let [vm] = inventory.cluster_vms.as_slice() else {
        panic!("{:?}", inventory.cluster_vms)
    };
    assert_eq!((vm.id.to_string().as_str(), vm.name.as_str()), (ID, "web"));
    assert_eq!(vm.root.as_deref(), Some(r"C:\ClusterStorage\Volume1\web"));
    assert_eq!(
        datastores(&inventory)[r"C:\ClusterStorage\Volume1"],
        [r"\\?\Volume{11111111-2222-3333-4444-555555555555}\"]
    );
    assert_eq!(
        inventory.missing_hosts,
        ["HV01", "HV02"],
        "their own VMs are in no database"
    );
    let store: Vec<_> = inventory
        .objects
        .iter()
        .map(|object| (object.class.as_str(), object.folder))
        .collect();
    assert_eq!(store, [("cluster-config", true)]);
}

#[test]
fn nodes_whose_vms_are_listed_beside_the_database_are_not_missing() {
    let folder = Folder::new();
    folder.put("CLUSDB", cluster_database().hive());
    folder.put(
        "nodes.json",
        format!(r#"[{{"Name":"web","VMId":"{ID}","ConfigurationLocation":"C:\\ClusterStorage\\Volume1\\web","ComputerName":"hv01","HardDrives":[],"Snapshots":[]}}]"#),
    );
    let inventory = only(folder.path());
    assert_eq!(inventory.missing_hosts, ["HV02"]);
    assert!(inventory.cluster_vms.is_empty(), "a row explains it");
}

#[test]
fn a_database_that_was_copied_while_it_was_written_is_no_list_of_all() {
    let mut hive = cluster_database().hive();
    hive[4] = 9;
    let inventory = only_of(hive);
    assert!(!inventory.has_cluster_list && inventory.cluster_vms.len() == 1);
    assert_eq!(codes(&inventory), ["not-finished"]);
}

#[test]
fn another_hive_and_a_broken_one_are_refused() {
    let error = |bytes: &[u8]| import_file(bytes).issues[0].error.clone();
    assert!(error(&HiveKey::new("SYSTEM").hive()).contains("CLUSDB"));
    assert!(error(&cluster_database().hive()[..3000]).contains("truncated"));
    let mut damaged = cluster_database().hive();
    let place = damaged.windows(2).position(|window| window == b"r2").unwrap() - 76;
    damaged[place] = b'x';
    let inventory = only_of(damaged);
    assert_eq!(capping(&inventory), ["truncated"]);
    assert!(!inventory.has_cluster_list);
}

#[test]
fn compute_systems_of_a_host_are_read_from_hcsdiag() {
    let text = "EED44DAF-4F7E-4CF5-82FD-F9C8EBF8DB82\r\n    VM,                         Running, EED44DAF-4F7E-4CF5-82FD-F9C8EBF8DB82, VMMS\r\n\r\n";
    let inventory = only_of(utf16(text));
    let systems = &inventory.observations.compute_systems;
    assert_eq!(systems.len(), 1);
    assert_eq!(systems[0].id, "eed44daf-4f7e-4cf5-82fd-f9c8ebf8db82");
    assert_eq!(systems[0].owner.as_deref(), Some("VMMS"));
    assert!(
        inventory.vms.is_empty() && !inventory.has_vm_list,
        "it registers nobody"
    );
}

#[test]
fn members_of_the_cluster_without_a_list_of_vms_are_missing() {
    for (nodes, missing) in [
        (
            r#"[{"Name":"HV01","State":"Up"},{"Name":"HV02","State":"Down"}]"#,
            &["HV02"][..],
        ),
        (
            r#"[{"NodeName":"HV01","Name":"HV01","State":0,"NodeWeight":1},{"NodeName":"HV03","Name":"HV03","State":0,"NodeWeight":1}]"#,
            &["HV03"],
        ),
        (r#"{"Name":"HV01","State":"Up","Id":"1"}"#, &[]),
    ] {
        assert_eq!(with(nodes).missing_hosts, missing, "{nodes}");
    }
    let cluster = format!(r#"[{{"Name":"a","VmID":"{ID}","OwnerGroup":"a","Root":"D:\\VMs\\a","State":"Online"}}]"#);
    let folder = Folder::new();
    folder.put("vms.json", vm_json());
    folder.put("nodes.csv", "Name,State,NodeWeight\nHV01,Up,1\nHV02,Up,1\n");
    assert_eq!(only(folder.path()).missing_hosts, ["HV02"]);
    folder.put("cluster.json", cluster);
    assert!(
        only(folder.path()).missing_hosts.is_empty(),
        "the list of the cluster tells of every VM"
    );
}

#[test]
fn networks_of_a_cluster_and_paused_vms_are_no_nodes() {
    for list in [
        r#"[{"Name":"Cluster Network 1","State":"Up"}]"#,
        r#"[{"Name":"web","State":"Paused"}]"#,
    ] {
        let inventories = import_file(list).inventories;
        assert!(
            inventories.iter().all(|inventory| inventory.missing_hosts.is_empty()),
            "{list}"
        );
    }
}

#[test]
fn exports_of_one_name_in_folders_of_their_own_are_told_apart() {
    let folder = Folder::new();
    folder.put("hv01/vms.json", vm_json());
    folder.put("hv02/vms.json", vm_json().replace("HV01", "HV02"));
    folder.put("hv03/other.json", vm_json().replace("HV01", "HV03"));
    let imported = import_paths(&[folder.path()]);
    let sources: Vec<&str> = imported
        .inventories
        .iter()
        .map(|inventory| inventory.source.as_str())
        .collect();
    assert_eq!(sources, ["hv01/vms.json", "hv02/vms.json", "other.json"]);
}

/// The VM of this file with other drives and checkpoints.
fn with_members(members: &str) -> Inventory {
    only_of(format!(
        r#"[{{"Name":"a","VMId":"{ID}","ComputerName":"HV01","Version":"10.0","State":"Off","IsClustered":false,"ConfigurationLocation":"D:\\VMs\\a",{members}}},
        {{"Name":"b","VMId":"{CHECKPOINT}","ComputerName":"HV01","Version":"10.0","State":"Off","IsClustered":false,"ConfigurationLocation":"D:\\VMs\\b","HardDrives":[{{"Path":"D:\\VMs\\b\\b.vhdx"}}]}}]"#
    ))
}

#[test]
fn drives_that_are_no_list_of_drives_tell_no_disks() {
    for drives in ["7", "true", "null", "[{\"Path\":null}]", "[{\"Path\":\"a.vhdx\"}]"] {
        let inventory = with_members(&format!("\"HardDrives\":{drives}"));
        assert_eq!(vm(&inventory, "a").listing, Listing::ConfigOnly, "{drives}");
    }
    let inventory = with_members("\"HardDrives\":[]");
    assert_eq!(vm(&inventory, "a").listing, Listing::LeafDisks);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    let critical = with_members("\"HardDrives\":[]").vms;
    assert_eq!(critical.len(), 2);
    let json = vm_json().replace("\"Version\"", "\"State\":\"OffCritical\",\"Version\"");
    let json = json.replace("{\"Path\":\"D:\\\\VMs\\\\a\\\\a_1.avhdx\",\"DiskNumber\":null}", "");
    let inventory = only_of(&json);
    assert_eq!(vm(&inventory, "a").listing, Listing::ConfigOnly);
    assert!(!capping(&inventory).contains(&"no-disks"), "a VM may have none");
    let second = json.replace(ID, CHECKPOINT).replace("\"Name\":\"a\"", "\"Name\":\"b\"");
    let both = format!("{},{}", json.trim_end_matches(']'), second.trim_start_matches('['));
    let inventory = only_of(both);
    assert!(capping(&inventory).contains(&"no-disks"), "{:?}", capping(&inventory));
}

#[test]
fn a_disk_file_is_one_whatever_the_number_of_its_disk_says() {
    for number in ["\"\"", "-1", "{}", "3"] {
        let inventory = with_members(&format!(
            r#""HardDrives":[{{"Path":"D:\\VMs\\a\\a.vhdx","DiskNumber":{number}}},{{"Path":"Disk 3 100.00 GB Bus 0 Lun 0 Target 1","DiskNumber":3}}]"#
        ));
        let a = vm(&inventory, "a");
        assert_eq!(files(a, Role::Disk), [r"D:\VMs\a\a.vhdx"], "{number}");
        assert_eq!(a.fileless_disks.len(), 1, "{number}");
    }
}

#[test]
fn checkpoints_are_told_where_each_has_an_id() {
    let of = |checkpoints: &str| {
        let inventory = with_members(&format!(
            "\"HardDrives\":[{{\"Path\":\"D:\\\\a.vhdx\"}}],\"Snapshots\":{checkpoints}"
        ));
        let a = vm(&inventory, "a");
        (a.checkpoints_told, a.has_snapshots)
    };
    assert_eq!(of("[]"), (true, false));
    assert_eq!(of(&format!("[{{\"Id\":\"{ID}\"}}]")), (true, true));
    for untold in ["1", "[{\"Length\":9}]", "[{\"Id\":\"x\"}]", "[\"VMSnapshot\"]"] {
        assert_eq!(of(untold), (false, true), "{untold}");
    }
    assert_eq!(of("null"), (false, false));
}

#[test]
fn chains_are_whole_only_where_the_checkpoints_are_told() {
    let chain = r#"[{"Path":"D:\\\\VMs\\a\\a.vhdx","ParentPath":""},{"Path":"D:\\VMs\\b\\b.vhdx","ParentPath":""}]"#;
    let listing = |checkpoints: &str, drives: Option<&str>| {
        let folder = Folder::new();
        folder.put(
            "vms.json",
            format!(
                r#"[{{"Name":"a","VMId":"{ID}","ComputerName":"HV01","HardDrives":[{{"Path":"D:\\VMs\\a\\a.vhdx"}}]{checkpoints}}}]"#
            ),
        );
        folder.put("vhd.json", chain);
        if let Some(snapshot) = drives {
            folder.put(
                "drives.csv",
                format!("VMName,VMId,VMSnapshotId,Path\na,{ID},{snapshot},D:\\VMs\\a\\a.vhdx\n"),
            );
        }
        vm(&only(folder.path()), "a").listing
    };
    assert_eq!(listing(",\"Snapshots\":[]", None), Listing::WholeChains);
    assert_eq!(listing("", None), Listing::LeafDisks);
    assert_eq!(listing(",\"Snapshots\":null", None), Listing::LeafDisks);
    assert_eq!(
        listing("", Some("00000000-0000-0000-0000-000000000000")),
        Listing::LeafDisks
    );
}

#[test]
fn a_disk_that_is_attached_is_open_on_its_host() {
    let inventory = with(
        r#"[{"ComputerName":"HV01","Path":"D:\\x.vhdx","ParentPath":"","Attached":true},{"Path":"D:\\y.vhdx","ParentPath":"","Attached":false}]"#,
    );
    let open: Vec<&str> = inventory
        .observations
        .open_files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(open, [r"D:\x.vhdx"]);
    assert_eq!(inventory.observations.open_files[0].client.as_deref(), Some("HV01"));
}

#[test]
fn a_status_of_moving_is_told() {
    for (status, moves) in [
        ("\"Status\":\"Moving virtual hard disks\"", true),
        (
            "\"OperationalStatus\":[\"InService\",\"MigratingVirtualMachine\"]",
            true,
        ),
        ("\"OperationalStatus\":[2,32778]", true),
        ("\"OperationalStatus\":[\"StorageMigrationPhaseTwo\"]", true),
        ("\"Status\":\"Virtuelle Festplatten werden verschoben\"", true),
        ("\"Status\":\"Normaler Betrieb\",\"OperationalStatus\":[\"Ok\"]", false),
        ("\"Status\":\"Operating normally\"", false),
        ("\"Status\":\"Merging disks (12%)\"", false),
    ] {
        let inventory = with_members(&format!("\"HardDrives\":[],{status}"));
        assert_eq!(vm(&inventory, "a").moves_storage, moves, "{status}");
    }
}

#[test]
fn a_list_of_checkpoints_tells_those_of_its_host() {
    let vm_on = |name: &str, id: &str, host: &str| {
        format!(
            r#"{{"Name":"{name}","VMId":"{id}","ComputerName":"{host}","ParentSnapshotId":null,"HardDrives":[{{"Path":"D:\\{name}.vhdx"}}]}}"#
        )
    };
    let folder = Folder::new();
    let fourth = "0b7c9a11-2222-4333-8444-555566669999";
    let third = "0b7c9a11-2222-4333-8444-555566668888";
    folder.put(
        "vms.json",
        format!(
            "[{},{},{},{}]",
            vm_on("a", ID, "HV01"),
            vm_on("b", third, "hv01.corp"),
            vm_on("c", CHECKPOINT, "HV02"),
            vm_on("d", fourth, "HV01").replace("\"ParentSnapshotId\":null,", "")
        ),
    );
    let disk = |name: &str| format!(r#"{{"Path":"D:\\{name}.vhdx","ParentPath":""}}"#);
    folder.put(
        "vhd.json",
        format!("[{},{},{},{}]", disk("a"), disk("b"), disk("c"), disk("d")),
    );
    folder.put(
        "checkpoints.json",
        format!(
            r#"[{{"Name":"x","Id":"{third}","VMId":"{ID}","VMName":"a","ComputerName":"HV01","SnapshotType":0,"HardDrives":[{{"Path":"D:\\a.vhdx"}}]}}]"#
        ),
    );
    let inventory = only(folder.path());
    let listing = |name: &str| vm(&inventory, name).listing;
    assert_eq!(
        (listing("a"), listing("b"), listing("c")),
        (Listing::WholeChains, Listing::WholeChains, Listing::LeafDisks)
    );
    assert_eq!(
        listing("d"),
        Listing::LeafDisks,
        "its row does not say on which checkpoint it runs"
    );
}

#[test]
fn a_status_in_another_language_that_most_vms_have_is_the_usual_one() {
    let vm_with = |name: &str, status: &str| {
        format!(
            r#"{{"Name":"{name}","VMId":"6f1d3a2e-8b4c-4d5e-9f00-11223344550{name}","ComputerName":"HV01","ConfigurationLocation":"D:\\{name}","HardDrives":[],"Status":"{status}"}}"#
        )
    };
    let usual = "Normaler Betrieb";
    let rows = [
        vm_with("1", usual),
        vm_with("2", usual),
        vm_with("3", "Virtuelle Festplatten werden verschoben"),
    ];
    let inventory = only_of(format!("[{}]", rows.join(",")));
    let moving: Vec<bool> = ["1", "2", "3"].map(|name| vm(&inventory, name).moves_storage).to_vec();
    assert_eq!(moving, [false, false, true]);
}

#[test]
fn the_time_of_an_export_is_read_in_other_forms_or_bounded() {
    let export = |exported: &str| {
        only_of(format!(
            r#"{{"schema":"hyperv-inventory-export/1","exported":{exported},"host":"HV01","vms":[{{"Name":"a","ComputerName":"HV01","HardDrives":[]}}]}}"#
        ))
    };
    let collected = |exported: &str| export(exported).collected.map(|time| time.to_string());
    let day = Some("2026-05-01T00:00:00Z".to_owned());
    assert_eq!(collected(r#""2026-05-01T00:00:00Z""#), day);
    assert_eq!(
        collected(r#"{"value":"/Date(1777593600000)/","DisplayHint":2,"DateTime":"Friday, May 1, 2026 12:00:00 AM"}"#),
        day
    );
    assert_eq!(collected("1777593600"), day);
    for exported in [r#""01.05.2026""#, r#""Freitag, 1. Mai 2026 00:00:00""#] {
        let time = collected(exported);
        assert!(time.as_ref() <= day.as_ref() && time.is_some(), "{exported}: {time:?}");
        assert!(
            codes(&export(exported)).contains(&"export-time-unread") || time == day,
            "{exported}"
        );
    }
    assert!(capping(&export(r#""am Freitag""#)).contains(&"export-time-unread"));
}

#[test]
fn the_shares_of_a_cloud_cache_are_folders_of_profiles() {
    let inventory = only_of(
        r#"[{"CCDLocations":"type=smb,name=\"A\",connectionString=\\\\fs01\\prof;type=azure,name=\"B\",connectionString=\"|fslogix/x|\""}]"#,
    );
    let folders: Vec<_> = inventory
        .objects
        .iter()
        .map(|object| (object.class.as_str(), object.path.as_deref(), object.folder))
        .collect();
    assert_eq!(folders, [("fslogix", Some(r"\\fs01\prof"), true)]);
}

#[test]
fn the_identities_of_disks_are_told_with_their_vms() {
    let folder = Folder::new();
    folder.put("hyperv-vms.json", hyperv_lists::HYPERV_VM);
    folder.put(
        "vhd.json",
        r#"[{"Path":"C:\\ClusterStorage\\Volume1\\A\\a.vhdx","ParentPath":"","VhdType":3,"DiskIdentifier":"{6F1D3A2E-8B4C-4D5E-9F00-0000000000AA}"},
            {"Path":"C:\\ClusterStorage\\Volume1\\b.vhdx","DiskIdentifier":"6f1d3a2e-8b4c-4d5e-9f00-0000000000bb","ParentPath":""}]"#,
    );
    let inventory = only(folder.path());
    let ids: Vec<_> = vm(&inventory, "a")
        .disk_ids
        .iter()
        .map(|(path, id)| (path.as_str(), id.clone()))
        .collect();
    assert_eq!(
        ids,
        [(
            r"C:\ClusterStorage\Volume1\a\a.vhdx",
            "6f1d3a2e8b4c4d5e9f000000000000aa".to_owned()
        )]
    );
}
