//! Damaged tables and directories are found and never believed.

use derelict_parsers::{
    ParseError,
    testkit::vmware::{DescriptorBuilder, Grain, cowd_with_grains, sesparse_with_grains},
    vmdk::{
        self,
        allocation::{AllocationSource, GrainState, Ranges, RedundantDirectory},
    },
};

use super::support::{
    FIRST_DIRECTORY, FIRST_TABLE, GRAIN, REDUNDANT_TABLE, codes, read, sparse_file, stream_file, walk,
};

#[test]
fn a_stream_that_was_cut_off_is_counted_by_its_markers() {
    let whole = stream_file();
    let (allocation, ranges) = walk(&whole);
    assert_eq!(allocation.allocated_bytes, 5 * GRAIN);
    assert_eq!((ranges[0], ranges.len()), ((0, GRAIN, GrainState::Data), 5));
    let cut = &whole[..whole.len() - 1024];
    let vmdk = read(cut);
    let allocation = vmdk::allocation::read(cut, &vmdk).unwrap().unwrap();
    assert_eq!(allocation.source, AllocationSource::GrainMarkers);
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (5 * GRAIN, false)
    );
    assert!(
        Ranges::new(cut, &vmdk).is_err(),
        "without directory nobody knows where a table is"
    );
    let cut = &whole[..200_000];
    let allocation = vmdk::allocation::read(cut, &read(cut)).unwrap().unwrap();
    assert_eq!(codes(&allocation), ["directory-cut-off", "stream-cut-off"]);
    assert_eq!(allocation.allocated_bytes, 2 * GRAIN);
}

#[test]
fn what_has_no_grain_tables_has_no_allocation() {
    let text = DescriptorBuilder::vmfs("a", 8, 1, uuid::Uuid::nil()).build();
    for bytes in [text, vec![0; 4096], vec![0xA2, 0x72, 0x19, 0xF6]] {
        let vmdk = read(&bytes);
        assert_eq!(vmdk::allocation::read(&bytes, &vmdk), Ok(None));
        assert!(Ranges::new(&bytes, &vmdk).unwrap().is_none());
    }
}

fn put(file: &mut [u8], at: usize, value: u32) {
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn a_redundant_table_that_differs_is_found_and_the_first_counts() {
    let mut file = sparse_file();
    let (allocation, ranges) = walk(&file);
    let same = RedundantDirectory {
        grain_tables: 2,
        differing_tables: 0,
    };
    assert_eq!(allocation.redundant, Some(same));
    assert_eq!(
        (allocation.allocated_bytes, allocation.zeroed_bytes),
        (2 * GRAIN, GRAIN)
    );
    assert_eq!(ranges[2], (999 * GRAIN, GRAIN, GrainState::Data));
    put(&mut file, REDUNDANT_TABLE + 2048 + 8, 256);
    let (allocation, _) = walk(&file);
    assert_eq!(allocation.redundant.as_ref().unwrap().differing_tables, 1);
    assert_eq!(codes(&allocation), ["redundant-table-differs"]);
    assert_eq!(
        allocation.anomalies[0].text,
        "grain table 1 differs from its redundant copy"
    );
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (2 * GRAIN, true)
    );
}

#[test]
fn a_grain_outside_the_file_counts_as_the_table_says_and_is_found() {
    let mut file = sparse_file();
    let sectors = u32::try_from(file.len() / 512).unwrap();
    for at in [REDUNDANT_TABLE, FIRST_TABLE] {
        put(&mut file, at + 40, sectors - 128);
        put(&mut file, at + 44, sectors - 127);
        put(&mut file, at + 48, u32::MAX);
    }
    let (allocation, _) = walk(&file);
    assert_eq!((allocation.allocated_bytes, allocation.grains_outside), (5 * GRAIN, 2));
    assert_eq!(codes(&allocation), ["grain-beyond-end"; 2]);
    assert!(allocation.damage.is_some());
}

#[test]
fn tables_outside_the_file_count_as_empty_and_overlapping_ones_end_the_walk() {
    let mut file = sparse_file();
    put(&mut file, FIRST_DIRECTORY + 4, 1 << 30);
    let (allocation, _) = walk(&file);
    assert_eq!(codes(&allocation)[0], "gt-beyond-end");
    assert_eq!(
        (allocation.allocated_bytes, allocation.damage.is_none()),
        (GRAIN, false)
    );

    let mut delta = cowd_with_grains(4096 * 4096, &[7]);
    for table in 1..4096 {
        put(&mut delta, 2048 + table * 4, 4 + 32);
    }
    let overlapping = vmdk::allocation::read(&delta, &read(&delta));
    assert!(
        matches!(overlapping, Err(ParseError::Malformed { offset: 2056, .. })),
        "{overlapping:?}"
    );
    let vmdk = read(&delta);
    let mut ranges = Ranges::new(&delta, &vmdk).unwrap().unwrap();
    assert!(ranges.any(|range| range.is_err()));
    assert!(ranges.next().is_none(), "nothing follows an error");
}

#[test]
fn a_directory_that_is_cut_off_is_walked_as_far_as_it_goes() {
    let mut delta = cowd_with_grains(4096 * 3, &[0, 4096, 8192]);
    put(&mut delta, 24, 2);
    let (allocation, _) = walk(&delta);
    assert_eq!(codes(&allocation), ["gd-cut-off"]);
    assert_eq!((allocation.allocated_bytes, allocation.damage.is_none()), (1024, false));
}

#[test]
fn entries_of_sesparse_that_mean_nothing_are_found() {
    let mut delta = sesparse_with_grains(80_000, true, &[(0, Grain::Data), (4100, Grain::Unmapped)]).to_vec();
    let (allocation, _) = walk(&delta);
    assert_eq!(codes(&allocation), ["journal-not-replayed"]);
    assert_eq!((allocation.allocated_bytes, allocation.unmapped_bytes), (4096, 4096));
    let (directory, tables) = (12 * 512, 13 * 512);
    delta[tables + 8..tables + 16].copy_from_slice(&0x0000_0000_0000_0001_u64.to_le_bytes());
    delta[tables + 16..tables + 24].copy_from_slice(&0x7000_0000_0000_0000_u64.to_le_bytes());
    delta[tables + 24..tables + 32].copy_from_slice(&0x3000_0000_0000_0001_u64.to_le_bytes());
    delta[directory + 16..directory + 24].copy_from_slice(&0x2000_0000_0000_0000_u64.to_le_bytes());
    let (allocation, _) = walk(&delta);
    assert_eq!(
        codes(&allocation),
        [
            "journal-not-replayed",
            "gd-entry-bad",
            "grain-entry-bad",
            "grain-entry-bad",
            "grain-beyond-end"
        ]
    );
    assert_eq!((allocation.allocated_bytes, allocation.grains_outside), (2 * 4096, 1));
}

#[test]
fn an_unsound_geometry_is_refused() {
    let whole = sparse_file();
    for (at, value) in [(20, 3), (44, 0), (44, 513)] {
        let mut file = whole.clone();
        put(&mut file, at, value);
        let vmdk = read(&file);
        assert!(matches!(
            vmdk::allocation::read(&file, &vmdk),
            Err(ParseError::Malformed { offset: 20, .. })
        ));
    }
    let mut file = whole;
    file[12..20].copy_from_slice(&(1_u64 << 50).to_le_bytes());
    let vmdk = read(&file);
    let refused = vmdk::allocation::read(&file, &vmdk);
    assert!(matches!(refused, Err(ParseError::LimitExceeded { .. })), "{refused:?}");
}
