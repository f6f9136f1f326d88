//! What a parser read of a file, as `derelict inspect` prints it.

mod packed;

use std::{borrow::Cow, collections::HashSet, fmt, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

/// What stands where nothing is read.
const NULL: &str = "null";

/// Facts as JSON, kept as its text: a tree of values takes ten times the memory, and nothing but a writer asks for them. Those of a
/// catalogue in memory are packed, which takes a fifth of the text, and the report of it shares them.
#[derive(Clone, Default)]
pub struct Facts(Option<Arc<[u8]>>);

impl Facts {
    /// Nothing is read of a file of this kind.
    pub const NONE: Self = Self(None);

    /// What a parser read, written at once: a tree of values between would take longer than the parser.
    #[must_use]
    pub fn of(read: &impl Serialize) -> Self {
        let text = serde_json::to_string(read).ok();
        text.map(Self::of_text).unwrap_or_default()
    }

    fn of_text(text: String) -> Self {
        Self((text != NULL).then(|| text.into_bytes().into()))
    }

    /// The facts as a tree; `null` where nothing is read.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }

    /// The facts as JSON text.
    #[expect(clippy::expect_used, reason = "without memory for one text no run can go on")]
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let unpack = |packed| packed::unpack(packed).expect("what was packed here is unpacked here");
        self.0.as_deref().map_or(NULL.into(), unpack)
    }

    /// Makes them take less memory, for as long as nobody asks for them.
    pub(crate) fn pack(&mut self) {
        if let Some(packed) = self.0.as_deref().and_then(packed::pack) {
            self.0 = Some(packed.into());
        }
    }

    /// Packs these facts and makes them one in memory with facts that say the same.
    pub(crate) fn share(&mut self, known: &mut HashSet<Arc<[u8]>>) {
        self.pack();
        let Some(packed) = &mut self.0 else { return };
        match known.get(packed) {
            Some(same) => *packed = Arc::clone(same),
            None => drop(known.insert(Arc::clone(packed))),
        }
    }

    /// True where nothing is read of a file of this kind.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }
}

impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.text() == other.text()
    }
}

impl Eq for Facts {}

impl fmt::Debug for Facts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Facts").field(&self.text()).finish()
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_none() {
            return serializer.serialize_unit();
        }
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(&self.text()), serializer)
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Vec::new();
        // Without a tree of values between.
        serde_transcode::transcode(deserializer, &mut serde_json::Serializer::new(&mut text))
            .map_err(D::Error::custom)?;
        let text = String::from_utf8(text).map_err(D::Error::custom)?;
        Ok(Self::of_text(text))
    }
}

impl JsonSchema for Facts {
    fn schema_name() -> Cow<'static, str> {
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
            let mut packed = facts.clone();
            packed.pack();
            assert_eq!(packed, facts);
            for facts in [facts, packed] {
                assert_eq!(facts.value(), value);
                assert_eq!(serde_json::to_value(&facts).unwrap(), value);
                let text = serde_json::to_string(&facts).unwrap();
                assert_eq!(text, value.to_string());
                assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
            }
        }
    }
}
