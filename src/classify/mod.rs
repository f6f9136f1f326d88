//! Which files are artifacts, and of which kind: the name is a hint, the content decides.
//!
//! [`by_name`] reads the name and the place of a file, [`by_content`] its first 64 KiB and last KiB, [`decide`] puts the
//! two together. Formats without a signature (flat extents, swap, memory) rest on the name alone. Nothing is parsed
//! here; a file that carries the signature of a format and is broken behind it is still of that kind.

mod content;
mod names;
mod system;

pub use content::{Content, TAIL_BYTES, by_content};
pub use names::{NameHint, Surroundings, by_name, detail, implied_descriptor, is_guid};
pub use system::is_host_list;
pub(crate) use system::is_vmfs_metadata;

use crate::kind::{Basis, Kind};

/// A file without a known name is probed when it has at least this many bytes in whole sectors.
pub const PROBED_FROM_BYTES: u64 = 1 << 20;

/// Longest flat extent that is opened although its name tells what it is: a VM whose name ends in `-flat` has a
/// descriptor of that name, and descriptors are short.
const SHORT_FLAT_BYTES: u64 = 1 << 20;

/// True for a file that could be a disk whatever it is called.
pub fn has_the_size_of_a_disk(length: u64) -> bool {
    length >= PROBED_FROM_BYTES && length.is_multiple_of(512)
}

/// Whether the content of a file with this name has to be looked at. `has_descriptor`: the descriptor that the name of
/// a flat extent implies lies beside it.
pub fn is_opened(hint: NameHint, name: &[u8], length: u64, has_descriptor: bool) -> bool {
    use Kind::{Bin, Mrt, Psf, Rct, Slp, VmLog, VmdkFlat, VmdkRdm, Vmem, Vswp};

    if length == 0 {
        return false;
    }
    match hint {
        NameHint::Kind(VmdkFlat) => length <= SHORT_FLAT_BYTES || !has_descriptor,
        // Reading a raw device map reads the LUN behind it. The others have no format that is known.
        NameHint::Kind(VmdkRdm | Vswp | Vmem | Slp | Bin | Rct | Mrt) | NameHint::Renamed(VmdkRdm) => false,
        NameHint::Kind(Psf) => names::is_replication_group(name),
        NameHint::Kind(VmLog) => names::is_vmware_log(name),
        NameHint::System => is_host_list(name),
        NameHint::Kind(_)
        | NameHint::IfContent(_)
        | NameHint::Renamed(_)
        | NameHint::OpenDeleted
        | NameHint::Unknown => true,
    }
}

/// What a file is: `None` for an ordinary file. `content` is `None` where the file was not or could not be read.
pub fn decide(hint: NameHint, content: Option<Content>) -> Option<(Kind, Basis)> {
    match hint {
        NameHint::System => Some((Kind::DatastoreSystem, Basis::Name)),
        NameHint::Kind(named) => Some(match content.and_then(|content| content.kind(Some(named))) {
            // The list of a group of vSphere Replication is a dictionary like a configuration, and may have its keys.
            Some(Kind::Vmx) if named == Kind::Psf => (named, Basis::Both),
            Some(found) if agree(named, found) => (found, Basis::Both),
            Some(found) => (found, Basis::Conflict),
            None => (named, without_signature(named, content)),
        }),
        NameHint::IfContent(named) => match content {
            None | Some(Content::Empty | Content::Zeros) => Some((named, Basis::Name)),
            Some(content) => content.kind(Some(named)).map(|found| {
                let basis = if agree(named, found) {
                    Basis::Both
                } else {
                    Basis::Conflict
                };
                (found, basis)
            }),
        },
        NameHint::Renamed(named) => match content {
            Some(content) => content
                .kind(Some(named))
                .map(|found| (found, Basis::Content))
                .or_else(|| (content.is_opaque() || !has_signature(named)).then_some((named, Basis::Name))),
            None => Some((named, Basis::Name)),
        },
        NameHint::OpenDeleted => content.and_then(|content| match content {
            Content::Binary | Content::Zeros => Some((Kind::VmdkFlat, Basis::Name)),
            content => content.kind(None).map(|found| (found, Basis::Content)),
        }),
        NameHint::Unknown => content
            .and_then(|content| content.kind(None))
            .map(|found| (found, Basis::Content)),
    }
}

/// The name says `named`, and the content is of no known format.
fn without_signature(named: Kind, content: Option<Content>) -> Basis {
    match content {
        Some(Content::Text) if is_text(named) => Basis::Both,
        Some(Content::Text | Content::Packed) if has_signature(named) => Basis::Conflict,
        _ => Basis::Name,
    }
}

/// True when content `found` is what a file named as `named` may hold.
fn agree(named: Kind, found: Kind) -> bool {
    use Kind::{VmdkDelta, VmdkDescriptor, VmdkDigest, VmdkSeSparse, VmdkSparse, VmdkStream};
    match named {
        VmdkDescriptor => matches!(
            found,
            VmdkDescriptor | VmdkSparse | VmdkStream | VmdkDelta | VmdkSeSparse
        ),
        VmdkDelta | VmdkSeSparse | VmdkSparse => matches!(found, VmdkDelta | VmdkSeSparse | VmdkSparse),
        VmdkDigest => matches!(found, VmdkDescriptor | VmdkDelta | VmdkSeSparse),
        Kind::Vhd | Kind::Avhd => matches!(found, Kind::Vhd | Kind::Avhd),
        _ => named == found,
    }
}

/// True for formats whose files are text from the first byte to the last.
fn is_text(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Vmx
            | Kind::Vmtx
            | Kind::Vmxf
            | Kind::Vmsd
            | Kind::VmdkDescriptor
            | Kind::VmLog
            | Kind::VmLock
            | Kind::Ovf
            | Kind::HypervXml
    )
}

/// True for formats whose sound files begin (or, for VHD, end) with a signature.
pub fn has_signature(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::VmdkSparse
            | Kind::VmdkStream
            | Kind::VmdkDelta
            | Kind::VmdkSeSparse
            | Kind::VmdkCtk
            | Kind::Vmsn
            | Kind::Vmss
            | Kind::Vmcx
            | Kind::Vmrs
            | Kind::Vmgs
            | Kind::Vhd
            | Kind::Vhdx
            | Kind::Avhd
            | Kind::Avhdx
            | Kind::Hrl
            | Kind::Iso
            | Kind::HypervXml
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_wins_over_the_name_and_says_so() {
        let named = NameHint::Kind(Kind::Vhd);
        assert_eq!(decide(named, Some(Content::Vhdx)), Some((Kind::Vhdx, Basis::Conflict)));
        assert_eq!(decide(named, Some(Content::Vhd)), Some((Kind::Vhd, Basis::Both)));
        assert_eq!(
            decide(NameHint::Unknown, Some(Content::Vhdx)),
            Some((Kind::Vhdx, Basis::Content))
        );
    }

    #[test]
    fn text_in_a_file_of_a_binary_format_is_a_conflict() {
        let named = NameHint::Kind(Kind::Vmcx);
        assert_eq!(decide(named, Some(Content::Text)), Some((Kind::Vmcx, Basis::Conflict)));
        assert_eq!(
            decide(named, Some(Content::Zeros)),
            Some((Kind::Vmcx, Basis::Name)),
            "zero-filled after a crash"
        );
        assert_eq!(
            decide(named, None),
            Some((Kind::Vmcx, Basis::Name)),
            "the name decides where nothing was read"
        );
    }

    #[test]
    fn a_vmdk_suffix_decides_only_without_a_signature() {
        let flat = NameHint::Kind(Kind::VmdkFlat);
        assert_eq!(decide(flat, Some(Content::Binary)), Some((Kind::VmdkFlat, Basis::Name)));
        assert_eq!(
            decide(flat, Some(Content::VmdkDescriptor)),
            Some((Kind::VmdkDescriptor, Basis::Conflict)),
            "the descriptor of a VM that is called …-flat"
        );
        assert_eq!(
            decide(NameHint::Kind(Kind::VmdkDescriptor), Some(Content::HostedSparse)),
            Some((Kind::VmdkSparse, Basis::Both)),
            "a plain .vmdk may be any of them"
        );
    }

    #[test]
    fn a_renamed_file_counts_when_it_is_recognised_or_opaque() {
        let renamed = NameHint::Renamed(Kind::VmdkDescriptor);
        assert_eq!(
            decide(renamed, Some(Content::VmdkDescriptor)),
            Some((Kind::VmdkDescriptor, Basis::Content))
        );
        let sparse = NameHint::Renamed(Kind::Vhdx);
        assert_eq!(
            decide(sparse, Some(Content::Binary)),
            Some((Kind::Vhdx, Basis::Name)),
            "encrypted by ransomware"
        );
        assert_eq!(decide(sparse, Some(Content::Text)), None, "a note beside a disk");
        assert_eq!(decide(sparse, Some(Content::Packed)), None, "an archive of a disk");
    }

    #[test]
    fn a_weak_name_needs_its_content() {
        let xml = NameHint::IfContent(Kind::HypervXml);
        assert_eq!(decide(xml, Some(Content::Text)), None);
        assert_eq!(
            decide(xml, Some(Content::Configuration)),
            Some((Kind::HypervXml, Basis::Both))
        );
        assert_eq!(decide(xml, Some(Content::Empty)), Some((Kind::HypervXml, Basis::Name)));
    }

    #[test]
    fn flats_are_opened_only_where_their_name_may_deceive() {
        let flat = NameHint::Kind(Kind::VmdkFlat);
        assert!(!is_opened(flat, b"a-flat.vmdk", 40 << 30, true));
        assert!(
            is_opened(flat, b"a-flat.vmdk", 40 << 30, false),
            "its descriptor is not there"
        );
        assert!(is_opened(flat, b"a-flat.vmdk", 600, true), "as short as a descriptor");
        assert!(!is_opened(
            NameHint::Kind(Kind::VmdkRdm),
            b"a-rdm.vmdk",
            40 << 30,
            false
        ));
        assert!(
            !is_opened(NameHint::Kind(Kind::Vhdx), b"a.vhdx", 0, false),
            "nothing to read"
        );
    }
}
