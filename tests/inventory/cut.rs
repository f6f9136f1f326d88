//! Exports that were cut, thinned or emptied on the way: none of them counts as a list of all VMs.

use super::*;

const VMS: &str = "\"Name\",\"Id\",\"PersistentId\",\"PowerState\",\"VMHost\",\"VmPathName\"\r\n\
    \"a\",\"VirtualMachine-vm-1\",\"50310000-0000-0000-0000-000000000001\",\"PoweredOn\",\"esx1\",\"[d] a/a.vmx\"\r\n\
    \"b\",\"VirtualMachine-vm-2\",\"50310000-0000-0000-0000-000000000002\",\"PoweredOff\",\"esx1\",\"[d] b/b, \"\"old\"\"/b.vmx\"\r\n\
    \"t\",\"VirtualMachine-vm-3\",\"50310000-0000-0000-0000-000000000003\",,\"esx1\",\"[d] t/t.vmtx\"\r\n";

/// The codes of what caps, or `not imported`.
fn caps(content: impl AsRef<[u8]>) -> Vec<String> {
    let imported = import_file(content);
    if let [inventory] = imported.inventories.as_slice() {
        return capping(inventory).into_iter().map(str::to_owned).collect();
    }
    assert!(!imported.issues.is_empty());
    vec!["not imported".to_owned()]
}

#[test]
fn a_table_that_is_cut_anywhere_in_its_last_row_is_told() {
    assert_eq!(caps(VMS), Vec::<String>::new());
    let last = VMS.rfind("\"t\"").unwrap();
    // What ends with the quote of the last cell is whole but for its line end.
    for cut in last + 1..VMS.len() - 3 {
        let text = VMS.get(..cut).unwrap();
        assert!(!caps(text).is_empty(), "…{}", text.get(last..).unwrap());
        assert!(!caps(utf16(text)).is_empty(), "UTF-16 …{}", text.get(last..).unwrap());
    }
    assert_eq!(caps(VMS.trim_end()), Vec::<String>::new());
}

#[test]
fn a_table_without_quotes_ends_with_a_line() {
    let tab = "VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\r\n\
        a,False,connected,0,[d] a/a.vmx,esx1,vm-1,vc.example.com\r\n";
    assert_eq!(caps(tab), Vec::<String>::new());
    assert_eq!(caps(tab.trim_end()), ["truncated"]);
    let part = only_of(tab.trim_end_matches("ample.com\r\n"));
    assert_eq!(
        capping(&part),
        ["truncated"],
        "what is cut may be the name of the vCenter"
    );
}

#[test]
fn a_text_of_lines_ends_with_a_line() {
    let volume = "5f1c2d3e-0badc0de-1111-001b21aa0001";
    let ruler = "-----------  -----------  ----  -------  ----  ----  ----";
    for text in [
        format!(
            "Mount Point  Volume Name  UUID  Mounted  Type  Size  Free\n{ruler}\n/vmfs/volumes/{volume}  d  {volume}  true  VMFS-6  1  1\n"
        ),
        format!("a\n   World ID: 1\n   Config File: /vmfs/volumes/{volume}/a/a.vmx\n"),
        "Vmid   Name   File             Guest OS      Version   Annotation\n1      a      [d] a/a.vmx      otherGuest    vmx-19\n".to_owned(),
        "/DC/vm/a\n/DC/vm/b\n".to_owned(),
    ] {
        assert_eq!(caps(&text), Vec::<String>::new(), "{text}");
        assert_eq!(caps(text.trim_end()), ["truncated"], "{text}");
    }
}

#[test]
fn a_stream_of_objects_ends_with_a_line() {
    let object = |number| {
        let changes = serde_json::json!([{"name": "name", "op": "assign", "val": "a"},
            {"name": "config.files", "op": "assign", "val": {"vmPathName": format!("[d] a{number}/a.vmx")}}]);
        serde_json::json!({"kind": "enter", "obj": {"type": "VirtualMachine", "value": format!("vm-{number}")}, "changeSet": changes})
    };
    let stream = format!("{}\n{}\n", object(1), object(2));
    assert_eq!(caps(&stream), Vec::<String>::new());
    assert_eq!(caps(stream.trim_end()), ["truncated"]);
    assert_eq!(caps(object(1).to_string()), ["truncated"], "others may have followed");
}

#[test]
fn objects_without_their_reference_are_told() {
    let changes = serde_json::json!([{"name": "name", "op": "assign", "val": "a"},
        {"name": "config.files", "op": "assign", "val": {"vmPathName": "[d] a/a.vmx"}}]);
    let whole =
        serde_json::json!({"kind": "enter", "obj": {"type": "VirtualMachine", "value": "vm-1"}, "changeSet": changes});
    let bare = serde_json::json!({"kind": "enter", "obj": null, "changeSet": changes});
    assert_eq!(caps(format!("{whole}\n")), Vec::<String>::new());
    assert_eq!(caps(format!("{whole}\n{bare}\n")), ["left-out"]);
}

#[test]
fn holes_in_a_list_are_told() {
    let vm = serde_json::json!({"name": "a", "self": {"type": "VirtualMachine", "value": "vm-1"},
        "config": {"files": {"vmPathName": "[d] a/a.vmx"}}});
    let info = |items: serde_json::Value| serde_json::json!({"virtualMachines": items}).to_string();
    assert_eq!(caps(info(serde_json::json!([vm]))), Vec::<String>::new());
    assert_eq!(caps(info(serde_json::json!([vm, null]))), ["lost-items"]);
    assert_eq!(
        caps(info(serde_json::json!([vm, "VMware.Vim.VirtualMachine"]))),
        ["lost-items"]
    );
}

#[test]
fn a_document_of_no_known_export_beside_others_is_told() {
    let vm = r#"{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","LayoutExFile":[]}"#;
    assert_eq!(
        caps(format!("{vm}\n[]\n")),
        Vec::<String>::new(),
        "an empty list lacks nothing"
    );
    assert_eq!(caps(format!("{vm}\n{{\"Fehler\":\"x\"}}\n")), ["left-out"]);
}

#[test]
fn a_layout_with_a_nameless_file_is_no_list_of_all_files() {
    let of = |files: &str| {
        let text = format!(
            r#"{{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","Devices":[{{"Type":"VirtualDisk","FileName":"[d] a/a.vmdk"}}],"LayoutExFile":[{files}]}}"#
        );
        vm(&only_of(text), "a").listing
    };
    let file = r#"{"Name":"[d] a/a.vmx","Type":"config"},{"Name":"[d] a/a.vmdk","Type":"diskDescriptor"}"#;
    assert_eq!(of(file), Listing::WholeChains);
    assert_eq!(
        of(&format!(r#"{file},{{"Name":null,"Type":"diskDescriptor"}}"#)),
        Listing::LeafDisks
    );
    assert_eq!(
        of("null"),
        Listing::LeafDisks,
        "a VM whose layout vCenter does not have"
    );
}

#[test]
fn a_disk_device_without_a_file_is_no_list_of_disks() {
    let of = |backing: serde_json::Value| {
        let device = serde_json::json!([{"key": 2000, "capacityInKB": 1, "backing": backing}]);
        let object = serde_json::json!({"virtualMachines": [{"name": "a", "self": {"type": "VirtualMachine", "value": "vm-1"},
            "config": {"files": {"vmPathName": "[d] a/a.vmx"}, "hardware": {"device": device}}}]});
        vm(&only_of(object.to_string()), "a").listing
    };
    assert_eq!(of(serde_json::json!({"fileName": "[d] a/a.vmdk"})), Listing::LeafDisks);
    assert_eq!(of(serde_json::json!({"fileName": null})), Listing::ConfigOnly);
}

#[test]
fn an_emptied_column_of_paths_is_as_bad_as_a_missing_one() {
    let tab = |path: &str| {
        format!(
            "VM,Template,Connection state,Disks,Path,Host,VM ID\na,False,connected,0,{path},esx1,vm-1\nb,False,connected,0,[d] b/b.vmx,esx1,vm-2\n"
        )
    };
    assert_eq!(caps(tab("[d] a/a.vmx")), Vec::<String>::new());
    assert_eq!(caps(tab("")), ["no-config-paths"]);
}

#[test]
fn another_list_may_tell_the_paths_that_one_lacks() {
    let folder = Folder::new();
    folder.put(
        "vms.csv",
        VMS.replace(",\"VmPathName\"", "")
            .replace(",\"[d] a/a.vmx\"", "")
            .replace(",\"[d] b/b, \"\"old\"\"/b.vmx\"", "")
            .replace(",\"[d] t/t.vmtx\"", ""),
    );
    assert_eq!(capping(&only(folder.path())), ["no-config-paths"]);
    folder.put("all.csv", VMS);
    assert_eq!(capping(&only(folder.path())), Vec::<&str>::new());
}

#[test]
fn vms_without_a_power_state_are_not_taken_for_templates() {
    let text = "Name,Id,PersistentId,VMHost,VmPathName\na,VirtualMachine-vm-1,50310000-0000-0000-0000-000000000001,esx1,[d] a/a.vmx\n";
    let inventory = only_of(text);
    assert!(!vm(&inventory, "a").template);
    assert_eq!(capping(&inventory), ["no-templates"]);
    let template = only_of(text.replace("a.vmx", "a.vmtx"));
    assert!(vm(&template, "a").template);
}

#[test]
fn a_list_of_disks_makes_up_for_disks_that_were_cut_to_text() {
    let id = "6f1d3a2e-8b4c-4d5e-9f00-112233445566";
    let vms = format!(
        "Name,VMId,ComputerName,ConfigurationLocation,HardDrives\na,{id},HV01,D:\\VMs\\a,System.Collections.Generic.List`1[X]\n"
    );
    let drives = |column: &str| {
        format!("VMName,VMId,{column},Path\na,{id},00000000-0000-0000-0000-000000000000,D:\\VMs\\a\\a.vhdx\n")
    };
    let folder = Folder::new();
    folder.put("vms.csv", &vms);
    assert_eq!(capping(&only(folder.path())), ["depth-truncated"]);
    folder.put("drives.csv", drives("ControllerType"));
    assert_eq!(
        capping(&only(folder.path())),
        ["depth-truncated"],
        "nothing tells of checkpoints"
    );
    folder.put("drives.csv", drives("VMSnapshotId"));
    assert_eq!(capping(&only(folder.path())), Vec::<&str>::new());
    folder.put(
        "drives.csv",
        drives("VMSnapshotId")
            .replace(id, "6f1d3a2e-8b4c-4d5e-9f00-000000000000")
            .replace("\na,", "\nb,"),
    );
    assert!(
        capping(&only(folder.path())).contains(&"depth-truncated"),
        "the disks of another VM"
    );
}

#[test]
fn what_objects_cut_to_text_name_is_kept_and_proves_nothing() {
    let text = r#"{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","Files":{"VmPathName":"[d] a/a.vmx"},
        "Devices":["@{Key=2000; Type=VirtualDisk; FileName=[e] x/a.vmdk}","@{Key=3000; Type=VirtualCdrom; FileName=[e] iso/x.iso}"]}"#;
    let inventory = only_of(text);
    let a = vm(&inventory, "a");
    assert_eq!(files(a, Role::Disk), ["[e] x/a.vmdk"]);
    assert_eq!(files(a, Role::Media), ["[e] iso/x.iso"]);
    assert_eq!(a.listing, Listing::ConfigOnly);
    assert_eq!(capping(&inventory), ["depth-truncated"]);

    let text = r#"{"Name":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ConfigurationLocation":"D:\\a",
        "HardDrives":["@{Path=\\\\fs\\vms\\a.vhdx; DiskNumber=}"],"Snapshots":[]}"#;
    let inventory = only_of(text);
    assert_eq!(files(vm(&inventory, "a"), Role::Disk), [r"\\fs\vms\a.vhdx"]);
    assert_eq!(capping(&inventory), ["depth-truncated"]);
}

#[test]
fn a_first_class_disk_without_its_path_takes_back_what_the_list_covers() {
    let of = |path: serde_json::Value| {
        let disk = |id: u32, path: &serde_json::Value| serde_json::json!({"config": {"id": {"id": format!("{id}")}, "name": "x", "backing": {"filePath": path}}});
        let list = serde_json::json!({"objects": [disk(1, &"[d] fcd/1.vmdk".into()), disk(2, &path)]});
        only_of(list.to_string()).fcd_scope
    };
    assert_eq!(of("[d] fcd/2.vmdk".into()), ["d"]);
    assert_eq!(of(serde_json::Value::Null), Vec::<String>::new());
}

#[test]
fn two_sizes_of_one_file_are_told() {
    let of = |size: u32| {
        format!(
            r#"{{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","LayoutExFile":[{{"Name":"[d] a/a.vmx","Type":"config","Size":{size}}}]}}"#
        )
    };
    assert_eq!(
        codes(&only_of(format!("[{}]\n[{}]\n", of(1), of(1)))),
        Vec::<&str>::new()
    );
    assert_eq!(codes(&only_of(format!("[{}]\n[{}]\n", of(1), of(2)))), ["sizes-differ"]);
}

#[test]
fn a_row_that_names_no_vm_is_told() {
    let tab = |name: &str| {
        format!(
            "VM,Template,Connection state,Disks,Path,Host\n{name},False,connected,0,[d] a/a.vmx,esx1\nb,False,connected,0,[d] b/b.vmx,esx1\n"
        )
    };
    assert_eq!(caps(tab("a")), Vec::<String>::new());
    assert_eq!(caps(tab("")), ["nameless-rows"]);
}

#[test]
fn tables_put_together_keep_their_headers_between_the_rows() {
    let vms = only_of(format!(
        "#TYPE X\r\n{VMS}#TYPE X\r\n{}",
        VMS.replace("vm-", "vm-1").replace("-00000000000", "-00000000001")
    ));
    assert_eq!(vms.vms.len(), 6);
    assert_eq!(capping(&vms), Vec::<&str>::new());
}

#[test]
fn two_disks_at_one_path_of_two_nodes_have_no_told_parent() {
    let of = |second: &str| {
        let folder = Folder::new();
        folder.put("vms.json", r#"{"Name":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ComputerName":"HV01","ConfigurationLocation":"D:\\a","HardDrives":[{"Path":"D:\\a.vhdx"}],"Snapshots":[]}"#);
        folder.put("1.csv", "Path,ParentPath,VhdType\nD:\\a.vhdx,,Dynamic\n");
        folder.put("2.csv", format!("Path,ParentPath,VhdType\n{second}\n"));
        vm(&only(folder.path()), "a").listing
    };
    assert_eq!(of("D:\\A.vhdx,,Dynamic"), Listing::WholeChains);
    assert_eq!(of("D:\\a.vhdx,D:\\base.vhdx,Differencing"), Listing::LeafDisks);
}

#[test]
fn a_layout_that_the_same_object_contradicts_is_no_list_of_all_files() {
    let of = |devices: &str, files: &[(&str, &str)], more: &str| {
        let files: Vec<String> = files
            .iter()
            .zip(1..)
            .map(|((name, kind), key)| format!(r#"{{"key":{key},"name":"[d] a/{name}","type":"{kind}"}}"#))
            .collect();
        let text = format!(
            r#"[{{"self":{{"type":"VirtualMachine","value":"vm-1"}},"name":"a",
                "config":{{"files":{{"vmPathName":"[d] a/a.vmx"}},"hardware":{{"device":[{devices}]}}}},
                "layoutEx":{{"file":[{}]{more}}}}}]"#,
            files.join(",")
        );
        vm(&only_of(format!(r#"{{"virtualMachines":{text}}}"#)), "a").listing
    };
    let disk =
        r#"{"capacityInKB":1,"backing":{"fileName":"[d] a/a-000001.vmdk","parent":{"fileName":"[d] a/a.vmdk"}}}"#;
    let link = [
        ("a-000001.vmdk", "diskDescriptor"),
        ("a-000001-delta.vmdk", "diskExtent"),
    ];
    let base = [("a.vmdk", "diskDescriptor"), ("a-flat.vmdk", "diskExtent")];
    let chain = [link, base].concat();
    let keys = |keys: &str| format!(r#","disk":[{{"key":2000,"chain":[{{"fileKey":[3,4]}},{{"fileKey":[{keys}]}}]}}]"#);
    assert_eq!(of(disk, &chain, &keys("1,2")), Listing::WholeChains);
    assert_eq!(
        of(disk, &chain, &keys("1,9")),
        Listing::LeafDisks,
        "a chain has a file that is not listed"
    );
    assert_eq!(
        of(disk, &base, ""),
        Listing::LeafDisks,
        "it lags behind the disk that is attached (V7)"
    );
    assert_eq!(
        of(disk, &link, ""),
        Listing::LeafDisks,
        "the parent that the disk names is not listed"
    );
    let alone = r#"{"capacityInKB":1,"backing":{"fileName":"[d] a/a-000001.vmdk"}}"#;
    assert_eq!(of(alone, &link, ""), Listing::LeafDisks, "a link without any base");
    assert_eq!(of(alone, &chain, ""), Listing::WholeChains);
    let snapshots = r#","snapshot":[{"key":{"value":"snapshot-1"},"disk":[]}]"#;
    assert_eq!(
        of(disk, &chain, snapshots),
        Listing::LeafDisks,
        "a snapshot without its state"
    );
    let with_state = [&chain[..], &[("a-Snapshot1.vmsn", "snapshotData")]].concat();
    assert_eq!(of(disk, &with_state, snapshots), Listing::WholeChains);
    let nameless = format!(r#"{disk},{{"capacityInKB":1,"backing":{{}}}}"#);
    assert_eq!(
        of(&nameless, &chain, ""),
        Listing::ConfigOnly,
        "a disk is attached that nobody names"
    );
}

#[test]
fn a_vm_with_more_disks_than_are_told_has_no_list_of_its_disks() {
    let of = |disks: u32, devices: &str| {
        let text = format!(
            r#"{{"virtualMachines":[{{"self":{{"type":"VirtualMachine","value":"vm-1"}},"name":"a",
                "summary":{{"config":{{"numVirtualDisks":{disks}}}}},
                "config":{{"files":{{"vmPathName":"[d] a/a.vmx"}},
                    "hardware":{{{devices}}}}}}}]}}"#
        );
        vm(&only_of(text), "a").listing
    };
    let one = r#""device":[{"capacityInKB":1,"backing":{"fileName":"[d] a/a.vmdk"}}]"#;
    assert_eq!(of(1, one), Listing::LeafDisks);
    assert_eq!(of(2, one), Listing::ConfigOnly);
    assert_eq!(of(0, ""), Listing::ConfigOnly, "without devices none is not said");
}
