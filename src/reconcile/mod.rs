//! Reconcile: the facts of the catalogue held against the inventories.
//!
//! Four steps, all pure and sorted, so that the same evidence gives the same report:
//!
//! 1. [`identity`]: which root is which datastore;
//! 2. [`resolve`]: every reference to a file, to "outside" or to "missing"; [`companions`] adds what platforms tie
//!    together by name, [`locks`] what locks tie to files;
//! 3. [`own`]: walks from every owner through the references;
//! 4. [`judge`]: one verdict for each file, as far as [`coverage`] lets a "nobody" be said; [`signs`] speak for use,
//!    [`traces`] say whose a file was.
//!
//! [`problems`] and [`assemble`] make the report of it, or [`unjudged()`] where the user has no time for all this: whoever
//! asks for the end waits no longer than half a second for a judgement, less where much is to be listed, and half of one is none.

mod arrivals;
mod assemble;
mod backups;
mod bearers;
mod checkpoints;
mod companions;
mod coverage;
mod files;
mod groups;
mod hyperv_problems;
mod identity;
mod judge;
mod leftovers;
mod links;
mod list_problems;
mod locks;
mod migration_problems;
mod opinions;
mod own;
mod problems;
mod resolve;
mod same_file;
mod short_name;
mod signs;
mod sources;
mod stray_lists;
mod told;
mod told_children;
mod traces;
mod unjudged;
mod unread;
mod vmware_problems;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::{
    assemble::Maker, checkpoints::Checkpoints, coverage::Coverage, files::Files, groups::Groups, identity::Identities,
    judge::Judge, locks::Locks, opinions::Opinions, own::World, problems::Problems, resolve::Resolver,
    sources::Sources, traces::Traces,
};
pub use self::{
    told::Told,
    unjudged::{Unjudged, unjudged},
};
use crate::{
    accept::Accepted,
    catalogue::{Catalogue, Issue},
    interrupt::Stop,
    inventory::{Backups, Inventory, Mention},
    report::model::{Report, Verdict},
    rules::Rules,
};

/// What the user says beside the evidence.
#[derive(Debug)]
pub struct Options {
    /// Ages are judged as of this time.
    pub as_of: Timestamp,
    /// The given inventories are all there are.
    pub assume_complete: bool,
    /// Owner rules.
    pub rules: Rules,
    /// Inventories that could not be imported.
    pub inventory_issues: Vec<Issue>,
    /// Files that texts beside the inventories name which are none.
    pub mentions: Vec<Mention>,
    /// What backups cover; `None` when no list of a backup product was given. It changes no verdict.
    pub backups: Option<Backups>,
    /// Findings that somebody has accepted.
    pub accepted: Accepted,
    /// The wish of the user to end early.
    pub stop: Stop,
}

impl Options {
    /// `None` once the judgement is to be given up. A long loop may then leave out what is left of it: whoever called it asks
    /// here before he uses what it made.
    fn go_on(&self) -> Option<()> {
        (!self.stop.is_past_patience()).then_some(())
    }
}

/// Judges a catalogue and hands the report to `show`, whose artifacts are made one by one as they are asked for;
/// [`Report::listed`] is a report that can be kept. `None`, and nothing was shown, where the user asked for the end and has no
/// patience left: [`unjudged()`] makes the report then.
pub fn reconcile<T>(
    catalogue: &Catalogue,
    inventories: &[Inventory],
    options: &Options,
    show: impl FnOnce(Report<Told<'_>>) -> T,
) -> Option<T> {
    let files = Files::new(catalogue, options)?;
    let identities = Identities::new(catalogue, inventories, &files, options)?;
    let (resolver, (checkpoints, lone_states)) = rayon::join(
        || Resolver::new(&files, &identities),
        || (Checkpoints::new(&files), companions::lone_states(&files)),
    );
    let sources = Sources::new(inventories);
    options.go_on()?;
    let world = World {
        catalogue,
        files: &files,
        inventories,
        sources: &sources,
        resolver: &resolver,
        checkpoints: &checkpoints,
        lone_states: &lone_states,
    };
    let rules = judge::match_rules(catalogue, world, &identities, options);
    options.go_on()?;
    let is_system = |node: files::NodeId| rules[node].is_some_and(|rule| rule.verdict == Verdict::System);
    let configs = own::configurations(&files, is_system);
    options.go_on()?;

    let (references, owners, unclear_lists) = own_all(world, &configs, options)?;
    let mut locks = Locks::new(&files);
    locks.add_open_files(world);
    options.go_on()?;
    let traces = Traces::new(world, &owners);
    options.go_on()?;
    let of_owners = || {
        (
            judge::reported(world, &references, &owners),
            judge::renamed(&files),
            judge::idle(world, &owners, options),
            judge::homes(world, &owners),
            judge::stores(world, &owners),
            judge::placeholders(world, &owners),
            judge::History::new(world),
            judge::awaited(world, &owners),
            judge::Wanted::new(world, &identities, &owners),
            judge::Tails::new(world, &identities, &owners),
        )
    };
    let (coverage, (reported, renamed, idle, homes, stores, placeholders, history, awaited, wanted, tails)) =
        rayon::join(
            || Coverage::new(world, &identities, &owners, &references, &locks, &traces, options),
            of_owners,
        );
    options.go_on()?;
    let judge = Judge {
        catalogue,
        world,
        identities: &identities,
        references: &references,
        owners: &owners,
        locks: &locks,
        traces: &traces,
        coverage: &coverage,
        options,
        rules: &rules,
        renamed: &renamed,
        reported: &reported,
        idle: &idle,
        placeholders: &placeholders,
        history: &history,
        homes: &homes,
        wanted: &wanted,
        tails: &tails,
        missed_ids: &judge::missed_ids(world, &owners),
        stores: &stores,
        awaited: &awaited,
        unclear_lists: &unclear_lists,
        told_children: &told_children::ToldChildren::new(world),
        arrivals: &arrivals::Arrivals::new(world, &owners),
    };
    options.go_on()?;
    shown(&judge, options, show)
}

/// Snapshot lists of which nobody can say whose they are, with the configurations whose they may be.
type UnclearLists = BTreeMap<files::NodeId, Vec<files::NodeId>>;

/// Resolves every reference, and finds the owners with all that they reach.
fn own_all(
    world: World<'_>,
    configs: &[files::NodeId],
    options: &Options,
) -> Option<(resolve::References, own::Owners, UnclearLists)> {
    let listed_folders = world.resolver.listed_folders(world.inventories);
    let (references, owners) = rayon::join(
        || world.resolver.resolve_all(&listed_folders, options),
        || own::registered(world, configs, options),
    );
    let (mut references, mut owners) = (references?, owners?);
    let standing = own::standing(world, &owners);
    companions::add(
        world.files,
        &mut references,
        world.checkpoints,
        &standing,
        &listed_folders,
        options,
    )?;
    let unclear_lists = stray_lists::add(world.files, &mut references);
    own::add_unregistered(world, &mut owners, configs);
    options.go_on()?;
    own::walk_all(world, &references, &mut owners, options)?;
    Some((references, owners, unclear_lists))
}

/// Judges, and shows the report of it.
fn shown<T>(judge: &Judge<'_>, options: &Options, show: impl FnOnce(Report<Told<'_>>) -> T) -> Option<T> {
    let judged = judge.run()?;
    let opinions = Opinions::new(judge, &judged);
    options.go_on()?;
    let maker = Maker {
        judge,
        judged: &judged,
        opinions: &opinions,
    };
    let (problems, groups) = rayon::join(|| Problems::find(judge, &judged), || Groups::new(&maker));
    let (problems, groups) = (problems?, groups?);
    let report = assemble::assemble(&maker, problems, &groups)?;
    Some(show(report))
}
