//! Tables as people send them: with a title above, as a workbook, or as text for the screen.

use super::*;

/// A workbook of sheets with their rows.
fn workbook(sheets: &[(&str, &[&[&str]])]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet().set_name(*name).unwrap();
        for (row, cells) in (0_u32..).zip(*rows) {
            for (column, cell) in (0_u16..).zip(*cells) {
                sheet.write(row, column, *cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

#[test]
fn a_title_above_the_header_of_a_text_is_looked_past() {
    for text in [
        "Disks, of Monday\r\n\r\nParent;Name;Filename;CapacityGB\r\na;Hard disk 1;[d] a/a.vmdk;1,5\r\n",
        "\"Disks of Monday\"\nParent,Name,Filename,CapacityGB\na,Hard disk 1,[d] a/a.vmdk,1.5\n",
        "Disks\t\t\t\nParent\tName\tFilename\tCapacityGB\na\tHard disk 1\t[d] a/a.vmdk\t1.5\n",
    ] {
        let inventory = only_of(text);
        assert_eq!(files(vm(&inventory, "a"), Role::Disk), ["[d] a/a.vmdk"], "{text}");
        assert_eq!(inventory.kinds, [InventoryKind::PowercliCsv]);
    }
    let tab =
        only_of("Estate;;;\nVM;Powerstate;Template;Connection state;Path\na;poweredOn;WAHR;connected;[d] a/a.vmtx\n");
    assert!(vm(&tab, "a").template);
    assert_eq!(tab.kinds, [InventoryKind::RvtoolsCsv]);
}

#[test]
fn a_workbook_made_of_a_list_is_read_as_the_list() {
    let disks = workbook(&[
        (
            "Tabelle1",
            &[
                &["Stand: Montag"],
                &["Parent", "Name", "Filename", "CapacityGB"],
                &["a", "Hard disk 1", "[d] a/a.vmdk", "1,5"],
            ],
        ),
        ("Tabelle2", &[]),
    ]);
    let inventory = only_of(disks);
    assert_eq!(files(vm(&inventory, "a"), Role::Disk), ["[d] a/a.vmdk"]);
    assert_eq!(inventory.kinds, [InventoryKind::PowercliCsv]);

    let folder = Folder::new();
    let unknown = folder.put(
        "a.xlsx",
        workbook(&[("List", &[&["Machine", "Where"], &["a", "[d] a/a.vmdk"]])]),
    );
    let argument = InventoryArgument::from(unknown.clone());
    let map = "name=Machine,path=Where".parse().unwrap();
    let mapped = derelict::inventory::import_mapped(&[argument], Some(&map));
    assert_eq!(files(vm(&mapped.inventories[0], "a"), Role::Disk), ["[d] a/a.vmdk"]);
    assert!(import_paths(&[&unknown]).issues[0].error.contains("not of RVTools"));
}

#[test]
fn a_tab_of_rvtools_whose_header_is_not_found_is_not_taken_for_an_empty_one() {
    let mut rows: Vec<&[&str]> = vec![&["a title"]];
    rows.extend([["a remark"].as_slice(); 25]);
    rows.push(&["VM", "Powerstate", "Template", "Connection state", "Path"]);
    rows.push(&["a", "poweredOn", "False", "connected", "[d] a/a.vmx"]);
    let inventory = only_of(workbook(&[("vInfo", &rows)]));
    assert!(capping(&inventory).contains(&"no-header"), "{:?}", capping(&inventory));
    let translated: [&[&str]; 2] = [&["Maschine", "Zustand", "Pfad"], &["a", "an", "[d] a/a.vmx"]];
    assert!(capping(&only_of(workbook(&[("vInfo", &translated)]))).contains(&"no-header"));
    let inventory = only_of(workbook(&[("vInfo", &rows[10..])]));
    assert!(!capping(&inventory).contains(&"no-header"));
    assert_eq!(vm(&inventory, "a").config.as_deref(), Some("[d] a/a.vmx"));
}

#[test]
fn what_format_table_made_is_refused_with_what_to_leave_out() {
    let class = "ClassId2e4f51ef21dd47e99d3c952918aff9cd";
    for text in [
        format!(
            "\"{class}\",\"pageHeaderEntry\",\"pageFooterEntry\",\"shapeInfo\"\r\n\"033ecb2bc07a4d43b5ef94ed5a35d280\",,,\"x\"\r\n"
        ),
        format!("[{{\"{class}\":\"033ecb2bc07a4d43b5ef94ed5a35d280\",\"shapeInfo\":{{}}}}]"),
        "#TYPE System.String\r\n\"Length\"\r\n\"25\"\r\n\"31\"\r\n".to_owned(),
    ] {
        let error = import_file(&text).issues[0].error.clone();
        assert!(error.contains("Format-Table"), "{text}: {error}");
    }
    let error = import_file("<?xml version=\"1.0\"?>\n<Objects>\n  <Object Type=\"VMware.X\">\n").issues[0]
        .error
        .clone();
    assert!(error.contains("Export-Clixml"), "{error}");
}

#[test]
fn a_text_of_blanks_is_empty() {
    for text in ["\u{feff}", "\r\n\r\n", " "] {
        assert!(import_file(text).issues[0].error.starts_with("empty"), "{text:?}");
    }
}
