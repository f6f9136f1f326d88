//! A small report made by hand, for the tests of the faces.

use jiff::Timestamp;

use super::{
    codes::{Class, ProblemCode, ReasonCode},
    model::{
        Agreement, ArtifactReport, BackupMention, BackupReport, Confidence, Cover, Coverage, Gap, Group, Identity,
        InventoryReport, IssueReport, MissingFile, Owner, OwnerBasis, OwnerKind, Problem, ProtectedVm, Reason, Reclaim,
        ReferenceReport, ReferencedBy, Report, Resolved, Risk, RootReport, SCHEMA, Scope, SecondOpinion, Severity,
        SkippedReport, Summary, Tool, UnprotectedVm, Unresolved, Verdict, Vm, VmProblem, Weight,
    },
};
use crate::{
    catalogue::{SkipReason, Stage},
    facts::Facts,
    inventory::InventoryKind,
    kind::{Basis, Kind, Platform, Role},
    raw::RawPath,
};

const GIB: u64 = 1 << 30;

/// A time from its text.
pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Six artifacts on two datastores: an owned configuration, an orphaned disk with a stranded snapshot, an unregistered
/// VM, a file that is too new; a ghost, an issue and a gap.
pub(crate) fn report() -> Report {
    let artifacts = artifacts();
    let mut summary = Summary::empty();
    for artifact in &artifacts {
        summary.add(artifact);
    }
    Report {
        schema: SCHEMA.to_owned(),
        generated: time("2024-06-01T00:00:00Z"),
        as_of: time("2024-06-01T00:00:00Z"),
        duration_ms: Some(1500),
        tool: Tool {
            name: "derelict".to_owned(),
            version: "0.1.0".to_owned(),
        },
        coverage: coverage(),
        summary,
        vms: vec![vm("vm-broken01", "broken01", false), vm("vm-web01", "WEB01", true)],
        artifacts,
        groups: groups(),
        problems: vec![Problem {
            severity: Severity::Error,
            code: ProblemCode::Ghost,
            subject: "broken01".to_owned(),
            text: "is registered by vc01, but its configuration is not there.".to_owned(),
            reasons: vec![reason(ReasonCode::RegisteredVm, Weight::For)],
            next_step: "Restore broken01/broken01.vmx or remove the registration.".to_owned(),
        }],
        accepted: Vec::new(),
        second_opinions: vec![SecondOpinion {
            source: "vc01, rvtools.xlsx: vHealth row 2".to_owned(),
            path: "[SAN-VMFS-01] web01/web01.vmx".into(),
            opinion: Some("Zombie: Possibly a Zombie vmdk file!".to_owned()),
            artifact: None,
            verdict: Some(Verdict::Owned),
            class: None,
            agreement: Agreement::Disagrees,
            why: "WEB01 is registered".to_owned(),
        }],
        backups: Some(backups()),
    }
}

/// The report of a run that was interrupted before one of so many files was judged.
pub(crate) fn unjudged(files: usize) -> Report {
    let path = |number: usize| format!("web/{number:07}.vmdk");
    let unjudged = |number| {
        artifact(
            "nfs01",
            &path(number),
            Kind::VmdkFlat,
            Verdict::Unknown,
            Class::Interrupted,
        )
    };
    let artifacts: Vec<_> = (0..files).map(unjudged).collect();
    let mut summary = Summary::empty();
    for artifact in &artifacts {
        summary.add(artifact);
    }
    Report {
        summary,
        artifacts,
        vms: Vec::new(),
        groups: Vec::new(),
        problems: Vec::new(),
        second_opinions: Vec::new(),
        backups: None,
        ..report()
    }
}

/// The same report with names that attack who looks at them.
pub(crate) fn hostile() -> Report {
    let evil = "=evil\u{1b}[31m|<b>\u{202e}\n`x`";
    let mut report = report();
    for artifact in &mut report.artifacts {
        let mut name = evil.as_bytes().to_vec();
        name.extend_from_slice(b"\xff/");
        name.extend_from_slice(artifact.relative_path.as_bytes());
        artifact.path = artifact.root.join(&name);
        artifact.relative_path = RawPath::new(name);
        artifact.datastore = evil.to_owned();
        for owner in &mut artifact.owners {
            owner.name = evil.to_owned();
        }
        for reason in &mut artifact.reasons {
            reason.text = evil.to_owned();
            reason.source = Some(evil.to_owned());
        }
    }
    for group in &mut report.groups {
        group.title = evil.to_owned();
        group.owner = Some(evil.to_owned());
        group.owner_source = Some(evil.to_owned());
        group.artifacts = report
            .artifacts
            .iter()
            .filter(|artifact| artifact.group.as_ref() == Some(&group.id))
            .map(|artifact| artifact.path.clone())
            .collect();
    }
    for problem in &mut report.problems {
        problem.subject = evil.to_owned();
        problem.text = evil.to_owned();
        problem.next_step = evil.to_owned();
    }
    for root in &mut report.coverage.roots {
        root.datastore = evil.to_owned();
        root.path = RawPath::from(evil);
        root.identity_basis = evil.to_owned();
        root.aliases = vec![evil.to_owned()];
    }
    for issue in &mut report.coverage.issues {
        issue.path = RawPath::from(evil);
        issue.error = evil.to_owned();
    }
    for inventory in &mut report.coverage.inventories {
        inventory.source = evil.to_owned();
        inventory.files = vec![evil.to_owned()];
        inventory.warnings = vec![evil.to_owned()];
    }
    for gap in &mut report.coverage.gap_details {
        gap.text = evil.to_owned();
        gap.datastores = vec![evil.to_owned()];
    }
    report.summary.datastores = [(evil.to_owned(), report.summary.datastores["SAN-VMFS-01"].clone())].into();
    report.summary.filter = Some(evil.to_owned());
    report
}

fn artifacts() -> Vec<ArtifactReport> {
    let mut new = artifact(
        "nfs01",
        "new/new.vmdk",
        Kind::VmdkDescriptor,
        Verdict::Unknown,
        Class::TooNew,
    );
    new.apparent_bytes = 2 << 20;
    new.modified = Some(time("2024-05-31T12:00:00Z"));

    let mut old = artifact(
        "SAN-VMFS-01",
        "old/old.vmx",
        Kind::Vmx,
        Verdict::Unregistered,
        Class::CompleteVm,
    );
    old.confidence = Some(Confidence::Low);
    old.reclaim = Reclaim::Review;
    old.group = Some("group-old".to_owned());
    old.apparent_bytes = 3000;
    old.allocated_bytes = Some(4096);

    let mut owned = artifact(
        "SAN-VMFS-01",
        "web01/web01.vmx",
        Kind::Vmx,
        Verdict::Owned,
        Class::IdleVm,
    );
    owned.class = None;
    owned.modified = Some(time("2024-05-20T00:00:00Z"));
    owned.allocated_bytes = Some(4096);
    owned.owners = vec![Owner {
        kind: OwnerKind::Vm,
        id: "vm-web01".to_owned(),
        name: "WEB01".to_owned(),
    }];

    let mut delta = orphan("web07/web07-000001.vmdk", Kind::VmdkSeSparse, Class::StrandedSnapshot);
    delta.confidence = Some(Confidence::Medium);
    delta.reclaim = Reclaim::Review;
    delta.risk = Some(Risk::DataLoss);
    delta.allocated_bytes = Some(GIB);

    let mut flat = orphan("web07/web07-flat.vmdk", Kind::VmdkFlat, Class::DeletedVmDisk);
    flat.apparent_bytes = 100 * GIB;
    flat.allocated_bytes = Some(59 * GIB);
    flat.referenced_by = vec![ReferencedBy {
        path: "/mnt/san1/web07/web07.vmdk".into(),
        role: Role::Extent,
    }];

    let mut base = orphan("web07/web07.vmdk", Kind::VmdkDescriptor, Class::DeletedVmDisk);
    base.apparent_bytes = 480;
    base.allocated_bytes = Some(512);
    base.virtual_bytes = Some(100 * GIB);
    base.references = vec![
        ReferenceReport {
            path: "web07-flat.vmdk".into(),
            role: Role::Extent,
            resolved: Resolved::Path("/mnt/san1/web07/web07-flat.vmdk".into()),
        },
        ReferenceReport {
            path: "web07-ctk.vmdk".into(),
            role: Role::ChangeTracking,
            resolved: Resolved::None(Unresolved::Missing),
        },
    ];
    base.reasons.push(reason(ReasonCode::ReferencedBy, Weight::Against));
    vec![new, old, owned, delta, flat, base]
}

fn orphan(path: &str, kind: Kind, class: Class) -> ArtifactReport {
    let mut orphan = artifact("SAN-VMFS-01", path, kind, Verdict::Orphaned, class);
    orphan.confidence = Some(Confidence::High);
    orphan.reclaim = Reclaim::Candidate;
    orphan.group = Some("group-web07".to_owned());
    orphan
}

fn artifact(datastore: &str, path: &str, kind: Kind, verdict: Verdict, class: Class) -> ArtifactReport {
    let root = RawPath::from(if datastore == "nfs01" {
        "/mnt/nfs01"
    } else {
        "/mnt/san1"
    });
    ArtifactReport {
        path: root.join(path.as_bytes()),
        root,
        relative_path: RawPath::from(path),
        datastore: datastore.to_owned(),
        kind,
        kind_basis: Basis::Both,
        verdict,
        class: Some(class),
        confidence: None,
        reclaim: Reclaim::Never,
        risk: None,
        group: None,
        owners: Vec::new(),
        apparent_bytes: 100,
        allocated_bytes: None,
        virtual_bytes: None,
        modified: Some(time("2023-01-05T08:00:00Z")),
        referenced_by: Vec::new(),
        references: Vec::new(),
        reasons: vec![reason(ReasonCode::CompanionOf, Weight::For)],
        facts: Facts::NONE,
        blake3: None,
        accepted: None,
    }
}

fn reason(code: ReasonCode, weight: Weight) -> Reason {
    Reason {
        code,
        text: format!("because of {}", code.name()),
        source: Some("vc01, vInfo row 7".to_owned()),
        weight,
        settles: Some("the export of the other vCenter".to_owned()),
    }
}

fn groups() -> Vec<Group> {
    let group = |id: &str, verdict, class, title: &str| Group {
        id: id.to_owned(),
        verdict,
        class: Some(class),
        title: title.to_owned(),
        owner: None,
        owner_basis: None,
        owner_source: None,
        artifacts: artifacts()
            .into_iter()
            .filter(|artifact| artifact.group.as_deref() == Some(id))
            .map(|artifact| artifact.path)
            .collect(),
        allocated_bytes: 4096,
        modified: Some(time("2023-01-05T08:00:00Z")),
        reclaim: Reclaim::Review,
        confidence: Some(Confidence::Low),
        backups: Vec::new(),
        accepted: false,
    };
    let old = group("group-old", Verdict::Unregistered, Class::CompleteVm, "old");
    let mut web07 = group(
        "group-web07",
        Verdict::Orphaned,
        Class::DeletedVmDisk,
        "web07/web07.vmdk",
    );
    web07.owner = Some("web07".to_owned());
    web07.owner_basis = Some(OwnerBasis::Evidence);
    web07.owner_source = Some("web07/vmware.log".to_owned());
    web07.allocated_bytes = 60 * GIB + 512;
    web07.confidence = Some(Confidence::Medium);
    vec![old, web07]
}

fn backups() -> BackupReport {
    let mention = |name: &str| BackupMention {
        name: name.to_owned(),
        job: Some("nightly web0".to_owned()),
        last: Some(time("2024-05-01T00:00:00Z")),
        source: "jobs web0.csv: row 7".to_owned(),
    };
    BackupReport {
        complete: true,
        files: vec!["jobs web0.csv".to_owned()],
        warnings: Vec::new(),
        vms: 2,
        protected: vec![ProtectedVm {
            name: "WEB01".to_owned(),
            id: "vm-web01".to_owned(),
            last: mention("").last,
            backups: vec![mention("web01")],
        }],
        unprotected: vec![UnprotectedVm {
            name: "broken01".to_owned(),
            id: "vm-broken01".to_owned(),
            template: false,
            perhaps: Vec::new(),
        }],
        gone: vec![mention("web09")],
        unprotected_groups: 2,
        unprotected_bytes: 60 * GIB + 512 + 4096,
    }
}

fn vm(id: &str, name: &str, found: bool) -> Vm {
    Vm {
        id: id.to_owned(),
        name: name.to_owned(),
        platform: Platform::Vmware,
        registered: true,
        inventories: vec!["vc01".to_owned()],
        host: Some("esx1".to_owned()),
        state: Some("poweredOn".to_owned()),
        folder: Some("Prod-web0".to_owned()),
        noted_owner: Some("anna.müller".to_owned()),
        notes: None,
        config: Some(RawPath::from(format!("/mnt/san1/{name}/{name}.vmx").as_str())),
        artifacts: Vec::new(),
        missing: if found {
            Vec::new()
        } else {
            vec![MissingFile {
                path: "/mnt/san1/broken01/broken01.vmx".into(),
                role: Role::Config,
            }]
        },
        problems: if found {
            Vec::new()
        } else {
            vec![VmProblem {
                code: ProblemCode::Ghost,
                severity: Severity::Error,
                text: "its configuration is not there".to_owned(),
            }]
        },
    }
}

fn coverage() -> Coverage {
    Coverage {
        complete: false,
        assume_complete: false,
        roots: vec![
            root("/mnt/san1", "SAN-VMFS-01", Identity::Given, Cover::Complete),
            root("/mnt/nfs01", "nfs01", Identity::Inferred, Cover::Incomplete),
        ],
        issues: vec![IssueReport {
            path: "/mnt/nfs01/locked".into(),
            stage: Stage::Crawl,
            error: "permission denied".to_owned(),
        }],
        inventories: vec![InventoryReport {
            source: "vc01".to_owned(),
            kind: InventoryKind::RvtoolsXlsx,
            kinds: vec![InventoryKind::RvtoolsXlsx],
            files: vec!["rvtools.xlsx".to_owned()],
            collected: Some(time("2024-05-30T06:00:00Z")),
            vms: 2,
            scope: Scope {
                datastores: vec!["SAN-VMFS-01".to_owned(), "nfs01".to_owned()],
                hosts: vec!["esx1".to_owned()],
            },
            warnings: vec!["the tab vFileInfo is missing".to_owned()],
        }],
        gaps: vec!["/mnt/nfs01/locked was not read; give derelict access to it.".to_owned()],
        gap_details: vec![Gap {
            code: ReasonCode::ReferencedBy,
            text: "/mnt/nfs01/locked was not read; give derelict access to it.".to_owned(),
            datastores: vec!["nfs01".to_owned()],
            caps: true,
            files: 1,
            allocated_bytes: 2 << 20,
        }],
    }
}

fn root(path: &str, datastore: &str, identity: Identity, covered: Cover) -> RootReport {
    RootReport {
        absolute: None,
        path: path.into(),
        datastore: datastore.to_owned(),
        aliases: vec![datastore.to_owned()],
        identity,
        identity_basis: "12 of 12 references of vc01 resolve".to_owned(),
        covered,
        directories: 4,
        files: 9,
        artifacts: 5,
        apparent_bytes: 101 * GIB,
        allocated_bytes: Some(61 * GIB),
        capacity_bytes: Some(500 * GIB),
        free_bytes: Some(400 * GIB),
        skipped: vec![SkippedReport {
            path: RawPath::from(path).join(b".snapshot"),
            why: SkipReason::StorageSnapshot,
        }],
        empty_folders: vec![RawPath::from(path).join(b"gone")],
    }
}
