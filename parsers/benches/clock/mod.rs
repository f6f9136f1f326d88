//! Processor time of this thread, which other work on the machine does not lengthen as it does that on the wall.

/// Seconds that this thread has computed, those in the kernel included.
#[cfg(unix)]
fn computed() -> f64 {
    use rustix::time::{ClockId, clock_gettime};

    std::time::Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).map_or(0.0, |time| time.as_secs_f64())
}

/// Seconds since the first call: where the time that a thread computed is not at hand.
#[cfg(not(unix))]
fn computed() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

/// What a run of each takes in seconds: the best of `rounds` in turn, in each of which every one runs `repeats` times.
pub(crate) fn best_in_turn<const N: usize>(rounds: usize, repeats: u32, runs: [&dyn Fn(); N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    for _ in 0..rounds {
        for (best, run) in best.iter_mut().zip(runs) {
            let begin = computed();
            (0..repeats).for_each(|_| run());
            *best = best.min((computed() - begin) / f64::from(repeats));
        }
    }
    best
}

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "a bench tells its result")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
