//! Texts of JSON at a fraction of their length: a dictionary holds what all of them have in common.

use std::{borrow::Cow, cell::RefCell, io, sync::LazyLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

/// Facts of the files in `sample-data`, the longest of each kind, the kinds that are met most behind the others. It is never stored with
/// what it packs, so that it may change at any time: facts that are unlike it only take more memory.
const DICTIONARY: &[u8] = include_bytes!("dictionary.jsonl");

/// One of the fast ones: with a dictionary a slower one gains a tenth and takes twice the time.
const LEVEL: i32 = -1;

/// How every frame of Zstandard begins (RFC 8878), and no JSON.
const FRAME: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

static FOR_PACKING: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static FOR_UNPACKING: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

thread_local! {
    static PACKER: RefCell<io::Result<Compressor<'static>>> = RefCell::new(Compressor::with_prepared_dictionary(&FOR_PACKING));
    static UNPACKER: RefCell<io::Result<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&FOR_UNPACKING));
}

/// The frame of Zstandard that a text of JSON is kept as; `None` for what is no shorter so, and for such a frame.
pub(super) fn pack(text: &[u8]) -> Option<Vec<u8>> {
    if text.starts_with(&FRAME) {
        return None;
    }
    let frame = PACKER.with_borrow_mut(|packer| packer.as_mut().ok()?.compress(text).ok())?;
    (frame.len() < text.len()).then_some(frame)
}

/// The text of JSON that was packed, or was not.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn unpack(packed: &[u8]) -> io::Result<Cow<'_, str>> {
    let not_packed = || io::Error::new(io::ErrorKind::InvalidData, "it was never packed");
    if !packed.starts_with(&FRAME) {
        let text = std::str::from_utf8(packed).map_err(io::Error::other)?;
        return Ok(text.into());
    }
    let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let length = length.and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(not_packed)?;
    let text = UNPACKER.with_borrow_mut(|unpacker| match unpacker {
        Ok(unpacker) => unpacker.decompress(packed, length),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    })?;
    Ok(String::from_utf8(text).map_err(io::Error::other)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_unpacked_as_it_was() {
        let long = format!("[{}1]", "1,".repeat(1 << 20));
        for text in ["null", "{}", "\"\u{202e}ü\"", &long] {
            let packed = pack(text.as_bytes()).unwrap_or(text.into());
            assert_eq!(unpack(&packed).unwrap(), text);
            assert!(packed.len() <= text.len());
        }
    }

    #[test]
    fn facts_that_the_dictionary_does_not_hold_take_a_third_of_their_length_at_most() {
        let descriptor = "# Disk DescriptorFile\nversion=1\nCID=0f3a91c2\nparentCID=ffffffff\ncreateType=\"vmfs\"\n\
            RW 8388608 VMFS \"mail-2_1-flat.vmdk\"\nddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"522\"\n\
            ddb.uuid = \"60 00 C2 91 4b 77 0e d3-5a 11 c8 96 f0 2b 7d 48\"\nddb.virtualHWVersion = \"19\"\n";
        let parsed =
            derelict_parsers::vmdk::Descriptor::parse(descriptor.as_bytes(), &derelict_parsers::Limits::default())
                .unwrap();
        let text = serde_json::to_string(&parsed).unwrap();
        let length = pack(text.as_bytes()).unwrap().len();
        assert!(length * 3 < text.len(), "{length} of {} bytes: {text}", text.len());
    }

    #[test]
    fn what_is_packed_is_not_packed_again() {
        let packed = pack(DICTIONARY).unwrap();
        assert!(packed.len() * 100 < DICTIONARY.len(), "it is the dictionary itself");
        assert_eq!(pack(&packed), None);
    }
}
