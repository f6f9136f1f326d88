//! The signals by which a user, or the machine, asks for the end.

use std::io;

/// Calls this on a thread of its own for every Ctrl-C, and on Unix for SIGTERM and SIGHUP too. A SIGHUP that was ignored when the
/// process was started stays ignored: `nohup` says so that the run is to outlive its terminal.
///
/// # Errors
/// When the system refuses a signal or a thread.
#[cfg(unix)]
pub fn on_interrupt(mut asked: impl FnMut() + Send + 'static) -> io::Result<()> {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };

    let hang_up = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hang_up))?;
    let listen = move || signals.forever().for_each(|_| asked());
    std::thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    Ok(())
}

/// The same elsewhere: Ctrl-C, and the closing of the window.
///
/// # Errors
/// When the system refuses a handler.
#[cfg(not(unix))]
pub fn on_interrupt(asked: impl FnMut() + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(asked).map_err(io::Error::other)
}

/// What Linux tells of a process has one line for each of some sixty facts.
#[cfg(unix)]
const MOST_STATUS_BYTES: u64 = 64 << 10;

/// True for a signal that this process ignores, as Linux tells it (proc(5), `SigIgn`: the lowest bit is that of signal 1); false
/// where nobody tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let mut status = String::new();
    if let Ok(file) = std::fs::File::open("/proc/self/status") {
        // What is not told is not known.
        let _ = io::Read::read_to_string(&mut io::Read::take(file, MOST_STATUS_BYTES), &mut status);
    }
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal.saturating_sub(1)).ok();
    let rest = mask.zip(bit).and_then(|(mask, bit)| mask.checked_shr(bit));
    rest.is_some_and(|rest| rest & 1 == 1)
}
