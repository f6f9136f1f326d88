//! `derelict`: parses the arguments, runs, prints the chain of an error, ends with the exit status.

use std::{
    io::{BufWriter, IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;
use derelict::{
    cli::Cli,
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    interrupt::Stop,
    output,
    run::{self, Console},
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    output::take_limits_as_errors();
    let stop = Stop::default();
    let status = catch_interrupt(stop.clone())
        .and_then(|()| work(&cli, stop))
        .unwrap_or_else(|error| {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "derelict: {}", error.chain());
            ExitStatus::Fatal
        });
    status.into()
}

fn work(cli: &Cli, stop: Stop) -> Result<ExitStatus> {
    let stdout = std::io::stdout();
    let width = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let mut out = BufWriter::new(stdout.lock());
    let mut messages = std::io::stderr();
    run::run(
        cli,
        &mut Console {
            out: &mut out,
            messages: &mut messages,
            width: width.map(|(width, _)| width.0),
            colour: stdout.is_terminal() && wants_colour(),
            stop,
        },
    )
}

/// <https://no-color.org>: set, and not empty, it forbids colours. A dumb terminal shows none.
fn wants_colour() -> bool {
    let is =
        |name: &str, forbids: fn(&std::ffi::OsStr) -> bool| std::env::var_os(name).is_some_and(|value| forbids(&value));
    !is("NO_COLOR", |value| !value.is_empty()) && !is("TERM", |value| value == "dumb")
}

/// The first interrupt asks a crawl to end with what it has; where there is none, and at the second, the process ends.
fn catch_interrupt(stop: Stop) -> Result<()> {
    ctrlc::set_handler(move || {
        if stop.ask() {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(
                std::io::stderr(),
                "derelict: interrupted: what was read so far is judged and written; once more ends at once"
            );
            return;
        }
        output::abandon();
        std::process::exit(ExitStatus::Interrupted.code().into());
    })
    .map_err(|error| ToolError::new(ErrorKind::System, "an interrupt cannot be caught").because(error))
}
