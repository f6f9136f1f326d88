//! A datastore whose names attack who looks at them, scanned by the real program.

use std::{fs, path::Path};

use crate::run;

/// As a file name may be: no slash, at most 255 bytes.
const NAMES: [&str; 7] = [
    "<img src=x onerror=window.pwned=1>",
    "\"><svg onload=window.pwned=1>",
    "=HYPERLINK(\"http:\u{2215}\u{2215}x\",\"y\")",
    "@SUM(1+1)*cmd|' \u{2215}C calc'!A0",
    "javascript:window.pwned=1",
    "\u{202e}gpj.exe\u{2066}\u{1b}[31m\n",
    "שרת הקבצים של הנהלת החשבונות",
];

const DISPLAY_NAME: &str = "</script><script>window.pwned=1</script><!--";

/// Scans it into `hostile.html`.
pub(crate) fn scan(folder: &Path) {
    for name in NAMES {
        disk(folder, name);
    }
    disk(folder, &"long-".repeat(40));
    vm(
        folder,
        "evil",
        DISPLAY_NAME,
        &format!("{}{}", NAMES[0], "note ".repeat(80)),
    );
    vm(folder, "rtl", NAMES[6], "-1+1");
    fs::write(folder.join("vms.json"), export()).unwrap();
    run(
        folder,
        &[
            "scan",
            "<b>ds</b>=ds",
            "-i",
            "vms.json",
            "-o",
            "hostile.html",
            "-o",
            "hostile.json",
            "--as-of",
            "2999-01-01",
        ],
    );
}

fn disk(folder: &Path, name: &str) {
    let directory = folder.join("ds").join(name);
    fs::create_dir_all(&directory).unwrap();
    let descriptor = format!(
        "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=a1b2c3d4\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
         RW 2048 VMFS \"{name}-flat.vmdk\"\nddb.comment = \"{name}\"\n"
    );
    fs::write(directory.join(format!("{name}.vmdk")), descriptor).unwrap();
    fs::write(directory.join(format!("{name}-flat.vmdk")), vec![1; 1 << 20]).unwrap();
}

fn vm(folder: &Path, stem: &str, name: &str, notes: &str) {
    let directory = folder.join("ds").join(stem);
    fs::create_dir_all(&directory).unwrap();
    let configuration = format!(
        ".encoding = \"UTF-8\"\nconfig.version = \"8\"\nvirtualHW.version = \"19\"\ndisplayName = \"{name}\"\n\
         annotation = \"{notes}\"\nscsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"gone.vmdk\"\n"
    );
    fs::write(directory.join(format!("{stem}.vmx")), configuration).unwrap();
}

/// One registered VM whose name, host, folder, owner and notes come from the export.
fn export() -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    format!(
        r#"[{{
  "Name": {name}, "MoRef": "VirtualMachine-vm-1", "InstanceUuid": "500c1d3e-0000-4000-8000-000000000001",
  "Template": false, "ConnectionState": "connected", "PowerState": "poweredOff", "VMHost": {host}, "Notes": {notes},
  "Folder": {host}, "CustomFields": {{"Owner": {notes}}},
  "VmPathName": "[<b>ds</b>] evil/evil.vmx",
  "Files": {{"VmPathName": "[<b>ds</b>] evil/evil.vmx"}},
  "Disks": [], "LayoutExFile": [{{"Key": 0, "Name": "[<b>ds</b>] evil/evil.vmx", "Type": "config", "Size": 200, "Accessible": true}}],
  "LayoutExSnapshot": []
}}]"#,
        name = text(DISPLAY_NAME),
        host = text(NAMES[1]),
        notes = text(NAMES[0]),
    )
}
