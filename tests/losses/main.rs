//! Random sites with a known truth, of which knowledge is taken away at random: whatever is lost, no file that somebody needs is
//! called `orphaned`, nor `unregistered` where a registered VM needs it, nor a candidate for reclaim; and on the complete
//! site every leftover is found and nothing that is needed is weaker than owned.
//!
//! A plain `cargo test` runs a fixed set of cases. A failure names its case, made as small as it gets; that one alone runs with
//!
//! ```text
//! LOSSES_CASE=vmware:1234:parts=0,3:losses=1 cargo test --test losses
//! ```
//!
//! `LOSSES_CASES=20000` runs so many of each platform, `LOSSES_FROM=100000` begins at another number, `LOSSES_SHOWN=50` shows more
//! failures than the first few, each of a kind of its own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot set itself up has failed, and one that runs for long says at once what it found"
)]

#[path = "../unreadable/mod.rs"]
mod unreadable;

mod chance;
mod exports;
mod hyperv;
mod hyperv_exports;
mod knowledge;
mod place;
mod plan;
mod site;
mod verdicts;
mod vmware;
mod vmware_exports;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use derelict::kind::Platform;
use plan::{Case, ROUNDS};
use verdicts::{Written, Wrong, run};

/// So many cases of each platform a plain run tries.
const CASES: u64 = 120;

#[test]
fn nothing_that_a_site_of_vmware_needs_is_nobodys_whatever_is_lost() {
    try_all(Platform::Vmware);
}

#[test]
fn nothing_that_a_site_of_hyperv_needs_is_nobodys_whatever_is_lost() {
    try_all(Platform::Hyperv);
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn try_all(platform: Platform) {
    if let Ok(text) = std::env::var("LOSSES_CASE") {
        let case: Case = text.parse().unwrap_or_else(|odd| panic!("{odd}"));
        if case.platform == platform {
            let wrong = run(&case, &mut Written::default());
            let texts: Vec<String> = wrong.into_iter().map(|wrong| wrong.text).collect();
            assert!(texts.is_empty(), "{}", texts.join("\n\n"));
        }
        return;
    }
    let from = number("LOSSES_FROM").unwrap_or_default() / ROUNDS;
    let sites = number("LOSSES_CASES").unwrap_or(CASES).div_ceil(ROUNDS);
    let shown = number("LOSSES_SHOWN").unwrap_or(5);
    let next = AtomicU64::new(from);
    let found: Mutex<BTreeMap<String, (u64, Case, Wrong)>> = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, |many| many.get().min(4)) {
            scope.spawn(|| {
                let mut written = Written::default();
                loop {
                    let site = next.fetch_add(1, Ordering::Relaxed);
                    if site >= from + sites {
                        break;
                    }
                    for round in 0..ROUNDS {
                        let case = Case::new(platform, site * ROUNDS + round);
                        for wrong in run(&case, &mut written) {
                            let mut found = found.lock().unwrap();
                            let one = found.entry(wrong.what.clone()).or_insert_with(|| {
                                eprintln!("{}\n", wrong.text);
                                (0, case.clone(), wrong)
                            });
                            one.0 += 1;
                        }
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let count: u64 = found.values().map(|(count, ..)| count).sum();
    let mut texts = Vec::new();
    for (what, (count, case, wrong)) in found.iter().take(usize::try_from(shown).unwrap_or(usize::MAX)) {
        let smallest = smaller(case, wrong);
        texts.push(format!("{count} times {what}\n{}", smallest.text));
    }
    assert!(
        count == 0,
        "{count} wrong verdicts of {} kinds\n\n{}",
        found.len(),
        texts.join("\n\n")
    );
}

/// The same failure with as few parts and losses as it takes.
fn smaller(case: &Case, wrong: &Wrong) -> Wrong {
    let mut case = case.clone();
    let mut wrong = wrong.clone();
    loop {
        let still = case.smaller().into_iter().find_map(|smaller| {
            let all = run(&smaller, &mut Written::default());
            let same = all.into_iter().find(|other| is_like(other, &wrong));
            same.map(|same| (smaller, same))
        });
        match still {
            Some((smaller, same)) => (case, wrong) = (smaller, same),
            None => return wrong,
        }
    }
}

/// The verdict is the same; of the losses some may be gone.
fn is_like(other: &Wrong, wrong: &Wrong) -> bool {
    let head = |wrong: &Wrong| wrong.what.split(" after ").next().unwrap_or_default().to_owned();
    head(other) == head(wrong)
}
