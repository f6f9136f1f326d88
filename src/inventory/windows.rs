//! Lists of a Windows site that name no VMs but say which file is which place, who has it open, and which service it
//! belongs to: SMB shares and open files, DFS targets, volumes, iSCSI disks, Citrix Provisioning, profile disks, mounted
//! images. Their properties are those of the cmdlets' documentation (S).

use super::{
    OpenFile, OtherName, RegisteredObject,
    json::Json,
    part::{ObjectDraft, Part, Place},
};

/// The host that an object is of: remoting adds it, some cmdlets have it.
fn host(object: Json<'_>) -> Option<String> {
    object
        .first(&[
            "psComputerName",
            "clusterNodeName",
            "computerName",
            "cimSystemProperties.serverName",
        ])
        .string()
        .filter(|name| !name.eq_ignore_ascii_case("localhost"))
}

/// Adds `Get-SmbOpenFile`: somebody uses these files now.
pub(super) fn add_open_files(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, file) in list.objects().into_iter().enumerate() {
        let Some(path) = file.get("path").string() else {
            continue;
        };
        part.observations.open_files.push(OpenFile {
            path,
            client: file.first(&["clientComputerName", "clientName"]).string(),
            user: file.get("clientUserName").string(),
            host: host(file),
            share_path: file.get("shareRelativePath").string(),
            row: file.row_name(row, index),
        });
    }
}

/// Adds `Get-SmbShare`: a folder of a host is `\\scope\share`. The shares that Windows makes itself are left out.
pub(super) fn add_shares(part: &mut Part, list: Json<'_>, row: &str) {
    let mut unnamed = 0_usize;
    for share in list.objects() {
        let (Some(name), Some(path)) = (share.get("name").string(), share.get("path").string()) else {
            continue;
        };
        if is_own_share(&name) || !path.contains('\\') {
            continue;
        }
        // The scope `*` is the server itself.
        let scope = share.get("scopeName").string().filter(|scope| scope != "*");
        let Some(server) = scope.or_else(|| host(share)) else {
            unnamed = unnamed.saturating_add(1);
            continue;
        };
        part.observations.other_names.push(OtherName {
            path,
            name: format!("\\\\{server}\\{name}"),
            host: host(share),
        });
    }
    if unnamed > 0 {
        part.warn(
            "share-without-server",
            format!("{row}: of {unnamed} shares the server is not named, so their \\\\server\\share is not known; export ScopeName and PSComputerName too"),
        );
    }
}

fn is_own_share(name: &str) -> bool {
    let own = ["admin$", "ipc$", "print$", "clusterstorage$"];
    let is_drive = name.len() == 2 && name.ends_with('$');
    is_drive || own.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Adds `Get-DfsnFolderTarget`: a path of the namespace is a folder of a share.
pub(super) fn add_dfs_targets(part: &mut Part, list: Json<'_>) {
    for target in list.objects() {
        let (Some(name), Some(path)) = (target.get("path").string(), target.get("targetPath").string()) else {
            continue;
        };
        part.observations.other_names.push(OtherName { path, name, host: None });
    }
}

/// Adds `Get-Volume`: the drive letter of a host and the path of its volume.
pub(super) fn add_volumes(part: &mut Part, list: Json<'_>) {
    for volume in list.objects() {
        let letter = volume
            .get("driveLetter")
            .text()
            .unwrap_or_default()
            .trim_matches([':', '\\', '\0']);
        let Some(name) = volume.get("path").string().filter(|_| letter.len() == 1) else {
            continue;
        };
        part.observations.other_names.push(OtherName {
            path: format!("{letter}:\\"),
            name,
            host: host(volume),
        });
    }
}

/// Adds `Get-IscsiVirtualDisk`: files that an iSCSI target gives to others.
pub(super) fn add_iscsi_disks(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, disk) in list.objects().into_iter().enumerate() {
        for path in [disk.get("path"), disk.get("parentPath")]
            .into_iter()
            .filter_map(Json::text)
        {
            let name = disk.get("description").text().unwrap_or(path);
            add_object(part, "iscsi-lun", name, path, false, disk.row_name(row, index));
        }
    }
}

/// Adds `Get-PvsDiskInventory`, `Get-PvsDiskVersion`, `Get-PvsDiskInfo` and `Get-PvsStore` of Citrix Provisioning.
pub(super) fn add_pvs(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, disk) in list.objects().into_iter().enumerate() {
        let name = disk
            .first(&["diskLocatorName", "storeName", "name", "diskFileName"])
            .text();
        let row = disk.row_name(row, index);
        for file in disk.first(&["filePath", "diskFileName"]).texts() {
            add_object(part, "pvs-store", name.unwrap_or(&file), &file, false, row.clone());
        }
        for folder in [disk.get("path"), disk.get("cachePath")]
            .into_iter()
            .flat_map(Json::texts)
        {
            add_object(part, "pvs-store", name.unwrap_or(&folder), &folder, true, row.clone());
        }
    }
}

/// Adds the folders of user profile disks and of FSLogix containers.
pub(super) fn add_profile_disks(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, profile) in list.objects().into_iter().enumerate() {
        let name = profile.get("collectionName").text();
        let row = profile.row_name(row, index);
        for folder in profile.get("diskPath").texts() {
            add_object(
                part,
                "user-profile-disk",
                name.unwrap_or(&folder),
                &folder,
                true,
                row.clone(),
            );
        }
        let locations = profile.get("vhdLocations").texts();
        for folder in locations.iter().flat_map(|text| text.split(';')).map(str::trim) {
            add_object(part, "fslogix", folder, folder, true, row.clone());
        }
        let locations = profile.get("ccdLocations").texts();
        for folder in locations.iter().flat_map(|text| cloud_cache_folders(text)) {
            add_object(part, "fslogix", folder, folder, true, row.clone());
        }
    }
}

/// The shares among the places of a Cloud Cache, `type=smb,name="…",connectionString=\\server\share;type=azure,…`, which stands in
/// the place of `VHDLocations` (S: FSLogix, `CCDLocations`).
fn cloud_cache_folders(text: &str) -> impl Iterator<Item = &str> {
    let settings = text.split([';', ',']).map(str::trim);
    let strings = settings.filter_map(|setting| {
        let (name, value) = setting.split_once('=')?;
        name.trim().eq_ignore_ascii_case("connectionString").then_some(value)
    });
    let folders = strings.map(|value| value.trim().trim_matches('"'));
    folders.filter(|folder| folder.starts_with("\\\\"))
}

/// Adds `Get-Disk` of the bus `File Backed Virtual`: images that the host has mounted.
pub(super) fn add_mounted_disks(part: &mut Part, list: Json<'_>, row: &str) {
    for (index, disk) in list.objects().into_iter().enumerate() {
        let path = disk.get("location").text().unwrap_or_default();
        if super::values::ends_with(path, &[".vhd", ".vhdx", ".avhd", ".avhdx", ".iso", ".vhds"]) {
            add_object(part, "mounted-vhd", path, path, false, disk.row_name(row, index));
        }
    }
}

/// Adds an object by its path. A bare file name says no place: it is listed without one.
pub(super) fn add_object(part: &mut Part, class: &str, name: &str, path: &str, folder: bool, row: String) {
    if path.trim().is_empty() {
        return;
    }
    part.objects.push(ObjectDraft {
        object: RegisteredObject {
            class: class.to_owned(),
            id: path.to_owned(),
            name: name.to_owned(),
            path: path.contains(['\\', '/']).then(|| path.to_owned()),
            folder,
            row,
        },
        place: Place::Said,
    });
}
