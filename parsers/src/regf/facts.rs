//! What a hive is, for the one who asks: its base block and the names of the keys right below its root.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BASE_BLOCK_BYTES, Hive, Key};
use crate::{
    bytes::Cursor,
    error::{Anomaly, Result},
    filetime,
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
    utf16,
};

/// How much of a hive is read. A cluster database has less than a mebibyte.
const READ_BYTES: u64 = 4 << 20;
/// Most keys that are named.
const MAX_KEYS: usize = 256;

/// The codes of the anomalies of a hive.
pub mod code {
    /// The checksum of the base block is wrong.
    pub const CHECKSUM_BAD: &str = "checksum-bad";
    /// Writing the hive was not finished, or its newest part stands in its logs.
    pub const NOT_CLOSED: &str = "not-closed";
    /// Damage: the file is shorter than its bins.
    pub const CUT_OFF: &str = "cut-off";
    /// Damage: the root key, or not all keys below it, can be read.
    pub const KEYS_BAD: &str = "keys-bad";
    /// The hive is longer than what is read of it, or has more keys than are named.
    pub const NOT_READ: &str = "not-read";
}

/// What a hive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HiveFacts {
    /// `1.3`, `1.5`, …
    pub version: String,
    /// The end of the path under which it was loaded, as the base block keeps it.
    pub file_name: Option<String>,
    /// When it was written last.
    pub written: Option<Timestamp>,
    /// Bytes of its bins.
    pub bins_bytes: u32,
    /// It is the database of a failover cluster (`CLUSDB`): its root has the keys of one.
    pub is_cluster_database: bool,
    /// Name of the root key.
    pub root: Option<String>,
    /// Names of the keys below the root.
    pub keys: Vec<String>,
    /// The first anomaly after which keys may be missing.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged.
    pub anomalies: Vec<Anomaly>,
}

impl HiveFacts {
    /// Reads the base block and the keys below the root.
    ///
    /// # Errors
    /// As [`Hive::read`]; `Io`.
    pub fn read(source: &(impl ReadAt + ?Sized), limits: &Limits) -> Result<Self> {
        let bytes = source.up_to("registry hive", 0, READ_BYTES)?;
        let hive = Hive::read(&bytes)?;
        let base = Cursor::new("registry hive base block", 0, &bytes);
        let mut findings = Findings::default();
        let bins_bytes = base.u32_le(40)?;
        note_base(&hive, bins_bytes, source.len(), &mut findings);
        let root = findings.tolerate(code::KEYS_BAD, hive.root())?;
        let keys = root
            .as_ref()
            .map_or_else(Vec::new, |root| keys_of(root, limits, &mut findings));
        let has = |name: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        let is_cluster_database = has("Resources") && has("Groups") && has("Nodes");
        Ok(Self {
            version: format!("{}.{}", base.u32_le(20)?, base.u32_le(24)?),
            file_name: Some(utf16::decode_le(utf16::until_nul(base.slice(48, 64)?)).to_string())
                .filter(|name| !name.trim().is_empty()),
            written: filetime::timestamp(i64::from_le_bytes(base.array(12)?)),
            bins_bytes,
            is_cluster_database,
            root: root.map(|root| root.name),
            keys,
            damage: findings.first_damage(),
            anomalies: findings.into_anomalies(),
        })
    }
}

fn note_base(hive: &Hive<'_>, bins_bytes: u32, length: u64, findings: &mut Findings) {
    if !hive.checksum_matches {
        let text = "the checksum of the base block is wrong";
        findings.note(Anomaly::at(code::CHECKSUM_BAD, 508, text));
    }
    if hive.is_dirty {
        let text = "it was not closed: the newest changes may stand in the logs beside it";
        findings.note(Anomaly::at(code::NOT_CLOSED, 4, text));
    }
    let end = u64::from(bins_bytes).saturating_add(u64::try_from(BASE_BLOCK_BYTES).unwrap_or(u64::MAX));
    if end > length {
        let text = format!("its bins end at {end:#x}, the file at {length:#x}: truncated");
        findings.damage(Anomaly::at(code::CUT_OFF, 40, text));
    }
    if length > READ_BYTES {
        let text = format!("of {length} bytes {READ_BYTES} are read: keys behind them are not named");
        findings.note(Anomaly::new(code::NOT_READ, text));
    }
}

fn keys_of(root: &Key<'_>, limits: &Limits, findings: &mut Findings) -> Vec<String> {
    let listed = root.subkeys(limits);
    if let Some(error) = &listed.damage {
        findings.damage(Anomaly {
            offset: error.offset(),
            ..Anomaly::new(code::KEYS_BAD, error.to_string())
        });
    }
    if let Some(more) = listed.items.len().checked_sub(MAX_KEYS).filter(|more| *more > 0) {
        let text = format!("{more} further keys below the root are not named");
        findings.note(Anomaly::new(code::NOT_READ, text));
    }
    listed.items.into_iter().take(MAX_KEYS).map(|key| key.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::regf::HiveKey;

    fn database() -> Vec<u8> {
        ["Groups", "Nodes", "Resources"]
            .into_iter()
            .fold(HiveKey::new("Cluster"), |root, name| root.key(HiveKey::new(name)))
            .hive()
    }

    fn codes(hive: &HiveFacts) -> Vec<&str> {
        hive.anomalies.iter().map(|anomaly| anomaly.code.as_str()).collect()
    }

    #[test]
    fn the_database_of_a_cluster_is_told_from_another_hive() {
        let hive = HiveFacts::read(&database(), &Limits::default()).unwrap();
        assert!(hive.is_cluster_database && hive.damage.is_none());
        assert_eq!(hive.keys, ["Groups", "Nodes", "Resources"]);
        let other = HiveKey::new("Root").key(HiveKey::new("Software")).hive();
        let hive = HiveFacts::read(&other, &Limits::default()).unwrap();
        assert!(!hive.is_cluster_database);
        assert_eq!(hive.keys, ["Software"]);
    }

    #[test]
    fn what_is_odd_about_a_hive_is_said() {
        let mut file = database();
        file[4] ^= 1;
        let hive = HiveFacts::read(&file, &Limits::default()).unwrap();
        assert_eq!(codes(&hive), [code::CHECKSUM_BAD, code::NOT_CLOSED]);
        let mut cut = database();
        cut.truncate(BASE_BLOCK_BYTES + 8);
        let hive = HiveFacts::read(&cut, &Limits::default()).unwrap();
        assert_eq!(codes(&hive), [code::CUT_OFF, code::KEYS_BAD]);
        assert!(hive.root.is_none() && hive.damage.is_some());
        file.truncate(100);
        assert!(HiveFacts::read(&file, &Limits::default()).is_err());
    }
}
