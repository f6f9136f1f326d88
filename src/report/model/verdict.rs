//! The verdicts and their grades.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The seven verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Reached from a VM that an inventory registers.
    Owned,
    /// Belongs to something that is no VM.
    Service,
    /// The datastore's or the host's own.
    System,
    /// Nobody known owns it, but something uses it.
    InUse,
    /// Cannot be judged.
    Unknown,
    /// Belongs to a VM on disk that no covering inventory registers.
    Unregistered,
    /// Belongs to nobody.
    Orphaned,
}

impl Verdict {
    /// All, best protected first.
    pub const ALL: [Self; 7] = [
        Self::Owned,
        Self::Service,
        Self::System,
        Self::InUse,
        Self::Unknown,
        Self::Unregistered,
        Self::Orphaned,
    ];

    /// It is known what such a file is there for.
    pub fn is_explained(self) -> bool {
        matches!(self, Self::Owned | Self::Service | Self::System | Self::InUse)
    }

    /// Such a file belongs to nobody who is known.
    pub fn is_nobodys(self) -> bool {
        matches!(self, Self::Orphaned | Self::Unregistered)
    }

    /// The name in JSON and everywhere else.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Service => "service",
            Self::System => "system",
            Self::InUse => "in-use",
            Self::Unknown => "unknown",
            Self::Unregistered => "unregistered",
            Self::Orphaned => "orphaned",
        }
    }
}

/// How sure an `orphaned` or `unregistered` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Weak.
    Low,
    /// Something could not be checked.
    Medium,
    /// Every check that could have refuted it was possible and was made.
    High,
}

/// What may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reclaim {
    /// May be reclaimed.
    Candidate,
    /// Only after somebody has looked at what the reasons say.
    Review,
    /// Not to be reclaimed.
    Never,
}

/// What could be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It may hold the only copy of data.
    DataLoss,
}
