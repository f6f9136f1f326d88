//! What holds for every container and every XML configuration, sound, damaged or hostile.
//!
//! The oracle for damage: when a reader says that nothing is missing, the tree is the one that was written. Everything
//! but the text in file objects is under a checksum, so the trees here keep their values inside the key tables.

use std::cell::Cell;

use derelict_parsers::{
    Limits, ParseError, ReadAt, hyperv_config, hyperv_xml,
    testkit::{
        hyperv_vm,
        vmcx::{ContainerBuilder, seal},
    },
    vmcx::{self, Container, Key, KeyTree, Value},
};
use proptest::{collection::vec, prelude::*, sample::Index};

/// A value that stands inside its entry.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<i32>().prop_map(|number| Value::Double(number.into())),
        any::<bool>().prop_map(Value::Bool),
        "[^\0]{0,60}".prop_map(|text| Value::from(text.as_str())),
        r"[C-F]:\\[a-z]{1,8}\.vhdx".prop_map(|text| Value::from(text.as_str())),
        vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    let leaf = ("[a-z_äß中]{0,20}", value()).prop_map(|(name, value)| Key::leaf(name, value));
    leaf.prop_recursive(5, 80, 8, |inner| {
        ("[a-zA-Z0-9_-]{1,40}", vec(inner, 0..8)).prop_map(|(name, children)| Key::node(name, children))
    })
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    vec(key(), 0..6)
}

/// A key that XML can hold: typed leaves, nodes without text.
fn xml_key() -> impl Strategy<Value = Key> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        "[ -~äß中\r\n]{0,60}".prop_map(|text| Value::from(text.as_str())),
        vec(any::<u8>(), 0..100).prop_map(Value::Bytes),
    ];
    let leaf = ("[a-z_][a-z0-9_-]{0,20}", value).prop_map(|(name, value)| Key::leaf(name, value));
    leaf.prop_recursive(5, 80, 8, |inner| {
        ("_[a-f0-9-]{1,36}_", vec(inner, 0..8)).prop_map(|(name, children)| Key::node(name, children))
    })
}

fn read(file: &[u8]) -> Result<Container, ParseError> {
    vmcx::read(file, &Limits::default())
}

/// Whatever the bytes: every reader returns, and whatever it returns can be looked at.
fn look_at_everything(bytes: &[u8]) {
    if let Ok(file) = hyperv_config::read_container(bytes, &Limits::default()) {
        let _ = (file.references(), file.is_complete(), format!("{file:?}"));
    }
    if let Ok(file) = hyperv_config::read_xml(bytes, &Limits::default()) {
        let _ = (file.references(), file.is_complete(), format!("{file:?}"));
    }
}

fn whole(tree: &KeyTree, roots: &[Key]) -> bool {
    tree.complete && tree.detached().next().is_none() && tree.to_keys() == roots
}

/// Said to be whole means: the tree that was written.
fn never_wrong_in_silence(result: &Result<Container, ParseError>, written: &[Key]) -> bool {
    result.as_ref().map_or(true, |container| {
        !container.tree.complete || whole(&container.tree, written)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..3000)) {
        look_at_everything(&bytes);
    }

    #[test]
    fn noise_behind_a_sound_header_never_panics(bytes in vec(any::<u8>(), 0x2000), at in 0x2000_usize..0x5000) {
        let mut file = ContainerBuilder::new([]).build();
        let end = file.len().min(at + bytes.len());
        file.splice(at..end, bytes.into_iter().take(end - at));
        look_at_everything(&file);
    }

    #[test]
    fn noise_in_xml_never_panics(text in "(<configuration>)?([a-z<>/&;!\\[\\]\"'= -]|</?[a-z]{1,3}>){0,80}") {
        look_at_everything(text.as_bytes());
    }

    #[test]
    fn what_was_built_is_read(
        roots in keys(),
        children_first in any::<bool>(),
        alignment in prop_oneof![Just(0x1000), Just(0x2000), Just(0x1_0000)],
        sequence in any::<u16>(),
    ) {
        let mut builder = ContainerBuilder::new(roots.clone()).alignment(alignment).sequence(sequence);
        if children_first {
            builder = builder.children_first();
        }
        let container = read(&builder.build()).unwrap();
        prop_assert_eq!(&container.anomalies, &[]);
        prop_assert!(whole(&container.tree, &roots), "{:?}", container.tree);
        prop_assert_eq!(container.storage.header.sequence, sequence);
    }

    #[test]
    fn an_open_commit_is_what_counts_and_residue_is_not(before in keys(), after in keys(), past in keys()) {
        let builder = ContainerBuilder::new(before.clone()).previous_state(past);
        let clean = read(&builder.clone().build()).unwrap();
        prop_assert!(whole(&clean.tree, &before));
        let dirty = read(&builder.open_commit(after.clone()).build()).unwrap();
        prop_assert!(whole(&dirty.tree, &after));
    }

    #[test]
    fn changed_bytes_are_never_taken_for_sound(
        roots in keys(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = ContainerBuilder::new(roots.clone()).build();
        for (place, value) in changes {
            *place.get_mut(file.as_mut_slice()) = value;
        }
        prop_assert!(never_wrong_in_silence(&read(&file), &roots));
        look_at_everything(&file);
    }

    #[test]
    fn changed_bits_of_a_dirty_file_are_never_taken_for_sound(
        before in keys(),
        after in keys(),
        place in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let mut file = ContainerBuilder::new(before.clone()).open_commit(after.clone()).build();
        *place.get_mut(file.as_mut_slice()) ^= 1 << bit;
        prop_assert!(never_wrong_in_silence(&read(&file), &after));
    }

    #[test]
    fn xml_gives_the_tree_that_was_written(children in vec(xml_key(), 0..6)) {
        let root = Key::node("configuration", children);
        let document = hyperv_xml::parse(&hyperv_vm::xml(&root), &Limits::default()).unwrap();
        prop_assert_eq!(&document.anomalies, &[]);
        prop_assert!(whole(&document.tree, &[root]), "{:?}", document.tree);
    }

    #[test]
    fn cut_xml_is_never_taken_for_whole(children in vec(xml_key(), 0..4), cut in any::<Index>()) {
        let root = Key::node("configuration", children);
        let bytes = hyperv_vm::xml(&root);
        // What follows the root element is only a line break: 4 bytes.
        let length = cut.index(bytes.len() - 4);
        if let Ok(document) = hyperv_xml::parse(&bytes[..length], &Limits::default()) {
            prop_assert!(!document.tree.complete);
        }
    }

    #[test]
    fn no_sealed_object_entry_makes_the_reader_ask_for_more_than_its_limits(
        roots in keys(),
        entries in vec((1..=4_u8, 0..0x8000_u64, any::<u32>()), 1..40),
    ) {
        let mut file = ContainerBuilder::new(roots).build();
        for (slot, (kind, offset, size)) in entries.into_iter().enumerate() {
            let at = 0x2008 + 18 * (slot + 1);
            let entry = &mut file[at..at + 18];
            let bytes = [&[kind, 0, 0, 0, 0][..], &offset.to_le_bytes(), &(size >> 12).to_le_bytes(), &[1]].concat();
            entry.copy_from_slice(&bytes);
            seal(entry, 1);
        }
        let limits = limits_of_tables(0x8000);
        let counted = Counted { bytes: &file, asked: Cell::new(0) };
        let _ = vmcx::read(&counted, &limits);
        // What is held, the key tables that are passed over, both headers, and the small header of each table.
        let bound = limits.table_bytes + (ReadAt::len(&file) + limits.table_bytes) + 2 * 46 + 41 * 10;
        prop_assert!(counted.asked.get() <= bound, "{} bytes", counted.asked.get());
    }
}

fn limits_of_tables(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.table_bytes = bytes;
    limits
}

/// Counts what is asked of it.
struct Counted<'a> {
    bytes: &'a [u8],
    asked: Cell<u64>,
}

impl ReadAt for Counted<'_> {
    fn len(&self) -> u64 {
        ReadAt::len(self.bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.asked.set(self.asked.get() + ReadAt::len(&*buffer));
        self.bytes.read_at(offset, buffer)
    }
}

#[test]
fn every_truncation_is_an_error_or_says_that_something_is_missing() {
    let drive = Key::node("drive0", [Key::leaf("pathname", r"C:\disk.vhdx")]);
    let roots = [
        Key::node("configuration", [Key::leaf("notes", "n".repeat(1100).as_str()), drive]),
        Key::node("savedstate", [Key::leaf("RamBlock0", vec![1; 0x900])]),
    ];
    let file = ContainerBuilder::new(roots).build();
    let written = read(&file).unwrap().tree;
    for length in 0..file.len() {
        match read(&file[..length]) {
            Ok(container) if container.tree.complete => assert_eq!(container.tree, written, "{length} bytes"),
            Ok(_) => {}
            Err(ParseError::Truncated { what, .. }) => {
                assert!(
                    length < 0x3000,
                    "{what} is cut at {length} bytes, behind the root table"
                );
            }
            Err(ParseError::OutOfBounds { offset, .. }) => assert_eq!(offset, 0x2004, "{length} bytes"),
            Err(other) => panic!("{length} bytes: {other}"),
        }
    }
}

/// Headers, object table, log and keys of an open commit; behind these there are only zeros and free space.
#[test]
fn a_flip_in_any_byte_of_a_structure_is_never_taken_for_sound() {
    let before = [Key::node("configuration", [Key::leaf("pathname", r"C:\before.vhdx")])];
    let after = [Key::node("configuration", [Key::leaf("pathname", r"C:\after.vhdx")])];
    let clean = ContainerBuilder::new(before.clone()).build();
    let dirty = ContainerBuilder::new(before.clone()).open_commit(after.clone()).build();
    for (file, written) in [(clean, &before), (dirty, &after)] {
        assert!(whole(&read(&file).unwrap().tree, written));
        let used = [
            0..46,
            0x1000..0x102e,
            0x2000..0x2050,
            0x3000..0x3060,
            0x4000..0x4200,
            0x5000..0x5200,
            0x6000..0x6200,
        ];
        for place in used.into_iter().flatten().filter(|place| *place < file.len()) {
            for bits in [1, 0x80, 0xff] {
                let mut flipped = file.clone();
                flipped[place] ^= bits;
                assert!(
                    never_wrong_in_silence(&read(&flipped), written),
                    "{bits:#x} at {place:#x}"
                );
                look_at_everything(&flipped);
            }
        }
    }
}
