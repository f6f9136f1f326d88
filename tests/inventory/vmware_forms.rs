//! VMware exports in the forms that are documented for each tool, and what is wrong with some of them.

use super::*;

const GET_VM: &str = r#"[{"Name":"a","PowerState":1,"VMHost":{"Name":"esx1"},"Id":"VirtualMachine-vm-1","PersistentId":"50310000-0000-0000-0000-000000000001","Notes":""},
    {"Name":"b","PowerState":0,"VMHost":"VMware.VimAutomation.X","Id":"VirtualMachine-vm-2"}]"#;
const GET_TEMPLATE: &str = r#"[{"Name":"t","Id":"VirtualMachine-vm-3","HostId":"HostSystem-host-1"}]"#;

#[test]
fn get_vm_alone_is_no_list_that_covers() {
    let inventory = only_of(GET_VM);
    assert_eq!(capping(&inventory), ["no-config-paths", "no-templates"]);
    assert_eq!(vm(&inventory, "a").moref.as_deref(), Some("vm-1"));
    assert!(inventory.vms.iter().all(|vm| vm.has_configuration && !vm.template));
}

#[test]
fn templates_beside_get_vm_settle_the_templates() {
    let folder = Folder::new();
    folder.put("vms.json", GET_VM);
    folder.put("templates.json", GET_TEMPLATE);
    let inventory = only(folder.path());
    assert_eq!(capping(&inventory), ["no-config-paths"]);
    assert!(vm(&inventory, "t").template);
}

#[test]
fn get_vm_as_csv_with_the_column_of_paths_is_whole() {
    let text = "\"Name\",\"PowerState\",\"Id\",\"VmPathName\",\"Disks\"\n\
        \"a\",\"PoweredOn\",\"VirtualMachine-vm-1\",\"[d] a/a.vmx\",\"[d] a/a.vmdk, [e 1] x, y/a.vmdk\"\n\
        \"t\",,\"VirtualMachine-vm-2\",\"[d] t/t.vmtx\",\n";
    let inventory = only_of(text);
    let a = vm(&inventory, "a");
    assert_eq!(a.config.as_deref(), Some("[d] a/a.vmx"));
    assert_eq!(files(a, Role::Disk), ["[d] a/a.vmdk", "[e 1] x, y/a.vmdk"]);
    assert_eq!(inventory.kinds, [InventoryKind::PowercliCsv]);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    let lost = only_of(text.replace("[d] a/a.vmdk, [e 1] x, y/a.vmdk", "System.Object[]"));
    assert_eq!(capping(&lost), ["depth-truncated"]);
}

#[test]
fn get_hard_disk_joins_the_vms_in_every_container() {
    let csv = "#TYPE X\r\n\"Parent\";\"Name\";\"Filename\";\"CapacityGB\"\r\n\"Ä\";\"Hard disk 1\";\"[d] Ä/Ä.vmdk\";\"1,5\"\r\n";
    let json = r#"{"Parent":{"Name":"Ä","Id":"VirtualMachine-vm-1"},"Name":"Hard disk 1","Filename":"[d] Ä/Ä.vmdk","CapacityGB":1.5}"#;
    let clixml = "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj RefId=\"0\"><Props>\
        <Obj N=\"Parent\" RefId=\"1\"><ToString>Ä</ToString></Obj><S N=\"ParentId\">VirtualMachine-vm-1</S>\
        <S N=\"Filename\">[d] Ä/Ä.vmdk</S><D N=\"CapacityGB\">1.5</D></Props></Obj></Objs>";
    for (content, kind) in [
        (utf16(&format!("\u{feff}{csv}")), InventoryKind::PowercliCsv),
        (json.into(), InventoryKind::PowercliJson),
        (clixml.into(), InventoryKind::PowercliClixml),
    ] {
        let folder = Folder::new();
        folder.put(
            "vms.json",
            r#"[{"Name":"Ä","MoRef":"vm-1","VmPathName":"[d] Ä/Ä.vmx"}]"#,
        );
        folder.put("disks", content);
        let inventory = only(folder.path());
        assert!(inventory.kinds.contains(&kind));
        let vm = vm(&inventory, "Ä");
        assert_eq!(files(vm, Role::Disk), ["[d] Ä/Ä.vmdk"]);
        assert_eq!(vm.listing, Listing::LeafDisks);
        assert_eq!(capping(&inventory), Vec::<&str>::new());
    }
}

#[test]
fn letters_that_ascii_lost_cap_what_they_may_stand_for() {
    let inventory = only_of("\"Parent\",\"Filename\",\"CapacityGB\"\n\"?\",\"[d] ?/?.vmdk\",\"1\"\n");
    assert_eq!(inventory.warnings[0].pattern.as_deref(), Some("[d] ?/?.vmdk"));
}

#[test]
fn disks_without_a_path_cap() {
    let inventory = only_of("\"Parent\",\"Filename\",\"CapacityGB\"\n\"a\",\"System.Object[]\",\"1\"\n");
    assert!(capping(&inventory).contains(&"not-exported-cell"));
}

#[test]
fn images_snapshots_and_datastores_of_powercli_are_read() {
    let folder = Folder::new();
    folder.put("vms.json", r#"{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx"}"#);
    folder.put(
        "cd.csv",
        "Parent,Name,IsoPath\na,CD/DVD drive 1,[iso] x y.iso\na,CD/DVD drive 2,\n",
    );
    folder.put(
        "snapshots.csv",
        "VM,Name,Created,SizeGB\na,before,2026-01-01 00:00:00,1\n",
    );
    folder.put(
        "datastores.csv",
        "Name,FreeSpaceGB,CapacityGB,Type,Id\nd,1,2,VMFS,Datastore-datastore-7\n",
    );
    let inventory = only(folder.path());
    let a = vm(&inventory, "a");
    assert_eq!(files(a, Role::Media), ["[iso] x y.iso"]);
    assert!(a.has_snapshots);
    assert_eq!(inventory.datastores[0].moref.as_deref(), Some("datastore-7"));
    assert_eq!(inventory.datastores[0].capacity_bytes, Some(2 << 30));
}

#[test]
fn a_list_of_names_shows_what_another_list_lacks() {
    let one = r#"[{"Name":"web/01","MoRef":"vm-1","VmPathName":"[d] a/a.vmx"}]"#;
    for (names, is_whole) in [
        ("/DC0/vm/Prod/web%2f01\n", true),
        ("/DC0/vm/Prod/web%2F01\n/DC0/vm/db01\n", false),
        ("VirtualMachine:vm-1\n", true),
        ("VirtualMachine:vm-1\nVirtualMachine:vm-2\n", false),
        (
            "VirtualMachine  /DC0/vm/db01\nVirtualMachine  /DC0/vm/Prod/web%2f01\n",
            false,
        ),
        (r#"["/DC0/vm/Prod/web%2f01","/DC0/vm/db01"]"#, false),
    ] {
        let folder = Folder::new();
        folder.put("vms.json", one);
        folder.put("find.txt", names);
        let inventory = only(folder.path());
        let expected: &[&str] = if is_whole { &[] } else { &["vm-count-mismatch"] };
        assert_eq!(capping(&inventory), expected, "{names}");
    }
    let alone = only_of("/DC0/vm/a\n/DC0/vm/b\n");
    assert!(!alone.has_vm_list && alone.vms.is_empty());
    assert_eq!(codes(&alone), ["names-only"]);
    assert!(alone.warnings[0].text.contains("govc object.collect"));
}

#[test]
fn ls_of_one_folder_is_no_list_of_all_vms() {
    let ls = r#"{"elements":[{"Path":"/DC0/vm/a","Object":{"self":{"type":"VirtualMachine","value":"vm-1"},"name":"a","config":{"files":{"vmPathName":"[d] a/a.vmx"}}}}]}"#;
    assert_eq!(capping(&only_of(ls)), ["one-folder"]);
    let folder = Folder::new();
    folder.put("ls.json", ls);
    folder.put(
        "info.json",
        r#"{"virtualMachines":[{"self":{"value":"vm-1"},"name":"a","config":{"files":{"vmPathName":"[d] a/a.vmx"}}}]}"#,
    );
    assert_eq!(capping(&only(folder.path())), Vec::<&str>::new());
}

#[test]
fn listings_of_files_are_kept_as_such() {
    let json = r#"[{"folderPath":"[d 1]/a","file":[{"path":"a.vmdk","fileSize":209,"modification":"2026-11-22T08:32:59Z"},{"path":"a.vmx"}]},{"FolderPath":"[d 1] ","File":[]}]"#;
    let text = "[d 1]/a:\n209B  Sun Nov 22 08:32:59 2026  a.vmdk\n0B    Sun Nov 22 08:32:59 2026  a.vmx\n";
    let names = "[d 1]/a:\na.vmdk\na.vmx\n";
    let rvtools = "Friendly Path Name,File Name,File Type,File Size in bytes,Path,Internal Sort Column,VI SDK Server\n\
        [d 1] a/,a.vmdk,vmdk,209,[d 1] a/,,vc\n[d 1] a/,a.vmx,vmx,,[d 1] a/a.vmx,,vc\n[d 1],,,,,,vc\n";
    for content in [json, text, names, rvtools] {
        let inventory = only_of(content);
        let paths: Vec<_> = inventory
            .observations
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(paths, ["[d 1] a/a.vmdk", "[d 1] a/a.vmx"], "{content}");
        assert!(
            !inventory.has_vm_list && inventory.vms.is_empty(),
            "it says nothing of owners"
        );
    }
    assert_eq!(only_of(json).observations.files[0].size_bytes, Some(209));
}

#[test]
fn findings_of_rvtools_are_kept_and_prove_nothing() {
    let health = "Name,Message,Message type,VI SDK Server\n[d] a/a.vmdk,Possibly a Zombie vmdk file! Please check.,ZOMBIE,vc\nhost,NTP problem,NTP,vc\n";
    let inventory = only_of(health);
    assert_eq!(inventory.observations.findings.len(), 1);
    assert_eq!(inventory.observations.findings[0].path, "[d] a/a.vmdk");
    assert!(inventory.vms.is_empty() && inventory.objects.is_empty());
}

#[test]
fn a_disk_in_the_column_of_configurations_is_a_disk() {
    let inventory = only_of("VM,Powerstate,Connection state,Path,VM ID\na,poweredOn,connected,[d] a/a.vmdk,vm-1\n");
    let a = vm(&inventory, "a");
    assert_eq!(
        (a.config.as_deref(), files(a, Role::Disk)),
        (None, vec!["[d] a/a.vmdk"])
    );
}

/// A zip of these files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const INFO: &[u8] =
    b"VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\na,False,connected,1,[d] a/a.vmx,esx1,vm-1,vc\n";
const DISK: &[u8] = b"VM,Disk,Disk Mode,Path,VM ID,VI SDK Server\na,Hard disk 1,persistent,[d] a/a.vmdk,vm-1,vc\n";

#[test]
fn a_zip_of_csv_files_is_a_folder_of_them() {
    let name = "RVTools_export_all_2025-01-02_03.04.05/RVTools_tab";
    let content = zipped(&[
        (&format!("{name}vInfo.csv"), INFO),
        (&format!("{name}vDisk.csv"), DISK),
        ("__MACOSX/._x.csv", b"junk"),
    ]);
    let inventory = only_of(content);
    assert_eq!(files(vm(&inventory, "a"), Role::Disk), ["[d] a/a.vmdk"]);
    assert_eq!(inventory.collected.unwrap().to_string(), "2025-01-02T03:04:05Z");
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn two_archives_are_two_sources() {
    let folder = Folder::new();
    let unnamed = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(",vc", "");
    for name in ["1.zip", "2.zip"] {
        let (info, disk) = (unnamed(INFO), unnamed(DISK));
        folder.put(name, zipped(&[("i.csv", info.as_bytes()), ("d.csv", disk.as_bytes())]));
    }
    assert_eq!(import_paths(&[folder.path()]).inventories.len(), 2);
}

#[test]
fn an_archive_in_an_archive_and_one_without_end_are_refused() {
    let inner = zipped(&[("i.csv", INFO)]);
    let imported = import_file(zipped(&[("inner.zip", &inner), ("d.csv", DISK)]));
    assert_eq!(imported.inventories[0].vms.len(), 1);
    assert!(
        imported
            .detected
            .iter()
            .any(|file| file.why.contains("an archive in an archive"))
    );
    let blanks = vec![b' '; 33 << 20];
    let imported = import_file(zipped(&[("1.csv", &blanks), ("3.csv", INFO)]));
    assert!(
        imported.issues.iter().any(|issue| issue.error.starts_with("refused")),
        "{:?}",
        imported.issues
    );
    assert_eq!(imported.inventories, []);
}

#[test]
fn live_optics_is_a_hint_and_no_rvtools() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("Details").unwrap();
    sheet.write_row(0, 0, ["Project ID", "1"]).unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("VMs").unwrap();
    sheet
        .write_row(
            0,
            0,
            [
                "VM Name",
                "MOB ID",
                "Template",
                "Power State",
                "Connection State",
                "Datastore",
            ],
        )
        .unwrap();
    for (at, name) in (1..).zip(["a", "b"]) {
        sheet
            .write_row(at, 0, [name, "vm-1", "FALSE", "poweredOn", "connected", "d"])
            .unwrap();
    }
    let folder = Folder::new();
    folder.put("lo.xlsx", book.save_to_buffer().unwrap());
    let alone = only(folder.path());
    assert_eq!(alone.kinds, [InventoryKind::LiveOptics]);
    assert!(!alone.has_vm_list && alone.vms.is_empty());
    folder.put("vms.json", r#"{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx"}"#);
    assert_eq!(capping(&only(folder.path())), ["vm-count-mismatch"], "it has no VM b");
}

#[test]
fn a_list_of_names_of_its_own_is_held_against_all_lists() {
    let hidden_by = |names: &str| {
        let folder = Folder::new();
        folder.put("names/vms.txt", names);
        folder.put(
            "one/vms.json",
            r#"{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx"}"#,
        );
        folder.put(
            "two/vms.json",
            r#"{"Name":"b","MoRef":"vm-2","VmPathName":"[e] b/b.vmx"}"#,
        );
        let mut imported = import_paths(&[folder.path()]).inventories;
        imported.retain(|inventory| !inventory.has_vm_list);
        capping(&imported[0]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(hidden_by("/DC1/vm/a\n/DC1/vm/b\n"), none);
    assert_eq!(hidden_by("/DC1/vm/a\n/DC1/vm/hidden\n"), ["vm-count-mismatch"]);
}

#[test]
fn getallvms_lists_names_and_paths_and_says_what_the_host_skips() {
    let text = "Vmid     Name          File                      Guest OS         Version   Annotation\n\
        1        App (old)     [d 1] App [old]/App.vmx   rhel8_64Guest    vmx-13    two\n[d] lines/x.vmx\n\
        15       t             [d 1] t/t.vmtx            rhel8_64Guest    vmx-13\n";
    let inventory = only_of(text);
    let found: Vec<_> = inventory
        .vms
        .iter()
        .map(|vm| (vm.name.as_str(), vm.config.as_deref(), vm.template))
        .collect();
    assert_eq!(
        found,
        [
            ("App (old)", Some("[d 1] App [old]/App.vmx"), false),
            ("t", Some("[d 1] t/t.vmtx"), true)
        ]
    );
    assert!(inventory.has_vm_list);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    let skipped = only_of(format!("Skipping invalid VM '7'\n{text}"));
    assert_eq!(capping(&skipped), ["invalid-vm"]);
    assert_eq!(skipped.vms.iter().filter(|vm| !vm.has_configuration).count(), 1);
}

#[test]
fn samples_of_getallvms_are_read_whole() {
    for (name, count) in [("getallvms-CONSTRUCTED-edge-cases.txt", 4), ("getallvms-vcl.txt", 2)] {
        let Some(path) = sample(&format!("inventory/esxi/{name}")) else {
            return;
        };
        let inventory = only(&path);
        assert!(inventory.vms.len() >= count, "{name}: {}", inventory.vms.len());
        let paths = inventory.vms.iter().filter_map(|vm| vm.config.as_deref());
        assert!(
            paths.clone().all(|path| path.starts_with('[') && path.contains("] ")),
            "{name}"
        );
        assert!(
            inventory
                .vms
                .iter()
                .all(|vm| vm.config.is_some() || !vm.has_configuration)
        );
    }
    let Some(path) = sample("inventory/esxi/vim-cmd-datastore-listsummary.txt") else {
        return;
    };
    let inventory = only(&path);
    assert_eq!(
        datastores(&inventory)["nfs-datastore"],
        ["/vmfs/volumes/95e378c2-863dd2b4"]
    );
    assert_eq!(inventory.kinds, [InventoryKind::EsxiFilesystems]);
}

#[test]
fn a_running_vm_that_the_list_lacks_caps() {
    let folder = Folder::new();
    folder.put(
        "all.txt",
        "Vmid Name File Guest OS Version Annotation\n1 a [d] a/a.vmx rhel8_64Guest vmx-13\n",
    );
    folder.put(
        "running.csv",
        "ConfigFile,DisplayName,ProcessID,UUID,VMXCartelID,WorldID,\n/vmfs/volumes/x-y/b/b.vmx,b,0,56 4d,1,2,\n",
    );
    assert_eq!(capping(&only(folder.path())), ["vm-count-mismatch"]);
}

#[test]
fn a_support_bundle_is_one_source() {
    let folder = Folder::new();
    folder.put(
        "esx-esx01-2026-11-22--08.45-1/etc/vmware/hostd/vmInventory.xml",
        "<ConfigRoot><ConfigEntry id=\"0\"><objID>1</objID><vmxCfgPath>/vmfs/volumes/a-b/a/a.vmx</vmxCfgPath></ConfigEntry></ConfigRoot>",
    );
    folder.put(
        "esx-esx01-2026-11-22--08.45-1/commands/localcli_storage-filesystem-list.txt",
        "Mount Point        Volume Name  UUID  Mounted  Type\n-----------------  -----------  ----  -------  ----\n/vmfs/volumes/a-b  nfs 01       a-b      true  NFS\n",
    );
    folder.put("esx-esx01-2026-11-22--08.45-1/var/log/hostd.log", "noise");
    for path in [
        folder.path().to_path_buf(),
        folder.path().join("esx-esx01-2026-11-22--08.45-1"),
    ] {
        let inventory = only(&path);
        assert_eq!(inventory.source, "esx-esx01-2026-11-22--08.45-1");
        assert_eq!(inventory.vms.len(), 1);
        assert_eq!(inventory.datastores[0].name, "nfs 01");
    }
}

#[test]
fn the_api_in_json_is_read_from_its_own_form() {
    let retrieved = r#"{"_typeName":"RetrieveResult","token":"1","objects":[{"_typeName":"ObjectContent","obj":{"type":"VirtualMachine","value":"vm-1"},
        "propSet":[{"name":"name","val":{"_typeName":"string","_value":"a"}},{"name":"config.template","val":{"_typeName":"boolean","_value":true}},
        {"name":"config.files","val":{"_typeName":"VirtualMachineFileInfo","vmPathName":"[d] a/a.vmtx"}}]}]}"#;
    let inventory = only_of(retrieved);
    let a = vm(&inventory, "a");
    assert!(a.template);
    assert_eq!(a.config.as_deref(), Some("[d] a/a.vmtx"));
    assert_eq!(capping(&inventory), ["truncated"], "there is a token for more");
    let Some(path) = sample("inventory/govc/vi-json-testdata/vminfo.json") else {
        return;
    };
    let inventory = only(&path);
    assert!(!inventory.has_vm_list, "one VM is no list");
    assert!(inventory.vms[0].config.is_some());
}

#[test]
fn a_volume_of_kubernetes_is_the_disk_of_its_handle() {
    let pv = r#"{"apiVersion":"v1","kind":"List","items":[
        {"kind":"PersistentVolume","metadata":{"name":"pv1"},"spec":{"claimRef":{"namespace":"shop","name":"db"},"csi":{"driver":"csi.vsphere.vmware.com","volumeHandle":"5DD77A1C-21be-45ca-9e4f-d30bf047f9e7"}},"status":{"phase":"Released"}},
        {"kind":"PersistentVolume","metadata":{"name":"pv2"},"spec":{"vsphereVolume":{"volumePath":"[c/d] kubevols/x.vmdk"}}},
        {"kind":"PersistentVolume","metadata":{"name":"static"},"spec":{"vsphereVolume":{"volumePath":"[d] volumes/myDisk"}}},
        {"kind":"PersistentVolume","metadata":{"name":"pv3"},"spec":{"csi":{"driver":"ebs.csi.aws.com","volumeHandle":"vol-1"}}},
        {"kind":"PersistentVolume","metadata":{"name":"pv4"},"spec":{"csi":{"driver":"csi.vsphere.vmware.com","volumeHandle":"00000000-0000-0000-0000-000000000009"}}}]}"#;
    let folder = Folder::new();
    folder.put("pv.json", pv);
    folder.put("disks.txt", "5dd77a1c-21be-45ca-9e4f-d30bf047f9e7  [d] fcd/5dd.vmdk\n");
    let inventory = only(folder.path());
    let volumes: Vec<_> = inventory
        .objects
        .iter()
        .filter(|object| object.class == "kubernetes-volume")
        .map(|object| (object.name.as_str(), object.path.as_deref()))
        .collect();
    assert_eq!(
        volumes,
        [
            ("pv4", None),
            ("pv1 of shop/db (Released)", Some("[d] fcd/5dd.vmdk")),
            ("pv2", Some("[c/d] kubevols/x.vmdk")),
            ("static", Some("[d] volumes/myDisk.vmdk"))
        ]
    );
    assert!(codes(&inventory).contains(&"volume-without-disk"));
    assert_eq!(capping(&inventory), Vec::<&str>::new());
}

#[test]
fn a_cns_volume_is_told_with_the_cluster_that_claims_it() {
    let volumes = r#"{"volume":[
        {"volumeId":{"id":"1f"},"name":"pvc-1","datastoreUrl":"ds:///vmfs/volumes/a-b/","volumeType":"BLOCK",
         "metadata":{"containerCluster":{"clusterType":"KUBERNETES","clusterId":"prod-7"}},
         "backingObjectDetails":{"backingDiskPath":"[d] fcd/1f.vmdk"}},
        {"volumeId":{"id":"2f"},"name":"pvc-2","backingObjectDetails":{}}]}"#;
    let inventory = only_of(volumes);
    let names: Vec<&str> = inventory.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["pvc-1 of the cluster prod-7 (KUBERNETES)", "pvc-2"]);
    assert!(inventory.objects.iter().all(|object| object.class == "cns-volume"));
}

#[test]
fn the_uuid_of_a_host_is_read_from_every_list_that_has_it() {
    let uuid = "4c4c4544-0043-4410-8039-b4c04f4d4e31";
    let govc = format!(
        r#"{{"hostSystems":[{{"self":{{"type":"HostSystem","value":"host-1"}},"name":"esx1","summary":{{"hardware":{{"uuid":"{uuid}"}}}}}}]}}"#
    );
    assert_eq!(only_of(govc).hosts[0].uuid, uuid.parse().ok());
    let folder = Folder::new();
    folder.put(
        "RVTools_tabvInfo.csv",
        "VM,Path,Powerstate,Template,Host,VM ID\na,[d] a/a.vmx,poweredOn,False,esx1,vm-1\n",
    );
    folder.put(
        "RVTools_tabvHost.csv",
        format!("Host,Cluster,# VMs total,Object ID,UUID\nesx1,c,1,host-1,{uuid}\nesx2,c,0,host-2,\n"),
    );
    let hosts = only(folder.path()).hosts;
    let uuids: Vec<_> = hosts.iter().map(|host| host.uuid.map(|id| id.to_string())).collect();
    assert_eq!(uuids, [Some(uuid.to_owned()), None]);
}

#[test]
fn objects_that_were_taken_out_of_their_wrapper_are_read() {
    let vm = r#"{"self":{"type":"VirtualMachine","value":"vm-9"},"name":"x","config":{"files":{"vmPathName":"[d] x/x.vmx"}}}"#;
    let one = only_of(vm);
    assert!(!one.has_vm_list, "one VM is no list of all");
    assert_eq!(one.vms[0].config.as_deref(), Some("[d] x/x.vmx"));
    assert!(only_of(format!("[{vm}]")).has_vm_list);
}

#[test]
fn lists_of_one_host_that_spell_a_path_in_two_ways_are_of_one_vm() {
    let volume = "5f1c2d3e-0badc0de-1111-001b21aa0001";
    let folder = Folder::new();
    folder.put(
        "getallvms.txt",
        "Vmid   Name   File             Guest OS      Version   Annotation\n1      a      [d] a/a.vmx      otherGuest    vmx-19\n",
    );
    folder.put(
        "running.txt",
        format!("a\n   World ID: 1\n   Config File: /vmfs/volumes/{volume}/a/a.vmx\n"),
    );
    assert_eq!(
        capping(&only(folder.path())),
        ["vm-count-mismatch"],
        "which volume `d` is is not told"
    );
    folder.put(
        "filesystems.csv",
        format!(
            "Free,MountPoint,Mounted,Size,Type,UUID,VolumeName,\n1,/vmfs/volumes/{volume},true,2,VMFS-6,{volume},d,\n"
        ),
    );
    let inventory = only(folder.path());
    assert_eq!(capping(&inventory), Vec::<&str>::new());
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] a/a.vmx"));
    folder.put(
        "vmInventory.xml",
        format!("<ConfigRoot>\n<ConfigEntry id=\"0000\"><objID>1</objID><vmxCfgPath>/vmfs/volumes/{volume}/a/a.vmx</vmxCfgPath></ConfigEntry>\n</ConfigRoot>\n"),
    );
    assert_eq!(only(folder.path()).vms.len(), 1);
}

#[test]
fn two_rows_of_one_list_are_two_vms_whatever_their_names() {
    let inventory = only_of(
        r#"[{"Name":"web","PowerState":1,"VMHost":"esx1","VmPathName":"[d] w1/web.vmx","Id":null},
        {"Name":"web","PowerState":1,"VMHost":"esx2","VmPathName":"","Id":null}]"#,
    );
    assert_eq!(inventory.vms.len(), 2);
    assert!(
        capping(&inventory).contains(&"no-config-paths"),
        "{:?}",
        capping(&inventory)
    );
}

#[test]
fn an_entry_of_a_host_without_a_path_is_a_vm_that_is_missing() {
    let of = |path: &str| {
        let inventory = only_of(format!(
            "<ConfigRoot><ConfigEntry id=\"1\"><vmxCfgPath>/vmfs/volumes/d/a/a.vmx</vmxCfgPath></ConfigEntry>\
             <ConfigEntry id=\"2\"><vmxCfgPath>{path}</vmxCfgPath></ConfigEntry></ConfigRoot>"
        ));
        capping(&inventory).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of(""), ["left-out"]);
    assert_eq!(of("/vmfs/volumes/d/b/"), ["no-config-paths"]);
    assert_eq!(of("/vmfs/volumes/d/b/b.vmx"), Vec::<String>::new());
}

#[test]
fn a_table_of_get_template_settles_the_templates() {
    let vms = "Name,PowerState,VMHost,Id,PersistentId,VmPathName\n\
               a,PoweredOn,esx1,VirtualMachine-vm-1,50310000-0000-0000-0000-000000000001,[d] a/a.vmx\n";
    let templates = |name: &str, table: &str| {
        let folder = Folder::new();
        folder.put("vms.csv", vms);
        folder.put(name, table);
        let inventory = only(folder.path());
        let gap = capping(&inventory).contains(&"no-templates");
        (inventory.vms.iter().any(|vm| vm.name == "t" && vm.template), gap)
    };
    for (name, table) in [
        (
            "all.csv",
            "Name,Id,HostId,FolderId\nt,VirtualMachine-vm-3,HostSystem-host-1,Folder-group-v3\n",
        ),
        ("Templates.csv", "Name,Id\nt,VirtualMachine-vm-3\n"),
        ("all.csv", "Name,Id,VmPathName\nt,VirtualMachine-vm-3,[d] t/t.vmtx\n"),
    ] {
        assert_eq!(templates(name, table), (true, false), "{table}");
    }
    // A list of VMs of which the power state was left out.
    assert_eq!(templates("more.csv", "Name,Id\nt,VirtualMachine-vm-3\n"), (false, true));
}

#[test]
fn a_table_of_get_datastore_is_no_tab_of_rvtools() {
    let table = "Name,Id,Type,State,Url,Uuid,CapacityGB\n\
                 ds,Datastore-datastore-7,VMFS,Available,ds:///vmfs/volumes/aa-bb/,aa-bb,2\n";
    let inventory = only_of(table);
    assert_eq!(inventory.kinds, [InventoryKind::PowercliCsv]);
    assert_eq!(inventory.datastores[0].moref.as_deref(), Some("datastore-7"));
    assert_eq!(inventory.datastores[0].capacity_bytes, Some(2 << 30));
}
