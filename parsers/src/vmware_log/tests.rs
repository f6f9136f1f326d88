//! Lines as VMware writes them, and what is made of them.

use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    words::{PAIRS, Word, Words},
    *,
};

/// The first word of each line, looked for byte by byte.
fn words_one_by_one(text: &[u8]) -> Vec<(Word, &[u8], &[u8])> {
    let words = || PAIRS.iter().flat_map(|pair| pair.words);
    let first = |line: &'_ [u8]| {
        (0..line.len()).find_map(|start| {
            let (word, kind) = words().find(|(word, _)| line[start..].starts_with(word))?;
            Some((*kind, start + <[u8]>::len(word)))
        })
    };
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let (kind, end) = first(line)?;
            let line = line.trim_ascii_end();
            Some((kind, line.get(end..)?, line))
        })
        .collect()
}

/// Lines of words, parts of words, and what stands beside them.
fn log_text() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = PAIRS
        .iter()
        .flat_map(|pair| pair.words)
        .flat_map(|(word, _)| [*word, &word[1..], &word[..<[u8]>::len(word) - 1]])
        .collect();
    let others = [
        &b"\n"[..],
        b"\r\n",
        b"1 vmx| ",
        b"--- ",
        b"tcHOK:X X_CT",
        b" = \"a\"",
        b"'/v/a.vmdk'",
    ];
    let piece = prop_oneof![prop::sample::select(words), prop::sample::select(others.to_vec())];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_words_are_those_of_a_search_byte_by_byte(text in log_text()) {
        prop_assert_eq!(Words::of(&text).collect::<Vec<_>>(), words_one_by_one(&text));
    }
}

#[test]
fn words_hold_their_letters_and_no_part_of_another() {
    let words: Vec<&[u8]> = PAIRS
        .iter()
        .flat_map(|pair| pair.words)
        .map(|(word, _)| *word)
        .collect();
    for pair in PAIRS {
        for (word, _) in pair.words {
            assert_eq!(word.windows(2).position(|two| two == pair.letters), Some(pair.at));
        }
    }
    for one in &words {
        for start in 1..<[u8]>::len(one) {
            let end = &one[start..];
            assert!(
                words
                    .iter()
                    .all(|other| !other.starts_with(end) && !end.starts_with(other))
            );
        }
    }
}

const OLD: &str = "2019-01-31T08:00:00.000Z| vmx| I125: Log for VMware ESX pid=2102393 version=6.7.0 build=build-11675023\n\
    2019-01-31T08:00:00.000Z| vmx| I125: Hostname=esx01\n\
    2019-01-31T08:00:00.001Z| vmx| I125: DICT --- CONFIGURATION /vmfs/volumes/5c/web 01/web 01.vmx \n\
    2019-01-31T08:00:00.001Z| vmx| I125: DICT          displayName = \"web = 01\"\n\
    2019-01-31T08:00:00.001Z| vmx| I125: DICT            uuid.bios = \"56 4d 6c 27 96 ea 12 07-6f 0b b1 1d 81 46 9b 0b\"\n\
    2019-01-31T08:00:01.000Z| vmx| I125: DISK: OPEN scsi0:0 '/vmfs/volumes/5c/web 01/it's.vmdk' persistent R[]\n\
    2019-01-31T08:00:01.000Z| vmx| I125: DISK: Disk '/vmfs/volumes/5c/web 01/it's.vmdk' has UUID '60 00 c2 9a 1d 7b 49 44-dc 53 e6 d3 e5 89 7b 0d'\n";

#[test]
fn the_beginning_names_the_vm_its_host_and_its_disks() {
    let log = VmLog::read(OLD.as_bytes()).unwrap();
    assert_eq!(log.vmx_path, Some("/vmfs/volumes/5c/web 01/web 01.vmx".into()));
    assert_eq!(log.display_name, Some("web = 01".into()));
    assert_eq!(log.host.as_deref(), Some("esx01"));
    assert!(log.bios_uuid.is_some_and(|uuid| uuid.uuid.is_some()));
    let path = EncodedText::from("/vmfs/volumes/5c/web 01/it's.vmdk");
    let [disk] = log.disks.as_slice() else {
        panic!("two lines tell of one disk: {:?}", log.disks);
    };
    assert_eq!((&disk.path, disk.device.as_deref()), (&path, Some("scsi0:0")));
    assert!(disk.uuid.as_ref().is_some_and(|uuid| uuid.uuid.is_some()));
    assert!(!log.ended, "no exit line: running, or crashed");
}

#[test]
fn an_exit_line_in_either_format_is_a_clean_end() {
    for line in [
        "| vmx| I120: VMX exit (0).\n",
        "2023-01-01T00:00:00.000Z In(05) vmx VMX idle exit\n",
        "Mar 26 04:55:16: vmx| VMX exit.\n",
    ] {
        let text = format!("{OLD}{}{line}", "filler\n".repeat(100_000));
        assert!(VmLog::read(text.as_bytes()).unwrap().ended, "{line}");
    }
}

#[test]
fn what_was_not_read_of_a_log_and_not_kept_is_said() {
    let whole = VmLog::read(OLD.as_bytes()).unwrap();
    assert_eq!((whole.unread_bytes, whole.is_cut), (None, false));
    let filler = "filler\n".repeat(50_000);
    let text = format!("{OLD}{filler}{OLD}{filler}");
    let middle = VmLog::read(text.as_bytes()).unwrap().unread_bytes;
    assert_eq!(
        middle,
        u64::try_from(text.len())
            .ok()
            .map(|length| length - HEAD_BYTES - TAIL_BYTES)
    );
    let disks: Vec<String> = (0..=MAX_DISKS)
        .map(|n| format!("DISK: OPEN scsi0:0 '/v/{n:07}.vmdk' R[]\n"))
        .collect();
    let log = VmLog::read(disks.concat().as_bytes()).unwrap();
    assert_eq!((log.disks.len(), log.is_cut, log.unread_bytes), (MAX_DISKS, true, None));
}

#[test]
fn the_first_line_names_the_program() {
    let program = VmLog::read(OLD.as_bytes()).unwrap().program.unwrap();
    assert_eq!((program.product.as_str(), program.pid), ("VMware ESX", Some(2_102_393)));
    assert_eq!(program.version.as_deref(), Some("6.7.0"));
    assert_eq!(program.build.as_deref(), Some("build-11675023"));
    assert_eq!(
        VmLog::read(&b"vmx 2026/11/22 08:32:59 created\n"[..]).unwrap().program,
        None
    );
    let bare = VmLog::read(&b"Log for VMware Workstation\n"[..])
        .unwrap()
        .program
        .unwrap();
    assert_eq!(
        (bare.product.as_str(), bare.pid, bare.version),
        ("VMware Workstation", None, None)
    );
}

#[test]
fn both_content_ids_of_a_mismatch_are_numbers_whatever_stands_before_the_first() {
    for line in [
        "Content ID mismatch (parentCID ed06b3ce != 0cb205b1).",
        "Content ID mismatch (ed06b3ce != 0cb205b1)",
    ] {
        let log = VmLog::read(line.as_bytes()).unwrap();
        let [mismatch] = log.content_id_mismatches.as_slice() else {
            panic!("{log:?}")
        };
        assert_eq!(
            (mismatch.first, mismatch.second),
            (Some(0xed06_b3ce), Some(0x0cb2_05b1)),
            "{line}"
        );
    }
}

#[test]
fn a_path_in_the_code_page_of_the_host_keeps_its_bytes() {
    let log = VmLog::read(&b"vmx: DICT --- CONFIGURATION C:\\\xE9.vmx\r\n"[..]).unwrap();
    let path = log.vmx_path.unwrap();
    assert_eq!((path.as_str(), path.raw()), ("C:\\é.vmx", &b"C:\\\xE9.vmx"[..]));
}

#[test]
fn the_first_word_of_a_line_counts_and_only_where_it_is_whole() {
    let text = format!(
        "{OLD}vmx| DICT annotation = \"DISK: OPEN scsi0:1 '/vmfs/volumes/5c/other.vmdk'\"\nvmx| DISK: \n\
         vmx| Hostname=\r\nvmx| Hostname=late\nvmx| DICT --- CONFIGURATION \n"
    );
    let log = VmLog::read(text.as_bytes()).unwrap();
    assert_eq!((log.disks.len(), log.host.as_deref()), (1, Some("esx01")));
    assert_eq!(log.vmx_path, Some("/vmfs/volumes/5c/web 01/web 01.vmx".into()));
    let text = "vmx| DICT --- CONFIGURATION \nvmx| Hostname= \nvmx| Hostname=late\n";
    let log = VmLog::read(text.as_bytes()).unwrap();
    assert_eq!((log.vmx_path, log.host.as_deref()), (None, Some("")));
}

#[test]
fn lines_of_the_configuration_are_read_whatever_stands_between_them() {
    let text = "1 vmx| DICT a = \"1\"\n1 vmx| DICT b = \"2\"\n1 vmx| DICT --- CONFIGURATION /v/a.vmx \n\
        1 vmx| DICT c = \"3\"\n2 vmx| DICT displayName = \"a\"\n2 vmx| DICT\n2 vmx| DISK: OPEN scsi0:0 '/v/a.vmdk' R[]\n\
        2 vmx| DICT d = \"DISK: OPEN scsi0:1 '/v/b.vmdk'\"\n2 vmx| Hostname=h\n\
        2 vmx| DICT e = \"5\"\r\n2 vmx| DICT uuid.bios = \"564d6c2796ea12076f0bb11d81469b0b\"";
    let log = VmLog::read(text.as_bytes()).unwrap();
    assert_eq!(log.vmx_path, Some("/v/a.vmx".into()));
    assert_eq!(log.display_name, Some("a".into()));
    assert_eq!((log.disks.len(), log.host.as_deref()), (1, Some("h")));
    assert!(log.bios_uuid.is_some_and(|uuid| uuid.uuid.is_some()));
}

#[test]
fn an_empty_log_is_truncated() {
    assert!(matches!(
        VmLog::read(&[][..]),
        Err(ParseError::Truncated { have: 0, .. })
    ));
}

#[test]
fn the_times_of_the_log_tell_when_the_vm_ran() {
    let log = format!(
        "{OLD}2019-01-31T08:00:02.000Z| vcpu-0| I125: Transitioned vmx/execState/val to poweredOn\n{}\
         2019-02-01T09:30:00.500Z| vmx| I125: Tools: running\n",
        "2019-01-31T09:00:00.000Z| vmx| I125: filler\n".repeat(10_000)
    );
    let log = VmLog::read(log.as_bytes()).unwrap();
    let text = |time: &Option<LogTime>| time.as_ref().map(|time| time.text.clone()).unwrap();
    assert_eq!(text(&log.begun), "2019-01-31T08:00:00.000Z");
    assert_eq!(text(&log.powered_on), "2019-01-31T08:00:02.000Z");
    assert_eq!(text(&log.last_line), "2019-02-01T09:30:00.500Z");
    let seconds = log.last_line.and_then(|time| time.time).map(Timestamp::as_second);
    assert_eq!(seconds, Some(1_549_013_400));
}

#[test]
fn a_log_of_before_2012_is_read_too() {
    let log = "Aug 20 20:09:03.972: vmx| Log for VMware Workstation pid=10584 version=7.1.1 build=build-282343\n\
         Aug 20 20:09:04.584: vmx| HOST sysname Linux, nodename laptop, release 2.6.28\n\
         Aug 20 20:09:04.590: vmx| DICT --- CONFIGURATION /vms/XP/XP.vmx \n\
         Aug 20 20:09:04.590: vmx| DICT           displayName = Windows XP \n\
         Aug 20 20:09:04.839: vmx| DISK: OPEN scsi0:0 '/vms/XP/XP.vmdk' persistent R[]\n\
         Aug 20 20:09:04.861: vmx| DISK: OPEN '/vms/XP/XP.vmdk' Geo (1174/255/56) BIOS Geo (0/0/0)\n\
         Aug 20 20:09:05.559: vcpu-0| Transitioned vmx/execState/val to poweredOn\n";
    let log = VmLog::read(log.as_bytes()).unwrap();
    assert_eq!(log.host.as_deref(), Some("laptop"));
    assert_eq!(log.display_name, Some("Windows XP".into()));
    assert_eq!(log.disks.len(), 1);
    assert_eq!(log.disks[0].device.as_deref(), Some("scsi0:0"));
    let powered_on = log.powered_on.unwrap();
    assert_eq!(
        (powered_on.text.as_str(), powered_on.time),
        ("Aug 20 20:09:05.559", None)
    );
}

#[test]
fn a_chain_that_did_not_fit_names_both_content_ids() {
    let log = format!(
        "{OLD}2019-01-31T08:00:03.000Z| vmx| I125: DISKLIB-LINK  : Attach: Content ID mismatch (d0fdb25b != ef4854ee).\n"
    );
    let log = VmLog::read(log.as_bytes()).unwrap();
    let mismatch = &log.content_id_mismatches[0];
    assert_eq!(
        (mismatch.first, mismatch.second),
        (Some(0xd0fd_b25b), Some(0xef48_54ee))
    );
    assert_eq!(mismatch.text, "Content ID mismatch (d0fdb25b != ef4854ee).");
    assert!(mismatch.at.as_ref().is_some_and(|at| at.time.is_some()));
    let odd = VmLog::read(&b"vmx| Content ID mismatch"[..]).unwrap();
    assert_eq!(odd.content_id_mismatches[0].first, None);
}

#[test]
fn what_kept_a_chain_from_opening_is_told() {
    let log = format!(
        "{OLD}vmx| DISKLIB-LINK : Attach: the capacity of each link is different (83886080 != 46399652).\n\
         vmx| DISKLIB-CHAIN : \"/vmfs/volumes/4a/vm/vm.vmdk\" : failed to open (The parent virtual disk has been modified \
         since the child was created).\n\
         vmx| DISKLIB-VMFS : \"/vmfs/volumes/4a/vm/vm-000002-delta.vmdk\" : closed.\n\
         vmx| DISKLIB-LIB : Failed to open '/vmfs/volumes/4a/vm/vm's.vmdk' with flags 0xa (The parent virtual disk has been \
         modified since the child was created).\n\
         vmx| DISK: Cannot open disk \"x\"\n\
         vmx| Failed to open '/vmfs/volumes/4a/vm/vm.vmdk': The parent virtual disk has been modified since the child was \
         created (18).\n\
         vmx| Failed to open '/dev/null' with flags 0x1 (no)\n"
    );
    let log = VmLog::read(log.as_bytes()).unwrap();
    let [mismatch] = log.capacity_mismatches.as_slice() else {
        panic!("{log:?}")
    };
    let both = (mismatch.first_sectors, mismatch.second_sectors);
    assert_eq!(both, (Some(83_886_080), Some(46_399_652)));
    assert_eq!(
        mismatch.text,
        "the capacity of each link is different (83886080 != 46399652)."
    );
    let told: Vec<_> = log
        .failed_opens
        .iter()
        .map(|failed| (failed.path.as_str(), failed.reason.as_str()))
        .collect();
    let reason = "The parent virtual disk has been modified since the child was created";
    assert_eq!(
        told,
        [
            ("/vmfs/volumes/4a/vm/vm.vmdk", reason),
            ("/vmfs/volumes/4a/vm/vm's.vmdk", reason)
        ],
        "once for each disk and reason"
    );
}

#[test]
fn the_charset_that_a_log_names_decodes_it() {
    let log = |encoding: &str| {
        let mut log =
            format!("vmx| Log for VMware Player\nvmx| Host codepage={encoding} encoding={encoding}\r\n").into_bytes();
        log.extend(b"vmx| DICT --- CONFIGURATION C:\\\xCE\xBB.vmx\n");
        VmLog::read(log.as_slice()).unwrap()
    };
    for (encoding, path) in [
        ("UTF-8", "C:\\\u{3bb}.vmx"),
        ("GBK", "C:\\\u{4f4d}.vmx"),
        ("windows-1252", "C:\\\u{ce}\u{bb}.vmx"),
        ("of nobody", "C:\\\u{3bb}.vmx"),
    ] {
        let log = log(encoding);
        assert_eq!(log.vmx_path.unwrap().as_str(), path, "{encoding}");
        assert_eq!(log.encoding.as_deref(), Some(encoding));
    }
    assert_eq!(VmLog::read(OLD.as_bytes()).unwrap().encoding, None);
}
