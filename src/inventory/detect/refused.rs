//! What is no export that can be read, and what would be one.

use crate::inventory::names;

/// What a file is that was to tell of VMs and cannot be read, and what could be: in a folder it is missed.
pub(super) fn other_form(bytes: &[u8], head: &str) -> Option<&'static str> {
    match () {
        () if is_old_workbook(bytes) => {
            Some("a workbook of the old form (.xls), or one with a password; save it as .xlsx without one")
        }
        () if bytes.starts_with(&[0x1f, 0x8b]) => Some("compressed with gzip; unpack it first"),
        () if is_other_archive(bytes) => Some("an archive; unpack it first, or pack it as zip"),
        () if head.starts_with("govc: ") => Some("an error message of govc: the export failed"),
        () if head.contains('\0') => None,
        () if is_govc_xml(head) => Some("XML of govc; export with -json instead of -xml"),
        () if is_converted_xml(head) => {
            Some("XML of ConvertTo-Xml, in which objects are cut to text; export with ConvertTo-Json or Export-Clixml")
        }
        () if is_govc_dump(head) => Some("the dump of govc; export with -json instead of -dump"),
        () if head.starts_with("VirtualMachine:") => Some("the table of govc object.collect; export with -json"),
        () if is_kubectl_text(head) => Some("what kubectl prints; export with kubectl get pv -o json"),
        () if is_formatted(head) => Some(
            "what Format-Table or Format-List made for the screen, exported in place of the objects; leave it out before ConvertTo-Json or Export-Csv",
        ),
        () if is_screen_of_vms(head) => Some(SCREEN_FORM),
        () => None,
    }
}

const SCREEN_FORM: &str =
    "what PowerShell shows on the screen, which is cut to its width; export with ConvertTo-Json or Export-Csv";

/// What a file is that is no export, where that can be said, and what would be one.
pub(super) fn no_export(bytes: &[u8], head: &str) -> Option<&'static str> {
    match () {
        () if bytes.starts_with(b"%PDF-") => Some("a PDF; export as CSV, JSON or workbook"),
        () if head.contains('\0') => Some("binary of no known export"),
        () if is_html(head) => {
            Some("a page for a browser; export with ConvertTo-Json or Export-Csv, not ConvertTo-Html")
        }
        () if head.starts_with('<') => Some("XML of no known export"),
        () if names::is_disk_without_path(head) => {
            Some("First Class Disks without their paths; export with govc disk.ls -json -l")
        }
        () if is_lengths(head) => Some(
            "the lengths of texts, which Export-Csv writes of what is no object; leave out Format-Table and Out-String before it",
        ),
        () if is_screen_form(head) => Some(SCREEN_FORM),
        () => govc_text(head),
    }
}

/// A document of the old office form that holds a workbook, or one that was locked with a password.
fn is_old_workbook(bytes: &[u8]) -> bool {
    let names = ["Workbook", "EncryptedPackage"].map(|name| {
        let units = name.encode_utf16().flat_map(u16::to_le_bytes);
        units.collect::<Vec<u8>>()
    });
    let has = |name: &Vec<u8>| bytes.windows(name.len()).any(|part| part == name.as_slice());
    bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) && names.iter().any(has)
}

/// `ConvertTo-Xml` and `Export-Clixml` are two forms.
fn is_converted_xml(head: &str) -> bool {
    let body = head.split_once("?>").map_or(head, |(_, body)| body).trim_start();
    body.starts_with("<Objects>") && body.contains("<Object Type=")
}

/// The objects that `Format-Table` and `Format-List` give have members of such names.
fn is_formatted(head: &str) -> bool {
    head.contains("ClassId2e4f51ef21dd47e99d3c952918aff9cd")
}

/// A table of nothing but lengths: `Export-Csv` of texts.
fn is_lengths(head: &str) -> bool {
    let header = head.lines().find(|line| !line.starts_with("#TYPE"));
    header.is_some_and(|line| line.trim().trim_matches('"') == "Length")
}

/// `-xml` writes the results of a command, `object.save` one object of the API.
fn is_govc_xml(head: &str) -> bool {
    let body = head.split_once("?>").map_or(head, |(_, body)| body).trim_start();
    let is_result = body.starts_with('<')
        && body
            .split(['>', ' '])
            .next()
            .is_some_and(|name| name.ends_with("Result"));
    is_result
        || ["<VirtualMachine", "<ObjectContent", "<Datastore"]
            .iter()
            .any(|start| body.starts_with(start))
}

fn is_other_archive(bytes: &[u8]) -> bool {
    let signatures: [&[u8]; 5] = [
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"\xfd7zXZ",
        b"BZh",
        b"\x28\xb5\x2f\xfd",
    ];
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    is_tar || signatures.iter().any(|signature| bytes.starts_with(signature))
}

fn is_html(head: &str) -> bool {
    let start: String = head.chars().take(64).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// YAML, or the table for people.
fn is_kubectl_text(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    let is_table = line.starts_with("NAME ") && line.contains("RECLAIM POLICY");
    is_table || line.starts_with("apiVersion:")
}

/// Values of the language that govc is written in.
fn is_govc_dump(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    line.starts_with("mo.") || line.starts_with("(mo.") || line.contains("[]mo.") || line.starts_with("types.")
}

/// What govc writes for people, and the command that writes all of it.
fn govc_text(head: &str) -> Option<&'static str> {
    let mut lines = head.lines();
    let (first, second) = (lines.next()?, lines.next().unwrap_or_default());
    let field = |line: &str, name: &str| {
        line.trim_start()
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    };
    // `disk-1000-0   VirtualDisk   1,048,576 KB`
    let mut columns = first.split_whitespace();
    let is_device = columns.next().is_some_and(|name| {
        name.rsplit_once('-')
            .is_some_and(|(_, unit)| unit.parse::<u32>().is_ok())
    }) && columns
        .next()
        .is_some_and(|kind| kind.starts_with("Virtual") || kind.starts_with("Para"));
    match () {
        () if field(first, "Name:") && field(second, "Path:") => Some(
            "what govc vm.info, datastore.info or host.info write for people, without files; add -json, or use the commands of scripts/export/vcenter-govc.sh",
        ),
        () if is_device => {
            Some("devices of govc device.ls without their files; export with govc object.collect -json -type m")
        }
        () if first.starts_with("[snapshot-") => Some(
            "the tree of govc snapshot.tree without files; export with govc object.collect -json -type m, which has layoutEx",
        ),
        () => None,
    }
}

/// `Name : value` lines, or a table with a ruler of dashes below its header.
fn is_screen_form(head: &str) -> bool {
    let mut lines = head.lines().filter(|line| !line.trim().is_empty()).take(2);
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let is_pair = |line: &str| {
        line.split_once(" : ")
            .is_some_and(|(name, _)| !name.trim().contains(' '))
    };
    is_pair(first) && is_pair(second) || is_ruler(second)
}

fn is_ruler(line: &str) -> bool {
    line.contains("---") && line.trim().chars().all(|c| c == '-' || c == ' ')
}

/// A screen form that is one of VMs: a heading in a text for people is underlined as well, and may have pairs below.
fn is_screen_of_vms(head: &str) -> bool {
    const NAMES: [&str; 12] = [
        "capacitygb",
        "computername",
        "configurationlocation",
        "controllertype",
        "filename",
        "harddrives",
        "path",
        "powerstate",
        "state",
        "vmhost",
        "vmid",
        "vmname",
    ];
    let lines = head.lines().filter(|line| !line.trim().is_empty());
    let columns = lines.clone().nth(1).filter(|line| is_ruler(line));
    let is_table = columns.is_some_and(|line| line.split_whitespace().count() > 1);
    let mut names = lines
        .filter_map(|line| line.split_once(" : "))
        .map(|(name, _)| name.trim().to_lowercase());
    is_screen_form(head) && (is_table || names.any(|name| NAMES.contains(&name.as_str())))
}
