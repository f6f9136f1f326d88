//! The exit statuses: one enum, so that no number stands anywhere else.

/// What the shell is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, and everything could be read: "nothing found" is a proof.
    Complete,
    /// `--fail-on` named a verdict that the report holds. It wins over [`Self::Incomplete`].
    Matched,
    /// Wrong usage, or derelict could not do its work.
    Fatal,
    /// Done, but something could not be read or judged: "nothing found" is no proof.
    Incomplete,
    /// Ended by the user or the system (SIGINT, SIGTERM).
    Interrupted,
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Matched => 1,
            Self::Fatal => 2,
            Self::Incomplete => 3,
            Self::Interrupted => 130,
        }
    }

    /// The status of work that is done: what `--fail-on` found goes before what is missing.
    pub fn of(matched: bool, complete: bool) -> Self {
        match (matched, complete) {
            (true, _) => Self::Matched,
            (false, true) => Self::Complete,
            (false, false) => Self::Incomplete,
        }
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_documentation() {
        let all = [
            ExitStatus::Complete,
            ExitStatus::Matched,
            ExitStatus::Fatal,
            ExitStatus::Incomplete,
            ExitStatus::Interrupted,
        ];
        assert_eq!(all.map(ExitStatus::code), [0, 1, 2, 3, 130]);
    }

    #[test]
    fn a_match_wins_over_an_incomplete_scan() {
        assert_eq!(ExitStatus::of(true, false), ExitStatus::Matched);
        assert_eq!(ExitStatus::of(true, true), ExitStatus::Matched);
        assert_eq!(ExitStatus::of(false, false), ExitStatus::Incomplete);
        assert_eq!(ExitStatus::of(false, true), ExitStatus::Complete);
    }
}
