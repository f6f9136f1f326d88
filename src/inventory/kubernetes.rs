//! `kubectl get pv -o json`: persistent volumes of vSphere, by the CSI driver (the handle is the id of a First Class
//! Disk) and by the provider that was built in before it (a path), and those of AKS on Azure Local (VHDX files). Volumes of
//! other drivers are none of ours.

use super::{
    RegisteredObject,
    json::Json,
    part::{ObjectDraft, Part, Place},
    values,
};
use crate::words::count;

/// The name of the CSI driver of vSphere.
const DRIVER: &str = "csi.vsphere.vmware.com";

/// The name of the CSI driver of AKS on Azure Local, whose volumes are VHDX files on a cluster volume (S: AKS enabled by Azure
/// Arc, Container Storage Interface). What their files are called no document tells.
const AZURE_LOCAL_DRIVER: &str = "disk.csi.akshci.com";

/// The document is a volume or a list of volumes.
pub(super) fn is_list(document: Json<'_>) -> bool {
    volumes(document).iter().any(|item| is_volume(*item))
}

fn is_volume(item: Json<'_>) -> bool {
    item.get("kind").text() == Some("PersistentVolume") && item.has("spec")
}

fn volumes(document: Json<'_>) -> Vec<Json<'_>> {
    if document.has("items") {
        document.get("items").objects()
    } else {
        document.objects()
    }
}

/// Adds the volumes of a list.
pub(super) fn add(part: &mut Part, document: Json<'_>, row: &str) {
    let mut others = 0_usize;
    for (index, volume) in volumes(document).into_iter().enumerate() {
        if !is_volume(volume) {
            continue;
        }
        match object(volume, format!("{row}: items[{index}]")) {
            Some(object) => part.objects.push(ObjectDraft {
                object,
                place: Place::Said,
            }),
            None => others = others.saturating_add(1),
        }
    }
    if others > 0 {
        part.warn(
            "other-volumes",
            format!(
                "{row}: {} of another driver than {DRIVER} and {AZURE_LOCAL_DRIVER}: what they lie on is not told",
                count(others, "volume is", "volumes are")
            ),
        );
    }
}

fn object(volume: Json<'_>, row: String) -> Option<RegisteredObject> {
    let spec = volume.get("spec");
    let csi = spec.get("csi");
    if csi.get("driver").text() == Some(AZURE_LOCAL_DRIVER) {
        return Some(RegisteredObject {
            class: "azure-local".to_owned(),
            id: csi.get("volumeHandle").text()?.to_owned(),
            name: name(volume),
            path: None,
            folder: false,
            row,
        });
    }
    let handle = csi
        .get("volumeHandle")
        .text()
        .filter(|_| csi.get("driver").text() == Some(DRIVER));
    let path = spec.at("vsphereVolume.volumePath").text();
    let id = handle.or(path)?;
    Some(RegisteredObject {
        class: "kubernetes-volume".to_owned(),
        // A migrated volume has a handle of the old form: `[DS] kubevols/x.vmdk`.
        path: path.or(handle.filter(|handle| handle.starts_with('['))).map(disk_path),
        id: id.to_owned(),
        name: name(volume),
        folder: false,
        row,
    })
}

/// The path of the disk: the documents of Kubernetes and `OpenShift` write it without its extension (`volumePath: "[datastore1]
/// volumes/myDisk"` for `volumes/myDisk.vmdk`, V20).
fn disk_path(written: &str) -> String {
    let path = written.trim();
    if values::ends_with(path, &[".vmdk"]) {
        path.to_owned()
    } else {
        format!("{path}.vmdk")
    }
}

/// The claim that uses it, with its phase where it is not bound.
fn name(volume: Json<'_>) -> String {
    let name = volume.at("metadata.name").text().unwrap_or("a volume without a name");
    let claim = volume.at("spec.claimRef");
    let claimed = match (claim.get("namespace").text(), claim.get("name").text()) {
        (Some(namespace), Some(claim)) => format!("{name} of {namespace}/{claim}"),
        _ => name.to_owned(),
    };
    match volume.at("status.phase").text() {
        Some(phase) if phase != "Bound" => format!("{claimed} ({phase})"),
        _ => claimed,
    }
}
