//! Who answers for a VM, as people note it in custom attributes, whose names every site chooses itself: attributes of a
//! name that says so are taken. It is for asking "is this yours?"; no verdict rests on it.

use super::{
    json::Json,
    table::{Column, Row, Table, column, plain_header},
};

/// Names of attributes without case, blanks and punctuation, best first.
const NAMES: [&[&str]; 17] = [
    &["owner"],
    &["vmowner"],
    &["serverowner"],
    &["systemowner"],
    &["applicationowner"],
    &["appowner"],
    &["serviceowner"],
    &["businessowner"],
    &["technicalowner"],
    &["responsible"],
    &["responsibleperson"],
    &["contact"],
    &["technicalcontact"],
    &["verantwortlich"],
    &["verantwortlicher"],
    &["ansprechpartner"],
    &["besitzer"],
];

/// The columns of a table that hold it, best first. RVTools puts custom attributes among its own columns.
pub(super) fn columns(table: &Table, prefix: &str) -> Vec<usize> {
    let columns = NAMES.iter().map(|names| column(names));
    columns
        .filter_map(|column: Column| table.find(column, prefix))
        .collect()
}

/// The first of the columns that says something.
pub(super) fn of_row(row: &Row, columns: &[usize]) -> Option<String> {
    columns.iter().find_map(|&column| row.value(Some(column)))
}

/// Of a managed object: `customValue` has the numbers of the attributes, `availableField` their names.
pub(super) fn of_object(object: Json<'_>) -> Option<String> {
    let fields = object.get("availableField").objects();
    let values = object.first(&["customValue", "summary.customValue"]).objects();
    let named = values.iter().filter_map(|value| {
        let key = value.get("key").number()?;
        let field = fields.iter().find(|field| field.get("key").number() == Some(key))?;
        Some((field.get("name").text()?, value.get("value").string()?))
    });
    best(named)
}

/// Of a VM of PowerCLI, whose `CustomFields` is a list of pairs or an object.
pub(super) fn of_custom_fields(fields: Json<'_>) -> Option<String> {
    let pairs = fields.objects().into_iter();
    let pairs = pairs.filter_map(|pair| Some((pair.get("key").text()?, pair.get("value").string()?)));
    let members = fields.0.as_object().into_iter().flatten();
    let members = members.filter_map(|(name, value)| Some((name.as_str(), Json(value).string()?)));
    best(pairs.chain(members))
}

fn best<'a>(attributes: impl Iterator<Item = (&'a str, String)>) -> Option<String> {
    let ranked = attributes.filter_map(|(name, value)| {
        let name = plain_header(name);
        let rank = NAMES.iter().position(|names| names.contains(&name.as_str()))?;
        Some((rank, value)).filter(|(_, value)| !value.trim().is_empty())
    });
    ranked.min().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_best_attribute_that_says_something_is_taken() {
        let object = json!({
            "availableField": [
                {"key": 101, "name": "Cost center"}, {"key": 102, "name": "Contact"}, {"key": 103, "name": "VM Owner"},
                {"key": 104, "name": "Owner"}
            ],
            "customValue": [
                {"key": 101, "value": "4711"}, {"key": 102, "value": "desk"}, {"key": 103, "value": "Anna"}, {"key": 104, "value": " "}
            ]
        });
        assert_eq!(of_object(Json(&object)).as_deref(), Some("Anna"));
        assert_eq!(
            of_object(Json(&json!({"customValue": [{"key": 1, "value": "x"}]}))),
            None
        );
    }

    #[test]
    fn custom_fields_are_pairs_or_an_object() {
        let pairs = json!([{"Key": "Backup", "Value": "yes"}, {"Key": "Owner", "Value": "Anna"}]);
        assert_eq!(of_custom_fields(Json(&pairs)).as_deref(), Some("Anna"));
        assert_eq!(
            of_custom_fields(Json(&json!({"OWNER": "Bo", "Backup": "yes"}))).as_deref(),
            Some("Bo")
        );
        assert_eq!(of_custom_fields(Json(&json!(null))), None);
    }
}
