//! Workbooks as a spreadsheet program saves them, and zips that are none.

use super::rvtools::INFO;
use super::*;

/// A workbook as a spreadsheet saves it: columns in another order, custom attributes, styled blank rows, real dates.
pub(crate) fn saved_again() -> Vec<u8> {
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
