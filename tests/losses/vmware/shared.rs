//! Disks that several VMs need: the base of linked clones, and a disk that two VMs attach.

use jiff::SignedDuration;

use super::{Maker, chain::DiskPlan, known::Machine, some_place, vm::Build, writer::Writer};
use crate::{chance::Chance, place::made_of, plan::Part, site::Truth};

impl Maker {
    /// Linked clones. Their parent is a registered VM, or a disk that no VM has.
    pub(super) fn pool(&mut self, part: &Part, chance: &mut Chance, is_registered: bool) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut parent = Self::machine(part, &place, 0);
        parent.template = is_registered && chance.one_in(3);
        let clones: Vec<Machine> = (1..=2)
            .map(|index| {
                let mut clone = Self::machine(part, &place, index);
                if chance.one_in(2) {
                    clone.folder = format!("{}/{}", place.other, clone.name);
                    clone.working.clone_from(&clone.folder);
                }
                clone
            })
            .collect();
        let disk = DiskPlan {
            folder: parent.folder.clone(),
            stem: parent.stem.clone(),
            raw: false,
            independent: false,
            tracked: false,
        };
        let base = if is_registered {
            let mut build = Build::new(parent, made, part);
            build.unseen_snapshots = 0;
            build.snapshots = 1;
            build.clones = clones.iter().map(Machine::config).collect();
            build.disks.push(disk);
            let vm = self.build(build);
            vm.chains[0].links[0].clone()
        } else {
            let truth = Truth::default();
            let mut writer = Writer {
                site: &mut self.site,
                truth: &truth,
                made,
                listed: Vec::new(),
            };
            let chain = writer.chain(&parent, &disk, None, 0, 0, false, made);
            chain.links[0].clone()
        };
        for clone in clones {
            let mut build = Build::new(clone.clone(), made + SignedDuration::from_hours(30), part);
            build.snapshots = usize::from(part.snapshot_after);
            build.disks.push(DiskPlan {
                folder: clone.folder.clone(),
                stem: clone.stem.clone(),
                raw: false,
                independent: false,
                tracked: false,
            });
            build.machine.power = chance.pick(&["poweredOff", "poweredOn"]);
            build.parents.clone_from(&base.files);
            build.parent = Some(base.clone());
            self.build(build);
        }
    }

    /// Two VMs that share a disk.
    pub(super) fn pair(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let first = Self::machine(part, &place, 0);
        let mut second = Self::machine(part, &place, 1);
        if chance.one_in(2) {
            second.folder = format!("{}/{}", place.other, second.name);
            second.working.clone_from(&second.folder);
        }
        let disk = |folder: &str, stem: &str, independent: bool| DiskPlan {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            raw: false,
            independent,
            tracked: false,
        };
        let mut build = Build::new(first, made, part);
        build.unseen_snapshots = 0;
        build
            .disks
            .push(disk(&build.machine.folder, &build.machine.stem, false));
        build.disks.push(disk(
            &build.machine.folder,
            &format!("{}-quorum", build.machine.stem),
            true,
        ));
        let vm = self.build(build);
        let shared = vm.chains[1].links[0].clone();
        let mut build = Build::new(second, made + SignedDuration::from_hours(5), part);
        build.unseen_snapshots = 0;
        build
            .disks
            .push(disk(&build.machine.folder, &build.machine.stem, false));
        build.foreign.push(shared.path);
        build.parents = shared.files;
        self.build(build);
    }
}
