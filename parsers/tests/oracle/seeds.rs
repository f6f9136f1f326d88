//! What the fuzzer begins with: files made with the builders of the crate, and the samples where they are there.

use derelict_parsers::{
    DiskKind, Limits,
    hyperv_config::ControllerKind,
    testkit::{
        SparseFile, foreign as files, guid,
        hyperv_files::{self, HrlBuilder, VmgsBuilder},
        hyperv_vm::{self, HypervDrive, HypervVm},
        regf::HiveKey,
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder, VhdxLog},
        vmcx::ContainerBuilder,
        vmware::{
            self, DescriptorBuilder, Grain, SnapshotBuilder, SparseBuilder, VmlogBuilder, VmsdBuilder, VmsnBuilder,
            VmxBuilder,
        },
    },
    vmcx::{self, Key},
};

use super::{
    image::{encode, encode_bytes},
    keys::encode as encode_keys,
};

const MIB: u64 = 1 << 20;

/// Both ways: as it is, and with its checksums put right after every change.
fn both(file: &SparseFile) -> [Vec<u8>; 2] {
    [encode(file, false), encode(file, true)]
}

fn both_bytes(bytes: &[u8]) -> [Vec<u8>; 2] {
    [encode_bytes(bytes, false), encode_bytes(bytes, true)]
}

pub(crate) fn vhdx() -> Vec<Vec<u8>> {
    let base = VhdxBuilder::new(DiskKind::Dynamic, 64 * MIB, 1);
    let paths = ParentPaths {
        relative: r".\base.vhdx",
        absolute: r"C:\VMs\base.vhdx",
        volume: r"\\?\Volume{11111111-2222-3333-4444-555555555555}\VMs\base.vhdx",
    };
    let child = VhdxBuilder::child_of(&base, paths, 2);
    let logged = VhdxBuilder {
        log: VhdxLog::HoldsMetadata(guid(1, 9)),
        ..child.clone()
    };
    let lost = VhdxBuilder {
        log: VhdxLog::Lost(guid(1, 9)),
        ..base.clone()
    };
    let fixed = VhdxBuilder::new(DiskKind::Fixed, MIB, 3);
    [base, child, logged, lost, fixed]
        .iter()
        .flat_map(|disk| both(&disk.build()))
        .collect()
}

pub(crate) fn vhd() -> Vec<Vec<u8>> {
    let base = VhdBuilder::new(DiskKind::Dynamic, 64 * MIB, 1);
    let child = VhdBuilder::child_of(&base, r".\base.vhd", r"C:\VMs\base.vhd", 2);
    let fixed = VhdBuilder::new(DiskKind::Fixed, MIB, 3);
    [base, child, fixed]
        .iter()
        .flat_map(|disk| both(&disk.build()))
        .collect()
}

pub(crate) fn vmgs() -> Vec<Vec<u8>> {
    let plain = VmgsBuilder::new(1);
    let full = VmgsBuilder {
        vtpm: true,
        encrypted: true,
        ..VmgsBuilder::new(2)
    };
    [plain, full].iter().flat_map(|store| both(&store.build())).collect()
}

pub(crate) fn hrl() -> Vec<Vec<u8>> {
    let closed = HrlBuilder::new(5);
    let open = HrlBuilder {
        open: true,
        ..HrlBuilder::new(6)
    };
    [closed, open]
        .iter()
        .map(|log| encode_bytes(&log.bytes(), false))
        .collect()
}

pub(crate) fn vhds() -> Vec<Vec<u8>> {
    let names = ["disk_B.avhdx", r".\sub\disk_A.AVHDX", "disk_B.avhdx"];
    vec![encode_bytes(&hyperv_files::vhds(&names), false)]
}

/// A VM with everything that a configuration can say.
fn vm() -> HypervVm {
    HypervVm {
        notes: "first line\r\nsecond <line> & more".to_owned(),
        drives: vec![
            HypervDrive::disk(ControllerKind::Scsi, 0, r"C:\ClusterStorage\Volume1\VM\os.vhdx"),
            HypervDrive::iso(ControllerKind::Ide, 1, r"C:\iso\setup.iso"),
        ],
        guest_state_path: Some(r"C:\VM\x.vmgs".to_owned()),
        saved_state: Some((r"C:\VM\x.bin".to_owned(), r"C:\VM\x.vsv".to_owned())),
        smart_paging_folder: Some(r"C:\VM".to_owned()),
        checkpoint_count: 2,
        tpm_enabled: true,
        ..HypervVm::new("Größe 1", guid(7, 1))
    }
}

pub(crate) fn vmcx() -> Vec<Vec<u8>> {
    let checkpoint = HypervVm {
        checkpoint_of: Some(guid(7, 1)),
        ..vm()
    };
    let small = [Key::node(
        "a",
        [
            Key::leaf("b", r"C:\b.vhdx"),
            Key::leaf("c", 3),
            Key::leaf("n", "n".repeat(1100).as_str()),
        ],
    )];
    let logged = ContainerBuilder::new(small.clone())
        .open_commit([Key::node("a", [Key::leaf("b", r"C:\new.vhdx")])])
        .previous_state([Key::node("a", [Key::leaf("b", r"C:\old.vhdx")])])
        .children_first();
    [
        vm().to_vmcx(),
        checkpoint.to_vmcx(),
        vm().to_vmrs(0),
        vm().to_vmrs(0x900),
        hyperv_vm::host_store(&[(guid(7, 1), r"C:\VM\a.vmcx")]),
        ContainerBuilder::new(small).build(),
        logged.build(),
    ]
    .iter()
    .flat_map(|file| both_bytes(file))
    .collect()
}

/// The keys of containers in text, and some that no container of the builders has.
pub(crate) fn hyperv_config() -> Vec<Vec<u8>> {
    let checkpoint = HypervVm {
        checkpoint_of: Some(guid(7, 1)),
        ..vm()
    };
    let files = [
        vm().to_vmcx(),
        checkpoint.to_vmcx(),
        vm().to_vmrs(0),
        hyperv_vm::host_store(&[(guid(7, 1), r"C:\VM\a.vmcx")]),
    ];
    let mut inputs: Vec<_> = files.iter().filter_map(|file| keys(file)).collect();
    inputs
        .push(b"na\n.sb=C:\\b.vhdx\n.sb=\\\\host\\c\\B.VHDX\n.ic=-3\n..ud=4\n.de=0.5\n.yf=bytes\n.bg=true\n".to_vec());
    inputs
}

/// The keys of a container in text.
fn keys(container: &[u8]) -> Option<Vec<u8>> {
    let read = vmcx::read(container, &Limits::default()).ok()?;
    Some(encode_keys(&read.tree))
}

pub(crate) fn nvram() -> Vec<Vec<u8>> {
    [&b"MRVN"[..], b"MRVN\x02\0\0\0", b"MRV", b"KDMV\x01\0\0\0"]
        .map(<[u8]>::to_vec)
        .to_vec()
}

pub(crate) fn hyperv_xml() -> Vec<Vec<u8>> {
    let wide = vm().to_xml();
    let units: Vec<u16> = wide
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let narrow = String::from_utf16_lossy(units.get(1..).unwrap_or_default()).into_bytes();
    vec![
        wide,
        narrow,
        b"<configuration><a type=\"integer\">1</a>&lt;<![CDATA[x]]></configuration>".to_vec(),
    ]
}

fn embedded(create_type: &str) -> Vec<u8> {
    DescriptorBuilder::embedded(create_type, "m.vmdk", 20480, 5).build()
}

pub(crate) fn vmdk_sparse() -> Vec<Vec<u8>> {
    let sparse = SparseBuilder::new(20480).descriptor(&embedded("monolithicSparse"));
    [
        sparse.build(),
        sparse.clone().unclean().build(),
        sparse.grain(0, Grain::Data).grain(2, Grain::Zero).build(),
        vmware::stream_optimized(20480, &embedded("streamOptimized")),
        vmware::stream_with_grains(20480, &embedded("streamOptimized"), &[0, 7]),
    ]
    .iter()
    .map(|file| encode_bytes(file, false))
    .collect()
}

pub(crate) fn vmdk_cowd() -> Vec<Vec<u8>> {
    vec![
        encode_bytes(&vmware::cowd(4096), false),
        encode_bytes(&vmware::cowd_with_grains(9000, &[0, 1, 4096]), false),
    ]
}

pub(crate) fn vmdk_sesparse() -> Vec<Vec<u8>> {
    let grains = [(0, Grain::Data), (1, Grain::Zero), (9, Grain::Unmapped)];
    let with_grains = vmware::sesparse_with_grains(4096, false, &grains);
    [true, false]
        .map(|replay| vmware::sesparse(4096, replay))
        .into_iter()
        .chain([with_grains.to_vec()])
        .map(|file| encode_bytes(&file, false))
        .collect()
}

/// Extents of which some grains hold data or zeros. The data themselves are not looked at: their bytes would only make
/// the inputs long.
pub(crate) fn vmdk_tables() -> Vec<Vec<u8>> {
    let sparse = SparseBuilder::new(40_960)
        .descriptor(&embedded("monolithicSparse"))
        .grain(3, Grain::Data)
        .grain(7, Grain::Zero);
    let grains = [
        (1, Grain::Data),
        (2, Grain::Zero),
        (5, Grain::Unmapped),
        (6, Grain::Data),
    ];
    let sesparse = vmware::sesparse_with_grains(4096, false, &grains);
    let built = [
        sparse.build(),
        vmware::cowd_with_grains(8192, &[1, 2, 5000]),
        vmware::stream_with_grains(20_480, &embedded("streamOptimized"), &[0, 4]),
        sesparse.to_vec(),
    ];
    let with_grains = built.into_iter().map(|mut file| {
        hollow(&mut file);
        encode_bytes(&file, false)
    });
    [vmdk_sparse(), vmdk_cowd(), vmdk_sesparse()]
        .concat()
        .into_iter()
        .chain(with_grains)
        .collect()
}

/// Makes a hole of every sector that one byte fills.
fn hollow(file: &mut [u8]) {
    for sector in file.chunks_exact_mut(512) {
        if sector.iter().all(|byte| *byte == sector[0]) {
            sector.fill(0);
        }
    }
}

/// Disks with blocks in them, dynamic and differencing.
pub(crate) fn vhdx_tables() -> Vec<Vec<u8>> {
    let base = VhdxBuilder {
        allocated_blocks: 3,
        ..VhdxBuilder::new(DiskKind::Dynamic, 64 * MIB, 1)
    };
    let child = VhdxBuilder {
        allocated_blocks: 2,
        ..VhdxBuilder::child_of(&base, ParentPaths::default(), 2)
    };
    let blocks = [base, child].iter().flat_map(|disk| both(&disk.build())).collect();
    [vhdx(), blocks].concat()
}

pub(crate) fn vhd_tables() -> Vec<Vec<u8>> {
    let content = [1; 700].to_vec();
    let base = VhdBuilder {
        content: content.clone(),
        ..VhdBuilder::new(DiskKind::Dynamic, 64 * MIB, 1)
    };
    let child = VhdBuilder {
        content,
        ..VhdBuilder::child_of(&base, "base.vhd", r"C:\base.vhd", 2)
    };
    let blocks = [base, child].iter().flat_map(|disk| both(&disk.build())).collect();
    [vhd(), blocks].concat()
}

pub(crate) fn vmdk() -> Vec<Vec<u8>> {
    let others = [vmware::change_tracking(512), vec![0; 512]];
    let descriptors = descriptor();
    let encoded = others.iter().chain(&descriptors).map(|file| encode_bytes(file, false));
    [vmdk_sparse(), vmdk_cowd(), vmdk_sesparse()]
        .concat()
        .into_iter()
        .chain(encoded)
        .collect()
}

pub(crate) fn descriptor() -> Vec<Vec<u8>> {
    vec![
        DescriptorBuilder::vmfs("web01", 4096, 1, guid(1, 4))
            .change_tracking("web01-ctk.vmdk")
            .build(),
        DescriptorBuilder::cowd_link("web01-000001", 4096, 2, "web01.vmdk", 1)
            .ddb("sidecars", "a-1.vmfd,")
            .build(),
        DescriptorBuilder::rdm("raw", 4096, 3).encoding(Some("GBK")).build(),
        DescriptorBuilder::split_sparse("s", &[4_192_256, 100], 4).build(),
        embedded("monolithicSparse"),
    ]
}

pub(crate) fn vmx() -> Vec<Vec<u8>> {
    let file = VmxBuilder::new("web 01", "web01")
        .uuids(guid(1, 1), guid(1, 2))
        .disk("scsi0:0", "web01-000001.vmdk")
        .cd("ide1:0", "/vmfs/volumes/iso/a.iso")
        .build();
    vec![
        file,
        b".encoding = \"Shift_JIS\"\nn = \"|89|bC|91|7A\"\nnvram = \"a.nvram\nx\n".to_vec(),
    ]
}

pub(crate) fn vmsd() -> Vec<Vec<u8>> {
    let snapshot = SnapshotBuilder {
        uid: 1,
        name: "one".to_owned(),
        state_file: "web01-Snapshot1.vmsn".to_owned(),
        created_us: 1_669_900_000_123_456,
        disks: vec![("scsi0:0".to_owned(), "web01.vmdk".to_owned())],
        clones: vec!["/vmfs/volumes/x/c.vmx".to_owned()],
        ..SnapshotBuilder::default()
    };
    vec![VmsdBuilder::default().snapshot(snapshot).build()]
}

pub(crate) fn vmxf() -> Vec<Vec<u8>> {
    vec![
        vmware::vmxf("a & b.vmx", guid(1, 3)),
        vmware::vmxf("&amp;#xE4;&amp;#xBD;&amp;#x8D;.vmx", guid(1, 3)),
    ]
}

pub(crate) fn vmstate() -> Vec<Vec<u8>> {
    vmx()
        .into_iter()
        .map(|config| encode_bytes(&VmsnBuilder::new(config, guid(1, 1)).build(), false))
        .collect()
}

pub(crate) fn vmware_log() -> Vec<Vec<u8>> {
    let log =
        VmlogBuilder::new("esx-01", "/vmfs/volumes/a/w.vmx").disk("scsi0:0", "/vmfs/volumes/a/w.vmdk", guid(1, 5));
    vec![log.clone().build(), log.ended().build()]
}

pub(crate) fn vmware_lock() -> Vec<Vec<u8>> {
    vec![
        vmware::nfs_lock("esx-01.lab"),
        vmware::hosted_lock("uuid=00-11", "4711-13346(vmware-vmx)"),
        vmware::nfs_lock_name(4_295_558_112).into_bytes(),
        b"a b.vmdk.lck".to_vec(),
        b"M12345.lck".to_vec(),
    ]
}

pub(crate) fn ha_list() -> Vec<Vec<u8>> {
    vec![
        b"0\n/vmfs/volumes/5c/web 01/web 01.vmx\n".to_vec(),
        b"<vm id=\"7\">ds:///vmfs/volumes/5c/a/a.vmx</vm>\0x 12 [ds 1] b/b[1].vmx,[ds 1] b/b.vmx;12 /vmfs/volumes/n/c.vmx".to_vec(),
    ]
}

pub(crate) fn hbr_group() -> Vec<Vec<u8>> {
    vec![
        b"disk.0.instance.0.path.ds = \"5c1a\"\ndisk.0.instance.0.path.relpath = \"w/hbrdisk.RDID-1.vmdk\"\n\
          instance.0.file.0.path.relpath = \"w/hbrcfg.GID-1.vmx.3\"\n"
            .to_vec(),
    ]
}

pub(crate) fn names() -> Vec<Vec<u8>> {
    [
        r"C:\VMs\VM_1E3081CF-38F4-54F3-829F-CE9D6DB0900E.avhdx",
        r"\\?\Volume{1}\a-AutoRecovery.avhd",
        "[ds 1] a.b/X.VMDK",
        "56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b",
        "GBK:位",
        "windows-1252:x",
        "CD/DVD drive 0",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn qcow2() -> Vec<Vec<u8>> {
    let mut old = files::qcow2_image(MIB, "", &[]);
    old[7] = 1;
    [
        files::qcow2_image(64 * MIB, "base image.qcow2", &["one", "two"]),
        files::qcow2_image(MIB, "", &[]),
        old,
    ]
    .iter()
    .map(|file| encode_bytes(file, false))
    .collect()
}

pub(crate) fn vdi() -> Vec<Vec<u8>> {
    vec![encode_bytes(&files::vdi_image(4 * MIB, guid(1, 1), guid(1, 2)), false)]
}

pub(crate) fn qcow2_tables() -> Vec<Vec<u8>> {
    let entries = [
        0x5_0000,
        0x6_0000,
        0,
        1,
        0x7_0001,
        1 << 62 | 0x5_0123,
        1 << 62 | 1 << 54 | 0x5_0200,
    ];
    let plain = files::qcow2_with_entries(&entries);
    // With entries of 16 bytes, with a data file, and of version 1.
    let mut extended = files::qcow2_with_entries(&[0x5_0000, u64::MAX >> 32, 0x6_0000, 0xFF00_0000_00FF, 0, 3 << 40]);
    extended[79] = 1 << 4;
    let mut external = files::qcow2_with_entries(&[1 << 63, 1 << 63 | 0x5_0000]);
    external[79] = 1 << 2;
    let mut old = vec![0; 0x4000];
    for (place, value) in [
        (0, 0x5146_49FB_0000_0001_u64),
        (24, 0x10_0000),
        (32, 0x0C09 << 48),
        (40, 48),
        (48, 0x1000),
    ] {
        old[place..place + 8].copy_from_slice(&value.to_be_bytes());
    }
    for (place, value) in [(0x1000, 0x2000_u64), (0x1008, 1 << 63 | 5 << 51 | 0x3000)] {
        old[place..place + 8].copy_from_slice(&value.to_be_bytes());
    }
    let built = [plain, extended, external, old];
    let built = built.iter().map(|file| encode_bytes(file, false));
    qcow2().into_iter().chain(built).collect()
}

pub(crate) fn vdi_tables() -> Vec<Vec<u8>> {
    let maps = [
        files::vdi_with_map(&[1, 0, 2, u32::MAX - 1, u32::MAX, 3], 4),
        files::vdi_with_map(&[1, 1, 9], 2),
    ];
    let maps = maps.iter().map(|file| encode(file, false));
    vdi().into_iter().chain(maps).collect()
}

/// A UDF volume without files, as far as it is read.
fn udf() -> SparseFile {
    let tagged = |tag: u8, fields: &[(usize, &[u8])]| {
        let mut bytes = vec![0; 512];
        bytes[0] = tag;
        for (place, field) in fields {
            bytes[*place..*place + field.len()].copy_from_slice(field);
        }
        bytes[4] = bytes[..16].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        bytes
    };
    let mut file = SparseFile::new(MIB);
    for (sector, name) in (16..).zip([b"BEA01", b"NSR03", b"TEA01"]) {
        file.put(sector * 2048, [&[0][..], name, &[1]].concat());
    }
    file.put(
        256 * 2048,
        tagged(2, &[(16, &8192_u32.to_le_bytes()), (20, &260_u32.to_le_bytes())]),
    );
    file.put(260 * 2048, tagged(1, &[(24, b"\x08VOLUME"), (55, &[7])]));
    file.put(
        261 * 2048,
        tagged(6, &[(84, b"\x10\0L\0A"), (211, &[5]), (212, &2048_u32.to_le_bytes())]),
    );
    file.put(262 * 2048, tagged(8, &[]));
    file
}

pub(crate) fn iso() -> Vec<Vec<u8>> {
    vec![encode(&files::iso("LABEL", MIB), false), encode(&udf(), false)]
}

pub(crate) fn ova() -> Vec<Vec<u8>> {
    let descriptor = files::ovf("vm", "disk.vmdk", 3, 10);
    let manifest = manifest();
    let members = [
        ("vm.ovf", descriptor.as_bytes()),
        ("vm.mf", &manifest),
        ("disk.vmdk", b"KDM"),
    ];
    let mut named = files::tar_header("././@LongLink", 5, b'L');
    named.extend(b"l.ovf");
    named.resize(1024, 0);
    named.extend(files::tar_header("PaxHeader", 20, b'x'));
    named.extend(b"11 size=3\n9 path=p\n");
    named.resize(2048, 0);
    named.extend(files::tar(&[("short", b"abc")]));
    [files::tar(&members), named]
        .iter()
        .map(|file| encode_bytes(file, false))
        .collect()
}

fn manifest() -> Vec<u8> {
    format!(
        "SHA256(disk.vmdk)= {}\nSHA1(vm.ovf) = {}\n",
        "0a".repeat(32),
        "1b".repeat(20)
    )
    .into_bytes()
}

pub(crate) fn partitions() -> Vec<Vec<u8>> {
    [files::mbr_disk(), files::gpt_disk(guid(3, 3))]
        .iter()
        .flat_map(both)
        .collect()
}

pub(crate) fn fat() -> Vec<Vec<u8>> {
    vec![encode(&files::floppy("BOOTDISK"), false)]
}

pub(crate) fn ovf() -> Vec<Vec<u8>> {
    vec![files::ovf("vm", "disk.vmdk", 3, 10).into_bytes(), manifest()]
}

pub(crate) fn pvs() -> Vec<Vec<u8>> {
    let versions = "<version><versionNumber>0</versionNumber><diskFileName>a.vhdx</diskFileName></version>\
                    <version><versionNumber>1</versionNumber><diskFileName>a.1.avhdx</diskFileName></version>";
    vec![
        format!(
            "<?xml version=\"1.0\"?><versionManifest><startingVersion>0</startingVersion>{versions}</versionManifest>"
        )
        .into_bytes(),
        b"<disk><writeCacheType>4</writeCacheType></disk>".to_vec(),
    ]
}

pub(crate) fn regf() -> Vec<Vec<u8>> {
    let resource = HiveKey::new("Resources").key(HiveKey::new("1").text("Type", "Virtual Machine").number("Flags", 1));
    let nodes = HiveKey::new("Nodes").texts("Contains", &["a", "b"]);
    vec![
        HiveKey::new("Cluster")
            .text("ClusterName", "HVCL01")
            .key(resource)
            .key(nodes)
            .hive(),
        HiveKey::new("Empty").hive(),
    ]
}

pub(crate) fn foreign() -> Vec<Vec<u8>> {
    let text = [ovf(), pvs()].concat();
    let encoded = text.iter().map(|file| encode_bytes(file, false));
    [qcow2(), vdi(), iso(), ova(), partitions(), fat()]
        .concat()
        .into_iter()
        .chain(encoded)
        .collect()
}

/// For formats of which there is no sample.
pub(crate) fn sample_none(_: &str, _: &[u8]) -> Option<Vec<u8>> {
    None
}

/// The sample as an input of a container, where it begins as that, or ends with a cookie as that.
fn container(bytes: &[u8], is_one: bool) -> Option<Vec<u8>> {
    is_one
        .then(|| encode_bytes(bytes, true))
        .filter(|input| input.len() <= 96 << 10)
}

/// The name, which is in lower case, ends in one of these.
fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| extensions.contains(&own))
}

fn text(name: &str, bytes: &[u8], extensions: &[&str]) -> Option<Vec<u8>> {
    let is_one = extensions.iter().any(|extension| name.ends_with(extension));
    (is_one && bytes.len() <= 64 << 10).then(|| bytes.to_vec())
}

pub(crate) fn sample_vhdx(_: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, bytes.starts_with(b"vhdxfile"))
}

pub(crate) fn sample_vhd(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, has_extension(name, &["vhd", "avhd"]))
}

pub(crate) fn sample_vmgs(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, has_extension(name, &["vmgs"]))
}

pub(crate) fn sample_vmcx(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, has_extension(name, &["vmcx", "vmrs"]))
}

/// What the keys of a container are.
pub(crate) fn sample_keys(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let is_one = has_extension(name, &["vmcx", "vmrs"]);
    keys(bytes).filter(|input| is_one && input.len() <= 96 << 10)
}

pub(crate) fn sample_nvram(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &[".nvram"])
}

pub(crate) fn sample_hrl(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, has_extension(name, &["hrl"]))
}

pub(crate) fn sample_vmdk(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, has_extension(name, &["vmdk"]))
}

pub(crate) fn sample_sparse(_: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, bytes.starts_with(b"KDMV"))
}

pub(crate) fn sample_cowd(_: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, bytes.starts_with(b"COWD"))
}

pub(crate) fn sample_sesparse(_: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    container(bytes, bytes.starts_with(&[0xBE, 0xBA, 0xFE, 0xCA]))
}

pub(crate) fn sample_descriptor(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &[".vmdk"]).filter(|bytes| !bytes.contains(&0))
}

pub(crate) fn sample_vmx(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &[".vmx", ".vmtx"])
}

pub(crate) fn sample_vmsd(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &[".vmsd"])
}

pub(crate) fn sample_vmxf(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &[".vmxf"])
}

pub(crate) fn sample_log(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    text(name, bytes, &["vmware.log"])
}

pub(crate) fn sample_xml(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let wide = bytes
        .windows(12)
        .take(400)
        .any(|window| window == b"c\0o\0n\0f\0i\0g\0" || window == b"\0c\0o\0n\0f\0i\0g");
    let narrow = bytes.windows(14).take(400).any(|window| window == b"<configuration");
    text(name, bytes, &[".xml"]).filter(|_| wide || narrow)
}
