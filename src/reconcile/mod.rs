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
//! [`problems`] and [`assemble`] make the report of it.

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
mod stray_lists;
mod told;
mod traces;
mod unread;
mod vmware_problems;

use jiff::Timestamp;

pub use self::told::Told;
use self::{
    assemble::Maker, checkpoints::Checkpoints, coverage::Coverage, files::Files, groups::Groups, identity::Identities,
    judge::Judge, locks::Locks, opinions::Opinions, own::World, problems::Problems, resolve::Resolver, traces::Traces,
};
use crate::{
    accept::Accepted,
    catalogue::{Catalogue, Issue},
    inventory::{Backups, Inventory},
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
    /// What backups cover; `None` when no list of a backup product was given. It changes no verdict.
    pub backups: Option<Backups>,
    /// Findings that somebody has accepted.
    pub accepted: Accepted,
}

/// Judges a catalogue and hands the report to `show`, whose artifacts are made one by one as they are asked for;
/// [`Report::listed`] is a report that can be kept.
pub fn reconcile<T>(
    catalogue: &Catalogue,
    inventories: &[Inventory],
    options: &Options,
    show: impl FnOnce(Report<Told<'_>>) -> T,
) -> T {
    let files = Files::new(catalogue);
    let identities = Identities::new(catalogue, inventories, &files);
    let (resolver, (checkpoints, lone_states)) = rayon::join(
        || Resolver::new(&files, &identities),
        || (Checkpoints::new(&files), companions::lone_states(&files)),
    );
    let world = World {
        catalogue,
        files: &files,
        inventories,
        resolver: &resolver,
        checkpoints: &checkpoints,
        lone_states: &lone_states,
    };
    let rules = judge::match_rules(catalogue, world, &identities, options);
    let is_system = |node: files::NodeId| rules[node].is_some_and(|rule| rule.verdict == Verdict::System);
    let configs = own::configurations(&files, is_system);

    let mut references = resolver.resolve_all();
    let mut owners = own::registered(world, &configs);
    companions::add(&files, &mut references, &checkpoints, &own::standing(world, &owners));
    let unclear_lists = stray_lists::add(&files, &mut references);
    own::add_unregistered(world, &mut owners, &configs);
    own::walk_all(world, &references, &mut owners);

    let mut locks = Locks::new(&files);
    locks.add_open_files(world);
    let traces = Traces::new(world, &owners);
    let (coverage, (reported, renamed)) = rayon::join(
        || Coverage::new(world, &identities, &owners, &references, &locks, &traces, options),
        || (judge::reported(world, &references, &owners), judge::renamed(&files)),
    );
    let ((idle, homes, stores), (placeholders, history, awaited)) = rayon::join(
        || {
            (
                judge::idle(world, &owners, options),
                judge::homes(world, &owners),
                judge::stores(world, &owners),
            )
        },
        || {
            (
                judge::placeholders(world, &owners),
                judge::History::new(world),
                judge::awaited(world, &owners),
            )
        },
    );
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
        wanted: &judge::Wanted::new(world, &identities, &owners),
        stores: &stores,
        awaited: &awaited,
        unclear_lists: &unclear_lists,
    };
    let judged = judge.run();
    let opinions = Opinions::new(&judge, &judged);
    let maker = Maker {
        judge: &judge,
        judged: &judged,
        opinions: &opinions,
    };
    let (problems, groups) = rayon::join(|| Problems::find(&judge, &judged), || Groups::new(&maker));
    show(assemble::assemble(&maker, problems, &groups))
}
