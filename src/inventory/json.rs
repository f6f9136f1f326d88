//! JSON as the exports write it: one document or many after each other, keys in either dialect (`vmPathName`,
//! `VmPathName`), one object where there could be a list, and texts that break off in the middle.

use std::collections::VecDeque;

use serde_json::{Deserializer, StreamDeserializer, Value, de::StrRead};
use uuid::Uuid;

use super::{moment::SaidTime, values};

/// The documents of a text, read one after the other: all together may take ten times the memory of the text.
pub(super) struct Documents<'t> {
    /// Read already.
    ahead: VecDeque<Value>,
    /// Still to be read.
    rest: Option<Rest<'t>>,
    /// Why the text could not be read to its end; known when all documents were taken.
    pub(super) damage: Option<String>,
    /// No line end stands after the last document.
    pub(super) is_unended: bool,
}

struct Rest<'t> {
    text: &'t str,
    stream: StreamDeserializer<'t, StrRead<'t>, Value>,
    /// Behind the last document that is sound.
    sound_up_to: usize,
}

/// Reads all documents of a text. What comes after the first mistake is left out, and of a document that breaks off the
/// whole parts are kept: they protect what they name.
pub(super) fn documents(text: &str) -> Documents<'_> {
    Documents {
        ahead: VecDeque::new(),
        rest: Some(Rest {
            text,
            stream: Deserializer::from_str(text).into_iter(),
            sound_up_to: 0,
        }),
        damage: None,
        is_unended: !text.ends_with(['\n', '\r']),
    }
}

impl Documents<'_> {
    /// Documents that were read in another way.
    pub(super) fn of(values: Vec<Value>, damage: Option<String>) -> Self {
        Self {
            ahead: values.into(),
            rest: None,
            damage,
            is_unended: false,
        }
    }

    /// True when there are several; none may have been taken yet.
    pub(super) fn are_many(&mut self) -> bool {
        self.look_ahead(2);
        self.ahead.len() > 1
    }

    /// The only document of a text that is sound; none may have been taken yet.
    pub(super) fn only(&mut self) -> Option<&Value> {
        self.look_ahead(2);
        let is_only = self.ahead.len() == 1 && self.damage.is_none();
        self.ahead.front().filter(|_| is_only)
    }

    fn look_ahead(&mut self, count: usize) {
        while self.ahead.len() < count {
            let Some(next) = self.read() else { return };
            self.ahead.push_back(next);
        }
    }

    /// The next document that was not read already.
    fn read(&mut self) -> Option<Value> {
        let rest = self.rest.as_mut()?;
        match rest.stream.next() {
            Some(Ok(value)) => {
                rest.sound_up_to = rest.stream.byte_offset();
                Some(value)
            }
            Some(Err(error)) => {
                let broken = rest.text.get(rest.sound_up_to..).unwrap_or_default();
                let whole = if error.is_eof() { whole_parts(broken) } else { None };
                self.damage = Some(error.to_string());
                self.rest = None;
                whole
            }
            None => None,
        }
    }
}

impl Iterator for Documents<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        self.ahead.pop_front().or_else(|| self.read())
    }
}

/// The document at the start of a text that breaks off: cut after its last closed part, its open brackets closed.
fn whole_parts(text: &str) -> Option<Value> {
    let (cut, closers) = last_closed_part(text)?;
    let mut mended = text.get(..cut)?.to_owned();
    mended.extend(closers.iter().rev());
    serde_json::from_str(&mended).ok()
}

/// Where the last bracket inside the document closed, and the brackets that were open then.
fn last_closed_part(text: &str) -> Option<(usize, Vec<char>)> {
    let mut open = Vec::new();
    let mut last = None;
    let mut in_string = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' if open.pop() == Some(character) && !open.is_empty() => last = Some(at.checked_add(1)?),
            '}' | ']' => return None,
            _ => {}
        }
    }
    let cut = last?;
    Some((cut, open_at(text.get(..cut)?)))
}

/// The closing brackets that a text still needs, outermost first.
fn open_at(text: &str) -> Vec<char> {
    let mut open = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

static NULL: Value = Value::Null;

/// The member that holds the number of the row which a table gave an object from.
pub(super) const ROW: &str = "#row";

/// One value, read tolerantly: what is missing is null, and null has neither text nor items.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a Value);

impl<'a> Json<'a> {
    /// The member of this name, whatever the case of its letters.
    pub(super) fn get(self, name: &str) -> Self {
        let Value::Object(members) = self.0 else {
            return Self(&NULL);
        };
        let found = members.get(name).or_else(|| {
            members
                .iter()
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
        });
        Self(found.unwrap_or(&NULL))
    }

    /// The member at a path of names divided by dots.
    pub(super) fn at(self, path: &str) -> Self {
        path.split('.').fold(self, Self::get)
    }

    /// The first of these paths that is not null.
    pub(super) fn first(self, paths: &[&str]) -> Self {
        paths
            .iter()
            .map(|path| self.at(path))
            .find(|value| !value.is_null())
            .unwrap_or(Self(&NULL))
    }

    /// A member of this name is there, null or not.
    pub(super) fn has(self, name: &str) -> bool {
        matches!(self.0, Value::Object(members) if members.keys().any(|key| key.eq_ignore_ascii_case(name)))
    }

    /// Null or missing.
    pub(super) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// An object.
    pub(super) fn is_object(self) -> bool {
        self.0.is_object()
    }

    /// The text of a string that is not blank, also where it stands alone in a list or as `{"Value": …}`, as `esxcli`
    /// and PowerShell's remoting write it.
    pub(super) fn text(self) -> Option<&'a str> {
        match self.0 {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::Array(items) if items.len() == 1 => Self(items.first()?).text(),
            // Not through `get`: remoting adds both `value` (the number) and `Value` (the name).
            Value::Object(members) => members
                .get("Value")
                .filter(|value| value.is_string())
                .and_then(|v| Self(v).text()),
            _ => None,
        }
    }

    /// The text as a string of its own.
    pub(super) fn string(self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// Every text: of a string, or of the strings in a list.
    pub(super) fn texts(self) -> Vec<String> {
        self.items().into_iter().filter_map(Self::string).collect()
    }

    /// A text, or a number or truth as text.
    pub(super) fn scalar(self) -> Option<String> {
        match self.0 {
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => self.string(),
        }
    }

    /// True for `true`, 1 and their words.
    pub(super) fn truth(self) -> bool {
        match self.0 {
            Value::Bool(truth) => *truth,
            _ => self.scalar().is_some_and(|text| values::truth(&text)),
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(self) -> Option<u64> {
        match self.0 {
            Value::Number(number) => number.as_u64(),
            _ => self.text().and_then(values::whole),
        }
    }

    /// A UUID that is not all zero.
    pub(super) fn id(self) -> Option<Uuid> {
        self.text().and_then(values::id)
    }

    /// A time.
    pub(super) fn time(self) -> Option<SaidTime> {
        self.text().and_then(values::time)
    }

    /// The items of a list; the one item where there is no list around it; none of null. Windows PowerShell wraps some
    /// lists as `{"value": […], "Count": n}`.
    pub(super) fn items(self) -> Vec<Json<'a>> {
        match self.0 {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().map(Json).collect(),
            Value::Object(members) => match (members.get("value"), members.get("Count")) {
                (Some(Value::Array(items)), Some(_)) if members.len() == 2 => items.iter().map(Json).collect(),
                _ => vec![self],
            },
            _ => vec![self],
        }
    }

    /// How a reason names this item of a list: by the row of its table, else by its place.
    pub(super) fn row_name(self, list: &str, index: usize) -> String {
        match self.get(ROW).number() {
            Some(row) => format!("{list}: row {row}"),
            None => format!("{list}[{index}]"),
        }
    }

    /// The items that are objects, those of lists in the list too: the outputs of several hosts put together.
    pub(super) fn objects(self) -> Vec<Json<'a>> {
        let inner = |item: Json<'a>| if item.0.is_array() { item.items() } else { vec![item] };
        let items = self.items().into_iter().flat_map(inner);
        items.filter(|item| item.is_object()).collect()
    }

    /// Some text in it, at any depth, is such a one.
    pub(super) fn any_text(self, is: impl Fn(&str) -> bool) -> bool {
        self.any(|value| value.as_str().is_some_and(&is))
    }

    /// Some value in it, at any depth, is such a one.
    fn any(self, is: impl Fn(&Value) -> bool) -> bool {
        let mut open = vec![self.0];
        while let Some(value) = open.pop() {
            if is(value) {
                return true;
            }
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(members) => open.extend(members.values()),
                _ => {}
            }
        }
        false
    }

    /// A list in it, at any depth, has items that are no objects beside others that are: what they were is lost.
    pub(super) fn has_lost_items(self) -> bool {
        let is_container = |item: &Value| item.is_object() || item.is_array();
        self.any(|value| {
            value
                .as_array()
                .is_some_and(|items| items.iter().any(Value::is_object) && !items.iter().all(is_container))
        })
    }

    /// Where objects belong stands text: the export was cut at its nesting depth, and what the objects held is lost.
    pub(super) fn is_flattened(self) -> bool {
        self.items().iter().any(|item| item.0.is_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// All documents of a text, and why there are no more.
    fn all(text: &str) -> (Vec<Value>, Option<String>) {
        let mut documents = documents(text);
        (documents.by_ref().collect(), documents.damage)
    }

    #[test]
    fn documents_may_follow_each_other() {
        let (values, damage) = all("{\"a\":1}\n{\"a\":2} [3]");
        assert_eq!(values, [json!({"a": 1}), json!({"a": 2}), json!([3])]);
        assert_eq!(damage, None);
    }

    #[test]
    fn of_a_cut_document_the_whole_parts_stay() {
        let (values, damage) = all(r#"{"a":1} [{"n":"x","f":["a]","b"]},{"n":"y","f":["c"#);
        assert_eq!(values, [json!({"a": 1}), json!([{"n": "x", "f": ["a]", "b"]}])]);
        assert!(damage.is_some());
        let (values, _) = all(r#"{"vms":[{"n":"x"},{"n":"y","f":[1],"g":"\"#);
        assert_eq!(values, [json!({"vms": [{"n": "x"}, {"n": "y", "f": [1]}]})]);
    }

    #[test]
    fn a_mistake_keeps_what_was_before_it() {
        let (values, damage) = all("{\"a\":1}\ngovc: not found");
        assert_eq!(values, [json!({"a": 1})]);
        assert!(damage.is_some());
        assert!(all("govc: not found").0.is_empty());
        assert!(all("[1,2").0.is_empty(), "nothing in it is closed");
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let (values, damage) = all(&"[".repeat(100_000));
        assert!(values.is_empty());
        assert!(damage.is_some());
    }

    #[test]
    fn keys_are_found_in_either_dialect() {
        let value = json!({"Config": {"files": {"VmPathName": "x"}}});
        assert_eq!(Json(&value).at("config.Files.vmPathName").text(), Some("x"));
        assert!(Json(&value).at("config.nothing.here").is_null());
    }

    #[test]
    fn one_item_is_a_list_of_one() {
        assert_eq!(Json(&json!({"a": 1})).objects().len(), 1);
        assert_eq!(Json(&json!([{}, {}, "x"])).objects().len(), 2);
        assert_eq!(Json(&json!([[{}, {}], [{}], []])).objects().len(), 3);
        assert!(
            Json(&json!([[[{}]]])).objects().is_empty(),
            "of lists one level is opened"
        );
        assert!(Json(&json!(["VMware.Vim.X"])).is_flattened());
        assert!(Json(&json!(null)).items().is_empty());
    }

    #[test]
    fn items_that_are_no_objects_beside_objects_are_lost() {
        assert!(Json(&json!({"vms": [{"a": 1}, null]})).has_lost_items());
        assert!(Json(&json!([{"f": [{"n": "x"}, "text"]}])).has_lost_items());
        for sound in [
            json!([{"f": [null]}, {"f": ["a", "b"]}]),
            json!([[{}], {}]),
            json!({"f": []}),
            json!(null),
        ] {
            assert!(!Json(&sound).has_lost_items(), "{sound}");
        }
    }

    #[test]
    fn a_wrapped_list_is_a_list() {
        let wrapped = json!({"value": [{"Path": "x"}, {"Path": "y"}], "Count": 2});
        assert_eq!(Json(&wrapped).objects().len(), 2);
        assert!(Json(&json!({"value": ["HardDiskDrive"], "Count": 1})).is_flattened());
        assert_eq!(Json(&json!({"value": [], "Count": 0, "other": 1})).objects().len(), 1);
    }

    #[test]
    fn text_may_stand_in_a_list_or_a_remoting_object() {
        assert_eq!(Json(&json!(["x"])).text(), Some("x"));
        assert_eq!(Json(&json!({"value": 2, "Value": "Running"})).text(), Some("Running"));
        assert_eq!(Json(&json!(" ")).text(), None);
    }
}
