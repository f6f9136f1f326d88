//! Log and its replay.

use super::*;

#[test]
fn metadata_that_stand_only_in_the_log_are_read_from_it() {
    let id = guid(4, 4);
    let mut builder = child();
    builder.log = VhdxLog::HoldsMetadata(id);
    let vhdx = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(vhdx.log_guid, Some(id));
    assert_eq!(vhdx.log_state, LogState::Replayable { entries: 2 });
    assert_eq!(codes(&vhdx), [""; 0]);
    let clean = read_bytes(&child().bytes()).unwrap();
    assert_eq!((vhdx.parent, vhdx.virtual_bytes), (clean.parent, clean.virtual_bytes));
}

#[test]
fn an_open_log_without_a_run_is_an_anomaly_and_no_failure() {
    let mut builder = base();
    builder.log = VhdxLog::Lost(guid(4, 4));
    let vhdx = read_bytes(&builder.bytes()).unwrap();
    assert_eq!(vhdx.log_state, LogState::NoValidRun);
    assert_eq!(vhdx.virtual_bytes, Some(GIB));
    assert_eq!(vhdx.damage.as_ref().unwrap().code, code::LOG_NO_VALID_RUN);
    assert_eq!(vhdx.damage.as_ref().unwrap().offset, Some(LOG_OFFSET));
}

/// A disk with an open log of these entries, each at its sector, that change the virtual size.
fn with_log(entries: &[(u64, LogEntry)]) -> SparseFile {
    let mut builder = base();
    builder.log = VhdxLog::Lost(guid(4, 4));
    let mut file = builder.build();
    for (sector, entry) in entries {
        let bytes = entry.bytes();
        let (inside, wrapped) = bytes.split_at(bytes.len().min(usize::try_from((256 - sector) * 4096).unwrap()));
        file.put(LOG_OFFSET + sector * 4096, inside);
        file.put(LOG_OFFSET, wrapped);
    }
    file
}

/// An entry of two sectors that sets the virtual size to `mib` MiB, and a third that zeroes nothing that matters.
fn sized(sequence_number: u64, tail_sectors: u32, mib: u64) -> LogEntry {
    let place = METADATA_OFFSET + METADATA_TABLE_BYTES;
    let start = usize::try_from(place).unwrap();
    let mut sector: Box<[u8; 4096]> = Box::new(base().bytes()[start..start + 4096].try_into().unwrap());
    sector[8..16].copy_from_slice(&(mib << 20).to_le_bytes());
    LogEntry {
        sequence_number,
        log_guid: guid(4, 4),
        tail_sectors,
        file_bytes: 4 << 20,
        updates: vec![
            LogUpdate::Data { offset: place, sector },
            LogUpdate::Zero {
                offset: 3 << 20,
                length: 4096,
            },
        ],
    }
}

fn state(file: &SparseFile) -> (LogState, Option<u64>) {
    let vhdx = read_bytes(&file.to_vec()).unwrap();
    (vhdx.log_state, vhdx.virtual_bytes.map(|bytes| bytes >> 20))
}

#[test]
fn the_run_begins_at_the_tail_that_its_last_entry_names() {
    let file = with_log(&[(0, sized(10, 0, 1)), (2, sized(11, 2, 2)), (4, sized(12, 2, 3))]);
    assert_eq!(state(&file), (LogState::Replayable { entries: 2 }, Some(3)));
}

#[test]
fn of_two_runs_the_one_with_the_newer_head_is_replayed() {
    let file = with_log(&[(0, sized(20, 0, 1)), (10, sized(10, 10, 2)), (12, sized(11, 10, 3))]);
    assert_eq!(state(&file), (LogState::Replayable { entries: 1 }, Some(1)));
}

#[test]
fn a_run_whose_tail_is_lost_is_not_replayed() {
    let file = with_log(&[(2, sized(11, 0, 2)), (4, sized(12, 0, 3))]);
    assert_eq!(state(&file), (LogState::NoValidRun, Some(1024)));
}

#[test]
fn a_run_may_go_over_the_end_of_the_ring() {
    let file = with_log(&[(253, sized(7, 253, 5)), (255, sized(8, 253, 6)), (1, sized(9, 253, 7))]);
    assert_eq!(state(&file), (LogState::Replayable { entries: 3 }, Some(7)));
}

#[test]
fn entries_of_an_earlier_log_guid_are_residue() {
    let mut old = sized(11, 0, 9);
    old.log_guid = guid(5, 5);
    let file = with_log(&[(0, sized(10, 0, 1)), (2, old)]);
    assert_eq!(state(&file), (LogState::Replayable { entries: 1 }, Some(1)));
}

#[test]
fn any_changed_byte_of_an_entry_ends_the_run_before_it() {
    let sound = with_log(&[(0, sized(10, 0, 1)), (2, sized(11, 0, 2))]);
    // Of the second entry: signature, checksum, length, tail, number, count, GUID, both lengths of the file, the first
    // descriptor, the second, the padding, the data sector.
    for place in [
        0, 4, 8, 13, 16, 24, 33, 49, 57, 65, 88, 97, 120, 4000, 4096, 4100, 4200, 8191,
    ] {
        let mut file = sound.clone();
        let offset = LOG_OFFSET + 2 * 4096 + place;
        let byte = file.to_vec()[usize::try_from(offset).unwrap()];
        file.put(offset, [byte ^ 0x40]);
        assert_eq!(
            state(&file),
            (LogState::Replayable { entries: 1 }, Some(1)),
            "byte {place} of the entry"
        );
    }
}

#[test]
fn a_file_shorter_than_its_log_knew_is_truncated() {
    let mut entry = sized(10, 0, 1);
    entry.file_bytes = 5 << 20;
    let vhdx = read_bytes(&with_log(&[(0, entry)]).to_vec()).unwrap();
    assert_eq!(vhdx.log_state, LogState::NoValidRun);
    assert_eq!(codes(&vhdx), [code::LOG_FILE_TOO_SHORT]);
}

#[test]
fn a_log_that_cannot_be_read_is_an_anomaly() {
    let header_with = |change: &dyn Fn(&mut [u8])| {
        let mut builder = base();
        builder.log = VhdxLog::Lost(guid(4, 4));
        let mut header = builder.bytes()[0x20000..0x21000].to_vec();
        change(&mut header);
        seal(&mut header);
        let vhdx = read_with(&builder, &[(0x20000, &header)]).unwrap();
        assert_eq!(vhdx.log_state, LogState::NoValidRun);
        assert_eq!(vhdx.damage.as_ref().unwrap().code, code::LOG_UNREADABLE);
        vhdx.damage.unwrap().text
    };
    assert_eq!(
        header_with(&|header| header[64] = 1),
        "VHDX log: version 1 is not supported"
    );
    assert_eq!(
        header_with(&|header| header[68..72].copy_from_slice(&0xfff0_0000_u32.to_le_bytes())),
        "VHDX log: 4293918720 exceeds the limit of 16777216"
    );
    assert_eq!(
        header_with(&|header| header[72] = 1),
        "VHDX log at offset 0x20000: place 0x100001 with 0x100000 bytes is not in whole MiB after the first"
    );
    assert_eq!(
        header_with(&|header| header[72..80].copy_from_slice(&(1_u64 << 40).to_le_bytes())),
        "VHDX log at offset 0x10000000000: truncated (need 1048576 bytes, have 0)"
    );
}

#[test]
fn version_and_place_of_a_log_that_holds_nothing_are_noted_where_the_specification_forbids_them() {
    let codes_with = |change: &dyn Fn(&mut [u8])| {
        let mut header = base().bytes()[0x20000..0x21000].to_vec();
        change(&mut header);
        seal(&mut header);
        let vhdx = read_with(&base(), &[(0x20000, &header)]).unwrap();
        assert_eq!((vhdx.log_state, &vhdx.damage), (LogState::Clean, &None));
        vhdx.anomalies
            .into_iter()
            .map(|anomaly| anomaly.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(codes_with(&|_| {}), [""; 0]);
    assert_eq!(codes_with(&|header| header[64] = 1), [code::LOG_HEADER_BAD]);
    let within_first_mib = |header: &mut [u8]| header[72..80].copy_from_slice(&0xf_0000_u64.to_le_bytes());
    assert_eq!(codes_with(&within_first_mib), [code::LOG_HEADER_BAD], "not a whole MiB");
    assert_eq!(
        codes_with(&|header| header[68..72].fill(0)),
        [""; 0],
        "no length is a multiple of a MiB"
    );
}

/// The file with a log of 16 MiB, the most that is searched, at its end.
fn with_large_log(log: Vec<u8>) -> SparseFile {
    let mut builder = base();
    builder.log = VhdxLog::Lost(guid(4, 4));
    let mut file = builder.build();
    let mut header = file.to_vec()[0x20000..0x21000].to_vec();
    header[68..72].copy_from_slice(&(16_u32 << 20).to_le_bytes());
    header[72..80].copy_from_slice(&(4_u64 << 20).to_le_bytes());
    seal(&mut header);
    file.put(0x20000, header);
    file.put(4 << 20, log);
    file
}

#[test]
fn a_log_of_lies_costs_one_pass_over_it() {
    let mut entry = sized(10, 0, 1).bytes();
    entry.truncate(4096);
    entry[8..12].copy_from_slice(&(16_u32 << 20).to_le_bytes());
    let all_heads = entry.repeat(4096);
    let mut one_head = entry.clone();
    let descriptor = entry[64..96].to_vec();
    one_head[24..28].copy_from_slice(&u32::MAX.to_le_bytes());
    one_head.extend(descriptor.repeat(4095 * 128));
    let mut many_zeros = entry;
    many_zeros[24..28].copy_from_slice(&(126 + 4095 * 128_u32).to_le_bytes());
    let zeros = LogEntry {
        updates: vec![
            LogUpdate::Zero {
                offset: 0,
                length: 1 << 62
            };
            126
        ],
        ..sized(10, 0, 1)
    };
    many_zeros[64..].copy_from_slice(&zeros.bytes()[64..4096]);
    many_zeros.extend(zeros.bytes()[64..96].repeat(4095 * 128));
    seal(&mut many_zeros);
    for (name, log, state) in [
        ("all heads", all_heads, LogState::NoValidRun),
        ("one head", one_head, LogState::NoValidRun),
        ("zeros over zeros", many_zeros, LogState::Replayable { entries: 1 }),
    ] {
        assert_eq!(log.len(), 16 << 20, "{name}");
        let bytes = with_large_log(log).to_vec();
        // A reader that passes over the log once for each of its sectors or descriptors does not come back for hours.
        let vhdx = read_bytes(&bytes).unwrap();
        assert_eq!(vhdx.log_state, state, "{name}");
    }
}
