//! `icacls … /save FILE`: a line with a name, then a line with its access control list (SDDL). Hyper-V grants each file
//! of a VM to the VM itself, whose SID holds its id (S, H-A3 of the field's traps): the list tells whose a file is or was.

use uuid::Uuid;

use super::{UngrantedDisk, VmGrant, part::Part, values};

/// Begin of the SID of a VM; its id follows as four numbers.
const VM_SID: &str = "S-1-5-83-1-";
/// Endings of disks.
const DISKS: [&str; 4] = [".vhdx", ".vhd", ".avhdx", ".avhd"];
/// Most grants that are kept.
const MAX_GRANTS: usize = 5_000_000;

/// The text begins like a saved list: every second line is an SDDL.
pub(super) fn is_saved_list(head: &str) -> bool {
    let mut lines = head.lines();
    let (name, sddl) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    !name.trim().is_empty() && !is_sddl(name) && is_sddl(sddl)
}

fn is_sddl(line: &str) -> bool {
    ["D:", "O:", "G:", "S:"].iter().any(|start| line.starts_with(start)) && line.contains('(')
}

/// Adds the VMs that the lists name.
pub(super) fn add(part: &mut Part, text: &str, file: &str) {
    let mut name = "";
    for (index, line) in text.lines().enumerate() {
        if !is_sddl(line) {
            name = line.trim();
            continue;
        }
        let row = format!("{file}: line {}", index.saturating_add(1));
        let vms = vms(line);
        if vms.is_empty() && values::ends_with(name, &DISKS) && part.observations.ungranted.len() < MAX_GRANTS {
            part.observations.ungranted.push(UngrantedDisk {
                path: name.to_owned(),
                row: row.clone(),
            });
        }
        for vm in vms {
            if part.observations.grants.len() >= MAX_GRANTS {
                part.warn(
                    "grants-too-many",
                    format!("{file}: more than {MAX_GRANTS}: the rest was left out"),
                );
                return;
            }
            part.observations.grants.push(VmGrant {
                path: name.to_owned(),
                vm,
                row: row.clone(),
            });
        }
    }
}

/// The ids of the VMs in an SDDL, each once.
fn vms(sddl: &str) -> Vec<Uuid> {
    let mut found: Vec<Uuid> = sddl.split(VM_SID).skip(1).filter_map(id).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The id that four numbers give: each holds four bytes of it, the lowest first.
fn id(numbers: &str) -> Option<Uuid> {
    let end = numbers
        .find(|c: char| !c.is_ascii_digit() && c != '-')
        .unwrap_or(numbers.len());
    let mut bytes = [0_u8; 16];
    let mut numbers = numbers.get(..end)?.split('-');
    for chunk in bytes.chunks_exact_mut(4) {
        let number: u32 = numbers.next()?.parse().ok()?;
        chunk.copy_from_slice(&number.to_le_bytes());
    }
    numbers.next().is_none().then(|| Uuid::from_bytes_le(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sid_of_a_vm_holds_its_id() {
        let sddl = "D:AI(A;;0x12019f;;;S-1-5-83-1-2951761591-1086169693-630393256-923523501)(A;ID;FA;;;BA)(A;;FR;;;S-1-5-83-0)";
        let id: Uuid = "AFF04EB7-A25D-40BD-A809-9325ADD90B37".parse().unwrap();
        assert_eq!(vms(sddl), [id]);
        for other in [
            "S-1-5-83-1-1-2-3",
            "S-1-5-83-1-1-2-3-4-5)",
            "S-1-5-83-1-99999999999-2-3-4)",
        ] {
            assert!(vms(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn names_and_lists_alternate() {
        assert!(is_saved_list("a\\a.vhdx\r\nD:AI(A;ID;FA;;;BA)\r\n"));
        assert!(!is_saved_list("D:AI(A;ID;FA;;;BA)\r\n"));
        assert!(!is_saved_list("a,b\r\n1,2\r\n"));
    }
}
