//! What a reader found odd on its way, and whether its result can still be taken as whole.
//!
//! Two grades: a *note* does not touch the facts beside it, *damage* means that something may be missing from them.
//! The difference decides whether "this file does not name that disk" may be said at all.

use crate::error::{Anomaly, ParseError, Result};

/// Most anomalies that are kept of one file. The rest is counted: a file of noise has one for each of its entries.
const MAX_ANOMALIES: usize = 100;

/// Collects the anomalies of one file.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    anomalies: Vec<Anomaly>,
    left_out: u64,
    first_damage: Option<Anomaly>,
}

impl Findings {
    /// Something odd: the facts are whole all the same.
    pub(crate) fn note(&mut self, anomaly: Anomaly) {
        self.note_with(|| anomaly);
    }

    /// As [`Findings::note`] for what a file may have a million of: only those that are kept are put into words.
    pub(crate) fn note_with(&mut self, anomaly: impl FnOnce() -> Anomaly) {
        if self.anomalies.len() < MAX_ANOMALIES {
            self.anomalies.push(anomaly());
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Something is missing from the facts, or may be wrong in them.
    pub(crate) fn damage(&mut self, anomaly: Anomaly) {
        self.damage_with(|| anomaly);
    }

    /// As [`Findings::damage`] for what a file may have a million of: only those that are kept are put into words.
    pub(crate) fn damage_with(&mut self, anomaly: impl FnOnce() -> Anomaly) {
        if self.first_damage.is_some() {
            return self.note_with(anomaly);
        }
        let anomaly = anomaly();
        self.first_damage = Some(anomaly.clone());
        self.note(anomaly);
    }

    /// Turns a fault of the bytes into damage; a fault of the source stays an error, since it says nothing of the
    /// bytes.
    ///
    /// # Errors
    /// `Io` only.
    pub(crate) fn tolerate<T>(&mut self, code: &str, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_io() => Err(error),
            Err(error) => {
                self.damage_with(|| fault(code, &error));
                Ok(None)
            }
        }
    }

    /// As [`Findings::tolerate`] for a fault that costs no fact: a bad copy of what was read from another.
    ///
    /// # Errors
    /// `Io` only.
    pub(crate) fn note_fault(&mut self, code: &str, error: ParseError) -> Result<()> {
        if error.is_io() {
            return Err(error);
        }
        self.note_with(|| fault(code, &error));
        Ok(())
    }

    /// True while nothing is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.first_damage.is_none()
    }

    /// The first damage, which is among the anomalies too.
    pub(crate) fn first_damage(&self) -> Option<Anomaly> {
        self.first_damage.clone()
    }

    /// The anomalies in the order in which they were met, the left-out ones as a number.
    pub(crate) fn into_anomalies(mut self) -> Vec<Anomaly> {
        if self.left_out > 0 {
            self.anomalies.push(Anomaly::new(
                "more-anomalies",
                format!("{} further anomalies are not listed", self.left_out),
            ));
        }
        self.anomalies
    }
}

/// A fault of the bytes in words.
fn fault(code: &str, error: &ParseError) -> Anomaly {
    Anomaly {
        offset: error.offset(),
        ..Anomaly::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anomalies_are_capped_and_the_rest_is_counted() {
        let mut findings = Findings::default();
        for number in 0..150 {
            findings.note(Anomaly::at("odd", number, "odd"));
        }
        assert!(findings.is_complete(), "a note leaves the facts whole");
        let anomalies = findings.into_anomalies();
        assert_eq!(anomalies.len(), MAX_ANOMALIES + 1);
        assert_eq!(anomalies[MAX_ANOMALIES].text, "50 further anomalies are not listed");
    }

    #[test]
    fn only_what_is_kept_is_put_into_words() {
        let mut findings = Findings::default();
        let mut worded = 0;
        for number in 0..1000 {
            findings.note_with(|| {
                worded += 1;
                Anomaly::at("odd", number, "odd")
            });
        }
        assert_eq!(worded, MAX_ANOMALIES);
        for _ in 0..1000 {
            findings.damage_with(|| {
                worded += 1;
                Anomaly::new("bad", "bad")
            });
        }
        assert_eq!(worded, MAX_ANOMALIES + 1, "the first damage is kept apart");
        assert_eq!(
            findings.first_damage().map(|damage| damage.code),
            Some("bad".to_owned())
        );
    }

    #[test]
    fn a_fault_of_the_source_is_never_taken_for_damage() {
        let mut findings = Findings::default();
        let error = ParseError::io("test", 7, &std::io::Error::from_raw_os_error(5));
        assert_eq!(findings.tolerate::<()>("odd", Err(error.clone())), Err(error));
        assert!(findings.is_complete());
        let truncated = ParseError::Truncated {
            what: "test",
            offset: 9,
            need: 2,
            have: 1,
        };
        assert_eq!(findings.tolerate::<()>("cut", Err(truncated)), Ok(None));
        assert!(!findings.is_complete());
        findings.damage(Anomaly::new("more", "damage"));
        let first = findings.first_damage();
        assert_eq!(first.as_ref().and_then(|damage| damage.offset), Some(9));
        assert_eq!(findings.into_anomalies().first(), first.as_ref());
    }
}
