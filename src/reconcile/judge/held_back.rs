//! What holds a "nobody" back although nothing owns the file: services that nobody listed, disks of other hypervisors and for
//! transport, merges that may run, parents that a chain misses.

use uuid::Uuid;

use super::{Judge, Judgement, reasons::settled};
use crate::{
    evidence::MarkCode,
    inventory::{Inventory, InventoryKind, RegisteredObject},
    kind::{Kind, Platform, Role},
    path::{Mount, Parsed, fold, parse},
    reconcile::{
        coverage::MARGIN,
        files::NodeId,
        signs::{source_of, statement},
    },
    report::{
        codes::{Class, ReasonCode},
        model::{Reclaim, Weight},
    },
    volume,
};

/// NB and the design use a day for merges that run after a deletion.
const MERGE_AGE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
const _: () = assert!(MERGE_AGE.as_hours() > MARGIN.as_hours());

/// What tells who needs a disk of another hypervisor.
const FOREIGN_LIST: &str = "the list of VMs of that hypervisor";

impl Judge<'_> {
    /// V20: static volumes of Kubernetes lie at the top of a datastore, and only Kubernetes knows them.
    pub(super) fn static_volume(&self, node: NodeId) -> Option<Judgement> {
        let file = self.file(node);
        let is_disk = file.kind().is_disk() || file.kind().is_extent();
        if !is_disk || !file.folder().is_empty() || file.kind().platform() != Some(Platform::Vmware) {
            return None;
        }
        let is_of_kubernetes =
            |class: &str| class == Class::KubernetesVolume.name() || class == Class::CnsVolume.name();
        let by_folder = self
            .rules
            .iter()
            .flatten()
            .any(|rule| is_of_kubernetes(rule.class.name()));
        let mut objects = self.world.inventories.iter().flat_map(|inventory| &inventory.objects);
        let is_site = by_folder || objects.any(|object| is_of_kubernetes(&object.class));
        (is_site && !self.all_volumes_are_listed(node)).then(|| {
            let text =
                "it lies at the top of a datastore of a site with Kubernetes, which may have it as a static volume";
            let reason = settled(
                ReasonCode::NoInventory,
                text.to_owned(),
                "a list of the persistent volumes",
            );
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// The iSCSI target service of vSAN has its home in `.iSCSI-CONFIG` (formats-vmware 4.1); its LUNs are disks on objects of
    /// vSAN in namespaces without a VM, which initiators use and no VM names.
    pub(super) fn iscsi_lun(&self, node: NodeId) -> Option<Judgement> {
        let files = self.world.files;
        let root = self.root(node);
        let is_served = || {
            let homes: [&[u8]; 2] = [b".iSCSI-CONFIG", b".iSCSI-CONFIG/etc"];
            homes.iter().any(|home| !files.in_folder(root, home).is_empty()) || files.has_link(root, homes[0])
        };
        (self.is_object_without_vm(node) && is_served()).then(|| {
            let text = "the datastore has the iSCSI target service of vSAN, whose LUNs are such disks, used by initiators and no VM";
            let settles = "the LUNs of all targets: esxcli vsan iscsi target lun list";
            let reason = settled(ReasonCode::NoInventory, text.to_owned(), settles);
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// V65: a namespace of vSAN or of virtual volumes is a folder that is named by its id, and its name is a link to it. Where the
    /// way to the datastore shows none of these links, a folder without a VM may be that of a service, which is known by its name.
    pub(super) fn nameless_namespace(&self, node: NodeId) -> Option<Judgement> {
        let path = &self.file(node).entry.path;
        let namespace = path.parts().next()?;
        let id = std::str::from_utf8(namespace).ok()?;
        let id = id.strip_prefix("rfc4122.").unwrap_or(id);
        let is_nameless = || Uuid::try_parse(id).is_ok() && !self.world.files.has_links(self.root(node));
        let has_vm = || self.has_vm_in(node, namespace);
        (self.is_object_without_vm(node) && is_nameless() && !has_vm()).then(|| {
            let text = "its folder is a namespace, whose name is a link, and no such link is to be seen here: it may be that of a service \
                        (kubevols, fcd, contentlib-…)";
            let settles = "the names of the namespaces: ls -l of the datastore on a host, or the lists of the services";
            let reason = settled(ReasonCode::NoInventory, text.to_owned(), settles);
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// A disk whose data is an object, in a folder in which nothing is of a VM.
    fn is_object_without_vm(&self, node: NodeId) -> bool {
        let file = self.file(node);
        let is_object = file.evidence().is_some_and(|evidence| {
            let mut references = evidence.references.iter();
            !references.any(|file| file.role == Role::Extent)
        });
        file.kind() == Kind::VmdkDescriptor && is_object && !self.has_vm_in(node, file.folder())
    }

    /// True for a folder of the root of a file with something that only a VM has.
    fn has_vm_in(&self, node: NodeId, folder: &[u8]) -> bool {
        let files = self.world.files;
        let is_of_vm = |&other: &NodeId| {
            let kind = files.nodes[other].kind();
            kind.is_config() || matches!(kind, Kind::Nvram | Kind::Vmsd | Kind::Vmxf | Kind::VmLog)
        };
        files.in_folder(self.root(node), folder).iter().any(is_of_vm)
    }

    /// H-B2, H-C12: a service lists a file at a place that nothing ties to a root, and the end of its path is the path of
    /// this file.
    pub(super) fn perhaps_of_service(&self, node: NodeId) -> Option<Judgement> {
        let &(inventory, row) = self.owners.perhaps_claimed.get(&node)?;
        let inventory = &self.world.inventories[inventory];
        let object = &inventory.objects[row];
        let text = format!(
            "a list of {} names {}, and no alias or inventory tells whether that place is this one",
            object.class, object.id
        );
        let mut reason = settled(
            ReasonCode::AmbiguousDatastore,
            text,
            "an alias for the root, or Get-SmbShare of that server beside the list",
        );
        reason.source = Some(format!("{}, {}", inventory.source, object.row));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A name that is no Unicode, or one of a share in which `?` stands for what the client could not write (its `iocharset`):
    /// whoever names this file names it otherwise, and no reference is found to lead here.
    pub(super) fn unclear_name(&self, node: NodeId) -> Option<Judgement> {
        let entry = self.file(node).entry;
        let root = &self.world.catalogue.roots[entry.root];
        let path = entry.path.as_bytes();
        let why = if std::str::from_utf8(path).is_err() {
            "its path is no Unicode"
        } else if path.contains(&b'?') && root.file_system.as_deref().is_some_and(volume::is_smb) {
            "its path has a question mark, which stands for a letter that the client of the share does not know"
        } else {
            return None;
        };
        let text = format!("{why}, so that it cannot be told who names it");
        let reason = settled(
            ReasonCode::NotChecked,
            text,
            "a scan of the root mounted with iocharset=utf8, or from another machine",
        );
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }

    /// A list of persistent volumes was given that is not older than this file, and names every volume that CNS has: no cluster
    /// is left out.
    fn all_volumes_are_listed(&self, node: NodeId) -> bool {
        let inventories = self.world.inventories.iter();
        let mut lists = inventories.filter(|inventory| inventory.kinds.contains(&InventoryKind::Kubernetes));
        let first = lists.next();
        let is_in_time =
            |list: &Inventory| self.in_time(node, list.surely_listed(Class::KubernetesVolume.name(), |_| true));
        let is_given = first.is_some_and(is_in_time) && lists.all(is_in_time);
        let is_of_cns = |&object: &usize| self.owners.listed(self.world, object).class == Class::CnsVolume.name();
        let mut volumes = (0..self.owners.objects.len()).filter(is_of_cns);
        is_given && volumes.all(|volume| self.is_persistent_volume(volume)) && !self.has_unlisted_volume()
    }

    /// V20: a volume of the provider that was built into Kubernetes is in no list: another cluster has it, or had it.
    fn has_unlisted_volume(&self) -> bool {
        let is_volume = |&node: &NodeId| {
            let of_kubernetes = self.rules[node].is_some_and(|rule| rule.class == Class::KubernetesVolume);
            of_kubernetes && self.file(node).kind() == Kind::VmdkDescriptor
        };
        let mut volumes = (0..self.world.files.nodes.len()).filter(is_volume);
        volumes.any(|node| !self.owners.objects_of.contains_key(&node))
    }

    /// H-C8: on Azure Local a disk that no VM uses is still a resource of Azure, which only Azure lists. Such a site has
    /// the cluster volume `Infrastructure_1` and by default `UserStorage_1`, or a list of its resources was given.
    pub(super) fn azure_disk(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let is_whole = matches!(self.file(node).kind(), Kind::Vhd | Kind::Vhdx) && !disk.has_parent;
        let root = &self.identities.roots[self.root(node)];
        let mut names = root
            .entities
            .iter()
            .flat_map(|&entity| &self.identities.entities[entity].names);
        let on_cluster_volume = names.any(|(_, mount)| matches!(mount, Mount::ClusterVolume(_)));
        let mut volumes = self.identities.entities.iter().flat_map(|entity| &entity.names);
        let is_of_azure = |name: &str| name == "infrastructure_1" || name.starts_with("userstorage_");
        let has_volume = volumes.any(|(_, mount)| matches!(mount, Mount::ClusterVolume(name) if is_of_azure(name)));
        let inventories = self.world.inventories.iter();
        let has_list = inventories
            .clone()
            .any(|inventory| inventory.kinds.contains(&InventoryKind::AzureLocal));
        let is_site = has_volume || has_list;
        let class = Class::AzureLocal.name();
        let is_resource = |object: &&RegisteredObject| object.class == class;
        let mut lists = inventories
            .clone()
            .filter(|inventory| inventory.objects.iter().any(|object| is_resource(&object)));
        let are_in_time = lists.all(|list| self.in_time(node, list.surely_listed(class, |_| true)));
        let objects = inventories.flat_map(|inventory| &inventory.objects);
        let mut resources = objects.filter(is_resource).peekable();
        let is_named = resources.peek().is_some();
        // A resource whose file is not told may be any file.
        let is_listed = is_named && are_in_time && resources.all(|object| object.path.is_some());
        (is_whole && on_cluster_volume && (is_site || is_named) && !is_listed).then(|| {
            let text = "the site is Azure Local, where a disk that no VM uses may still be a resource of Azure";
            let reason = settled(
                ReasonCode::NoInventory,
                text.to_owned(),
                "the lists of az stack-hci-vm disk and image with the path of each, which Get-VHD on the nodes tells where they do not",
            );
            Judgement::unknown(Class::ServiceUnlisted, reason)
        })
    }

    /// V57, H-C17, and what is of another hypervisor altogether.
    pub(super) fn transport_or_foreign(&self, node: NodeId) -> Option<Judgement> {
        if self.file(node).kind() == Kind::ForeignDisk {
            let text = "a disk image of another hypervisor, whose own lists would tell who needs it";
            let mut reason = settled(ReasonCode::ForeignCreator, text.to_owned(), FOREIGN_LIST);
            reason.source = Some(source_of(self.world.files, node, None));
            return Some(Judgement::unknown(Class::Foreign, reason));
        }
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let form = disk.create_type.as_deref().map(fold);
        let is_transport = matches!(
            form.as_deref(),
            Some(
                "streamoptimized"
                    | "monolithicsparse"
                    | "twogbmaxextentsparse"
                    | "2gbmaxextentsparse"
                    | "twogbmaxextentflat"
                    | "2gbmaxextentflat"
            )
        );
        if is_transport && !disk.has_parent {
            let text = format!(
                "its form is {}: made for transport or by a hosted product, perhaps to be imported",
                disk.create_type.as_deref().unwrap_or_default()
            );
            let mut judgement = Judgement::unknown(
                Class::TransportImage,
                settled(
                    ReasonCode::TransportForm,
                    text,
                    "whoever uploaded it, or the import that it was meant for",
                ),
            );
            judgement.reclaim = Reclaim::Review;
            return Some(judgement);
        }
        let creator = disk
            .creator
            .as_deref()
            .map(|creator| fold(creator.trim_matches(['\0', ' '])))?;
        matches!(creator.as_str(), "tap" | "vbox").then(|| {
            let text = format!("its footer says that {creator} made it: a disk of another hypervisor");
            Judgement::unknown(Class::Foreign, settled(ReasonCode::ForeignCreator, text, FOREIGN_LIST))
        })
    }

    /// H-D7: a merge that runs or waits looks like a stranded checkpoint.
    pub(super) fn merge_pending(&self, node: NodeId) -> Option<Judgement> {
        if !matches!(self.file(node).kind(), Kind::Avhd | Kind::Avhdx) {
            return None;
        }
        let parents: Vec<NodeId> = self
            .references
            .of(node)
            .filter(|edge| edge.role == Role::Parent)
            .map(|edge| edge.to)
            .collect();
        let vm = parents
            .iter()
            .flat_map(|parent| self.owners.vms_of.get(*parent).into_iter().flatten())
            .map(|&vm| &self.owners.vms[vm])
            .find(|vm| {
                vm.config
                    .is_some_and(|config| self.file(config).has_mark(MarkCode::MergePending))
            });
        let taken = self.coverage.roots[self.root(node)].sure?;
        let recent = self
            .file(node)
            .entry
            .modified
            .is_some_and(|time| time > taken - MERGE_AGE)
            && !parents.is_empty();
        let text = match vm {
            Some(vm) => format!("the configuration of {} says that a merge is pending", vm.name),
            None if recent => "it was written within a day before the inventory and its parent is there: a merge may have been running".to_owned(),
            None => return None,
        };
        let mut reason = statement(ReasonCode::MergePending, text, None, Weight::For);
        reason.settles = Some("a second scan some days later".to_owned());
        Some(Judgement::unknown(Class::MergePending, reason))
    }

    /// V46, V72: a snapshot list that may be what a VM of its folder had under another name.
    pub(super) fn unclear_list(&self, node: NodeId) -> Option<Judgement> {
        let configs = self.unclear_lists.get(&node)?;
        let configs: Vec<String> = configs.iter().map(|&config| self.path_beside(config, node)).collect();
        let text = format!(
            "it bears the name of no configuration and may be a list from before a VM was renamed: {}",
            configs.join(", ")
        );
        let settles =
            "the snapshots that the VMs of its folder have, or an inventory that lists whole chains (LayoutEx)";
        Some(Judgement::unknown(
            Class::AmbiguousReference,
            settled(ReasonCode::OwnerUnreadable, text, settles),
        ))
    }

    /// A link of a registered VM, or an image of another hypervisor, has its parent nowhere, by path or by id, or has another
    /// disk in its place, and this disk has the name and size of it or the id of the chain. A name owns nothing (V47), but
    /// this may be what is needed.
    pub(super) fn missed_parent(&self, node: NodeId) -> Option<Judgement> {
        let disk = self.file(node).evidence()?.disk.as_ref()?;
        let is_needed = |child: &NodeId| {
            let vms = self.owners.vms_of.get(*child).into_iter().flatten();
            let is_foreign = self.file(*child).kind() == Kind::ForeignDisk;
            is_foreign || vms.into_iter().any(|&vm| self.owners.vms[vm].is_registered())
        };
        let fits = |child: &NodeId| {
            let evidence = self.file(*child).evidence();
            let size = evidence.and_then(|evidence| evidence.disk.as_ref()?.virtual_bytes);
            let hints = evidence.into_iter().flat_map(|evidence| &evidence.references);
            let has_name = hints.filter(|hint| hint.role == Role::Parent).any(|hint| {
                matches!(parse(hint.target.as_str()), Parsed::Path(path) if fold(path.name()) == self.world.files.name(node))
            });
            // An image may be larger than what it stands on.
            let is_grown = self.file(*child).kind() == Kind::ForeignDisk;
            has_name && (is_grown || size.is_none() || disk.virtual_bytes.is_none() || size == disk.virtual_bytes)
        };
        let disk_id = |node: NodeId| self.file(node).evidence()?.disk.as_ref()?.disk_id.as_deref();
        // Every link of a chain of VHDX has the page 83 id of its base; one that quotes the same parent is a sibling.
        let has_id = |child: &NodeId| {
            let of_hyperv = self.file(node).kind().platform() == Some(Platform::Hyperv);
            let quoted = self.file(*child).evidence().and_then(|evidence| evidence.disk.as_ref());
            let is_sibling = disk.has_parent && quoted.is_some_and(|child| child.parent_links == disk.parent_links);
            of_hyperv && !is_sibling && disk_id(node).is_some() && disk_id(*child) == disk_id(node)
        };
        let mut broken = self.references.broken.keys().copied();
        let broken = broken.find(|child| *child != node && is_needed(child) && (fits(child) || has_id(child)));
        let is_astray = |pair: &&(NodeId, NodeId)| {
            let (child, parent) = **pair;
            child != node && is_needed(&child) && has_id(&child) && disk_id(child) != disk_id(parent)
        };
        let astray = || self.references.mismatched.iter().find(is_astray);
        let child = broken.or_else(|| astray().map(|(child, _)| *child))?;
        let what = if has_id(&child) {
            "the id of its chain"
        } else {
            "the name and the size of it"
        };
        let text = format!("the parent of {} was not found, and this has {what}", self.path(child));
        let mut reason = settled(
            ReasonCode::HasChildren,
            text,
            "find out whether it is that parent, and repair the chain",
        );
        reason.source = Some(self.path(child));
        Some(Judgement::unknown(Class::AmbiguousReference, reason))
    }
}
