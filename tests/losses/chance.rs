//! Seeded choices: the same seed makes the same site and the same losses on every machine.

/// Numbers that look random and follow from a seed.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Choices of one thing of a case, apart from those of every other thing.
    pub(crate) fn of(seed: u64, what: &str) -> Self {
        Self(hash(seed, what))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end.max(1)).unwrap_or_default()
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Which of these names a loss hits. That other names come or go changes nothing as long as this one stays, so that a case can
/// be made smaller.
pub(crate) fn chosen<T>(seed: u64, of: Vec<T>, name: impl Fn(&T) -> String) -> Option<T> {
    of.into_iter().min_by_key(|one| hash(seed, &name(one)))
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

fn hash(seed: u64, text: &str) -> u64 {
    let start = mixed(seed.wrapping_add(0x9E37_79B9_7F4A_7C15));
    text.bytes()
        .fold(start, |hash, byte| mixed(hash ^ u64::from(byte)).wrapping_add(1))
}
