//! `derelict scan`, `collect` and `report`: the main job, in one go or in two.

use std::{
    collections::BTreeSet,
    io,
    mem::ManuallyDrop,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{Console, judge::Judge, saved_report, seconds, show::Show};
use crate::{
    catalogue::{CANNOT_BE_OPENED, Catalogue, Entry, RootRecord, Settings, Unfinished},
    cli::{CollectArgs, CrawlArgs, MessageArgs, ProgressForm, ReportArgs, ScanArgs},
    collect::{CollectOptions, RootArgument, Store, collect, collect_into, root_records},
    config,
    error::{ErrorKind, Result, ToolError},
    exit_code::ExitStatus,
    hash,
    output::{self, is_no_answer},
    place::{self, Roots, Told},
    progress::{Hidden, Lines, Phase, Progress, Terminal},
    raw::RawPath,
    report::{
        model::{Artifacts, RootReport, Verdict},
        show,
    },
    sanitize,
    saved_file::SavedFile,
    settle, volume,
};

/// Crawl, judge, show.
pub(super) fn scan(arguments: &ScanArgs, messages: MessageArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let progress = Shown::begin(messages);
    let (crawl, stop) = (Crawl::prepare(&arguments.crawl, console)?, &console.stop);
    let show = Show::prepare(
        &arguments.show,
        crawl.places(),
        crawl.options.io_timeout,
        messages,
        stop.clone(),
    )?;
    // The process ends with the report: to give a million pieces back one by one would only take its time.
    let judge = Judge::prepare(&arguments.judge, crawl.options.io_timeout, stop.clone())?;
    let mut judge = ManuallyDrop::new(judge);
    let mut catalogue = ManuallyDrop::new(crawl.run(progress.shared())?);
    let is_cut_short = console.stop.is_asked();
    // What is to be looked at again or hashed is known when all is judged, and judged once more with what was found.
    // Where somebody wants to end after the crawl, that it was not done is an issue of each file.
    if let Some(wait) = crawl.settle.filter(|_| !is_cut_short) {
        progress.phase(Phase::Reconcile);
        let nobodys = places(&catalogue, &mut judge, |verdict| verdict >= Verdict::Unknown);
        settle::settle(&mut catalogue, &nobodys, wait, &crawl.options, &**progress)?;
    }
    if arguments.hash && !is_cut_short {
        progress.phase(Phase::Reconcile);
        let found = places(&catalogue, &mut judge, |verdict| verdict >= Verdict::Unregistered);
        hash::hash_artifacts(&mut catalogue, &found, &crawl.options, &progress.shared())?;
    }
    show_judged(&mut judge, &catalogue, &show, &**progress, console)
}

/// Shows the report of a catalogue; where the user has not the time for a judgement, what was read.
fn show_judged(
    judge: &mut Judge,
    catalogue: &Catalogue,
    show: &Show,
    progress: &dyn Progress,
    console: &mut Console<'_>,
) -> Result<ExitStatus> {
    progress.phase(Phase::Reconcile);
    let shown = judge.judge(catalogue, |report| {
        progress.phase(Phase::Write);
        show.show(report, console)
    });
    let status = shown.unwrap_or_else(|| {
        progress.phase(Phase::Write);
        show.show(judge.unjudged(catalogue), console)
    })?;
    Ok(ended(console, status))
}

/// The exit status of a job that the user may have ended early.
fn ended(console: &Console<'_>, status: ExitStatus) -> ExitStatus {
    if console.stop.is_asked() {
        return ExitStatus::Interrupted;
    }
    status
}

/// Places in the catalogue of what is judged with some verdicts: none where the user does not wait for that.
fn places(catalogue: &Catalogue, judge: &mut Judge, wanted: impl Fn(Verdict) -> bool) -> Vec<usize> {
    let found = judge.judge(catalogue, |report| {
        let artifacts = report.artifacts.with(wanted);
        artifacts.map(|artifact| artifact.path.clone()).collect()
    });
    let found: BTreeSet<RawPath> = found.unwrap_or_default();
    let path = |entry: &Entry| Some(catalogue.roots.get(entry.root)?.path.join(entry.path.as_bytes()));
    catalogue
        .artifacts
        .iter()
        .enumerate()
        .filter(|(_, artifact)| path(&artifact.entry).is_some_and(|path| found.contains(&path)))
        .map(|(index, _)| index)
        .collect()
}

/// Crawl and save.
pub(super) fn collect_only(
    arguments: &CollectArgs,
    messages: MessageArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus> {
    let progress = Shown::begin(messages);
    let crawl = Crawl::prepare(&arguments.crawl, console)?;
    let (output, force) = (&arguments.output, arguments.force);
    let (places, path, resume) = (crawl.places(), output.clone(), arguments.resume);
    let deadline = crawl.options.io_timeout;
    config::ask_outputs(deadline, move || {
        config::catalogue_output(&path, &places, resume, force)
    })?;
    let settings = Settings {
        exclude: arguments.crawl.exclude.clone(),
        cross_file_systems: arguments.crawl.cross_file_systems,
    };
    let mut store = if arguments.resume {
        Unfinished::resume(output, settings, deadline)?
    } else {
        Unfinished::new(output, force, settings, deadline)
    };
    if !store.has_places_left() {
        store.check_roots(&root_records(&crawl.roots, deadline)?)?;
        store.end_looks();
        progress.finish();
        if !messages.quiet {
            tell_nothing_left(&store, output, console);
        }
        return Ok(ExitStatus::of(false, store.issues().is_empty()));
    }
    if let Err(error) = collect_into(&mut store, &crawl.roots, &crawl.options, progress.shared()) {
        store.discard_empty();
        return Err(error);
    }
    if let Some(wait) = crawl.settle.filter(|_| !console.stop.is_asked()) {
        look_again(&mut store, wait, &crawl.options, &**progress)?;
    }
    let is_cut_short = console.stop.is_asked();
    store.end_looks();
    progress.phase(Phase::Write);
    if is_cut_short {
        store.end_early()?;
    } else {
        store.finish()?;
    }
    progress.finish();
    if !messages.quiet {
        tell_collected(&store, output, is_cut_short, console);
    }
    Ok(ended(console, ExitStatus::of(false, store.issues().is_empty())))
}

/// The second look of `collect`, at all that was read, for no verdict is known yet. Where the user has had enough, what was not
/// looked at has no second look: a run that goes on takes it.
fn look_again(store: &mut Unfinished, wait: Duration, options: &CollectOptions, progress: &dyn Progress) -> Result<()> {
    progress.phase(Phase::Settle);
    let catalogue = store.so_far()?;
    let all = settle::candidates(&catalogue);
    let looks = settle::look_again(&catalogue, &all, wait, options, progress)?;
    progress.phase(Phase::Write);
    for look in looks.into_iter().filter(|look| look.is_taken) {
        if let Some(artifact) = catalogue.artifacts.get(look.index) {
            store.add_look(&artifact.entry, look.found)?;
        }
    }
    Ok(())
}

/// Says that `--resume` has nothing to do.
fn tell_nothing_left(store: &Unfinished, output: &Path, console: &mut Console<'_>) {
    let output = sanitize::os_path(output);
    console.tell(&format!(
        "{output} is complete, and the storage refused no folder in it: nothing is read again"
    ));
    tell_issues(store, console);
}

/// Says what was written, and what could not be read.
fn tell_collected(store: &Unfinished, output: &Path, is_cut_short: bool, console: &mut Console<'_>) {
    let artifacts = show::count(store.artifacts(), "artifact");
    if is_cut_short {
        let path = sanitize::os_path(store.path());
        console.tell(&format!(
            "wrote {artifacts} to {path}, which is incomplete: --resume goes on with it"
        ));
    } else {
        console.tell(&format!("wrote {artifacts} to {}", sanitize::os_path(output)));
    }
    tell_issues(store, console);
}

fn tell_issues(store: &Unfinished, console: &mut Console<'_>) {
    for issue in store.issues() {
        console.tell(&format!(
            "{}: {}",
            sanitize::path(&issue.path),
            sanitize::text(&issue.error)
        ));
    }
    if store.untold_issues() > 0 {
        let more = show::count(store.untold_issues(), "more issue");
        console.tell(&format!("{more} stand in the catalogue"));
    }
}

/// Judge what was saved, or show a saved report once more.
pub(super) fn report(arguments: &ReportArgs, messages: MessageArgs, console: &mut Console<'_>) -> Result<ExitStatus> {
    let progress = Shown::begin(messages);
    let deadline = seconds(arguments.io_timeout);
    let show = Show::prepare(
        &arguments.show,
        Roots::default(),
        deadline,
        messages,
        console.stop.clone(),
    )?;
    let mut files = Vec::new();
    for path in &arguments.files {
        let no_answer = match saved_report::find(path, deadline) {
            Ok(Some(file)) => return again(path, file, arguments, &show, &**progress, console),
            Ok(None) => None,
            Err(error) => Some(error).filter(is_no_answer),
        };
        files.push(Given { path, no_answer });
    }
    // First the inventories: what reading them takes for a while is free again for the catalogues. Nothing is given back at the end,
    // as in a scan.
    let mut judge = ManuallyDrop::new(Judge::prepare(&arguments.judge, deadline, console.stop.clone())?);
    let (catalogues, refused) = catalogues(files, deadline)?;
    if !messages.quiet && !refused.is_empty() {
        progress.finish();
        console.tell_errors(&refused);
    }
    let roots = catalogues.iter().flat_map(|one| &one.roots).filter_map(told);
    let places = Arc::new(Roots::ask_told(roots, deadline));
    outside(&show, &places, deadline)?;
    let catalogue = ManuallyDrop::new(Catalogue::merge(catalogues));
    console.stop.finish();
    #[cfg(not(feature = "parquet"))]
    let tables = Ok(());
    #[cfg(feature = "parquet")]
    let tables = match &arguments.parquet {
        None => Ok(()),
        Some(folder) => {
            let (path, force) = (folder.clone(), arguments.show.force);
            config::ask_outputs(deadline, move || config::tables_folder(&path, &places, force))?;
            let stop = console.stop.clone();
            let folder = crate::tables::Folder {
                path: folder,
                manner: output::Manner { force, deadline, stop },
            };
            crate::tables::write_all(&folder, &catalogue, judge.inventories())
        }
    };
    let shown = show_judged(&mut judge, &catalogue, &show, &**progress, console);
    // Tables that cannot be written cost no report; one error is that of the run.
    if let (Err(_), Err(error)) = (&tables, &shown) {
        console.tell_errors(std::slice::from_ref(error));
    }
    tables.and(shown)
}

/// A file that was given to `report`, with the error of a storage that gave no answer: it is not asked again.
struct Given<'a> {
    path: &'a Path,
    no_answer: Option<io::Error>,
}

/// Loads saved catalogues. One that is damaged, or whose storage is dead, stands on the report as what could not be read, unless
/// there is no other; why is told as well.
fn catalogues(files: Vec<Given<'_>>, deadline: Duration) -> Result<(Vec<Catalogue>, Vec<ToolError>)> {
    let mut catalogues = Vec::new();
    let mut refused = Vec::new();
    for Given { path, no_answer } in files {
        let cannot = |error| ToolError::at(ErrorKind::Catalogue, path, CANNOT_BE_OPENED).because(error);
        let asked = no_answer.map_or_else(|| exists(path, deadline), Err);
        let opened = match asked {
            // A path that leads nowhere is a slip of the pen.
            Err(error) if !is_no_answer(&error) => return Err(cannot(error)),
            asked => asked.and_then(|()| SavedFile::open(path, deadline)),
        };
        match opened {
            Err(error) => {
                let error = cannot(error);
                refused.push((Catalogue::refused(path, None, &error), error));
            }
            Ok(file) => match Catalogue::of_bytes(path, &file) {
                Ok(catalogue) => catalogues.push(catalogue),
                Err(error) => refused.push((Catalogue::refused(path, Some(&file), &error), error)),
            },
        }
    }
    if catalogues.is_empty()
        && let Some((_, error)) = refused.pop()
    {
        return Err(error);
    }
    let (empty, errors): (Vec<_>, Vec<_>) = refused.into_iter().unzip();
    catalogues.extend(empty);
    Ok((catalogues, errors))
}

fn exists(path: &Path, deadline: Duration) -> io::Result<()> {
    let path = path.to_owned();
    output::ask(deadline, move || std::fs::metadata(path).map(drop))
}

/// Shows a saved report in other forms. What it was held against stands in it.
fn again(
    path: &Path,
    file: SavedFile,
    arguments: &ReportArgs,
    show: &Show,
    progress: &dyn Progress,
    console: &mut Console<'_>,
) -> Result<ExitStatus> {
    let refuse = |what: &str| Err(ToolError::at(ErrorKind::Usage, path, what));
    if arguments.files.len() > 1 {
        return refuse("is a report: give it alone, or several catalogues");
    }
    if !arguments.judge.is_default() {
        return refuse("is a report that was judged already: inventories, rules and --as-of belong to catalogues");
    }
    let report = saved_report::read(path, &file)?;
    drop(file);
    let told = report.coverage.roots.iter().flat_map(|root| places_told(root, path));
    let deadline = seconds(arguments.io_timeout);
    outside(show, &Arc::new(Roots::ask_told(told, deadline)), deadline)?;
    console.stop.finish();
    progress.phase(Phase::Write);
    let status = show.show(report, console)?;
    Ok(ended(console, status))
}

/// Refuses outputs inside roots of this machine.
fn outside(show: &Show, roots: &Arc<Roots>, deadline: Duration) -> Result<()> {
    let (outputs, roots): (Vec<PathBuf>, _) = (show.outputs().map(Path::to_owned).collect(), Arc::clone(roots));
    // The storage of an output may have died since it was asked first.
    config::ask_outputs(deadline, move || {
        let mut outputs = outputs.iter();
        outputs.try_for_each(|output| config::outside_roots(output, &roots))
    })
}

/// Where a root of a saved report may lie. One of before the absolute path was told says a relative root as it was given: from
/// the folder where the scan ran, which may be that of the report.
fn places_told(root: &RootReport, report: &Path) -> Vec<Told> {
    let given = root.path.to_os();
    let paths = match (root.absolute.as_ref().and_then(RawPath::to_os), given) {
        (Some(absolute), _) => vec![absolute],
        (None, Some(given)) => vec![place::folder_of(report).join(&given), given],
        (None, None) => Vec::new(),
    };
    let told = |path| Told { path, identity: None };
    paths.into_iter().map(told).collect()
}

/// What a catalogue tells of where a root lies.
fn told(root: &RootRecord) -> Option<Told> {
    let is_here = root.machine == volume::machine();
    Some(Told {
        path: root.absolute.as_ref().unwrap_or(&root.path).to_os()?,
        identity: root.device.zip(root.inode).filter(|_| is_here),
    })
}

struct Crawl {
    roots: Vec<RootArgument>,
    options: CollectOptions,
    settle: Option<Duration>,
}

impl Crawl {
    fn prepare(arguments: &CrawlArgs, console: &Console<'_>) -> Result<Self> {
        let deadline = seconds(arguments.io_timeout);
        Ok(Self {
            roots: config::roots(&arguments.roots, deadline)?,
            options: CollectOptions {
                threads: arguments.threads.map(usize::from),
                exclude: exclude(&arguments.exclude)?,
                cross_file_systems: arguments.cross_file_systems,
                io_timeout: deadline,
                stop: console.stop.clone(),
            },
            settle: arguments.settle.map(seconds),
        })
    }

    /// For the check that nothing is written into a root.
    fn places(&self) -> Roots {
        let deadline = self.options.io_timeout;
        Roots::ask_within(
            self.roots
                .iter()
                .map(|root| (root.path.as_path(), root.patience(deadline))),
        )
    }

    fn run(&self, progress: Arc<dyn Progress>) -> Result<Catalogue> {
        collect(&self.roots, &self.options, progress)
    }
}

fn exclude(globs: &[String]) -> Result<GlobSet> {
    let failed = |glob: &str| ToolError::new(ErrorKind::Usage, format!("--exclude {}", sanitize::text(glob)));
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(Glob::new(glob).map_err(|error| failed(glob).because(error))?);
    }
    set.build().map_err(|error| failed(&globs.join(" ")).because(error))
}

/// How far the run is, from its begin to its end: what was drawn is cleared whichever way it ends.
struct Shown(Arc<dyn Progress>);

impl Shown {
    fn begin(messages: MessageArgs) -> Self {
        let progress = progress(messages);
        progress.phase(Phase::Prepare);
        Self(progress)
    }

    fn shared(&self) -> Arc<dyn Progress> {
        Arc::clone(&self.0)
    }
}

impl Deref for Shown {
    type Target = Arc<dyn Progress>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.finish();
    }
}

fn progress(messages: MessageArgs) -> Arc<dyn Progress> {
    if messages.quiet || messages.no_progress {
        return Arc::new(Hidden);
    }
    if messages.progress == Some(ProgressForm::Json) {
        return Arc::new(Lines::new(Box::new(io::stderr())));
    }
    match Terminal::new() {
        Some(terminal) => Arc::new(terminal),
        None => Arc::new(Hidden),
    }
}
