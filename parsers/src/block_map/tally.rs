//! Faults of table entries, counted: a table of noise has millions, and one sentence tells it better.

use crate::{error::Anomaly, findings::Findings};

/// How many entries have one fault, and which is the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    count: u64,
    /// Where the first entry stands, bytes from the start of the file, and which block it is of.
    first: Option<(u64, u64)>,
}

impl Tally {
    /// Counts `count` entries; the first stands at `place` and is that of `block`.
    #[inline]
    pub(crate) fn add(&mut self, count: u64, place: u64, block: u64) {
        if count > 0 {
            self.count = self.count.saturating_add(count);
            self.first.get_or_insert((place, block));
        }
    }

    /// The anomaly of all of them; `None` when there are none.
    fn anomaly(&self, code: &str, what: &str) -> Option<Anomaly> {
        let (place, block) = self.first?;
        let text = format!("{what}: {}, the first is block {block}", self.count);
        Some(Anomaly::at(code, place, text))
    }

    /// Puts them among the damage.
    pub(crate) fn damage(&self, code: &str, what: &str, findings: &mut Findings) {
        if let Some(anomaly) = self.anomaly(code, what) {
            findings.damage(anomaly);
        }
    }

    /// Puts them among the notes.
    pub(crate) fn note(&self, code: &str, what: &str, findings: &mut Findings) {
        if let Some(anomaly) = self.anomaly(code, what) {
            findings.note(anomaly);
        }
    }
}
