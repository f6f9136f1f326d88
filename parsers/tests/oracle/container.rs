//! Checks of the binary containers. Their inputs are encoded as [`super::image`] says.

use std::hint::black_box;

use derelict_parsers::{
    Anomaly, DiskKind, ReadAt, Result,
    block_map::{Allocation, DiskRange, RangeContent},
    hrl, hyperv_config,
    testkit::vmcx::ContainerBuilder,
    vhd, vhds,
    vhdx::{self, LogState},
    vmcx::{self, Key, Value},
    vmdk::{self, Vmdk},
    vmgs,
    vmstate::VmState,
};

use super::{image::Image, limits, reseal, text, through_json};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The file of an input, its checksums put right where the input asks for that.
pub(crate) fn decode(input: &[u8], reseal: fn(&mut Image)) -> Image {
    let mut image = Image::decode(input);
    if image.reseal {
        reseal(&mut image);
    }
    image
}

/// The number of anomalies is bounded, and each says something.
fn check_anomalies(anomalies: &[Anomaly], most: usize) {
    assert!(anomalies.len() <= most, "{} anomalies", anomalies.len());
    for anomaly in anomalies {
        assert!(!anomaly.code.is_empty() && !anomaly.text.is_empty());
        assert!(
            anomaly.text.len() <= 4 << 10,
            "an anomaly of {} bytes",
            anomaly.text.len()
        );
    }
}

/// A file with damage says what it is among its anomalies.
pub(crate) fn check_damage(damage: Option<&Anomaly>, anomalies: &[Anomaly]) {
    check_anomalies(anomalies, 101);
    if let Some(damage) = damage {
        assert!(anomalies.contains(damage) || anomalies.len() > 100);
    }
}

/// A VHDX, its log replayed.
pub(crate) fn vhdx(input: &[u8]) {
    let image = decode(input, reseal::vhdx);
    let Ok(facts) = vhdx::read(&image, &limits()) else {
        return image.check_reads(16 * MIB, 64 * MIB);
    };
    image.check_reads(16 * MIB, 64 * MIB);
    through_json(&facts, 32 << 20);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    assert_eq!(facts.log_state == LogState::Clean, facts.log_guid.is_none());
    if let Some(size) = facts.block_size_bytes {
        assert!(size.is_power_of_two() && (1 << 20..=256 << 20).contains(&size));
    }
    if let Some(size) = facts.virtual_bytes {
        assert!(size <= 64 << 40);
    }
    for size in [facts.logical_sector_bytes, facts.physical_sector_bytes]
        .into_iter()
        .flatten()
    {
        assert!(size == 512 || size == 4096);
    }
    if facts.damage.is_none() {
        assert!(facts.kind.is_some() && facts.virtual_bytes.is_some() && facts.block_size_bytes.is_some());
        let is_child = facts.kind == Some(DiskKind::Differencing);
        assert!(!is_child || facts.parent.is_some(), "a sound child names its parent");
    }
    if let Some(parent) = &facts.parent {
        let pairs = parent.others.iter().flat_map(|pair| [&pair.key, &pair.value]);
        let bytes: usize = pairs
            .chain(parent.paths().map(|(_, path)| path))
            .map(|text| text.as_str().len())
            .sum();
        assert!(bytes <= 3 << 20, "strings of {bytes} bytes in an item of 1 MiB");
        assert!(parent.others.len() <= 256 && parent.linkages().count() <= 2);
    }
    assert_eq!(
        vhdx::read(&image, &limits()).as_ref(),
        Ok(&facts),
        "the same bytes, the same facts"
    );
    let size = facts.virtual_bytes.unwrap_or(0);
    if blocks(size, facts.block_size_bytes) <= BLOCKS_MAX_COUNT {
        let told = vhdx::allocation(&image, &limits());
        // A log may leave the file longer than it is.
        let grows = facts.log_state != LogState::Clean;
        let file_bytes = if grows { u64::MAX } else { image.len() };
        check_blocks(told, vhdx::ranges(&image, &limits()), size, file_bytes);
    }
}

/// Most blocks of a disk that are walked: beyond that an input takes too long.
const BLOCKS_MAX_COUNT: u64 = 1 << 16;

fn blocks(virtual_bytes: u64, block_bytes: Option<u32>) -> u64 {
    virtual_bytes / u64::from(block_bytes.unwrap_or(u32::MAX)).max(1)
}

/// The ranges of a disk cover it without gaps, lie in the file, and are what is counted.
fn check_blocks(
    told: Result<Allocation>,
    ranges: Result<impl Iterator<Item = Result<DiskRange>>>,
    virtual_bytes: u64,
    file_bytes: u64,
) {
    let Ok(told) = told else { return };
    check_anomalies(&told.anomalies, 10);
    assert!(told.slack_bytes <= file_bytes && told.unreferenced_bytes <= file_bytes);
    let (mut at, mut in_file, mut is_lost) = (0, 0, false);
    for range in ranges.expect("the table was walked") {
        let range = range.expect("the table was walked once");
        assert!(range.start == at && range.length > 0, "{range:?} after {at}");
        at = range.end();
        let is_compressed = range.content == RangeContent::Compressed;
        assert!(!is_compressed, "{range:?} is of another format");
        match range.content {
            RangeContent::File { offset } => {
                assert!(offset + range.length <= file_bytes, "{range:?} of {file_bytes}");
                in_file += range.length;
            }
            RangeContent::Lost => is_lost = true,
            _ => {}
        }
    }
    assert_eq!((at, in_file), (virtual_bytes, told.allocated_bytes));
    assert!(!is_lost || told.damage.is_some(), "something is lost without a word");
}

/// A VHD.
pub(crate) fn vhd(input: &[u8]) {
    let image = decode(input, reseal::vhd);
    black_box(vhd::has_footer(&image).expect("an image is always read"));
    let Ok(facts) = vhd::read(&image, &limits()) else {
        return image.check_reads(MIB, 9 * MIB);
    };
    image.check_reads(MIB, 9 * MIB);
    through_json(&facts, 32 << 20);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    assert!(facts.parent.is_none() || facts.kind == DiskKind::Differencing);
    assert!(facts.block_size_bytes.is_none() || facts.kind != DiskKind::Fixed);
    if facts.damage.is_none() {
        let size = facts.virtual_bytes.expect("a sound disk has a size");
        assert!(
            facts.kind != DiskKind::Fixed || size < image.len(),
            "a fixed disk lies in its file"
        );
        assert_eq!(facts.block_size_bytes.is_some(), facts.kind != DiskKind::Fixed);
        assert_eq!(facts.parent.is_some(), facts.kind == DiskKind::Differencing);
    }
    if let Some(parent) = &facts.parent {
        assert!(parent.paths().count() <= 9);
    }
    let size = facts.virtual_bytes.unwrap_or(0);
    if blocks(size, facts.block_size_bytes) <= BLOCKS_MAX_COUNT {
        let told = vhd::allocation(&image, &limits());
        check_blocks(told, vhd::ranges(&image, &limits()), size, image.len());
    }
}

/// Guest state.
pub(crate) fn vmgs(input: &[u8]) {
    let image = decode(input, reseal::vmgs);
    let Ok(facts) = vmgs::read(&image, &limits()) else {
        return image.check_reads(MIB, 10 * MIB);
    };
    image.check_reads(MIB, 10 * MIB);
    through_json(&facts, 32 << 20);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    assert!(facts.files.len() <= 64 && facts.files.is_sorted_by(|a, b| a.id < b.id));
    if let Some(vtpm) = facts.has_vtpm {
        assert_eq!(vtpm, facts.files.iter().any(|file| file.id == 3));
    }
    if facts.damage.is_none() {
        assert!(
            facts.files.iter().all(|file| file.bytes <= image.len()),
            "files lie in the store"
        );
        assert!(facts.has_vtpm.is_some());
    }
}

/// A replica log.
pub(crate) fn hrl(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = hrl::read(&image) else {
        return image.check_reads(4 * KIB, 4 * KIB);
    };
    image.check_reads(4 * KIB, 4 * KIB);
    through_json(&facts, 8 << 10);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    assert_eq!(facts.open, facts.end_offset == 0);
    assert!(facts.damage.is_some() || facts.end_offset <= image.len());
    assert!((1..=2).contains(&facts.version));
}

/// A VHD Set.
pub(crate) fn vhds(input: &[u8]) {
    let image = decode(input, |_| ());
    let facts = vhds::read(&image).expect("an image is always read");
    image.check_reads(4 * MIB, 4 * MIB);
    through_json(&facts, 32 << 20);
    check_anomalies(&facts.anomalies, 2);
    assert_eq!(facts.bytes, image.len());
    assert!(facts.names.len() <= 1000 && facts.names.is_sorted_by(|a, b| a < b));
    for name in &facts.names {
        assert!(name.as_str().to_ascii_lowercase().ends_with(".avhdx"));
    }
}

/// A container of keys, and what its keys say.
pub(crate) fn vmcx(input: &[u8]) {
    let image = decode(input, reseal::vmcx);
    let (longest, all) = (32 * MIB, 320 * MIB);
    let Ok(container) = vmcx::read(&image, &limits()) else {
        return image.check_reads(longest, all);
    };
    image.check_reads(longest, all);
    check_anomalies(&container.anomalies, 101);
    let mut keys = 0_usize;
    container.tree.walk(|path, _| {
        keys += 1;
        assert!(path.split('/').count() <= 64 * 256, "deeper than the limit");
    });
    assert!(keys <= limits().tree_nodes);
    assert!(container.storage.previous_paths.len() <= 1000);
    let file = hyperv_config::read_container(&image, &limits()).expect("what was read is read again");
    text::check_hyperv(&file);
    through_json(&file, 64 << 20);
    let tree = &container.tree;
    let roots = tree.to_keys();
    if tree.complete && tree.detached().next().is_none() && roots.iter().all(|key| is_writable(key, 1)) {
        let again = ContainerBuilder::new(roots).build();
        let again = vmcx::read(&again, &limits()).expect("a container that was written anew");
        // Not a number is not equal to itself, and yet the same.
        assert_eq!(format!("{:?}", again.tree), format!("{tree:?}"));
    }
}

/// The builder can write the key: values that it lays out itself, names that fit, and not so many levels that the reader
/// would cut them.
pub(super) fn is_writable(key: &Key, depth: usize) -> bool {
    let value = match &key.value {
        Value::Stored(_) | Value::Unknown { .. } => false,
        Value::String(text) => {
            text.raw() == text.as_str().as_bytes() && !text.as_str().ends_with('\0') && text.as_str().len() < 1000
        }
        Value::Bytes(bytes) => bytes.len() < 2000,
        _ => true,
    };
    let name = key.name.len() <= 254 && !key.name.ends_with('\0');
    value && name && depth < 60 && key.children.iter().all(|child| is_writable(child, depth + 1))
}

/// Any VMDK.
pub(crate) fn vmdk(input: &[u8]) {
    let image = decode(input, |_| ());
    check_vmdk(&image);
}

/// A hosted sparse extent.
pub(crate) fn vmdk_sparse(input: &[u8]) {
    with_signature(input, b"KDMV");
}

/// A vmfsSparse delta.
pub(crate) fn vmdk_cowd(input: &[u8]) {
    with_signature(input, b"COWD\x01\0\0\0");
}

/// A seSparse delta.
pub(crate) fn vmdk_sesparse(input: &[u8]) {
    with_signature(input, &[0xBE, 0xBA, 0xFE, 0xCA, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
}

fn with_signature(input: &[u8], signature: &[u8]) {
    let mut image = decode(input, |_| ());
    image.put(0, signature.to_vec());
    check_vmdk(&image);
}

fn check_vmdk(image: &Image) {
    let Ok(vmdk) = vmdk::read(image, &limits()) else {
        return image.check_reads(MIB, 16 * MIB);
    };
    image.check_reads(MIB, 16 * MIB);
    through_json(&vmdk, 128 << 20);
    let anomalies = vmdk.anomalies();
    check_anomalies(&anomalies, 1000);
    if let Some(descriptor) = vmdk.descriptor() {
        text::check_descriptor(descriptor);
    }
    let own = |codes: &[&str]| anomalies.iter().any(|anomaly| codes.contains(&anomaly.code.as_str()));
    match &vmdk {
        Vmdk::Sparse(extent) => {
            let header = extent.effective_header();
            let outside =
                |sectors: u64, bytes: u64| u128::from(sectors) * 512 + u128::from(bytes) > u128::from(image.len());
            if header.gd_offset_sectors != u64::MAX && header.capacity_sectors > 0 {
                let entries = header.gd_entries.unwrap_or(0).saturating_mul(4);
                assert!(
                    !outside(header.gd_offset_sectors, entries) || own(&["gd-beyond-end", "bad-geometry"]),
                    "a grain directory outside of the file is said"
                );
            }
            assert!(!outside(header.overhead_sectors, 0) || own(&["shorter-than-overhead"]));
        }
        Vmdk::Cowd(extent) => {
            let end = u64::from(extent.gd_offset_sectors) * 512 + u64::from(extent.gd_entries) * 4;
            assert!(end <= image.len() || own(&["gd-beyond-end"]));
        }
        Vmdk::SeSparse(extent) => {
            for area in [extent.grain_directory, extent.grain_tables] {
                let end = u128::from(area.offset_sectors) * 512 + u128::from(area.size_sectors) * 512;
                assert!(end <= u128::from(image.len()) || own(&["gd-beyond-end"]));
            }
            assert!(extent.volatile.is_some() || own(&["volatile-header-bad"]));
        }
        Vmdk::Descriptor(_) | Vmdk::ChangeTracking(_) | Vmdk::Raw => {}
    }
    black_box((vmdk.virtual_bytes(), vmdk.is_unclean(), vmdk.references()));
    if image.len() <= 16 * MIB {
        // The walk ends at an error of its own; what it counted until then nobody sees.
        drop(check_grains(image, &vmdk));
    }
}

/// What the grain tables of a file allocate, counted and as ranges.
fn check_grains(image: &Image, vmdk: &Vmdk) -> Result<()> {
    if let Vmdk::Sparse(extent) = vmdk {
        let stream = vmdk::stream::walk(image, extent)?;
        assert!(stream.compressed_bytes <= image.len() && stream.grains <= image.len() / 512);
        through_json(&stream, 1 << 20);
        image.check_reads(512, image.len());
    }
    let read = vmdk::allocation::read(image, vmdk);
    // The directory and every table once, and the redundant ones.
    image.check_reads(MIB, 4 * image.len() + MIB);
    let Some(told) = read? else { return Ok(()) };
    through_json(&told, 1 << 20);
    check_anomalies(&told.anomalies, 200);
    let told_of = u128::from(told.allocated_bytes) + u128::from(told.zeroed_bytes);
    assert!(told_of <= u128::from(told.virtual_bytes), "no more than the disk has");
    assert!(told.unmapped_bytes <= told.zeroed_bytes);
    if told.source == vmdk::allocation::AllocationSource::GrainTables {
        let mut end = 0;
        let mut sum = 0_u128;
        for range in vmdk::allocation::Ranges::new(image, vmdk)?.into_iter().flatten() {
            let range = range?;
            assert!(range.offset_bytes >= end && range.length_bytes > 0, "ranges rise");
            end = range.end();
            sum += u128::from(range.length_bytes);
        }
        assert!(end <= told.virtual_bytes && sum == told_of, "counts and ranges agree");
    }
    Ok(())
}

/// State of a snapshot or of a suspended VM.
pub(crate) fn vmstate(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(state) = VmState::read(&image, &limits()) else {
        return image.check_reads(MIB, 97 * MIB);
    };
    image.check_reads(MIB, 97 * MIB);
    through_json(&state, 128 << 20);
    assert!(state.groups.len() <= 4096);
    let is_outside = |group: &derelict_parsers::vmstate::StateGroup| {
        group.offset.checked_add(group.size).is_none_or(|end| end > image.len())
    };
    let said = state
        .anomalies
        .iter()
        .any(|anomaly| anomaly.code == "state-group-beyond-end");
    assert_eq!(
        state.groups.iter().any(is_outside),
        said,
        "groups outside of the file are said"
    );
    check_anomalies(&state.anomalies, 101);
    black_box(state.references());
}
