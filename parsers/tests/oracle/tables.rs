//! Checks of what the tables of a disk allocate: counting and streaming have to tell the same, inside disk and file.

use derelict_parsers::{
    ReadAt,
    block_map::{Allocation, DiskRange, RangeContent},
    qcow2, vdi, vhd,
    vhdx::{self, LogState},
    vmdk::{
        self, Vmdk,
        allocation::{self, GrainState},
    },
};

use super::{container::decode, image::Image, limits, reseal, through_json};

const MIB: u64 = 1 << 20;
/// Most blocks or grains that are walked: a table of terabytes of nothing tells no more than a short one.
const MOST_UNITS: u64 = 1 << 18;
/// Most stretches that are looked at.
const MOST_RANGES: usize = 1 << 16;

/// The table of a VHD.
pub(crate) fn vhd(input: &[u8]) {
    let image = decode(input, reseal::vhd);
    let Ok(facts) = vhd::read(&image, &limits()) else {
        return;
    };
    let Some(size) = facts.virtual_bytes else { return };
    if size / u64::from(facts.block_size_bytes.unwrap_or(u32::MAX)).max(1) > MOST_UNITS {
        return;
    }
    image.check_reads(u64::MAX, u64::MAX);
    let counted = vhd::allocation(&image, &limits());
    let ranges = vhd::ranges(&image, &limits()).map(|ranges| ranges.take(MOST_RANGES).collect::<Vec<_>>());
    image.check_reads(16 * MIB, 1 << 30);
    check_blocks(counted.ok(), ranges.ok(), size, image.len());
}

/// The table of a VHDX.
pub(crate) fn vhdx(input: &[u8]) {
    let image = decode(input, reseal::vhdx);
    let Ok(facts) = vhdx::read(&image, &limits()) else {
        return;
    };
    let Some(size) = facts.virtual_bytes else { return };
    if size / u64::from(facts.block_size_bytes.unwrap_or(u32::MAX)).max(1) > MOST_UNITS {
        return;
    }
    image.check_reads(u64::MAX, u64::MAX);
    let counted = vhdx::allocation(&image, &limits());
    let ranges = vhdx::ranges(&image, &limits()).map(|ranges| ranges.take(MOST_RANGES).collect::<Vec<_>>());
    image.check_reads(16 * MIB, 1 << 30);
    // A log may leave the file longer than it is.
    let grows = facts.log_state != LogState::Clean;
    let file_bytes = if grows { u64::MAX } else { image.len() };
    check_blocks(counted.ok(), ranges.ok(), size, file_bytes);
}

type Ranges = Vec<derelict_parsers::Result<DiskRange>>;

fn check_blocks(counted: Option<Allocation>, ranges: Option<Ranges>, size: u64, file_bytes: u64) {
    if let Some(counted) = &counted {
        through_json(counted, 1 << 20);
        assert!(counted.anomalies.len() <= 101);
        assert!(counted.allocated_bytes <= size, "more is allocated than the disk has");
        let blocks = &counted.blocks;
        let states = [
            blocks.present,
            blocks.partially_present,
            blocks.not_present,
            blocks.zero,
            blocks.unmapped,
            blocks.undefined,
            blocks.invalid,
        ];
        assert_eq!(states.iter().sum::<u64>(), blocks.total, "each block has one state");
        assert!(
            counted.slack_bytes <= counted.unreferenced_bytes,
            "the slack is not referred to"
        );
        assert!(counted.unreferenced_bytes <= file_bytes);
        let taken = u128::from(counted.payload_bytes) + u128::from(counted.reusable_bytes);
        assert!(
            counted.damage.is_some() || taken <= u128::from(file_bytes),
            "sound blocks lie in the file"
        );
    }
    let Some(whole) = ranges.and_then(|ranges| check_cover(ranges, size)) else {
        return;
    };
    let in_file = |range: &&DiskRange| matches!(range.content, RangeContent::File { .. });
    let streamed: u64 = whole.iter().filter(in_file).map(|range| range.length).sum();
    if let Some(counted) = counted.filter(|counted| counted.damage.is_none()) {
        assert_eq!(counted.allocated_bytes, streamed, "counted and streamed");
    }
}

/// Stretches follow each other and cover the disk; `None` where they could not all be read.
fn check_cover(ranges: Ranges, size: u64) -> Option<Vec<DiskRange>> {
    let whole = ranges.into_iter().collect::<Result<Vec<_>, _>>().ok()?;
    let mut at = 0;
    for range in &whole {
        assert!(range.start == at && range.length > 0, "stretches follow each other");
        at = range.end();
    }
    if whole.len() == MOST_RANGES {
        return None;
    }
    assert_eq!(at, size, "the stretches cover the disk");
    Some(whole)
}

/// The map of a VDI.
pub(crate) fn vdi(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = vdi::read(&image) else { return };
    let size = facts.virtual_bytes;
    if size / u64::from(facts.block_size_bytes).max(1) > MOST_UNITS {
        return;
    }
    image.check_reads(u64::MAX, u64::MAX);
    let counted = vdi::allocation(&image, &limits());
    let ranges = vdi::ranges(&image).map(|ranges| ranges.take(MOST_RANGES).collect::<Vec<_>>());
    image.check_reads(MIB, 64 * MIB);
    check_blocks(counted.ok(), ranges.ok(), size, image.len());
}

/// The L1 and L2 tables of a qcow2.
pub(crate) fn qcow2(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = qcow2::read(&image, &limits()) else {
        return;
    };
    let size = facts.virtual_bytes;
    if size / facts.cluster_bytes.unwrap_or(u64::MAX) > MOST_UNITS {
        return;
    }
    image.check_reads(u64::MAX, u64::MAX);
    let counted = qcow2::allocation(&image, &limits()).ok();
    let ranges = qcow2::ranges(&image, &limits()).map(|ranges| ranges.take(MOST_RANGES).collect::<Vec<_>>());
    image.check_reads(4 * MIB, 1 << 30);
    if let Some(counted) = &counted {
        check_clusters(counted, size, image.len());
    }
    let whole = ranges.ok().and_then(|ranges| check_cover(ranges, size));
    let (Some(whole), Some(counted)) = (whole, counted) else {
        return;
    };
    let sum = |is: fn(RangeContent) -> bool| -> u64 {
        let of_content = whole.iter().filter(|range| is(range.content));
        of_content.map(|range| range.length).sum()
    };
    let is_here = |content| {
        matches!(
            content,
            RangeContent::File { .. } | RangeContent::DataFile { .. } | RangeContent::Compressed
        )
    };
    assert_eq!(counted.allocated_bytes, sum(is_here), "counted and streamed");
    assert_eq!(
        counted.zeroed_bytes,
        sum(|content| content == RangeContent::Zero),
        "counted and streamed"
    );
    let is_lost = whole.iter().any(|range| range.content == RangeContent::Lost);
    assert!(!is_lost || counted.damage.is_some(), "what is lost is said");
}

fn check_clusters(counted: &qcow2::Allocation, size: u64, file_bytes: u64) {
    through_json(counted, 1 << 20);
    assert!(counted.anomalies.len() <= 101);
    assert!(counted.allocated_bytes.saturating_add(counted.zeroed_bytes) <= size);
    let clusters = &counted.clusters;
    let states = [
        clusters.present,
        clusters.compressed,
        clusters.partially_present,
        clusters.zero,
        clusters.not_present,
        clusters.invalid,
    ];
    assert_eq!(states.iter().sum::<u64>(), clusters.total, "each cluster has one state");
    let taken = counted.payload_bytes.saturating_add(counted.reusable_bytes);
    let is_exact = clusters.compressed == 0 && counted.anomalies.is_empty() && !counted.is_in_data_file;
    assert!(
        !is_exact || counted.damage.is_some() || taken <= file_bytes.saturating_add(counted.cluster_size_bytes),
        "sound clusters lie in the file"
    );
}

/// The grain tables, or the markers, of an extent.
pub(crate) fn vmdk(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(disk) = vmdk::read(&image, &limits()) else {
        return;
    };
    let grain = match &disk {
        Vmdk::Sparse(extent) => extent.effective_header().grain_size_sectors,
        Vmdk::Cowd(extent) => extent.grain_size_sectors.into(),
        Vmdk::SeSparse(extent) => extent.grain_size_sectors,
        _ => return,
    };
    let own = match &disk {
        Vmdk::Sparse(extent) => extent.effective_header().capacity_sectors,
        other => other.virtual_bytes().unwrap_or(u64::MAX) / 512,
    };
    if own / grain.max(1) > 64 * MOST_UNITS {
        return;
    }
    image.check_reads(u64::MAX, u64::MAX);
    let counted = allocation::read(&image, &disk);
    image.check_reads(MIB, 1 << 30);
    let Ok(Some(counted)) = counted else { return };
    through_json(&counted, 1 << 20);
    assert!(counted.anomalies.len() <= 202);
    assert!(counted.allocated_bytes.saturating_add(counted.zeroed_bytes) <= counted.virtual_bytes);
    assert!(counted.unmapped_bytes <= counted.zeroed_bytes);
    assert!(counted.grains_outside == 0 || counted.damage.is_some());
    check_grains(&image, &disk, &counted);
}

fn check_grains(image: &Image, disk: &Vmdk, counted: &allocation::Allocation) {
    let Ok(Some(ranges)) = allocation::Ranges::new(image, disk) else {
        return;
    };
    let ranges: Vec<_> = ranges.take(MOST_RANGES).collect();
    image.check_reads(MIB, 1 << 30);
    let Ok(whole) = ranges.into_iter().collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let mut at = 0;
    for range in &whole {
        assert!(
            range.offset_bytes >= at && range.length_bytes > 0,
            "runs follow each other"
        );
        at = range.end();
    }
    assert!(at <= counted.virtual_bytes, "runs lie on the disk");
    let sum = |state: GrainState| -> u64 {
        let of_state = whole.iter().filter(|range| range.state == state);
        of_state.map(|range| range.length_bytes).sum()
    };
    let is_counted = counted.source == allocation::AllocationSource::GrainTables;
    if is_counted && whole.len() < MOST_RANGES {
        let streamed = (sum(GrainState::Data), sum(GrainState::Zero) + sum(GrainState::Unmapped));
        assert_eq!(
            (counted.allocated_bytes, counted.zeroed_bytes),
            streamed,
            "counted and streamed"
        );
    }
}
