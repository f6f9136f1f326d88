//! Properties of the one parser of paths: whatever an export writes, the same file is the same path.

use derelict::path::{Mount, Parsed, StoragePath, fold, parse};
use proptest::prelude::*;

fn read(text: &str) -> StoragePath {
    match parse(text) {
        Parsed::Path(path) => path,
        Parsed::NotAFile | Parsed::Unclear => panic!("{text:?} is a path"),
    }
}

/// Names of folders and files as people give them: blanks, brackets, percent signs, letters of every kind.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9äÄß中é%$#@()\\[\\]{}+=~,;' _-]{0,12}[a-zA-Z0-9ä中)]".prop_map(|name| name.trim().to_owned())
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..5)
}

/// Labels: blanks and brackets, but not the bracket that ends one, and nothing that looks like a volume id.
fn label() -> impl Strategy<Value = String> {
    "[a-zA-Zä][a-zA-Z0-9ä() _.-]{0,14}[a-zA-Z0-9ä)]"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_text_is_too_odd(text in "(\\[|/vmfs/volumes/|\\\\\\\\|C:\\\\|ds://|\\\\\\\\\\?\\\\)?\\PC{0,40}") {
        if let Parsed::Path(path) = parse(&text) {
            prop_assert!(path.parts.iter().all(|part| !part.is_empty() && part != "."));
            // What climbs above the top stays visible, so that it resolves to nothing.
            let climbs = path.parts.iter().take_while(|part| *part == "..").count();
            prop_assert!(path.parts.iter().skip(climbs).all(|part| part != ".."));
        }
    }

    #[test]
    fn three_spellings_of_one_datastore_path_are_one(label in label(), parts in names()) {
        let below = parts.join("/");
        let bracketed = read(&format!("[{label}] {below}"));
        prop_assert_eq!(&bracketed.mount, &Some(Mount::Label(label.clone())));
        prop_assert_eq!(&bracketed.parts, &parts);
        prop_assert_eq!(&read(&format!("/vmfs/volumes/{label}/{below}")), &bracketed);
        prop_assert_eq!(&read(&format!("ds:///vmfs/volumes/{label}/{below}")), &bracketed);
    }

    #[test]
    fn a_file_of_the_top_folder_keeps_its_name(label in label(), name in name()) {
        let path = read(&format!("[{label}] {name}"));
        prop_assert_eq!(path.parts, [name]);
    }

    #[test]
    fn blank_and_pointless_parts_change_nothing(label in label(), parts in names()) {
        let plain = read(&format!("[{label}] {}", parts.join("/")));
        prop_assert_eq!(&read(&format!("[{label}] {}", parts.join("//"))), &plain);
        prop_assert_eq!(&read(&format!("[{label}] ./{}", parts.join("/./"))), &plain);
        prop_assert_eq!(&read(&format!("[{label}] x/../{}", parts.join("/y/../"))), &plain);
    }

    #[test]
    fn what_climbs_out_is_no_file_inside(label in label(), parts in names()) {
        let path = read(&format!("[{label}] ../{}", parts.join("/")));
        prop_assert_eq!(path.parts.first().map(String::as_str), Some(".."));
    }

    #[test]
    fn percent_signs_of_files_are_no_escapes(label in label(), code in "[0-9a-fA-F]{2}") {
        let name = format!("a%{code}b");
        prop_assert_eq!(read(&format!("[{label}] {name}")).parts, [name]);
    }

    #[test]
    fn windows_prefixes_and_slashes_do_not_count(letter in "[C-Z]", parts in names()) {
        let below = parts.join("\\");
        let plain = read(&format!("{letter}:\\{below}"));
        prop_assert_eq!(&read(&format!("\\\\?\\{letter}:\\{below}")).parts, &plain.parts);
        prop_assert_eq!(&read(&format!("{letter}:/{}", parts.join("/"))).parts, &plain.parts);
        prop_assert_eq!(&read(&format!("{}:\\{below}", letter.to_lowercase())).mount, &plain.mount);
        prop_assert!(plain.windows);
    }

    #[test]
    fn shares_are_one_by_short_and_full_name_in_any_case(server in "[a-z]{1,8}", share in "[a-z]{3,8}[$]?", parts in names()) {
        let below = parts.join("\\");
        let plain = read(&format!("\\\\{server}\\{share}\\{below}"));
        for other in [
            format!("\\\\{}.lab.example\\{}\\{below}", server.to_uppercase(), share.to_uppercase()),
            format!("\\\\?\\UNC\\{server}\\{share}\\{below}"),
            format!("//{server}/{share}/{}", parts.join("/")),
        ] {
            prop_assert_eq!(&read(&other), &plain, "{}", other);
        }
    }

    #[test]
    fn cluster_volumes_are_the_same_on_every_node(volume in "Volume[0-9]{1,3}", node in "[a-z]{1,8}", parts in names()) {
        let below = parts.join("\\");
        let plain = read(&format!("C:\\ClusterStorage\\{volume}\\{below}"));
        prop_assert_eq!(&read(&format!("\\\\{node}\\C$\\clusterstorage\\{}\\{below}", volume.to_uppercase())), &plain);
        prop_assert_ne!(&read(&format!("C:\\ClusterStorage\\{volume}0\\{below}")).mount, &plain.mount);
    }

    #[test]
    fn case_and_unicode_form_fold_together(name in name()) {
        use unicode_normalization::UnicodeNormalization;
        let decomposed: String = name.nfd().collect();
        prop_assert_eq!(fold(&decomposed), fold(&name));
        prop_assert_eq!(fold(&fold(&name)), fold(&name));
    }
}
