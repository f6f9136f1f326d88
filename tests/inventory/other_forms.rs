//! Tables whose columns the user names, backups, and what derelict wrote itself.

use derelict::inventory::{ColumnMap, import_mapped};

use super::*;

fn mapped(text: &str, map: &str) -> Imported {
    let folder = Folder::new();
    let path = folder.put("export.csv", text);
    let map: ColumnMap = map.parse().unwrap();
    import_mapped(&[InventoryArgument::from(path)], Some(&map))
}

const UNKNOWN: &str = "Machine;Where;Node\nweb;[d] web/web.vmx;esx1\nweb;[d] web/web.vmdk | [d] web/web_1.vmdk;esx1\ndb;D:\\db\\db.vhdx;HV01\n";

#[test]
fn a_table_of_an_unknown_tool_is_read_by_the_columns_that_the_user_names() {
    let imported = mapped(UNKNOWN, "name=Machine,path=where,host=Node");
    assert_eq!(imported.issues, []);
    let found: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| (inventory.platform, inventory.vms.len(), inventory.has_vm_list))
        .collect();
    assert_eq!(found, [(Platform::Vmware, 1, false), (Platform::Hyperv, 1, false)]);
    let web = vm(&imported.inventories[0], "web");
    assert_eq!(web.config.as_deref(), Some("[d] web/web.vmx"));
    assert_eq!(files(web, Role::Disk), ["[d] web/web.vmdk", "[d] web/web_1.vmdk"]);
    let all = mapped(UNKNOWN, "name=Machine,path=Where,list=all");
    assert!(all.inventories.iter().all(|inventory| inventory.has_vm_list));
}

#[test]
fn a_mapping_that_fits_no_column_and_a_table_without_one_say_so() {
    let imported = mapped(UNKNOWN, "path=File");
    assert!(imported.issues[0].error.contains("not understood"));
    assert!(
        import_file("machine,filename\na,[d] a.vmdk\n").issues[0]
            .error
            .contains("--map")
    );
    let known = mapped("VM,Disk Mode,Path\na,persistent,[d] a.vmdk\n", "path=Path");
    assert_eq!(
        known.detected[0].kind,
        Some(InventoryKind::RvtoolsCsv),
        "what is known stays known"
    );
}

#[test]
fn backups_protect_vms_and_own_nothing() {
    let jobs = "Job,Name,Location,Type,ViType\nNightly,web,DC\\web,Include,VirtualMachine\nNightly,Prod,DC\\Prod,Include,Folder\nNightly,x,DC\\x,Exclude,VirtualMachine\n";
    let points = r#"[{"VmName":"web","CreationTime":"2026-11-20T01:00:00Z"},{"VmName":"gone","CreationTime":"\/Date(1706779800000)\/"}]"#;
    let generic = "Virtual Machine,VM,Last backup\n,db,2026-11-19 02:00:00\n";
    let folder = Folder::new();
    folder.put("jobs.csv", jobs);
    folder.put("points.json", points);
    folder.put("other.csv", generic);
    folder.put(
        "vms.json",
        r#"[{"Name":"web","MoRef":"vm-1","VmPathName":"[d] w/w.vmx"},{"Name":"bare","MoRef":"vm-2","VmPathName":"[d] b/b.vmx"}]"#,
    );
    let imported = import_paths(&[folder.path()]);
    assert_eq!(imported.issues, []);
    let names: Vec<_> = imported.backups.iter().map(|backup| backup.name.as_str()).collect();
    assert_eq!(names, ["db", "gone", "web", "web"]);
    assert_eq!(imported.inventories.len(), 1, "a backup is no inventory");
    assert_eq!(imported.inventories[0].vms.len(), 2);
    let mut text = Vec::new();
    describe(&imported, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        "protected        3 VMs",
        "not protected    1: bare",
        "gone             2: db, gone",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn jobs_that_name_folders_are_said_to_leave_vms_out() {
    let imported =
        import_file("Job,Name,Type,ViType\nnightly,Servers,Include,Folder\nnightly,web,Include,VirtualMachine\n");
    let codes: Vec<&str> = imported
        .backup_warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(codes, ["jobs-by-container"]);
    assert_eq!(imported.backup_files.len(), 1);
}

#[test]
fn custom_attributes_of_a_backup_do_not_hide_the_vms() {
    let inventory = only_of(
        "VM,Powerstate,Template,Connection state,Path,Annotation,Last backup,Job,VM ID\na,poweredOn,False,connected,[d] a/a.vmx,,2026-01-01,Nightly,vm-1\n",
    );
    assert_eq!(inventory.kinds, [InventoryKind::RvtoolsCsv]);
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] a/a.vmx"));
}

#[test]
fn what_derelict_printed_is_an_inventory_again() {
    let folder = Folder::new();
    folder.put(
        "vms.json",
        r#"[{"Name":"web","MoRef":"vm-1","VmPathName":"[d] w/w.vmx"}]"#,
    );
    folder.put("points.csv", "VmName,CreationTime\nweb,2026-11-20 01:00:00\n");
    let first = import_paths(&[folder.path()]);
    let again = import_file(serde_json::to_vec_pretty(&first).unwrap());
    assert_eq!(again.inventories, first.inventories);
    assert_eq!(again.backups, first.backups);
    assert_eq!(again.issues, first.issues);
    assert_eq!(again.detected[0].kind, Some(InventoryKind::Normalised));
    let broken = serde_json::to_string(&first)
        .unwrap()
        .replace("\"vmware\"", "\"other\"");
    assert!(import_file(broken).issues[0].error.starts_with("damaged"));
}

#[test]
fn contradictions_are_kept_and_said() {
    let vm = |name: &str, config: &str| {
        format!(
            r#"{{"Name":"{name}","MoRef":"vm-1","InstanceUuid":"50310000-0000-0000-0000-000000000001","VmPathName":"{config}"}}"#
        )
    };
    let folder = Folder::new();
    folder.put("vc1/vms.json", vm("web", "[d] web/web.vmx"));
    folder.put("vc2/vms.json", vm("web-old", "[e] web/web.vmx"));
    let imported = import_paths(&[folder.path()]);
    for inventory in &imported.inventories {
        assert_eq!(codes(inventory), ["contradiction", "contradiction"]);
        assert_eq!(capping(inventory), Vec::<&str>::new());
        let texts: Vec<&str> = inventory.warnings.iter().map(|warning| warning.text.as_str()).collect();
        let texts = texts.join("|");
        let places = "[d] web/web.vmx in vc1/vms.json, [e] web/web.vmx in vc2/vms.json;";
        for part in ["0001: web as VM in ", ", web-old as VM in ", places] {
            assert!(texts.contains(part), "no {part} in {texts}");
        }
    }
    let folder = Folder::new();
    folder.put("1.json", vm("web", "[d] web/web.vmx"));
    folder.put("2.json", vm("web", "[e] web/web.vmx"));
    let inventory = only(folder.path());
    assert_eq!(codes(&inventory), ["contradiction"]);
    assert_eq!(files(&inventory.vms[0], Role::Config), ["[e] web/web.vmx"]);
}

#[test]
fn one_place_in_two_spellings_and_one_size_are_no_contradiction_and_others_are() {
    let vm = |config: &str, size: u64| {
        format!(
            r#"{{"Name":"web","MoRef":"vm-1","InstanceUuid":"50310000-0000-0000-0000-000000000001","VmPathName":"{config}",
            "LayoutExFile":[{{"Key":0,"Name":"[d] web/web.nvram","Type":"nvram","Size":{size}}}]}}"#
        )
    };
    let said = |first: String, second: String| {
        let folder = Folder::new();
        folder.put("vc1/vms.json", first);
        folder.put("vc2/vms.json", second);
        let imported = import_paths(&[folder.path()]);
        let texts: Vec<String> = imported.inventories[0]
            .warnings
            .iter()
            .map(|warning| warning.text.clone())
            .collect();
        texts.join("|")
    };
    let by_uuid = "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/web/web.vmx";
    assert_eq!(said(vm("[d] web/web.vmx", 7), vm(by_uuid, 7)), "");
    assert!(said(vm("[d] web/web.vmx", 7), vm(&by_uuid.replace("web.vmx", "old.vmx"), 7)).contains("at two places"));
    assert!(said(vm("[d] web/web.vmx", 7), vm("[d] web/web.vmx", 8)).contains("[d] web/web.nvram: 7 bytes in"));
}

#[test]
fn a_datastore_with_the_uuids_of_two_volumes_is_named() {
    let datastore = |last: char| {
        format!(
            r#"{{"Name":"ds1","Id":"Datastore-datastore-1","Type":"VMFS","Url":"ds:///vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa000{last}/"}}"#
        )
    };
    let folder = Folder::new();
    folder.put("1.json", datastore('1'));
    folder.put("2.json", datastore('1'));
    assert_eq!(codes(&only(folder.path())), Vec::<&str>::new());
    folder.put("2.json", datastore('2'));
    let inventory = only(folder.path());
    assert_eq!(codes(&inventory), ["contradiction"]);
    assert_eq!(datastores(&inventory)["ds1"].len(), 2, "both count");
}

#[test]
fn lists_of_several_hosts_in_one_list_are_one_list() {
    let vm = |name: &str, id: char| {
        let id = "11111111-2222-3333-4444-555555555555".replace('1', &id.to_string());
        format!(
            r#"{{"Name":"{name}","VMId":"{id}","ConfigurationLocation":"D:\\{name}","ComputerName":"H{id}","HardDrives":[],"Snapshots":[]}}"#
        )
    };
    let inventory = only_of(format!("[[{}],[{}]]", vm("a", '1'), vm("b", '2')));
    assert_eq!(inventory.vms.len(), 2);
}

#[test]
fn warnings_that_went_into_the_file_are_looked_past_and_cap() {
    let json = r#"[{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx"}]"#;
    let inventory = only_of(format!(
        "WARNING: Resulting JSON is truncated as serialization has exceeded the set depth of 2.\r\n{json}"
    ));
    assert_eq!(inventory.vms.len(), 1);
    assert_eq!(capping(&inventory), ["export-errors"]);
}

#[test]
fn a_table_with_bars_is_a_table_and_other_spreadsheets_are_named() {
    assert_eq!(
        only_of("VM|Powerstate|Template|Path\nweb|poweredOn|False|[d] web/web.vmx\n")
            .vms
            .len(),
        1
    );
    for names in [["mimetype", "content.xml"], ["[Content_Types].xml", "xl/workbook.bin"]] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"x").unwrap();
        }
        let imported = import_file(zip.finish().unwrap().into_inner());
        assert!(
            imported.issues[0].error.contains("save it as .xlsx"),
            "{:?}",
            imported.issues
        );
    }
}
