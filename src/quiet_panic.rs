//! Panics of other people's readers, caught and told in our own words rather than printed with a backtrace.

#![allow(
    clippy::missing_const_for_thread_local,
    reason = "it is const, which the lint does not see on Windows"
)]

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::Once,
};

thread_local! {
    /// A panic of this thread is caught, and told by whoever catches it.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Does something that may panic; `None` when it did. Nothing is printed of that: the hook that prints is left out for this thread
/// and this time, and is as it was for all others.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_TOLD.get() {
                before(panic);
            }
        }));
    });
    let outer = IS_TOLD.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    IS_TOLD.set(outer);
    done.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_the_hook_is_back_after_it() {
        assert_eq!(caught(|| 1), Some(1));
        assert!(!IS_TOLD.get());
        assert_eq!(caught(|| panic!("a reader gives up")), None::<()>);
        assert!(!IS_TOLD.get());
        assert_eq!(caught(|| caught(|| panic!("inside"))), Some(None::<()>));
        assert!(!IS_TOLD.get());
    }

    #[test]
    fn other_threads_keep_their_hook() {
        let seen = caught(|| std::thread::spawn(|| IS_TOLD.get()).join());
        assert!(matches!(seen, Some(Ok(false))));
    }
}
