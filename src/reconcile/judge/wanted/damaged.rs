//! Paths of registered VMs that were damaged on their way into an export, and lead nowhere.
//!
//! A text that was read in another encoding than it was written in, a table that was cut at a width, a program for texts that
//! put its own blanks, quotes and dashes in: what is left of the path fits some files and no others. What fits is not judged.
//! A path that was not damaged is compared with nothing but itself: a disk that was deleted makes no other disk somebody's.

use foldhash::HashMap;
use percent_encoding::percent_decode_str;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{
    path::fold,
    raw::RawPath,
    reconcile::{
        files::NodeId,
        judge::{Judge, Judgement, reasons::settled},
    },
    report::codes::{Class, ReasonCode},
};

/// What is missing, by what may be left of its path.
#[derive(Debug)]
pub(in crate::reconcile::judge) struct Damaged<T> {
    /// By root and path, without what programs for texts change.
    plain: HashMap<(usize, String), T>,
    /// With letters outside ASCII, or question marks in their place, by root, with the path.
    encoded: HashMap<usize, Vec<(String, T)>>,
    /// Cut at their ends, by root, with what is left.
    cut: HashMap<usize, Vec<(String, T)>>,
}

impl<T> Default for Damaged<T> {
    fn default() -> Self {
        Self {
            plain: HashMap::default(),
            encoded: HashMap::default(),
            cut: HashMap::default(),
        }
    }
}

/// Most damaged paths of one root that each file is compared with.
const COMPARED_MAX: usize = 4096;

/// Extensions of disks and configurations: a path without one of them was cut.
const EXTENSIONS: [&str; 10] = [
    "vhdx", "avhdx", "vhd", "avhd", "vhds", "vmdk", "vmx", "vmtx", "vmcx", "xml",
];

impl<T: Copy> Damaged<T> {
    /// Notes what is missing at a path of a root.
    pub(in crate::reconcile::judge) fn add(&mut self, root: usize, path: &[u8], missing: T) {
        let path = String::from_utf8_lossy(path);
        let plain = plain(&path);
        if let Some(left) = left_of_cut(&plain) {
            push(&mut self.cut, root, (left.to_owned(), missing));
        }
        if !path.is_ascii() || path.contains('?') {
            push(&mut self.encoded, root, (path.into_owned(), missing));
        }
        self.plain.entry((root, plain)).or_insert(missing);
    }

    /// What is missing and may be at this path, as its own was damaged, and how.
    pub(in crate::reconcile::judge) fn fitting(&self, root: usize, path: &str) -> Option<(T, &'static str)> {
        if self.plain.is_empty() {
            return None;
        }
        let bare = plain(path);
        if let Some(&missing) = self.plain.get(&(root, bare.clone())) {
            return Some((missing, "but for marks and blanks this is its path"));
        }
        let mut cut = self.cut.get(&root).into_iter().flatten();
        if let Some(&(_, missing)) = cut.find(|(left, _)| bare.starts_with(left.as_str())) {
            return Some((
                missing,
                "its path was cut, and that of this begins with what is left of it",
            ));
        }
        let mut encoded = self.encoded.get(&root).into_iter().flatten();
        let &(_, missing) = encoded.find(|(written, _)| is_recoded(written, path))?;
        Some((missing, "in another encoding this may be its path"))
    }
}

fn push<T>(of_roots: &mut HashMap<usize, Vec<T>>, root: usize, item: T) {
    let of_root = of_roots.entry(root).or_default();
    if of_root.len() < COMPARED_MAX {
        of_root.push(item);
    }
}

/// A path without case, marks on letters and the forms of blanks, quotes and dashes: best fits of a code page, and what a
/// program for texts puts in. An address has blanks and letters in hexadecimal.
fn plain(path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let letters = path.nfkd().filter(|letter| !is_combining_mark(*letter));
    let letters = letters.filter_map(|letter| match letter {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        '\u{2018}'..='\u{201b}' | '\u{b4}' | '`' => Some('\''),
        '\u{201c}'..='\u{201f}' => Some('"'),
        letter if letter.is_whitespace() => Some(' '),
        letter => Some(letter),
    });
    fold(&letters.collect::<String>())
}

/// What is left of a path that was cut: its end is a mark of that, or it names no kind of disk.
fn left_of_cut(plain: &str) -> Option<&str> {
    let is_marked = plain.ends_with("...");
    let name = plain.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_whole = extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
    (is_marked || !is_whole).then(|| plain.trim_end_matches(['.', ' ']))
}

/// True for a path as it was written, once read in another encoding: what is of ASCII is the same but for case, and each run of
/// other letters became as many letters as one of its encodings has units, or the marks of lost ones.
fn is_recoded(written: &str, path: &str) -> bool {
    let written: String = written.nfc().collect();
    let path: String = path.nfc().collect();
    let (mut written, mut path) = (written.as_str(), path.as_str());
    let mut letters = OneToOne::default();
    loop {
        let (ascii, rest) = until(written, |letter| letter.is_ascii() && letter != '?');
        let (own_ascii, own_rest) = until(path, |letter| letter.is_ascii() && letter != '?');
        if !ascii.eq_ignore_ascii_case(own_ascii) {
            return false;
        }
        let (run, next) = until(rest, |letter| !letter.is_ascii() || letter == '?');
        let (own_run, own_next) = until(own_rest, |letter| !letter.is_ascii() || letter == '?');
        if run.is_empty() && own_run.is_empty() {
            return rest.is_empty() && own_rest.is_empty();
        }
        if !letters.may_become(own_run, run) {
            return false;
        }
        (written, path) = (next, own_next);
    }
}

/// Divides a text before the first letter that is not such.
fn until(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !is(letter)).unwrap_or(text.len()))
}

/// What single letters became under a code page of one byte for a letter: each always the same, and no two the same.
#[derive(Default)]
struct OneToOne {
    became: HashMap<char, char>,
    was: HashMap<char, char>,
}

/// Letters before this have code pages of one byte for a letter; of later ones (Chinese, Japanese, Korean) a letter has two or
/// three bytes in every encoding.
const SINGLE_BYTES_END: char = '\u{e80}';

impl OneToOne {
    fn may_become(&mut self, run: &str, written: &str) -> bool {
        let (letters, became) = (run.chars().count(), written.chars().count());
        if letters == 0 || became == 0 {
            return false;
        }
        let is_lost = |letter: char| letter == '?' || letter == char::REPLACEMENT_CHARACTER;
        if run == written || written.chars().all(is_lost) {
            return became <= run.len();
        }
        if became != letters {
            return became > letters && became <= run.len();
        }
        let mut pairs = run.chars().zip(written.chars());
        pairs.all(|(letter, became)| {
            letter < SINGLE_BYTES_END
                && *self.became.entry(letter).or_insert(became) == became
                && *self.was.entry(became).or_insert(letter) == letter
        })
    }
}

impl Judge<'_> {
    /// A registered VM has a disk at a path that leads nowhere, and of that path this may be what was meant.
    pub(in crate::reconcile::judge) fn perhaps_damaged_path(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        if !file.kind().is_disk() {
            return None;
        }
        let fitting = self
            .wanted
            .damaged_disks
            .fitting(self.root(node), &file.entry.path.lossy());
        let ((vm, missing), how) = fitting?;
        let text = format!(
            "{} misses {} on {}, and {how}",
            self.owners.vms[vm].name,
            RawPath::new(missing.path.clone()).lossy(),
            self.identities.roots[missing.root].name
        );
        let settles = "the path of that disk as its host has it: export again as UTF-8, and not through a table";
        let reason = settled(ReasonCode::TargetGone, text, settles);
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_another_encoding_is_known_by_its_ascii_and_the_number_of_its_letters() {
        let path = "B\u{fc}ro 1/B\u{fc}ro 1.vhdx";
        for written in [
            "B\u{c3}\u{bc}ro 1/B\u{c3}\u{bc}ro 1.vhdx",
            "B\u{b3}ro 1/b\u{b3}ro 1.VHDX",
            "B?ro 1/B\u{fffd}ro 1.vhdx",
            "B??ro 1/B\u{fffd}\u{fffd}ro 1.vhdx",
        ] {
            assert!(is_recoded(written, path), "{written}");
        }
        for written in [
            "B\u{c3}\u{bc}ro 1/B\u{c3}\u{bc}ro 2.vhdx",
            "B\u{e4}ro 1/B\u{f6}ro 1.vhdx",
            "Bro 1/Bro 1.vhdx",
            "B\u{c3}\u{bc}\u{bc}ro 1/B\u{c3}\u{bc}ro 1.vhdx",
            "B\u{c3}\u{bc}ro 1/B\u{c3}\u{bc}ro 1.vhd",
        ] {
            assert!(!is_recoded(written, path), "{written}");
        }
        // UTF-8 read as code page 932, and two names of one length.
        let data = "\u{30c7}\u{30fc}\u{30bf}.vhdx";
        assert!(is_recoded("\u{7e5d}\u{30fb}\u{30fb}\u{7e67}\u{ff7f}.vhdx", data));
        assert!(!is_recoded("\u{30e1}\u{30fc}\u{30eb}.vhdx", data));
        assert!(!is_recoded(
            "\u{442}\u{435}\u{441}\u{442}",
            "\u{444}\u{430}\u{439}\u{43b}"
        ));
    }

    #[test]
    fn marks_and_blanks_of_programs_for_texts_do_not_count() {
        assert_eq!(plain("B\u{fc}ro\u{a0}1\u{2013}a"), plain("buro 1-a"));
        assert_eq!(plain("a%20b"), plain("a b"));
        assert_ne!(plain("a1"), plain("a 1"));
    }

    #[test]
    fn a_path_that_names_no_disk_was_cut() {
        assert_eq!(left_of_cut("web/we..."), Some("web/we"));
        assert_eq!(left_of_cut("web/web.vh"), Some("web/web.vh"));
        assert_eq!(left_of_cut("web"), Some("web"));
        assert_eq!(left_of_cut(""), Some(""));
        assert_eq!(left_of_cut("web/web.vhdx"), None);
    }
}
