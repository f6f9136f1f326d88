//! Looks for the lines of a log that tell something.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, Input, MatchKind};
use memchr::{memchr, memrchr};

/// What begins a line of the configuration.
const DICTIONARY: &[u8] = b"DICT ";

/// Words that are looked for by two letters of theirs that hardly stand elsewhere in a log.
pub(super) struct Pair {
    pub(super) letters: [u8; 2],
    /// Where the letters stand in each of the words.
    pub(super) at: usize,
    /// The words, with what the rest of their line tells; where one begins with another, the longer comes first.
    pub(super) words: &'static [(&'static [u8], Word)],
}

/// All words. None has a part in common with another but the one that it begins with.
pub(super) const PAIRS: &[Pair] = &[
    Pair {
        letters: *b"CT",
        at: 2,
        words: &[
            (b"DICT --- CONFIGURATION ", Word::Configuration),
            (DICTIONARY, Word::Dictionary),
        ],
    },
    Pair {
        letters: *b"K:",
        at: 3,
        words: &[(b"DISK: ", Word::Disk)],
    },
    Pair {
        letters: *b"-U",
        at: 4,
        words: &[(b"BIOS-UUID is ", Word::BiosUuid)],
    },
    Pair {
        letters: *b"tn",
        at: 3,
        words: &[(b"Hostname=", Word::Host)],
    },
    Pair {
        letters: *b"HO",
        at: 0,
        words: &[(b"HOST sysname ", Word::OldHost)],
    },
    Pair {
        letters: *b"tc",
        at: 16,
        words: &[(b"Content ID mismatch", Word::Mismatch)],
    },
    Pair {
        letters: *b"h:",
        at: 5,
        words: &[(b"Attach: the capacity of each link is different", Word::Capacity)],
    },
    Pair {
        letters: *b"-C",
        at: 7,
        words: &[(b"DISKLIB-CHAIN : \"", Word::Chain)],
    },
    Pair {
        letters: *b"Fa",
        at: 0,
        words: &[(b"Failed to open '", Word::NotOpened)],
    },
    Pair {
        letters: *b"cS",
        at: 20,
        words: &[(b"Transitioned vmx/execState/val to poweredOn", Word::PoweredOn)],
    },
    Pair {
        letters: *b"X_",
        at: 2,
        words: &[(b"VMX_PowerOn: VMX build", Word::PowerOn)],
    },
    Pair {
        letters: *b"X ",
        at: 2,
        words: &[
            (b"VMX idle exit", Word::Exit),
            (b"VMX exit (", Word::Exit),
            (b"VMX exit.", Word::Exit),
        ],
    },
];

/// Finds the letters of all words at once: nearly all lines have none, and a log has thousands. The search goes by
/// vectors, and twice as fast for two letters as for four.
#[expect(
    clippy::expect_used,
    reason = "a few pairs of letters are far from every limit of the search"
)]
static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(PAIRS.iter().map(|pair| pair.letters))
        .expect("a few pairs of letters make a search")
});

/// What a word tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Configuration,
    Dictionary,
    Disk,
    BiosUuid,
    Host,
    OldHost,
    Mismatch,
    Capacity,
    Chain,
    NotOpened,
    PoweredOn,
    PowerOn,
    Exit,
}

/// The lines of a text that hold one of the words: the first of these, what follows it, and the line.
pub(super) struct Words<'a> {
    text: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// What stands before the word in the line before, where that is one of the configuration.
    before: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            before: &[],
        }
    }

    /// The next word, and where it stands. Words have no part in common, so the first letters are those of the first word.
    fn next_word(&self) -> Option<(Word, Range<usize>)> {
        let mut at = self.at;
        loop {
            let found = SEARCH.find(Input::new(self.text).range(at..))?;
            let pair = PAIRS.get(found.pattern().as_usize())?;
            let start = found.start().saturating_sub(pair.at);
            let text = self.text.get(start..)?;
            if let Some(&(word, kind)) = pair.words.iter().find(|(word, _)| text.starts_with(word)) {
                return Some((kind, start..start.saturating_add(word.len())));
            }
            at = found.start().saturating_add(1);
        }
    }

    /// The next line, where it is of the configuration as the one before and begins with the same: hundreds of these
    /// follow each other, and are not worth a search each.
    fn next_of_configuration(&mut self) -> Option<(Word, &'a [u8], &'a [u8])> {
        if self.before.is_empty() {
            return None;
        }
        let lines = self.text.get(self.at..)?;
        let entry = lines.strip_prefix(self.before)?.strip_prefix(DICTIONARY)?;
        if entry.starts_with(b"--- ") {
            return None;
        }
        let length = memchr(b'\n', entry).unwrap_or(entry.len());
        let (rest, after) = entry.split_at_checked(length)?;
        let line = lines.get(..lines.len().checked_sub(after.len())?)?;
        self.at = self
            .at
            .saturating_add(line.len())
            .saturating_add(1)
            .min(self.text.len());
        Some((Word::Dictionary, rest.trim_ascii_end(), line.trim_ascii_end()))
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = (Word, &'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(next) = self.next_of_configuration() {
            return Some(next);
        }
        loop {
            let (word, found) = self.next_word()?;
            let (before, behind) = self.text.split_at_checked(found.start)?;
            let start = memrchr(b'\n', before).map_or(0, |end| end.saturating_add(1));
            let end = memchr(b'\n', behind).map_or(self.text.len(), |length| before.len().saturating_add(length));
            self.at = end.saturating_add(1).min(self.text.len());
            let line = self.text.get(start..end)?.trim_ascii_end();
            self.before = match word {
                Word::Dictionary => self.text.get(start..found.start).unwrap_or_default(),
                _ => &[],
            };
            // A word whose last blank was the end of the line tells nothing.
            if let Some(rest) = line.get(found.end.saturating_sub(start)..) {
                return Some((word, rest, line));
            }
        }
    }
}
