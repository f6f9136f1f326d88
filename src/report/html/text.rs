//! Values of the report as the page shows them: every string escaped, every path a string.

use base64::Engine;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::sanitize;

/// Nesting of values that is followed. Facts come from parsers whose own nesting is bounded far below this.
const DEPTH_MAX: usize = 64;

/// The value with every string and every name of a field escaped; paths that are not Unicode become strings, and what is
/// `null` or empty is left out of objects.
pub(super) fn shown<T: Serialize>(value: &T) -> Value {
    escaped(serde_json::to_value(value).unwrap_or_default(), 0)
}

fn escaped(value: Value, depth: usize) -> Value {
    match value {
        _ if depth > DEPTH_MAX => Value::Null,
        Value::String(text) => Value::String(sanitize::text(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(|item| escaped(item, depth + 1)).collect(),
        Value::Object(fields) => path(&fields).unwrap_or_else(|| object(fields, depth)),
        other => other,
    }
}

fn object(fields: Map<String, Value>, depth: usize) -> Value {
    let fields = fields
        .into_iter()
        .map(|(name, field)| (sanitize::text(&name).into_owned(), escaped(field, depth + 1)))
        .filter(|(_, field)| !is_nothing(field));
    Value::Object(fields.collect())
}

/// `{"bytes": base64}`, the form of a path that is not Unicode.
fn path(fields: &Map<String, Value>) -> Option<Value> {
    let base64 = fields.get("bytes").filter(|_| fields.len() == 1)?.as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok()?;
    Some(Value::String(sanitize::bytes(&bytes).into_owned()))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::raw::RawPath;

    #[test]
    fn strings_are_escaped_wherever_they_stand() {
        let value = json!({"a\u{202e}": ["\u{1b}[1m", {"b": "\n", "c": null, "d": [], "e": 0}]});
        assert_eq!(
            shown(&value),
            json!({"a\\u{202e}": ["\\u{1b}[1m", {"b": "\\u{a}", "e": 0}]})
        );
    }

    #[test]
    fn a_path_that_is_not_unicode_becomes_a_string() {
        assert_eq!(shown(&RawPath::new(b"a/\xff".to_vec())), json!("a/\\xff"));
        assert_eq!(shown(&json!({"bytes": "no base64!"})), json!({"bytes": "no base64!"}));
    }
}
