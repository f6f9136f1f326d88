//! What a parser read of a file, as `derelict inspect` prints it.

use std::{collections::HashSet, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// What stands where nothing is read.
const NULL: &str = "null";

/// Facts as JSON, kept as its text: a tree of values takes ten times the memory, and nothing but a writer asks for them. The
/// catalogue and its report share one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(Option<Arc<str>>);

impl Facts {
    /// Nothing is read of a file of this kind.
    pub const NONE: Self = Self(None);

    /// What a parser read, written at once: a tree of values between would take longer than the parser.
    #[must_use]
    pub fn of(read: &impl Serialize) -> Self {
        let text = serde_json::to_string(read).ok().filter(|text| text != NULL);
        Self(text.map(Into::into))
    }

    /// The facts as a tree; `null` where nothing is read.
    #[must_use]
    pub fn value(&self) -> Value {
        let text = self.0.as_deref();
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// The facts as JSON text.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or(NULL)
    }

    /// Makes these facts one text in memory with facts that say the same.
    pub(crate) fn share(&mut self, known: &mut HashSet<Arc<str>>) {
        let Some(text) = &mut self.0 else { return };
        match known.get(text) {
            Some(same) => *text = Arc::clone(same),
            None => drop(known.insert(Arc::clone(text))),
        }
    }

    /// True where nothing is read of a file of this kind.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(text) => serde_transcode::transcode(&mut serde_json::Deserializer::from_str(text), serializer),
            None => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Vec::new();
        // Without a tree of values between.
        serde_transcode::transcode(deserializer, &mut serde_json::Serializer::new(&mut text))
            .map_err(D::Error::custom)?;
        let text = String::from_utf8(text).map_err(D::Error::custom)?;
        Ok(Self((text != NULL).then(|| text.into())))
    }
}

impl JsonSchema for Facts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Value::schema_name()
    }

    fn inline_schema() -> bool {
        Value::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_written_as_the_values_that_they_were_made_of() {
        for value in [
            Value::Null,
            json!({}),
            json!({"name": "a\u{202e}\"b", "z": [1, -2, 0.5, null, true], "a": {"big": u64::MAX}}),
        ] {
            let facts = Facts::of(&value);
            assert_eq!(facts.value(), value);
            assert_eq!(serde_json::to_value(&facts).unwrap(), value);
            let text = serde_json::to_string(&facts).unwrap();
            assert_eq!(text, value.to_string());
            assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
        }
    }
}
