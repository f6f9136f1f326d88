//! What the lines of a descriptor mean together: capacity, parent, disk database, and the files that it names.

use uuid::Uuid;

use crate::{
    EncodedText,
    dictionary::parse_flag,
    reference::{FileKind, FileReference, has_file_extension, is_not_a_file, is_same_word},
    vmx::parse_uuid,
};

use super::{
    descriptor::{Descriptor, DescriptorEntry, NO_PARENT_CID},
    extent::{ExtentKind, begins_like_extent},
    sectors_to_bytes,
};

/// Key of the parent.
const PARENT_HINT: &str = "parentFileNameHint";
/// Key of the change tracking file.
const CHANGE_TRACKING: &str = "changeTrackPath";
/// Key of the descriptor of the digest.
const DIGEST: &str = "digestFilename";

/// Key of the reference to the first extent.
pub(super) const FIRST_EXTENT: &str = "extent 0";

impl DescriptorEntry {
    /// True for a line of the disk database with this key, without `ddb.`, whatever its case.
    fn is_of_database(&self, key: &str) -> bool {
        self.key
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("ddb."))
            && self.key.get(4..).is_some_and(|name| is_same_word(name, key))
    }
}

impl Descriptor {
    /// Size in bytes that the guest sees: the sum of all extents, whatever their access. `None` where there is no extent
    /// or the sum does not fit into 64 bits.
    pub fn virtual_bytes(&self) -> Option<u64> {
        let (first, others) = self.extents.split_first()?;
        let sectors = others
            .iter()
            .try_fold(first.sectors, |sum, extent| sum.checked_add(extent.sectors))?;
        sectors_to_bytes(sectors)
    }

    /// This link has a parent. The hint decides; without one a parentCID other than `ffffffff` tells, and `00000000`
    /// does not (a tool writes it for disks without parent); VirtualBox names the parent by UUID. Where a parentCID stands
    /// twice, one that tells of a parent suffices.
    pub fn has_parent(&self) -> bool {
        let replaced = self
            .replaced
            .iter()
            .filter(|entry| is_same_word(&entry.key, "parentCID"));
        let mut cids = replaced
            .filter_map(|entry| u32::from_str_radix(entry.value.as_str(), 16).ok())
            .chain(self.parent_cid);
        self.parent_hints().next().is_some()
            || self.virtualbox_parent_uuid().is_some()
            || cids.any(|cid| cid != NO_PARENT_CID && cid != 0)
    }

    /// The last value of a key of the disk database, without `ddb.`, whatever its case.
    pub fn ddb(&self, key: &str) -> Option<&EncodedText> {
        self.ddb
            .iter()
            .rev()
            .find(|entry| entry.is_of_database(key))
            .map(|entry| &entry.value)
            .filter(|value| !value.is_blank())
    }

    /// `ddb.uuid`: the disk as the guest sees it; lower-case hex without blanks. Children inherit it. `None` for what is no id
    /// of 16 bytes, and for zeros, which tell no disk from another.
    pub fn disk_uuid(&self) -> Option<String> {
        self.ddb("uuid").and_then(|value| id_of_16_bytes(value.as_str()))
    }

    /// `ddb.longContentID` in lower case, likewise.
    pub fn long_content_id(&self) -> Option<String> {
        self.ddb("longContentID")
            .and_then(|value| id_of_16_bytes(value.as_str()))
    }

    /// `ddb.deletable`: false where vCenter refuses to delete the disk with its VM.
    pub fn deletable(&self) -> Option<bool> {
        parse_flag(self.ddb("deletable")?.as_str())
    }

    /// `ddb.thinProvisioned`.
    pub fn thin_provisioned(&self) -> Option<bool> {
        parse_flag(self.ddb("thinProvisioned")?.as_str())
    }

    /// `ddb.fcd.uuid`: the id of a First Class Disk, hyphenated where it is a UUID, as written otherwise.
    pub fn fcd_id(&self) -> Option<String> {
        let value = self.ddb("fcd.uuid")?.as_str().trim();
        Some(parse_uuid(value).map_or_else(|| value.to_owned(), |uuid| uuid.to_string()))
    }

    /// `ddb.sidecars`: files of the I/O filters, of every line with this key.
    pub fn sidecars(&self) -> Vec<&str> {
        let lists = self.ddb.iter().filter(|entry| entry.is_of_database("sidecars"));
        lists.flat_map(|list| comma_list(list.value.as_str())).collect()
    }

    /// Every `parentFileNameHint`, the one that counts first.
    fn parent_hints(&self) -> impl Iterator<Item = &EncodedText> {
        let before = self
            .replaced
            .iter()
            .filter(|entry| is_same_word(&entry.key, PARENT_HINT));
        self.parent_file_name_hint
            .iter()
            .chain(before.map(|entry| &entry.value))
    }

    /// `ddb.iofilters`.
    pub fn io_filters(&self) -> Vec<&str> {
        self.ddb("iofilters")
            .map(|list| comma_list(list.as_str()))
            .unwrap_or_default()
    }

    /// `ddb.uuid.image`: VirtualBox's id of this link.
    pub fn virtualbox_uuid(&self) -> Option<Uuid> {
        self.virtualbox("uuid.image")
    }

    /// `ddb.uuid.parent`: VirtualBox's id of the parent; zeros stand for none.
    pub fn virtualbox_parent_uuid(&self) -> Option<Uuid> {
        self.virtualbox("uuid.parent")
    }

    fn virtualbox(&self, key: &str) -> Option<Uuid> {
        parse_uuid(self.ddb(key)?.as_str().trim()).filter(|uuid| !uuid.is_nil())
    }

    /// The createType is this, in any case.
    pub fn has_create_type(&self, create_type: &str) -> bool {
        self.create_type
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(create_type))
    }

    /// The data lie on a raw device: the files here are pointers.
    pub fn is_raw_device(&self) -> bool {
        const TYPES: &[&str] = &[
            "fullDevice",
            "partitionedDevice",
            "vmfsRDM",
            "vmfsRawDeviceMap",
            "vmfsRDMP",
            "vmfsPassthroughRawDeviceMap",
            "vmfsRaw",
        ];
        TYPES.iter().any(|create_type| self.has_create_type(create_type))
            || self
                .extents
                .iter()
                .any(|extent| matches!(extent.kind, ExtentKind::VmfsRdm | ExtentKind::VmfsRaw))
    }

    /// Every file that it names: parent, extents (each file once), change tracking, digest, what stood before under these
    /// keys, sidecars, then what unknown keys and malformed lines name.
    pub fn references(&self) -> Vec<FileReference> {
        let named = |key: &str, value: &Option<EncodedText>, kind| {
            value.clone().map(|value| FileReference::new(key, value, kind))
        };
        let parent = named(PARENT_HINT, &self.parent_file_name_hint, FileKind::Parent);
        let tracking = named(CHANGE_TRACKING, &self.change_track_path, FileKind::ChangeTracking);
        let digest = named(DIGEST, &self.digest_file_name, FileKind::Digest);
        parent
            .into_iter()
            .chain(self.extent_references())
            .chain(tracking)
            .chain(digest)
            .chain(self.replaced_references())
            .chain(self.sidecar_references())
            .chain(self.other_references())
            .chain(self.malformed_references())
            .collect()
    }

    /// The files of the extents: several extents may lie in one file.
    fn extent_references(&self) -> Vec<FileReference> {
        let mut seen = std::collections::HashSet::new();
        self.extents
            .iter()
            .enumerate()
            .filter_map(|(index, extent)| Some((index, extent.file_name()?)))
            .filter(|(_, name)| seen.insert(name.raw().to_vec()))
            .map(|(index, name)| FileReference::new(format!("extent {index}"), name.clone(), FileKind::Extent))
            .collect()
    }

    /// The files that stood before under keys which stand again.
    fn replaced_references(&self) -> impl Iterator<Item = FileReference> {
        self.replaced.iter().filter_map(|entry| {
            let known = [
                (PARENT_HINT, FileKind::Parent),
                (CHANGE_TRACKING, FileKind::ChangeTracking),
                (DIGEST, FileKind::Digest),
            ];
            let (key, kind) = known.into_iter().find(|(key, _)| is_same_word(key, &entry.key))?;
            Some(FileReference::new(key, entry.value.clone(), kind))
        })
    }

    fn sidecar_references(&self) -> impl Iterator<Item = FileReference> {
        self.sidecars()
            .into_iter()
            .map(|name| FileReference::new("ddb.sidecars", name.into(), FileKind::Sidecar))
    }

    /// What keys name that are not known, those of the disk database among them (`ddb.objectParentUri`): a value that ends
    /// like the name of a file. A comment is for people.
    fn other_references(&self) -> impl Iterator<Item = FileReference> {
        const TOLD_OR_FOR_PEOPLE: [&str; 3] = ["sidecars", "comment", "fcd.name"];
        let is_other = |entry: &&DescriptorEntry| !TOLD_OR_FOR_PEOPLE.iter().any(|key| entry.is_of_database(key));
        self.other
            .iter()
            .chain(self.ddb.iter().filter(is_other))
            .filter(|entry| has_file_extension(entry.value.as_str()) && !is_not_a_file(entry.value.as_str()))
            .map(|entry| FileReference::new(entry.key.clone(), entry.value.clone(), FileKind::Other))
    }

    /// Names between quotes on malformed lines: those of a damaged extent line are its extent.
    fn malformed_references(&self) -> impl Iterator<Item = FileReference> {
        self.malformed.iter().flat_map(|line| {
            let kind = if begins_like_extent(line.text.as_str().as_bytes()) {
                FileKind::Extent
            } else {
                FileKind::Other
            };
            line.text
                .as_str()
                .split('"')
                .map(str::trim)
                .filter(|piece| has_file_extension(piece))
                .map(move |piece| FileReference::new(format!("line {}", line.line), piece.into(), kind))
        })
    }
}

/// The parts of a comma list that are not blank.
fn comma_list(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// The 32 hex digits of an id in lower case, without what stands between them.
fn id_of_16_bytes(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let is_id = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_id && digits.bytes().any(|digit| digit != b'0')).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_16_bytes_and_is_not_zero() {
        let id = "6000c29f0a1b2c3d4e5f60718293a4b5";
        assert_eq!(
            id_of_16_bytes("60 00 C2 9f 0a 1b 2c 3d-4e 5f 60 71 82 93 a4 b5").as_deref(),
            Some(id)
        );
        assert_eq!(id_of_16_bytes(id).as_deref(), Some(id));
        for other in [
            "",
            "none",
            "60 00 C2",
            &"0".repeat(32),
            &"z".repeat(32),
            &"a".repeat(33),
        ] {
            assert_eq!(id_of_16_bytes(other), None, "{other}");
        }
    }
    use crate::Limits;

    fn parse(text: &str) -> Descriptor {
        Descriptor::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn codes(descriptor: &Descriptor) -> Vec<&str> {
        descriptor
            .anomalies
            .iter()
            .map(|anomaly| anomaly.code.as_str())
            .collect()
    }

    #[test]
    fn a_parent_is_told_by_its_hint_first() {
        assert!(!parse("parentCID=ffffffff\n").has_parent());
        assert!(!parse("parentCID=00000000\n").has_parent());
        assert!(!parse("parentCID=00000000\nparentFileNameHint=\"\"\n").has_parent());
        assert!(parse("parentCID=00000000\nparentFileNameHint=\"a.vmdk\"\n").has_parent());
        assert!(parse("parentCID=12345678\n").has_parent());
        let contradiction = parse("createType=vmfs\nparentCID=ffffffff\nparentFileNameHint=\"a.vmdk\"\nRW 1 ZERO\n");
        assert!(contradiction.has_parent());
        assert_eq!(codes(&contradiction), ["parent-without-cid"]);
        let nil = "ddb.uuid.parent=\"00000000-0000-0000-0000-000000000000\"\n";
        assert!(!parse(nil).has_parent());
        assert!(parse(&nil.replace("0000\"", "0001\"")).has_parent());
    }

    #[test]
    fn the_capacity_is_the_checked_sum_of_all_extents() {
        let descriptor = parse("RW 10 FLAT \"a\" 0\nNOACCESS 5 ZERO\nRDONLY 1 SPARSE \"b\"\n");
        assert_eq!(descriptor.virtual_bytes(), Some(16 * 512));
        let overflow = parse("createType=custom\nRW 18446744073709551615 FLAT \"a\" 0\nRW 1 FLAT \"b\" 0\n");
        assert_eq!(overflow.virtual_bytes(), None);
        assert_eq!(codes(&overflow), ["capacity-overflow"]);
        assert_eq!(codes(&parse("createType=custom\n")), ["no-extents"]);
    }

    #[test]
    fn values_of_the_disk_database_are_found_whatever_their_case() {
        let descriptor = parse(
            "ddb.uuid = \"60 00 C2 9a 1d 7b 49 44-dc 53 e6 d3 e5 89 7b 0d\"\nDDB.Deletable = \"false\"\n\
             ddb.thinProvisioned = \"1\"\nddb.fcd.uuid = \"d4 1a 5a 4e a3 80 41 03-91 e2 95 56 ed 97 75 b1\"\n\
             ddb.sidecars = \"a-4686b60be34dc512.vmfd,\"\nddb.iofilters = \"vmwarelwd,vmwarevmcrypt\"\n",
        );
        assert_eq!(
            descriptor.disk_uuid().as_deref(),
            Some("6000c29a1d7b4944dc53e6d3e5897b0d")
        );
        assert_eq!(descriptor.deletable(), Some(false));
        assert_eq!(descriptor.thin_provisioned(), Some(true));
        assert_eq!(
            descriptor.fcd_id().as_deref(),
            Some("d41a5a4e-a380-4103-91e2-9556ed9775b1")
        );
        assert_eq!(descriptor.sidecars(), ["a-4686b60be34dc512.vmfd"]);
        assert_eq!(descriptor.io_filters(), ["vmwarelwd", "vmwarevmcrypt"]);
        assert!(descriptor.is_encrypted);
    }

    #[test]
    fn every_named_file_is_a_reference_and_a_shared_extent_is_one() {
        let descriptor = parse(
            "createType=\"partitionedDevice\"\nRW 63 FLAT \"a-pt.vmdk\" 0\nRW 9 FLAT \"/dev/sda\" 63\n\
             RW 1 FLAT \"a-pt.vmdk\" 63\nchangeTrackPath=\"a-ctk.vmdk\"\ndigestFilename=\"a-digest.vmdk\"\n\
             parentFileNameHint=\"b\\c \"d\".vmdk\"\nnativeParentHint=\"n.vmdk\"\nobjectID=\"vsan://1.vmdk\"\n\
             RW 99999999999999999999 FLAT \"e-flat.vmdk\" 0\n",
        );
        let references: Vec<_> = descriptor
            .references()
            .into_iter()
            .map(|file| (file.kind, file.key.to_string(), file.value.to_string()))
            .collect();
        let expected = [
            (FileKind::Parent, "parentFileNameHint", "b\\c \"d\".vmdk"),
            (FileKind::Extent, "extent 0", "a-pt.vmdk"),
            (FileKind::ChangeTracking, "changeTrackPath", "a-ctk.vmdk"),
            (FileKind::Digest, "digestFilename", "a-digest.vmdk"),
            (FileKind::Other, "nativeParentHint", "n.vmdk"),
            (FileKind::Other, "objectID", "vsan://1.vmdk"),
            (FileKind::Extent, "line 10", "e-flat.vmdk"),
        ];
        let expected: Vec<_> = expected
            .map(|(kind, key, value)| (kind, key.to_owned(), value.to_owned()))
            .to_vec();
        assert_eq!(references, expected);
        assert!(descriptor.is_raw_device());
    }

    #[test]
    fn a_key_that_stands_twice_names_both_files_and_the_last_counts() {
        let descriptor = parse(
            "createType=vmfs\nparentFileNameHint=\"p1.vmdk\"\nPARENTFILENAMEHINT=\"p2.vmdk\"\nchangeTrackPath=\"a-ctk.vmdk\"\nchangeTrackPath=\"\"\n\
             ddb.sidecars = \"a.vmfd\"\nddb.sidecars = \"b.vmfd\"\nRW 1 ZERO\n",
        );
        let references = descriptor.references();
        let named: Vec<_> = references.iter().map(|file| (file.kind, file.value.as_str())).collect();
        let expected = [
            (FileKind::Parent, "p2.vmdk"),
            (FileKind::Parent, "p1.vmdk"),
            (FileKind::ChangeTracking, "a-ctk.vmdk"),
            (FileKind::Sidecar, "a.vmfd"),
            (FileKind::Sidecar, "b.vmfd"),
        ];
        assert_eq!(named, expected);
        assert_eq!(codes(&descriptor), ["duplicate-keys"]);
        assert!(parse("parentFileNameHint=\"p1.vmdk\"\nparentFileNameHint=\"\"\n").has_parent());
    }

    #[test]
    fn the_disk_database_names_files_and_what_it_says_for_people_does_not() {
        let descriptor = parse(
            "ddb.objectParentUri = \"o.vmdk\"\nddb.comment = \"c.vmdk\"\nDDB.FCD.name = \"n.vmdk\"\nddb.uuid = \"60 00\"\nRW 1 ZERO\n",
        );
        let references = descriptor.references();
        let named: Vec<_> = references.iter().map(|file| file.value.as_str()).collect();
        assert_eq!(named, ["o.vmdk"]);
    }
}
