//! How much of what a VM refers to its rows list, of several inventories together.

use jiff::SignedDuration;

use super::{OwnerVm, World};
use crate::{
    inventory::{ListedFile, Listing, Registration},
    kind::Role,
    path::{fold, same_host},
    reconcile::resolve::Target,
};

/// An inventory and one of its rows.
type Row = (usize, usize);

/// How long after a listing of chains another list of the same disks may have been made: later a disk may have another parent under
/// its old name.
const ABOUT_ONE_TIME: SignedDuration = SignedDuration::from_hours(24);

/// How much is listed of all that the rows of a VM name. A list speaks for the disks of its own row and its own time: what another
/// vCenter or an older export lists in full says nothing of the disks of the newest one.
pub(crate) fn best_listing(world: World<'_>, vm: &OwnerVm) -> Listing {
    let listing = |row: Row| registration(world, row).listing;
    let fullest = vm.rows.iter().map(|&row| listing(row)).max().unwrap_or_default();
    let together = |row: Row| {
        let others = vm.rows.iter().copied();
        let fuller = others.filter(|&other| listing(other) > listing(row) && speaks_for(world, other, row));
        fuller.map(listing).max().unwrap_or_else(|| listing(row))
    };
    let less = vm.rows.iter().copied().filter(|&row| listing(row) < fullest);
    less.map(together).min().unwrap_or(fullest)
}

fn registration(world: World<'_>, (inventory, row): Row) -> &Registration {
    &world.inventories[inventory].vms[row]
}

/// True where what one row lists holds for another of the same VM: it is a later one of the same source, or lists the same disks at
/// about the same time, perhaps at the place from which the VM was moved.
fn speaks_for(world: World<'_>, one: Row, other: Row) -> bool {
    let times = [one, other].map(|(inventory, _)| world.inventories[inventory].collected);
    let lag = match times {
        [Some(taken), Some(later)] => later.duration_since(taken),
        _ => SignedDuration::ZERO,
    };
    if lag.is_negative() && world.sources.speaks_for(one.0, other.0) {
        return true;
    }
    let [this, that] = [one, other].map(|row| registration(world, row));
    let has_moved = match (&this.config, &that.config) {
        (Some(config), Some(other_config)) => are_two(world, (one, config), (other, other_config)),
        _ => false,
    };
    let are_on_one_host = || matches!((&this.host, &that.host), (Some(host), Some(other)) if same_host(host, other));
    if lag > ABOUT_ONE_TIME || has_moved && !are_on_one_host() && !world.sources.are_one(one.0, other.0) {
        return false;
    }
    let mut disks = that.files.iter().filter(|file| file.role == Role::Disk);
    disks.all(|disk| lists(world, one, (other, disk)) || has_moved && lists_name(this, disk))
}

/// True for a row that lists a disk of this name: disks keep theirs when the storage of a VM is moved.
fn lists_name(row: &Registration, disk: &ListedFile) -> bool {
    let name = |file: &ListedFile| fold(file.path.rsplit(['/', '\\']).next().unwrap_or_default());
    row.files.iter().any(|file| name(file) == name(disk))
}

fn are_two(world: World<'_>, (one, path): (Row, &str), (other, other_path): (Row, &str)) -> bool {
    let [host, other_host] = [one, other].map(|row| registration(world, row).host.as_deref());
    world
        .resolver
        .are_two_places((one.0, host, path), (other.0, other_host, other_path))
}

/// True for a row that lists this disk of another row.
fn lists(world: World<'_>, row: Row, (other, disk): (Row, &ListedFile)) -> bool {
    let files = &registration(world, row).files;
    let is_written = |file: &ListedFile| {
        fold(&file.path) == fold(&disk.path) && !are_two(world, (row, &file.path), (other, &disk.path))
    };
    let place = |row: Row, path: &str| {
        let target = world
            .resolver
            .listed(row.0, registration(world, row).host.as_deref(), path);
        matches!(target, Target::Files(_) | Target::Missing { .. }).then_some(target)
    };
    files.iter().any(is_written)
        || place(other, &disk.path).is_some_and(|target| {
            files
                .iter()
                .any(|file| place(row, &file.path).as_ref() == Some(&target))
        })
}
