//! The JSON Schema of the report, made from the types of [`super::model`]: the authority on names and codes.

use schemars::{Schema, generate::SchemaSettings};

use super::model::{Report, SCHEMA};

/// The schema (draft 2020-12) that every report fulfils.
pub fn schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>();
    if let Some(version) = schema
        .pointer_mut("/properties/schema")
        .and_then(serde_json::Value::as_object_mut)
    {
        version.insert("const".to_owned(), SCHEMA.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::sample;

    fn errors(report: &Value) -> Vec<String> {
        let schema = serde_json::to_value(schema()).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        validator.iter_errors(report).map(|error| error.to_string()).collect()
    }

    #[test]
    fn reports_fulfil_it() {
        for report in [sample::report(), sample::hostile()] {
            assert_eq!(errors(&serde_json::to_value(&report).unwrap()), [""; 0]);
        }
    }

    #[test]
    fn it_refuses_another_version_an_unknown_code_and_a_field_left_out() {
        let good = serde_json::to_value(sample::report()).unwrap();
        for (pointer, wrong) in [
            ("/schema", json!("derelict/report/2")),
            ("/artifacts/0/verdict", json!("lost")),
            ("/artifacts/0/class", json!("whatever")),
            ("/artifacts/0/apparent_bytes", json!("12")),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = wrong;
            assert_eq!(errors(&bad).len(), 1, "{pointer}");
        }
        for field in ["risk", "group", "references", "modified", "facts"] {
            let mut bad = good.clone();
            bad["artifacts"][0].as_object_mut().unwrap().remove(field).unwrap();
            assert_eq!(errors(&bad).len(), 1, "{field} is always there");
        }
    }

    #[test]
    fn every_object_requires_all_its_fields() {
        let schema = serde_json::to_value(schema()).unwrap();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            if let Some(properties) = definition.get("properties").and_then(Value::as_object) {
                let required = definition["required"].as_array().map_or(0, Vec::len);
                assert_eq!(required, properties.len(), "{name} has optional fields");
            }
        }
    }
}
