//! Cases: the parts of a site and what is lost, all from one number. A case can be made smaller by leaving parts and losses out.

use std::{fmt, str::FromStr};

use derelict::kind::Platform;

use crate::{
    chance::{Chance, chosen},
    hyperv, vmware,
};

/// So many cases have one site: the first loses nothing.
pub(crate) const ROUNDS: u64 = 8;

/// When a part of the site was made: before or after an older export was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Since {
    Old,
    Young,
}

/// A part of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: usize,
    pub(crate) kind: &'static str,
    pub(crate) seed: u64,
    pub(crate) since: Since,
    /// Its VM was moved to another datastore after the exports.
    pub(crate) moved: bool,
    /// A snapshot of its VMs was taken after the exports.
    pub(crate) snapshot_after: bool,
}

impl Part {
    /// The same, to which nothing happens after the exports.
    pub(crate) fn calm(&self) -> Self {
        Self {
            moved: false,
            snapshot_after: false,
            ..self.clone()
        }
    }
}

/// Something that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) kind: &'static str,
    pub(crate) seed: u64,
}

/// What can be lost, and how often.
const LOSSES: [&str; 34] = [
    "moved",
    "snapshot-after",
    "older-export",
    "file-missing",
    "file-empty",
    "file-cut",
    "file-header-only",
    "file-error",
    "folder-missing",
    "sheet-missing",
    "column-missing",
    "column-missing",
    "row-missing",
    "row-missing",
    "cell-emptied",
    "cell-emptied",
    "cell-cut",
    "spreadsheet",
    "shuffled",
    "case-changed",
    "datastore-unlisted",
    "root-unscanned",
    "root-unscanned",
    "folder-unreadable",
    "file-unreadable",
    "file-unreadable",
    "config-unreadable",
    "config-damaged",
    "disk-damaged",
    "config-gone",
    "folder-renamed",
    "alias-other",
    "alias-none",
    "subfolder",
];

/// A case by its number, perhaps with parts or losses left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) platform: Platform,
    pub(crate) seed: u64,
    /// The parts that it keeps; all of them where this is `None`.
    pub(crate) parts: Option<Vec<usize>>,
    pub(crate) losses: Option<Vec<usize>>,
}

/// What a case says.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// From which the exports are chosen.
    pub(crate) site_seed: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) losses: Vec<Loss>,
}

impl Case {
    pub(crate) fn new(platform: Platform, seed: u64) -> Self {
        Self {
            platform,
            seed,
            parts: None,
            losses: None,
        }
    }

    pub(crate) fn site_seed(&self) -> u64 {
        self.seed / ROUNDS
    }

    /// Its parts and losses, without those that are left out.
    pub(crate) fn plan(&self) -> Plan {
        let keeps = |kept: &Option<Vec<usize>>, number: usize| kept.as_ref().is_none_or(|kept| kept.contains(&number));
        let mut parts = self.all_parts();
        parts.retain(|part| keeps(&self.parts, part.number));
        let all = self.all_losses().into_iter().enumerate();
        let losses: Vec<Loss> = all
            .filter(|(number, _)| keeps(&self.losses, *number))
            .map(|(_, loss)| loss)
            .collect();
        for loss in &losses {
            let has_vm = |part: &&mut Part| ["vm", "pool", "replica", "golden"].contains(&part.kind);
            let with_vms: Vec<&mut Part> = parts.iter_mut().filter(has_vm).collect();
            let hit = chosen(loss.seed, with_vms, |part| part.number.to_string());
            if let Some(part) = hit {
                part.moved |= loss.kind == "moved" && part.kind == "vm";
                part.snapshot_after |= loss.kind == "snapshot-after";
            }
        }
        Plan {
            site_seed: self.site_seed(),
            parts,
            losses,
        }
    }

    fn all_parts(&self) -> Vec<Part> {
        let mut chance = Chance::of(self.site_seed(), "parts");
        let kinds: &[&'static str] = match self.platform {
            Platform::Vmware => &vmware::PARTS,
            Platform::Hyperv => &hyperv::PARTS,
        };
        (0..3 + chance.below(6))
            .map(|number| Part {
                number,
                kind: if number == 0 { "vm" } else { chance.pick(kinds) },
                seed: chance.next(),
                since: if chance.one_in(4) { Since::Young } else { Since::Old },
                moved: false,
                snapshot_after: false,
            })
            .collect()
    }

    fn all_losses(&self) -> Vec<Loss> {
        if self.seed.is_multiple_of(ROUNDS) {
            return Vec::new();
        }
        let mut chance = Chance::of(self.seed, "losses");
        (0..=chance.below(3))
            .map(|_| Loss {
                kind: chance.pick(&LOSSES),
                seed: chance.next(),
            })
            .collect()
    }

    /// The same case with one part or one loss less, each in turn.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let parts: Vec<usize> = self.plan().parts.iter().map(|part| part.number).collect();
        let losses = self
            .losses
            .clone()
            .unwrap_or_else(|| (0..self.all_losses().len()).collect());
        let without =
            |all: &[usize], left_out: usize| Some(all.iter().copied().filter(|one| *one != left_out).collect());
        let fewer_losses = losses.iter().map(|left_out| Self {
            losses: without(&losses, *left_out),
            ..self.clone()
        });
        let fewer_parts = parts.iter().map(|left_out| Self {
            parts: without(&parts, *left_out),
            ..self.clone()
        });
        fewer_losses.chain(fewer_parts).collect()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = match self.platform {
            Platform::Vmware => "vmware",
            Platform::Hyperv => "hyperv",
        };
        write!(f, "{platform}:{}", self.seed)?;
        for (name, kept) in [("parts", &self.parts), ("losses", &self.losses)] {
            if let Some(kept) = kept {
                let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
                write!(f, ":{name}={}", kept.join(","))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let odd = || format!("{text:?} is no case: PLATFORM:NUMBER[:parts=N,…][:losses=N,…]");
        let mut words = text.split(':');
        let platform = match words.next() {
            Some("vmware") => Platform::Vmware,
            Some("hyperv") => Platform::Hyperv,
            _ => return Err(odd()),
        };
        let seed = words.next().and_then(|seed| seed.parse().ok()).ok_or_else(odd)?;
        let mut case = Self::new(platform, seed);
        for word in words {
            let (name, list) = word.split_once('=').ok_or_else(odd)?;
            let numbers = list.split(',').filter(|number| !number.is_empty());
            let numbers: Result<Vec<usize>, _> = numbers.map(str::parse).collect();
            let kept = Some(numbers.map_err(|_| odd())?);
            match name {
                "parts" => case.parts = kept,
                "losses" => case.losses = kept,
                _ => return Err(odd()),
            }
        }
        Ok(case)
    }
}
