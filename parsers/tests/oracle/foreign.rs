//! Checks of what lies beside VMs.

use derelict_parsers::{
    ReadAt, fat,
    foreign::{self, Foreign},
    iso, nvram,
    ova::{self, Ova},
    ovf::{Digest, Manifest, Ovf},
    partitions,
    pvs::DiskProperties,
    qcow2, regf,
    testkit::foreign as testkit,
    vdi, vhdx, vmcx,
    vmdk::{self, Vmdk},
};

use super::{
    container::{check_damage, decode},
    limits, longest_json, reseal, stands_in, through_json,
};

const MIB: u64 = 1 << 20;

/// Whatever it is: what the dispatch finds is what the reader of that format finds.
pub(crate) fn foreign(input: &[u8]) {
    let image = decode(input, reseal::gpt);
    if let Ok(Some(found)) = foreign::read(&image, &limits()) {
        through_json(&found, 64 << 20);
        assert!(found.anomalies().len() <= 101);
    }
    image.check_reads(4 * MIB, 64 * MIB);
}

/// The variables of a VM: four bytes tell, neither fewer nor others, and no reader of another signature takes them.
pub(crate) fn nvram(input: &[u8]) {
    const SIGNATURE: &[u8] = b"MRVN";
    assert_eq!(nvram::is_nvram(input), input.starts_with(SIGNATURE));
    let with_signature = [SIGNATURE, input].concat();
    assert!(nvram::is_nvram(&with_signature));
    for at in 0..SIGNATURE.len() {
        assert!(!nvram::is_nvram(&with_signature[..at]), "cut at {at}");
        let mut changed = with_signature.clone();
        changed[at] ^= input.first().copied().unwrap_or(1).max(1);
        assert!(!nvram::is_nvram(&changed), "changed at {at}");
    }
    let source = with_signature.as_slice();
    assert!(!matches!(
        vmdk::read(source, &limits()),
        Ok(Vmdk::Sparse(_) | Vmdk::SeSparse(_))
    ));
    assert!(vhdx::read(source, &limits()).is_err() && vmcx::read(source, &limits()).is_err());
    if let Ok(Some(found)) = foreign::read(source, &limits()) {
        // These are told by what stands further behind.
        assert!(matches!(
            found,
            Foreign::Iso(_) | Foreign::Vdi(_) | Foreign::Ova(_) | Foreign::Fat(_) | Foreign::Partitions(_)
        ));
    }
}

/// A disk image of QEMU.
pub(crate) fn qcow2(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = qcow2::read(&image, &limits()) else {
        return image.check_reads(4 * MIB, 5 * MIB);
    };
    image.check_reads(4 * MIB, 5 * MIB);
    through_json(&facts, 64 << 20);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    assert!((1..=3).contains(&facts.version) && facts.snapshots.len() <= qcow2::SNAPSHOTS_MAX_COUNT);
    if let Some(cluster) = facts.cluster_bytes {
        assert!(cluster.is_power_of_two() && (512..=2 << 20).contains(&cluster));
    }
    if facts.damage.is_none() {
        assert!(facts.cluster_bytes.is_some());
    }
    if let Some(name) = &facts.backing_file {
        assert!(name.raw().len() <= 1023);
    }
}

/// A disk image of VirtualBox.
pub(crate) fn vdi(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = vdi::read(&image) else {
        return image.check_reads(512, 512);
    };
    image.check_reads(512, 512);
    through_json(&facts, 16 << 10);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    if facts.damage.is_none() {
        let block = u64::from(facts.block_size_bytes);
        assert!(u64::from(facts.blocks) * block >= facts.virtual_bytes);
        assert!(u64::from(facts.data_offset) + u64::from(facts.allocated_blocks) * block <= image.len());
        assert!(u64::from(facts.map_offset) + u64::from(facts.blocks) * 4 <= image.len());
    }
}

/// A CD image.
pub(crate) fn iso(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = iso::read(&image) else {
        return image.check_reads(64 << 10, 192 << 10);
    };
    image.check_reads(64 << 10, 192 << 10);
    through_json(&facts, 256 << 10);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    if let Some(volume) = &facts.primary {
        assert!(facts.damage.is_some() || volume.bytes <= image.len());
    }
}

/// A package.
pub(crate) fn ova(input: &[u8]) {
    let image = decode(input, |_| ());
    let Ok(facts) = ova::read(&image, &limits()) else {
        return image.check_reads(MIB, 48 * MIB);
    };
    image.check_reads(MIB, 48 * MIB);
    through_json(&facts, 64 << 20);
    check_damage(facts.damage.as_ref(), &facts.anomalies);
    check_members(&facts, image.len());
}

fn check_members(facts: &Ova, length: u64) {
    assert!(facts.members.len() <= ova::MEMBERS_MAX_COUNT);
    let mut end = 0;
    for member in &facts.members {
        assert!(member.offset >= end + 512, "members do not overlap");
        end = member.offset.saturating_add(member.bytes);
        assert!(end <= length || facts.damage.is_some(), "members lie in the file");
    }
}

/// A raw disk.
pub(crate) fn partitions(input: &[u8]) {
    let image = decode(input, reseal::gpt);
    let table = partitions::read(&image).expect("an image is always read");
    image.check_reads(128 << 10, 2 * MIB);
    let Some(table) = table else { return };
    through_json(&table, 4 << 20);
    assert!(table.anomalies.len() <= 101 && table.partitions.len() <= 1024 + 4);
    let is_outside = |partition: &partitions::Partition| partition.offset.saturating_add(partition.bytes) > image.len();
    let said = table
        .anomalies
        .iter()
        .any(|anomaly| anomaly.code == partitions::code::PARTITION_BEYOND_END);
    assert!(!table.partitions.iter().any(is_outside) || said || table.anomalies.len() > 100);
    assert!(table.sector_bytes == 512 || table.sector_bytes == 4096);
}

/// A floppy.
pub(crate) fn fat(input: &[u8]) {
    let image = decode(input, |_| ());
    let volume = fat::read(&image).expect("an image is always read");
    image.check_reads(64 << 10, 65 << 10);
    let Some(volume) = volume else { return };
    through_json(&volume, 16 << 10);
    check_damage(volume.damage.as_ref(), &volume.anomalies);
    assert!(volume.damage.is_some() || volume.bytes <= image.len());
}

/// A descriptor or a manifest of a package.
pub(crate) fn ovf(input: &[u8]) {
    if let Ok(descriptor) = Ovf::read(input, &limits()) {
        through_json(&descriptor, longest_json(input));
        for disk in &descriptor.disks {
            let said = descriptor
                .anomalies
                .iter()
                .any(|anomaly| anomaly.code == "disk-without-file");
            assert!(disk.file_ref.is_none() || descriptor.file_of(disk).is_some() || said);
        }
        if let ([file], [system]) = (descriptor.files.as_slice(), descriptor.systems.as_slice()) {
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !text.is_empty();
            let name = system.name.as_deref().unwrap_or_default();
            if plain(&file.href) && plain(name) {
                let again = testkit::ovf(name, &file.href, file.bytes.unwrap_or(7), 1);
                let again = Ovf::read(again.as_bytes(), &limits()).expect("a descriptor that was written anew");
                assert_eq!(
                    (&again.files[0].href, again.systems[0].name.as_deref()),
                    (&file.href, Some(name))
                );
            }
        }
    }
    let Ok(manifest) = Manifest::read(input, &limits()) else {
        return;
    };
    through_json(&manifest, longest_json(input));
    let is_plain = |name: &str| !name.contains(")=") && !name.contains(") =") && !name.contains('\u{fffd}');
    if manifest.digests.iter().all(|digest| is_plain(&digest.file)) {
        let mut text = String::new();
        for Digest {
            algorithm,
            file,
            digest,
        } in &manifest.digests
        {
            text.extend([
                algorithm, "(", file, ")= ", digest, "
",
            ]);
        }
        let again = Manifest::read(text.as_bytes(), &limits()).expect("a manifest that was written anew");
        assert_eq!(again.digests, manifest.digests);
    }
}

/// Properties of a vDisk.
pub(crate) fn pvs(input: &[u8]) {
    let Ok(disk) = DiskProperties::read(input, &limits()) else {
        return;
    };
    through_json(&disk, longest_json(input));
    assert!(disk.disks.len() <= disk.properties.len());
}

/// Keys and values of a registry hive: what is read stands in it.
pub(crate) fn regf(input: &[u8]) {
    let Ok(root) = regf::Hive::read(input).and_then(|hive| hive.root()) else {
        return;
    };
    let mut limits = limits();
    limits.tree_nodes = 1000;
    let mut keys = vec![root];
    for _ in 0..3 {
        for key in &keys {
            let values = key.values(&limits);
            assert!(values.items.len() <= limits.tree_nodes);
            for value in values.items {
                assert!(stands_in(input, value.data), "data of a value stand in the hive");
                let texts: usize = value.texts().iter().map(String::len).sum();
                assert!(texts <= value.data.len() * 3);
            }
        }
        let inner = keys.iter().flat_map(|key| key.subkeys(&limits).items);
        keys = inner.take(100).collect();
    }
}
