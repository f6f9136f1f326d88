//! What holds of every format.

use derelict_parsers::{
    fat,
    foreign::{self, Foreign},
    iso, ova,
    ovf::{Manifest, Ovf},
    partitions,
    pvs::DiskProperties,
    qcow2,
    testkit::{foreign as testkit, guid},
    vdi,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::support::{MIB, limits};

#[test]
fn every_file_is_told_by_its_bytes_alone() {
    let format = |bytes: &[u8]| {
        let found = foreign::read(bytes, &limits()).unwrap();
        found.map(|found| {
            serde_json::to_value(found).unwrap()["format"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    let ovf = testkit::ovf("vm", "d", 1, 1);
    let cases: [(&[u8], Option<&str>); 9] = [
        (&testkit::qcow2_image(MIB, "", &[]), Some("qcow2")),
        (&testkit::vdi_image(MIB, guid(1, 1), guid(1, 2)), Some("vdi")),
        (&testkit::iso("X", MIB).to_vec(), Some("iso")),
        (&testkit::tar(&[("a", b"b")]), Some("ova")),
        (ovf.as_bytes(), Some("ovf")),
        (&testkit::gpt_disk(guid(1, 1)).to_vec(), Some("partitions")),
        (&testkit::floppy("X").to_vec(), Some("fat")),
        (b"<html>diskfile</html>", None),
        (b"", None),
    ];
    for (bytes, expected) in cases {
        assert_eq!(format(bytes).as_deref(), expected);
    }
    assert!(matches!(
        foreign::read(
            &b"<versionManifest><diskFileName>a.vhdx</diskFileName></versionManifest>"[..],
            &limits()
        ),
        Ok(Some(Foreign::PvsDisk(_)))
    ));
}

/// A file of every format, and whether a length in it tells that its end is missing.
fn built() -> Vec<(&'static str, Vec<u8>, bool)> {
    let descriptor = testkit::ovf("vm", "d.vmdk", 600, 1);
    let members: [(&str, &[u8]); 2] = [("vm.ovf", descriptor.as_bytes()), ("d.vmdk", &[7; 600])];
    vec![
        ("iso", testkit::iso("LABEL", 160 << 10).to_vec(), true),
        ("ova", testkit::tar(&members), true),
        ("vdi", testkit::vdi_image(10 * MIB, guid(1, 1), guid(1, 2)), true),
        ("floppy", testkit::floppy("BOOTDISK").to_vec(), true),
        ("gpt", testkit::gpt_disk(guid(3, 3)).to_vec(), true),
        ("ovf", descriptor.into_bytes(), false),
        ("qcow2", testkit::qcow2_image(MIB, "base.qcow2", &["one", "two"]), false),
        ("mbr", testkit::mbr_disk().to_vec(), false),
    ]
}

#[test]
fn a_file_that_was_cut_is_never_told_to_be_whole() {
    for (name, bytes, tells) in built() {
        let boundaries = (0..bytes.len()).step_by(512).take(400).chain([bytes.len()]);
        for cut in boundaries
            .flat_map(|at| [at.saturating_sub(1), at, at + 1])
            .filter(|cut| *cut < bytes.len())
        {
            if name == "ova" && cut >= bytes.len() - 512 {
                continue; // One of the two blocks that end an archive is enough.
            }
            let found = foreign::read(&bytes[..cut], &limits());
            let is_whole = matches!(&found, Ok(Some(found)) if found.anomalies().is_empty());
            assert!(!(tells && is_whole), "{name} cut at {cut} of {}", bytes.len());
        }
    }
}

proptest! {
    #[test]
    fn changed_bytes_and_cuts_give_an_error_or_facts(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..20),
        cut in any::<Index>(),
    ) {
        let files = built();
        let (_, whole, _) = which.get(&files);
        let mut bytes = whole.clone();
        // Half of the changes hit the beginning, where the structures stand.
        for (number, (place, value)) in changes.iter().enumerate() {
            let reach = if number % 2 == 0 { bytes.len() } else { bytes.len().min(1024) };
            bytes[place.index(reach)] = *value;
        }
        let _ = foreign::read(&bytes, &limits());
        let _ = foreign::read(&bytes[..cut.index(bytes.len())], &limits());
    }

    #[test]
    fn noise_is_read_by_every_reader(bytes in vec(any::<u8>(), 0..2048)) {
        let _ = (iso::read(&bytes), qcow2::read(&bytes, &limits()), vdi::read(&bytes), fat::read(&bytes));
        let _ = (ova::read(&bytes, &limits()), Ovf::read(&bytes, &limits()), Manifest::read(&bytes, &limits()));
        let _ = (DiskProperties::read(&bytes, &limits()), partitions::read(&bytes), foreign::read(&bytes, &limits()));
    }
}
