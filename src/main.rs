//! `derelict`: parses the arguments, runs, prints the chain of an error, ends with the exit status.

use std::{
    io::{BufWriter, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use derelict::{
    cli::Cli,
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    interrupt::{Answer, Stop},
    output,
    run::{self, Console},
    sanitize, signals,
};

/// A large site is millions of small texts that are made on one thread and dropped on another: with glibc's allocator its report
/// takes a quarter longer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    output::take_limits_as_errors();
    let stop = match cli.messages.patience {
        Some(milliseconds) => Stop::with_patience(Duration::from_millis(milliseconds)),
        None => Stop::default(),
    };
    let status = catch_interrupt(stop.clone())
        .and_then(|()| {
            let done = work(&cli, stop);
            output::wait_if_abandoned();
            done
        })
        .unwrap_or_else(|error| {
            // A closed standard error leaves nobody to tell.
            let message = format!("derelict: {}\n", error.chain());
            let _ = output::Messages::default().write_all(message.as_bytes());
            ExitStatus::Fatal
        });
    status.into()
}

fn work(cli: &Cli, stop: Stop) -> Result<ExitStatus> {
    let stdout = std::io::stdout();
    let width = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let mut stream = BufWriter::new(stdout.lock());
    let mut file = output::standard_output(cli.io_timeout(), stop.clone())
        .map_err(|error| ToolError::new(ErrorKind::Output, "standard output cannot be written").because(error))?;
    let mut messages = output::Messages::default();
    let status = run::run(
        cli,
        &mut Console {
            out: match &mut file {
                Some(file) => file,
                None => &mut stream,
            },
            messages: &mut messages,
            width: width.map(|(width, _)| width.0),
            colour: stdout.is_terminal() && wants_colour(),
            stop: stop.clone(),
        },
    )?;
    match file {
        // Some storage says only now that it is full. Who asks for the end does not wait for the disk.
        Some(file) if !stop.is_asked() => file.close().arrive().map(|()| status).map_err(|error| {
            ToolError::new(ErrorKind::Output, "standard output is not whole on the disk").because(error)
        }),
        _ => Ok(status),
    }
}

/// <https://no-color.org>: set, and not empty, it forbids colours. A dumb terminal shows none.
fn wants_colour() -> bool {
    let is =
        |name: &str, forbids: fn(&std::ffi::OsStr) -> bool| std::env::var_os(name).is_some_and(|value| forbids(&value));
    !is("NO_COLOR", |value| !value.is_empty()) && !is("TERM", |value| value == "dumb")
}

/// How long what is left to do after the reading may take once somebody wants to end.
const MOMENT: Duration = Duration::from_secs(10);

/// The first interrupt asks a crawl to end with what it has, and a judgement to end soon. Where all is read already, what comes of
/// it is finished if that takes no longer than a moment. The second one, and one where nothing is read yet, ends the process.
fn catch_interrupt(stop: Stop) -> Result<()> {
    signals::on_interrupt(move || match stop.ask() {
        Answer::Ends => tell(
            "what was read so far is judged and written, or only written where judging takes long; once more ends at once",
        ),
        Answer::Finishes => {
            let moment = MOMENT.as_secs();
            tell(&format!(
                "all was read, and the rest is finished, without a verdict where judging takes long, if it takes no longer \
                 than {moment} s; once more ends at once"
            ));
            // Without a thread for it the user has to ask once more.
            let _ = std::thread::Builder::new().spawn(|| {
                std::thread::sleep(MOMENT);
                end()
            });
        }
        Answer::Nothing => end(),
    })
    .map_err(|error| ToolError::new(ErrorKind::System, "an interrupt cannot be caught").because(error))
}

/// Ends the process at once, and says what there is of it.
fn end() -> ! {
    let written = output::abandon();
    if written.is_empty() {
        tell(
            "ended at once without a report; `collect` keeps what it reads as it goes, and `report` judges that without \
             reading again",
        );
    } else {
        let names: Vec<_> = written.iter().map(|path| sanitize::os_path(path)).collect();
        tell(&format!(
            "ended at once; written is {} and nothing else",
            names.join(", ")
        ));
    }
    std::process::exit(ExitStatus::Interrupted.code().into())
}

/// How long somebody may take to read what is said to an interrupt: one who reads nothing does not keep the next from being heard.
const PATIENCE: Duration = Duration::from_millis(500);

fn tell(what: &str) {
    let line = format!("derelict: interrupted: {what}\n");
    // A closed standard error leaves nobody to tell.
    let _ = output::ask(PATIENCE, move || std::io::stderr().write_all(line.as_bytes()));
}
