//! CD images.

use derelict_parsers::{ParseError, iso, testkit::foreign as testkit};

use super::support::{MIB, bytes_of, codes, run};

#[test]
fn a_cd_image_tells_its_labels_and_what_made_it() {
    let image = iso::read(&testkit::iso("SETUP_2022", MIB).to_vec()).unwrap();
    let volume = image.primary.as_ref().unwrap();
    assert_eq!(volume.label.as_deref(), Some("SETUP_2022"));
    assert_eq!(
        (volume.system.as_deref(), volume.volume_set.as_deref()),
        (Some("LINUX"), None)
    );
    assert_eq!((volume.bytes, volume.block_bytes), (MIB, 2048));
    assert_eq!(
        volume.created,
        Some("2023-02-17T16:03:06Z".parse().unwrap()),
        "an hour before UTC"
    );
    assert_eq!(volume.modified, None);
    assert_eq!(image.joliet_label.as_deref(), Some("SETUP_2022"));
    assert!(image.is_bootable && image.udf.is_none() && image.damage.is_none());
}

#[test]
fn a_cd_image_that_was_cut_off_says_so() {
    let bytes = testkit::iso("X", MIB).to_vec();
    let image = iso::read(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(image.damage.unwrap().code, iso::code::SHORTER_THAN_VOLUME);
    let image = iso::read(&bytes[..18 * 2048]).unwrap();
    assert_eq!(
        codes(&image.anomalies),
        [iso::code::TERMINATOR_MISSING, iso::code::SHORTER_THAN_VOLUME]
    );
    assert!(matches!(iso::read(&bytes[..0x8005]), Err(ParseError::Truncated { .. })));
    assert!(matches!(
        iso::read(&vec![0; 0x9000]),
        Err(ParseError::BadSignature { offset: 0x8001, .. })
    ));
}

#[test]
fn cd_images_of_genisoimage_and_xorriso_have_the_labels_that_were_given() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("content")).unwrap();
    std::fs::write(folder.path().join("content/a.txt"), "hello").unwrap();
    let made = ["-quiet", "-udf", "-J", "-V", "Mixed Label", "-o", "udf.iso", "content"];
    if run(folder.path(), "genisoimage", &made).is_some() {
        let image = iso::read(&bytes_of(folder.path(), "udf.iso")).unwrap();
        assert_eq!(image.primary.unwrap().label.as_deref(), Some("Mixed Label"));
        assert_eq!(image.joliet_label.as_deref(), Some("Mixed Label"));
        let udf = image.udf.unwrap();
        assert_eq!(
            (udf.standard.as_str(), udf.label.as_deref()),
            ("NSR02", Some("Mixed Label"))
        );
        assert_eq!(udf.block_bytes, Some(2048));
        assert_eq!(image.anomalies, []);
    }
    let made = [
        "-as",
        "mkisofs",
        "-quiet",
        "-V",
        "XORRISO_1",
        "-publisher",
        "SOMEBODY",
        "-o",
        "x.iso",
        "content",
    ];
    if run(folder.path(), "xorriso", &made).is_some() {
        let image = iso::read(&bytes_of(folder.path(), "x.iso")).unwrap();
        let volume = image.primary.unwrap();
        assert_eq!(
            (volume.label.as_deref(), volume.publisher.as_deref()),
            (Some("XORRISO_1"), Some("SOMEBODY"))
        );
        assert!(volume.created.is_some() && volume.preparer.unwrap().contains("XORRISO"));
        assert_eq!(image.anomalies, []);
    }
}
