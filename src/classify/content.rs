//! What the bytes of a file say it is.

use derelict_parsers::{qcow2, vdi};

use crate::kind::Kind;

/// What is read of the end of a file that may be a VHD: its footer is the last 512 (very old: 511) bytes.
pub const TAIL_BYTES: u64 = 1024;

/// Bytes that are looked at to tell text from binary.
const TEXT_SAMPLE_BYTES: usize = 4096;

/// Signature of both headers of the HyperVStorage container (MS openvmm `hvs_file/FORMAT.md`).
const HYPERV_STORAGE_SIGNATURE: [u8; 4] = 0x0128_2014_u32.to_le_bytes();

/// Signatures of `.vmsn` and `.vmss`, oldest first (dissect, volatility).
const VM_STATE_SIGNATURES: [[u8; 4]; 4] = [
    [0xd0, 0xbe, 0xd2, 0xbe],
    [0xd1, 0xba, 0xd1, 0xba],
    [0xd2, 0xbe, 0xd2, 0xbe],
    [0xd3, 0xbe, 0xd3, 0xbe],
];

/// Beginnings of archives and compressed files: gzip, zip, xz, 7z, zstd, bzip2, rar.
const PACKED_SIGNATURES: [&[u8]; 7] = [
    &[0x1f, 0x8b],
    b"PK\x03\x04",
    &[0xfd, b'7', b'z', b'X', b'Z'],
    &[b'7', b'z', 0xbc, 0xaf],
    &[0x28, 0xb5, 0x2f, 0xfd],
    b"BZh",
    b"Rar!",
];

/// What the bytes of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// No bytes.
    Empty,
    /// Zeros only, as far as was read.
    Zeros,
    /// KDMV.
    HostedSparse,
    /// KDMV with markers and compression.
    Stream,
    /// COWD.
    Cowd,
    /// seSparse.
    SeSparse,
    /// Change tracking of a VMDK.
    ChangeTracking,
    /// Text descriptor of a VMDK.
    VmdkDescriptor,
    /// VMware configuration.
    Vmx,
    /// Snapshot or suspend state of VMware.
    VmState,
    /// NVRAM of VMware.
    Nvram,
    /// HyperVStorage container.
    HypervStorage,
    /// VHDX.
    Vhdx,
    /// VHD footer, at the end or (copy) at the front.
    Vhd,
    /// VMGS store.
    GuestState,
    /// Hyper-V Replica log.
    ReplicaLog,
    /// Disk image of QEMU or VirtualBox.
    ForeignDisk,
    /// ISO 9660 or UDF.
    Iso,
    /// XML with the root `<configuration>`, or cut off before its root.
    Configuration,
    /// Manifest of an OVF.
    Manifest,
    /// Archive or compressed file.
    Packed,
    /// Other text.
    Text,
    /// Anything else.
    Binary,
}

impl Content {
    /// The kind of artifact, or `None` where the content does not tell. `named` settles what one signature leaves open.
    pub fn kind(self, named: Option<Kind>) -> Option<Kind> {
        Some(match self {
            Self::HostedSparse => Kind::VmdkSparse,
            Self::Stream => Kind::VmdkStream,
            Self::Cowd => Kind::VmdkDelta,
            Self::SeSparse => Kind::VmdkSeSparse,
            Self::ChangeTracking => Kind::VmdkCtk,
            Self::VmdkDescriptor => Kind::VmdkDescriptor,
            Self::Vmx => one_of(named, &[Kind::Vmtx], Kind::Vmx),
            Self::VmState => one_of(named, &[Kind::Vmss], Kind::Vmsn),
            Self::Nvram => Kind::Nvram,
            Self::HypervStorage => one_of(named, &[Kind::Vmrs, Kind::Vsv], Kind::Vmcx),
            // A `.vhds` is a VHD Set whatever it is stored as: the format is not published.
            Self::Vhdx if matches!(named, Some(Kind::Avhd | Kind::Avhdx)) => Kind::Avhdx,
            Self::Vhdx => one_of(named, &[Kind::Vhds], Kind::Vhdx),
            Self::Vhd if matches!(named, Some(Kind::Avhd | Kind::Avhdx)) => Kind::Avhd,
            Self::Vhd => one_of(named, &[Kind::Vmgs, Kind::Vhds], Kind::Vhd),
            Self::GuestState => Kind::Vmgs,
            Self::ReplicaLog => one_of(named, &[Kind::Hru], Kind::Hrl),
            Self::ForeignDisk => Kind::ForeignDisk,
            Self::Iso => Kind::Iso,
            // Many programs write XML with this root; only the right name makes it a VM.
            Self::Configuration if matches!(named, Some(Kind::HypervXml | Kind::Vmcx)) => Kind::HypervXml,
            Self::Manifest if named == Some(Kind::Ovf) => Kind::Ovf,
            _ => return None,
        })
    }

    /// True for bytes that tell nothing at all: what encryption leaves.
    pub fn is_opaque(self) -> bool {
        self == Self::Binary
    }
}

fn one_of(named: Option<Kind>, allowed: &[Kind], otherwise: Kind) -> Kind {
    named.filter(|kind| allowed.contains(kind)).unwrap_or(otherwise)
}

/// Looks at the first bytes and, where they were read, the last ones.
pub fn by_content(head: &[u8], tail: &[u8]) -> Content {
    if head.is_empty() {
        return Content::Empty;
    }
    binary(head)
        .or_else(|| at_end(head, tail))
        .or_else(|| text(head))
        .unwrap_or_else(|| rest(head))
}

/// Formats with a signature at a fixed place of the head.
fn binary(head: &[u8]) -> Option<Content> {
    let at = |offset: usize, signature: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(signature));
    if at(0, b"KDMV") {
        return Some(if is_stream(head) {
            Content::Stream
        } else {
            Content::HostedSparse
        });
    }
    if VM_STATE_SIGNATURES.iter().any(|signature| at(0, signature)) {
        return Some(Content::VmState);
    }
    if qcow2::has_signature(head) || vdi::has_signature(head) {
        return Some(Content::ForeignDisk);
    }
    let table: [(usize, &[u8], Content); 12] = [
        (0, b"COWD", Content::Cowd),
        (0, &0xcafe_babe_u64.to_le_bytes(), Content::SeSparse),
        (0, &[0xa2, 0x72, 0x19, 0xf6], Content::ChangeTracking),
        (0, b"MRVN", Content::Nvram),
        (0, b"vhdxfile", Content::Vhdx),
        (0, &HYPERV_STORAGE_SIGNATURE, Content::HypervStorage),
        (0x1000, &HYPERV_STORAGE_SIGNATURE, Content::HypervStorage),
        (0, b"GUESTRTS", Content::GuestState),
        (0x1000, b"GUESTRTS", Content::GuestState),
        (0, b"msctlog ", Content::ReplicaLog),
        (0x8001, b"CD001", Content::Iso),
        (0x8001, b"BEA01", Content::Iso),
    ];
    table
        .iter()
        .find(|(offset, signature, _)| at(*offset, signature))
        .map(|(_, _, content)| *content)
}

/// Bit 16 (compressed) and bit 17 (markers) of the flags at offset 8 (technical note 5.0).
fn is_stream(head: &[u8]) -> bool {
    head.get(10).is_some_and(|flags| flags & 0b11 == 0b11)
}

/// A VHD is known by its footer; a dynamic one has a copy at the front, which may be all that is left.
fn at_end(head: &[u8], tail: &[u8]) -> Option<Content> {
    const COOKIE: &[u8] = b"conectix";
    let footer = |length: usize| {
        tail.len()
            .checked_sub(length)
            .and_then(|start| tail.get(start..))
            .is_some_and(|rest| rest.starts_with(COOKIE))
    };
    (footer(512) || footer(511) || head.starts_with(COOKIE)).then_some(Content::Vhd)
}

fn text(head: &[u8]) -> Option<Content> {
    if let Some(narrow) = narrowed(head) {
        let has_mark = matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        return xml(&narrow).or(has_mark.then_some(Content::Text));
    }
    // Asked first: damage may have left zeros behind the beginning.
    if let Some(content) = xml(head) {
        return Some(content);
    }
    let sample = head.get(..TEXT_SAMPLE_BYTES).unwrap_or(head);
    if !sample.iter().all(|&byte| is_text_byte(byte)) {
        return None;
    }
    Some(
        dictionary(head)
            .or_else(|| is_manifest(head).then_some(Content::Manifest))
            .unwrap_or(Content::Text),
    )
}

/// The low bytes of a text in UTF-16, by its byte order mark or, as the reader of old configurations takes it, by where
/// the NUL of its first `<` stands. `None` for any other text.
fn narrowed(head: &[u8]) -> Option<Vec<u8>> {
    let (units, low) = match head {
        [0xff, 0xfe, units @ ..] => (units, 0),
        [0xfe, 0xff, units @ ..] => (units, 1),
        [b'<', 0, ..] => (head, 0),
        [0, b'<', ..] => (head, 1),
        _ => return None,
    };
    Some(units.iter().skip(low).step_by(2).copied().collect())
}

fn is_text_byte(byte: u8) -> bool {
    byte >= 0x20 && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// XML whose first element, or the document type before it, is `<configuration`, and XML that is cut off before that can
/// be seen: the configuration of a VM that nobody can read is still one.
fn xml(text: &[u8]) -> Option<Content> {
    const ROOT: &[u8] = b"configuration";
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    if !text.starts_with(b"<") {
        return None;
    }
    let Some(root) = behind_prolog(text) else {
        return Some(Content::Configuration);
    };
    let name = match root.strip_prefix(b"<!DOCTYPE") {
        Some(declared) => declared.trim_ascii_start(),
        None => root.strip_prefix(b"<")?,
    };
    let is_root = match name.strip_prefix(ROOT) {
        Some(rest) => rest.first().is_none_or(|byte| b"> \t\r\n/[".contains(byte)),
        None => ROOT.starts_with(name),
    };
    is_root.then_some(Content::Configuration)
}

/// What stands behind declaration, comments and instructions; `None` where the text ends within or right behind them.
fn behind_prolog(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?") {
            b"?>"
        } else {
            let is_cut = [b"<!--".as_slice(), b"<!DOCTYPE"]
                .iter()
                .any(|begin| begin.starts_with(rest));
            return (!is_cut).then_some(rest);
        };
        let at = rest.windows(end.len()).position(|window| window == end)?;
        rest = rest.get(at.saturating_add(end.len())..)?.trim_ascii_start();
    }
}

/// Descriptors and configurations are lists of `key = value`; a few keys tell them from any other such list.
fn dictionary(head: &[u8]) -> Option<Content> {
    let mut version = false;
    for line in head.split(|&byte| byte == b'\n') {
        if is_descriptor_title(line) {
            return Some(Content::VmdkDescriptor);
        }
        let Some(equals) = line.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        let (key, value) = line.split_at(equals);
        let key = key.strip_prefix(b"\xef\xbb\xbf").unwrap_or(key).trim_ascii();
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        if is("config.version") || is("virtualHW.version") {
            return Some(Content::Vmx);
        }
        let number = value.get(1..).unwrap_or_default().trim_ascii();
        version |= is("version") && !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        if version && (is("CID") || is("createType") || is("parentCID")) {
            return Some(Content::VmdkDescriptor);
        }
    }
    None
}

/// `# Disk DescriptorFile`, as nearly every writer begins.
fn is_descriptor_title(line: &[u8]) -> bool {
    line.trim_ascii()
        .strip_prefix(b"#")
        .is_some_and(|title| title.trim_ascii().eq_ignore_ascii_case(b"disk descriptorfile"))
}

/// `SHA256(disk.vmdk)= 0a1b…` (OVF 1.0 and later).
fn is_manifest(head: &[u8]) -> bool {
    [b"SHA1".as_slice(), b"SHA256", b"SHA512"].iter().any(|algorithm| {
        head.strip_prefix(*algorithm)
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"("))
    })
}

/// What has no known signature.
fn rest(head: &[u8]) -> Content {
    if PACKED_SIGNATURES.iter().any(|signature| head.starts_with(signature)) {
        return Content::Packed;
    }
    if head.iter().all(|&byte| byte == 0) {
        return Content::Zeros;
    }
    Content::Binary
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vhd_tail(footer: usize) -> Vec<u8> {
        let mut tail = vec![7; 1024];
        let start = tail.len() - footer;
        tail[start..start + 8].copy_from_slice(b"conectix");
        tail
    }

    #[test]
    fn a_fixed_vhd_is_known_by_its_footer_alone() {
        assert_eq!(by_content(&[0; 4096], &vhd_tail(512)), Content::Vhd);
        assert_eq!(
            by_content(&[0; 4096], &vhd_tail(511)),
            Content::Vhd,
            "footer of before 2003"
        );
        assert_eq!(by_content(&[0; 4096], &vhd_tail(510)), Content::Zeros);
        assert_eq!(by_content(b"conectix\0\0", &[]), Content::Vhd, "the copy at the front");
    }

    #[test]
    fn a_vhd_that_carries_a_guest_state_store_is_one() {
        let mut head = b"GUESTRTS".to_vec();
        head.resize(8192, 0);
        assert_eq!(by_content(&head, &vhd_tail(512)), Content::GuestState);
    }

    #[test]
    fn a_descriptor_is_known_by_its_keys_not_by_its_first_comment() {
        let descriptor = b"\xef\xbb\xbf\r\n# made by hand\r\nversion = 1\r\nCID=fffffffe\r\n";
        assert_eq!(by_content(descriptor, &[]), Content::VmdkDescriptor);
        assert_eq!(
            by_content(b"version=1.2.3\nCID=5\n", &[]),
            Content::Text,
            "a version that is no number"
        );
        assert_eq!(by_content(b"name=x\nversion=1\n", &[]), Content::Text);
    }

    #[test]
    fn a_configuration_is_known_in_both_widths() {
        let xml = "<?xml version=\"1.0\"?>\r\n<configuration>\r\n";
        let wide: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(xml.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(by_content(xml.as_bytes(), &[]), Content::Configuration);
        assert_eq!(by_content(&wide, &[]), Content::Configuration);
        assert_eq!(by_content(b"<configurations>", &[]), Content::Text);
        assert_eq!(Content::Configuration.kind(None), None, "web.config has that root too");
    }

    #[test]
    fn a_configuration_is_known_without_a_byte_order_mark_and_behind_whatever_may_stand_before_its_root() {
        let known = |text: &str| {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            let found = [text.as_bytes(), &little, &big].map(|bytes| by_content(bytes, &[]) == Content::Configuration);
            assert!(found.iter().all(|is| *is == found[0]), "{text}: {found:?}");
            found[0]
        };
        let comment = format!("<!-- {} -->", "x".repeat(6000));
        for text in [
            "<?xml version=\"1.0\" encoding=\"UTF-16\" standalone=\"yes\"?>\r\n<configuration>",
            &format!("<?xml version=\"1.0\"?>{comment}\n<!-- - -- a --><configuration/>"),
            "<!DOCTYPE configuration><configuration>",
            "<!DOCTYPE configuration[]><configuration>",
        ] {
            assert!(known(text), "{text}");
        }
        for text in [
            "<!DOCTYPE html><configuration>",
            "<?xml version=\"1.0\"?><unattend>",
            "<?xml version=\"1.0\"?><!-- <configuration> --><a>",
            "<config>",
        ] {
            assert!(!known(text), "{text}");
        }
    }

    #[test]
    fn a_configuration_that_is_cut_off_is_one_still() {
        let whole = "<?xml version=\"1.0\"?>\r\n<!-- a -->\r\n<configuration>";
        for end in 1..=whole.len() {
            assert_eq!(
                by_content(&whole.as_bytes()[..end], &[]),
                Content::Configuration,
                "{end}"
            );
            let wide: Vec<u8> = whole[..end].encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(by_content(&wide, &[]), Content::Configuration, "{end}");
        }
        let mut zeroed = whole.as_bytes().to_vec();
        zeroed.resize(4096, 0);
        assert_eq!(
            by_content(&zeroed, &[]),
            Content::Configuration,
            "zeros after a power loss"
        );
        assert_eq!(by_content(b" \r\n", &[]), Content::Text, "no XML at all");
        assert_eq!(by_content(&[b'<', 0, 0xff, 7, 0, 9], &[]), Content::Binary);
    }

    #[test]
    fn keys_of_a_vmx_are_read_without_case() {
        assert_eq!(
            by_content(b".encoding = \"UTF-8\"\nCONFIG.VERSION = \"8\"\n", &[]),
            Content::Vmx
        );
    }

    #[test]
    fn the_second_header_of_a_container_suffices() {
        let mut head = vec![0; 0x3000];
        head[0x1000..0x1004].copy_from_slice(&[0x14, 0x20, 0x28, 0x01]);
        assert_eq!(by_content(&head, &[]), Content::HypervStorage);
    }
}
