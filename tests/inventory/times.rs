//! When an export was taken: what it says, what its file says, and what the entries of its archive say.

use std::time::{Duration, SystemTime};

use super::*;

const INFO: &str = "VM,Powerstate,Template,Connection state,Disks,Path,Host,VM ID\na,poweredOn,False,connected,1,[d] a/a.vmx,esx1,vm-1\n";

/// When a folder of RVTools of this name, written at `written`, was taken, and the earliest that it may have been.
fn folder_of(name: &str, written: &str) -> (String, Option<String>) {
    let folder = Folder::new();
    let path = folder.put(&format!("{name}/RVTools_tabvInfo.csv"), INFO);
    set_modified(&path, written);
    taken(&only(folder.path()))
}

fn taken(inventory: &Inventory) -> (String, Option<String>) {
    let from = inventory.collected_from.map(|from| from.to_string());
    (inventory.collected.unwrap().to_string(), from)
}

fn set_modified(path: &Path, time: &str) {
    let time: jiff::Timestamp = time.parse().unwrap();
    let since = u64::try_from(time.as_second()).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
        .unwrap();
}

const NAME: &str = "RVTools_export_all_2026-10-20_12.00.00";

#[test]
fn a_local_time_of_a_file_that_was_copied_may_be_fourteen_hours_earlier() {
    assert_eq!(
        folder_of(NAME, "2026-11-02T12:00:00Z"),
        (
            "2026-10-20T12:00:00Z".to_owned(),
            Some("2026-10-19T22:00:00Z".to_owned())
        )
    );
}

#[test]
fn the_file_that_was_written_just_then_tells_the_zone() {
    let japan = ("2026-10-20T03:00:00Z".to_owned(), None);
    assert_eq!(folder_of(NAME, "2026-10-20T03:01:10Z"), japan);
    let utc = ("2026-10-20T12:00:00Z".to_owned(), None);
    assert_eq!(folder_of(NAME, "2026-10-20T12:00:30Z"), utc);
    // A workbook of Berlin that was saved again three hours later the same day looks like one of Buenos Aires.
    let unsure = Some("2026-10-19T22:00:00Z".to_owned());
    assert_eq!(
        folder_of(NAME, "2026-10-20T15:02:00Z"),
        ("2026-10-20T12:00:00Z".to_owned(), unsure)
    );
}

/// A workbook with a VM of each of these vCenters (name and id), and with these rows of vMetaData (time and name).
fn merged(vcenters: &[(&str, &str)], exports: &[(&str, &str)]) -> Vec<Inventory> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("vInfo").unwrap();
    let header = [
        "VM",
        "Powerstate",
        "Template",
        "Connection state",
        "Path",
        "Host",
        "VM ID",
        "VI SDK Server",
        "VI SDK UUID",
    ];
    sheet.write_row(0, 0, header).unwrap();
    for (at, (name, id)) in (1..).zip(vcenters) {
        let vm = format!("vm-{at}");
        let path = format!("[d] {vm}/{vm}.vmx");
        let row = [&vm, "poweredOff", "False", "connected", &path, "esx1", &vm, name, id];
        sheet.write_row(at, 0, row).unwrap();
    }
    let sheet = book.add_worksheet();
    sheet.set_name("vMetaData").unwrap();
    let header = ["RVTools version", "xlsx creation datetime", "Server"];
    sheet.write_row(0, 0, header).unwrap();
    for (at, (time, name)) in (1..).zip(exports) {
        sheet.write_row(at, 0, ["4.7", time, name]).unwrap();
    }
    let folder = Folder::new();
    let path = folder.put("merged.xlsx", book.save_to_buffer().unwrap());
    set_modified(&path, "2026-11-20T00:00:00Z");
    import_paths(&[&path]).inventories
}

#[test]
fn of_several_exports_of_one_server_in_a_workbook_the_oldest_counts() {
    const A: &str = "11111111-1111-1111-1111-111111111111";
    const B: &str = "22222222-2222-2222-2222-222222222222";
    let (older, newer) = ("2026-10-10 12:00:00", "2026-11-02 12:00:00");
    let times = |inventories: Vec<Inventory>| -> Vec<String> {
        let taken = inventories.iter().map(|inventory| taken(inventory).0);
        taken.collect()
    };
    let [old, new] = ["2026-10-10T12:00:00Z", "2026-11-02T12:00:00Z"];
    for exports in [[(older, "vc"), (newer, "VC")], [(newer, "vc"), (older, "vc")]] {
        assert_eq!(times(merged(&[("vc", A)], &exports)), [old]);
        // Two vCenters are called alike: which row is of which is not told.
        assert_eq!(times(merged(&[("vc", A), ("vc", B)], &exports)), [old, old]);
        // RVTools was given the server by another name than the rows have.
        assert_eq!(times(merged(&[("vc.example", A)], &exports)), [old]);
    }
    let exports = [(older, "vc1"), (newer, "vc2")];
    assert_eq!(times(merged(&[("vc1", A), ("vc2", B)], &exports)), [old, new]);
}

#[test]
fn a_list_of_a_service_beside_a_newer_list_of_vms_keeps_its_time() {
    let folder = Folder::new();
    let vms = folder.put("RVTools_tabvInfo.csv", INFO);
    set_modified(&vms, "2026-11-02T12:00:00Z");
    let disk = |label: &str| {
        serde_json::json!({"objects": [{"config": {"id": {"id": label}, "name": "f",
            "backing": {"filePath": format!("[{label}] fcd/f.vmdk")}}}]})
    };
    let library =
        r#"[{"id": "1", "name": "l", "type": "LOCAL", "storage_backings": [{"datastore_id": "datastore-1"}]}]"#;
    let lists = [
        ("disks-d1.json", disk("d1").to_string(), "2026-10-10T12:00:00Z"),
        ("disks-d2.json", disk("d2").to_string(), "2026-11-02T12:05:00Z"),
        ("libraries.json", library.to_owned(), "2026-10-11T12:00:00Z"),
    ];
    for (name, content, written) in &lists {
        set_modified(&folder.put(name, content), written);
    }
    let inventory = only(folder.path());
    assert_eq!(inventory.collected.unwrap().to_string(), "2026-11-02T12:00:00Z");
    let list = |class: &str, scope: Option<&str>| {
        let mut lists = inventory.object_lists.iter();
        let list = lists.find(|list| list.class == class && list.scope.as_deref() == scope);
        list.and_then(|list| list.sure).map(|sure| sure.to_string())
    };
    assert_eq!(list("fcd", Some("d1")).unwrap(), lists[0].2);
    assert_eq!(list("fcd", Some("d2")).unwrap(), lists[1].2);
    assert_eq!(list("content-library", None).unwrap(), lists[2].2);
    assert_eq!(list("fcd", None), None);
    // What the list of VMs says of its time bounds that of files which were copied with it.
    let said = folder.put("vms.json", govc_list("2026-10-05T12:00:00Z"));
    set_modified(&said, "2026-11-02T12:00:00Z");
    let inventory = only(folder.path());
    let sure: Vec<String> = inventory
        .object_lists
        .iter()
        .filter_map(|list| Some(list.sure?.to_string()))
        .collect();
    assert_eq!(sure, vec!["2026-10-05T12:00:00Z"; inventory.object_lists.len()]);
}

/// The VM `a` of `govc vm.info`, of which the layout was read at this time.
fn govc_list(time: &str) -> String {
    let layout = format!(r#"{{"timestamp":"{time}","file":[{{"key":1,"name":"[d] a/a.vmx","type":"config"}}]}}"#);
    let config = r#"{"files":{"vmPathName":"[d] a/a.vmx"}}"#;
    format!(r#"{{"virtualMachines":[{{"self":{{"value":"vm-1"}},"name":"a","config":{config},"layoutEx":{layout}}}]}}"#)
}

#[test]
fn no_list_is_newer_than_its_file_whatever_it_says() {
    let folder = Folder::new();
    let path = folder.put("vms.json", govc_list("2026-11-03T11:00:00Z"));
    set_modified(&path, "2026-11-02T12:00:00Z");
    assert_eq!(taken(&only(&path)), ("2026-11-02T12:00:00Z".to_owned(), None));
    set_modified(&path, "2026-11-20T12:00:00Z");
    assert_eq!(taken(&only(&path)), ("2026-11-03T11:00:00Z".to_owned(), None));
}

#[test]
fn the_entries_of_an_archive_are_older_than_it() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let written = zip::DateTime::from_date_and_time(2026, 10, 20, 12, 0, 0).unwrap();
    let options = zip::write::SimpleFileOptions::default().last_modified_time(written);
    zip.start_file("RVTools_tabvInfo.csv", options).unwrap();
    zip.write_all(INFO.as_bytes()).unwrap();
    let folder = Folder::new();
    let path = folder.put("export.zip", zip.finish().unwrap().into_inner());
    set_modified(&path, "2026-11-02T00:00:00Z");
    let inventory = only(&path);
    assert_eq!(
        taken(&inventory),
        (
            "2026-10-20T12:00:00Z".to_owned(),
            Some("2026-10-19T22:00:00Z".to_owned())
        )
    );
    assert!(inventory.collected_is_file_time);
    set_modified(&path, "2026-10-20T03:02:00Z");
    assert_eq!(taken(&only(&path)), ("2026-10-20T03:00:00Z".to_owned(), None));
}

#[test]
fn a_line_of_sums_and_a_remark_below_the_rows_are_no_vms() {
    let table = |more: &str| {
        let folder = Folder::new();
        folder.put("RVTools_tabvInfo.csv", format!("{INFO}{more}"));
        only(folder.path())
    };
    let noted = table("Summe: 1,,,,1,,,\n\"Stand: 02.11.2026, exportiert von Müller\",,,,,,,\n");
    assert_eq!(noted.vms.len(), 1);
    let inaccessible = table("b,,,inaccessible,,,esx1,vm-2\n");
    assert_eq!(inaccessible.vms.len(), 2);
}

#[test]
fn a_list_of_first_class_disks_is_of_the_datastore_of_most_of_its_rows() {
    let scope = |labels: &[&str]| {
        let rows: Vec<_> = labels
            .iter()
            .enumerate()
            .map(|(number, label)| {
                serde_json::json!({"config": {"id": {"id": number.to_string()}, "name": "f",
                    "backing": {"filePath": format!("[{label}] fcd/{number}.vmdk")}}})
            })
            .collect();
        only_of(serde_json::json!({ "objects": rows }).to_string()).fcd_scope
    };
    assert_eq!(scope(&["d1", "d1", "d2"]), ["d1"]);
    assert_eq!(
        scope(&["d1", "d2"]),
        Vec::<String>::new(),
        "which was asked is not told"
    );
}

/// The VM `a` of `govc vm.info` with this more.
fn govc_vm(more: &str) -> Registration {
    let text = format!(
        r#"{{"virtualMachines":[{{"self":{{"value":"vm-1"}},"name":"a",
            "config":{{"files":{{"vmPathName":"[d] a/a.vmx"}},"hardware":{{"device":[
                {{"capacityInKB":1,"backing":{{"fileName":"[d] a/a.vmdk","uuid":"6000C290-1D7B-4944-DC53-E6D3E5897B0D"}}}},
                {{"capacityInKB":1,"backing":{{"fileName":"[d] a/a_1-000001.vmdk"}}}}]}}}}{more}}}]}}"#
    );
    vm(&only_of(text), "a").clone()
}

#[test]
fn the_ids_of_disks_are_read() {
    let ids = BTreeMap::from([("[d] a/a.vmdk".to_owned(), "6000c2901d7b4944dc53e6d3e5897b0d".to_owned())]);
    assert_eq!(govc_vm("").disk_ids, ids);
    let disk = "VM,Powerstate,Disk,Disk UUID,Path,Host,VM ID\n\
                a,poweredOn,Hard disk 1,6000C290-1D7B-4944-DC53-E6D3E5897B0D,[d] a/a.vmdk,esx1,vm-1\n";
    let folder = Folder::new();
    folder.put("RVTools_tabvInfo.csv", INFO);
    folder.put("RVTools_tabvDisk.csv", disk);
    assert_eq!(vm(&only(folder.path()), "a").disk_ids, ids);
}

#[test]
fn the_old_layout_counts_where_there_is_no_other() {
    let layout = r#","layout":{"disk":[{"key":2000,"diskFile":["[d] a/a_1.vmdk","[d] a/a_1-000001.vmdk"]}],
        "snapshot":[{"snapshotFile":["[e] s/a-Snapshot2.vmsn","[e] s/a_1-000002.vmdk"]}]}"#;
    let old = govc_vm(layout);
    assert_eq!(files(&old, Role::Parent), ["[d] a/a_1.vmdk"]);
    assert!(files(&old, Role::Disk).contains(&"[e] s/a_1-000002.vmdk"));
    assert_eq!(files(&old, Role::SnapshotState), ["[e] s/a-Snapshot2.vmsn"]);
    assert_eq!(old.listing, Listing::LeafDisks);
    let file = r#","layoutEx":{"file":[{"key":1,"name":"[d] a/a.vmx","type":"config"}]}"#;
    assert_eq!(
        files(&govc_vm(&format!("{layout}{file}")), Role::Parent),
        Vec::<&str>::new()
    );
}

#[test]
fn a_layout_with_fewer_bases_than_disks_is_no_list_of_whole_chains() {
    let layout = |more: &[&str], chains: &str| {
        let names = [
            "a.vmx",
            "a.vmdk",
            "a-flat.vmdk",
            "a_1-000001.vmdk",
            "a_1-000001-sesparse.vmdk",
        ];
        let names = names.iter().chain(more);
        let files: Vec<_> = names
            .enumerate()
            .map(|(key, name)| serde_json::json!({"key": key, "name": format!("[d] a/{name}"), "type": "diskExtent"}))
            .collect();
        let files = serde_json::Value::from(files);
        govc_vm(&format!(r#","layoutEx":{{"file":{files}{chains}}}"#)).listing
    };
    let base = ["a_1.vmdk", "a_1-flat.vmdk"];
    assert_eq!(layout(&[], ""), Listing::LeafDisks, "the second disk has no base");
    assert_eq!(layout(&base, ""), Listing::WholeChains);
    let chains = |second: &str| {
        format!(r#","disk":[{{"chain":[{{"fileKey":[1,2]}}]}},{{"chain":[{second}{{"fileKey":[3,4]}}]}}]"#)
    };
    assert_eq!(layout(&base, &chains(r#"{"fileKey":[5,6]},"#)), Listing::WholeChains);
    assert_eq!(
        layout(&base, &chains("")),
        Listing::LeafDisks,
        "the base is of no chain"
    );
    assert_eq!(
        layout(&[], &chains(r#"{"fileKey":[1,2]},"#)),
        Listing::WholeChains,
        "two disks stand on one base"
    );
}
