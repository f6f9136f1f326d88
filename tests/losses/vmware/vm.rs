//! One VM: of which shape it is, and what the site and vCenter know of it once its files are written.

use derelict_parsers::testkit::{foreign, guid, vmware::VmxBuilder};
use jiff::Timestamp;

use super::{
    Maker,
    chain::{Chain, DiskPlan, Link},
    datastores::{HOSTS, on_host},
    known::{Device, Machine},
    some_place,
    writer::Writer,
};
use crate::{
    chance::Chance,
    place::{afterwards, made_of, name_of, running},
    plan::Part,
    site::{Lock, Truth},
};

/// A VM to be made.
pub(super) struct Build {
    pub(super) machine: Machine,
    pub(super) made: Timestamp,
    pub(super) disks: Vec<DiskPlan>,
    /// Disks of others that it attaches.
    pub(super) foreign: Vec<String>,
    /// The disk on which the first one hangs: path and content id, with all files of that chain.
    pub(super) parent: Option<Link>,
    pub(super) parents: Vec<(String, &'static str)>,
    pub(super) snapshots: usize,
    /// So many of the snapshots vCenter does not know yet.
    pub(super) unseen_snapshots: usize,
    pub(super) sesparse: bool,
    pub(super) iso: bool,
    pub(super) logs: usize,
    pub(super) clones: Vec<String>,
    /// The datastore to which it was moved after the exports.
    pub(super) moved: Option<String>,
    pub(super) registered: bool,
    pub(super) left: Option<&'static str>,
}

impl Build {
    pub(super) fn new(machine: Machine, made: Timestamp, part: &Part) -> Self {
        Self {
            machine,
            made,
            disks: Vec::new(),
            foreign: Vec::new(),
            parent: None,
            parents: Vec::new(),
            snapshots: 0,
            unseen_snapshots: usize::from(part.snapshot_after),
            sesparse: false,
            iso: false,
            logs: 1,
            clones: Vec::new(),
            moved: None,
            registered: true,
            left: None,
        }
    }
}

/// A VM that was made.
pub(super) struct Built {
    pub(super) machine: Machine,
    pub(super) chains: Vec<Chain>,
}

impl Build {
    /// Moves the folder of the VM to where it was moved; gives the VM as it is.
    fn relocated(&mut self) -> Machine {
        let mut machine = self.machine.clone();
        if let Some(store) = &self.moved {
            let to = format!("{store}/{}", name_of(&machine.folder));
            for disk in self.disks.iter_mut().filter(|disk| disk.folder == machine.folder) {
                disk.folder.clone_from(&to);
            }
            if machine.working == machine.folder {
                machine.working.clone_from(&to);
            }
            machine.folder = to;
        }
        machine
    }
}

impl Maker {
    /// A VM of any shape.
    pub(super) fn vm(&mut self, part: &Part, chance: &mut Chance) -> Built {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut machine = Self::machine(part, &place, 0);
        if chance.one_in(4) {
            machine.name = format!("{} neu", machine.name);
        }
        machine.power = chance.pick(&["poweredOff", "poweredOff", "poweredOn", "suspended"]);
        machine.template = machine.power == "poweredOff" && chance.one_in(4);
        let snapshots = if machine.template { 0 } else { chance.below(3) };
        if chance.one_in(5) {
            machine.working = format!("{}/work {}", place.other, place.name);
        }
        let mut builder = Build::new(machine, made, part);
        builder.snapshots = snapshots + usize::from(part.snapshot_after);
        builder.sesparse = chance.one_in(2);
        for number in 0..=chance.below(3) {
            let elsewhere = number > 0 && chance.one_in(2);
            let folder = if elsewhere {
                format!("{}/{}", place.other, chance.pick(&["disks", &place.name]))
            } else {
                builder.machine.folder.clone()
            };
            let stem = match (number, elsewhere) {
                (0, _) => builder.machine.stem.clone(),
                (_, true) => format!("{}_d{number}", builder.machine.stem),
                (_, false) => format!("{}_{number}", builder.machine.stem),
            };
            let kind = if number == 0 { 0 } else { chance.below(5) };
            builder.disks.push(DiskPlan {
                folder,
                stem,
                raw: kind == 4,
                independent: kind == 3,
                tracked: kind != 4 && chance.one_in(3),
            });
        }
        builder.iso = chance.one_in(4);
        builder.logs = 1 + chance.below(2);
        builder.moved = part.moved.then(|| place.other.to_owned());
        self.build(builder)
    }

    pub(super) fn build(&mut self, mut build: Build) -> Built {
        let known = build.machine.clone();
        let made = if build.moved.is_some() {
            afterwards()
        } else {
            build.made
        };
        let mut machine = build.relocated();
        let vm = build.registered.then(|| self.register(&known, &machine.config()));
        let truth = Truth {
            vms: vm.into_iter().collect(),
            service: false,
            left: build.left,
        };
        let mut writer = Writer {
            site: &mut self.site,
            truth: &truth,
            made,
            listed: Vec::new(),
        };
        let mut vmx = VmxBuilder::new(&machine.name, &machine.stem).uuids(machine.bios_id(), machine.instance_id());
        if machine.working != machine.folder {
            vmx = vmx
                .set("workingDir", &on_host(&machine.working))
                .set("snapshot.redoNotWithParent", "TRUE");
        }
        let visible = build.snapshots - build.unseen_snapshots.min(build.snapshots);
        let (vmx, chains, devices) = writer.devices(&machine, vmx, &build, visible);
        let mut vmx = attach_foreign(vmx, &build.foreign);
        machine.devices = devices;
        machine.devices.extend(build.foreign.iter().map(|path| Device {
            path: path.clone(),
            raw: false,
            mode: "persistent",
            id: guid(machine.number, 200),
        }));
        if build.iso {
            let image = format!("nfs01/iso/image {}.iso", machine.number);
            writer.site.put(&image, foreign::iso("IMAGE", 65536), made, &truth);
            vmx = vmx.cd("sata0:0", &on_host(&image));
            machine.media.push(image);
        }
        machine.snapshots = writer.snapshots(&machine, &vmx, &chains, &build, visible);
        let vmx = writer.state(&machine, vmx);
        writer.small_files(&machine, &vmx, &build);
        machine.listed = writer.listed;
        machine.listed.extend(build.parents.iter().cloned());
        for (path, _) in &build.parents {
            if let Some(vm) = vm {
                self.site.need(path, vm);
            }
        }
        if build.registered {
            if machine.power == "poweredOn" && machine.folder.starts_with("nfs01/") {
                self.lock(&machine, &chains);
            }
            self.known.machines.push(Self::as_known(machine.clone(), &known));
        }
        Built { machine, chains }
    }

    /// What vCenter knew of a VM before it was moved.
    fn as_known(machine: Machine, known: &Machine) -> Machine {
        let from = format!("{}/", machine.folder);
        let to = format!("{}/", known.folder);
        let back = |path: &String| match path.strip_prefix(&from) {
            Some(rest) => format!("{to}{rest}"),
            None => path.clone(),
        };
        Machine {
            folder: known.folder.clone(),
            working: known.working.clone(),
            devices: machine
                .devices
                .iter()
                .map(|device| Device {
                    path: back(&device.path),
                    ..device.clone()
                })
                .collect(),
            snapshots: machine
                .snapshots
                .iter()
                .map(|(name, state)| (name.clone(), back(state)))
                .collect(),
            listed: machine.listed.iter().map(|(path, kind)| (back(path), *kind)).collect(),
            ..machine
        }
    }

    fn lock(&mut self, machine: &Machine, chains: &[Chain]) {
        let mut locked = vec![machine.config()];
        locked.extend(chains.iter().map(|chain| chain.leaf().files[1].0.clone()));
        for of in locked {
            self.site.locks.push(Lock {
                of,
                host: HOSTS[machine.host()].1.to_owned(),
                modified: running(),
            });
        }
    }
}

/// Attaches disks of others, which share them.
fn attach_foreign(vmx: VmxBuilder, disks: &[String]) -> VmxBuilder {
    disks.iter().enumerate().fold(vmx, |vmx, (number, disk)| {
        let node = format!("scsi1:{number}");
        vmx.disk(&node, &on_host(disk))
            .set(&format!("{node}.sharing"), "multi-writer")
    })
}
