//! `vmInventory.xml` of one ESXi host: which VMs, by the path of their configuration alone.

use quick_xml::{Reader, events::Event};

use super::{
    Registration,
    files::ImportError,
    part::{Draft, Part},
    values,
    xml::{attribute, resolved},
};

/// Most registrations of a host. ESXi allows 1024.
const MAX_ENTRIES: usize = 100_000;

/// The text begins like `vmInventory.xml`.
pub(super) fn is_inventory(text: &str) -> bool {
    let head: String = text.chars().take(4096).collect::<String>().to_ascii_lowercase();
    head.trim_start().starts_with('<') && head.contains("<configroot")
}

/// One `ConfigEntry`, or the element in it that is being read.
#[derive(Default)]
struct Entry {
    id: String,
    object_id: String,
    path: String,
}

/// Adds the registrations of `vmInventory.xml`. No document type is accepted, so no entity is resolved but the five of
/// XML itself.
pub(super) fn add_inventory(part: &mut Part, text: &str, file: &str) -> Result<(), ImportError> {
    part.has_vm_list = true;
    let mut reader = Reader::from_str(text);
    let mut entry: Option<Entry> = None;
    let mut element = String::new();
    let mut closed = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                element = lower(start.local_name().as_ref());
                if element == "configentry" {
                    entry = Some(Entry {
                        id: attribute(&start, "id").unwrap_or_default(),
                        ..Entry::default()
                    });
                }
            }
            Ok(Event::Text(content)) => append(entry.as_mut(), &element, &content),
            Ok(Event::CData(content)) => append(entry.as_mut(), &element, &content),
            Ok(Event::GeneralRef(reference)) => append(entry.as_mut(), &element, &resolved(&reference)),
            Ok(Event::End(end)) => {
                element.clear();
                match lower(end.local_name().as_ref()).as_str() {
                    "configentry" => add_entry(part, entry.take().unwrap_or_default(), file),
                    "configroot" => closed = true,
                    _ => {}
                }
            }
            Ok(Event::DocType(_)) => {
                return Err(ImportError::Damaged(
                    "it has a document type, which no host writes".to_owned(),
                ));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                part.warn_capping("truncated", format!("{file}: {error}; copy it again"));
                return Ok(());
            }
        }
        if part.vms.len() > MAX_ENTRIES {
            return Err(ImportError::TooLarge(format!("more than {MAX_ENTRIES} registrations")));
        }
    }
    if !closed {
        part.warn_capping(
            "truncated",
            format!("{file}: the text breaks off before </ConfigRoot>; copy it again"),
        );
    }
    Ok(())
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn append(entry: Option<&mut Entry>, element: &str, content: &str) {
    let Some(entry) = entry else { return };
    match element {
        "objid" => entry.object_id.push_str(content),
        "vmxcfgpath" => entry.path.push_str(content),
        _ => {}
    }
}

fn add_entry(part: &mut Part, entry: Entry, file: &str) {
    if entry.path.trim().is_empty() {
        part.warn_capping(
            "left-out",
            format!(
                "{file}: ConfigEntry {} names no configuration, so a VM is missing; copy it again",
                entry.id
            ),
        );
        return;
    }
    part.vms.push(registration(&entry, file));
}

fn registration(entry: &Entry, file: &str) -> Draft {
    let path = entry.path.trim();
    Draft {
        vm: Registration {
            moref: Some(entry.object_id.trim().to_owned()).filter(|id| !id.is_empty()),
            template: values::ends_with(path, &[".vmtx"]),
            has_configuration: true,
            config: Some(path.to_owned()),
            row: format!("{file}: ConfigEntry {}", entry.id),
            ..Registration::default()
        },
        listed: true,
        ..Draft::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InventoryKind,
        part::{Origin, Source},
    };

    fn part(kind: InventoryKind) -> Part {
        Part::new(&Origin::of("vmInventory.xml"), kind, Source::default())
    }

    fn paths(text: &str) -> (Vec<String>, Vec<String>) {
        let mut part = part(InventoryKind::EsxiInventory);
        add_inventory(&mut part, text, "x").unwrap();
        (
            part.vms.iter().filter_map(|draft| draft.vm.config.clone()).collect(),
            part.warnings.iter().map(|warning| warning.code.clone()).collect(),
        )
    }

    #[test]
    fn element_names_are_read_in_any_case_and_references_resolved() {
        let text = "<configroot><configentry id=\"1\"><vmxcfgpath>/vmfs/volumes/a/x &amp; y &#65;.vmx</vmxcfgpath></configentry></configroot>";
        assert!(is_inventory(text));
        assert_eq!(paths(text), (vec!["/vmfs/volumes/a/x & y A.vmx".to_owned()], vec![]));
    }

    #[test]
    fn a_text_that_breaks_off_keeps_its_whole_entries() {
        let text =
            "<ConfigRoot><ConfigEntry id=\"1\"><vmxCfgPath>/a.vmx</vmxCfgPath></ConfigEntry><ConfigEntry><vmxCfgP";
        assert_eq!(paths(text), (vec!["/a.vmx".to_owned()], vec!["truncated".to_owned()]));
        let text = "<ConfigRoot><ConfigEntry id=\"1\"><vmxCfgPath>/a.vmx</vmxCfgPath></ConfigEntry>";
        assert_eq!(paths(text), (vec!["/a.vmx".to_owned()], vec!["truncated".to_owned()]));
    }

    #[test]
    fn a_document_type_is_refused() {
        let text = "<!DOCTYPE x [<!ENTITY a \"b\">]><ConfigRoot></ConfigRoot>";
        let error = add_inventory(&mut part(InventoryKind::EsxiInventory), text, "x").unwrap_err();
        assert!(matches!(error, ImportError::Damaged(_)));
    }
}
