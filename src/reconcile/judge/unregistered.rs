//! `unregistered`: configurations on disk that no inventory registers, each with its whole VM.

use super::{
    Judge, Judgement,
    reasons::{in_use, settled, shown},
};
use crate::{
    kind::{Platform, Role},
    path::fold,
    reconcile::{
        files::NodeId,
        own::{self, OwnerVm},
        signs::{self, Freshness, source_of, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Owner, OwnerKind, Reason, Reclaim, Verdict, Weight},
    },
};

impl Judge<'_> {
    /// A configuration that no inventory registers: the verdict of its whole VM.
    pub(super) fn unregistered(&self, vm: &OwnerVm, config: NodeId) -> Judgement {
        let files: Vec<NodeId> = vm
            .files
            .keys()
            .copied()
            .filter(|&node| self.by_owner(node).is_none())
            .collect();
        let owner = Owner {
            kind: OwnerKind::Vm,
            id: vm.id.clone(),
            name: vm.name.clone(),
        };
        let mut judgement = self.unregistered_alone(vm, config, &files);
        if judgement.verdict != Verdict::Orphaned {
            judgement.owners.insert(owner);
        }
        let rule = self.rules[config].filter(|rule| rule.verdict != Verdict::Unknown);
        if let Some(rule) = rule.filter(|rule| !self.is_leaked(config, rule.class)) {
            return self.by_rule(config, rule);
        }
        judgement
    }

    pub(super) fn unregistered_alone(&self, vm: &OwnerVm, config: NodeId, files: &[NodeId]) -> Judgement {
        let signs = signs::of_unit(self.world.files, self.locks, files, self.options.as_of);
        let signs: Vec<_> = signs
            .into_iter()
            .filter(|sign| sign.class != Class::ProtectedByDescriptor)
            .collect();
        if let Some(first) = signs.first() {
            let mut judgement = in_use(first.class, signs.iter().map(|sign| sign.reason.clone()));
            judgement.reasons.push(self.not_registered_against(vm));
            return judgement;
        }
        let known = self.of_compute_system(config).or_else(|| self.protected_by_ha(config));
        if let Some(judgement) = known.or_else(|| self.named_by_store(vm, config)) {
            return judgement;
        }
        let newest = self.coverage.roots[self.root(config)].newest;
        if let Freshness::WrittenSince(time) = signs::freshness(self.world.files, self.arrivals, files, newest) {
            let text = format!(
                "{} existed before the inventory and was last written {} after it was taken",
                vm.name,
                shown(time)
            );
            let sign = statement(ReasonCode::WrittenSinceInventory, text, None, Weight::For);
            let mut judgement = in_use(Class::WrittenSinceInventory, [sign]);
            judgement.reasons.push(self.not_registered_against(vm));
            return judgement;
        }
        if let Some(judgement) = self.by_place_of_others(config) {
            return judgement;
        }
        if let Some(opaque) = own::vm_evidence(self.world.files, config)
            .map_or(Some("damaged".to_owned()), |evidence| evidence.opaque.clone())
        {
            let mut reason = statement(
                ReasonCode::OwnerUnreadable,
                format!("no inventory registers it, and it cannot be read ({opaque})"),
                None,
                Weight::For,
            );
            reason.settles =
                Some("a readable copy of the configuration, or the inventory that registers it".to_owned());
            let mut judgement = Judgement::unknown(Class::OwnerUnreadable, reason);
            judgement.gaps = self.gaps_of(config, ReasonCode::OwnerUnreadable);
            return judgement;
        }
        if let Some(judgement) = self.perhaps_of_registered(vm, config) {
            return judgement;
        }
        if let Some(capped) = self.capped(config) {
            return capped;
        }
        let sure = self.coverage.roots[self.root(config)].sure;
        match signs::freshness_within(self.world.files, self.arrivals, files, sure, newest) {
            Freshness::TooNew(time) => return self.too_new(config, time, newest),
            Freshness::Arrived(time) => return self.arrived(config, time, newest),
            Freshness::Undated => return Self::undated(),
            Freshness::Old | Freshness::WrittenSince(_) => {}
        }
        if let Some(judgement) = self.newer_than_some(config, files) {
            return judgement;
        }
        let unsettled = self.not_settled(files).or_else(|| self.perhaps_locked(files));
        if let Some(judgement) = unsettled.or_else(|| self.unclear_configuration(config)) {
            return judgement;
        }
        let (verdict, (class, mut reasons)) = if vm.superseded {
            (Verdict::Orphaned, Self::superseded())
        } else {
            (Verdict::Unregistered, self.unregistered_class(vm, config))
        };
        reasons.extend(self.missing_disks_reason(vm, config));
        reasons.push(self.consulted(self.root(config)));
        reasons.extend(self.age_reason(config, files));
        reasons.extend(self.unchanged_reason(files));
        let mut judgement = Judgement::new(verdict, Some(class), reasons);
        judgement.reclaim = Reclaim::Review;
        judgement.confidence = Some(self.confidence(config, files, &mut judgement.reasons));
        judgement
    }

    /// What speaks for a registered VM, whatever the coverage.
    fn perhaps_of_registered(&self, vm: &OwnerVm, config: NodeId) -> Option<Judgement> {
        self.behind_placeholder(vm)
            .or_else(|| self.perhaps_of_replication(config))
            .or_else(|| self.perhaps_secondary(vm, config))
            .or_else(|| self.perhaps_at_untied_place(config))
            .or_else(|| self.perhaps_moved_to(vm))
    }

    /// What may be the configuration of a registered VM under another name, or of a checkpoint.
    fn unclear_configuration(&self, config: NodeId) -> Option<Judgement> {
        self.missed_configuration(config)
            .or_else(|| self.perhaps_under_other_name(config))
            .or_else(|| self.unclear_checkpoint(config))
    }

    /// H-F8: the configuration at the place to which a VM was being moved when the inventory was taken.
    fn perhaps_moved_to(&self, vm: &OwnerVm) -> Option<Judgement> {
        let registered = &self.owners.vms[vm.copy_of?];
        let mut rows = registered.rows.iter();
        let moves = rows.any(|&(inventory, row)| self.world.inventories[inventory].vms[row].moves_storage);
        let text = format!(
            "{} was being moved when the inventory was taken, or its status may say so, and this bears its id: it may be its new place",
            registered.name
        );
        let reason = settled(
            ReasonCode::MergePending,
            text,
            "an inventory that is taken after the move",
        );
        moves.then(|| Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A VM in use that no inventory registers.
    fn not_registered_against(&self, vm: &OwnerVm) -> Reason {
        let text = if self.world.inventories.is_empty() {
            format!("no inventory was given that could register {}", vm.name)
        } else {
            format!("no inventory registers {}", vm.name)
        };
        statement(ReasonCode::NotRegistered, text, None, Weight::Against)
    }

    /// What of an unregistered VM is not there: without its disks it is nothing that could run again.
    fn missing_disks_reason(&self, vm: &OwnerVm, config: NodeId) -> Option<Reason> {
        let mut missing = vm.missing.iter().filter(|missing| missing.role == Role::Disk);
        let first = missing.next()?;
        let more = match missing.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!(
            "a disk that it names is not there: {} on {}{more}",
            String::from_utf8_lossy(&first.path),
            self.identities.roots[first.root].name,
        );
        let source = Some(source_of(self.world.files, config, None));
        Some(statement(ReasonCode::TargetGone, text, source, Weight::For))
    }

    /// V75: a list of vSphere HA names the configuration.
    fn protected_by_ha(&self, config: NodeId) -> Option<Judgement> {
        let &list = self.coverage.ha_named.get(&config)?;
        let text = format!(
            "a list of vSphere HA names its configuration ({}): a vCenter protects it, or did when that was written",
            signs::aged(self.world.files, list, self.options.as_of)
        );
        let mut reason = settled(
            ReasonCode::HaProtected,
            text,
            "the inventory of that vCenter, or that it is gone, and a new scan without the list that it left",
        );
        reason.source = Some(source_of(self.world.files, list, None));
        Some(in_use(Class::HaProtected, [reason]))
    }

    /// H-E1: a registration list of a host on the scanned roots names it, and no export of that host was given.
    fn named_by_store(&self, vm: &OwnerVm, config: NodeId) -> Option<Judgement> {
        let store = self.coverage.store_named.get(&config);
        let &store = store.filter(|_| !self.options.assume_complete)?;
        let what = if own::is_cached(self.world.files, store) {
            "the cache of a host holds a configuration with the id of"
        } else {
            "the registration list of a host names"
        };
        let text = format!(
            "{what} {} ({}): its export is missing",
            vm.name,
            signs::aged(self.world.files, store, self.options.as_of)
        );
        let settles = "the export of the VMs of that host, or that it is gone, and a new scan without what it left";
        let mut reason = settled(ReasonCode::HostStoreNames, text, settles);
        reason.source = Some(source_of(self.world.files, store, None));
        let mut judgement = Judgement::unknown(Class::NoCoverage, reason);
        judgement.gaps = self.gaps_of(config, ReasonCode::HostStoreNames);
        Some(judgement)
    }

    /// V9: SRM registers a placeholder of the same name for a VM that it would start from a replica. The name owns nothing,
    /// but it is all that ties the two.
    fn behind_placeholder(&self, vm: &OwnerVm) -> Option<Judgement> {
        let placeholder = &self.owners.vms[*self.placeholders.get(&fold(&vm.name))?];
        let mut reason = self.registration_reason(placeholder);
        reason.code = ReasonCode::ReplicaDatastore;
        reason.text = format!(
            "{} is registered as a placeholder of SRM: this may be the replica that it stands for",
            placeholder.name
        );
        reason.settles = Some("the recovery plan, or an inventory of the other site".to_owned());
        Some(Judgement::unknown(Class::ReplicaDatastore, reason))
    }

    /// The second VM of a fault-tolerant pair has a configuration and disks of its own and the id of the first (formats-vmware
    /// 1.8), and lists of VMs may leave it out. What marks the pair is a key `ftcpt.…` in one of the configurations, or the file
    /// that vCenter keeps beside them (`.vmft`); neither is confirmed.
    fn perhaps_secondary(&self, vm: &OwnerVm, config: NodeId) -> Option<Judgement> {
        let first = &self.owners.vms[vm.copy_of?];
        let has_key =
            |config: NodeId| own::vm_evidence(self.world.files, config).is_some_and(|evidence| evidence.fault_tolerant);
        let has_file = |config: NodeId| {
            let near = self
                .world
                .files
                .in_folder(self.root(config), self.file(config).folder());
            near.iter()
                .filter_map(|&node| self.world.files.name(node).rsplit_once('.'))
                .any(|(_, extension)| extension == "vmft")
        };
        let mut both = std::iter::once(config).chain(first.configs());
        let sign = both.find(|&config| has_key(config) || has_file(config))?;
        let text = format!(
            "it has the id of {}, which is registered at another place, and {} tells of fault tolerance: this may be the second VM of \
             the pair, which lists of VMs may leave out",
            first.name,
            self.path_beside(sign, config),
        );
        let settles = "fault tolerance turned off for that VM, or an inventory that lists both VMs of the pair";
        let mut reason = settled(ReasonCode::SameIdRegistered, text, settles);
        reason.source = Some(source_of(self.world.files, sign, None));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// H-E20: a configuration that an upgrade replaced and left.
    fn superseded() -> (Class, Vec<Reason>) {
        let text = "the newer configuration of the same VM lies beside it: an upgrade replaced this one";
        let reason = statement(ReasonCode::SameIdRegistered, text.to_owned(), None, Weight::For);
        (Class::SupersededConfig, vec![reason])
    }

    pub(super) fn unregistered_class(&self, vm: &OwnerVm, config: NodeId) -> (Class, Vec<Reason>) {
        let path = fold(&self.path(config));
        let mut reason = statement(
            ReasonCode::NotRegistered,
            format!("no inventory registers {}", vm.name),
            None,
            Weight::For,
        );
        reason.settles = Some("an inventory that registers this configuration".to_owned());
        if let Some(copy_of) = vm.copy_of.map(|index| &self.owners.vms[index]) {
            let text = format!(
                "a VM with the same id is registered as {} at another place: this is a copy or an export",
                copy_of.name
            );
            let source = copy_of.config.map(|node| source_of(self.world.files, node, None));
            reason.text = format!("no inventory registers this configuration of {}", vm.name);
            return (
                Class::ExportCopy,
                vec![
                    statement(ReasonCode::SameIdRegistered, text, source, Weight::For),
                    reason,
                ],
            );
        }
        let is_backup_copy =
            self.world.files.name(config).ends_with('~') || self.world.files.name(config).contains(".bak");
        let class = if path.contains("planned virtual machines") {
            Class::StalePlanned
        } else if is_backup_copy {
            Class::TornVm
        } else if path.contains("hyper-v replica") {
            Class::ReplicaLeftover
        } else if vm.platform == Platform::Hyperv {
            Class::LostRegistration
        } else {
            Class::CompleteVm
        };
        let mut reasons = vec![reason];
        if class == Class::TornVm {
            let text = "only a copy of its configuration is left, made by a host or an editor".to_owned();
            reasons.insert(0, statement(ReasonCode::TargetGone, text, None, Weight::For));
        }
        (class, reasons)
    }
}
