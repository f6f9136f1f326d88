//! The tool's own error: "derelict could not do its work".
//!
//! What is wrong with the data is never an error but an issue, a reason or a problem of the report. Display prints one
//! level; [`ToolError::chain`] gives all of them, which `main` prints, one cause a line.

use std::{error::Error as StdError, fmt::Write as _, path::Path};

use crate::sanitize;

/// What kind of work could not be done. All of them end with exit status 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the user typed cannot be meant.
    Usage,
    /// A root is not there or is no folder.
    Root,
    /// An inventory was not understood.
    Inventory,
    /// A rule file was not understood.
    Rules,
    /// A saved catalogue was not understood.
    Catalogue,
    /// A saved report was not understood.
    Report,
    /// An output could not be written, or must not be.
    Output,
    /// A file that the user named could not be read.
    Input,
    /// The machine refused something else: threads, signals.
    System,
}

/// Why derelict could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct ToolError {
    kind: ErrorKind,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ToolError {
    /// An error without a deeper cause.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
            source: None,
        }
    }

    /// An error about a path, which is escaped.
    pub fn at(kind: ErrorKind, path: &Path, what: &str) -> Self {
        Self::new(kind, format!("{}: {what}", sanitize::os_path(path)))
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of work could not be done.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and its causes, one a line, escaped for a terminal.
    pub fn chain(&self) -> String {
        let mut text = sanitize::message(&self.context).into_owned();
        let mut next = self.source();
        while let Some(cause) = next {
            let line = cause.to_string();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  because {}", sanitize::message(&line));
            next = cause.source();
        }
        text
    }
}

/// Result of everything that can end the run.
pub type Result<T> = std::result::Result<T, ToolError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_level_and_the_chain_is_all() {
        let error = ToolError::at(ErrorKind::Output, Path::new("out.json"), "cannot be written")
            .because(std::io::Error::other("disk full"));
        assert_eq!(error.to_string(), "out.json: cannot be written");
        assert_eq!(error.chain(), "out.json: cannot be written\n  because disk full");
        assert_eq!(error.kind(), ErrorKind::Output);
    }

    #[test]
    fn the_chain_escapes_what_comes_from_outside() {
        let error = ToolError::new(ErrorKind::Input, "a\x1b[31mb").because("c\nd");
        assert_eq!(error.chain(), "a\\u{1b}[31mb\n  because c\\u{a}d");
    }
}
