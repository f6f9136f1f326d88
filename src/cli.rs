//! The command line as the user types it, and nothing else: [`crate::config`] makes sense of it.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde::{Deserialize, de::value::StrDeserializer};

use crate::{
    inventory::{ColumnMap, InventoryArgument},
    report::{Format, filter::Filter, model::Verdict},
    saved_file::IO_TIMEOUT,
};

const AFTER_HELP: &str = "\
Exit status: 0 done and complete; 1 --fail-on matched; 2 usage or fatal error; 3 done, but something could not be read \
or judged, so that \"nothing found\" is no proof; 130 interrupted.";

/// Finds the disks and configuration files on VM datastores that belong to no VM, and proves it.
///
/// derelict reads the files themselves, builds the graph of who references what, and holds it against inventories that
/// vCenter, ESXi or Hyper-V exported. It opens files for reading only and writes nothing but the outputs it is told to.
#[derive(Debug, Parser)]
#[command(name = "derelict", version, after_help = AFTER_HELP, infer_long_args = false, max_term_width = 120)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What is said besides the result.
    #[command(flatten)]
    pub messages: MessageArgs,
}

impl Cli {
    /// Longest wait for one answer of storage.
    pub fn io_timeout(&self) -> Duration {
        let seconds = match &self.command {
            Command::Scan(arguments) => arguments.crawl.io_timeout,
            Command::Collect(arguments) => arguments.crawl.io_timeout,
            Command::Report(arguments) => arguments.io_timeout,
            Command::Inventory(arguments) => arguments.io_timeout,
            Command::Explain(arguments) => arguments.io_timeout,
            Command::Inspect(_) | Command::Schema | Command::Completions { .. } | Command::Man => return IO_TIMEOUT,
        };
        Duration::from_secs(seconds.into())
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Crawl datastores, hold them against inventories, and report what belongs to nobody
    Scan(ScanArgs),
    /// Crawl and read only, and save what was found for `report`
    Collect(CollectArgs),
    /// Report from saved catalogues of one or many machines, as `scan` does, or show a saved report in another form
    Report(ReportArgs),
    /// Print everything that the parsers read from files
    Inspect(FilesArgs),
    /// Print what was understood of exported inventories
    Inventory(InventoryArgs),
    /// Print why a file got its verdict, and what would change it
    Explain(ExplainArgs),
    /// Print the JSON Schema of the report
    Schema,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// What is said besides the result, on standard error.
#[derive(Debug, Clone, Copy, Args)]
pub struct MessageArgs {
    /// No messages but errors, no progress
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// List every file and every verdict in the table, with the evidence of every problem, instead of one screen; with
    /// `inspect` every key, long lists and long values
    #[arg(long, global = true)]
    pub verbose: bool,
    /// No progress, not even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// In which form progress is told [default: a line on a terminal, nothing elsewhere]
    ///
    /// `json` is for programs: one object a line on standard error, at least every second, each with the schema
    /// derelict/progress/1. Other lines there begin with `derelict:`.
    #[arg(long, global = true, value_name = "FORM", conflicts_with_all = ["no_progress", "quiet"])]
    pub progress: Option<ProgressForm>,
    /// Milliseconds after an interrupt that what was read may be judged, for tests
    #[arg(long, global = true, hide = true, value_name = "MILLISECONDS")]
    pub patience: Option<u64>,
}

/// A form of progress that has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressForm {
    /// One JSON object a line.
    Json,
}

/// `derelict scan`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// What to crawl.
    #[command(flatten)]
    pub crawl: CrawlArgs,
    /// What to hold it against.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// What to show.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Add the BLAKE3 hash of every orphaned and unregistered file
    #[arg(long)]
    pub hash: bool,
}

/// `derelict collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// What to crawl.
    #[command(flatten)]
    pub crawl: CrawlArgs,
    /// Where to save the catalogue
    ///
    /// Until it is complete it lies beside that as FILE.partial.catalogue, which `report` reads too: what it does not hold is
    /// named, and nothing that this could concern is called orphaned.
    #[arg(short, long, value_name = "FILE.catalogue")]
    pub output: PathBuf,
    /// Go on where an earlier run left off: with what it did not come to, or what the storage refused it
    ///
    /// Of a run that was ended early or killed, that is the FILE.partial.catalogue which it left. Of one that came to its end it
    /// is FILE.catalogue: the folders of every place that gave no answer or an error are read again, and the file is replaced
    /// when that is done. Give the same roots, --exclude and --cross-file-systems as that run had. Other folders are not read
    /// again.
    #[arg(long)]
    pub resume: bool,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
}

/// `derelict report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Catalogues that `collect` saved, or one report that was saved with -o REPORT.json
    ///
    /// A saved report is not judged again: it is shown in other forms.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What to hold them against.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// What to show.
    #[command(flatten)]
    pub show: ShowArgs,
    /// Write what the catalogues and inventories say as Parquet tables to this folder, to be queried with any engine
    ///
    /// Facts only, no verdicts. docs/sql describes the tables and has queries for them.
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "FOLDER", conflicts_with = "redact")]
    pub parquet: Option<PathBuf>,
    /// Longest wait for one answer of the storage of what is read and written
    ///
    /// A catalogue or inventory without an answer is given up and reported, where there is another catalogue; without that of
    /// rules, of a report or of an output the run ends with status 2.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub io_timeout: u32,
}

/// What to crawl.
#[derive(Debug, Args)]
pub struct CrawlArgs {
    /// Mounted datastores: PATH, or ALIAS[,ALIAS...]=PATH
    ///
    /// An alias is a name under which VMs and inventories refer to the datastore: its label,
    /// /vmfs/volumes/UUID, C:\ClusterStorage\Volume1, \\server\share. Without one, derelict infers which datastore a
    /// root is from how references resolve. An argument that exists as a path is a path; otherwise the last `=` divides.
    #[arg(value_name = "ROOT", required = true)]
    pub roots: Vec<OsString>,
    /// Leave out files and folders that match, relative to their root (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Enter file systems that are mounted below a root
    #[arg(long)]
    pub cross_file_systems: bool,
    /// Look again after this time: what changed meanwhile is in use
    ///
    /// `scan` waits once and looks again at everything that nobody is known to need, `collect` at every artifact: length,
    /// times, and the counters in the headers of VHDX and VMCX files.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=MOST_SECONDS))]
    pub settle: Option<u32>,
    /// Most threads that crawl and read, but at least one for each device [default: as many as the storage takes, up to 128]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MOST_THREADS))]
    pub threads: Option<u16>,
    /// Longest wait for one answer of the storage: what does not answer is given up and reported
    ///
    /// That of inventories too. Without an answer of the storage of rules, of a catalogue that is gone on with or of an output
    /// the run ends with status 2.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub io_timeout: u32,
}

/// More threads than this help with no storage, and starting them takes longer than the crawl.
const MOST_THREADS: i64 = 1024;

/// Longest wait before a second look: a day.
const MOST_SECONDS: i64 = 86_400;

/// What the files are held against.
#[derive(Debug, Args)]
pub struct JudgeArgs {
    /// Exported inventory, a file or a folder of exports (repeatable)
    ///
    /// The kind is detected from the content; KIND: in front of the file says it instead.
    #[arg(short, long, value_name = "[KIND:]FILE")]
    pub inventory: Vec<InventoryArgument>,
    /// Columns of tables that are not known: name=COLUMN,path=COLUMN
    ///
    /// For CSV files of tools that derelict does not know. WHAT is name, path (a configuration or disks), config, id,
    /// moref or host. What the table names is protected; it counts as a list of all VMs only with list=all.
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub map: Option<ColumnMap>,
    /// The given inventories are all there are
    ///
    /// Your word, printed on the report: gaps that speak of a missing vCenter, host or cluster keep no verdict back.
    #[arg(long)]
    pub assume_complete: bool,
    /// Owner rules beside the built-in ones (TOML)
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Findings that somebody has accepted, with reason and expiry (TOML)
    ///
    /// They are shown as accepted and counted in no sum but their own; --fail-on passes over them. When they expire they
    /// are back.
    #[arg(long, value_name = "FILE")]
    pub accept: Option<PathBuf>,
    /// Judge ages as of this time [default: now]
    ///
    /// RFC 3339 (2024-06-01T12:00:00Z), or a date, which means its midnight in UTC. It is also the time that the report
    /// bears, so that a run can be repeated to the byte.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub as_of: Option<Timestamp>,
}

impl JudgeArgs {
    /// True when nothing was given.
    pub fn is_default(&self) -> bool {
        self.inventory.is_empty()
            && !self.assume_complete
            && self.rules.is_none()
            && self.accept.is_none()
            && self.as_of.is_none()
    }
}

/// What is shown of the report, and where.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Write the report to a file as well; the form follows the extension (repeatable)
    ///
    /// .html, .xlsx, .json, .jsonl, .csv, .md, .prom, or .txt for the table. A file inside a root is refused.
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// What goes to standard output
    ///
    /// json, jsonl, csv and prom are stable: fields, columns and metrics are added, never changed. table, md and html are
    /// for people and may change.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Show only artifacts that match, e.g. 'verdict=orphaned and size>10GiB and age>90d'
    ///
    /// Fields: verdict, class, kind, datastore, owner, path, confidence, reclaim, platform with = != ~ !~ (~ means
    /// contains, or fits where the value has * or ?: datastore~"nfs*"); size (allocated), apparent (length), age with = != < <= > >=; joined by and, or, not and parentheses.
    /// Sums, VMs, problems and coverage stay whole.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<Filter>,
    /// Replace names and paths by numbers, the same ones everywhere, in all that is written
    ///
    /// For reports that leave the house: what is left are kinds, sizes, times, verdicts and how files hang together.
    #[arg(long)]
    pub redact: bool,
    /// Exit with status 1 when the report holds one of these verdicts, whatever --filter shows
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = verdict)]
    pub fail_on: Vec<Verdict>,
    /// Replace existing output files
    #[arg(long)]
    pub force: bool,
}

/// `derelict inspect`.
#[derive(Debug, Args)]
pub struct FilesArgs {
    /// Files of virtual machines
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// What goes to standard output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
}

/// `derelict inventory`.
#[derive(Debug, Args)]
pub struct InventoryArgs {
    /// Exported inventories, files or folders of exports
    #[arg(value_name = "[KIND:]FILE", required = true)]
    pub files: Vec<InventoryArgument>,
    /// Columns of tables that are not known: name=COLUMN,path=COLUMN
    #[arg(long, value_name = "WHAT=COLUMN,…")]
    pub map: Option<ColumnMap>,
    /// What goes to standard output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
    /// Longest wait for one answer of the storage of what is read
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub io_timeout: u32,
}

/// `derelict explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A report that was saved with -o REPORT.json
    #[arg(value_name = "REPORT.json")]
    pub report: PathBuf,
    /// The file: its path, its path relative to the root, or as the table shows it with its datastore
    #[arg(value_name = "PATH")]
    pub path: OsString,
    /// Longest wait for one answer of the storage of what is read
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub io_timeout: u32,
}

/// The forms of what is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people.
    Text,
    /// One document.
    Json,
}

fn verdict(text: &str) -> Result<Verdict, String> {
    Verdict::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = if text.len() == "2024-06-01".len() {
        "T00:00:00Z"
    } else {
        ""
    };
    format!("{text}{midnight}")
        .parse()
        .map_err(|_| "expected a time such as 2024-06-01T12:00:00Z, or a date such as 2024-06-01".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_are_rfc_3339_or_a_date_in_utc() {
        let expected: Timestamp = "2024-06-01T00:00:00Z".parse().unwrap();
        for text in ["2024-06-01T00:00:00Z", "2024-06-01T02:00:00+02:00", "2024-06-01"] {
            assert_eq!(time(text), Ok(expected), "{text}");
        }
        for text in ["", "now", "2024-13-01", "2024-06-01T00:00:00"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn verdicts_are_named_as_in_the_report() {
        assert_eq!(verdict("in-use"), Ok(Verdict::InUse));
        assert!(verdict("Orphaned").unwrap_err().contains("expected one of `owned`"));
    }
}
