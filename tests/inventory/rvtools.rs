//! Tabs of RVTools as CSV: joined, with columns, tabs or rows missing.

use super::govc::collected;
use super::*;

pub(crate) const INFO: &str = "VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\n\
                    a,False,connected,1,[d] a/a.vmx,esx1,vm-1,vc\n\
                    b,False,connected,0,[d] b/b.vmx,esx2,vm-2,vc\n";
pub(crate) const DISK: &str =
    "VM,Disk,Disk Mode,Path,VM ID,VI SDK Server\na,Hard disk 1,persistent,[d] a/a.vmdk,vm-1,vc\n";

pub(crate) fn rvtools(files: &[(&str, &str)]) -> Inventory {
    let folder = Folder::new();
    for (name, content) in files {
        folder.put(name, content);
    }
    only(folder.path())
}

#[test]
fn tabs_of_one_folder_are_joined() {
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK)]);
    assert_eq!(files(vm(&inventory, "a"), Role::Disk), ["[d] a/a.vmdk"]);
    assert!(inventory.vms.iter().all(|vm| vm.listing == Listing::LeafDisks));
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn where_a_vm_stands_and_who_answers_for_it_is_read_wherever_an_export_has_it() {
    let said = |inventory: &Inventory, name: &str| {
        let vm = vm(inventory, name);
        (vm.inventory_folder.clone(), vm.noted_owner.clone())
    };
    let both = |folder: &str, owner: &str| (Some(folder.to_owned()), Some(owner.to_owned()));

    let info = "VM,Path,Folder,Annotation,VM-Owner,Owner,Datacenter,Host,VM ID,VI SDK Server\n\
                a,[d] a/a.vmx,Prod,old,Bo,Anna,DC,esx1,vm-1,vc\nb,[d] b/b.vmx,Prod,,Bo,,DC,esx1,vm-2,vc\n";
    let rvtools = rvtools(&[("1.csv", info)]);
    assert_eq!(said(&rvtools, "a"), both("Prod", "Anna"));
    assert_eq!(
        said(&rvtools, "b"),
        both("Prod", "Bo"),
        "an attribute that says nothing is passed over"
    );

    let powercli = only_of(
        r#"[{"Name":"a","Id":"VirtualMachine-vm-1","PowerState":1,"VMHost":"esx1","Folder":{"Name":"Prod%2fWeb"},"CustomFields":[{"Key":"Owner","Value":"Anna"}]}]"#,
    );
    assert_eq!(said(&powercli, "a"), both("Prod/Web", "Anna"));

    let folder = Folder::new();
    let changes = serde_json::json!({
        "name": "a", "config": {"files": {"vmPathName": "[d] a/a.vmx"}},
        "availableField": [{"key": 7, "name": "Owner"}], "customValue": [{"key": 7, "value": "Anna"}]
    });
    let twin = serde_json::json!({"name": "twin", "config": {"files": {"vmPathName": "[d] t/t.vmx"}}});
    let vms = [
        collected("vm-1", &changes),
        collected("vm-2", &twin),
        collected("vm-3", &twin),
    ];
    folder.put("vms.json", vms.join("\n"));
    folder.put("names.txt", "/DC/vm/Prod/a\n/DC/vm/Prod/twin\n/DC/vm/Test/twin\n");
    let govc = only(folder.path());
    assert_eq!(said(&govc, "a"), both("/DC/vm/Prod", "Anna"));
    assert!(
        govc.vms
            .iter()
            .filter(|vm| vm.name == "twin")
            .all(|vm| vm.inventory_folder.is_none()),
        "a name of two VMs tells of neither where it stands"
    );
}

/// What the lists of an inventory do not tell.
fn missing_columns(inventory: &Inventory) -> Vec<String> {
    let missing = inventory.missing_columns.iter();
    missing
        .map(|missing| format!("{}: {}", missing.list, missing.column))
        .collect()
}

#[test]
fn a_missing_column_is_named_with_its_cost_unless_another_list_has_it() {
    let named = rvtools(&[("1.csv", "VM,Powerstate,Path,Host\na,poweredOn,[d] a/a.vmx,esx1\n")]);
    assert_eq!(
        missing_columns(&named),
        [
            "VMs: SRM placeholder",
            "VMs: connection state",
            "VMs: folders of logs, snapshots and suspend files",
            "VMs: instance UUID (VM UUID, PersistentId)",
            "VMs: number of disks",
            "VMs: reference of the VM (VM ID, MoRef)",
            "VMs: template",
            "VMs: vCenter (VI SDK Server, VI SDK UUID)",
        ]
    );
    let folder = Folder::new();
    folder.put("1.csv", "VM,Powerstate,Path,Host\na,poweredOn,[d] a/a.vmx,esx1\n");
    folder.put(
        "2.json",
        r#"[{"Name":"a","MoRef":"vm-1","InstanceUuid":null,"ConnectionState":"connected","VmPathName":"[d] a/a.vmx"}]"#,
    );
    let both = only(folder.path());
    let still: Vec<String> = missing_columns(&both);
    assert!(
        !still
            .iter()
            .any(|column| column.contains("VM ID") || column.contains("connection")),
        "{still:?}"
    );
    let mut text = Vec::new();
    describe(&import_paths(&[folder.path()]), &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("missing column   VMs: template: templates are shown as VMs; no verdict changes"),
        "{text}"
    );
}

#[test]
fn a_drive_list_makes_up_for_vms_without_drives() {
    let vms = r#"[{"Name":"a","VMId":"11111111-2222-3333-4444-555555555555","ConfigurationLocation":"D:\\a","ComputerName":"H"}]"#;
    let drives =
        "VMName,VMId,Path,ComputerName,ControllerType\na,11111111-2222-3333-4444-555555555555,D:\\a\\a.vhdx,H,SCSI\n";
    let alone = only_of(vms);
    assert!(missing_columns(&alone).contains(&"VMs: HardDrives".to_owned()));
    let folder = Folder::new();
    folder.put("vms.json", vms);
    folder.put("drives.csv", drives);
    let both = only(folder.path());
    assert!(!missing_columns(&both).contains(&"VMs: HardDrives".to_owned()));
    assert!(missing_columns(&both).contains(&"drives: VMSnapshotId".to_owned()));
}

#[test]
fn a_missing_tab_caps() {
    assert_eq!(capping(&rvtools(&[("2.csv", DISK)])), ["no-vinfo-tab"]);
    assert_eq!(capping(&rvtools(&[("1.csv", INFO)])), ["no-vdisk-tab"]);
    assert!(!rvtools(&[("2.csv", DISK)]).has_vm_list);
}

#[test]
fn a_missing_path_column_caps_and_another_does_not() {
    let without_path = INFO.replace("Path", "Nothing");
    assert_eq!(
        capping(&rvtools(&[("1.csv", &without_path), ("2.csv", DISK)])),
        Vec::<&str>::new(),
        "found by its values"
    );
    let without_path = without_path.replace("[d] ", "");
    assert_eq!(
        capping(&rvtools(&[("1.csv", &without_path), ("2.csv", DISK)])),
        ["no-path-column"]
    );
    let without_moref = INFO.replace("VM ID", "Nothing");
    let inventory = rvtools(&[("1.csv", &without_moref), ("2.csv", DISK)]);
    assert_eq!(
        files(vm(&inventory, "a"), Role::Disk),
        ["[d] a/a.vmdk"],
        "joined by name"
    );
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn fewer_rows_than_a_host_counts_cap() {
    let hosts =
        |count: u32| format!("Host,Cluster,# VMs total,# VMs,VI SDK Server\nesx1,c,1,1,vc\nesx2,c,{count},1,vc\n");
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", &hosts(2))]);
    assert_eq!(capping(&inventory), ["vm-count-mismatch"]);
    assert!(inventory.warnings.iter().any(|warning| {
        warning
            .text
            .starts_with("host esx2 has 2 VMs by its own count, and listed are 1")
    }));
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", &hosts(1))]);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn a_host_that_counts_more_caps_though_another_counts_fewer() {
    // Templates and VMs that are off are not counted everywhere: fewer on one host speak for none on another.
    let hosts = "Host,Cluster,# VMs total,# VMs,VI SDK Server\nesx1,c,2,1,vc\nesx2,c,0,1,vc\n";
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", hosts)]);
    assert_eq!(capping(&inventory), ["vm-count-mismatch"]);
}

#[test]
fn without_a_list_of_hosts_fewer_vms_than_a_datastore_counts_cap() {
    let capping = |count: u32| {
        let datastores =
            format!("Name,Type,# VMs total,URL,VI SDK Server\nd,VMFS,{count},ds:///vmfs/volumes/a-b/,vc\n");
        let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("4.csv", &datastores)]);
        capping(&inventory).concat()
    };
    let vms = u32::try_from(rvtools(&[("1.csv", INFO), ("2.csv", DISK)]).vms.len()).expect("a few");
    assert_eq!(capping(vms + 1), "vm-count-mismatch");
    assert_eq!(capping(vms), "");
}

#[test]
fn a_datastore_with_more_vms_than_are_listed_at_all_says_more_than_the_hosts() {
    let capping = |vms: u32| {
        let hosts = "Host,Cluster,# VMs total,# VMs,VI SDK Server\nesx1,c,1,1,vc\nesx2,c,1,1,vc\n";
        let datastores = format!("Name,Type,# VMs total,URL,VI SDK Server\ne,VMFS,{vms},ds:///vmfs/volumes/a-b/,vc\n");
        let files = [
            ("1.csv", INFO),
            ("2.csv", DISK),
            ("3.csv", hosts),
            ("4.csv", &datastores),
        ];
        capping(&rvtools(&files)).concat()
    };
    // Both VMs that are listed may have their swap or an image there, which no tab tells.
    assert_eq!(capping(2), "");
    assert_eq!(capping(3), "vm-count-mismatch");
}

#[test]
fn a_disk_without_its_path_leaves_its_vm_without_a_list_of_disks() {
    let disks = format!("{DISK}a,Hard disk 2,persistent,,vm-1,vc\n");
    let listing = |disks: &str| vm(&rvtools(&[("1.csv", INFO), ("2.csv", disks)]), "a").listing;
    assert_eq!(listing(DISK), Listing::LeafDisks);
    assert_eq!(listing(&disks), Listing::ConfigOnly);
}

#[test]
fn a_host_that_the_host_list_lacks_is_not_spoken_for() {
    let datastores =
        "Name,Type,# VMs total,Hosts,URL,VI SDK Server\nd,VMFS,2,\"esx1, esx2, esx9\",ds:///vmfs/volumes/a-b/,vc\n";
    let hosts = "Host,Cluster,# VMs total,# VMs,VI SDK Server\nesx1,c,1,1,vc\nesx2,c,1,1,vc\n";
    let names = |inventory: &Inventory| inventory.hosts.iter().map(|host| host.name.clone()).collect::<Vec<_>>();
    let with_list = rvtools(&[
        ("1.csv", INFO),
        ("2.csv", DISK),
        ("3.csv", hosts),
        ("4.csv", datastores),
    ]);
    assert_eq!(names(&with_list), ["esx1", "esx2"]);
    assert_eq!(with_list.datastores[0].hosts, ["esx1", "esx2", "esx9"]);
    let without_list = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("4.csv", datastores)]);
    assert_eq!(names(&without_list), ["esx1", "esx2", "esx9"]);
}

#[test]
fn a_disk_of_a_vm_without_a_row_caps_and_still_counts() {
    let disks = format!("{DISK}ghost,Hard disk 1,persistent,[d] g/g.vmdk,vm-9,vc\n");
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", &disks)]);
    assert_eq!(files(vm(&inventory, "ghost"), Role::Disk), ["[d] g/g.vmdk"]);
    assert_eq!(capping(&inventory), ["vm-count-mismatch"]);
}

#[test]
fn a_vm_without_configuration_says_so() {
    let info = "VM,Connection state,Disks,Path,VM ID\n\
                a,connected,1,[d] a/a.vmx,vm-1\n\
                b,inaccessible,,[d] b/b.vmx,vm-2\n\
                /vmfs/volumes/x-y/c/c.vmx,invalid,,,vm-3\n";
    let disk = "VM,Disk,Disk Mode,Path,VM ID\na,Hard disk 1,persistent,[d] a/a.vmdk,vm-1\n";
    let inventory = rvtools(&[("1.csv", info), ("2.csv", disk)]);
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| (vm.config.as_deref().unwrap(), vm.has_configuration, vm.listing))
        .collect();
    assert_eq!(
        found,
        [
            ("/vmfs/volumes/x-y/c/c.vmx", false, Listing::ConfigOnly),
            ("[d] a/a.vmx", true, Listing::LeafDisks),
            ("[d] b/b.vmx", false, Listing::ConfigOnly),
        ]
    );
}

#[test]
fn a_merged_export_is_one_inventory_for_each_vcenter() {
    let info = "VM,Path,Host,VM ID,VI SDK Server,VI SDK UUID\n\
                a,[d] a/a.vmx,esx1,vm-1,vc1,11111111-1111-1111-1111-111111111111\n\
                b,[d] b/b.vmx,esx2,vm-1,vc2,22222222-2222-2222-2222-222222222222\n";
    let disk = "VM,Disk Mode,Path,VM ID,VI SDK UUID\n\
                a,persistent,[d] a/a.vmdk,vm-1,11111111-1111-1111-1111-111111111111\n\
                b,persistent,[d] b/b.vmdk,vm-1,22222222-2222-2222-2222-222222222222\n";
    let folder = Folder::new();
    folder.put("1.csv", info);
    folder.put("2.csv", disk);
    let imported = import_paths(&[folder.path()]);
    let found: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| {
            (
                inventory.source.as_str(),
                inventory.vms.len(),
                files(&inventory.vms[0], Role::Disk),
            )
        })
        .collect();
    assert_eq!(
        found,
        [("vc1", 1, vec!["[d] a/a.vmdk"]), ("vc2", 1, vec!["[d] b/b.vmdk"])]
    );
}

#[test]
fn the_name_of_the_folder_says_when() {
    let folder = Folder::new();
    folder.put("RVTools_export_all_2025-01-02_03.04.05/RVTools_tabvInfo.csv", INFO);
    let inventory = only(folder.path());
    assert_eq!(inventory.collected.unwrap().to_string(), "2025-01-02T03:04:05Z");
    assert!(!inventory.collected_is_file_time);
}

#[test]
fn lists_without_a_name_beside_the_one_folder_with_vms_are_of_its_source() {
    let disks = r#"{"objects":[{"config":{"id":{"id":"1"},"name":"f","backing":{"datastore":{"type":"Datastore","value":"datastore-1"},"filePath":"[d] fcd/f.vmdk"}}}]}"#;
    let folder = Folder::new();
    folder.put("RVTools_export_all_2025-01-02_03.04.05/RVTools_tabvInfo.csv", INFO);
    folder.put("disks.json", disks);
    let inventory = only(folder.path());
    assert_eq!((inventory.vms.len(), inventory.objects.len()), (2, 1));
    assert_eq!(inventory.fcd_scope, ["d"]);

    // Of two sources it could be either's.
    folder.put(
        "RVTools_export_all_2025-01-02_04.04.05/RVTools_tabvInfo.csv",
        INFO.replace(",vc\n", ",vc2\n"),
    );
    let imported = import_paths(&[folder.path()]);
    let scopes: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| (inventory.vms.len(), inventory.fcd_scope.len()))
        .collect();
    assert_eq!(scopes, [(0, 1), (2, 0), (2, 0)]);
}

#[test]
fn a_list_without_vms_caps() {
    for empty in [
        r#"{"virtualMachines": null}"#,
        r#"{"schema": "hyperv-inventory-export/1", "host": "HV01", "vms": []}"#,
    ] {
        assert_eq!(capping(&only_of(empty)), ["no-vms"], "{empty}");
    }
    assert_eq!(
        capping(&rvtools(&[
            ("1.csv", "VM,Connection state,Path,VM ID\n"),
            ("2.csv", "VM,Disk Mode,Path\n")
        ])),
        ["no-vms"]
    );
}

#[test]
fn twenty_thousand_vms_of_one_name_keep_their_own_disks() {
    let rows = 20_000;
    let mut info = vec![INFO.lines().next().unwrap().to_owned()];
    let mut disk = vec![DISK.lines().next().unwrap().to_owned()];
    for row in 0..rows {
        let host = row % 500;
        info.push(format!(
            "same name,False,connected,1,[d] {row}/a.vmx,esx{host},vm-{row},vc"
        ));
        disk.push(format!("same name,Hard disk 1,persistent,[d] {row}/a.vmdk,vm-{row},vc"));
    }
    let (info, disk) = (info.join("\n"), disk.join("\n"));
    let inventory = rvtools(&[("1.csv", &info), ("2.csv", &disk)]);
    assert_eq!(inventory.vms.len(), rows);
    for vm in &inventory.vms {
        let [disk] = files(vm, Role::Disk)[..] else {
            panic!("{:?}", vm.files)
        };
        assert_eq!(disk, vm.config.as_deref().unwrap().replace(".vmx", ".vmdk"));
    }
}

#[test]
fn a_place_that_does_not_end_like_a_configuration_is_not_told() {
    for place in ["[d] a/a.vm", "[d] a/", "[d] a/a_long_na...", "/vmfs/volumes/d/a"] {
        let inventory = rvtools(&[("1.csv", &INFO.replace("[d] a/a.vmx", place)), ("2.csv", DISK)]);
        assert_eq!(vm(&inventory, "a").config, None, "{place}");
        assert_eq!(capping(&inventory), ["no-config-paths"], "{place}");
    }
}

#[test]
fn a_disk_whose_path_was_cut_leaves_no_list_of_disks() {
    for path in ["[d] a", "[d] a/a.vmd", "[d] a/a…"] {
        let inventory = rvtools(&[("1.csv", INFO), ("2.csv", &DISK.replace("[d] a/a.vmdk", path))]);
        assert_eq!(vm(&inventory, "a").listing, Listing::ConfigOnly, "{path}");
    }
}

#[test]
fn hosts_of_two_names_and_one_reference_that_both_count_are_two() {
    let info = "VM,Path,Host,VM ID\na,[d] a/a.vmx,esx1,vm-1\nb,[d] b/b.vmx,esxb1,vm-2\n";
    let hosts = |b: u64| {
        let hosts = format!("Host,# VMs total,# VMs,Object ID\nesx1,1,1,host-1\nesxb1,{b},{b},host-1\n");
        let inventory = rvtools(&[("1.csv", info), ("RVTools_tabvHost.csv", &hosts)]);
        let found = capping(&inventory).contains(&"vm-count-mismatch");
        (inventory.hosts.len(), found)
    };
    assert_eq!(hosts(1), (2, false));
    assert_eq!(hosts(2), (2, true));
}
