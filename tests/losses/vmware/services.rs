//! Disks that belong to no VM and that somebody needs: First Class Disks, items of a library, and bases that their
//! descriptor protects.

use derelict_parsers::testkit::{
    guid,
    vmware::{DescriptorBuilder, stream_optimized, uuid_text},
};

use super::{Maker, chain::cid, known::FirstClassDisk, some_place};
use crate::{chance::Chance, place::made_of, plan::Part, site::Truth};

impl Maker {
    pub(super) fn first_class_disk(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let id = guid(part.seed, 9);
        let stem = guid(part.seed, 8).simple().to_string();
        let folder = format!("{}/{}", place.store, chance.pick(&["fcd", "fcd", "volumes"]));
        let more = [("fcd.uuid", uuid_text(id))];
        let more: Vec<(&str, &str)> = more.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let [path, _] = self.disk(&folder, &stem, made, &Truth::service(), &more);
        self.known.disks.push(FirstClassDisk {
            id,
            name: format!("pvc-{id}"),
            path,
        });
    }

    pub(super) fn library(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let item = format!(
            "{}/contentlib-{}/{}",
            place.store,
            guid(part.seed, 1),
            guid(part.seed, 2)
        );
        let disk = format!("linux_{}-disk1.vmdk", guid(part.seed, 3));
        let descriptor = DescriptorBuilder::embedded("streamOptimized", &disk, 16384, cid(&disk)).build();
        let body = stream_optimized(16384, &descriptor);
        self.site.put(&format!("{item}/{disk}"), body, made, &Truth::service());
    }

    /// A base disk of a desktop catalogue whose descriptor forbids to delete it.
    pub(super) fn protected(&mut self, part: &Part, chance: &mut Chance) {
        let place = some_place(part, chance);
        let made = made_of(part, chance);
        let truth = Truth::left("in-use/protected-by-descriptor");
        let folder = format!("{}/Pool{}-baseDisk-0001", place.store, part.number);
        self.disk(&folder, "Pool-baseDisk", made, &truth, &[("deletable", "false")]);
    }
}
