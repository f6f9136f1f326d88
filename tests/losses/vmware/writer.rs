//! The files of one VM: its disks attached to its configuration, snapshots, state and the small files beside them.

use derelict_parsers::testkit::{
    guid,
    vmware::{SnapshotBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder, VmxBuilder, nvram, vmxf},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    chain::Chain,
    datastores::{HOSTS, named_from, on_host},
    known::{Device, Machine},
    vm::Build,
};
use crate::{
    place::{afterwards, name_of, running},
    site::{Content, Site, Truth, zeros},
};

/// Writes the files of one VM.
pub(super) struct Writer<'a> {
    pub(super) site: &'a mut Site,
    pub(super) truth: &'a Truth,
    pub(super) made: Timestamp,
    /// What `layoutEx` lists.
    pub(super) listed: Vec<(String, &'static str)>,
}

impl Writer<'_> {
    pub(super) fn put(&mut self, path: &str, content: impl Into<Content>, modified: Timestamp) {
        self.site.put(path, content, modified, self.truth);
    }

    /// The disks of a VM. Gives its configuration with them, their chains, and what vCenter sees of them.
    pub(super) fn devices(
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

    /// The list of snapshots with their state files. Gives what vCenter knows of them.
    pub(super) fn snapshots(
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
    pub(super) fn state(&mut self, machine: &Machine, vmx: VmxBuilder) -> VmxBuilder {
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
    pub(super) fn small_files(&mut self, machine: &Machine, vmx: &VmxBuilder, build: &Build) {
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
