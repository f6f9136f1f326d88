//! Each subcommand from its arguments to its exit status.
//!
//! Everything here is wiring: what is asked for is resolved first ([`crate::config`]), the stages are called in their
//! order, and what they return is written. A reader that closes standard output early ends the writing, not the run.

mod explain;
mod files;
mod judge;
mod saved_report;
mod scan;
mod show;

use std::{
    io::{self, Write},
    time::Duration,
};

use clap::CommandFactory;

use crate::{
    cli::{Cli, Command},
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    interrupt::Stop,
    report::{json, schema},
};

/// Where results and messages go.
#[expect(missing_debug_implementations, reason = "writers have none")]
pub struct Console<'a> {
    /// The result, nothing else.
    pub out: &'a mut dyn Write,
    /// Messages for people.
    pub messages: &'a mut dyn Write,
    /// Columns of the terminal that `out` is; `None` where it is none.
    pub width: Option<u16>,
    /// `out` is a terminal that shows colours, and the user has nothing against them.
    pub colour: bool,
    /// How the user ends a long job early.
    pub stop: Stop,
}

/// Runs one subcommand.
///
/// # Errors
/// When derelict could not do its work.
pub fn run(cli: &Cli, console: &mut Console<'_>) -> Result<ExitStatus> {
    let messages = cli.messages;
    match &cli.command {
        Command::Scan(arguments) => scan::scan(arguments, messages, console),
        Command::Collect(arguments) => scan::collect_only(arguments, messages, console),
        Command::Report(arguments) => scan::report(arguments, messages, console),
        Command::Inspect(arguments) => files::inspect(arguments, messages, console),
        Command::Inventory(arguments) => files::inventory(arguments, console),
        Command::Explain(arguments) => explain::run(arguments, console),
        Command::Schema => {
            console.print(|out| json::document(&schema::schema(), out))?;
            Ok(ExitStatus::Complete)
        }
        Command::Completions { shell } => {
            let mut completions = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "derelict", &mut completions);
            console.print(|out| out.write_all(&completions))?;
            Ok(ExitStatus::Complete)
        }
        Command::Man => {
            console.print(man)?;
            Ok(ExitStatus::Complete)
        }
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// The page of derelict, and behind it those of its subcommands: one file for `man`.
fn man(out: &mut dyn Write) -> io::Result<()> {
    let command = Cli::command();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let page = clap_mangen::Man::new(subcommand.clone());
        writeln!(out, ".SH \"DERELICT {}\"", subcommand.get_name().to_uppercase())?;
        page.render_synopsis_section(out)?;
        page.render_description_section(out)?;
        page.render_options_section(out)?;
    }
    Ok(())
}

impl Console<'_> {
    /// Writes to standard output. That the reader has closed it is no error.
    fn print(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = write(self.out).and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(ToolError::new(ErrorKind::Output, "standard output cannot be written").because(error)),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a line for people. Where nobody listens nothing is lost.
    fn tell(&mut self, line: &str) {
        // The result does not depend on it.
        let _ = self.messages.write_all(format!("derelict: {line}\n").as_bytes());
    }

    fn tell_errors(&mut self, errors: &[ToolError]) {
        for error in errors {
            self.tell(&error.chain());
        }
    }
}
