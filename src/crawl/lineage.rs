//! The folders above a folder: one that is one of them again has no end.

use std::sync::Arc;

use super::dir::Identity;

/// A folder and all above it.
#[derive(Debug)]
pub(super) struct Lineage {
    identity: Identity,
    above: Option<Arc<Lineage>>,
}

impl Lineage {
    /// That of a folder below others.
    pub(super) fn new(identity: Identity, above: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { identity, above })
    }

    /// True for this folder and those above it.
    pub(super) fn holds(&self, identity: Identity) -> bool {
        std::iter::successors(Some(self), |folder| folder.above.as_deref()).any(|folder| folder.identity == identity)
    }
}

impl Drop for Lineage {
    /// One after the other: folders may lie deeper than a stack is.
    fn drop(&mut self) {
        let mut above = self.above.take();
        while let Some(mut folder) = above.and_then(Arc::into_inner) {
            above = folder.above.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::crawl::dir::FileTime;

    fn identity(device: u64, inode: u64) -> Identity {
        let time = FileTime::from(Timestamp::UNIX_EPOCH);
        Identity {
            mount: 1,
            device,
            inode,
            modified: time,
            changed: time,
        }
    }

    #[test]
    fn a_folder_knows_those_above_it_however_deep_it_lies() {
        let mut folder = Lineage::new(identity(1, 0), None);
        for inode in 1..=1_000_000 {
            folder = Lineage::new(identity(1, inode), Some(folder));
        }
        assert!(folder.holds(identity(1, 1_000_000)) && folder.holds(identity(1, 0)));
        let later = FileTime::from(Timestamp::MAX);
        for other in [
            identity(2, 0),
            Identity {
                mount: 2,
                ..identity(1, 0)
            },
            Identity {
                changed: later,
                ..identity(1, 0)
            },
            Identity {
                modified: later,
                ..identity(1, 0)
            },
        ] {
            assert!(!folder.holds(other), "{other:?}");
        }
    }
}
