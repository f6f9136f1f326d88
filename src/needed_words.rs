//! Words that a text has to hold before a glob can match it. To search a text once for the words of all globs costs much
//! less than to ask each glob.

use aho_corasick::{AhoCorasick, BuildError};

/// Shortest word that is searched for: shorter ones stand in nearly every path.
const WORD_BYTES_MIN: usize = 3;

/// Most globs that the alternatives of one are taken apart into.
const ALTERNATIVES_MAX: usize = 64;

/// The words of several sets of globs. A set whose globs do not all need a word is asked about every text.
#[derive(Debug, Default)]
pub(crate) struct NeededWords {
    /// `None` where no set has words.
    search: Option<AhoCorasick>,
    /// For each word the set that it is of.
    set_of: Vec<usize>,
    /// For each set whether it has to be asked about every text.
    always: Vec<bool>,
}

impl NeededWords {
    /// The words of these sets.
    ///
    /// # Errors
    /// When there are too many to be searched for.
    pub(crate) fn new<'a>(sets: impl Iterator<Item = &'a [String]>) -> Result<Self, BuildError> {
        let mut needed = Self::default();
        let mut words = Vec::new();
        for (set, globs) in sets.enumerate() {
            let of_set: Option<Vec<Vec<String>>> = globs.iter().map(|glob| words_of(glob)).collect();
            needed.always.push(of_set.is_none());
            for word in of_set.into_iter().flatten().flatten() {
                words.push(word);
                needed.set_of.push(set);
            }
        }
        if !words.is_empty() {
            // As the globs do: case counts for ASCII alone.
            needed.search = Some(AhoCorasick::builder().ascii_case_insensitive(true).build(words)?);
        }
        Ok(needed)
    }

    /// The sets of which a word stands in a text, each at least once.
    pub(crate) fn found_in(&self, text: &str) -> Vec<usize> {
        let found = self.search.iter().flat_map(|search| search.find_overlapping_iter(text));
        let sets = found.filter_map(|word| self.set_of.get(word.pattern().as_usize()));
        sets.copied().collect()
    }

    /// False where no glob of a set can match the text in which these sets were found.
    pub(crate) fn may_match(&self, set: usize, found: &[usize]) -> bool {
        self.always.get(set).is_none_or(|always| *always) || found.contains(&set)
    }
}

/// Words of which every text that the glob matches holds one; `None` where that is not known.
fn words_of(glob: &str) -> Option<Vec<String>> {
    let longest = |glob: String| {
        let words = glob.split(['*', '?', '/']);
        let longest = words.max_by_key(|word| word.len())?;
        (longest.len() >= WORD_BYTES_MIN).then(|| longest.to_owned())
    };
    without_alternatives(glob)?.into_iter().map(longest).collect()
}

/// The globs that a glob with alternatives stands for; `None` for one that has classes, escapes, alternatives within
/// alternatives, or very many.
fn without_alternatives(glob: &str) -> Option<Vec<String>> {
    if glob.contains(['[', '\\']) {
        return None;
    }
    let mut globs = vec![String::new()];
    let mut rest = glob;
    while let Some((before, behind)) = rest.split_once('{') {
        let (alternatives, behind) = behind.split_once('}')?;
        if alternatives.contains('{') {
            return None;
        }
        globs = globs
            .iter()
            .flat_map(|start| alternatives.split(',').map(move |end| [start, before, end].concat()))
            .take(ALTERNATIVES_MAX + 1)
            .collect();
        if globs.len() > ALTERNATIVES_MAX {
            return None;
        }
        rest = behind;
    }
    for glob in &mut globs {
        glob.push_str(rest);
    }
    Some(globs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_of_each_alternative_is_needed() {
        for (glob, needed) in [
            ("**/Hyper-V Replica/**", &["Hyper-V Replica"][..]),
            ("stats.db*", &["stats.db"]),
            ("**/*.{vsc,pdk}", &[".vsc", ".pdk"]),
            ("**/{,my}{-,}disks/*.x", &["-disks", "disks", "my-disks", "mydisks"]),
        ] {
            assert_eq!(words_of(glob).unwrap(), needed, "{glob}");
        }
    }

    #[test]
    fn a_glob_without_a_certain_word_is_asked_about_every_text() {
        for glob in ["**", "*.{a,b}", "[abc]def", r"a\*bcd", "{{abc,def},ghi}", "a?b?c"] {
            assert_eq!(words_of(glob), None, "{glob}");
        }
        let many = "{a,b}".repeat(7) + "word";
        assert_eq!(words_of(&many), None);
    }

    #[test]
    fn a_set_is_left_out_only_where_no_word_of_it_stands() {
        let sets = [
            vec!["**/*.cim".to_owned(), "fcd/**".to_owned()],
            vec!["**".to_owned()],
            Vec::new(),
        ];
        let needed = NeededWords::new(sets.iter().map(Vec::as_slice)).unwrap();
        let may = |text: &str| {
            let found = needed.found_in(text);
            (0..3).map(|set| needed.may_match(set, &found)).collect::<Vec<_>>()
        };
        assert_eq!(may("a/B.CIM"), [true, true, false]);
        assert_eq!(may("FCD/x.vmdk"), [true, true, false]);
        assert_eq!(may("a/b.vmdk"), [false, true, false]);
    }
}
