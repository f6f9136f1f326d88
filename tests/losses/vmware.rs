//! Sites of VMware: VMs of every shape on several datastores, what belongs to no VM, and leftovers of every class.
//!
//! Each part of a site is made from its own seed and refers to no other part, so that a part can be left out.

use derelict::kind::Platform;
use derelict_parsers::testkit::{
    foreign, guid,
    vmware::{
        DescriptorBuilder, SnapshotBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder, change_tracking, cowd,
        nfs_lock, nfs_lock_name, nvram, sesparse, stream_optimized, uuid_text, vmxf,
    },
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    chance::Chance,
    place::{Place, afterwards, folder_of, made_of, name_of, running},
    plan::{Part, Since},
    site::{Content, Lock, RegisteredVm, Root, Site, Truth, at, zeros},
};

/// Sectors of the disks that are made here: 1 MiB.
const SECTORS: u64 = 2048;

/// An inode that no file of a site has.
const GONE_INODE: u64 = 0x7FFF_FFFF_FFFF_0147;

/// Reference and name of the hosts.
pub(crate) const HOSTS: [(&str, &str); 2] = [("host-11", "esx01.lab.example"), ("host-12", "esx02.lab.example")];

/// A datastore.
#[derive(Debug)]
pub(crate) struct Datastore {
    /// Its label, which is its folder in the site.
    pub(crate) name: &'static str,
    pub(crate) id: &'static str,
    pub(crate) moref: &'static str,
    pub(crate) kind: &'static str,
    /// How many of the hosts mount it.
    pub(crate) hosts: usize,
}

pub(crate) const DATASTORES: [Datastore; 4] = [
    Datastore {
        name: "vmfs01",
        id: "5f1c2d3e-0badc0de-1111-001b21aa0001",
        moref: "datastore-21",
        kind: "VMFS",
        hosts: 2,
    },
    Datastore {
        name: "vmfs02",
        id: "5f1c2d3e-0badc0de-2222-001b21aa0002",
        moref: "datastore-22",
        kind: "VMFS",
        hosts: 2,
    },
    Datastore {
        name: "nfs01",
        id: "95e378c2-863dd2b4",
        moref: "datastore-23",
        kind: "NFS",
        hosts: 2,
    },
    Datastore {
        name: "local01",
        id: "5f1c2d3e-0badc0de-4444-001b21aa0004",
        moref: "datastore-24",
        kind: "VMFS",
        hosts: 1,
    },
];

/// The kinds of parts.
pub(crate) const PARTS: [&str; 19] = [
    "vm",
    "vm",
    "vm",
    "pool",
    "replica",
    "pair",
    "fcd",
    "library",
    "protected",
    "deleted",
    "stranded",
    "headless",
    "dangling",
    "unregistered",
    "stale-lock",
    "sidecar",
    "swap",
    "twin",
    "deleted-chain",
];

/// A VM as vCenter knows it.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) name: String,
    /// Its folder in the site, as vCenter knows it.
    pub(crate) folder: String,
    pub(crate) stem: String,
    pub(crate) number: u64,
    pub(crate) template: bool,
    pub(crate) power: &'static str,
    /// Where snapshots and swap go.
    pub(crate) working: String,
    pub(crate) devices: Vec<Device>,
    pub(crate) media: Vec<String>,
    /// Name and state file of each snapshot.
    pub(crate) snapshots: Vec<(String, String)>,
    /// Its files as `layoutEx` lists them.
    pub(crate) listed: Vec<(String, &'static str)>,
    pub(crate) since: Since,
}

/// A disk that is attached.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) path: String,
    pub(crate) raw: bool,
    pub(crate) mode: &'static str,
    pub(crate) id: Uuid,
}

impl Machine {
    pub(crate) fn moref(&self) -> String {
        format!("vm-{}", 1000 + self.number)
    }

    pub(crate) fn instance_id(&self) -> Uuid {
        guid(self.number, 2)
    }

    pub(crate) fn bios_id(&self) -> Uuid {
        guid(self.number, 1)
    }

    /// Its host. What lies on the local datastore is of the first.
    pub(crate) fn host(&self) -> usize {
        let local = self.folder.starts_with("local01/") || self.working.starts_with("local01/");
        let local = local || self.devices.iter().any(|device| device.path.starts_with("local01/"));
        usize::from(!local && self.number.is_multiple_of(2))
    }

    pub(crate) fn config(&self) -> String {
        let extension = if self.template { "vmtx" } else { "vmx" };
        format!("{}/{}.{extension}", self.folder, self.stem)
    }
}

/// A First Class Disk that vCenter lists.
#[derive(Debug, Clone)]
pub(crate) struct FirstClassDisk {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) path: String,
}

/// What vCenter knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) machines: Vec<Machine>,
    pub(crate) disks: Vec<FirstClassDisk>,
}

/// `[datastore] folder/file`.
pub(crate) fn in_vcenter(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    format!("[{datastore}] {rest}")
}

/// `/vmfs/volumes/<id>/folder/file`.
pub(crate) fn on_host(path: &str) -> String {
    let (datastore, rest) = path.split_once('/').unwrap_or((path, ""));
    format!("/vmfs/volumes/{}/{rest}", datastore_of(datastore).id)
}

/// The datastore that a path of the site begins with.
pub(crate) fn datastore_of(path: &str) -> &'static Datastore {
    let name = path.split('/').next().unwrap_or_default();
    DATASTORES.iter().find(|known| known.name == name).unwrap()
}

/// A file as one in `folder` names it.
fn named_from(folder: &str, path: &str) -> String {
    if folder_of(path) == folder {
        name_of(path).to_owned()
    } else {
        on_host(path)
    }
}

/// Makes the parts of a site.
pub(crate) fn make(parts: &[Part]) -> (Site, Known) {
    let root = |datastore: &Datastore| Root {
        folder: datastore.name.to_owned(),
        below: None,
        aliases: vec![datastore.name.to_owned(), format!("/vmfs/volumes/{}", datastore.id)],
        other_aliases: vec![
            datastore.name.to_owned(),
            format!("/vmfs/volumes/{}", datastore.id),
            format!("ds:///vmfs/volumes/{}/", datastore.id),
            format!("[{}]", datastore.name),
            format!("/vmfs/volumes/{}", datastore.name),
        ],
        scanned: true,
    };
    let site = Site::new(Platform::Vmware, DATASTORES.iter().map(root).collect());
    let mut maker = Maker {
        site,
        known: Known::default(),
    };
    for part in parts {
        maker.part(part);
    }
    maker.ha_list(parts);
    (maker.site, maker.known)
}

struct Maker {
    site: Site,
    known: Known,
}

/// A disk with its links, from the base to the leaf.
struct Chain {
    links: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    path: String,
    cid: u32,
    files: Vec<(String, &'static str)>,
}

impl Chain {
    fn leaf(&self) -> &Link {
        &self.links[self.links.len() - 1]
    }
}

fn some_place(part: &Part, chance: &mut Chance) -> Place {
    let names = ["web", "Köln ", "app [prod] ", "DB-", "a&b ", "Büro (alt) ", "srv.lab."];
    Place::of(part, chance, &DATASTORES.map(|datastore| datastore.name), &names)
}

impl Maker {
    fn part(&mut self, part: &Part) {
        let mut chance = Chance::of(part.seed, "vmware");
        match part.kind {
            "pool" => self.pool(part, &mut chance, true),
            "replica" => self.pool(part, &mut chance, false),
            "pair" => self.pair(part, &mut chance),
            "fcd" => self.first_class_disk(part, &mut chance),
            "library" => self.library(part, &mut chance),
            "protected" => self.protected(part, &mut chance),
            "deleted" | "deleted-chain" => self.deleted(part, &mut chance),
            "stranded" => self.stranded(part, &mut chance),
            "headless" | "dangling" => self.half(part, &mut chance),
            "unregistered" => self.unregistered(part, &mut chance),
            "stale-lock" => self.stale_lock(part, &mut chance),
            "sidecar" | "swap" => self.leftover_companion(part, &mut chance),
            "twin" => self.twin(part, &mut chance),
            _ => {
                self.vm(part, &mut chance);
            }
        }
    }

    /// Registers a VM; gives its place in the list of the site.
    fn register(&mut self, machine: &Machine, config: &str) -> usize {
        let tokens = vec![
            machine.moref(),
            machine.instance_id().to_string(),
            in_vcenter(&machine.config()),
            on_host(&machine.config()),
        ];
        self.site.vms.push(RegisteredVm {
            config: config.to_owned(),
            tokens,
        });
        self.site.vms.len() - 1
    }

    fn machine(part: &Part, place: &Place, index: u64) -> Machine {
        let name = place.vm_name(index);
        let folder = format!("{}/{name}", place.store);
        Machine {
            working: folder.clone(),
            stem: name.clone(),
            name,
            folder,
            number: u64::try_from(part.number).unwrap_or_default() * 10 + index,
            template: false,
            power: "poweredOff",
            devices: Vec::new(),
            media: Vec::new(),
            snapshots: Vec::new(),
            listed: Vec::new(),
            since: part.since,
        }
    }

    /// A VM of any shape.
    fn vm(&mut self, part: &Part, chance: &mut Chance) -> Built {
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
}

/// A disk of a VM to be made.
#[derive(Clone)]
struct DiskPlan {
    folder: String,
    stem: String,
    raw: bool,
    independent: bool,
    tracked: bool,
}

/// A VM to be made.
struct Build {
    machine: Machine,
    made: Timestamp,
    disks: Vec<DiskPlan>,
    /// Disks of others that it attaches.
    foreign: Vec<String>,
    /// The disk on which the first one hangs: path and content id, with all files of that chain.
    parent: Option<Link>,
    parents: Vec<(String, &'static str)>,
    snapshots: usize,
    /// So many of the snapshots vCenter does not know yet.
    unseen_snapshots: usize,
    sesparse: bool,
    iso: bool,
    logs: usize,
    clones: Vec<String>,
    /// The datastore to which it was moved after the exports.
    moved: Option<String>,
    registered: bool,
    left: Option<&'static str>,
}

impl Build {
    fn new(machine: Machine, made: Timestamp, part: &Part) -> Self {
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
struct Built {
    machine: Machine,
    chains: Vec<Chain>,
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
    fn build(&mut self, mut build: Build) -> Built {
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

/// Writes the files of one VM.
struct Writer<'a> {
    site: &'a mut Site,
    truth: &'a Truth,
    made: Timestamp,
    /// What `layoutEx` lists.
    listed: Vec<(String, &'static str)>,
}

impl Writer<'_> {
    fn put(&mut self, path: &str, content: impl Into<Content>, modified: Timestamp) {
        self.site.put(path, content, modified, self.truth);
    }

    /// The disks of a VM. Gives its configuration with them, their chains, and what vCenter sees of them.
    fn devices(
        &mut self,
        machine: &Machine,
        mut vmx: VmxBuilder,
        build: &Build,
        visible: usize,
    ) -> (VmxBuilder, Vec<Chain>, Vec<Device>) {
        let runs = machine.power == "poweredOn";
        let leaf_time = if runs { running() } else { self.made };
        let mut chains = Vec::new();
        let mut devices = Vec::new();
        for (number, disk) in build.disks.iter().enumerate() {
            let parent = build.parent.as_ref().filter(|_| number == 0);
            let has_links = !disk.raw && !disk.independent;
            let links = if has_links { build.snapshots } else { 0 };
            let chain = self.chain(machine, disk, parent, links, visible, build.sesparse, leaf_time);
            let node = format!("scsi0:{number}");
            vmx = vmx.disk(&node, &named_from(&machine.folder, &chain.leaf().path));
            if disk.independent {
                vmx = vmx.set(&format!("{node}.mode"), "independent-persistent");
            }
            devices.push(Device {
                path: chain.links[visible.min(links)].path.clone(),
                raw: disk.raw,
                mode: if disk.independent {
                    "independent_persistent"
                } else {
                    "persistent"
                },
                id: guid(machine.number, 100 + u64::try_from(number).unwrap_or_default()),
            });
            chains.push(chain);
        }
        (vmx, chains, devices)
    }

    /// A disk with its snapshot links. The links from `visible` on are not known to vCenter.
    #[expect(clippy::too_many_arguments, reason = "each says one thing of the disk")]
    fn chain(
        &mut self,
        machine: &Machine,
        disk: &DiskPlan,
        parent: Option<&Link>,
        links: usize,
        visible: usize,
        is_sesparse: bool,
        leaf_time: Timestamp,
    ) -> Chain {
        let own_id = cid(&format!("{}/{}", disk.folder, disk.stem));
        let path = format!("{}/{}.vmdk", disk.folder, disk.stem);
        let base_time = if links == 0 { leaf_time } else { self.made };
        let (descriptor, extent, content): (DescriptorBuilder, String, Content) = match parent {
            Some(parent) => (
                DescriptorBuilder::cowd_link(&disk.stem, SECTORS, own_id, &on_host(&parent.path), parent.cid),
                format!("{}/{}-delta.vmdk", disk.folder, disk.stem),
                cowd(2048).into(),
            ),
            None if disk.raw => (
                DescriptorBuilder::rdm(&disk.stem, SECTORS, own_id),
                format!("{}/{}-rdm.vmdk", disk.folder, disk.stem),
                zeros(SECTORS * 512),
            ),
            None => (
                DescriptorBuilder::vmfs(&disk.stem, SECTORS, own_id, guid(u64::from(own_id), 3)),
                format!("{}/{}-flat.vmdk", disk.folder, disk.stem),
                zeros(SECTORS * 512),
            ),
        };
        let descriptor = if disk.tracked {
            let name = format!("{}-ctk.vmdk", disk.stem);
            self.put(&format!("{}/{name}", disk.folder), change_tracking(1024), base_time);
            descriptor.change_tracking(&name)
        } else {
            descriptor
        };
        self.put(&path, descriptor.build(), self.made);
        self.put(&extent, content, base_time);
        let base = Link {
            files: vec![(path.clone(), "diskDescriptor"), (extent, "diskExtent")],
            path,
            cid: own_id,
        };
        self.listed.extend(base.files.iter().cloned());
        let mut chain = Chain { links: vec![base] };
        for number in 1..=links {
            let time = match () {
                () if number > visible => afterwards(),
                () if number == links => leaf_time,
                () => self.made + SignedDuration::from_hours(24 * i64::try_from(number).unwrap_or_default()),
            };
            let link = self.link(machine, disk, chain.leaf().clone(), number, is_sesparse, time);
            if number <= visible {
                self.listed.extend(link.files.iter().cloned());
            }
            chain.links.push(link);
        }
        chain
    }

    fn link(
        &mut self,
        machine: &Machine,
        disk: &DiskPlan,
        parent: Link,
        number: usize,
        is_sesparse: bool,
        time: Timestamp,
    ) -> Link {
        let folder = if machine.working == machine.folder {
            disk.folder.clone()
        } else {
            machine.working.clone()
        };
        let stem = format!("{}-{number:06}", disk.stem);
        let path = format!("{folder}/{stem}.vmdk");
        let own_id = cid(&path);
        let hint = named_from(&folder, &parent.path);
        let (descriptor, suffix, extent) = if is_sesparse {
            (
                DescriptorBuilder::sesparse_link(&stem, SECTORS, own_id, &hint, parent.cid),
                "sesparse",
                sesparse(SECTORS, false),
            )
        } else {
            (
                DescriptorBuilder::cowd_link(&stem, SECTORS, own_id, &hint, parent.cid),
                "delta",
                cowd(2048),
            )
        };
        let extent_path = format!("{folder}/{stem}-{suffix}.vmdk");
        self.put(&path, descriptor.build(), time);
        self.put(&extent_path, extent, time);
        Link {
            files: vec![(path.clone(), "diskDescriptor"), (extent_path, "diskExtent")],
            path,
            cid: own_id,
        }
    }

    /// The list of snapshots with their state files. Gives what vCenter knows of them.
    fn snapshots(
        &mut self,
        machine: &Machine,
        vmx: &VmxBuilder,
        chains: &[Chain],
        build: &Build,
        visible: usize,
    ) -> Vec<(String, String)> {
        let mut list = VmsdBuilder::default();
        let mut known = Vec::new();
        for number in 1..=build.snapshots {
            let state = format!("{}/{}-Snapshot{number}.vmsn", machine.working, machine.stem);
            let time = if number > visible {
                afterwards()
            } else {
                self.made + SignedDuration::from_hours(24 * i64::try_from(number).unwrap_or_default())
            };
            let body = VmsnBuilder::new(vmx.build(), machine.bios_id()).build();
            self.put(&state, body, time);
            let disks = chains
                .iter()
                .enumerate()
                .filter(|(_, chain)| chain.links.len() > 1)
                .map(|(node, chain)| {
                    let held = &chain.links[number - 1].path;
                    (format!("scsi0:{node}"), named_from(&machine.folder, held))
                })
                .collect();
            let uid = u64::try_from(number).unwrap_or_default();
            list = list.snapshot(SnapshotBuilder {
                uid,
                parent: uid - 1,
                name: format!("snapshot {number}"),
                state_file: named_from(&machine.folder, &state),
                created_us: u64::try_from(time.as_microsecond()).unwrap_or_default(),
                disks,
                clones: build.clones.iter().map(|clone| on_host(clone)).collect(),
            });
            if number <= visible {
                self.listed.push((state.clone(), "snapshotData"));
                known.push((format!("snapshot {number}"), state));
            }
        }
        let path = format!("{}/{}.vmsd", machine.folder, machine.stem);
        let time = if build.unseen_snapshots > 0 {
            afterwards()
        } else {
            self.made
        };
        self.put(&path, list.build(), time);
        self.listed.push((path, "snapshotList"));
        known
    }

    /// Swap of a VM that runs, state of one that is suspended.
    fn state(&mut self, machine: &Machine, vmx: VmxBuilder) -> VmxBuilder {
        let hash = machine.bios_id().as_fields().0;
        match machine.power {
            "poweredOn" => {
                let swap = format!("{}/{}-{hash:08x}.vswp", machine.working, machine.stem);
                let process = format!("{}/vmx-{}-{hash:08x}-1.vswp", machine.working, machine.stem);
                self.put(&swap, zeros(65536), self.made);
                self.put(&process, zeros(65536), self.made);
                self.listed.push((swap.clone(), "swap"));
                self.listed.push((process, "uwswap"));
                vmx.set("cleanShutdown", "FALSE")
                    .set("sched.swap.derivedName", &on_host(&swap))
            }
            "suspended" => {
                let state = format!("{}/{}-{hash:08x}.vmss", machine.folder, machine.stem);
                let body = VmsnBuilder::new(vmx.build(), machine.bios_id()).build();
                self.put(&state, body, self.made);
                self.listed.push((state.clone(), "suspend"));
                vmx.set("checkpoint.vmState", name_of(&state))
            }
            _ => vmx,
        }
    }

    /// Configuration, extended configuration, firmware variables and logs.
    fn small_files(&mut self, machine: &Machine, vmx: &VmxBuilder, build: &Build) {
        let config = machine.config();
        let time = if build.unseen_snapshots > 0 {
            afterwards()
        } else {
            self.made
        };
        self.put(&config, vmx.build(), time);
        let extended = format!("{}/{}.vmxf", machine.folder, machine.stem);
        self.put(&extended, vmxf(name_of(&config), machine.instance_id()), self.made);
        let variables = format!("{}/{}.nvram", machine.folder, machine.stem);
        self.put(&variables, nvram(), self.made);
        self.listed.push((config.clone(), "config"));
        self.listed.push((extended, "extendedConfig"));
        self.listed.push((variables, "nvram"));
        for number in 0..build.logs {
            let name = if number == 0 {
                "vmware.log".to_owned()
            } else {
                format!("vmware-{number}.log")
            };
            let path = format!("{}/{name}", machine.folder);
            let log = VmlogBuilder::new(HOSTS[machine.host()].1, &on_host(&config));
            let runs = machine.power == "poweredOn" && number == 0;
            let log = if runs { log } else { log.ended() };
            self.put(&path, log.build(), if runs { running() } else { self.made });
            self.listed.push((path, "log"));
        }
    }
}

/// Content id of the disk at a place.
fn cid(path: &str) -> u32 {
    path.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    }) & 0x7fff_ffff
}

impl Maker {
    /// Linked clones. Their parent is a registered VM, or a disk that no VM has.
    fn pool(&mut self, part: &Part, chance: &mut Chance, is_registered: bool) {
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
            let built = self.build(build);
            built.chains[0].links[0].clone()
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
    fn pair(&mut self, part: &Part, chance: &mut Chance) {
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
        let built = self.build(build);
        let shared = built.chains[1].links[0].clone();
        let mut build = Build::new(second, made + SignedDuration::from_hours(5), part);
        build.unseen_snapshots = 0;
        build
            .disks
            .push(disk(&build.machine.folder, &build.machine.stem, false));
        build.foreign.push(shared.path);
        build.parents = shared.files;
        self.build(build);
    }

    /// A loose disk at a place. Gives its files.
    fn disk(&mut self, folder: &str, stem: &str, made: Timestamp, truth: &Truth, more: &[(&str, &str)]) -> [String; 2] {
        let own_id = cid(&format!("{folder}/{stem}"));
        let mut descriptor = DescriptorBuilder::vmfs(stem, SECTORS, own_id, guid(u64::from(own_id), 3));
        for (key, value) in more {
            descriptor = descriptor.ddb(key, value);
        }
        let paths = [format!("{folder}/{stem}.vmdk"), format!("{folder}/{stem}-flat.vmdk")];
        self.site.put(&paths[0], descriptor.build(), made, truth);
        self.site.put(&paths[1], zeros(SECTORS * 512), made, truth);
        paths
    }

    fn first_class_disk(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let id = guid(part.seed, 9);
        let stem = guid(part.seed, 8).simple().to_string();
        let folder = format!("{}/{}", place.store, chance.pick(&["fcd", "fcd", "volumes"]));
        let more = [("fcd.uuid", uuid_text(id))];
        let more: Vec<(&str, &str)> = more.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let [path, _] = self.disk(&folder, &stem, made, &Truth::service(), &more);
        self.known.disks.push(FirstClassDisk {
            id,
            name: format!("pvc-{id}"),
            path,
        });
    }

    fn library(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let item = format!(
            "{}/contentlib-{}/{}",
            place.store,
            guid(part.seed, 1),
            guid(part.seed, 2)
        );
        let disk = format!("linux_{}-disk1.vmdk", guid(part.seed, 3));
        let descriptor = DescriptorBuilder::embedded("streamOptimized", &disk, 16384, cid(&disk)).build();
        let body = stream_optimized(16384, &descriptor);
        self.site.put(&format!("{item}/{disk}"), body, made, &Truth::service());
    }

    /// A base disk of a desktop catalogue whose descriptor forbids to delete it.
    fn protected(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let truth = Truth::left("in-use/protected-by-descriptor");
        let folder = format!("{}/Pool{}-baseDisk-0001", place.store, part.number);
        self.disk(&folder, "Pool-baseDisk", made, &truth, &[("deletable", "false")]);
    }

    /// A VM that was deleted: its disk is left, perhaps with a chain.
    fn deleted(&mut self, part: &Part, chance: &mut Chance) {
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
    fn stranded(&mut self, part: &Part, chance: &mut Chance) {
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
    fn half(&mut self, part: &Part, chance: &mut Chance) {
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

    fn unregistered(&mut self, part: &Part, chance: &mut Chance) {
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

    fn stale_lock(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let inode = GONE_INODE - u64::try_from(part.number).unwrap_or_default();
        let path = format!("nfs01/{}/{}", place.name, nfs_lock_name(inode));
        let truth = Truth::left("orphaned/stale-lock");
        self.site.put(&path, nfs_lock(HOSTS[0].1), made, &truth);
    }

    fn leftover_companion(&mut self, part: &Part, chance: &mut Chance) {
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
    fn twin(&mut self, part: &Part, chance: &mut Chance) {
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

    /// The list of vSphere HA of some of the VMs.
    fn ha_list(&mut self, parts: &[Part]) {
        let mut chance = Chance::of(parts.first().map_or(0, |part| part.seed), "ha");
        if !chance.one_in(3) {
            return;
        }
        let protected = self.known.machines.iter().filter(|vm| vm.power == "poweredOn");
        let lines: String = protected.map(|vm| on_host(&vm.config()) + "\n").collect();
        self.site.put(
            "vmfs01/.vSphere-HA/FDM-8C1D4E42-512-7a1d2c3-vc/protectedlist",
            lines.into_bytes(),
            running(),
            &Truth::default(),
        );
    }
}
