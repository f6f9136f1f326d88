//! Azure Local: `az stack-hci-vm disk|image|storagepath list -o json`. Disks and images are resources of their own,
//! attached to a VM or not; a storage path is the folder that they lie in and owns nothing by itself.

use super::{
    RegisteredObject,
    json::Json,
    part::{ObjectDraft, Part, Place},
};

/// The list holds resources of Azure Local.
pub(super) fn is_list(document: Json<'_>) -> bool {
    document.objects().first().is_some_and(|item| kind(*item).is_some())
}

/// The type of a resource without its provider, lower-case.
fn kind(item: Json<'_>) -> Option<String> {
    let kind = item.get("type").text()?.to_ascii_lowercase();
    Some(kind.strip_prefix("microsoft.azurestackhci/")?.to_owned())
}

/// Adds the resources of a list.
pub(super) fn add(part: &mut Part, list: Json<'_>, row: &str) {
    let mut without_path = 0_usize;
    for (index, item) in list.objects().into_iter().enumerate() {
        let is_object = kind(item).is_some_and(|kind| kind == "virtualharddisks" || kind.ends_with("galleryimages"));
        let Some(id) = item.get("id").text().filter(|_| is_object) else {
            continue;
        };
        let path = item
            .first(&["properties.path", "properties.diskPath", "properties.imagePath"])
            .string();
        without_path = without_path.saturating_add(usize::from(path.is_none()));
        part.objects.push(ObjectDraft {
            object: RegisteredObject {
                class: "azure-local".to_owned(),
                id: id.to_owned(),
                name: item.get("name").text().unwrap_or(id).to_owned(),
                path,
                folder: false,
                row: item.row_name(row, index),
            },
            place: Place::Said,
        });
    }
    if without_path > 0 {
        part.warn(
            "objects-without-path",
            format!("{row}: of {without_path} disks and images the file is not told; Get-VHD on the nodes tells it"),
        );
    }
}
