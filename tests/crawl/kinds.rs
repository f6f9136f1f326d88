//! What each file is taken for, and what is kept of it.

use std::fs;

use derelict::{
    catalogue::Stage,
    collect::CollectOptions,
    evidence::MarkCode,
    kind::{Basis, Kind},
    raw::RawPath,
};

use crate::site::{DESCRIPTOR, Tree, VMX, artifact, bystanders, has_mark, kind, names};

#[test]
fn ordinary_files_are_counted_but_kept_only_beside_an_artifact() {
    let tree = Tree::new();
    tree.file("docs/a.txt", "hello")
        .file("docs/deep/b.pdf", "12345678")
        .file("vm/a.vmx", VMX)
        .file("vm/.hidden", "x")
        .file("vm/README.txt", "x");
    fs::create_dir(tree.path("gone")).unwrap();
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["vm/a.vmx"]);
    assert_eq!(bystanders(&catalogue), ["vm/.hidden", "vm/README.txt"]);
    let root = &catalogue.roots[0];
    assert_eq!((root.directories, root.files), (5, 5));
    assert_eq!(root.apparent_bytes, 5 + 8 + 2 + u64::try_from(VMX.len()).unwrap());
    assert_eq!(root.empty_folders, ["gone".into()]);
    assert_eq!(catalogue.issues, []);
}

#[test]
fn a_configuration_is_read_into_references() {
    let tree = Tree::new();
    tree.file("vm/a.vmx", VMX);
    let catalogue = tree.collect();
    let vmx = artifact(&catalogue, "vm/a.vmx");
    assert_eq!((vmx.kind, vmx.basis), (Kind::Vmx, Basis::Both));
    assert_eq!(vmx.evidence.vm.as_ref().unwrap().name.as_deref(), Some("a"));
    let targets: Vec<_> = vmx.evidence.references.iter().map(|at| at.target.as_str()).collect();
    assert_eq!(targets, ["a.vmdk"]);
    assert_eq!(vmx.facts.value()["display_name"], "a");
}

#[test]
fn one_and_eight_threads_give_the_same_catalogue() {
    let tree = Tree::new();
    for folder in 0..40 {
        for file in 0..50 {
            tree.file(&format!("f{folder}/{file}.txt"), "x");
        }
        tree.file(&format!("f{folder}/a.vmx"), VMX)
            .file(&format!("f{folder}/a.vmdk"), DESCRIPTOR)
            .sparse(&format!("f{folder}/a-flat.vmdk"), 2048 * 512);
    }
    let collect = |threads| {
        let mut catalogue = tree.collect_with(&CollectOptions {
            threads: Some(threads),
            ..CollectOptions::default()
        });
        catalogue.roots[0].started = None;
        catalogue.roots[0].free_bytes = None;
        catalogue
    };
    let one = collect(1);
    assert_eq!(one.artifacts.len(), 120);
    assert_eq!(one.bystanders.len(), 2000);
    assert!(one == collect(8), "the number of threads must not show");
}

#[cfg(unix)]
#[test]
fn names_are_kept_byte_by_byte() {
    use std::os::unix::ffi::OsStrExt;

    let tree = Tree::new();
    let odd: [&[u8]; 4] = [
        b"bad\xff\xfe.vmdk",
        b"new\nline.vmdk",
        b"esc\x1b[31m.vmdk",
        b"[ds] 100% a.vmdk",
    ];
    for name in odd {
        fs::write(tree.0.path().join(std::ffi::OsStr::from_bytes(name)), DESCRIPTOR).unwrap();
    }
    let catalogue = tree.collect();
    let mut expected: Vec<RawPath> = odd.iter().map(|name| RawPath::new(*name)).collect();
    expected.sort();
    let found: Vec<RawPath> = catalogue.artifacts.iter().map(|at| at.entry.path.clone()).collect();
    assert_eq!(found, expected);
    assert!(catalogue.artifacts.iter().all(|at| at.kind == Kind::VmdkDescriptor));
}

#[test]
fn a_disk_is_recognised_by_content_whatever_its_name() {
    let tree = Tree::new();
    let mut vhdx = b"vhdxfile".to_vec();
    vhdx.resize(1 << 20, 0);
    let mut footer = vec![0; (1 << 20) + 512];
    footer[1 << 20..][..8].copy_from_slice(b"conectix");
    tree.file("far/backup of db", &vhdx)
        .file("far2/image.001", &footer)
        .file("far3/small", &vhdx[..4096])
        .file("vm/a.vmx", VMX)
        .file("vm/renamed", DESCRIPTOR)
        .file("vm/a.vmdk.iFire", DESCRIPTOR)
        .file("vm/b.vhd", &vhdx);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "far/backup of db"), (Kind::Vhdx, Basis::Content));
    assert_eq!(kind(&catalogue, "far2/image.001"), (Kind::Vhd, Basis::Content));
    assert!(
        !names(&catalogue).contains(&"far3/small".to_owned()),
        "too small to be probed far from any artifact"
    );
    assert_eq!(kind(&catalogue, "vm/renamed"), (Kind::VmdkDescriptor, Basis::Content));
    assert_eq!(
        kind(&catalogue, "vm/a.vmdk.iFire"),
        (Kind::VmdkDescriptor, Basis::Content)
    );
    assert_eq!(kind(&catalogue, "vm/b.vhd"), (Kind::Vhdx, Basis::Conflict));
}

#[test]
fn a_small_file_is_probed_where_a_large_one_turned_out_to_be_a_disk() {
    let tree = Tree::new();
    let mut vhdx = b"vhdxfile".to_vec();
    vhdx.resize(1 << 20, 0);
    tree.file("x/large", &vhdx)
        .file("x/small", DESCRIPTOR)
        .file("x/note.txt", "n");
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), ["x/large", "x/small"]);
    assert_eq!(bystanders(&catalogue), ["x/note.txt"]);
}

#[test]
fn a_name_without_its_content_is_a_conflict_or_empty_and_opaque() {
    let tree = Tree::new();
    let guid = "B90AC31B-C6F8-479F-9B91-07B894A6A3F6";
    tree.file("vm/text.vmcx", "only a note\n")
        .file("vm/empty.vmx", "")
        .file("vm/empty.vmsd", "")
        .file(&format!("vm/{guid}.xml"), "<?xml version=\"1.0\"?><other/>")
        .file("vm/zeros.vmx", [0; 100]);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "vm/text.vmcx"), (Kind::Vmcx, Basis::Conflict));
    let empty = artifact(&catalogue, "vm/empty.vmx");
    assert!(has_mark(empty, MarkCode::Empty));
    assert!(empty.evidence.vm.as_ref().unwrap().opaque.is_some());
    let list = artifact(&catalogue, "vm/empty.vmsd");
    assert!(has_mark(list, MarkCode::Empty));
    assert!(list.evidence.vm.is_none(), "an empty snapshot list is the usual one");
    let zeros = artifact(&catalogue, "vm/zeros.vmx");
    assert!(has_mark(zeros, MarkCode::Damaged));
    assert!(zeros.evidence.vm.as_ref().unwrap().opaque.is_some());
    let stages: Vec<_> = catalogue
        .issues
        .iter()
        .map(|issue| (issue.path.lossy(), issue.stage))
        .collect();
    assert!(stages.contains(&("vm/zeros.vmx".into(), Stage::Parse)), "{stages:?}");
    assert_eq!(bystanders(&catalogue), [format!("vm/{guid}.xml")]);
}

#[test]
fn hf11_a_flat_extent_with_its_descriptor_is_not_opened() {
    let tree = Tree::new();
    tree.file("vm/a.vmdk", DESCRIPTOR).sparse("vm/a-flat.vmdk", 8 << 20);
    let catalogue = tree.collect();
    assert_eq!(kind(&catalogue, "vm/a-flat.vmdk"), (Kind::VmdkFlat, Basis::Name));
    assert_eq!(kind(&catalogue, "vm/a.vmdk"), (Kind::VmdkDescriptor, Basis::Both));
    let flat = &artifact(&catalogue, "vm/a-flat.vmdk").entry;
    assert_eq!((flat.length, flat.allocated), (8 << 20, Some(0)));
}

#[test]
fn system_files_are_told_by_their_place() {
    let tree = Tree::new();
    tree.sparse(".fbb.sf", 1 << 20)
        .file(".dvsData/50 2a/100", "port")
        .file("vm/.fbb.sf", "x")
        .file("vm/.dvsData/100", "x");
    let catalogue = tree.collect();
    assert_eq!(names(&catalogue), [".dvsData/50 2a/100", ".fbb.sf"]);
    assert!(catalogue.artifacts.iter().all(|at| at.kind == Kind::DatastoreSystem));
}
