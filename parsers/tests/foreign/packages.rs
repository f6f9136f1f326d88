//! OVF packages and what describes the disks of Citrix.

use derelict_parsers::{
    ParseError, ova,
    ovf::{Manifest, Ovf},
    pvs::DiskProperties,
    testkit::foreign as testkit,
};

use super::support::{bytes_of, codes, limits, run};

#[test]
fn an_ovf_names_its_files_disks_systems_and_products() {
    let text = testkit::ovf("vm & co", "disk-1.vmdk", 4096, 40).replace("vm & co", "vm &amp; co");
    let ovf = Ovf::read(text.as_bytes(), &limits()).unwrap();
    assert_eq!(
        (ovf.files[0].href.as_str(), ovf.files[0].bytes),
        ("disk-1.vmdk", Some(4096))
    );
    assert_eq!(ovf.disks[0].virtual_bytes, Some(40 << 30));
    assert_eq!(ovf.file_of(&ovf.disks[0]), Some(&ovf.files[0]));
    assert_eq!(ovf.systems[0].name.as_deref(), Some("vm & co"));
    assert_eq!(
        (ovf.products[0].product.as_deref(), ovf.products[0].version.as_deref()),
        (Some("Appliance"), Some("1.2"))
    );
    assert_eq!(ovf.anomalies, []);
}

#[test]
fn an_ovf_with_a_disk_that_has_no_file_says_so_and_other_xml_is_none() {
    let text = testkit::ovf("vm", "d.vmdk", 1, 1).replace("ovf:fileRef=\"file1\"", "ovf:fileRef=\"file9\"");
    assert_eq!(
        codes(&Ovf::read(text.as_bytes(), &limits()).unwrap().anomalies),
        ["disk-without-file"]
    );
    for (text, what) in [
        ("<html/>", "not an envelope"),
        ("<!DOCTYPE a><Envelope/>", "a document type"),
        ("x", "no XML"),
    ] {
        assert!(
            matches!(Ovf::read(text.as_bytes(), &limits()), Err(ParseError::Malformed { .. })),
            "{what}"
        );
    }
    assert!(matches!(
        Ovf::read(&b"<Envelope>"[..], &limits()),
        Err(ParseError::Truncated { .. })
    ));
    let deep = "<a>".repeat(100);
    assert!(matches!(
        Ovf::read(deep.as_bytes(), &limits()),
        Err(ParseError::LimitExceeded { .. })
    ));
    let nested = "<Envelope><VirtualSystemCollection id=\"app\"><VirtualSystem id=\"a\"><Name>one</Name></VirtualSystem>\
                  <VirtualSystem id=\"b\"/><Name>all</Name></VirtualSystemCollection></Envelope>";
    let systems = Ovf::read(nested.as_bytes(), &limits()).unwrap().systems;
    let named: Vec<_> = systems
        .iter()
        .map(|system| (system.id.as_str(), system.name.as_deref()))
        .collect();
    assert_eq!(named, [("a", Some("one")), ("b", None), ("app", Some("all"))]);
}

#[test]
fn a_manifest_lists_a_digest_for_each_file() {
    let text = format!(
        "SHA256(a (1).vmdk)= {}\r\nSHA1(b.ovf) = {}\nnonsense\n",
        "0A".repeat(32),
        "1b".repeat(20)
    );
    let manifest = Manifest::read(text.as_bytes(), &limits()).unwrap();
    let files: Vec<_> = manifest
        .digests
        .iter()
        .map(|digest| (digest.algorithm.as_str(), digest.file.as_str()))
        .collect();
    assert_eq!(files, [("SHA256", "a (1).vmdk"), ("SHA1", "b.ovf")]);
    assert_eq!(manifest.digests[0].digest, "0a".repeat(32));
    assert_eq!(codes(&manifest.anomalies), ["manifest-line-bad"]);
    assert!(
        Manifest::read(&b"SHA256(a)= 12\n"[..], &limits()).is_err(),
        "a digest of the wrong length"
    );
}

#[test]
fn a_package_lists_its_members_and_reads_descriptor_and_manifest() {
    let descriptor = testkit::ovf("vm", "vm-disk1.vmdk", 600, 10);
    let manifest = format!("SHA256(vm-disk1.vmdk)= {}\n", "ab".repeat(32));
    let disk = [7; 600];
    let archive = testkit::tar(&[
        ("vm.ovf", descriptor.as_bytes()),
        ("vm.mf", manifest.as_bytes()),
        ("vm-disk1.vmdk", &disk),
    ]);
    let package = ova::read(&archive, &limits()).unwrap();
    let names: Vec<_> = package
        .members
        .iter()
        .map(|member| (member.name.as_str(), member.bytes))
        .collect();
    assert_eq!(names[2], ("vm-disk1.vmdk", 600));
    assert_eq!(package.descriptor.unwrap().disks.len(), 1);
    assert_eq!(package.manifest.unwrap().digests.len(), 1);
    assert_eq!(package.anomalies, []);
    // Inside the disk: what an upload that was broken off leaves.
    let package = ova::read(&archive[..archive.len() - 1024 - 500], &limits()).unwrap();
    assert_eq!(
        (package.members.len(), package.damage.unwrap().code.as_str()),
        (3, ova::code::CUT_OFF)
    );
    let package = ova::read(&archive[..archive.len() - 1024], &limits()).unwrap();
    assert_eq!(
        (codes(&package.anomalies), package.damage),
        (vec![ova::code::END_MISSING], None)
    );
    let swapped = testkit::tar(&[("vm-disk1.vmdk", &disk), ("vm.ovf", descriptor.as_bytes())]);
    assert_eq!(
        codes(&ova::read(&swapped, &limits()).unwrap().anomalies),
        [ova::code::DESCRIPTOR_NOT_FIRST]
    );
}

#[test]
fn archives_of_tar_in_every_format_have_the_names_that_they_were_given() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}/{}.vmdk", "d".repeat(120), "n".repeat(90));
    std::fs::create_dir(folder.path().join("d".repeat(120))).unwrap();
    std::fs::write(folder.path().join(&long), "x").unwrap();
    std::fs::write(folder.path().join("vm.ovf"), testkit::ovf("vm", &long, 1, 1)).unwrap();
    for format in ["gnu", "pax", "ustar"] {
        let arguments = ["--format", format, "-cf", "a.ova", "vm.ovf", &long];
        if run(folder.path(), "tar", &arguments).is_none() {
            return;
        }
        let package = ova::read(&bytes_of(folder.path(), "a.ova"), &limits()).unwrap();
        let names: Vec<_> = package.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(
            (names, codes(&package.anomalies)),
            (vec!["vm.ovf", long.as_str()], vec![]),
            "{format}"
        );
    }
}

#[test]
fn properties_of_a_vdisk_are_kept_whatever_they_are_called() {
    let text = "<versionManifest><startingVersion>0</startingVersion><version><diskFileName>a.vhdx</diskFileName></version>\
                <version><diskFileName>a.1.avhdx</diskFileName></version></versionManifest>";
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [text.as_bytes(), &wide] {
        let disk = DiskProperties::read(bytes, &limits()).unwrap();
        assert_eq!((disk.root.as_str(), disk.properties.len()), ("versionManifest", 3));
        assert_eq!(disk.disks, ["a.vhdx".into(), "a.1.avhdx".into()]);
    }
}
