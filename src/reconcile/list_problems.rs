//! Problems that lists of the files on datastores show: what is gone since, and what changed although nobody owns it.

use super::{
    judge::{Judge, Judgement},
    problems::{Finding, Problems, shown},
    signs::{source_of, statement},
};
use crate::report::{
    codes::{ProblemCode, ReasonCode},
    model::{Severity, Verdict, Weight},
};

impl Problems {
    pub(super) fn of_lists(&mut self, judge: &Judge<'_>, judged: &[Option<Judgement>]) {
        for list in &judge.coverage.file_lists {
            let taken = list.taken.map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string());
            let taken = taken.unwrap_or_else(|| "an unknown time".to_owned());
            if list.gone.number > 0 {
                let finding = Finding {
                    code: ProblemCode::ListedFileGone,
                    severity: Severity::Info,
                    subject: judge.identities.roots[list.root].name.clone(),
                    text: format!(
                        "{} disks and configurations that {} listed at {taken} are not there: {}; {} others are",
                        list.gone.number,
                        list.source,
                        list.gone.named(),
                        list.there
                    ),
                    reasons: vec![shown(
                        ReasonCode::ListedByInventory,
                        format!("the list of {taken}"),
                        list.source.clone(),
                    )],
                    next_step: "find out whether they were deleted or moved on purpose",
                };
                self.add(finding, &[]);
            }
            for &(node, listed) in &list.resized {
                let verdict = judged[node].as_ref().map(|judgement| judgement.verdict);
                if !matches!(verdict, Some(Verdict::Orphaned | Verdict::Unregistered)) {
                    continue;
                }
                let found = judge.world.files.nodes[node].entry.length;
                let path = source_of(judge.world.files, node, None);
                let text = format!(
                    "{} listed it with {listed} bytes at {taken}, and it has {found}",
                    list.source
                );
                let finding = Finding {
                    code: ProblemCode::ListedSizeDiffers,
                    severity: Severity::Warning,
                    subject: path,
                    text: text.clone(),
                    reasons: vec![statement(
                        ReasonCode::LastWritten,
                        text,
                        Some(list.source.clone()),
                        Weight::Against,
                    )],
                    next_step: "find out who wrote it since the list was taken, or whether it was replaced by another file",
                };
                self.add(finding, &[]);
            }
        }
    }
}
