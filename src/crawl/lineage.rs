//! The folders above a folder: one that leads back to one of them has no end.

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

    /// How far above this folder that one lies, 0 if it is this one; `None` where it is none of them.
    pub(super) fn levels_up_to(&self, identity: Identity) -> Option<usize> {
        std::iter::successors(Some(self), |folder| folder.above.as_deref())
            .position(|folder| folder.identity == identity)
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
    use super::*;

    fn identity(device: u64, inode: u64) -> Identity {
        Identity {
            mount: 1,
            device,
            inode,
        }
    }

    #[test]
    fn a_folder_knows_those_above_it_however_deep_it_lies() {
        let mut folder = Lineage::new(identity(1, 0), None);
        for inode in 1..=1_000_000 {
            folder = Lineage::new(identity(1, inode), Some(folder));
        }
        assert_eq!(folder.levels_up_to(identity(1, 1_000_000)), Some(0));
        assert_eq!(folder.levels_up_to(identity(1, 0)), Some(1_000_000));
        assert_eq!(folder.levels_up_to(identity(2, 0)), None);
        let other_mount = Identity {
            mount: 2,
            ..identity(1, 0)
        };
        assert_eq!(folder.levels_up_to(other_mount), None);
    }
}
