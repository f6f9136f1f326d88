//! Snapshot lists: `.vmsd`.
//!
//! Read from the [dictionary](crate::dictionary): the snapshots with their tree, the disk links that each one froze,
//! its state file, and the linked clones made from it. Entries are taken by their keys, whatever `numSnapshots` says
//! and however many numbers are missing. An empty file means that there never was a snapshot. The link on which the VM
//! runs now is not in this list.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Anomaly, EncodedText, Limits, ReadAt, Result,
    dictionary::{Dictionary, Entry},
    reference::{FileKind, FileReference, has_file_extension, is_not_a_file},
    text::TextRef,
};

/// What a snapshot list says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotList {
    /// The encoding in which the text was read, as `.encoding` names it, or the one that was assumed. It can differ from
    /// that of the VM's configuration.
    pub encoding: String,
    /// The file begins with a UTF-8 byte order mark.
    pub has_bom: bool,
    /// Lines that end in CR LF.
    pub crlf_lines: usize,
    /// `snapshot.lastUID`: the highest uid ever given.
    pub last_uid: Option<u64>,
    /// `snapshot.current`: uid of the snapshot that the running state descends from; `None` for 0 and absent.
    pub current: Option<u64>,
    /// `snapshot.mruN.uid`: the snapshots that were in use last, in the order of their lines.
    pub recently_used: Vec<u64>,
    /// `snapshot.numSnapshots`, which may disagree with the entries.
    pub declared_count: Option<u64>,
    /// `snapshot.needConsolidate`: leftover deltas that VMware knows of.
    pub needs_consolidation: bool,
    /// The snapshots, by their number in the keys.
    pub snapshots: Vec<Snapshot>,
    /// `cloneOfN`: the VM from which this one was cloned (assumed).
    pub clone_of: Vec<EncodedText>,
    /// `sentinelN`: disks shared between clone and original (assumed).
    pub sentinels: Vec<EncodedText>,
    /// Files named under keys that are not known or stand again further down, or on damaged lines.
    pub other_files: Vec<FileReference>,
    /// The list is encrypted with its VM: which snapshots there are is not known.
    pub is_encrypted: bool,
    /// Lines that are not of the form `key = value`.
    pub malformed_lines: usize,
    /// Lines whose quoted value has no closing quote. They break the grammar too (open-vm-tools, *dictll.c*).
    pub unterminated_lines: usize,
    /// The file ends inside a line or holds NULs, or no line of it is one of a list: lines were lost, and with them
    /// perhaps disks.
    pub is_torn: bool,
    /// What is odd.
    pub anomalies: Vec<Anomaly>,
}

/// One snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The N of its keys `snapshotN.…`.
    pub index: u32,
    /// Its id, by which others name it.
    pub uid: Option<u64>,
    /// Uid of its parent; `None` for a root.
    pub parent: Option<u64>,
    /// The name that its user gave.
    pub display_name: Option<EncodedText>,
    /// The text that its user gave.
    pub description: Option<EncodedText>,
    /// When it was taken.
    pub created: Option<Timestamp>,
    /// `type` as written; seen as `1` where the memory was saved.
    pub snapshot_type: Option<String>,
    /// The state file (`.vmsn`).
    pub state_file: Option<EncodedText>,
    /// `numDisks`: how many disk links it says that it froze.
    pub declared_disks: Option<u64>,
    /// The disk links that it froze.
    pub disks: Vec<SnapshotDisk>,
    /// Configurations of linked clones made from it.
    pub clones: Vec<EncodedText>,
}

/// A disk link frozen by a snapshot: the parent of what was written since.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotDisk {
    /// The M of its keys `snapshotN.diskM.…`.
    pub index: u32,
    /// The descriptor.
    pub file_name: Option<EncodedText>,
    /// The device, e.g. `scsi0:0`.
    pub node: Option<String>,
}

/// A snapshot while its keys are collected.
#[derive(Default)]
struct Draft {
    snapshot: Snapshot,
    disks: BTreeMap<u32, SnapshotDisk>,
    time_high: Option<i64>,
    time_low: Option<i64>,
}

impl SnapshotList {
    /// Reads a whole file.
    ///
    /// # Errors
    /// As [`Dictionary::parse`].
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = Dictionary::bytes(source, limits)?;
        Ok(Self::from_dictionary(&Dictionary::parse(&bytes, limits)?))
    }

    /// What the keys of a dictionary mean.
    pub fn from_dictionary(dictionary: &Dictionary<'_>) -> Self {
        let mut list = Self {
            encoding: dictionary.encoding_used(),
            has_bom: dictionary.has_bom,
            crlf_lines: dictionary.crlf_lines,
            last_uid: dictionary.number("snapshot.lastUID"),
            current: dictionary.number("snapshot.current").filter(|uid| *uid != 0),
            declared_count: dictionary.number("snapshot.numSnapshots"),
            needs_consolidation: dictionary.flag("snapshot.needConsolidate") == Some(true),
            is_encrypted: dictionary.text("encryption.data").is_some(),
            malformed_lines: dictionary
                .malformed
                .len()
                .saturating_sub(dictionary.unterminated_lines()),
            unterminated_lines: dictionary.unterminated_lines(),
            is_torn: dictionary.is_torn || dictionary.entries.is_empty() && !dictionary.malformed.is_empty(),
            anomalies: dictionary.anomalies.clone(),
            ..Self::default()
        };
        let mut drafts: BTreeMap<u32, Draft> = BTreeMap::new();
        for entry in &dictionary.entries {
            list.take(entry, &mut drafts);
        }
        list.snapshots = drafts.into_iter().map(|(index, draft)| draft.finish(index)).collect();
        list.other_files.extend(dictionary.malformed_file_references());
        list.note_oddities();
        list
    }

    /// Sorts one line to its snapshot or to the list.
    fn take(&mut self, entry: &Entry<'_>, drafts: &mut BTreeMap<u32, Draft>) {
        let key = entry.key.to_ascii_lowercase();
        let value = &entry.value;
        let is_known = if let Some((index, field)) = numbered(&key, "snapshot") {
            field
                .strip_prefix('.')
                .is_some_and(|field| self.set(drafts.entry(index).or_default(), field, entry))
        } else if matches!(numbered(&key, "snapshot.mru"), Some((_, ".uid"))) {
            self.recently_used.extend(value.as_str().trim().parse::<u64>());
            true
        } else if numbered(&key, "cloneof").is_some() {
            push_unless_blank(&mut self.clone_of, value)
        } else if numbered(&key, "sentinel").is_some() {
            push_unless_blank(&mut self.sentinels, value)
        } else {
            false
        };
        if !is_known && has_file_extension(value.as_str()) && !is_not_a_file(value.as_str()) {
            self.other_files.push(FileReference::new(
                entry.key.as_ref(),
                value.to_encoded(),
                FileKind::Other,
            ));
        }
    }

    /// Takes one field of a snapshot; false when it is not known. A file that stood before under the same key is kept.
    fn set(&mut self, draft: &mut Draft, field: &str, entry: &Entry<'_>) -> bool {
        let before = draft.file_of(field);
        let is_known = draft.set(field, &entry.value);
        if let Some((value, kind)) = before.filter(|_| is_known) {
            self.other_files
                .push(FileReference::new(entry.key.as_ref(), value, kind));
        }
        is_known
    }

    /// Compares the entries with each other and with the counts.
    fn note_oddities(&mut self) {
        let count = u64::try_from(self.snapshots.len()).unwrap_or(u64::MAX);
        let mut note = |code: &str, text: String| self.anomalies.push(Anomaly::new(code, text));
        if let Some(declared) = self.declared_count.filter(|declared| *declared != count) {
            note(
                "snapshot-count-mismatch",
                format!("declares {declared} snapshots, lists {count}"),
            );
        }
        let is_dense = (0_u32..)
            .zip(&self.snapshots)
            .all(|(index, snapshot)| index == snapshot.index);
        if !is_dense {
            note(
                "snapshot-index-gap",
                "the numbers of the snapshots have gaps".to_owned(),
            );
        }
        let mut uids = BTreeSet::new();
        for uid in self.snapshots.iter().filter_map(|snapshot| snapshot.uid) {
            if !uids.insert(uid) {
                note("snapshot-uid-duplicate", format!("two snapshots have uid {uid}"));
            }
        }
        for parent in self.snapshots.iter().filter_map(|snapshot| snapshot.parent) {
            if !uids.contains(&parent) {
                note(
                    "snapshot-parent-missing",
                    format!("a snapshot has parent {parent}, which is not listed"),
                );
            }
        }
        if let Some(current) = self.current.filter(|current| !uids.contains(current)) {
            note(
                "snapshot-current-missing",
                format!("the current snapshot {current} is not listed"),
            );
        }
        for snapshot in &self.snapshots {
            let index = snapshot.index;
            if snapshot.uid.is_none() {
                note(
                    "snapshot-uid-missing",
                    format!("snapshot{index} has no uid that is a number"),
                );
            }
            if snapshot.state_file.is_none() {
                note("snapshot-state-missing", format!("snapshot{index} names no state file"));
            }
            let named = snapshot.disks.iter().filter(|disk| disk.file_name.is_some()).count();
            let declared = snapshot
                .declared_disks
                .unwrap_or(0)
                .max(u64::try_from(snapshot.disks.len()).unwrap_or(u64::MAX));
            if u64::try_from(named).is_ok_and(|named| named < declared) {
                let text = format!("snapshot{index} names {named} of {declared} disks");
                note("snapshot-disk-missing", text);
            }
        }
        if let Some(uid) = self.cycle() {
            self.anomalies.push(Anomaly::new(
                "snapshot-parent-cycle",
                format!("following the parents of snapshot {uid} leads back to it"),
            ));
        }
    }

    /// What shows that lines of the list are lost, and with them perhaps files: it counts more snapshots than it lists whole, or
    /// the parent of one or the current one is not among them. Where it counts none, or as many as are whole, what else
    /// stands there is a rest.
    pub fn loss(&self) -> Option<&Anomaly> {
        let whole = self.snapshots.iter().filter(|snapshot| snapshot.is_whole()).count();
        let declared = self.declared_count.and_then(|count| usize::try_from(count).ok());
        let lacks = declared.is_none_or(|declared| declared > whole);
        let counts_some = declared != Some(0);
        self.anomalies.iter().find(|anomaly| match anomaly.code.as_str() {
            "snapshot-parent-missing" => true,
            "snapshot-current-missing" => counts_some,
            "snapshot-count-mismatch" => lacks && counts_some,
            "snapshot-state-missing" | "snapshot-disk-missing" => lacks,
            _ => false,
        })
    }

    /// The snapshot with a uid.
    pub fn snapshot(&self, uid: u64) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.uid == Some(uid))
    }

    /// A uid that is its own ancestor.
    fn cycle(&self) -> Option<u64> {
        let parents: BTreeMap<u64, u64> = self
            .snapshots
            .iter()
            .filter_map(|snapshot| Some((snapshot.uid?, snapshot.parent?)))
            .collect();
        // Each uid with the one that the walk which met it began at.
        let mut met = BTreeMap::new();
        for &start in parents.keys() {
            let mut next = Some(start);
            while let Some(uid) = next {
                match met.insert(uid, start) {
                    Some(walk) if walk == start => return Some(uid),
                    // What follows was walked already.
                    Some(_) => break,
                    None => next = parents.get(&uid).copied(),
                }
            }
        }
        None
    }

    /// Every file that the list names.
    pub fn references(&self) -> Vec<FileReference> {
        let own = self.snapshots.iter().flat_map(Snapshot::references);
        let clones = (0_u32..)
            .zip(&self.clone_of)
            .map(|(index, vmx)| FileReference::new(format!("cloneOf{index}"), vmx.clone(), FileKind::Clone));
        let sentinels = (0_u32..)
            .zip(&self.sentinels)
            .map(|(index, file)| FileReference::new(format!("sentinel{index}"), file.clone(), FileKind::Other));
        own.chain(clones)
            .chain(sentinels)
            .chain(self.other_files.iter().cloned())
            .collect()
    }
}

impl Snapshot {
    /// True where it has its uid, its state and as many disks as it counts.
    fn is_whole(&self) -> bool {
        let named = self.disks.iter().filter(|disk| disk.file_name.is_some()).count();
        let declared = self.declared_disks.and_then(|count| usize::try_from(count).ok());
        self.uid.is_some() && self.state_file.is_some() && declared.unwrap_or(self.disks.len()) <= named
    }

    /// Every file that belongs to the snapshot, under the keys of the list.
    fn references(&self) -> Vec<FileReference> {
        let index = self.index;
        let state = self.state_file.iter().map(|file| {
            FileReference::new(
                format!("snapshot{index}.filename"),
                file.clone(),
                FileKind::SnapshotState,
            )
        });
        let disks = self.disks.iter().filter_map(|disk| {
            let key = format!("snapshot{index}.disk{}.fileName", disk.index);
            Some(FileReference::new(key, disk.file_name.clone()?, FileKind::Disk))
        });
        let clones = (0_u32..).zip(&self.clones).map(|(number, vmx)| {
            FileReference::new(format!("snapshot{index}.clone{number}"), vmx.clone(), FileKind::Clone)
        });
        state.chain(disks).chain(clones).collect()
    }
}

impl Draft {
    /// Takes one field; false when it is not known.
    fn set(&mut self, field: &str, value: &TextRef<'_>) -> bool {
        let number = || value.as_str().trim().parse::<u64>().ok();
        let text = || Some(value.to_encoded()).filter(|value| !value.is_blank());
        match field {
            "uid" => self.snapshot.uid = number(),
            "parent" => self.snapshot.parent = number().filter(|uid| *uid != 0),
            "displayname" => self.snapshot.display_name = text(),
            "description" => self.snapshot.description = text(),
            "type" => self.snapshot.snapshot_type = text().map(|value| value.as_str().to_owned()),
            "filename" => self.snapshot.state_file = text(),
            "numdisks" => self.snapshot.declared_disks = number(),
            "createtimehigh" => self.time_high = value.as_str().trim().parse().ok(),
            "createtimelow" => self.time_low = value.as_str().trim().parse().ok(),
            _ => return self.set_numbered(field, value),
        }
        true
    }

    /// The file that a field has named so far, and what for.
    fn file_of(&self, field: &str) -> Option<(EncodedText, FileKind)> {
        if field == "filename" {
            return Some((self.snapshot.state_file.clone()?, FileKind::SnapshotState));
        }
        let (index, rest) = numbered(field, "disk")?;
        let disk = self.disks.get(&index).filter(|_| rest == ".filename")?;
        Some((disk.file_name.clone()?, FileKind::Disk))
    }

    /// Takes a field of a disk or a clone; false when it is neither.
    fn set_numbered(&mut self, field: &str, value: &TextRef<'_>) -> bool {
        if let Some((index, rest)) = numbered(field, "disk") {
            let disk = self.disks.entry(index).or_default();
            disk.index = index;
            match rest {
                ".filename" => disk.file_name = Some(value.to_encoded()).filter(|value| !value.is_blank()),
                ".node" => disk.node = Some(value.as_str().to_owned()),
                _ => return false,
            }
            return true;
        }
        matches!(numbered(field, "clone"), Some((_, ""))) && push_unless_blank(&mut self.snapshot.clones, value)
    }

    /// The snapshot with all that was collected.
    fn finish(self, index: u32) -> Snapshot {
        Snapshot {
            index,
            created: self.time_high.zip(self.time_low).and_then(created),
            disks: self.disks.into_values().collect(),
            ..self.snapshot
        }
    }
}

/// Microseconds since 1970: the high half, and the low half that is printed as a signed number.
fn created((high, low): (i64, i64)) -> Option<Timestamp> {
    const LOW_BITS: i64 = 0xFFFF_FFFF;
    let micros = high.checked_mul(1 << 32)?.checked_add(low & LOW_BITS)?;
    Timestamp::from_microsecond(micros).ok()
}

/// Adds a value that is not blank; true when the key was known, blank or not.
fn push_unless_blank(list: &mut Vec<EncodedText>, value: &TextRef<'_>) -> bool {
    if !value.is_blank() {
        list.push(value.to_encoded());
    }
    true
}

/// The number after `prefix`, and what follows it.
fn numbered<'a>(key: &'a str, prefix: &str) -> Option<(u32, &'a str)> {
    let rest = key.strip_prefix(prefix)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, rest) = rest.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SnapshotList {
        SnapshotList::read(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn codes(list: &SnapshotList) -> Vec<&str> {
        list.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
    }

    #[test]
    fn a_uid_that_is_no_number_is_said_and_those_in_use_last_are_told() {
        let text = "snapshot0.uid = \"x\"\nsnapshot0.filename = \"a.vmsn\"\nsnapshot.mru0.uid = \"2\"\n\
                    snapshot.mru1.uid = \"1\"\nsnapshot.mru2.uid = \"\"\n";
        let list = read(text);
        assert_eq!(codes(&list), ["snapshot-uid-missing"]);
        assert_eq!(list.recently_used, [2, 1]);
        assert!(list.loss().is_none(), "its files are named all the same");
        assert_eq!(codes(&read(&text.replace('x', "1"))), [""; 0]);
    }

    #[test]
    fn circles_are_found_however_the_walks_meet() {
        let list = |parents: &[(u64, u64)]| SnapshotList {
            snapshots: parents
                .iter()
                .map(|(uid, parent)| Snapshot {
                    uid: Some(*uid),
                    parent: Some(*parent),
                    ..Snapshot::default()
                })
                .collect(),
            ..SnapshotList::default()
        };
        assert_eq!(list(&[(1, 2), (2, 3), (3, 4), (5, 3), (6, 1)]).cycle(), None);
        assert_eq!(list(&[(1, 9), (2, 3), (3, 2), (4, 2)]).cycle(), Some(2));
        assert_eq!(list(&[(1, 1)]).cycle(), Some(1));
        let long: Vec<(u64, u64)> = (1..50_000).map(|uid| (uid, uid - 1)).collect();
        assert_eq!(list(&long).cycle(), None);
    }

    #[test]
    fn an_empty_file_lists_no_snapshot() {
        let nothing = SnapshotList {
            encoding: "UTF-8".to_owned(),
            ..SnapshotList::default()
        };
        assert_eq!(read(""), nothing);
    }

    #[test]
    fn the_low_half_of_the_time_is_printed_signed() {
        let list = read(
            "snapshot0.uid = \"1\"\nsnapshot0.createTimeHigh = \"388801\"\nsnapshot0.createTimeLow = \"-814770620\"\n",
        );
        let created = list.snapshots[0].created.unwrap();
        assert!(created.to_string().starts_with("2022-12-01"), "{created}");
    }

    #[test]
    fn numbers_of_two_digits_and_gaps_are_taken_as_they_are() {
        let list = read(
            "snapshot.numSnapshots = \"2\"\nsnapshot12.uid = \"9\"\nsnapshot12.parent = \"4\"\nSnapshot2.UID = \"4\"\n\
             snapshot2.filename = \"a-Snapshot4.vmsn\"\nsnapshot12.filename = \"a-Snapshot9.vmsn\"\n\
             snapshot12.disk10.fileName = \"a-000002.vmdk\"\nsnapshot12.disk10.node = \"scsi0:10\"\n",
        );
        let indexes: Vec<_> = list.snapshots.iter().map(|snapshot| snapshot.index).collect();
        assert_eq!(indexes, [2, 12]);
        assert_eq!(list.snapshots[1].disks[0].node.as_deref(), Some("scsi0:10"));
        assert_eq!(codes(&list), ["snapshot-index-gap"]);
        assert_eq!(list.references()[2].key, "snapshot12.disk10.fileName");
    }

    #[test]
    fn contradictions_are_named_and_cost_no_entry() {
        let cycle =
            read("snapshot0.uid = \"1\"\nsnapshot0.parent = \"2\"\nsnapshot1.uid = \"2\"\nsnapshot1.parent = \"1\"\n");
        assert_eq!(codes(&cycle).last(), Some(&"snapshot-parent-cycle"));
        let list = read(
            "snapshot.numSnapshots = \"0\"\nsnapshot.current = \"5\"\nsnapshot0.uid = \"2\"\nsnapshot0.parent = \"1\"\n\
             snapshot1.uid = \"2\"\n",
        );
        assert_eq!(list.snapshots.len(), 2);
        assert_eq!(
            codes(&list),
            [
                "snapshot-count-mismatch",
                "snapshot-uid-duplicate",
                "snapshot-parent-missing",
                "snapshot-current-missing",
                "snapshot-state-missing",
                "snapshot-state-missing"
            ]
        );
    }

    #[test]
    fn lines_that_are_lost_show_by_what_is_left() {
        let whole = "snapshot.numSnapshots = \"1\"\nsnapshot.current = \"1\"\nsnapshot0.uid = \"1\"\nsnapshot0.filename = \"a.vmsn\"\n\
                     snapshot0.numDisks = \"1\"\nsnapshot0.disk0.fileName = \"a.vmdk\"\nsnapshot0.disk0.node = \"scsi0:0\"\n";
        assert_eq!(read(whole).loss(), None);
        let without = |line: &str| {
            let list = read(&whole.replace(line, "x = \"y\"\n"));
            list.loss().map(|loss| loss.text.clone())
        };
        assert_eq!(without("snapshot.numSnapshots = \"1\"\n"), None);
        assert_eq!(
            without("snapshot0.filename = \"a.vmsn\"\n").as_deref(),
            Some("snapshot0 names no state file")
        );
        assert_eq!(
            without("snapshot0.disk0.fileName = \"a.vmdk\"\n").as_deref(),
            Some("snapshot0 names 0 of 1 disks")
        );
        assert_eq!(
            without("snapshot0.uid = \"1\"\n").as_deref(),
            Some("the current snapshot 1 is not listed")
        );
        let more = read(&whole.replace("Snapshots = \"1\"", "Snapshots = \"2\""));
        assert_eq!(
            more.loss().map(|loss| loss.text.as_str()),
            Some("declares 2 snapshots, lists 1")
        );
        let fewer = read(&whole.replace("Snapshots = \"1\"", "Snapshots = \"0\""));
        assert_eq!(fewer.loss(), None);
        for rest in [
            "snapshot1.displayName = \"old\"\n",
            "snapshot0.disk1.node = \"scsi0:1\"\n",
        ] {
            assert_eq!(read(&format!("{whole}{rest}")).loss(), None, "{rest}");
        }
        let none = read("snapshot.numSnapshots = \"0\"\nsnapshot.current = \"3\"\n");
        assert_eq!(none.loss(), None);
    }

    #[test]
    fn clones_sentinels_and_unknown_files_are_references() {
        let list = read(
            "snapshot0.clone0 = \"/vmfs/volumes/a/c/c.vmx\"\nsnapshot0.numClones = \"1\"\ncloneOf0 = \"../p/p.vmx\"\n\
             sentinel0 = \"../p/p.vmdk\"\nnumCloneOf = \"1\"\nsnapshot0.future = \"x.vmdk\"\nbad line = = \"y.vmdk\n",
        );
        let kinds: Vec<_> = list
            .references()
            .into_iter()
            .map(|file| (file.value.to_string(), file.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("/vmfs/volumes/a/c/c.vmx".to_owned(), FileKind::Clone),
                ("../p/p.vmx".to_owned(), FileKind::Clone),
                ("../p/p.vmdk".to_owned(), FileKind::Other),
                ("x.vmdk".to_owned(), FileKind::Other),
                ("y.vmdk".to_owned(), FileKind::Other),
            ]
        );
    }

    #[test]
    fn an_encrypted_list_says_so() {
        assert!(read("encryption.keySafe = \"k\"\nencryption.data = \"d\"\n").is_encrypted);
    }

    #[test]
    fn a_key_that_stands_twice_names_both_files() {
        let list = read(
            "snapshot0.disk0.fileName = \"a.vmdk\"\nsnapshot0.filename = \"a.vmsn\"\nSnapshot0.Disk0.filename = \"b.vmdk\"\n\
             snapshot0.filename = \"b.vmsn\"\n",
        );
        let named: Vec<_> = list
            .references()
            .into_iter()
            .map(|file| (file.value.to_string(), file.kind))
            .collect();
        for file in ["a.vmdk", "b.vmdk"] {
            assert!(named.contains(&(file.to_owned(), FileKind::Disk)), "{named:?}");
        }
        for file in ["a.vmsn", "b.vmsn"] {
            assert!(named.contains(&(file.to_owned(), FileKind::SnapshotState)), "{named:?}");
        }
    }

    #[test]
    fn a_file_without_a_line_of_a_list_is_torn() {
        assert!(read("<html>\nno such page\n</html>\n").is_torn);
        assert!(!read("").is_torn && !read("# nothing\n").is_torn);
    }
}
