//! However a reference is written or damaged, what it means is not lost: the file is found, or nothing that it may mean is
//! nobody's.

use derelict::{inventory::Listing, kind::Role};
use derelict_parsers::testkit::vmware::{VmxBuilder, dictionary};

use super::snapshot_of;
use crate::support::{Export, Judged, SECTORS, Site, cid, config_only, descriptor, listed, row, row_of, vcenter, vmx};

/// `web`, whose first disk lies with it and whose second is written like this, while `ds1/far/far.vmdk` lies elsewhere.
fn named(second: &str) -> Judged {
    site_of(vmx("web", &["web.vmdk", second])).judge()
}

fn site_of(config: VmxBuilder) -> Site {
    Site::vmware()
        .file("ds1/web/web.vmx", config.build())
        .disk("ds1/web/web")
        .disk("ds1/far/far")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
}

#[test]
fn a_path_with_empty_parts_dots_or_an_address_of_a_file_is_that_path() {
    for path in [
        "/vmfs/volumes//ds1/far/far.vmdk",
        "/vmfs//volumes/ds1//far/far.vmdk",
        "//vmfs/volumes/ds1/far/far.vmdk",
        "/./vmfs/volumes/ds1/far/far.vmdk",
        "/vmfs/volumes/ds9/../ds1/far/far.vmdk",
        "file:///vmfs/volumes/ds1/far/far.vmdk",
        "FILE://localhost/vmfs/volumes/ds1/f%61r/far.vmdk",
        "DS:///vmfs/volumes/ds1/far/far.vmdk",
        "[ds1]  far/far.vmdk",
    ] {
        named(path).are(&["ds1/far/far.vmdk", "ds1/far/far-flat.vmdk"], "owned");
    }
}

#[test]
fn an_address_that_nobody_understands_may_be_any_disk() {
    for path in [
        "nfs://filer/export/far/far.vmdk",
        "blob://ds1/far/far.vmdk",
        r"\\?\GLOBALROOT\Device\Harddisk1\far.vmdk",
        r"\\filer",
    ] {
        named(path)
            .is("ds1/far/far.vmdk", "unknown/outside-scan")
            .gap("outside-scan")
            .complete(false);
    }
    named("vsan://52aa-11").is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk candidate");
    named("/dev/sdb").is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn a_gap_about_files_outside_the_scan_names_vms_and_places() {
    named("/vmfs/volumes/elsewhere/x.vmdk").says("ds1/far/far.vmdk", "1 VM (web) has files");
    named("/vmfs/volumes/elsewhere/x.vmdk").says("ds1/far/far.vmdk", "(/vmfs/volumes/elsewhere/x.vmdk)");
}

/// `web` with this snapshot list, a disk of nobody elsewhere, and how far its inventory lists it.
fn listed_by(list: impl AsRef<[u8]>, listing: Listing) -> Site {
    let row = derelict::inventory::Registration {
        listing,
        ..row_of("web")
    };
    Site::vmware()
        .root("ds2", &["ds2"])
        .vm("ds1", "web")
        .file("ds1/web/web.vmsd", list)
        .disk("ds1/far/far")
        .disk("ds2/far/two")
        .inventory(
            vcenter()
                .host("esx2")
                .datastore("ds2", &[], &["esx2"])
                .vm(derelict::inventory::Registration {
                    host: Some("esx1".to_owned()),
                    ..row
                }),
        )
}

#[test]
fn a_snapshot_list_that_cannot_be_read_may_name_any_disk_in_the_reach_of_its_vm() {
    let encrypted = dictionary([("encryption.keySafe", "k"), ("encryption.data", "d")]);
    let torn = b"snapshot0.uid = \"1\"\nsnapshot0.disk0.fileName = \"../far/fa".to_vec();
    let too_long = [b"#".repeat(2 << 20), b"\n".to_vec()].concat();
    let foreign = b"<html>\n<body>no such page</body>\n</html>\n".to_vec();
    for list in [encrypted, torn, vec![0; 600], too_long, foreign] {
        listed_by(&list, Listing::LeafDisks)
            .judge()
            .is("ds1/far/far.vmdk", "unknown/owner-unreadable never")
            .is("ds2/far/two.vmdk", "orphaned/deleted-vm-disk")
            .gap("owner-unreadable");
        listed_by(&list, Listing::WholeChains)
            .judge()
            .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
    }
    listed_by(snapshot_of("web.vmdk"), Listing::LeafDisks)
        .unreadable_file("ds1/web/web.vmsd")
        .judge()
        .is("ds1/far/far.vmdk", "unknown/owner-unreadable");
}

#[test]
fn a_snapshot_list_that_can_be_read_or_is_empty_hides_nothing() {
    for list in [
        snapshot_of("web.vmdk"),
        Vec::new(),
        b"snapshot.numSnapshots = \"0\"\n".to_vec(),
    ] {
        listed_by(list, Listing::LeafDisks)
            .judge()
            .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk candidate")
            .no_gap("owner-unreadable");
    }
}

#[test]
fn a_key_of_a_snapshot_list_that_stands_twice_names_both_disks() {
    let list = [
        snapshot_of("../far/far.vmdk"),
        b"snapshot0.disk0.fileName = \"web.vmdk\"\n".to_vec(),
    ]
    .concat();
    listed_by(list, Listing::LeafDisks)
        .judge()
        .are(&["ds1/far/far.vmdk", "ds1/far/far-flat.vmdk"], "owned");
}

#[test]
fn v14_a_stray_line_of_a_bus_does_not_make_an_encrypted_configuration_readable() {
    let site = |bundle: &str, line: (&str, &str)| {
        let config = dictionary([
            ("displayName", "web"),
            ("encryption.keySafe", bundle),
            ("encryption.data", "c2VjcmV0"),
            line,
        ]);
        Site::vmware()
            .file("ds1/web/web.vmx", config)
            .disk("ds1/web/web")
            .disk("ds1/far/far")
            .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
            .judge()
    };
    let (hosted, server) = (
        "vmware:key/list/(pair/(phrase/a,b,c))",
        "vmware:key/list/(pair/(fqid/a,b,c))",
    );
    let disk = ("scsi0:0.fileName", "web.vmdk");
    let both = ["ds1/web/web.vmdk", "ds1/far/far.vmdk"];
    site(hosted, ("ide1:0.autodetect", "TRUE")).are(&both, "unknown/owner-unreadable");
    site(server, ("scsi0.present", "TRUE")).are(&both, "unknown/owner-unreadable");
    site(hosted, disk)
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/far/far.vmdk", "unknown/owner-unreadable");
    site(server, disk)
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

/// `web` in a charset of this name, its second disk named by these bytes, which lies there as `é.vmdk`.
fn written_in(charset: &str, name: &[u8]) -> Judged {
    let mut config = format!(".encoding = \"{charset}\"\n").into_bytes();
    config.extend(vmx("web", &["web.vmdk"]).build());
    config.extend(
        [
            &b"scsi0:1.present = \"TRUE\"\nscsi0:1.fileName = \"../far/"[..],
            name,
            b".vmdk\"\n",
        ]
        .concat(),
    );
    Site::vmware()
        .file("ds1/web/web.vmx", config)
        .disk("ds1/web/web")
        .disk("ds1/far/\u{e9}")
        .disk("ds1/far/plain")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
}

#[test]
fn a_name_in_a_charset_that_is_not_known_may_be_that_of_any_disk() {
    let disk = "ds1/far/\u{e9}.vmdk";
    for (charset, name) in [
        ("IBM437", &b"\x82"[..]),
        ("HZ-GB-2312", b"~{(&~}"),
        ("ISO-2022-JP", b"\x1b$B+!\x1b(B"),
    ] {
        written_in(charset, name).is(disk, "unknown/owner-unreadable");
    }
    written_in("IBM437", b"plain").is(disk, "orphaned/deleted-vm-disk");
    written_in("windows-1252", b"\xe9").is(disk, "owned");
}

#[test]
fn a_name_that_is_not_of_its_charset_may_be_that_of_any_disk_there() {
    let disk = "ds1/far/\u{e9}.vmdk";
    written_in("UTF-8", b"\xe9").is(disk, "unknown").gap("disk-unreadable");
    written_in("windows-1251", b"\xe9").is(disk, "unknown");
    written_in("UTF-8", "\u{e9}".as_bytes()).is(disk, "owned");
    written_in("UTF-8", b"plain").is(disk, "orphaned/deleted-vm-disk");
}

#[test]
fn a_descriptor_in_a_charset_that_is_not_known_leaves_its_extents_to_its_vm() {
    let text = format!(
        "# Disk DescriptorFile\nversion=1\nencoding=\"IBM437\"\nCID=12345678\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW {SECTORS} VMFS \""
    );
    let text = [text.as_bytes(), b"\x82-flat.vmdk\"\n"].concat();
    Site::vmware()
        .vmx("ds1/web", "web", &["\u{e9}.vmdk"])
        .file("ds1/web/\u{e9}.vmdk", text)
        .zeros("ds1/web/\u{e9}-flat.vmdk", SECTORS * 512)
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .judge()
        .is("ds1/web/\u{e9}.vmdk", "owned/dangling-descriptor")
        .is("ds1/web/\u{e9}-flat.vmdk", "owned/headless-extent");
}

/// A link of `web` whose descriptor has these lines, over two disks of one content id, with a third that has nothing to do
/// with it.
fn link_with(lines: &str) -> Judged {
    let base = |name: &str| descriptor(name).build();
    let text = format!(
        "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=0000abcd\nparentCID={:08x}\n{lines}createType=\"vmfs\"\nRW {SECTORS} \
         VMFS \"web-000001-flat.vmdk\"\n",
        cid("p1")
    );
    let twin =
        String::from_utf8_lossy(&base("p2")).replace(&format!("{:08x}", cid("p2")), &format!("{:08x}", cid("p1")));
    Site::vmware()
        .vmx("ds1/web", "web", &["web-000001.vmdk"])
        .file("ds1/web/web-000001.vmdk", text)
        .zeros("ds1/web/web-000001-flat.vmdk", SECTORS * 512)
        .disk("ds1/web/p1")
        .file("ds1/web/p2.vmdk", twin)
        .zeros("ds1/web/p2-flat.vmdk", SECTORS * 512)
        .disk("ds1/web/other")
        .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
        .only_as_it_is()
        .judge()
}

#[test]
fn a_key_of_a_descriptor_that_stands_twice_names_both_files() {
    let hints = |names: [&str; 2]| names.map(|name| format!("parentFileNameHint=\"{name}\"\n")).concat();
    for names in [["p1.vmdk", "p2.vmdk"], ["p2.vmdk", "p1.vmdk"]] {
        link_with(&hints(names))
            .are(&["ds1/web/p1.vmdk", "ds1/web/p2.vmdk", "ds1/web/p1-flat.vmdk"], "owned")
            .is("ds1/web/other.vmdk", "orphaned/deleted-vm-disk");
    }
    link_with(&hints(["other.vmdk", "p1.vmdk"])).are(&["ds1/web/p1.vmdk", "ds1/web/other.vmdk"], "owned");
    link_with("parentFileNameHint=\"p1.vmdk\"\n").is("ds1/web/other.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn keys_of_the_disk_database_that_name_files_are_references() {
    let hint = "parentFileNameHint=\"p1.vmdk\"\n";
    link_with(&format!(
        "{hint}ddb.objectParentUri = \"/vmfs/volumes/ds1/web/other.vmdk\"\n"
    ))
    .is("ds1/web/other.vmdk", "owned");
    link_with(&format!(
        "{hint}ddb.comment = \"copied from other.vmdk\"\nddb.fcd.name = \"other.vmdk\"\n"
    ))
    .is("ds1/web/other.vmdk", "orphaned/deleted-vm-disk");
}

#[test]
fn a_link_that_does_not_name_its_parent_while_nothing_has_the_id_may_stand_on_any_disk() {
    let site = |hint: &str| {
        let text = format!(
            "# Disk DescriptorFile\nversion=1\nCID=0000abcd\nparentCID=0badcafe\n{hint}createType=\"vmfs\"\nRW {SECTORS} VMFS \
             \"web-000001-flat.vmdk\"\n"
        );
        Site::vmware()
            .vmx("ds1/web", "web", &["web-000001.vmdk"])
            .file("ds1/web/web-000001.vmdk", text)
            .zeros("ds1/web/web-000001-flat.vmdk", SECTORS * 512)
            .disk("ds1/web/web")
            .disk("ds1/far/far")
            .inventory(vcenter().vm(config_only("web", "[ds1] web/web.vmx")))
            .judge()
    };
    site("").are(&["ds1/web/web.vmdk", "ds1/far/far.vmdk"], "unknown");
    site("parentFileNameHint=\"web.vmdk\"\n")
        .is("ds1/web/web.vmdk", "owned")
        .is("ds1/far/far.vmdk", "orphaned/deleted-vm-disk");
}

/// `web` of which the list has a data disk on another datastore, and a loose disk of that path here.
fn with_data_on(label: &str, aliases: &[&str]) -> Site {
    let mut row = row_of("web");
    row.files.push(listed(&format!("[{label}] data/d.vmdk"), Role::Disk));
    row.listing = Listing::WholeChains;
    let host = vcenter().vm(row);
    let host = if aliases.is_empty() {
        host
    } else {
        host.datastore("other", aliases, &["esx1"])
    };
    Site::vmware().vm("ds1", "web").disk("ds1/data/d").inventory(host)
}

#[test]
fn v64_a_file_of_the_path_that_a_vm_has_on_a_datastore_nobody_lists_may_be_that() {
    let disk = "ds1/data/d.vmdk";
    with_data_on("other", &[])
        .judge()
        .is(disk, "unknown/ambiguous-reference never")
        .says(disk, "web has [other] data/d.vmdk");
    with_data_on("other", &["/vmfs/volumes/1a2b3c4d-5e6f7a8b"])
        .judge()
        .is(disk, "unknown/ambiguous-reference never");
    for id in [
        "/vmfs/volumes/5f1c2d3e-0badc0de-1111-001b21aa0099",
        "/vmfs/volumes/vsan:5261f0c51b2c3d4e-a1b2c3d4e5f60718",
        "/vmfs/volumes/vvol:5261f0c51b2c3d4e-a1b2c3d4e5f60718",
    ] {
        let judged = with_data_on("other", &[id]).judge();
        let verdict = judged.artifact(disk).verdict;
        assert_eq!(verdict, derelict::report::model::Verdict::Orphaned, "{id}");
    }
}

#[test]
fn a_descriptor_whose_data_alone_are_listed_is_not_judged() {
    let site = |extent: Option<&str>| {
        let mut row = row_of("web");
        row.files
            .extend(extent.map(|extent| listed(&format!("[ds1] {extent}"), Role::Extent)));
        row.listing = Listing::WholeChains;
        Site::vmware()
            .vm("ds1", "web")
            .disk("ds1/data/d")
            .inventory(vcenter().vm(row))
            .judge()
    };
    site(Some("data/d-flat.vmdk"))
        .is("ds1/data/d.vmdk", "unknown/ambiguous-reference never")
        .says("ds1/data/d.vmdk", "is listed for web");
    site(None).is("ds1/data/d.vmdk", "orphaned/deleted-vm-disk candidate");
}

#[test]
fn v65_a_configuration_with_the_name_of_one_that_is_registered_elsewhere_and_gone_may_be_it() {
    let site = |registered: &str, has_id: bool| {
        let mut row = config_only("web", registered);
        row.instance_id = has_id.then(|| crate::support::vm_id("other"));
        Site::vmware()
            .vm("ds1", "web")
            .vm("ds1", "db")
            .inventory(vcenter().vm(config_only("db", "[ds1] db/db.vmx")).vm(row))
            .judge()
    };
    let place = "[ds1] 5e8f1a2b-3c4d-5e6f-7a8b-0050569a0001/web.vmx";
    site(place, false)
        .is("ds1/web/web.vmx", "unknown/ambiguous-reference never")
        .says("ds1/web/web.vmx", "its folder may have another name");
    for (place, has_id) in [(place, true), ("[ds1] elsewhere/other.vmx", false)] {
        let judged = site(place, has_id);
        let artifact = judged.artifact("ds1/web/web.vmx");
        let says = artifact
            .reasons
            .iter()
            .any(|reason| reason.text.contains("may have another name"));
        assert!(!says, "{place} {has_id}");
    }
}

#[test]
fn a_configuration_with_the_name_of_one_that_is_gone_from_another_datastore_may_have_been_moved() {
    let site = |id: Option<&str>, with_ds2: bool| {
        let mut row = config_only("web", "[ds1] web/web.vmx");
        row.instance_id = id.map(crate::support::vm_id);
        let export = vcenter().vm(config_only("db", "[ds1] db/db.vmx")).vm(row);
        let export = if with_ds2 {
            export.datastore("ds2", &[], &["esx1"])
        } else {
            export
        };
        Site::vmware()
            .root("ds2", &["ds2"])
            .vm("ds1", "db")
            .vmx("ds2/moved", "web", &[])
            .inventory(export)
            .judge()
    };
    site(None, true)
        .is("ds2/moved/web.vmx", "unknown/ambiguous-reference never")
        .says("ds2/moved/web.vmx", "it may have been moved here since");
    // Its id is another one, and a source that does not know the datastore says nothing of it.
    for judged in [site(Some("other"), true), site(None, false)] {
        let reasons = &judged.artifact("ds2/moved/web.vmx").reasons;
        let says = reasons
            .iter()
            .any(|reason| reason.text.contains("may have been moved here"));
        assert!(!says, "{reasons:#?}");
    }
}

#[test]
fn v8_a_clone_of_a_disk_that_was_not_scanned_leaves_open_what_lies_below_that_and_nothing_else() {
    let site = |is_scanned: bool| {
        let folder = if is_scanned { "ds1" } else { "ds9" };
        let disk = "[ds1] clone/clone.vmdk";
        Site::vmware()
            .vm("ds1", "web")
            .vmx("ds1/clone", "clone", &["clone.vmdk"])
            .delta("ds1/clone/clone", "/vmfs/volumes/ds9/base/base.vmdk")
            .disk("ds1/old/old")
            .zeros("ds1/old/old-1a2b3c4d.vswp", 1 << 20)
            .vm("ds1", "lost")
            .inventory(vcenter().datastore("ds9", &[], &["esx1"]).vm(row_of("web")).vm(row(
                "clone",
                &format!("[{folder}] clone/clone.vmx"),
                &[disk],
            )))
            .only_as_it_is()
            .judge()
    };
    site(true)
        .are(
            &["ds1/old/old.vmdk", "ds1/old/old-flat.vmdk"],
            "unknown/outside-scan never",
        )
        .is("ds1/old/old-1a2b3c4d.vswp", "orphaned/leftover-state")
        .is("ds1/lost/lost.vmx", "unregistered/complete-vm");
    site(false).are(
        &["ds1/old/old.vmdk", "ds1/old/old-1a2b3c4d.vswp"],
        "unknown/outside-scan never",
    );
}
