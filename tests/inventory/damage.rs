//! Every export cut anywhere and with damaged bytes.

use super::govc::collected;
use super::hyperv_lists::HYPERV_VM;
use super::rvtools::{DISK, INFO};
use super::workbook::saved_again;
use super::*;

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
