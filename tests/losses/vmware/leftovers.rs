//! Leftovers of every class: disks of deleted VMs, stranded links, halves of disks, VMs that nobody registered, locks,
//! companions, and what a move left.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, VmlogBuilder, change_tracking, nfs_lock, nfs_lock_name},
};
use jiff::SignedDuration;

use super::{
    Maker,
    chain::{DiskPlan, SECTORS, cid},
    datastores::{HOSTS, on_host},
    known::Machine,
    some_place,
    vm::Build,
    writer::Writer,
};
use crate::{
    chance::Chance,
    place::{made_of, name_of},
    plan::{Part, Since},
    site::{Truth, at, zeros},
};

/// An inode that no file of a site has.
const GONE_INODE: u64 = 0x7FFF_FFFF_FFFF_0147;

impl Maker {
    /// A VM that was deleted: its disk is left, perhaps with a chain.
    pub(super) fn deleted(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let truth = Truth::left("orphaned");
        let folder = place.folder();
        if part.kind == "deleted-chain" {
            let machine = Self::machine(part, &place, 0);
            let plan = DiskPlan {
                folder: folder.clone(),
                stem: place.name.clone(),
                raw: false,
                independent: false,
                tracked: chance.one_in(2),
            };
            let mut writer = Writer {
                site: &mut self.site,
                truth: &truth,
                made,
                listed: Vec::new(),
            };
            let later = made + SignedDuration::from_hours(20);
            writer.chain(&machine, &plan, None, 1, 1, chance.one_in(2), later);
            return;
        }
        let truth = Truth::left("orphaned/deleted-vm-disk");
        self.disk(&folder, &place.name, made, &truth, &[]);
        if chance.one_in(2) {
            let second = format!("{}_1", place.name);
            self.disk(&folder, &second, made, &truth, &[]);
        }
        if chance.one_in(2) {
            let log = VmlogBuilder::new(HOSTS[0].1, &on_host(&format!("{folder}/{}.vmx", place.name))).ended();
            self.site
                .put(&format!("{folder}/vmware.log"), log.build(), made, &Truth::default());
        }
    }

    /// A delta in the folder of a VM that no chain reaches.
    pub(super) fn stranded(&mut self, part: &Part, chance: &mut Chance) {
        let built = self.vm(&part.calm(), chance);
        let base = built.chains[0].links[0].clone();
        let truth = Truth::left("orphaned/stranded-snapshot");
        let made = match part.since {
            Since::Old => at("2026-06-20T00:00:00Z"),
            Since::Young => at("2026-09-20T00:00:00Z"),
        };
        let mut writer = Writer {
            site: &mut self.site,
            truth: &truth,
            made,
            listed: Vec::new(),
        };
        let disk = DiskPlan {
            folder: built.machine.folder.clone(),
            stem: built.machine.stem.clone(),
            raw: false,
            independent: false,
            tracked: false,
        };
        let beside = Machine {
            working: built.machine.folder.clone(),
            ..built.machine.clone()
        };
        writer.link(&beside, &disk, base, 7, chance.one_in(2), made);
    }

    /// An extent without descriptor, or a descriptor without extent.
    pub(super) fn half(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let is_headless = part.kind == "headless";
        let truth = Truth::left(if is_headless {
            "orphaned/headless-extent"
        } else {
            "orphaned/dangling-descriptor"
        });
        let paths = self.disk(&place.folder(), &place.name, made, &truth, &[]);
        self.site.files.remove(&paths[usize::from(!is_headless)]);
    }

    pub(super) fn unregistered(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let machine = Self::machine(part, &place, 0);
        let mut build = Build::new(machine, made, part);
        build.unseen_snapshots = 0;
        build.snapshots = chance.below(2);
        build.registered = false;
        build.left = Some("unregistered");
        build.disks.push(DiskPlan {
            folder: place.folder(),
            stem: place.name.clone(),
            raw: false,
            independent: false,
            tracked: chance.one_in(2),
        });
        self.build(build);
    }

    pub(super) fn stale_lock(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let inode = GONE_INODE - u64::try_from(part.number).unwrap_or_default();
        let path = format!("nfs01/{}/{}", place.name, nfs_lock_name(inode));
        let truth = Truth::left("orphaned/stale-lock");
        self.site.put(&path, nfs_lock(HOSTS[0].1), made, &truth);
    }

    pub(super) fn leftover_companion(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        if part.kind == "sidecar" {
            let path = format!("{}/{}-ctk.vmdk", place.folder(), place.name);
            let truth = Truth::left("orphaned/leftover-sidecar");
            self.site.put(&path, change_tracking(1024), made, &truth);
        } else {
            let path = format!("{}/{}-1f0c9a77.vswp", place.folder(), place.name);
            let truth = Truth::left("orphaned/leftover-state");
            self.site.put(&path, zeros(65536), made, &truth);
        }
    }

    /// A VM, and what a move of its disk left at the old place.
    pub(super) fn twin(&mut self, part: &Part, chance: &mut Chance) {
        let built = self.vm(&part.calm(), chance);
        let used = built.chains[0].links[0].path.clone();
        let stem = name_of(&used).trim_end_matches(".vmdk").to_owned();
        let own_id = cid(used.trim_end_matches(".vmdk"));
        let store = chance.pick(&["vmfs01", "vmfs02", "nfs01"]);
        let folder = format!("{store}/old place {}", part.number);
        let truth = Truth::left("orphaned/migration-leftover");
        let descriptor = DescriptorBuilder::vmfs(&stem, SECTORS, own_id, guid(u64::from(own_id), 3));
        let made = match part.since {
            Since::Old => at("2026-04-20T00:00:00Z"),
            Since::Young => at("2026-07-20T00:00:00Z"),
        };
        self.site
            .put(&format!("{folder}/{stem}.vmdk"), descriptor.build(), made, &truth);
        self.site.put(
            &format!("{folder}/{stem}-flat.vmdk"),
            zeros(SECTORS * 512),
            made,
            &truth,
        );
    }
}
