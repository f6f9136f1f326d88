//! Places in the JSON of exports: what stands there, by which name it is known, and how it is taken out.

use std::collections::BTreeSet;

use serde_json::Value;

use super::exports::path_of;
use crate::{exports::Body, site::Site};

/// Something in an export that can be taken out or changed.
#[derive(Clone)]
pub(super) struct Spot {
    /// The export.
    pub(super) place: usize,
    /// The table or the path in the JSON.
    pub(super) way: Vec<Step>,
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Step {
    Index(usize),
    Key(String),
}

pub(super) fn json_of(body: &Body) -> Option<&Vec<Value>> {
    match body {
        Body::Json(items, _) | Body::Clixml(items) => Some(items),
        _ => None,
    }
}

pub(super) fn json_of_mut(body: &mut Body) -> Option<&mut Vec<Value>> {
    match body {
        Body::Json(items, _) | Body::Clixml(items) => Some(items),
        _ => None,
    }
}

fn walk(value: &Value, way: &[Step], see: &mut impl FnMut(&[Step], &Value)) {
    see(way, value);
    let mut go = |step: Step, item: &Value| {
        let way: Vec<Step> = way.iter().cloned().chain([step]).collect();
        walk(item, &way, see);
    };
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| go(Step::Index(index), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, item)| go(Step::Key(name.clone()), item)),
        _ => {}
    }
}

/// Every value in the JSON exports that `wanted` wants, with a name that does not change when others go.
pub(super) fn spots(site: &Site, wanted: impl Fn(&[Step], &Value) -> bool) -> Vec<Spot> {
    let mut found = Vec::new();
    for (place, export) in site.exports.iter().enumerate() {
        for (index, item) in json_of(&export.body).into_iter().flatten().enumerate() {
            let own = own_name(item);
            walk(item, &[Step::Index(index)], &mut |way, value| {
                if wanted(way, value) {
                    let keys: Vec<String> = way[1..].iter().map(step_text).collect();
                    found.push(Spot {
                        place,
                        way: way.to_vec(),
                        name: format!("{} {own} {}", path_of(export), keys.join(".")),
                    });
                }
            });
        }
    }
    found
}

fn step_text(step: &Step) -> String {
    match step {
        Step::Index(index) => index.to_string(),
        Step::Key(name) => name.clone(),
    }
}

/// By what a row of JSON is told from others.
fn own_name(item: &Value) -> String {
    let of = ["/obj/value", "/MoRef", "/VMId", "/VmID", "/Path", "/Id", "/Name"];
    let mut names = of.iter().filter_map(|way| item.pointer(way).and_then(Value::as_str));
    names.next().unwrap_or_default().to_owned()
}

pub(super) fn at_way<'a>(items: &'a mut [Value], way: &[Step]) -> Option<&'a mut Value> {
    let (first, rest) = way.split_first()?;
    let Step::Index(index) = first else { return None };
    let mut value = items.get_mut(*index)?;
    for step in rest {
        value = match step {
            Step::Index(index) => value.get_mut(*index)?,
            Step::Key(name) => value.get_mut(name)?,
        };
    }
    Some(value)
}

pub(super) fn remove_at(items: &mut Vec<Value>, way: &[Step]) {
    match way.split_last() {
        Some((Step::Index(index), [])) => {
            items.remove(*index);
        }
        Some((last, before)) => match (at_way(items, before), last) {
            (Some(Value::Array(inner)), Step::Index(index)) => {
                inner.remove(*index);
            }
            (Some(Value::Object(fields)), Step::Key(name)) => {
                fields.remove(name);
            }
            _ => {}
        },
        None => {}
    }
}

/// The name of a column in JSON: a key, or the name of a property of `object.collect`.
pub(super) fn column_names(items: &[Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in items {
        walk(item, &[], &mut |_, value| {
            if let Value::Object(fields) = value {
                match (fields.get("name"), fields.get("op")) {
                    (Some(Value::String(name)), Some(_)) => {
                        names.insert(name.clone());
                    }
                    _ => names.extend(fields.keys().cloned()),
                }
            }
        });
    }
    for fixed in ["kind", "obj", "changeSet", "type", "value", "_value"] {
        names.remove(fixed);
    }
    names
}

pub(super) fn remove_key(value: &mut Value, key: &str) {
    match value {
        Value::Array(items) => {
            items.retain(|item| item.get("op").is_none() || item.get("name").and_then(Value::as_str) != Some(key));
            for item in items {
                remove_key(item, key);
            }
        }
        Value::Object(fields) => {
            if !fields.contains_key("op") {
                fields.remove(key);
            }
            fields.values_mut().for_each(|item| remove_key(item, key));
        }
        _ => {}
    }
}
