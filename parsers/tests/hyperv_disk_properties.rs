//! Promises for any bytes: no panic, bounded answers, and what was built is what is read.
#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected has to stop")]

use std::cell::Cell;

use derelict_parsers::{
    DiskKind, EncodedText, Limits, ParseError, ReadAt, guid, hrl,
    testkit::{
        self, SparseFile,
        hyperv_files::{HrlBuilder, VmgsBuilder, vhds as vhds_file},
        vhd::VhdBuilder,
        vhdx::{ParentPaths, VhdxBuilder, VhdxLog},
    },
    vhd, vhds,
    vhdx::{self, LogState},
    vmgs,
};
use proptest::{collection::vec, prelude::*};

const MIB: u64 = 1 << 20;

/// A sparse file as a source, cut at `length`, that counts what is asked of it: reading megabytes of holes a thousand
/// times would take the tests minutes.
struct Source<'a> {
    file: &'a SparseFile,
    length: u64,
    asked: Cell<u64>,
}

impl<'a> Source<'a> {
    fn new(file: &'a SparseFile) -> Self {
        Self::cut(file, file.length)
    }

    fn cut(file: &'a SparseFile, length: u64) -> Self {
        Self {
            file,
            length,
            asked: Cell::new(0),
        }
    }
}

impl ReadAt for Source<'_> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = u64::try_from(buffer.len())
            .unwrap()
            .min(self.length.saturating_sub(offset));
        self.asked.set(self.asked.get() + count);
        let there = usize::try_from(count).unwrap();
        buffer[..there].fill(0);
        for (start, bytes) in &self.file.parts {
            let from = offset.max(*start);
            let to = (offset + count).min(start + u64::try_from(bytes.len()).unwrap());
            if from < to {
                let source = usize::try_from(from - start).unwrap()..usize::try_from(to - start).unwrap();
                let target = usize::try_from(from - offset).unwrap()..usize::try_from(to - offset).unwrap();
                buffer[target].copy_from_slice(&bytes[source]);
            }
        }
        Ok(there)
    }
}

/// A source of which one read fails, as on a share that goes away and comes back.
struct Failing<'a> {
    source: Source<'a>,
    sound_reads: Cell<usize>,
    failed: Cell<bool>,
}

impl<'a> Failing<'a> {
    fn after(sound_reads: usize, file: &'a SparseFile) -> Self {
        Self {
            source: Source::new(file),
            sound_reads: Cell::new(sound_reads),
            failed: Cell::new(false),
        }
    }
}

impl ReadAt for Failing<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.sound_reads.get() == 0 && !self.failed.replace(true) {
            return Err(std::io::Error::from_raw_os_error(5));
        }
        self.sound_reads.set(self.sound_reads.get().saturating_sub(1));
        self.source.read_at(offset, buffer)
    }
}

/// Holds `read` against a failure at each of its reads: the answer has to be that failure, never a fact. Returns how many
/// reads there are.
fn fails_with_its_source<T>(file: &SparseFile, read: impl Fn(&Failing<'_>) -> derelict_parsers::Result<T>) -> usize {
    (0..50)
        .take_while(|&sound_reads| {
            let source = Failing::after(sound_reads, file);
            let result = read(&source);
            let is_io = matches!(&result, Err(error) if error.is_io());
            assert_eq!(is_io, source.failed.get(), "read {sound_reads} of the file failed");
            source.failed.get()
        })
        .count()
}

#[test]
fn a_read_that_fails_is_never_taken_for_a_fact_of_the_file() {
    let base = VhdxBuilder::new(DiskKind::Dynamic, MIB, 1);
    let mut child = VhdxBuilder::child_of(&base, ParentPaths::default(), 2);
    child.log = VhdxLog::HoldsMetadata(testkit::guid(1, 1));
    let reads = fails_with_its_source(&child.build(), |source| vhdx::read(source, &limits()));
    assert_eq!(reads, 3, "head, log and metadata: three round trips");
    let base = VhdBuilder::new(DiskKind::Dynamic, MIB, 1);
    let child = VhdBuilder::child_of(&base, r".\base.vhd", r"C:\base.vhd", 2);
    let reads = fails_with_its_source(&child.build(), |source| vhd::read(source, &limits()));
    assert_eq!(reads, 3, "footer, its copy, head");
    let fixed = VhdBuilder::new(DiskKind::Fixed, MIB, 1);
    assert_eq!(
        fails_with_its_source(&fixed.build(), |source| vhd::read(source, &limits())),
        1
    );
    let state = VmgsBuilder::new(1).build();
    assert_eq!(fails_with_its_source(&state, |source| vmgs::read(source, &limits())), 3);
    let mut log = SparseFile::default();
    log.put(0, HrlBuilder::new(1).bytes());
    assert_eq!(fails_with_its_source(&log, |source| hrl::read(source)), 1);
    assert_eq!(fails_with_its_source(&log, |source| vhds::read(source)), 1);
}

fn vhdx_file() -> impl Strategy<Value = VhdxBuilder> {
    let kind = prop_oneof![
        Just(DiskKind::Fixed),
        Just(DiskKind::Dynamic),
        Just(DiskKind::Differencing)
    ];
    (
        kind,
        1..4000_u64,
        20..26_u32,
        any::<u64>(),
        any::<bool>(),
        0..3,
        ".{0,40}",
        any::<bool>(),
    )
        .prop_map(|(kind, mib, block, seed, large_sectors, log, path, incomplete)| {
            let base = VhdxBuilder::new(DiskKind::Dynamic, mib * MIB, seed);
            let mut builder = if kind == DiskKind::Differencing {
                let paths = ParentPaths {
                    relative: &path.replace('\0', ""),
                    absolute: r"C:\vm\base.vhdx",
                    volume: "",
                };
                VhdxBuilder::child_of(&base, paths, seed ^ 1)
            } else {
                VhdxBuilder { kind, ..base }
            };
            builder.block_size_bytes = 1 << block;
            builder.logical_sector_bytes = if large_sectors { 4096 } else { 512 };
            builder.log = match log {
                0 => VhdxLog::Clean,
                1 => VhdxLog::HoldsMetadata(testkit::guid(seed, 8)),
                _ => VhdxLog::Lost(testkit::guid(seed, 8)),
            };
            builder.incomplete = incomplete;
            builder
        })
}

fn vhd_file() -> impl Strategy<Value = VhdBuilder> {
    (0..3, 1..4000_u64, any::<u64>(), any::<bool>(), "[^\0]{0,40}").prop_map(|(kind, mib, seed, saved_state, path)| {
        let base = VhdBuilder::new(DiskKind::Dynamic, mib * MIB, seed);
        VhdBuilder {
            saved_state,
            ..match kind {
                0 => VhdBuilder::child_of(&base, &path, r"C:\vm\base.vhd", seed ^ 1),
                1 => base,
                _ => VhdBuilder::new(DiskKind::Fixed, mib * MIB, seed),
            }
        }
    })
}

/// Where to write what over a file.
fn changes() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    // Half of them in the small structures, where they hit something.
    let place = prop_oneof![
        0..2048_u64,
        (0..5_u64, 0..160_u64).prop_map(|(block, offset)| (block << 16) + offset),
        (0..3_u64, 0..70_u64).prop_map(|(sector, offset)| MIB + (sector << 12) + offset),
        (0..2_u64, 0..400_u64).prop_map(|(block, offset)| 2 * MIB + (block << 16) + offset),
        0..4 * MIB,
    ];
    let bytes = prop_oneof![
        vec(any::<u8>(), 1..9),
        Just(vec![0xff; 4]),
        Just(vec![0; 8]),
        Just(vec![0xff; 8])
    ];
    vec((place, bytes), 1..6)
}

/// Gives headers and region tables their checksums again, so that changes get past them.
fn reseal_vhdx(file: &mut SparseFile) {
    for (offset, length) in [
        (0x1_0000, 0x1000),
        (0x2_0000, 0x1000),
        (0x3_0000, 0x1_0000),
        (0x4_0000, 0x1_0000),
    ] {
        let mut bytes = Source::new(file)
            .exact("structure", offset, length)
            .unwrap()
            .into_owned();
        testkit::vhdx::seal(&mut bytes);
        file.put(offset, bytes);
    }
}

/// Facts are saved in the catalogue: what comes back has to be the same.
fn survives_json<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq>(facts: &T) -> bool {
    let json = serde_json::to_string(facts).unwrap();
    serde_json::from_str::<T>(&json).unwrap() == *facts
}

fn limits() -> Limits {
    Limits::default()
}

/// Anything that these readers say, they say within these bounds.
fn check_vhdx(source: &Source<'_>) -> Result<(), TestCaseError> {
    if let Ok(disk) = vhdx::read(source, &limits()) {
        prop_assert!(disk.virtual_bytes.is_none_or(|size| size <= 64 << 40));
        prop_assert!(disk.block_size_bytes.is_none_or(u32::is_power_of_two));
        prop_assert!(disk.anomalies.len() <= 101);
        prop_assert!(disk.damage.is_none() || disk.anomalies.contains(disk.damage.as_ref().unwrap()));
        prop_assert_eq!(disk.log_guid.is_none(), disk.log_state == LogState::Clean);
        prop_assert!(
            disk.damage.is_some() || disk.kind.is_some(),
            "nothing is missing without a word"
        );
        let complete = disk.damage.is_none();
        prop_assert!(!complete || disk.parent.is_some() || disk.kind != Some(DiskKind::Differencing));
    }
    prop_assert!(source.asked.get() < 24 * MIB, "{} bytes were read", source.asked.get());
    Ok(())
}

fn check_vhd(source: &Source<'_>) -> Result<(), TestCaseError> {
    if let Ok(disk) = vhd::read(source, &limits()) {
        prop_assert!(disk.virtual_bytes.is_none_or(|size| size <= 64 << 40));
        let complete = disk.damage.is_none();
        prop_assert!(!complete || disk.virtual_bytes.is_some());
        prop_assert!(!complete || disk.parent.is_some() == (disk.kind == DiskKind::Differencing));
        prop_assert!(!complete || disk.block_size_bytes.is_some() == (disk.kind != DiskKind::Fixed));
    }
    prop_assert!(source.asked.get() < 10 * MIB, "{} bytes were read", source.asked.get());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..5000), signature in 0..6_usize) {
        let signatures: [&[u8]; 6] = [b"", b"vhdxfile", b"conectix", b"GUESTRTS", b"msctlog ", b"cxsparse"];
        let bytes = [signatures[signature], &bytes].concat();
        let _ = vhdx::read(&bytes, &limits());
        let _ = vhd::read(&bytes, &limits());
        let _ = vmgs::read(&bytes, &limits());
        let _ = hrl::read(&bytes);
        let found = vhds::read(&bytes).unwrap();
        prop_assert!(found.names.iter().all(|name| name.as_str().to_lowercase().ends_with(".avhdx")));
    }

    #[test]
    fn any_file_name_is_taken_apart_or_not(name in ".{0,80}") {
        let stem = guid::disk_stem(&name);
        prop_assert!(name.starts_with(stem));
        prop_assert_eq!(guid::checkpoint_disk(&name).is_some_and(|disk| disk.stem.is_empty()), false);
        let _ = (guid::auto_recovery(&name), guid::named_by_guid(&name));
    }

    #[test]
    fn a_built_vhdx_reads_as_built(builder in vhdx_file()) {
        let file = builder.build();
        let disk = vhdx::read(&Source::new(&file), &limits()).unwrap();
        prop_assert!(survives_json(&disk));
        prop_assert_eq!(disk.data_write_guid, builder.data_write_guid);
        prop_assert_eq!(disk.file_write_guid, builder.file_write_guid);
        prop_assert_eq!(disk.sequence_number, builder.sequence_number + 1);
        prop_assert_eq!(disk.log_guid.is_some(), builder.log != VhdxLog::Clean);
        prop_assert_eq!(disk.damage.is_some(), matches!(builder.log, VhdxLog::Lost(_)));
        prop_assert_eq!(disk.kind, Some(builder.kind));
        prop_assert_eq!(disk.virtual_bytes, Some(builder.virtual_bytes));
        prop_assert_eq!(disk.block_size_bytes, Some(builder.block_size_bytes));
        prop_assert_eq!(disk.logical_sector_bytes, Some(builder.logical_sector_bytes));
        prop_assert_eq!(disk.disk_id, Some(builder.disk_id));
        prop_assert_eq!(disk.incomplete, builder.incomplete);
        let relative = builder.locator.iter().find(|(key, _)| key == "relative_path");
        prop_assert_eq!(disk.parent.is_some(), !builder.locator.is_empty());
        let read = disk.parent.and_then(|parent| parent.relative_path);
        prop_assert_eq!(read.as_ref().map(EncodedText::as_str), relative.map(|(_, path)| path.as_str()));
    }

    #[test]
    fn a_changed_vhdx_is_refused_or_read_within_bounds(
        builder in vhdx_file(),
        changes in changes(),
        resealed in any::<bool>(),
    ) {
        let mut file = builder.build();
        for (offset, bytes) in changes {
            file.put(offset, bytes);
        }
        if resealed {
            reseal_vhdx(&mut file);
        }
        check_vhdx(&Source::new(&file))?;
    }

    #[test]
    fn a_cut_vhdx_is_refused_or_tells_what_it_lost(builder in vhdx_file(), cut in prop_oneof![0..6 * MIB, 0..0x6_0000_u64]) {
        let file = builder.build();
        let cut = cut.min(file.length - 1);
        let source = Source::cut(&file, cut);
        match vhdx::read(&source, &limits()) {
            Ok(disk) => {
                prop_assert_eq!(disk.data_write_guid, builder.data_write_guid);
                // Behind metadata and table there is only payload, which is not read.
                prop_assert!(disk.damage.is_some() || cut >= 4 * MIB, "cut at {}", cut);
            }
            Err(ParseError::Truncated { .. }) => prop_assert!(cut < 0x1_1000),
            Err(other) => prop_assert!(false, "cut at {}: {}", cut, other),
        }
        check_vhdx(&source)?;
    }

    #[test]
    fn a_built_vhd_reads_as_built(builder in vhd_file()) {
        let file = builder.build();
        let disk = vhd::read(&Source::new(&file), &limits()).unwrap();
        prop_assert!(survives_json(&disk));
        prop_assert_eq!(&disk.anomalies, &[]);
        prop_assert_eq!(disk.kind, builder.kind);
        prop_assert_eq!(disk.virtual_bytes, Some(builder.virtual_bytes));
        prop_assert_eq!(disk.unique_id, Some(builder.unique_id));
        prop_assert_eq!(disk.saved_state, builder.saved_state);
        if let Some(parent) = disk.parent {
            prop_assert_eq!(parent.unique_id, Some(builder.parent_id));
            let relative = parent.relative_path.unwrap_or_default();
            prop_assert_eq!(relative.as_str(), builder.parent_relative.as_str());
        }
    }

    #[test]
    fn a_changed_vhd_is_refused_or_read_within_bounds(
        builder in vhd_file(),
        changes in changes(),
        resealed in any::<bool>(),
    ) {
        let mut file = builder.build();
        let length = file.length;
        for (offset, bytes) in changes {
            // The same in the footer at the end.
            let mirrored = (length - 512) + offset % 512;
            file.put(offset % length, bytes.clone());
            file.put(mirrored, bytes);
        }
        file.length = length;
        if resealed {
            for (offset, bytes, checksum) in [(0, 512, 64), (512, 1024, 36), (length - 512, 512, 64)] {
                let mut part = Source::new(&file).exact("structure", offset, bytes).unwrap().into_owned();
                testkit::vhd::seal(&mut part, checksum);
                file.put(offset, part);
            }
        }
        check_vhd(&Source::new(&file))?;
    }

    #[test]
    fn a_cut_vhd_is_refused_or_tells_what_it_lost(builder in vhd_file(), cut in 1..2 * MIB) {
        let file = builder.build();
        let cut = 1 + cut % (file.length - 1);
        let source = Source::cut(&file, file.length - cut);
        match vhd::read(&source, &limits()) {
            // The old footer, one byte shorter, is sound.
            Ok(disk) if cut == 1 => prop_assert!(disk.anomalies.is_empty()),
            Ok(disk) => {
                prop_assert!(builder.kind != DiskKind::Fixed, "a fixed disk has one footer");
                prop_assert_eq!(disk.unique_id, Some(builder.unique_id));
                prop_assert!(disk.damage.is_some());
            }
            Err(ParseError::BadSignature { .. }) => prop_assert_eq!(builder.kind, DiskKind::Fixed),
            Err(ParseError::Truncated { .. }) => prop_assert!(source.len() < 512),
            Err(other) => prop_assert!(false, "{}", other),
        }
        check_vhd(&source)?;
    }

    #[test]
    fn changed_small_files_are_refused_or_read(
        vtpm in any::<bool>(),
        changes in vec((0..12288_u64, vec(any::<u8>(), 1..9)), 0..5),
        cut in 0..9000_usize,
    ) {
        let builder = VmgsBuilder { vtpm, ..VmgsBuilder::new(1) };
        let mut file = builder.build();
        let sound = vmgs::read(&Source::new(&file), &limits()).unwrap();
        prop_assert_eq!(sound.has_vtpm, Some(vtpm));
        prop_assert!(survives_json(&sound));
        for (offset, bytes) in &changes {
            file.put(*offset, bytes.clone());
        }
        let source = Source::new(&file);
        if let Ok(state) = vmgs::read(&source, &limits()) {
            prop_assert!(state.has_vtpm.is_some() || state.damage.is_some());
        }
        prop_assert!(source.asked.get() < MIB);
        let mut log = HrlBuilder::new(1).bytes();
        prop_assert!(survives_json(&hrl::read(&log).unwrap()));
        for (offset, bytes) in &changes {
            let start = usize::try_from(*offset).unwrap() % 8000;
            log[start..start + bytes.len()].copy_from_slice(bytes);
        }
        log.truncate(cut);
        if let Ok(hrl) = hrl::read(&log) {
            prop_assert_eq!(hrl.open, hrl.end_offset == 0);
        }
        prop_assert!(cut >= 4096 || hrl::read(&log).is_err());
        let mut set = vhds_file(&["a.avhdx", "b.avhdx"]);
        prop_assert!(survives_json(&vhds::read(&set).unwrap()));
        set.truncate(cut);
        prop_assert!(vhds::read(&set).unwrap().names.len() <= 2);
    }
}
