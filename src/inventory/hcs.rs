//! `hcsdiag list`: what the Host Compute Service of a Windows host has, VMs of Hyper-V, WSL and Sandbox and containers
//! alike. A line with an id, then an indented one with kind, state, id and owner (C: public transcripts of the tool).

use super::{ComputeSystem, part::Part};

/// Most compute systems that are kept; a host has a few thousand at most.
const MAX_SYSTEMS: usize = 100_000;

/// The text begins like a list: an id on its own, then its indented line.
pub(super) fn is_list(head: &str) -> bool {
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let (id, facts) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    is_id(id) && is_facts(facts)
}

fn is_id(line: &str) -> bool {
    !line.starts_with([' ', '\t']) && line.trim().len() >= 32 && !line.trim().contains([' ', ',', '\t'])
}

fn is_facts(line: &str) -> bool {
    let kind = line.split(',').next().unwrap_or_default().trim();
    line.starts_with([' ', '\t']) && line.contains(',') && ["VM", "Container"].contains(&kind)
}

/// Adds the compute systems.
pub(super) fn add(part: &mut Part, text: &str, file: &str) {
    let mut id = "";
    for (index, line) in text.lines().enumerate() {
        if is_id(line) {
            id = line.trim();
            continue;
        }
        if id.is_empty() || !is_facts(line) {
            continue;
        }
        if part.observations.compute_systems.len() >= MAX_SYSTEMS {
            part.warn(
                "systems-too-many",
                format!("{file}: more than {MAX_SYSTEMS}: the rest was left out"),
            );
            return;
        }
        let mut facts = line.split(',').map(str::trim);
        let (kind, state) = (facts.next().unwrap_or_default(), facts.next().unwrap_or_default());
        part.observations.compute_systems.push(ComputeSystem {
            id: std::mem::take(&mut id).to_lowercase(),
            kind: kind.to_owned(),
            state: state.to_owned(),
            owner: facts.nth(1).filter(|owner| !owner.is_empty()).map(str::to_owned),
            row: format!("{file}: line {}", index.saturating_add(1)),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind,
        part::{Origin, Source},
    };

    const LIST: &str = "EED44DAF-4F7E-4CF5-82FD-F9C8EBF8DB82\r\n    VM,                         Running, EED44DAF-4F7E-4CF5-82FD-F9C8EBF8DB82, WSL\r\n\r\n\
        cf4b1f0e6c1a4c0f8a9d2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70\r\n    Container,                  Running, 11112222-3333-4444-5555-666677778888, docker\r\n";

    #[test]
    fn every_id_has_its_line() {
        assert!(is_list(LIST));
        let mut part = Part::new(&Origin::of("hcs.txt"), InventoryKind::Hcsdiag, Source::default());
        add(&mut part, LIST, "hcs.txt");
        let found: Vec<_> = part
            .observations
            .compute_systems
            .iter()
            .map(|system| (system.kind.as_str(), system.state.as_str(), system.owner.as_deref()))
            .collect();
        assert_eq!(
            found,
            [("VM", "Running", Some("WSL")), ("Container", "Running", Some("docker"))]
        );
        assert_eq!(
            part.observations.compute_systems[0].id,
            "eed44daf-4f7e-4cf5-82fd-f9c8ebf8db82"
        );
    }

    #[test]
    fn other_texts_are_no_list() {
        assert!(!is_list("a\\a.vhdx\r\nD:AI(A;ID;FA;;;BA)\r\n"));
        assert!(!is_list("EED44DAF-4F7E-4CF5-82FD-F9C8EBF8DB82\r\n  Disk, 1\r\n"));
        assert!(!is_list("Name,State\r\n  VM, Running\r\n"));
    }
}
