//! Files made here: every way in which an export is odd, broken or too little.

use super::*;

/// One object of `govc object.collect`.
fn collected(moref: &str, changes: &serde_json::Value) -> String {
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

const INFO: &str = "VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\n\
                    a,False,connected,1,[d] a/a.vmx,esx1,vm-1,vc\n\
                    b,False,connected,0,[d] b/b.vmx,esx2,vm-2,vc\n";
const DISK: &str = "VM,Disk,Disk Mode,Path,VM ID,VI SDK Server\na,Hard disk 1,persistent,[d] a/a.vmdk,vm-1,vc\n";

fn rvtools(files: &[(&str, &str)]) -> Inventory {
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
    assert!(
        inventory
            .warnings
            .iter()
            .any(|warning| warning.text.starts_with("host esx2 has 2 VMs, but 1 are listed"))
    );
    let inventory = rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", &hosts(1))]);
    assert_eq!(capping(&inventory), Vec::<&str>::new());
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
fn a_csv_may_be_utf16_with_semicolons_and_lines_before_the_header() {
    let info = format!("\u{feff}sep=;\r\n{}", INFO.replace(',', ";").replace("a/a", "Ä/ä"));
    let inventory = only_of(utf16(&info));
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] Ä/ä.vmx"));
    assert_eq!(vm(&inventory, "a").row, "export: vInfo row 3");
}

#[test]
fn lost_letters_cap_what_they_may_stand_for() {
    let inventory = rvtools(&[("1.csv", &INFO.replace("a/a", "?/?")), ("2.csv", DISK)]);
    let patterns: Vec<_> = inventory
        .warnings
        .iter()
        .filter(|warning| warning.caps)
        .map(|warning| warning.pattern.as_deref())
        .collect();
    assert_eq!(patterns, [Some("[d] ?/?.vmx")]);
    assert_eq!(capping(&inventory), ["lossy-encoding"]);
}

#[test]
fn a_guessed_encoding_caps_the_paths_that_it_concerns() {
    let folder = Folder::new();
    folder.put(
        "1.csv",
        INFO.replace("a/a.vmx", "\u{1}/a.vmx")
            .bytes()
            .map(|b| if b == 1 { 0xc4 } else { b })
            .collect::<Vec<_>>(),
    );
    folder.put("2.csv", DISK);
    let inventory = only(folder.path());
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] Ä/a.vmx"));
    let patterns: Vec<_> = inventory
        .warnings
        .iter()
        .filter_map(|warning| warning.pattern.as_deref())
        .collect();
    assert_eq!(patterns, ["[d] ?/a.vmx"]);
}

#[test]
fn a_cell_that_was_not_exported_caps() {
    let inventory = rvtools(&[
        ("1.csv", &INFO.replace("[d] a/a.vmx", "System.String[]")),
        ("2.csv", DISK),
    ]);
    assert_eq!(capping(&inventory), ["no-config-paths", "not-exported-cell"]);
}

#[test]
fn a_csv_that_breaks_off_caps_and_keeps_its_rows() {
    let inventory = rvtools(&[("1.csv", &format!("{INFO}c,Fal")), ("2.csv", DISK)]);
    assert_eq!(inventory.vms.len(), 3);
    assert_eq!(capping(&inventory), ["no-config-paths", "truncated"]);
}

/// A folder that is copied keeps what `vMetaData` says of it, and not the times of its files.
#[test]
fn the_time_that_a_folder_of_csv_files_says_bounds_the_times_of_its_files() {
    let said = |time: &str| {
        let meta = format!("RVTools version,xlsx creation datetime,Server\n4.7,{time},\n");
        rvtools(&[("1.csv", INFO), ("2.csv", DISK), ("3.csv", &meta)])
    };
    let copied = said("2025-01-02 03:04:05");
    assert_eq!(copied.collected.unwrap().to_string(), "2025-01-02T03:04:05Z");
    assert!(!copied.collected_is_file_time);
    let impossible = said("2199-01-02 03:04:05");
    assert!(
        impossible.collected_is_file_time,
        "no export is newer than the files that hold it"
    );
}

/// A workbook as a spreadsheet saves it: columns in another order, custom attributes, styled blank rows, real dates.
fn saved_again() -> Vec<u8> {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    let mut book = Workbook::new();
    let grey = Format::new().set_num_format("@");
    let sheet = book.add_worksheet();
    sheet.set_name("vInfo").unwrap();
    let rows = [
        ["VM ID", "Path", "VM", "Annotation", "Host", "Host", "Template", "Disks"],
        [
            "vm-1",
            "[d] a%2fb/a.vmx",
            "a%2fb",
            "two\nlines",
            "custom",
            "esx1",
            "WAHR",
            "1",
        ],
    ];
    for (at, row) in (0..).zip(rows) {
        sheet.write_row(at, 0, row).unwrap();
    }
    for row in 2..900 {
        sheet.write_blank(row, 5, &grey).unwrap();
    }
    let sheet = book.add_worksheet();
    sheet.set_name("Tabelle2").unwrap();
    sheet
        .write_row(0, 0, ["VM", "Disk Mode", "Disk Path", "Path", "VM ID"])
        .unwrap();
    sheet
        .write_row(1, 0, ["a%2fb", "persistent", "/sysroot, /", "[d] a%2fb/a.vmdk", "vm-1"])
        .unwrap();
    let sheet = book.add_worksheet();
    sheet.set_name("vMetaData").unwrap();
    sheet
        .write_row(0, 0, ["RVTools version", "xlsx creation datetime", "Server"])
        .unwrap();
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let time = ExcelDateTime::parse_from_str("2025-01-02T03:04:05").unwrap();
    sheet.write_datetime_with_format(1, 1, &time, &date).unwrap();
    sheet.write(1, 2, "vc.example.test").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_that_a_spreadsheet_saved_is_read_by_its_headers() {
    let inventory = only_of(saved_again());
    let vm = vm(&inventory, "a/b");
    assert_eq!(
        vm.config.as_deref(),
        Some("[d] a%2fb/a.vmx"),
        "names are unescaped, paths are not"
    );
    assert_eq!(
        files(vm, Role::Disk),
        ["[d] a%2fb/a.vmdk"],
        "folders of the guest are no path"
    );
    assert!(vm.template);
    assert_eq!(
        vm.host.as_deref(),
        Some("esx1"),
        "a custom attribute of the name does not hide it"
    );
    assert_eq!(inventory.vms.len(), 1, "blank rows are none");
    assert_eq!(inventory.source, "vc.example.test");
    assert_eq!(inventory.collected.unwrap().to_string(), "2025-01-02T03:04:05Z");
}

#[test]
fn a_title_above_the_header_of_a_tab_does_not_hide_its_rows() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let header = ["VM", "Powerstate", "Connection state", "Path", "Host", "VM ID"];
    for (name, title) in [("vInfo", true), ("Sheet2", true), ("vHost", false)] {
        let sheet = book.add_worksheet();
        sheet.set_name(name).unwrap();
        if title {
            sheet.write(0, 0, "RVTools export of the main site").unwrap();
            sheet.write(2, 1, "2025-01-02").unwrap();
        }
    }
    let sheet = book.worksheet_from_name("vInfo").unwrap();
    sheet.write_row(4, 0, header).unwrap();
    let vm = ["a", "poweredOn", "connected", "[d] a/a.vmx", "esx1", "vm-1"];
    sheet.write_row(5, 0, vm).unwrap();
    let sheet = book.worksheet_from_name("Sheet2").unwrap();
    sheet
        .write_row(4, 0, ["VM", "Disk", "Disk Mode", "Path", "VM ID"])
        .unwrap();
    let disk = ["a", "Hard disk 1", "persistent", "[d] a/a.vmdk", "vm-1"];
    sheet.write_row(5, 0, disk).unwrap();
    let sheet = book.worksheet_from_name("vHost").unwrap();
    sheet.write_row(0, 0, ["Host", "Datacenter", "# VMs total"]).unwrap();
    sheet.write_row(1, 0, ["esx1", "dc", "1"]).unwrap();

    let inventory = only_of(book.save_to_buffer().unwrap());
    let vm = super::vm(&inventory, "a");
    assert_eq!(vm.config.as_deref(), Some("[d] a/a.vmx"));
    assert_eq!(files(vm, Role::Disk), ["[d] a/a.vmdk"]);
    assert_eq!(inventory.vms.len(), 1, "neither the title nor the header is a VM");
    assert_eq!(inventory.hosts.len(), 1, "a header at the top stays the header");
}

#[test]
fn a_heading_stands_above_something_only() {
    let described = |imported: &Imported| {
        let mut text = Vec::new();
        describe(imported, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let failed = described(&import_file("no export\n"));
    assert!(failed.contains("Not imported\n"), "{failed}");
    assert!(!failed.contains("Files\n"), "{failed}");
    let folder = Folder::new();
    let both = import_paths(&[&folder.put("1.csv", INFO), &folder.put("2.txt", "no export\n")]);
    let both = described(&both);
    assert!(
        both.contains("Not imported\n  ") && both.contains("Files\n  "),
        "{both}"
    );
}

/// A zip with one part of so many zero bytes.
fn zip_of(name: &str, length: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(
        name,
        zip::write::SimpleFileOptions::default().compression_level(Some(1)),
    )
    .unwrap();
    let block = vec![0; 1 << 20];
    for _ in 0..length >> 20 {
        zip.write_all(&block).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_that_unpacks_without_end_is_refused() {
    let bomb = zip_of("xl/sharedStrings.xml", 130 << 20);
    assert!(bomb.len() < 2 << 20, "it looks small");
    let imported = import_file(bomb);
    assert_eq!(imported.inventories, []);
    assert_eq!(
        imported.issues[0].error,
        "refused: xl/sharedStrings.xml decompresses to more than 134217728 bytes"
    );
}

#[test]
fn a_zip_that_is_no_workbook_and_a_workbook_of_something_else_are_issues() {
    assert!(
        import_file(zip_of("a.csv", 0))
            .issues
            .iter()
            .any(|issue| issue.error.starts_with("empty"))
    );
    assert!(
        import_file(zip_of("a.txt", 0))
            .issues
            .iter()
            .any(|issue| issue.error.starts_with("not understood: an archive in which no file"))
    );
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().write_row(0, 0, ["name", "cost"]).unwrap();
    let imported = import_file(book.save_to_buffer().unwrap());
    assert!(
        imported.issues[0]
            .error
            .starts_with("not understood: a workbook, but not of RVTools")
    );
    let cut = saved_again();
    assert!(
        import_file(&cut[..cut.len() / 2]).issues[0]
            .error
            .starts_with("damaged")
    );
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
fn an_empty_list_counts_as_what_the_user_says_it_is() {
    let folder = Folder::new();
    let path = folder.put("a.json", "[]");
    assert!(
        import_paths(&[&path]).issues[0]
            .error
            .starts_with("not understood: an empty list")
    );
    let argument = format!("hyperv-json:{}", path.display()).parse().unwrap();
    let imported = import(&[argument]);
    assert_eq!(imported.issues, []);
    assert_eq!(capping(&imported.inventories[0]), ["no-vms"]);
    assert_eq!(imported.inventories[0].platform, Platform::Hyperv);
    assert!(import_file("").issues[0].error.starts_with("empty"));
}

#[test]
fn a_file_of_another_kind_than_the_user_says_is_an_issue() {
    let folder = Folder::new();
    let path = folder.put("a.json", r#"{"virtualMachines": []}"#);
    let argument = format!("powercli-json:{}", path.display()).parse().unwrap();
    assert_eq!(
        import(&[argument]).issues[0].error,
        "not understood: it is govc-info, not powercli-json"
    );
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

/// One export of each form that is text.
fn texts() -> Vec<String> {
    let devices =
        serde_json::json!({"_value": [{"key": 1, "capacityInKB": 1, "backing": {"fileName": "[d] a/a.vmdk"}}]});
    let object = serde_json::json!({"name": "a", "config.hardware.device": devices, "layoutEx": {"file": [{"name": "[d] a/ä.vmx", "type": "config"}]}});
    vec![
        INFO.to_owned(),
        DISK.to_owned(),
        collected("vm-1", &object),
        HYPERV_VM.to_owned(),
        r#"[{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","LayoutExFile":[{"Name":"[d] a/a.vmdk","Type":"diskDescriptor"}]}]"#.to_owned(),
        "<ConfigRoot><ConfigEntry id=\"0\"><vmxCfgPath>/vmfs/volumes/x/a &amp; &#65;.vmx</vmxCfgPath></ConfigEntry></ConfigRoot>".to_owned(),
        "Mount Point  Volume Name  UUID  Mounted  Type\n-----------  -----------  ----  -------  ----\n/vmfs/ä      ö            a-b   true     NFS\n".to_owned(),
    ]
}

/// Imports bytes; a panic of an importer is an issue that asks for a report.
fn assert_no_panic(folder: &Folder, bytes: &[u8]) {
    let imported = import_paths(&[&folder.put("export", bytes)]);
    let asked = imported
        .issues
        .iter()
        .find(|issue| issue.error.contains("please report"));
    assert_eq!(asked, None, "{:?}", String::from_utf8_lossy(bytes));
}

#[test]
fn every_export_may_break_off_anywhere() {
    let folder = Folder::new();
    for text in texts() {
        let bytes = text.as_bytes();
        for end in 0..bytes.len() {
            assert_no_panic(&folder, &bytes[..end]);
        }
    }
    let book = saved_again();
    for end in (0..book.len()).step_by(97) {
        assert_no_panic(&folder, &book[..end]);
    }
}

#[test]
fn damaged_bytes_never_end_an_import() {
    let folder = Folder::new();
    let mut all: Vec<Vec<u8>> = texts().into_iter().map(String::into_bytes).collect();
    all.push(saved_again());
    // A fixed sequence of damage, so that a failure comes back.
    let mut state = 0x2545_f491_u32;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state).unwrap() % below
    };
    for bytes in &all {
        for _ in 0..60 {
            let mut damaged = bytes.clone();
            for _ in 0..=next(4) {
                let at = next(damaged.len());
                damaged[at] = u8::try_from(next(256)).unwrap();
            }
            assert_no_panic(&folder, &damaged);
        }
    }
}

#[test]
fn a_large_estate_is_imported_in_time_that_grows_with_it() {
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
    let begun = std::time::Instant::now();
    let inventory = rvtools(&[("1.csv", &info), ("2.csv", &disk)]);
    assert_eq!(inventory.vms.len(), rows);
    assert!(inventory.vms.iter().all(|vm| vm.listing == Listing::LeafDisks));
    assert!(
        begun.elapsed() < std::time::Duration::from_mins(1),
        "{:?}",
        begun.elapsed()
    );
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
        "LayoutExFile":[{"Key":1,"Name":"[d] a/a.vmdk","Type":"diskDescriptor","Size":7}],"LayoutExSnapshot":{"Key":1}}"#;
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

const HYPERV_VM: &str = r#"{"Name":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566","ComputerName":"HV01","State":"Off","Version":"10.0","IsClustered":true,
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
fn folders_are_apart_and_one_level_of_them_is_read() {
    let folder = Folder::new();
    folder.put("vc1/vms.json", collected("vm-1", &serde_json::json!({"name": "a"})));
    folder.put("vc2/vms.json", collected("vm-1", &serde_json::json!({"name": "b"})));
    folder.put(
        "vc2/deeper/vms.json",
        collected("vm-1", &serde_json::json!({"name": "c"})),
    );
    let imported = import_paths(&[folder.path(), &folder.path().join("vc1/vms.json")]);
    let found: Vec<_> = imported
        .inventories
        .iter()
        .map(|inventory| (inventory.vms.len(), inventory.vms[0].name.as_str()))
        .collect();
    assert_eq!(found, [(1, "a"), (1, "b")], "a file given twice counts once");
}

#[test]
fn in_a_folder_what_is_no_export_is_ignored_and_what_is_broken_is_an_issue() {
    let folder = Folder::new();
    folder.put("vms.json", collected("vm-1", &serde_json::json!({"name": "a"})));
    folder.put("notes.txt", "nothing here");
    folder.put("picture.png", b"\x89PNG\0\0\0");
    folder.put("datastores.json", "");
    folder.put("more.json", "{\"virtualMachines\": [");
    let imported = import_paths(&[folder.path()]);
    assert_eq!(imported.inventories.len(), 1);
    let ignored: Vec<_> = imported
        .detected
        .iter()
        .filter(|file| file.kind.is_none())
        .map(|file| file.why.as_str())
        .collect();
    assert_eq!(
        ignored,
        [
            "ignored: not understood: no known export",
            "ignored: not understood: binary of no known export"
        ]
    );
    let broken: Vec<_> = imported
        .issues
        .iter()
        .map(|issue| issue.path.lossy().rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(broken, ["datastores.json", "more.json"]);
    let absent = import_paths(&[Path::new("/nonexistent/a.json")]);
    assert!(absent.issues[0].error.starts_with("cannot be read"));
}

#[test]
fn what_was_understood_is_told_on_safe_lines_and_as_json() {
    let folder = Folder::new();
    folder.put(
        "1.csv",
        INFO.replace("\na,", "\na\u{1b}[31m,").replace(",vc\n", ",vc\u{7}\n"),
    );
    folder.put("2.csv", DISK);
    let imported = import_paths(&[folder.path()]);
    let mut text = Vec::new();
    describe(&imported, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{text}");
    assert!(text.contains("2 hosts: esx1, esx2"), "{text}");
    assert!(text.contains("missing          a list of datastores"), "{text}");
    let json = serde_json::to_string(&imported).unwrap();
    assert_eq!(serde_json::from_str::<Imported>(&json).unwrap(), imported);
}

#[test]
fn the_order_of_the_arguments_changes_nothing() {
    let folder = Folder::new();
    let (info, disk) = (folder.put("1.csv", INFO), folder.put("2.csv", DISK));
    assert_eq!(import_paths(&[&info, &disk]), import_paths(&[&disk, &info]));
}
