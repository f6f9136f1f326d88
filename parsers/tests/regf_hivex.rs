//! Registry hives against hivex: what it writes has to be read as it says, and what the testkit builds it has to take.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that meets something unexpected has to stop, and reads its own files whole"
)]

use std::{path::Path, process::Command};

use derelict_parsers::{
    Limits,
    regf::{Hive, Key},
    testkit::regf::HiveKey,
};

/// Adds keys with values to a hive, as cluster services do: names and texts outside ASCII, a key with many keys.
const SCRIPT: &str = r#"
import sys, hivex
h = hivex.Hivex(sys.argv[1], write=True)
resources = h.node_add_child(h.root(), "Resources")
for number in range(1200):
    key = h.node_add_child(resources, "%08d-1111-2222-3333-444444444444" % number)
    values = [{"key": "Name", "t": 1, "value": ("Dateiserver Köln %d\0" % number).encode("utf-16-le")},
              {"key": "Größe", "t": 4, "value": number.to_bytes(4, "little")},
              {"key": "Contains", "t": 7, "value": "a\0b c\0\0".encode("utf-16-le")}]
    h.node_set_values(key, values)
h.commit(sys.argv[2])
"#;

/// The Python that has hivex; `None`, loudly, where none has.
fn python() -> Option<&'static str> {
    let has_hivex = |python: &&str| {
        let output = Command::new(python).args(["-c", "import hivex"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = ["/usr/bin/python3", "python3"].into_iter().find(has_hivex);
    if found.is_none() {
        eprintln!("SKIPPED: hivex for Python is missing (Debian: python3-hivex)");
    }
    found
}

fn written_by_hivex(folder: &Path) -> Option<Vec<u8>> {
    let python = python()?;
    let (empty, filled) = (folder.join("empty"), folder.join("filled"));
    std::fs::write(&empty, HiveKey::new("Cluster").text("ClusterName", "HVCL01").hive()).unwrap();
    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .args([&empty, &filled])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(std::fs::read(filled).unwrap())
}

#[test]
fn hives_of_hivex_are_read_as_it_wrote_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(bytes) = written_by_hivex(folder.path()) else {
        return;
    };
    let hive = Hive::read(&bytes).unwrap();
    assert!(hive.checksum_matches && !hive.is_dirty);
    let limits = Limits::default();
    let root = hive.root().unwrap();
    let name = root.value("ClusterName", &limits).unwrap();
    assert_eq!(
        name.text().as_deref(),
        Some("HVCL01"),
        "hivex keeps what the testkit wrote"
    );
    let listed = root.subkey("Resources", &limits).unwrap().subkeys(&limits);
    assert_eq!(listed.damage, None);
    assert_eq!(listed.items.len(), 1200, "a list of lists");
    for (number, key) in (0_u32..).zip(&listed.items) {
        check(number, key, &limits);
    }
}

fn check(number: u32, key: &Key<'_>, limits: &Limits) {
    assert_eq!(key.name, format!("{number:08}-1111-2222-3333-444444444444"));
    let values = key.values(limits);
    assert_eq!((values.items.len(), values.damage), (3, None));
    let name = key.value("name", limits).unwrap();
    assert_eq!(name.text(), Some(format!("Dateiserver Köln {number}")));
    assert_eq!(key.value("Größe", limits).unwrap().data, number.to_le_bytes());
    assert_eq!(key.value("Contains", limits).unwrap().texts(), ["a", "b c"]);
}
