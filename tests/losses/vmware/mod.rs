//! Sites of VMware: VMs of every shape on several datastores, what belongs to no VM, and leftovers of every class.
//!
//! Each part of a site is made from its own seed and refers to no other part, so that a part can be left out.

mod chain;
mod datastores;
mod known;
mod leftovers;
mod services;
mod shared;
mod vm;
mod writer;

use derelict::kind::Platform;

use crate::{
    chance::Chance,
    place::{Place, running},
    plan::Part,
    site::{RegisteredVm, Root, Site, Truth},
};

pub(crate) use self::{
    datastores::{DATASTORES, Datastore, HOSTS, datastore_of, in_vcenter, on_host},
    known::{FirstClassDisk, Known, Machine},
};

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
