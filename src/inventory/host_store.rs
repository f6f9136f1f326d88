//! `data.vmcx`, the registration store of a Hyper-V host: `Configurations/VirtualMachines/_<id>_` holds the path of each
//! registered configuration (R: read in a real one). Nothing else of a VM is in it.

use derelict_parsers::{Limits, vmcx};
use uuid::Uuid;

use super::{
    InventoryKind, Registration,
    files::ImportError,
    part::{Draft, Origin, Part, Source},
};

/// The bytes begin like the container that the store is.
pub(super) fn is_store(bytes: &[u8]) -> bool {
    bytes.starts_with(&vmcx::SIGNATURE)
}

/// Reads a store.
pub(super) fn import(origin: &Origin, bytes: &[u8]) -> Result<Part, ImportError> {
    let file = origin.name();
    let container = vmcx::read(bytes, &Limits::default()).map_err(|error| ImportError::Damaged(error.to_string()))?;
    if container.tree.root("Configurations").is_none() {
        return Err(ImportError::NotUnderstood(
            "a configuration or state of one VM, not the store of a host (data.vmcx)".to_owned(),
        ));
    }
    let mut part = Part::new(origin, InventoryKind::HypervHostStore, Source::default());
    part.has_vm_list = true;
    for list in container.tree.get_all("Configurations/VirtualMachines") {
        part.vms
            .extend(list.children().filter_map(|key| registration(key, &file)));
    }
    if !container.tree.complete {
        part.warn_capping(
            "truncated",
            format!("{file}: the store is damaged, so registrations may be missing; copy it again while the service is stopped"),
        );
    }
    Ok(part)
}

/// The registration of one key: its name is the id, its text the path.
fn registration(key: vmcx::KeyRef<'_>, file: &str) -> Option<Draft> {
    let path = key.as_str()?;
    Some(Draft {
        vm: Registration {
            instance_id: Uuid::parse_str(key.name().trim_matches('_')).ok(),
            has_configuration: true,
            config: Some(path.to_owned()),
            row: format!("{file}: Configurations/VirtualMachines/{}", key.name()),
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    })
}
