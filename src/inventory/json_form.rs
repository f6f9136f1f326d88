//! Values of any container (JSON, a table, CLIXML) read into parts, each by the form that its keys show.

use std::collections::BTreeMap;

use super::{
    InventoryKind,
    files::ImportError,
    form::{self, Container, Form},
    hyperv,
    json::{Documents, Json},
    part::{Origin, Part, Source},
};

/// What the values gave.
#[derive(Debug)]
pub(super) struct Read {
    /// Its parts, one for each kind and source.
    pub(super) parts: Vec<Part>,
    /// By what they were known.
    pub(super) why: String,
}

/// Reads documents. Those of an unknown form are left out where others are known, which is said.
pub(super) fn read(origin: &Origin, mut documents: Documents<'_>, container: Container) -> Result<Read, ImportError> {
    let mut reading = Reading::new(origin, container);
    let mut unknown = None;
    let are_many = documents.are_many();
    for (index, document) in documents.by_ref().enumerate() {
        let file = origin.name();
        let row = if are_many {
            format!("{file}: document {}", index.saturating_add(1))
        } else {
            file
        };
        match form::of_document(Json(&document)) {
            Ok(form) => reading.add(form, Json(&document), &row),
            Err(why) => {
                reading.left_out |= !Json(&document).items().is_empty();
                unknown = unknown.or(Some(why));
            }
        }
    }
    if reading.parts.is_empty() {
        return Err(match (documents.damage, unknown) {
            (Some(damage), _) => {
                ImportError::Damaged(format!("it cannot be read to its end: {damage}; export it again"))
            }
            (None, Some(why)) => why,
            (None, None) => ImportError::Empty,
        });
    }
    // `govc` ends every object of a stream with a line.
    let is_cut = documents.is_unended && reading.signs.contains(&form::COLLECTED);
    let cut = is_cut.then_some("the stream of objects does not end with a line end");
    Ok(reading.finish(documents.damage.as_deref().or(cut)))
}

/// Reads one list whose form is known, perhaps from its header alone.
pub(super) fn read_list(
    origin: &Origin,
    form: &'static Form,
    list: Json<'_>,
    container: Container,
    damage: Option<&str>,
) -> Read {
    let mut reading = Reading::new(origin, container);
    reading.add(form, list, &origin.name());
    reading.finish(damage)
}

struct Reading<'a> {
    origin: &'a Origin,
    container: Container,
    parts: BTreeMap<(InventoryKind, Source), Part>,
    signs: Vec<&'static str>,
    /// A document that is of no known form, and not empty, was left out.
    left_out: bool,
    /// A list in a document has items of which only a hole is left.
    has_holes: bool,
}

impl<'a> Reading<'a> {
    fn new(origin: &'a Origin, container: Container) -> Self {
        Self {
            origin,
            container,
            parts: BTreeMap::new(),
            signs: Vec::new(),
            left_out: false,
            has_holes: false,
        }
    }

    fn add(&mut self, form: &Form, document: Json<'_>, row: &str) {
        let source = if form.names_source() {
            hyperv::export_source(document)
        } else {
            Source::default()
        };
        let kind = form.kind(self.container);
        let part = self
            .parts
            .entry((kind, source.clone()))
            .or_insert_with(|| Part::new(self.origin, kind, source));
        form.add(part, document, row);
        self.has_holes |= document.has_lost_items();
        if !self.signs.contains(&form.sign) {
            self.signs.push(form.sign);
        }
    }

    fn finish(self, damage: Option<&str>) -> Read {
        let mut parts: Vec<Part> = self.parts.into_values().collect();
        for part in &mut parts {
            finish(part, damage);
            let file = part.origin.name();
            if self.left_out {
                part.warn_capping(
                    "left-out",
                    format!("{file}: one of its documents is of no known export and was left out; export it again"),
                );
            }
            if self.has_holes {
                part.warn_capping(
                    "lost-items",
                    format!(
                        "{file}: items of its lists are empty or cut to text, so things may be missing; export it again"
                    ),
                );
            }
        }
        Read {
            parts,
            why: self.signs.join("; "),
        }
    }
}

/// What can be said only when the whole file was read.
fn finish(part: &mut Part, damage: Option<&str>) {
    let file = part.origin.name();
    if let Some(damage) = damage {
        part.warn_capping(
            "truncated",
            format!("{file}: it cannot be read to its end ({damage}), so rows may be missing; export it again"),
        );
    }
    // Where no VM has a configuration the export was not asked for any.
    let asked = part.vms.iter().any(|draft| draft.vm.has_configuration);
    for draft in &mut part.vms {
        let state = draft.vm.connection.as_deref().unwrap_or_default();
        draft.vm.has_configuration |= !asked && !["inaccessible", "invalid"].contains(&state);
    }
}
