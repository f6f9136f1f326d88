//! Streams and lists of govc, PowerCLI and esxcli.

use super::*;

/// One object of `govc object.collect`.
pub(crate) fn collected(moref: &str, changes: &serde_json::Value) -> String {
    let changes: Vec<_> = changes
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| serde_json::json!({"name": name, "op": "assign", "val": value}))
        .collect();
    let object =
        serde_json::json!({"kind": "enter", "obj": {"type": "VirtualMachine", "value": moref}, "changeSet": changes});
    format!("{object}\n")
}

#[test]
fn a_stream_that_breaks_off_caps_and_keeps_whole_objects() {
    let a = collected(
        "vm-1",
        &serde_json::json!({"name": "a", "config.files": {"vmPathName": "[d] a/a.vmx"}}),
    );
    let b = collected(
        "vm-2",
        &serde_json::json!({"name": "b", "config.files": {"vmPathName": "[d] b/b.vmx"}}),
    );
    let inventory = only_of(format!("{a}\n{}", &b[..b.len() - 30]));
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] a/a.vmx"));
    assert_eq!(capping(&inventory), ["truncated"]);
    let inventory = only_of(format!("{a}\n{b}\ngovc: connection reset"));
    assert_eq!(inventory.vms.len(), 2);
    assert_eq!(capping(&inventory), ["truncated"]);
    let broken = import_file("[{\"Name\": ");
    assert!(
        broken.issues[0]
            .error
            .starts_with("damaged: it cannot be read to its end")
    );
}

#[test]
fn an_object_that_has_what_only_a_vm_has_and_does_not_say_that_it_is_one_caps() {
    let a = collected(
        "vm-1",
        &serde_json::json!({"name": "a", "config.files": {"vmPathName": "[d] a/a.vmx"}}),
    );
    let damaged = |moref: &str, changes: serde_json::Value| {
        let object = collected(moref, &changes).replace("VirtualMachine", "VirtualMachin");
        only_of(format!("{a}\n{object}"))
    };
    let layout = serde_json::json!({"name": "b", "layoutEx": {"file": []}});
    for inventory in [
        damaged("vm-2", serde_json::json!({"name": "b"})),
        damaged("2", layout),
        damaged("2", serde_json::json!({"config.files": {"vmPathName": "[d] b/b.vmx"}})),
        damaged("2", serde_json::json!({"summary.config.vmPathName": "[d] b/b.vmx"})),
    ] {
        assert_eq!(capping(&inventory), ["left-out"]);
    }
    let folder = damaged("group-v3", serde_json::json!({"name": "Servers", "config.x": 1}));
    assert_eq!(capping(&folder), Vec::<&str>::new());
}

#[test]
fn govc_tells_a_vm_without_configuration_from_one_that_was_not_asked_for_it() {
    let with = collected(
        "vm-1",
        &serde_json::json!({"name": "a", "config.template": false, "summary.config.vmPathName": "[d] a/a.vmx"}),
    );
    let without = collected(
        "vm-2",
        &serde_json::json!({"name": "b", "summary.config.vmPathName": "[d] b/b.vmx", "runtime.connectionState": "inaccessible"}),
    );
    let inventory = only_of(format!("{with}\n{without}"));
    assert_eq!(
        (
            vm(&inventory, "a").has_configuration,
            vm(&inventory, "b").has_configuration
        ),
        (true, false)
    );
    let connected = without.replace("inaccessible", "connected");
    assert!(
        vm(&only_of(connected), "b").has_configuration,
        "nobody asked for configurations"
    );
    assert!(!vm(&only_of(without), "b").has_configuration);
}

#[test]
fn a_vm_that_a_datastore_knows_and_no_list_has_caps() {
    let folder = Folder::new();
    let config = serde_json::json!({"name": "a", "summary.config.vmPathName": "[d] a/a.vmx"});
    folder.put("vms.json", collected("vm-1", &config));
    folder.put("ds.json", r#"{"datastores":[{"self":{"value":"datastore-1"},"name":"d","vm":[{"type":"VirtualMachine","value":"vm-1"}]}]}"#);
    assert_eq!(capping(&only(folder.path())), Vec::<&str>::new());
    folder.put(
        "ds.json",
        r#"{"Datastores":[{"Self":{"Value":"datastore-1"},"Name":"d","Vm":[{"Value":"vm-1"},{"Value":"vm-2"}]}]}"#,
    );
    assert_eq!(capping(&only(folder.path())), ["vm-count-mismatch"]);
}

#[test]
fn datastores_of_one_label_on_two_hosts_stay_two() {
    let host = |moref: &str, uuid: &str| {
        let mounts = serde_json::json!([{"mountInfo": {"path": format!("/vmfs/volumes/{uuid}")}, "volume": {"type": "VMFS", "name": "datastore1", "uuid": uuid}}]);
        collected(
            moref,
            &serde_json::json!({"name": moref, "config.fileSystemVolume.mountInfo": {"_value": mounts}}),
        )
        .replace("VirtualMachine", "HostSystem")
    };
    let inventory = only_of(format!(
        "{}{}{}",
        host("host-1", "aa-1"),
        host("host-2", "bb-2"),
        host("host-3", "bb-2")
    ));
    let found: Vec<_> = inventory
        .datastores
        .iter()
        .map(|datastore| (datastore.aliases.clone(), datastore.hosts.clone()))
        .collect();
    assert_eq!(
        found,
        [
            (vec!["/vmfs/volumes/aa-1".to_owned()], vec!["host-1".to_owned()]),
            (
                vec!["/vmfs/volumes/bb-2".to_owned()],
                vec!["host-2".to_owned(), "host-3".to_owned()]
            ),
        ]
    );
}

#[test]
fn powercli_lists_of_one_folder_are_joined() {
    let folder = Folder::new();
    let vms = r#"{"Name":"a","MoRef":"vm-1","InstanceUuid":"d0e8e76b-94d9-527c-9d6f-1a3a383c9c0c","Template":false,"ConnectionState":"connected","VmPathName":"[d] a/a.vmx",
        "Files":{"LogDirectory":"[d] a/"},"Devices":{"Key":2000,"Type":"VirtualDisk","FileName":"[d] a/a-000001.vmdk"},
        "LayoutExFile":[{"Key":1,"Name":"[d] a/a.vmdk","Type":"diskDescriptor","Size":7},{"Key":2,"Name":"[d] a/a-000001.vmdk","Type":"diskDescriptor"},
            {"Key":3,"Name":"[d] a/a-Snapshot1.vmsn","Type":"snapshotData"}],"LayoutExSnapshot":{"Key":1}}"#;
    folder.put("vms.json", format!("\u{feff}{vms}"));
    folder.put("datastores.json", r#"{"Name":"d","Id":"Datastore-datastore-1","Type":"VMFS","State":"Available","Url":"ds:///vmfs/volumes/aa-bb/","Uuid":"aa-bb","Hosts":["host-1"]}"#);
    let inventory = only(folder.path());
    let vm = vm(&inventory, "a");
    assert_eq!(files(vm, Role::Disk), ["[d] a/a-000001.vmdk", "[d] a/a.vmdk"]);
    assert_eq!(vm.listing, Listing::WholeChains);
    assert!(vm.has_snapshots);
    assert_eq!(vm.folders, ["[d] a/"]);
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([("d", vec!["ds:///vmfs/volumes/aa-bb/"])])
    );
    assert_eq!(inventory.hosts[0].name, "host-1");
    let cut = r#"[{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","LayoutExFile":["VMware.Vim.VirtualMachineFileLayoutExFileInfo"]}]"#;
    let inventory = only_of(cut);
    assert_eq!(capping(&inventory), ["depth-truncated"]);
    assert_eq!(inventory.vms[0].listing, Listing::ConfigOnly);
}

#[test]
fn an_esxi_host_brings_its_labels_beside_its_inventory() {
    let folder = Folder::new();
    folder.put(
        "vmInventory.xml",
        "<ConfigRoot><ConfigEntry id=\"0\"><objID>1</objID><vmxCfgPath>/vmfs/volumes/5fbccd01-70743049-2728-002481827d55/a/a.vmx</vmxCfgPath></ConfigEntry></ConfigRoot>",
    );
    folder.put(
        "filesystems.txt",
        "Mount Point                                        Volume Name  UUID                                 Mounted  Type    Size  Free\n\
         -------------------------------------------------  -----------  -----------------------------------  -------  ------  ----  ----\n\
         /vmfs/volumes/5fbccd01-70743049-2728-002481827d55  SAN 1        5fbccd01-70743049-2728-002481827d55     true  VMFS-6    10     5\n",
    );
    let inventory = only(folder.path());
    assert_eq!(
        inventory.kinds,
        [InventoryKind::EsxiInventory, InventoryKind::EsxiFilesystems]
    );
    assert_eq!(
        datastores(&inventory),
        BTreeMap::from([("SAN 1", vec!["/vmfs/volumes/5fbccd01-70743049-2728-002481827d55"])])
    );
    assert_eq!(vm(&inventory, "a").listing, Listing::ConfigOnly);
    let json = r#"[{"Free":5,"MountPoint":"/vmfs/volumes/a-b","Mounted":true,"Size":10,"Type":"NFS","UUID":"a-b","VolumeName":"nfs01"}]"#;
    assert_eq!(only_of(json).datastores[0].name, "nfs01");
}
