//! The disk database of a descriptor (`ddb.…`) in types. Every line stays in [`Descriptor::ddb`] as it is; a value that
//! is not of the type of its key is `None` here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::vmx::parse_uuid;

use super::Descriptor;

/// What the known keys of a disk database say. A link holds only what is its own: VMware looks for a key that is missing
/// in the parents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DiskDatabase {
    /// `adapterType`: `ide`, `buslogic`, `lsilogic`, `legacyESX`, `pvscsi`. May disagree with the VM's controller.
    pub adapter_type: Option<String>,
    /// `uuid`: the disk as the guest sees it (SCSI page 0x83). Children inherit it.
    pub uuid: Option<Uuid>,
    /// `longContentID` in lower case; its last eight digits usually are the CID.
    pub long_content_id: Option<String>,
    /// `virtualHWVersion` of the product that made the disk: 7 is vSphere 4, 13 is 6.5, 19 is 7.0 U2.
    pub virtual_hw_version: Option<u32>,
    /// `thinProvisioned`: what the disk was made as; the file system knows what it takes.
    pub thin_provisioned: Option<bool>,
    /// `deletable`: false where vCenter refuses to delete the disk with its VM.
    pub deletable: Option<bool>,
    /// `geometry.cylinders`, `.heads`, `.sectors`.
    pub geometry: Option<Geometry>,
    /// `geometry.biosCylinders`, `.biosHeads`, `.biosSectors`.
    pub bios_geometry: Option<Geometry>,
    /// `toolsVersion`; 2147483647 where the guest manages its tools.
    pub tools_version: Option<u32>,
    /// `toolsInstallType`.
    pub tools_install_type: Option<u32>,
    /// `encoding` of older writers.
    pub encoding: Option<String>,
    /// `grain` of seSparse links: size of a grain in sectors.
    pub grain_sectors: Option<u64>,
    /// `comment`.
    pub comment: Option<String>,
    /// `iofilters`: names of the I/O filters.
    pub io_filters: Vec<String>,
    /// `sidecars`: files of the I/O filters.
    pub sidecars: Vec<String>,
    /// `fcd.…`: the First Class Disk that this is.
    pub first_class_disk: Option<FirstClassDisk>,
    /// `uuid.image`, `.parent`, `.modification`, `.parentmodification`: VirtualBox's ids.
    pub virtualbox: Option<VirtualBoxIds>,
    /// `nativeDeltaBytes` of an array's own snapshot (not seen in a file).
    pub native_delta_bytes: Option<u64>,
    /// `objectParentUri` of an object store's link (not seen in a file).
    pub object_parent_uri: Option<String>,
}

/// Cylinders, heads and sectors of a disk; their product is at most its capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Geometry {
    /// Cylinders.
    pub cylinders: u64,
    /// Heads of a cylinder.
    pub heads: u64,
    /// Sectors of a track.
    pub sectors: u64,
}

/// The `fcd.…` keys: a disk that vCenter keeps without a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstClassDisk {
    /// `fcd.uuid`, hyphenated where it is a UUID.
    pub id: Option<String>,
    /// `fcd.useCount`.
    pub use_count: Option<u64>,
    /// `fcd.name` (not seen in a file).
    pub name: Option<String>,
    /// `fcd.createTime` as written (not seen in a file).
    pub create_time: Option<String>,
}

/// VirtualBox links images by their own ids; a nil id stands for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VirtualBoxIds {
    /// This link.
    pub image: Option<Uuid>,
    /// Its parent.
    pub parent: Option<Uuid>,
    /// Its content: a new one after each change.
    pub modification: Option<Uuid>,
    /// The content that the parent had.
    pub parent_modification: Option<Uuid>,
}

impl Descriptor {
    /// The disk database in types.
    pub fn database(&self) -> DiskDatabase {
        let text = |key: &str| self.ddb(key).map(|value| value.as_str().trim().to_owned());
        let list = |names: Vec<&str>| names.into_iter().map(ToOwned::to_owned).collect();
        DiskDatabase {
            adapter_type: text("adapterType"),
            uuid: self.ddb("uuid").and_then(|value| parse_uuid(value.as_str())),
            long_content_id: self.long_content_id(),
            virtual_hw_version: self.ddb_number("virtualHWVersion"),
            thin_provisioned: self.thin_provisioned(),
            deletable: self.deletable(),
            geometry: self.geometry(["cylinders", "heads", "sectors"]),
            bios_geometry: self.geometry(["biosCylinders", "biosHeads", "biosSectors"]),
            tools_version: self.ddb_number("toolsVersion"),
            tools_install_type: self.ddb_number("toolsInstallType"),
            encoding: text("encoding"),
            grain_sectors: self.ddb_number("grain"),
            comment: text("comment"),
            io_filters: list(self.io_filters()),
            sidecars: list(self.sidecars()),
            first_class_disk: self.first_class_disk(),
            virtualbox: self.virtualbox_ids(),
            native_delta_bytes: self.ddb_number("nativeDeltaBytes"),
            object_parent_uri: text("objectParentUri"),
        }
    }

    fn ddb_number<N: std::str::FromStr>(&self, key: &str) -> Option<N> {
        self.ddb(key)?.as_str().trim().parse().ok()
    }

    fn geometry(&self, [cylinders, heads, sectors]: [&str; 3]) -> Option<Geometry> {
        let number = |key: &str| self.ddb_number(&format!("geometry.{key}"));
        Some(Geometry {
            cylinders: number(cylinders)?,
            heads: number(heads)?,
            sectors: number(sectors)?,
        })
    }

    fn first_class_disk(&self) -> Option<FirstClassDisk> {
        let text = |key: &str| self.ddb(key).map(|value| value.as_str().trim().to_owned());
        let disk = FirstClassDisk {
            id: self.fcd_id(),
            use_count: self.ddb_number("fcd.useCount"),
            name: text("fcd.name"),
            create_time: text("fcd.createTime"),
        };
        let is_told = disk.id.is_some() || disk.use_count.is_some() || disk.name.is_some();
        is_told.then_some(disk)
    }

    fn virtualbox_ids(&self) -> Option<VirtualBoxIds> {
        let id = |key: &str| {
            let id = parse_uuid(self.ddb(key)?.as_str().trim())?;
            (!id.is_nil()).then_some(id)
        };
        self.ddb("uuid.image")?;
        Some(VirtualBoxIds {
            image: id("uuid.image"),
            parent: id("uuid.parent"),
            modification: id("uuid.modification"),
            parent_modification: id("uuid.parentmodification"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn database(text: &str) -> DiskDatabase {
        Descriptor::parse(text.as_bytes(), &Limits::default())
            .unwrap()
            .database()
    }

    #[test]
    fn every_known_key_has_its_type() {
        let found = database(
            "ddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"1305\"\nddb.geometry.heads = \"255\"\n\
             ddb.geometry.sectors = \"63\"\nddb.geometry.biosCylinders = \"1\"\nddb.virtualHWVersion = \"19\"\n\
             ddb.uuid = \"60 00 C2 9a 1d 7b 49 44-dc 53 e6 d3 e5 89 7b 0d\"\nddb.deletable = \"false\"\n\
             ddb.toolsVersion = \"2147483647\"\nddb.thinProvisioned = \"1\"\nddb.grain = \"8\"\nddb.comment = \"x y\"\n\
             ddb.iofilters = \"vmwarevmcrypt\"\nddb.sidecars = \"a-1.vmfd,b-2.vmfd\"\nddb.fcd.useCount = \"2\"\n\
             ddb.fcd.uuid = \"d4 1a 5a 4e a3 80 41 03-91 e2 95 56 ed 97 75 b1\"\n",
        );
        let geometry = Geometry {
            cylinders: 1305,
            heads: 255,
            sectors: 63,
        };
        assert_eq!(found.geometry, Some(geometry));
        assert_eq!(found.bios_geometry, None, "a part is no geometry");
        assert_eq!(found.uuid.unwrap().to_string(), "6000c29a-1d7b-4944-dc53-e6d3e5897b0d");
        assert_eq!((found.deletable, found.thin_provisioned), (Some(false), Some(true)));
        assert_eq!(
            (found.virtual_hw_version, found.tools_version),
            (Some(19), Some(i32::MAX.cast_unsigned()))
        );
        assert_eq!((found.grain_sectors, found.comment.as_deref()), (Some(8), Some("x y")));
        assert_eq!(found.sidecars, ["a-1.vmfd", "b-2.vmfd"]);
        let fcd = found.first_class_disk.unwrap();
        assert_eq!(fcd.id.as_deref(), Some("d41a5a4e-a380-4103-91e2-9556ed9775b1"));
        assert_eq!(fcd.use_count, Some(2));
    }

    #[test]
    fn a_value_of_another_type_is_none_and_absent_keys_make_no_parts() {
        let found = database("ddb.virtualHWVersion = \"x\"\nddb.deletable = \"perhaps\"\nddb.uuid = \"60 00\"\n");
        assert_eq!(found, DiskDatabase::default());
    }

    #[test]
    fn ids_of_virtualbox_are_those_of_the_link_and_its_parent() {
        let found = database(
            "ddb.uuid.image=\"d4b1c1a0-0000-4000-8000-000000000001\"\n\
             ddb.uuid.parent=\"00000000-0000-0000-0000-000000000000\"\n",
        );
        let ids = found.virtualbox.unwrap();
        assert!(ids.image.is_some() && ids.parent.is_none());
    }
}
