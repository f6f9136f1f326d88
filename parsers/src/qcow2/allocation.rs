//! What the tables allocate, counted in one walk.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Qcow2, code,
    layout::{Entry, Layout, SUBCLUSTERS},
    walk::{Content, Run, Walk},
};
use crate::{
    block_map::{Slots, Tally},
    error::{Anomaly, Result},
    findings::Findings,
    limits::Limits,
    read_at::ReadAt,
};

/// What the clusters of an image hold of the disk, and what they take in the file. Of internal snapshots nothing is
/// counted: what only they hold is in none of these numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Allocation {
    /// Bytes of the disk, as the guest sees it, whose content is here, compressed or not; of an image with an external data
    /// file in that. Of a cluster that is partly here only its parts that are.
    pub allocated_bytes: u64,
    /// Bytes of the disk that read as zeros whatever the backing file holds.
    pub zeroed_bytes: u64,
    /// Unit of allocation in bytes.
    pub cluster_size_bytes: u64,
    /// The clusters by their state.
    pub clusters: ClusterCounts,
    /// Bytes of the file that clusters with content take.
    pub payload_bytes: u64,
    /// Bytes of the file that are kept for clusters of zeros.
    pub reusable_bytes: u64,
    /// Bytes of the file that the tables of the disk take: L1 and L2.
    pub table_bytes: u64,
    /// The content is in the external data file that the image names.
    pub is_in_data_file: bool,
    /// The first anomaly after which the numbers may be wrong, in the header or in the tables; `None` for a sound file.
    pub damage: Option<Anomaly>,
    /// What is odd or damaged in the tables; what is in the header stands among the facts of the file.
    pub anomalies: Vec<Anomaly>,
}

/// The clusters of a disk by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClusterCounts {
    /// All clusters of the disk.
    pub total: u64,
    /// Clusters that are here as a whole, not compressed.
    pub present: u64,
    /// Clusters that are here, compressed.
    pub compressed: u64,
    /// Clusters of which some parts are here or zeros, and others not (extended L2 entries).
    pub partially_present: u64,
    /// Clusters that read as zeros.
    pub zero: u64,
    /// Clusters that are not here: the backing file's, or zeros.
    pub not_present: u64,
    /// Clusters whose entry or table cannot be.
    pub invalid: u64,
}

/// A place as [`Slots`] counts them: clusters stand at whole clusters, and two of these make one.
const PLACES: u64 = 2;

/// Walks the tables of what was read from `source`.
pub(super) fn read<R: ReadAt>(source: R, image: &Qcow2, limits: &Limits) -> Result<Allocation> {
    let layout = Layout::of(image, source.len())?;
    let places = layout.file_bytes.div_ceil(layout.cluster_bytes).saturating_mul(PLACES);
    let mut counter = Counter {
        slots: Slots::new(places, PLACES, limits.table_bytes),
        layout,
        compressed: (0, 0),
        bad_tables: Tally::default(),
        invalid: Tally::default(),
        outside: Tally::default(),
        overlap: Tally::default(),
        allocation: Allocation {
            cluster_size_bytes: layout.cluster_bytes,
            table_bytes: layout.l1_entries.saturating_mul(8),
            is_in_data_file: layout.is_external,
            clusters: ClusterCounts {
                total: layout.clusters,
                ..ClusterCounts::default()
            },
            ..Allocation::default()
        },
    };
    counter.take_head();
    let mut walk = Walk::new(layout, source);
    while let Some(run) = walk.next()? {
        counter.add(&run);
    }
    Ok(counter.finish(image))
}

struct Counter {
    /// `None` where there are too many clusters.
    slots: Option<Slots>,
    layout: Layout,
    /// Where the compressed data that were met last begin and end.
    compressed: (u64, u64),
    bad_tables: Tally,
    invalid: Tally,
    outside: Tally,
    overlap: Tally,
    allocation: Allocation,
}

impl Counter {
    fn add(&mut self, run: &Run) {
        let (_, bytes) = self.layout.span(run.cluster, run.count);
        let allocation = &mut self.allocation;
        match run.content {
            Content::Table(offset) => {
                allocation.table_bytes = allocation.table_bytes.saturating_add(self.layout.l2_bytes());
                // The L2 tables of version 1 are not as long as a cluster.
                if self.layout.l2_bytes() == self.layout.cluster_bytes {
                    self.take(offset, 1, run);
                }
            }
            Content::NoTable => {
                self.bad_tables.add(1, run.place, run.cluster);
                add(&mut allocation.clusters.invalid, run.count);
            }
            Content::Of(Entry::Absent) => add(&mut allocation.clusters.not_present, run.count),
            Content::Of(Entry::Zero(place)) => {
                add(&mut allocation.clusters.zero, run.count);
                add(&mut allocation.zeroed_bytes, bytes);
                if let Some(place) = place.filter(|_| !self.layout.is_external) {
                    self.take(place, 1, run);
                    add(&mut self.allocation.reusable_bytes, self.layout.cluster_bytes);
                }
            }
            Content::Of(Entry::At(place)) => self.add_present(place, run),
            Content::Of(Entry::Compressed(place, length)) => self.add_compressed(place, length, bytes, run),
            Content::Of(Entry::Parts { place, here, zero }) => self.add_parts(place, (here, zero), run),
            Content::Of(Entry::Invalid) => {
                self.invalid.add(run.count, run.place, run.cluster);
                add(&mut allocation.clusters.invalid, run.count);
            }
        }
    }

    /// Clusters that stand one behind the other.
    fn add_present(&mut self, place: u64, run: &Run) {
        let inside = self.layout.clusters_inside(place, run.count);
        self.add_outside(run, inside);
        if inside == 0 {
            return;
        }
        let (_, bytes) = self.layout.span(run.cluster, inside);
        add(&mut self.allocation.clusters.present, inside);
        add(&mut self.allocation.allocated_bytes, bytes);
        self.add_payload(place, inside, run);
    }

    /// Counts the clusters behind the first `inside` as lost.
    fn add_outside(&mut self, run: &Run, inside: u64) {
        let outside = run.count.saturating_sub(inside);
        let place = inside
            .saturating_mul(self.layout.entry_bytes())
            .saturating_add(run.place);
        self.outside.add(outside, place, run.cluster.saturating_add(inside));
        add(&mut self.allocation.clusters.invalid, outside);
    }

    fn add_payload(&mut self, place: u64, count: u64, run: &Run) {
        if self.layout.is_external {
            return;
        }
        let bytes = count.saturating_mul(self.layout.cluster_bytes);
        add(&mut self.allocation.payload_bytes, bytes);
        self.take(place, count, run);
    }

    fn add_compressed(&mut self, place: u64, length: u64, bytes: u64, run: &Run) {
        if !self.layout.is_inside(place, length) {
            return self.add_outside(run, 0);
        }
        add(&mut self.allocation.clusters.compressed, run.count);
        add(&mut self.allocation.allocated_bytes, bytes);
        // The next data may begin in the last sector of these.
        let (start, end) = self.compressed;
        let own = if (start..end).contains(&place) { end } else { place };
        let until = place.saturating_add(length);
        add(&mut self.allocation.payload_bytes, until.saturating_sub(own));
        self.compressed = (place, until);
    }

    fn add_parts(&mut self, place: Option<u64>, (here, zero): (u32, u32), run: &Run) {
        let part_bytes = self.layout.cluster_bytes.div_euclid(u64::from(SUBCLUSTERS));
        let (_, bytes) = self.layout.span(run.cluster, 1);
        let on_disk = |bits: u32| {
            let parts = (0..SUBCLUSTERS).filter(|part| bits.checked_shr(*part).is_some_and(|bits| bits & 1 != 0));
            parts.fold(0_u64, |sum, part| {
                let start = u64::from(part).saturating_mul(part_bytes);
                sum.saturating_add(bytes.saturating_sub(start).min(part_bytes))
            })
        };
        // Parts of zeros need no place.
        add(&mut self.allocation.zeroed_bytes, on_disk(zero));
        let inside = place.filter(|place| self.layout.clusters_inside(*place, 1) == 1);
        if here != 0 && inside.is_none() {
            return self.add_outside(run, 0);
        }
        add(&mut self.allocation.clusters.partially_present, 1);
        add(&mut self.allocation.allocated_bytes, on_disk(here));
        if let Some(place) = inside {
            self.add_payload(place, 1, run);
        }
    }

    /// Header and L1 table take clusters too, of version 2 and 3.
    fn take_head(&mut self) {
        let bytes = self.layout.l1_entries.saturating_mul(8);
        let count = bytes.div_ceil(self.layout.cluster_bytes);
        for (place, count) in [(0, 1), (self.layout.l1_offset, count)] {
            if let Some(slots) = &mut self.slots
                && self.layout.l2_bytes() == self.layout.cluster_bytes
                && self.layout.clusters_inside(place, count) == count
            {
                let number = place.checked_div(self.layout.cluster_bytes).unwrap_or(0);
                slots.take(number.saturating_mul(PLACES), count, PLACES);
            }
        }
    }

    /// Notes which clusters of the file are taken. Those of version 1 may stand at any byte, and are then not looked at.
    fn take(&mut self, place: u64, count: u64, run: &Run) {
        if !place.is_multiple_of(self.layout.cluster_bytes) {
            return;
        }
        let number = place.checked_div(self.layout.cluster_bytes).unwrap_or(0);
        let overlapping = match &mut self.slots {
            Some(slots) => slots.take(number.saturating_mul(PLACES), count, PLACES),
            None => 0,
        };
        self.overlap.add(overlapping, run.place, run.cluster);
    }

    fn finish(self, image: &Qcow2) -> Allocation {
        let mut findings = Findings::default();
        for (tally, code, what) in [
            (
                &self.bad_tables,
                code::L2_TABLE_BAD,
                "L2 tables outside the file or not at whole clusters",
            ),
            (&self.invalid, code::ENTRY_BAD, "clusters whose entry cannot be"),
            (&self.outside, code::CLUSTER_OUTSIDE_FILE, "clusters outside the file"),
            (
                &self.overlap,
                code::CLUSTER_OVERLAP,
                "clusters on another cluster or on an L2 table",
            ),
        ] {
            tally.damage(code, what, &mut findings);
        }
        if self.slots.is_none() {
            let text = "there are too many clusters to look for overlaps among them";
            findings.note(Anomaly::new(code::OVERLAPS_NOT_CHECKED, text));
        }
        Allocation {
            damage: image.damage.clone().or(findings.first_damage()),
            anomalies: findings.into_anomalies(),
            ..self.allocation
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
