//! Disks of any size, files cut anywhere and any bytes: bounded reads, and an error or sound facts.

use std::cell::Cell;

use derelict_parsers::{
    Limits, ReadAt, Result,
    testkit::{
        SparseFile,
        vmware::{Grain, cowd_with_grains, sesparse_with_grains},
    },
    vmdk::{
        self, Vmdk,
        allocation::{AllocationSource, GrainState, Ranges},
        stream,
    },
};
use proptest::prelude::*;

use super::support::{FIRST_DIRECTORY, FIRST_TABLE, read, sparse_file, stream_file, walk};

/// A source that notes the largest read and the sum of all.
struct Metered<'a> {
    source: &'a SparseFile,
    largest: Cell<usize>,
    sum: Cell<usize>,
}

impl ReadAt for Metered<'_> {
    fn len(&self) -> u64 {
        ReadAt::len(self.source)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.largest.set(self.largest.get().max(buffer.len()));
        self.sum.set(self.sum.get() + buffer.len());
        self.source.read_at(offset, buffer)
    }

    fn next_data(&self, offset: u64) -> u64 {
        self.source.next_data(offset)
    }
}

#[test]
fn a_disk_of_62_tib_is_walked_in_pieces_and_its_holes_are_not_read() {
    let capacity = (62_u64 << 40) / 512;
    let last = (62_u64 << 40) / 4096 - 1;
    let middle: Vec<(u64, Grain)> = (0..9).map(|grain| ((31_u64 << 28) + grain, Grain::Data)).collect();
    let grains = [&[(0, Grain::Data)], &middle[..], &[(last, Grain::Zero)]].concat();
    let delta = sesparse_with_grains(capacity, false, &grains);
    let metered = Metered {
        source: &delta,
        largest: Cell::new(0),
        sum: Cell::new(0),
    };
    let (allocation, ranges) = walk(&metered);
    assert_eq!(allocation.virtual_bytes, 62 << 40);
    assert_eq!(allocation.anomalies, []);
    let middle = (31_u64 << 40, 9 * 4096, GrainState::Data);
    let expected = [
        (0, 4096, GrainState::Data),
        middle,
        (last * 4096, 4096, GrainState::Zero),
    ];
    assert_eq!(ranges, expected);
    assert!(metered.largest.get() <= 1 << 20, "no read is larger than a block");
    let sum = metered.sum.get();
    assert!(sum < 2 << 20, "{sum} bytes were read of tables that are holes");
}

/// A valid file of every layout, with data, zeros and what its format has.
fn valid_files() -> Vec<Vec<u8>> {
    let grains = [
        (0, Grain::Data),
        (1, Grain::Zero),
        (2, Grain::Unmapped),
        (4096, Grain::Data),
    ];
    vec![
        sparse_file(),
        stream_file(),
        cowd_with_grains(5000, &[0, 4097]),
        sesparse_with_grains(40_000, false, &grains).to_vec(),
    ]
}

/// Every call on any bytes; facts stay inside what the header promises.
fn walk_any(bytes: &[u8]) -> Result<()> {
    let vmdk = vmdk::read(bytes, &Limits::default())?;
    if let Vmdk::Sparse(extent) = &vmdk {
        let stream = stream::walk(bytes, extent)?;
        assert!(stream.compressed_bytes <= ReadAt::len(bytes));
    }
    let Some(allocation) = vmdk::allocation::read(bytes, &vmdk)? else {
        return Ok(());
    };
    assert!(allocation.allocated_bytes + allocation.zeroed_bytes <= allocation.virtual_bytes);
    assert!(allocation.unmapped_bytes <= allocation.zeroed_bytes);
    if allocation.source == AllocationSource::GrainTables {
        let mut end = 0;
        let mut sum = 0;
        for range in Ranges::new(bytes, &vmdk)?.unwrap() {
            let range = range?;
            assert!(range.offset_bytes >= end && range.length_bytes > 0, "ranges rise");
            end = range.end();
            sum += range.length_bytes;
        }
        assert!(end <= allocation.virtual_bytes);
        assert_eq!(sum, allocation.allocated_bytes + allocation.zeroed_bytes);
    }
    Ok(())
}

#[test]
fn a_file_cut_at_every_boundary_gives_an_error_or_no_more_than_the_whole() {
    for whole in valid_files() {
        let (all, _) = walk(&whole);
        let grains = (0..whole.len()).step_by(64 << 10);
        for boundary in (0..whole.len().min(40 << 10)).step_by(512).chain(grains) {
            for end in boundary.saturating_sub(1)..=boundary + 1 {
                let cut = &whole[..end.min(whole.len())];
                let Ok(vmdk) = vmdk::read(cut, &Limits::default()) else {
                    continue;
                };
                if let Ok(Some(part)) = vmdk::allocation::read(cut, &vmdk) {
                    assert!(part.allocated_bytes <= all.allocated_bytes, "cut at {end}");
                    let is_less = part.allocated_bytes < all.allocated_bytes || part.grains_outside > 0;
                    assert!(
                        !is_less || part.damage.is_some(),
                        "cut at {end}: what is missing is told"
                    );
                }
            }
        }
    }
}

/// Where the structures that are read lie in a valid file: header, directories, tables, markers.
fn structures(file: &[u8]) -> Vec<usize> {
    let tables: Vec<usize> = match read(file) {
        Vmdk::Sparse(extent) if extent.header.is_stream() => {
            let markers = stream::Markers::new(file, &extent).map(|marker| marker.unwrap().offset);
            let places = markers.map(|offset| usize::try_from(offset).unwrap());
            places.flat_map(|offset| offset..offset + 16).collect()
        }
        Vmdk::Sparse(_) => (FIRST_DIRECTORY..FIRST_DIRECTORY + 8)
            .chain(FIRST_TABLE..FIRST_TABLE + 64)
            .chain(21 * 512..22 * 512 + 64)
            .collect(),
        Vmdk::Cowd(_) => (1640..1660).chain(2048..2560 + 64).collect(),
        _ => (11 * 512..13 * 512 + 64).collect(),
    };
    (0..512).chain(tables).filter(|at| *at < file.len()).collect()
}

#[test]
fn every_changed_byte_of_the_structures_gives_an_error_or_sound_facts() {
    for mut file in valid_files() {
        for at in structures(&file) {
            let whole = file[at];
            for change in [0xFF, 0x01, 0x80] {
                file[at] = whole ^ change;
                drop(walk_any(&file));
            }
            file[at] = whole;
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_behind_a_sound_header_give_an_error_or_sound_facts(
        mut file in prop::sample::select(valid_files()),
        noise in prop::collection::vec(any::<u8>(), 1..3000),
        place in any::<prop::sample::Index>(),
    ) {
        let at = 512 + place.index(file.len() - 512);
        let end = file.len().min(at + noise.len());
        file[at..end].copy_from_slice(&noise[..end - at]);
        drop(walk_any(&file));
    }

    #[test]
    fn what_was_allocated_is_what_is_found(grains in prop::collection::btree_map(0_u64..3000, 0_u8..3, 0..60)) {
        let state = |kind: &u8| [Grain::Data, Grain::Zero, Grain::Unmapped][usize::from(*kind)];
        let grains: Vec<(u64, Grain)> = grains.iter().map(|(grain, kind)| (*grain, state(kind))).collect();
        let count = |wanted: Grain| u64::try_from(grains.iter().filter(|(_, kind)| *kind == wanted).count()).unwrap();
        let (found, _) = walk(&sesparse_with_grains(24_000, false, &grains));
        prop_assert_eq!(found.allocated_bytes, count(Grain::Data) * 4096);
        prop_assert_eq!(found.unmapped_bytes, count(Grain::Unmapped) * 4096);
        prop_assert_eq!(found.zeroed_bytes, (count(Grain::Zero) + count(Grain::Unmapped)) * 4096);
        prop_assert!(found.damage.is_none());
        let indexes: Vec<u64> = grains.iter().map(|(grain, _)| *grain).collect();
        let (found, ranges) = walk(&cowd_with_grains(3000, &indexes));
        let length = u64::try_from(indexes.len()).unwrap();
        prop_assert_eq!(found.allocated_bytes, length * 512);
        for grain in &indexes {
            prop_assert!(ranges.iter().any(|(start, length, _)| (*start..start + length).contains(&(grain * 512))));
        }
    }
}
