//! Hostile exports: what they can make the import do is bounded, and what they hold that is sound still counts.

use std::fmt::Write as _;

use super::*;

/// A workbook with one sheet `vInfo` of this content, as a spreadsheet packs it.
fn workbook(sheet_data: &str, dimension: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let packages = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{packages}"><Relationship Id="r1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                r#"<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="vInfo" sheetId="1" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{packages}"><Relationship Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!(
                r#"<worksheet xmlns="{main}"><dimension ref="{dimension}"/><sheetData>{sheet_data}</sheetData></worksheet>"#
            ),
        ),
    ];
    for (name, content) in parts {
        zip.start_file(
            name,
            zip::write::SimpleFileOptions::default().compression_level(Some(1)),
        )
        .unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A row of texts.
fn text_row(number: usize, cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .flat_map(|cell| ["<c t=\"inlineStr\"><is><t>", cell, "</t></is></c>"])
        .collect();
    format!("<row r=\"{number}\">{cells}</row>")
}

const HEADER: [&str; 4] = ["VM", "Powerstate", "Template", "Path"];

#[test]
fn a_million_blank_rows_are_no_rows() {
    let mut data = text_row(1, &HEADER) + &text_row(2, &["a", "poweredOn", "False", "[d] a/a.vmx"]);
    for number in 3..1_000_000 {
        write!(data, "<row r=\"{number}\"><c s=\"0\"/></row>").unwrap();
    }
    data += &text_row(1_000_000, &["b", "poweredOn", "False", "[d] b/b.vmx"]);
    let inventory = only_of(workbook(&data, "A1:XFD1048576"));
    let rows: Vec<&str> = inventory.vms.iter().map(|vm| vm.row.as_str()).collect();
    assert_eq!(inventory.vms.len(), 2);
    assert!(rows[1].ends_with("vInfo row 1000000"), "{rows:?}");
    let csv = format!(
        "VM,Powerstate,Template,Path\na,poweredOn,False,[d] a/a.vmx\n{}",
        ",,,\n".repeat(1_000_000)
    );
    assert_eq!(only_of(csv).vms.len(), 1);
}

#[test]
fn a_formula_is_never_worked_out() {
    let header = text_row(1, &HEADER);
    let row = r#"<row r="2"><c t="str"><f>"a"&amp;"b"</f><v>ab</v></c><c t="str"><f>WEBSERVICE("http://192.0.2.1/")</f></c><c t="b"><f>TRUE()</f><v>1</v></c><c t="str"><f>B9</f><v>[d] a/a.vmtx</v></c></row>"#;
    let inventory = only_of(workbook(&(header + row), "A1:D2"));
    let vm = vm(&inventory, "ab");
    assert_eq!(
        (vm.state.as_deref(), vm.template),
        (None, true),
        "a value that was not saved is none"
    );
    assert_eq!(vm.config.as_deref(), Some("[d] a/a.vmtx"));
    let csv = "VM,Powerstate,Template,Path\n\"=cmd|'/c calc'!A1\",poweredOn,False,[d] a/a.vmx\n";
    assert_eq!(only_of(csv).vms[0].name, "=cmd|'/c calc'!A1", "a name like any other");
}

#[test]
fn document_types_are_refused_wherever_xml_is_read() {
    let bomb = "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    for root in [
        "<ConfigRoot><ConfigEntry id=\"0\"><vmxCfgPath>/vmfs/volumes/x/&b;.vmx</vmxCfgPath></ConfigEntry></ConfigRoot>",
        "<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><S>&b;</S></Objs>",
        "<output xmlns=\"http://www.vmware.com/Products/ESX/5.0/esxcli\"><list type=\"structure\"><structure typeName=\"FilesystemVolume\"><field name=\"MountPoint\"><string>&b;</string></field></structure></list></output>",
    ] {
        let imported = import_file(format!("<?xml version=\"1.0\"?>{bomb}{root}"));
        assert_eq!(imported.inventories, [], "{root}");
        assert_eq!(imported.issues.len(), 1, "{root}");
    }
}

#[test]
fn nesting_without_end_is_refused_wherever_things_nest() {
    for hostile in [
        format!("{{\"virtualMachines\":{}", "[".repeat(1_000_000)),
        format!("{{\"virtualMachines\":{}", "{\"a\":".repeat(1_000_000)),
        format!(
            "<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">{}",
            "<Obj><LST>".repeat(500_000)
        ),
        format!("<ConfigRoot>{}", "<ConfigEntry>".repeat(500_000)),
        "(vim.vm.FileLayoutEx) {\n".repeat(200_000),
    ] {
        let imported = import_file(&hostile);
        assert!(imported.inventories.iter().all(|inventory| inventory.vms.is_empty()));
        let capped = imported
            .inventories
            .iter()
            .any(|inventory| !capping(inventory).is_empty());
        assert!(capped || !imported.issues.is_empty(), "{hostile:.60}");
    }
}

#[test]
fn a_table_of_endless_columns_keeps_the_first() {
    let mut header = "VM,Powerstate,Template,Path".to_owned();
    let mut row = "a,poweredOn,False,[d] a/a.vmx".to_owned();
    for number in 0..200_000 {
        write!(header, ",Custom {number}").unwrap();
        row += ",x";
    }
    let inventory = only_of(format!("{header}\n{row}\n"));
    assert_eq!(inventory.vms[0].config.as_deref(), Some("[d] a/a.vmx"));
}
