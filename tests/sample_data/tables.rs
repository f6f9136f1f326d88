//! The Parquet tables, and the queries of `docs/sql` run on them by `DuckDB` and held against the verdicts.

use std::{collections::BTreeSet, fs, io::Write, path::Path, process::Command};

use serde_json::Value;

use crate::{AS_OF, SITES, derelict, sites};

/// Runs every query in one go and prints the paths that each finds.
const SCRIPT: &str = r#"
import duckdb, json, os, sys
tables, queries = sys.argv[1:]
database = duckdb.connect()
for name in sorted(os.listdir(tables)):
    path = os.path.join(tables, name)
    database.execute(f"CREATE VIEW {name.removesuffix('.parquet')} AS SELECT * FROM '{path}'")
found = {}
for name in sorted(os.listdir(queries)):
    if name.endswith('.sql'):
        rows = database.execute(open(os.path.join(queries, name)).read()).fetchall()
        paths = [database.execute("SELECT path FROM roots WHERE root = ?", [row[0]]).fetchone()[0] + "/" + row[1] for row in rows]
        found[name.removesuffix('.sql')] = paths
found['counts'] = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ('roots', 'artifacts')]
print(json.dumps(found))
"#;

/// A Python that has `duckdb`: the one of `DERELICT_DUCKDB_PYTHON`, which then has to have it, or the first on the path.
fn python() -> Option<String> {
    let given = std::env::var("DERELICT_DUCKDB_PYTHON").ok();
    let python = given.clone().unwrap_or_else(|| "python3".to_owned());
    let has = Command::new(&python).args(["-c", "import duckdb"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(given.is_none(), "{python} has no duckdb");
    // Past the capture of the test harness: this must be seen.
    let _ = writeln!(
        std::io::stderr(),
        "\nSKIPPED: the queries of docs/sql, for {python} has no duckdb (pip install duckdb)\n"
    );
    None
}

/// Both sites in one report, with their tables beside it.
fn report(folder: &Path) -> Value {
    let mut roots = Vec::new();
    let mut inventories = Vec::new();
    for site in &SITES {
        for (alias, root) in site.roots {
            roots.push(format!("{alias}={}/{root}", site.name));
        }
        inventories.extend(["-i".to_owned(), format!("{}/{}", site.name, site.strong)]);
    }
    let place = folder.join("sample-data");
    let collect = [
        vec!["collect".to_owned()],
        roots,
        vec!["-o".to_owned(), "../all.catalogue".to_owned()],
    ]
    .concat();
    let collected = derelict(&place, &collect);
    assert_eq!(
        collected.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&collected.stderr)
    );
    let more = ["--as-of", AS_OF, "-f", "json", "--parquet", "../tables"];
    let more = more.map(str::to_owned).to_vec();
    let report = [
        vec!["report".to_owned(), "../all.catalogue".to_owned()],
        inventories,
        more,
    ]
    .concat();
    let reported = derelict(&place, &report);
    serde_json::from_slice(&reported.stdout)
        .unwrap_or_else(|_| unreachable!("{}", String::from_utf8_lossy(&reported.stderr)))
}

#[test]
fn the_queries_find_what_the_verdicts_say() {
    let Some(python) = python() else { return };
    let folder = sites();
    let report = report(folder.path());
    let queries = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sql");
    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(folder.path().join("tables"))
        .arg(queries)
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| unreachable!("{}", String::from_utf8_lossy(&output.stderr)));
    let artifacts = report["artifacts"].as_array().unwrap();
    let with = |wanted: &dyn Fn(&str, &str, &str) -> bool| {
        let text = |artifact: &Value, field: &str| artifact[field].as_str().unwrap_or_default().to_owned();
        let of = |artifact: &&Value| {
            wanted(
                &text(artifact, "kind"),
                &text(artifact, "verdict"),
                &text(artifact, "class"),
            )
        };
        let paths = artifacts.iter().filter(of).map(|artifact| text(artifact, "path"));
        paths.collect::<BTreeSet<String>>()
    };
    let disk = |kind: &str| matches!(kind, "vmdk-descriptor" | "vhd" | "vhdx" | "avhd" | "avhdx");
    let config = |kind: &str| matches!(kind, "vmx" | "vmtx" | "vmcx" | "hyperv-xml");
    let expected = [
        (
            "unnamed-disks",
            with(&|kind, verdict, class| disk(kind) && verdict == "orphaned" && class != "migration-leftover"),
        ),
        (
            "headless-extents",
            with(&|_, verdict, class| (verdict, class) == ("orphaned", "headless-extent")),
        ),
        (
            "unregistered-configurations",
            with(&|kind, verdict, class| config(kind) && (verdict == "unregistered" || class == "superseded-config")),
        ),
        ("leftover-sidecars", with(&|_, _, class| class == "leftover-sidecar")),
        ("stale-locks", with(&|_, _, class| class == "stale-lock")),
    ];
    let sql = fs::read_dir(queries).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "sql")
    });
    assert_eq!(sql.count(), expected.len());
    for (query, expected) in expected {
        let paths: BTreeSet<String> = serde_json::from_value(found[query].clone()).unwrap();
        assert_eq!(paths, expected, "{query}");
        assert!(!paths.is_empty(), "{query}");
    }
    let roots = report["coverage"]["roots"].as_array().unwrap().len();
    assert_eq!(found["counts"][0], roots);
    assert!(found["counts"][1].as_u64().unwrap() >= 200, "{}", found["counts"]);
}

#[test]
fn tables_are_not_overwritten_unasked() {
    let folder = sites();
    report(folder.path());
    let place = folder.path().join("sample-data");
    let again = ["report", "../all.catalogue", "--parquet", "../tables"].map(str::to_owned);
    let output = derelict(&place, &again);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("exists; --force replaces it"), "{message}");
}
