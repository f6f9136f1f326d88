//! Sets of one or two things, of which there are as many as files.

use std::ops::Deref;

/// Things in order, each once. A tree has room for eleven however few they are: of owners that is half a kilobyte.
#[derive(Debug, Clone)]
pub(crate) struct SmallSet<T>(Vec<T>);

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> SmallSet<T> {
    pub(super) fn insert(&mut self, item: T) {
        if let Err(place) = self.0.binary_search(&item) {
            if self.0.is_empty() {
                self.0.reserve_exact(1);
            }
            self.0.insert(place, item);
        }
    }
}

impl<T> Deref for SmallSet<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> Extend<T> for SmallSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.insert(item));
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::default();
        set.extend(items);
        set
    }
}

impl<T> IntoIterator for SmallSet<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_in_order_and_once_however_they_come() {
        let mut set: SmallSet<_> = ["b", "a", "c", "a", "b"].into_iter().collect();
        assert_eq!(*set, ["a", "b", "c"]);
        set.extend(["0", "c", "d"]);
        assert_eq!(*set, ["0", "a", "b", "c", "d"]);
    }
}
