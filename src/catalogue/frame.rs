//! The frames of a saved catalogue: what is written as one piece, read as one piece, and known to be whole.
//!
//! A catalogue is a file of Zstandard frames (RFC 8878): `zstd -dc` gives its records as lines of JSON. What Zstandard has
//! no place for stands in skippable frames, which every Zstandard decoder passes over: the header, a seal before each
//! block, the trailer. Each ends with the BLAKE3 digest of all bytes of these frames so far, itself and the earlier
//! digests left out. A seal holds the digest of its block, so that the digest of the trailer vouches for the whole file.
//!
//! ```text
//! header   50 2A 4D 18 · length u32 · JSON · digest
//! seal     51 2A 4D 18 · length u32 · raw bytes u32 · stored bytes u32 · BLAKE3 of the block · digest
//! block    one Zstandard frame of `stored bytes`, which holds `raw bytes` of lines of JSON
//! …        seals and blocks
//! trailer  52 2A 4D 18 · length u32 · blocks u64 · folders u64 · artifacts u64 · digest
//! ```
//!
//! Integers are little-endian. What a run that was killed leaves ends anywhere; what stands before the last whole block
//! is sound.

use derelict_parsers::ParseError;

pub(super) const HEADER_MAGIC: u32 = 0x184D_2A50;
const SEAL_MAGIC: u32 = 0x184D_2A51;
const TRAILER_MAGIC: u32 = 0x184D_2A52;

/// What a block is called in errors.
pub(super) const BLOCK: &str = "catalogue block";

const DIGEST_BYTES: usize = 32;

/// Magic and length.
const PREFIX_BYTES: usize = 8;

/// Raw and stored bytes, and the digest of the block.
const SEAL_BYTES: usize = 8 + DIGEST_BYTES;

/// Three counts.
const TRAILER_BYTES: usize = 24;

/// Most bytes of a header: it names the roots.
const MOST_HEADER_BYTES: usize = 16 << 20;

/// Most bytes of a block before compression: what a reader holds at a time. One artifact has to fit.
pub(super) const MOST_RAW_BYTES: usize = 256 << 20;

/// The first level that compresses JSON well: the next ones cost much more time than they save space.
const LEVEL: i32 = 1;

/// How many of what a complete catalogue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) blocks: u64,
    pub(super) folders: u64,
    pub(super) artifacts: u64,
}

/// The digest over all frames but the blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain(blake3::Hasher);

impl Chain {
    fn digest_with(&mut self, bytes: &[u8]) -> blake3::Hash {
        self.0.update(bytes);
        self.0.finalize()
    }

    /// A skippable frame of this content.
    fn frame(&mut self, magic: u32, content: &[u8]) -> Vec<u8> {
        let length = content.len().saturating_add(DIGEST_BYTES);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(content.len().saturating_add(PREFIX_BYTES + DIGEST_BYTES));
        bytes.extend(magic.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(content);
        let digest = self.digest_with(&bytes);
        bytes.extend(digest.as_bytes());
        bytes
    }

    /// The header, first of all frames. `None` when it is too large to be read again.
    pub(super) fn header(&mut self, json: &[u8]) -> Option<Vec<u8>> {
        (json.len() <= MOST_HEADER_BYTES).then(|| self.frame(HEADER_MAGIC, json))
    }

    /// A block behind its seal.
    pub(super) fn block(&mut self, raw: &[u8]) -> std::io::Result<Vec<u8>> {
        let stored = zstd::bulk::compress(raw, LEVEL)?;
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(std::io::Error::other);
        let mut seal = Vec::with_capacity(SEAL_BYTES);
        seal.extend(length(raw)?.to_le_bytes());
        seal.extend(length(&stored)?.to_le_bytes());
        seal.extend(blake3::hash(&stored).as_bytes());
        let mut bytes = self.frame(SEAL_MAGIC, &seal);
        bytes.extend(stored);
        Ok(bytes)
    }

    /// The trailer, last of all frames.
    pub(super) fn trailer(&mut self, counts: Counts) -> Vec<u8> {
        let content: Vec<u8> = [counts.blocks, counts.folders, counts.artifacts]
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .collect();
        self.frame(TRAILER_MAGIC, &content)
    }
}

/// What a frame holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Lines of JSON.
    Block(Block<'a>),
    /// Nothing may follow.
    Trailer(Counts),
}

/// A block as it is stored. Whether it is what its seal says is found out by [`Self::lines`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Where its seal begins.
    pub(super) start: usize,
    stored: &'a [u8],
    /// The digest of what is stored.
    digest: &'a [u8],
    /// Bytes before compression.
    raw: usize,
}

impl Block<'_> {
    /// The lines of JSON.
    pub(super) fn lines(&self) -> Result<Vec<u8>> {
        let malformed = |detail: &str| malformed(BLOCK, self.start, detail);
        if blake3::hash(self.stored).as_bytes() != self.digest {
            return Err(malformed("checksum mismatch"));
        }
        let lines = zstd::bulk::decompress(self.stored, self.raw).map_err(|error| malformed(&error.to_string()))?;
        if lines.len() != self.raw {
            return Err(malformed("it holds fewer bytes than its seal says"));
        }
        Ok(lines)
    }
}

/// Reads frames one after the other.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    bytes: &'a [u8],
    /// Behind the last frame that was whole.
    pub(super) at: usize,
    pub(super) chain: Chain,
}

/// The frame is not whole: here a run was killed, or the file was cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut;

type Result<T> = std::result::Result<T, ParseError>;

impl<'a> Frames<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            chain: Chain::default(),
        }
    }

    /// The JSON of the header, before its digest is looked at: another version may have another.
    pub(super) fn peek_header(&self) -> Option<&'a [u8]> {
        let (magic, length) = self.prefix(0)?;
        let end = PREFIX_BYTES.checked_add(length)?.checked_sub(DIGEST_BYTES)?;
        self.bytes.get(PREFIX_BYTES..end).filter(|_| magic == HEADER_MAGIC)
    }

    /// The JSON of the header.
    pub(super) fn header(&mut self) -> Result<&'a [u8]> {
        const WHAT: &str = "catalogue header";
        let have = count(self.bytes.len());
        let truncated = |need: usize| ParseError::Truncated {
            what: WHAT,
            offset: 0,
            need: count(need),
            have,
        };
        let least = PREFIX_BYTES + DIGEST_BYTES;
        let (magic, length) = self.prefix(0).ok_or_else(|| truncated(least))?;
        if magic != HEADER_MAGIC {
            return Err(bad_magic(WHAT, 0, "50 2A 4D 18", magic));
        }
        if length > MOST_HEADER_BYTES.saturating_add(DIGEST_BYTES) {
            return Err(limit(WHAT, length, MOST_HEADER_BYTES));
        }
        let need = least.max(PREFIX_BYTES.saturating_add(length));
        self.content(WHAT, length)?.ok_or_else(|| truncated(need))
    }

    /// The next frame.
    pub(super) fn next(&mut self) -> Result<std::result::Result<Frame<'a>, Cut>> {
        let Some((magic, length)) = self.prefix(self.at) else {
            return Ok(Err(Cut));
        };
        match magic {
            SEAL_MAGIC => self.block(length),
            TRAILER_MAGIC => self.trailer(length),
            other => {
                let expected = "51 2A 4D 18 or 52 2A 4D 18";
                Err(bad_magic("catalogue frame", count(self.at), expected, other))
            }
        }
    }

    fn block(&mut self, length: usize) -> Result<std::result::Result<Frame<'a>, Cut>> {
        let start = self.at;
        let malformed = |detail: &str| malformed(BLOCK, start, detail);
        if length != SEAL_BYTES + DIGEST_BYTES {
            return Err(malformed("its seal has another length than seals have"));
        }
        let before = self.chain.clone();
        let Some(seal) = self.content(BLOCK, length)? else {
            return Ok(Err(Cut));
        };
        let (raw, rest) = u32_at(seal).ok_or_else(|| malformed("no raw length"))?;
        let (stored, digest) = u32_at(rest).ok_or_else(|| malformed("no stored length"))?;
        if raw > MOST_RAW_BYTES {
            return Err(limit("raw bytes of a catalogue block", raw, MOST_RAW_BYTES));
        }
        let bytes: &'a [u8] = self.bytes;
        let end = self.at.checked_add(stored);
        let Some(stored) = end.and_then(|end| bytes.get(self.at..end)) else {
            (self.at, self.chain) = (start, before);
            return Ok(Err(Cut));
        };
        self.at = self.at.saturating_add(stored.len());
        Ok(Ok(Frame::Block(Block {
            start,
            stored,
            digest,
            raw,
        })))
    }

    fn trailer(&mut self, length: usize) -> Result<std::result::Result<Frame<'a>, Cut>> {
        const WHAT: &str = "catalogue trailer";
        let start = self.at;
        if length != TRAILER_BYTES + DIGEST_BYTES {
            return Err(malformed(WHAT, start, "it has another length than trailers have"));
        }
        let Some(content) = self.content(WHAT, length)? else {
            return Ok(Err(Cut));
        };
        if self.at < self.bytes.len() {
            return Err(malformed(WHAT, self.at, "something follows it"));
        }
        let mut counts = content.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || counts.next().unwrap_or_default();
        Ok(Ok(Frame::Trailer(Counts {
            blocks: next(),
            folders: next(),
            artifacts: next(),
        })))
    }

    /// Magic and length of the skippable frame at an offset.
    fn prefix(&self, offset: usize) -> Option<(u32, usize)> {
        let (magic, rest) = self.bytes.get(offset..)?.split_first_chunk()?;
        let (length, _) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        Some((u32::from_le_bytes(*magic), length))
    }

    /// The content of the skippable frame that begins here, once its digest is found right; `None` when it is cut off.
    fn content(&mut self, what: &'static str, length: usize) -> Result<Option<&'a [u8]>> {
        let bytes: &'a [u8] = self.bytes;
        let end = self.at.saturating_add(PREFIX_BYTES).saturating_add(length);
        let Some((frame, stored)) = bytes
            .get(self.at..end)
            .and_then(<[u8]>::split_last_chunk::<DIGEST_BYTES>)
        else {
            return Ok(None);
        };
        let mut chain = self.chain.clone();
        if chain.digest_with(frame).as_bytes() != stored {
            return Err(malformed(what, self.at, "checksum mismatch"));
        }
        self.chain = chain;
        self.at = end;
        Ok(frame.get(PREFIX_BYTES..))
    }
}

fn u32_at(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*value)).ok()?, rest))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A contradiction to the format.
pub(super) fn malformed(what: &'static str, offset: usize, detail: &str) -> ParseError {
    ParseError::Malformed {
        what,
        offset: count(offset),
        detail: detail.to_owned(),
    }
}

fn limit(what: &'static str, value: usize, limit: usize) -> ParseError {
    ParseError::LimitExceeded {
        what,
        value: count(value),
        limit: count(limit),
    }
}

fn bad_magic(what: &'static str, offset: u64, expected: &'static str, found: u32) -> ParseError {
    let found = found.to_le_bytes().map(|byte| format!("{byte:02X}")).join(" ");
    ParseError::BadSignature {
        what,
        offset,
        expected,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts {
        blocks: 1,
        folders: 2,
        artifacts: 3,
    };

    fn file() -> Vec<u8> {
        let mut chain = Chain::default();
        let mut file = chain.header(b"{}").unwrap();
        file.extend(chain.block(b"one\n").unwrap());
        file.extend(chain.trailer(COUNTS));
        file
    }

    fn next_lines(frames: &mut Frames<'_>) -> Result<Vec<u8>> {
        match frames.next()? {
            Ok(Frame::Block(block)) => block.lines(),
            other => panic!("{other:?} is no block"),
        }
    }

    #[test]
    fn frames_come_back_as_they_were() {
        let file = file();
        let mut frames = Frames::new(&file);
        assert_eq!(frames.header().unwrap(), b"{}");
        assert_eq!(next_lines(&mut frames).unwrap(), b"one\n");
        assert_eq!(frames.next().unwrap(), Ok(Frame::Trailer(COUNTS)));
        assert_eq!(frames.at, file.len());
    }

    #[test]
    fn what_is_cut_ends_behind_the_last_whole_frame() {
        let file = file();
        let mut frames = Frames::new(&file[..file.len() - 1]);
        frames.header().unwrap();
        frames.next().unwrap().unwrap();
        let at = frames.at;
        assert_eq!(frames.next().unwrap(), Err(Cut));
        assert_eq!(frames.at, at);
    }

    #[test]
    fn a_seal_that_claims_more_than_a_block_may_hold_is_refused_before_anything_is_reserved() {
        let mut chain = Chain::default();
        let mut file = chain.header(b"{}").unwrap();
        let mut seal = u32::MAX.to_le_bytes().to_vec();
        seal.extend(4_u32.to_le_bytes());
        seal.extend(blake3::hash(b"abcd").as_bytes());
        file.extend(chain.frame(SEAL_MAGIC, &seal));
        file.extend(b"abcd");
        let mut frames = Frames::new(&file);
        frames.header().unwrap();
        assert!(matches!(frames.next(), Err(ParseError::LimitExceeded { .. })));
    }

    #[test]
    fn a_block_that_holds_more_or_less_than_its_seal_says_is_refused() {
        for claimed in [3_u32, 5] {
            let mut chain = Chain::default();
            let mut file = chain.header(b"{}").unwrap();
            let stored = zstd::bulk::compress(b"abcd", LEVEL).unwrap();
            let mut seal = claimed.to_le_bytes().to_vec();
            seal.extend(u32::try_from(stored.len()).unwrap().to_le_bytes());
            seal.extend(blake3::hash(&stored).as_bytes());
            file.extend(chain.frame(SEAL_MAGIC, &seal));
            file.extend(stored);
            let mut frames = Frames::new(&file);
            frames.header().unwrap();
            let error = next_lines(&mut frames).unwrap_err();
            assert!(matches!(error, ParseError::Malformed { .. }), "{claimed}: {error}");
        }
    }
}
