//! A report that no site gives: VMs that have one problem each, some that have several, a list of backups, and a finding
//! that was accepted.

use std::{fs::File, path::Path};

use derelict::report::{
    self, Format, Style,
    codes::ProblemCode,
    model::{Acceptance, BackupMention, BackupReport, Group, Report, Severity, Sum, Verdict, Vm, VmProblem},
};

/// Writes its page. Every problem code has a VM of its name; one orphaned group has a backup.
pub(crate) fn write(sample: &str, page: &Path) {
    let mut sample: Report = serde_json::from_str(sample).unwrap();
    accept(&mut sample);
    let template = &sample.vms[0];
    let schema = serde_json::to_value(report::schema::schema()).unwrap();
    let codes = schema["$defs"]["ProblemCode"]["oneOf"].as_array().unwrap();
    let codes = codes.iter().map(|code| code["const"].as_str().unwrap());
    let each = codes.map(|code| {
        let problem = (serde_json::from_value(code.into()).unwrap(), Severity::Warning);
        vm(template, code, &[problem])
    });
    let encrypted = (ProblemCode::Encrypted, Severity::Warning);
    let virtual_tpm = (ProblemCode::Encrypted, Severity::Info);
    let more = [
        vm(template, "sound", &[]),
        vm(
            template,
            "copied disk",
            &[(ProblemCode::DuplicateIdentity, Severity::Info)],
        ),
        vm(template, "encrypted twice", &[encrypted, virtual_tpm]),
        vm(template, "endless chain", &[(ProblemCode::DeepChain, Severity::Error)]),
        vm(
            template,
            "much at once",
            &[
                (ProblemCode::VhdFormat, Severity::Info),
                (ProblemCode::IncompleteDisk, Severity::Error),
            ],
        ),
    ];
    let mut groups = sample.groups.clone();
    let is_nobodys = |group: &&mut Group| group.verdict == Verdict::Orphaned;
    let backup = BackupMention {
        name: "crm-alt".to_owned(),
        job: Some("nightly".to_owned()),
        last: None,
        source: "jobs.csv: row 2".to_owned(),
    };
    groups.iter_mut().find(is_nobodys).unwrap().backups = vec![backup.clone()];
    let report = Report {
        vms: each.chain(more).collect(),
        groups,
        backups: Some(BackupReport {
            complete: true,
            files: vec!["jobs.csv".to_owned()],
            warnings: Vec::new(),
            vms: 1,
            protected: Vec::new(),
            unprotected: Vec::new(),
            gone: vec![backup],
            unprotected_groups: 16,
            unprotected_bytes: 1 << 20,
        }),
        ..sample
    };
    let mut out = File::create(page).unwrap();
    report::write(&report, Format::Html, Style::default(), &mut out).unwrap();
}

/// The disk of a template that is gone, and its file.
fn accept(report: &mut Report) {
    let is_accepted = |group: &&mut Group| group.title == "VDI-Basis/win11-basis.vhdx";
    let group = report.groups.iter_mut().find(is_accepted).unwrap();
    group.accepted = true;
    for artifact in &mut report.artifacts {
        artifact.accepted = (artifact.group.as_ref() == Some(&group.id)).then_some(0);
    }
    report.accepted = vec![Acceptance {
        reason: "kept for the helpdesk".to_owned(),
        by: Some("desktop team".to_owned()),
        until: None,
        expired: false,
        sum: Sum::default(),
    }];
}

fn vm(template: &Vm, name: &str, problems: &[(ProblemCode, Severity)]) -> Vm {
    let problem = |&(code, severity): &(ProblemCode, Severity)| VmProblem {
        code,
        severity,
        text: code.meaning().to_owned(),
    };
    Vm {
        id: name.to_owned(),
        name: name.to_owned(),
        registered: true,
        artifacts: Vec::new(),
        missing: Vec::new(),
        problems: problems.iter().map(problem).collect(),
        ..template.clone()
    }
}
