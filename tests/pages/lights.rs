//! A report of VMs that have one problem each, and some that have several.

use std::{fs::File, path::Path};

use derelict::report::{
    self, Format, Style,
    codes::ProblemCode,
    model::{Report, Severity, Vm, VmProblem},
};

/// Writes the page of a report in which every problem code has a VM of its name, and whose problems have no other source.
pub(crate) fn write(sample: &str, page: &Path) {
    let sample: Report = serde_json::from_str(sample).unwrap();
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
    let report = Report {
        vms: each.chain(more).collect(),
        ..sample
    };
    let mut out = File::create(page).unwrap();
    report::write(&report, Format::Html, Style::default(), &mut out).unwrap();
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
