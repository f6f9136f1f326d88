//! A folder in which exports of every kind lie beside what is none.

use super::*;

fn names(paths: impl Iterator<Item = String>) -> Vec<String> {
    paths.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect()
}

fn issues(folder: &Folder) -> Vec<String> {
    let imported = import_paths(&[folder.path()]);
    names(imported.issues.iter().map(|issue| issue.path.lossy().into_owned()))
}

const VMS: &str = r#"[{"Name":"a","MoRef":"vm-1","VmPathName":"[d] a/a.vmx","LayoutExFile":[{"Name":"[d] a/a.vmx","Type":"config"}]}]"#;

#[test]
fn an_export_in_a_form_that_cannot_be_read_is_missed() {
    let folder = Folder::new();
    folder.put("1.json", VMS);
    assert_eq!(issues(&folder), Vec::<String>::new());
    for (name, content) in [
        ("cut.json", "[\n"),
        (
            "formatted.csv",
            "\"ClassId2e4f51ef21dd47e99d3c952918aff9cd\",\"pageHeaderEntry\"\r\n\"x\",\r\n",
        ),
        ("govc.json", "govc: ServerFaultCode: Cannot complete login\n"),
        ("paths.csv", "Machine,Where\nb,[d] b/b.vmdk\n"),
        (
            "list.txt",
            "\r\nName       : b\r\nPowerState : PoweredOn\r\nNotes      : \r\n",
        ),
        ("screen.txt", "\nName  PowerState\n----  ----------\nb     PoweredOn\n"),
        ("unknown.json", "{\"machines\":[{\"disk\":\"[d] b/b.vmdk\"}]}"),
    ] {
        let path = folder.put(name, content);
        assert_eq!(issues(&folder), [name], "{content}");
        std::fs::remove_file(path).unwrap();
    }
    folder.put("packed.json.gz", b"\x1f\x8b\x08");
    assert_eq!(issues(&folder), ["packed.json.gz"]);
}

#[test]
fn an_export_without_a_row_failed_unless_a_sound_site_may_have_none() {
    for content in [
        "[]",
        "[null]",
        "{}",
        "[{}]",
        "{\"value\":[],\"Count\":0}",
        "Get-VM : You do not have the required permission to complete this task.\r\n",
        "\"Name\",\"VMId\",\"ComputerName\",\"State\",\"Path\"\r\n",
    ] {
        let folder = Folder::new();
        folder.put("1.json", VMS);
        folder.put("n2.json", content);
        assert_eq!(issues(&folder), ["n2.json"], "{content}");
    }
    let folder = Folder::new();
    folder.put("1.json", VMS);
    for name in [
        "templates.json",
        "Checkpoints.json",
        "replication.json",
        "csv.json",
        "ClusterNodes.json",
        "iscsi.json",
        "hv01-checkpoints.json",
    ] {
        folder.put(name, "[]");
    }
    folder.put("nodes-by-name.json", "\"N1\"");
    folder.put("n2.csv", "\"Name\",\"VMId\",\"ComputerName\",\"State\",\"Path\"\r\n");
    assert_eq!(issues(&folder), ["n2.csv"]);
    for name in [
        "hypervisor2.json",
        "vms-logsrv.json",
        "setup.json",
        "vm-templates.json",
        "node-2.json",
        "sql-cluster-b.json",
        "media-srv.json",
        "replica-01.json",
    ] {
        let folder = Folder::new();
        folder.put("1.json", VMS);
        folder.put(name, "[]");
        assert_eq!(issues(&folder), [name]);
    }
}

#[test]
fn what_speaks_of_no_vm_is_ignored() {
    let folder = Folder::new();
    folder.put("1.json", VMS);
    folder.put("README.txt", "Exports of Monday, see /mnt/x and [d] a/a.vmdk.\n");
    folder.put(
        "LIESMICH.txt",
        "Inventare vom Montag\n--------------------\n\nAutor : Anna\nStand : Montag\n",
    );
    folder.put("costs.csv", "Cost centre,Sum\n1,2\n");
    folder.put("settings.json", "{\"theme\":\"dark\"}");
    folder.put("errors.txt", "govc: not supported\nfailed: govc library.ls -json\n");
    folder.put("libraries.json", "null\n");
    folder.put("volumes.json", "[]\n");
    folder.put("picture.png", b"\x89PNG\0\0\0");
    folder.put("page.html", "<!DOCTYPE html><html></html>");
    folder.put("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 a letter");
    assert_eq!(issues(&folder), Vec::<String>::new());
}

#[test]
fn what_failed_while_the_exports_were_made_keeps_them_from_counting() {
    for (name, errors) in [
        (
            "errors.txt",
            "datastores.json: You do not have permission\r\nto perform this operation\r\n",
        ),
        (
            "vc1-errors.txt",
            "govc: timeout\nfailed: govc object.collect -json -type s / name\n",
        ),
    ] {
        let folder = Folder::new();
        folder.put("vc1/1.json", VMS);
        folder.put("vc2/1.json", VMS);
        folder.put(&format!("vc1/{name}"), errors);
        let imported = import_paths(&[folder.path()]);
        assert_eq!(imported.issues, []);
        let all: Vec<_> = imported.inventories.iter().map(capping).collect();
        assert_eq!(all, [vec!["export-errors"], vec![]], "{name}");
        let text = &imported.inventories[0].warnings[0].text;
        let first = errors.lines().next().unwrap();
        assert!(text.contains(&format!("2 lines, first: {first}")), "{text}");
    }
}

#[test]
fn errors_without_an_export_beside_them_are_a_missing_one() {
    let folder = Folder::new();
    folder.put("vc1/1.json", VMS);
    folder.put("vc2/errors.txt", "vms.json: connection lost\r\n");
    let imported = import_paths(&[folder.path()]);
    assert_eq!(issues(&folder), ["errors.txt"]);
    assert!(
        imported.issues[0].error.contains("connection lost"),
        "{:?}",
        imported.issues
    );
    folder.put(
        "vc2/errors.txt",
        "restore-points.csv: Veeam lacks a right, and backups own nothing\r\n",
    );
    assert_eq!(issues(&folder), Vec::<String>::new());
}

#[test]
fn errors_that_an_export_tells_itself_count_as_it_tells_them() {
    let errors = |told: &str| {
        let folder = Folder::new();
        let vm = hyperv_lists::HYPERV_VM;
        let export =
            format!(r#"{{"schema":"hyperv-inventory-export/1","host":"HV01","vms":[{vm}],"errors":["{told}"]}}"#);
        folder.put("hyperv.json", export);
        folder.put("errors.txt", "\u{feff}DVD drives of a: access denied\r\n");
        let inventory = only(folder.path());
        capping(&inventory).contains(&"export-errors")
    };
    assert!(
        !errors("DVD drives of a: access denied"),
        "the cost of one question is known"
    );
    assert!(errors("DVD drives of b: access denied"));
}

#[test]
fn a_list_of_vms_without_a_path_shows_whether_all_are_listed() {
    let known = hyperv_lists::HYPERV_VM;
    let csv = |name: &str, id: u32| {
        format!(
            "\"Name\",\"VMId\",\"ComputerName\",\"State\"\r\n\"{name}\",\"6f1d3a2e-8b4c-4d5e-9f00-11223344{id:04}\",\"HV01\",\"Off\"\r\n"
        )
    };
    for (name, content, is_stranger) in [
        ("1.csv", csv("a", 5566), false),
        ("2.csv", csv("b", 5567), true),
        (
            "3.csv",
            format!("#TYPE Microsoft.HyperV.PowerShell.VirtualMachine\r\n{}", csv("b", 5567)),
            true,
        ),
        (
            "4.json",
            r#"[{"VMName":"b","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445567","State":2}]"#.to_owned(),
            true,
        ),
        (
            "5.csv",
            "\"Name\",\"State\",\"CPUUsage(%)\",\"Uptime\"\r\n\"a\",\"Off\",\"0\",\"0\"\r\n".to_owned(),
            false,
        ),
        (
            "6.csv",
            "\"Name\",\"State\",\"CPUUsage(%)\",\"Uptime\"\r\n\"b\",\"Off\",\"0\",\"0\"\r\n".to_owned(),
            true,
        ),
        (
            "adapters.json",
            r#"[{"Name":"Network Adapter","VMName":"a","VMId":"6f1d3a2e-8b4c-4d5e-9f00-112233445566"}]"#.to_owned(),
            false,
        ),
        (
            "services.csv",
            "\"Name\",\"State\"\r\n\"vmms\",\"Running\"\r\n".to_owned(),
            false,
        ),
    ] {
        let folder = Folder::new();
        folder.put("vms.json", known);
        folder.put(name, &content);
        let inventory = only(folder.path());
        let expected: &[&str] = if is_stranger { &["vm-count-mismatch"] } else { &[] };
        assert_eq!(capping(&inventory), expected, "{content}");
        assert_eq!(inventory.vms.len(), if is_stranger { 2 } else { 1 }, "{content}");
    }
    let alone = only_of(csv("b", 5567));
    assert_eq!(capping(&alone), ["names-only"]);
    let header = csv("b", 5567);
    assert!(
        import_file(header.lines().next().unwrap()).issues[0]
            .error
            .starts_with("an empty list")
    );
}

#[test]
fn archives_folders_and_files_of_several_tools_are_read_whole() {
    let folder = Folder::new();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [
        (
            "RVTools_export_all_2026-11-20_10.00.00/RVTools_tabvInfo.csv",
            "VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\nr,False,connected,0,[r] r/r.vmx,esx9,vm-9,vc9\n",
        ),
        (
            "RVTools_export_all_2026-11-20_10.00.00/RVTools_tabvCPU.csv",
            "VM,Powerstate,CPUs,Sockets,Host\nr,poweredOn,1,1,esx9\n",
        ),
        ("__MACOSX/x", "x"),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    folder.put("rvtools.zip", zip.finish().unwrap().into_inner());
    folder.put("README.txt", "Exports.\n");
    folder.put("csv/RVTools_tabvInfo.csv", "VM,Template,Connection state,Disks,Path,Host,VM ID,VI SDK Server\nc,False,connected,1,[c] c/c.vmx,esx8,vm-8,vc8\n");
    folder.put(
        "csv/RVTools_tabvDisk.csv",
        "VM,Disk,Disk Mode,Path,VM ID,VI SDK Server\nc,Hard disk 1,persistent,[c] c/c.vmdk,vm-8,vc8\n",
    );
    folder.put("vms.json", VMS);
    folder.put("datastores.json", r#"{"datastores":[{"self":{"type":"Datastore","value":"datastore-1"},"name":"d","summary":{"url":"ds:///vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0001/"}}]}"#);
    let imported = import_paths(&[folder.path()]);
    assert_eq!(imported.issues, []);
    let mut found: Vec<(Vec<&str>, usize)> = imported
        .inventories
        .iter()
        .map(|inventory| {
            (
                inventory.vms.iter().map(|vm| vm.name.as_str()).collect(),
                inventory.datastores.len(),
            )
        })
        .collect();
    found.sort();
    assert_eq!(found, [(vec!["a"], 1), (vec!["c"], 0), (vec!["r"], 0)]);
}

#[test]
fn a_text_in_a_folder_that_is_no_export_tells_which_files_it_names() {
    let named = |name: &str, content: &str| {
        let folder = Folder::new();
        folder.put("1.json", VMS);
        folder.put(name, content);
        let imported = import_paths(&[folder.path()]);
        assert_eq!(imported.issues, [], "{content}");
        imported
            .mentions
            .into_iter()
            .map(|mention| mention.named)
            .collect::<Vec<_>>()
    };
    let describe = "Name:            pv1\nStatus:          Bound\nSource:\n    Type:               vSphereVolume\n    \
                    VolumePath:         [vmfs02] volumes/myDisk.vmdk\n    FSType:             ext4\n";
    assert_eq!(named("pv.txt", describe), ["[vmfs02] volumes/myDisk.vmdk"]);
    assert_eq!(
        named("notes.txt", "ask Anna before web.vmdk is deleted\n"),
        Vec::<String>::new()
    );
    assert_eq!(named("2.json", VMS), Vec::<String>::new(), "an export");
}

#[test]
fn a_workbook_on_which_its_reader_gives_up_is_an_issue() {
    let book = workbook::saved_again();
    let folder = Folder::new();
    folder.put("vms.xlsx", with_cell_reference(&book, "ZZZZZZZ9"));
    let imported = import_paths(&[folder.path()]);
    let mut errors = imported.issues.iter().map(|issue| &issue.error);
    assert!(
        errors.any(|error| error.contains("failed on it")),
        "{:?}",
        imported.issues
    );
}

/// The workbook with another reference at the second row of each sheet.
fn with_cell_reference(book: &[u8], reference: &str) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut from = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..from.len() {
        let mut part = from.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if name.contains("/worksheets/") {
            let text = String::from_utf8(content).unwrap();
            content = text.replacen("r=\"A2\"", &format!("r=\"{reference}\""), 1).into_bytes();
        }
        to.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        to.write_all(&content).unwrap();
    }
    to.finish().unwrap().into_inner()
}
