//! Sites of Hyper-V: clustered VMs on shared volumes and a share, local ones on a drive, chains, checkpoints, sets, replicas, what
//! belongs to no VM, and leftovers of every class. Each part is made from its own seed, as in `vmware`.

use derelict::kind::Platform;
use derelict_parsers::{
    DiskKind,
    hyperv_config::ControllerKind,
    testkit::{
        foreign, guid,
        hyperv_files::{HrlBuilder, VmgsBuilder, vhds},
        hyperv_vm::{HypervDrive, HypervVm},
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder},
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    chance::Chance,
    place::{Place, afterwards, folder_of, made_of, name_of, running},
    plan::{Part, Since},
    site::{Content, RegisteredVm, Root, Site, Truth, at, zeros},
};

pub(crate) const NODES: [&str; 2] = ["HV01", "HV02"];

/// A volume: its folder in the site, how the nodes write it, its other names.
pub(crate) struct Volume {
    pub(crate) root: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) others: &'static [&'static str],
}

pub(crate) const VOLUMES: [Volume; 4] = [
    Volume {
        root: "csv1",
        path: r"C:\ClusterStorage\Volume1",
        id: r"\\?\Volume{11111111-aaaa-bbbb-cccc-000000000001}\",
        others: &[r"\\HV01\C$\ClusterStorage\Volume1", r"c:\clusterstorage\volume1"],
    },
    Volume {
        root: "csv2",
        path: r"C:\ClusterStorage\Volume2",
        id: r"\\?\Volume{11111111-aaaa-bbbb-cccc-000000000002}\",
        others: &[r"\\HV02\C$\ClusterStorage\Volume2", r"C:/ClusterStorage/Volume2"],
    },
    Volume {
        root: "share",
        path: r"\\fs01.lab.example\vms",
        id: "",
        others: &[r"\\FS01\vms", r"\\?\UNC\fs01.lab.example\vms"],
    },
    Volume {
        root: "local",
        path: r"D:",
        id: "",
        others: &[],
    },
];

/// The kinds of parts.
pub(crate) const PARTS: [&str; 18] = [
    "vm",
    "vm",
    "vm",
    "vm",
    "golden",
    "set",
    "replica",
    "profile",
    "backup",
    "deleted",
    "deleted-chain",
    "stranded",
    "sidecar",
    "state",
    "unregistered",
    "twin",
    "copy",
    "legacy",
];

/// A VM as its node knows it.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) folder: String,
    pub(crate) node: usize,
    pub(crate) state: &'static str,
    pub(crate) clustered: bool,
    pub(crate) version: i64,
    pub(crate) disks: Vec<String>,
    /// Number of a disk that is passed through.
    pub(crate) pass_through: Option<u32>,
    pub(crate) media: Vec<String>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    pub(crate) replication: &'static str,
    pub(crate) since: Since,
}

/// A checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) taken: Timestamp,
    pub(crate) disks: Vec<String>,
}

impl Machine {
    pub(crate) fn config(&self) -> String {
        let extension = if self.version < 0x0600 { "xml" } else { "vmcx" };
        format!("{}/Virtual Machines/{}.{extension}", self.folder, upper(self.id))
    }
}

/// What the nodes know: the VMs, and the parent of each disk.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) machines: Vec<Machine>,
    pub(crate) parents: Vec<(String, Option<String>, Since)>,
}

pub(crate) fn upper(id: Uuid) -> String {
    id.to_string().to_uppercase()
}

fn volume_of(path: &str) -> &'static Volume {
    let root = path.split('/').next().unwrap_or_default();
    VOLUMES.iter().find(|volume| volume.root == root).unwrap()
}

/// A path of the site as the nodes write it.
pub(crate) fn on_host(path: &str) -> String {
    let (_, rest) = path.split_once('/').unwrap_or((path, ""));
    format!(r"{}\{}", volume_of(path).path, rest.replace('/', r"\"))
}

/// Makes the parts of a site.
pub(crate) fn make(parts: &[Part]) -> (Site, Known) {
    let root = |volume: &Volume| {
        let first = if volume.root == "local" {
            r"\\HV01\D$"
        } else {
            volume.path
        };
        let mut other_aliases = vec![first.to_owned()];
        other_aliases.extend(volume.others.iter().map(|&other| other.to_owned()));
        other_aliases.extend((!volume.id.is_empty()).then(|| volume.id.to_owned()));
        Root {
            folder: volume.root.to_owned(),
            below: None,
            aliases: vec![first.to_owned()],
            other_aliases,
            scanned: true,
        }
    };
    let site = Site::new(Platform::Hyperv, VOLUMES.iter().map(root).collect());
    let mut maker = Maker {
        site,
        known: Known::default(),
    };
    for part in parts {
        maker.part(part);
    }
    (maker.site, maker.known)
}

struct Maker {
    site: Site,
    known: Known,
}

fn some_place(part: &Part, chance: &mut Chance) -> Place {
    let names = ["SQL", "WEB-Köln ", "Büro [alt] ", "app.", "a&b ", "VDI-"];
    Place::of(part, chance, &VOLUMES.map(|volume| volume.root), &names)
}

/// A disk that was written.
#[derive(Debug, Clone)]
struct Disk {
    path: String,
    body: VhdxBuilder,
}

fn seed_of(path: &str) -> u64 {
    path.bytes()
        .fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// A VM to be made.
struct Build {
    machine: Machine,
    vm: HypervVm,
    made: Timestamp,
    moved: Option<String>,
    checkpoints: usize,
    unseen_checkpoints: usize,
    branch: bool,
    registered: bool,
    left: Option<&'static str>,
    guest_state: bool,
}

/// What the writing of one VM goes by.
struct Frame {
    /// Its folder as its node knows it, and the one in which it is: it may have been moved.
    known_folder: String,
    folder: String,
    truth: Truth,
    made: Timestamp,
    leaf_time: Timestamp,
    /// So many of its checkpoints its node knew when the exports were taken.
    visible: usize,
    controller: ControllerKind,
}

impl Frame {
    fn real(&self, path: &str) -> String {
        match path.strip_prefix(&format!("{}/", self.known_folder)) {
            Some(rest) => format!("{}/{rest}", self.folder),
            None => path.to_owned(),
        }
    }

    fn listed(&self, path: &str) -> String {
        match path.strip_prefix(&format!("{}/", self.folder)) {
            Some(rest) => format!("{}/{rest}", self.known_folder),
            None => path.to_owned(),
        }
    }

    fn days_later(&self, days: usize) -> Timestamp {
        self.made + SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or_default())
    }
}

/// Puts the leaves of the chains and a disk that is passed through into the drives of a VM.
fn attach(build: &mut Build, frame: &Frame, chains: &[Vec<Disk>]) {
    for (location, chain) in (0..).zip(chains) {
        let leaf = &chain[chain.len() - 1].path;
        build
            .vm
            .drives
            .push(HypervDrive::disk(frame.controller, location, on_host(leaf)));
        build.machine.disks.push(frame.listed(&chain[frame.visible].path));
    }
    if let Some(number) = build.machine.pass_through {
        let place = format!("Disk {number} 100.00 GB Bus 0 Lun 0 Target 1");
        let mut drive = HypervDrive::disk(ControllerKind::Scsi, 9, place);
        "PhysicalDrive".clone_into(&mut drive.kind);
        build.vm.drives.push(drive);
    }
}

impl Maker {
    fn part(&mut self, part: &Part) {
        let mut chance = Chance::of(part.seed, "hyperv");
        match part.kind {
            "golden" => self.golden(part, &mut chance),
            "set" => self.set(part, &mut chance),
            "replica" => self.replica(part, &mut chance),
            "profile" | "backup" => self.service(part, &mut chance),
            "deleted" | "deleted-chain" => self.deleted(part, &mut chance),
            "stranded" => self.stranded(part, &mut chance),
            "sidecar" | "state" => self.leftover_companion(part, &mut chance),
            "unregistered" => self.unregistered(part, &mut chance),
            "twin" => self.twin(part, &mut chance),
            "copy" => self.copy(part, &mut chance),
            "legacy" => self.legacy(part, &mut chance),
            _ => {
                self.vm(part, &mut chance);
            }
        }
    }

    fn new_build(part: &Part, place: &Place, index: u64, made: Timestamp) -> Build {
        let name = place.vm_name(index);
        let number = u64::try_from(part.number).unwrap_or_default() * 10 + index;
        let id = guid(number, 1);
        // The other node does not reach a local drive, so what lies there is of the first.
        let is_local = place.store == "local" || place.other == "local";
        let mut vm = HypervVm::new(&name, id);
        vm.creation_time = made;
        vm.highly_available = !is_local && place.store != "share";
        Build {
            machine: Machine {
                folder: format!("{}/{name}", place.store),
                name,
                id,
                node: usize::from(!is_local && number.is_multiple_of(2)),
                state: "Off",
                clustered: vm.highly_available,
                version: vm.version,
                disks: Vec::new(),
                pass_through: None,
                media: Vec::new(),
                checkpoints: Vec::new(),
                replication: "None",
                since: part.since,
            },
            vm,
            made,
            moved: None,
            checkpoints: 0,
            unseen_checkpoints: 0,
            branch: false,
            registered: true,
            left: None,
            guest_state: false,
        }
    }

    fn register(&mut self, machine: &Machine, config: &str) -> usize {
        self.site.vms.push(RegisteredVm {
            config: config.to_owned(),
            tokens: vec![machine.id.to_string(), upper(machine.id), on_host(config)],
        });
        self.site.vms.len() - 1
    }

    fn put(&mut self, path: &str, content: impl Into<Content>, modified: Timestamp, truth: &Truth) {
        self.site.put(path, content, modified, truth);
    }

    fn base(&mut self, path: &str, modified: Timestamp, truth: &Truth, since: Since) -> Disk {
        let body = VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, seed_of(path));
        self.put(path, body.build(), modified, truth);
        self.known.parents.push((path.to_owned(), None, since));
        Disk {
            path: path.to_owned(),
            body,
        }
    }

    fn child(&mut self, path: &str, parent: &Disk, modified: Timestamp, truth: &Truth, since: Since) -> Disk {
        let relative = if folder_of(path) == folder_of(&parent.path) {
            format!(r".\{}", name_of(&parent.path))
        } else {
            String::new()
        };
        let absolute = on_host(&parent.path);
        let paths = ParentPaths {
            relative: &relative,
            absolute: &absolute,
            volume: "",
        };
        let body = VhdxBuilder::child_of(&parent.body, paths, seed_of(path));
        self.put(path, body.build(), modified, truth);
        self.known
            .parents
            .push((path.to_owned(), Some(parent.path.clone()), since));
        Disk {
            path: path.to_owned(),
            body,
        }
    }

    /// A VM of any shape.
    fn vm(&mut self, part: &Part, chance: &mut Chance) -> (Machine, Vec<Disk>, usize) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut build = Self::new_build(part, &place, 0, made);
        build.machine.state = chance.pick(&["Off", "Running", "Running", "Saved"]);
        build.vm.generation = chance.pick(&[1, 2, 2]);
        build.checkpoints = chance.below(3) + usize::from(part.snapshot_after);
        build.unseen_checkpoints = usize::from(part.snapshot_after);
        build.branch = build.checkpoints > 1 && chance.one_in(3);
        build.moved = part.moved.then(|| place.other.to_owned());
        build.guest_state = build.vm.generation == 2 && chance.one_in(2);
        if chance.one_in(6) {
            build.machine.pass_through = Some(3);
        }
        let disk_folder = chance.pick(&["", "/Virtual Hard Disks"]);
        let mut plans = vec![format!("{}{disk_folder}/{}.vhdx", build.machine.folder, place.name)];
        for number in 1..=chance.below(3) {
            let folder = match chance.below(3) {
                0 => build.machine.folder.clone() + disk_folder,
                1 => format!("{}/disks", place.other),
                _ => format!("{}/{}", place.other, place.name),
            };
            plans.push(format!("{folder}/{}_{number}.vhdx", place.name));
        }
        let tracked = chance.one_in(3);
        let iso = chance.one_in(4);
        self.build(build, &plans, tracked, iso)
    }

    /// Writes a VM. Gives it with its real folder, the bases of its disks, and its place in the list of the site.
    fn build(&mut self, mut build: Build, plans: &[String], tracked: bool, iso: bool) -> (Machine, Vec<Disk>, usize) {
        let known_folder = build.machine.folder.clone();
        let made = if build.moved.is_some() {
            afterwards()
        } else {
            build.made
        };
        if let Some(store) = &build.moved {
            build.machine.folder = format!("{store}/{}", name_of(&known_folder));
        }
        let config = build.machine.config();
        let vm = if build.registered {
            self.register(&build.machine, &config)
        } else {
            usize::MAX
        };
        let runs = build.machine.state == "Running";
        let frame = Frame {
            known_folder: known_folder.clone(),
            folder: build.machine.folder.clone(),
            truth: Truth {
                vms: build.registered.then_some(vm).into_iter().collect(),
                service: false,
                left: build.left,
            },
            made,
            leaf_time: if runs { running() } else { made },
            visible: build.checkpoints - build.unseen_checkpoints,
            controller: if build.vm.generation == 1 {
                ControllerKind::Ide
            } else {
                ControllerKind::Scsi
            },
        };
        let chains: Vec<Vec<Disk>> = plans
            .iter()
            .map(|path| self.chain(&build, &frame, path, tracked))
            .collect();
        attach(&mut build, &frame, &chains);
        if iso {
            let image = format!("share/ISO/image {}.iso", build.machine.name);
            self.put(&image, foreign::iso("IMAGE", 65536), made, &frame.truth);
            let drive = HypervDrive::iso(ControllerKind::Ide, 3, on_host(&image));
            build.vm.drives.push(drive);
            build.machine.media.push(image);
        }
        for number in 1..=build.checkpoints {
            self.checkpoint(&mut build, &frame, &chains, number);
        }
        self.configuration(&mut build, &frame, &config);
        let machine = Machine {
            folder: known_folder,
            ..build.machine
        };
        if build.registered {
            self.known.machines.push(machine.clone());
        }
        let bases = chains.iter().map(|chain| chain[0].clone()).collect();
        let folder = frame.folder;
        (Machine { folder, ..machine }, bases, vm)
    }

    /// A disk with the links of its checkpoints, and its change tracking.
    fn chain(&mut self, build: &Build, frame: &Frame, planned: &str, tracked: bool) -> Vec<Disk> {
        let (path, since, truth) = (frame.real(planned), build.machine.since, &frame.truth);
        let stem = path.trim_end_matches(".vhdx");
        let time = if build.checkpoints == 0 {
            frame.leaf_time
        } else {
            frame.made
        };
        let mut chain = vec![self.base(&path, time, truth, since)];
        for number in 1..=build.checkpoints {
            let time = match () {
                () if number > frame.visible => afterwards(),
                () if number == build.checkpoints => frame.leaf_time,
                () => frame.days_later(number),
            };
            let id = upper(guid(seed_of(&path), 40 + u64::try_from(number).unwrap_or_default()));
            // On a branch the second checkpoint stands on the base again.
            let parent = if build.branch && number == 2 { 0 } else { number - 1 };
            let parent = chain[parent].clone();
            let link = self.child(&format!("{stem}_{id}.avhdx"), &parent, time, truth, since);
            chain.push(link);
        }
        if tracked {
            let leaf = &chain[chain.len() - 1].path;
            self.put(&format!("{leaf}.rct"), vec![1; 4096], frame.leaf_time, truth);
            self.put(&format!("{leaf}.mrt"), vec![1; 4096], frame.leaf_time, truth);
        }
        chain
    }

    /// A checkpoint with its configuration and state.
    fn checkpoint(&mut self, build: &mut Build, frame: &Frame, chains: &[Vec<Disk>], number: usize) {
        let time = if number > frame.visible {
            afterwards()
        } else {
            frame.days_later(number)
        };
        let seed = u64::from(build.machine.id.as_fields().0);
        let id = guid(seed, 60 + u64::try_from(number).unwrap_or_default());
        // What a branch held before it was left, its first link, is what the second checkpoint keeps.
        let disks: Vec<&str> = chains.iter().map(|chain| chain[number - 1].path.as_str()).collect();
        let mut own = HypervVm {
            id,
            checkpoint_of: Some(build.machine.id),
            name: format!("checkpoint {number}"),
            drives: Vec::new(),
            ..build.vm.clone()
        };
        for (location, disk) in (0..).zip(&disks) {
            own.drives
                .push(HypervDrive::disk(frame.controller, location, on_host(disk)));
        }
        let stem = format!("{}/Snapshots/{}", frame.folder, upper(id));
        self.put(&format!("{stem}.vmcx"), own.to_vmcx(), time, &frame.truth);
        self.put(&format!("{stem}.VMRS"), own.to_vmrs(0), time, &frame.truth);
        build.vm.checkpoint_count += 1;
        if number <= frame.visible {
            build.machine.checkpoints.push(Checkpoint {
                id,
                name: own.name,
                taken: time,
                disks: disks.iter().map(|disk| frame.listed(disk)).collect(),
            });
        }
    }

    /// Configuration, runtime state and guest state.
    fn configuration(&mut self, build: &mut Build, frame: &Frame, config: &str) {
        let (made, truth) = (frame.made, &frame.truth);
        let id = upper(build.machine.id);
        let stem = format!("{}/Virtual Machines/{id}", frame.folder);
        if build.guest_state {
            let state = VmgsBuilder::new(seed_of(&stem));
            self.put(&format!("{stem}.vmgs"), state.build(), made, truth);
            build.vm.guest_state_path = Some(on_host(&format!("{stem}.vmgs")));
        }
        let time = if build.unseen_checkpoints > 0 {
            afterwards()
        } else {
            made
        };
        let is_saved = build.machine.state == "Saved";
        if build.machine.version >= 0x0600 {
            let state = build.vm.to_vmrs(if is_saved { 4096 } else { 0 });
            self.put(config, build.vm.to_vmcx(), time, truth);
            self.put(&format!("{stem}.VMRS"), state, frame.leaf_time, truth);
            return;
        }
        build.vm.version = build.machine.version;
        if is_saved {
            let (memory, devices) = (format!("{stem}/{id}.bin"), format!("{stem}/{id}.vsv"));
            self.put(&memory, zeros(65536), made, truth);
            self.put(&devices, zeros(4096), made, truth);
            build.vm.saved_state = Some((on_host(&memory), on_host(&devices)));
        }
        self.put(config, build.vm.to_xml(), time, truth);
    }

    /// A parent that no VM has attached, and clones of it.
    fn golden(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let path = format!("{}/Basis {}/w11.vhdx", place.store, part.number);
        let parent = self.base(&path, made, &Truth::default(), part.since);
        for index in 1..=2 {
            let mut build = Self::new_build(part, &place, index, made + SignedDuration::from_hours(40));
            if chance.one_in(2) {
                build.machine.folder = format!("{}/{}", place.other, build.machine.name);
            }
            let vm = self.site.vms.len();
            let leaf = format!("{}/{}.vhdx", build.machine.folder, build.machine.name);
            self.child(&leaf, &parent, build.made, &Truth::of_vm(vm), part.since);
            self.site.need(&path, vm);
            build
                .vm
                .drives
                .push(HypervDrive::disk(ControllerKind::Scsi, 0, on_host(&leaf)));
            build.machine.disks.push(leaf);
            self.build(build, &[], false, false);
        }
    }

    /// A set that two VMs share.
    fn set(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let store = chance.pick(&["csv1", "csv2"]);
        let folder = format!("{store}/sets {}", part.number);
        let data = format!("shared_{}.avhdx", upper(guid(part.seed, 5)));
        let set = format!("{folder}/shared.vhds");
        self.put(&set, vhds(&[&data]), made, &Truth::default());
        let body = VhdxBuilder::new(DiskKind::Dynamic, 64 << 20, part.seed);
        let data = format!("{folder}/{data}");
        self.put(&data, body.build(), running(), &Truth::default());
        for index in 0..2 {
            let mut build = Self::new_build(part, &place, index, made);
            let vm = self.site.vms.len();
            self.site.need(&set, vm);
            self.site.need(&data, vm);
            build
                .vm
                .drives
                .push(HypervDrive::disk(ControllerKind::Scsi, 5, on_host(&set)));
            build.machine.disks.push(set.clone());
            let own = format!("{}/{}.vhdx", build.machine.folder, build.machine.name);
            self.build(build, &[own], false, false);
        }
    }

    /// A VM that another site replicates to this one.
    fn replica(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut build = Self::new_build(part, &place, 0, made);
        build.machine.replication = "Replica";
        build.machine.folder = format!("{}/Hyper-V Replica", place.store);
        let folder = format!(
            "{}/Virtual hard disks/{}",
            build.machine.folder,
            upper(build.machine.id)
        );
        let disk = format!("{folder}/{}.vhdx", place.name);
        let vm = self.site.vms.len();
        let log = HrlBuilder::new(part.seed);
        self.put(
            &format!("{folder}/{}.hrl", place.name),
            log.bytes(),
            running(),
            &Truth::of_vm(vm),
        );
        self.build(build, &[disk], false, false);
    }

    fn service(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let path = if part.kind == "profile" {
            format!(
                "share/profiles {0}/S-1-5-21-1004336348-1177238915-682003330-{0}_user/Profile_user.vhdx",
                1000 + part.number
            )
        } else {
            format!(
                "{}/WindowsImageBackup/FS{}/Backup 2026-05-01 200000/{}.vhdx",
                place.store,
                part.number,
                guid(part.seed, 1)
            )
        };
        self.base(&path, made, &Truth::service(), part.since);
    }

    /// A VM that was deleted: its disk is left, perhaps with a chain.
    fn deleted(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let folder = place.folder() + chance.pick(&["", "/Virtual Hard Disks"]);
        let path = format!("{folder}/{}.vhdx", place.name);
        if part.kind == "deleted-chain" {
            let truth = Truth::left("orphaned");
            let base = self.base(&path, made, &truth, part.since);
            let id = upper(guid(part.seed, 3));
            let leaf = format!("{folder}/{}_{id}.avhdx", place.name);
            let later = made + SignedDuration::from_hours(30);
            self.child(&leaf, &base, later, &truth, part.since);
            return;
        }
        let truth = Truth::left("orphaned/deleted-vm-disk");
        if chance.one_in(3) {
            let body = VhdBuilder::new(DiskKind::Dynamic, 64 << 20, part.seed);
            let path = path.replace(".vhdx", ".vhd");
            self.put(&path, body.build(), made, &truth);
        } else {
            self.base(&path, made, &truth, part.since);
        }
    }

    /// A disk in the folder of a VM that no chain of it reaches.
    fn stranded(&mut self, part: &Part, chance: &mut Chance) {
        let (_, bases, _) = self.vm(&part.calm(), chance);
        let truth = Truth::left("orphaned/stranded-snapshot");
        let stem = bases[0].path.trim_end_matches(".vhdx").to_owned();
        let path = format!("{stem}_{}.avhdx", upper(guid(part.seed, 11)));
        let made = match part.since {
            Since::Old => at("2026-06-20T00:00:00Z"),
            Since::Young => at("2026-09-20T00:00:00Z"),
        };
        self.child(&path, &bases[0], made, &truth, part.since);
    }

    fn leftover_companion(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        if part.kind == "sidecar" {
            let path = format!("{}/{}.vhdx.rct", place.folder(), place.name);
            self.put(&path, vec![1; 4096], made, &Truth::left("orphaned/leftover-sidecar"));
        } else {
            let id = guid(part.seed, 12);
            let path = format!("{}/Virtual Machines/{}.VMRS", place.folder(), upper(id));
            let vm = HypervVm::new("gone", id);
            self.put(&path, vm.to_vmrs(0), made, &Truth::left("orphaned/leftover-state"));
        }
    }

    fn unregistered(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut build = Self::new_build(part, &place, 0, made);
        build.registered = false;
        build.left = Some("unregistered");
        build.checkpoints = chance.below(2);
        let disk = format!("{}/{}.vhdx", build.machine.folder, place.name);
        self.build(build, &[disk], chance.one_in(2), false);
    }

    /// A VM, and what a move of its disk left at the old place.
    fn twin(&mut self, part: &Part, chance: &mut Chance) {
        let (_, bases, _) = self.vm(&part.calm(), chance);
        let store = chance.pick(&["csv1", "csv2", "share"]);
        let path = format!("{store}/old place {}/{}", part.number, name_of(&bases[0].path));
        let made = match part.since {
            Since::Old => at("2026-04-20T00:00:00Z"),
            Since::Young => at("2026-07-20T00:00:00Z"),
        };
        let truth = Truth::left("orphaned/migration-leftover");
        self.put(&path, bases[0].body.build(), made, &truth);
        self.known.parents.push((path, None, part.since));
    }

    /// A VM, and an export of it.
    fn copy(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let build = Self::new_build(part, &place, 0, made);
        let disk = format!("{}/Virtual Hard Disks/{}.vhdx", build.machine.folder, place.name);
        let (machine, bases, _) = self.build(build, &[disk], false, false);
        let truth = Truth::left("unregistered|orphaned");
        let folder = format!("share/Export {}/{}", part.number, place.name);
        let copied = format!("{folder}/Virtual Hard Disks/{}.vhdx", place.name);
        self.put(&copied, bases[0].body.build(), made, &truth);
        let mut vm = HypervVm::new(&machine.name, machine.id);
        vm.drives
            .push(HypervDrive::disk(ControllerKind::Scsi, 0, on_host(&copied)));
        let config = format!("{folder}/Virtual Machines/{}.vmcx", upper(machine.id));
        self.put(&config, vm.to_vmcx(), made, &truth);
    }

    /// A configuration of 2012 R2.
    fn legacy(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let mut build = Self::new_build(part, &place, 0, made);
        build.machine.version = 0x0500;
        build.machine.state = chance.pick(&["Off", "Saved"]);
        build.vm.generation = 1;
        build.vm.highly_available = false;
        build.machine.clustered = false;
        let path = format!("{}/{}.vhd", build.machine.folder, place.name);
        let body = VhdBuilder::new(DiskKind::Dynamic, 64 << 20, part.seed);
        let vm = self.site.vms.len();
        self.put(&path, body.build(), made, &Truth::of_vm(vm));
        build
            .vm
            .drives
            .push(HypervDrive::disk(ControllerKind::Ide, 0, on_host(&path)));
        self.known.parents.push((path.clone(), None, part.since));
        build.machine.disks.push(path);
        self.build(build, &[], false, false);
    }
}
