//! When an export was taken, as far as its words and the times of its file bound it.
//!
//! Two things are sure: no export is newer than the file that holds it, and a local time without a zone lies between
//! fourteen hours before and twelve hours after what it reads as UTC. That the time of a file is that of its export is
//! believed only where the two differ by what a zone may differ from UTC: a copy has any other time.

use jiff::{SignedDuration, Timestamp};

use super::{Inventory, InventoryWarning};

/// How far ahead of UTC a local time may be.
const FARTHEST_EAST: SignedDuration = SignedDuration::from_hours(14);
/// How far behind UTC a local time may be.
const FARTHEST_WEST: SignedDuration = SignedDuration::from_hours(12);
/// How long after the time that it says of itself an export may be written.
const WRITING: SignedDuration = SignedDuration::from_mins(5);
/// How much earlier than the time in it a file may seem to be written: clocks and file systems round.
const ROUNDING: SignedDuration = SignedDuration::from_secs(2);
/// How far apart clocks that are right may be.
const CLOCKS: SignedDuration = SignedDuration::from_hours(1);
/// Offsets east of UTC in minutes that are in use and no whole hours (tz database).
const ODD_OFFSETS: [i64; 10] = [210, 270, 330, 345, 390, 525, 570, 630, 765, 825];
/// What archives and file systems give that know no time is before this: 2000-01-01.
const FIRST_TIME: i64 = 946_684_800;

/// A moment that is known within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// What it is taken for: not later than it was written.
    pub(super) at: Timestamp,
    /// The earliest that it can be.
    pub(super) from: Timestamp,
}

impl Moment {
    /// One that is known.
    pub(super) fn exact(at: Timestamp) -> Self {
        Self { at, from: at }
    }

    /// The time of a file, unless it is one that stands for none.
    pub(super) fn of_file(at: Timestamp) -> Option<Self> {
        (at.as_second() >= FIRST_TIME).then(|| Self::exact(at))
    }

    /// One local time without a zone, read as UTC.
    fn zoneless(at: Timestamp) -> Self {
        Self {
            at,
            from: at.checked_sub(FARTHEST_EAST).unwrap_or(at),
        }
    }

    /// The latest that it can be.
    fn latest(self) -> Timestamp {
        let west = (self.from < self.at).then(|| self.at.checked_add(FARTHEST_WEST).ok());
        west.flatten().unwrap_or(self.at)
    }

    /// The earlier bounds of several moments.
    pub(super) fn earliest(moments: impl Iterator<Item = Self>) -> Option<Self> {
        moments.reduce(|a, b| Self {
            at: a.at.min(b.at),
            from: a.from.min(b.from),
        })
    }

    /// This time of an export in a file that was written at another: it is not newer than the file.
    pub(super) fn within(self, file: Option<Self>) -> Self {
        match file.map(Self::latest) {
            Some(latest) if latest < self.at => Self {
                at: latest,
                from: self.from.min(latest),
            },
            _ => self,
        }
    }
}

/// A time that an export says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SaidTime {
    /// The time, read as UTC where no zone is given; of a date that can be read in two ways the earlier.
    pub(super) at: Timestamp,
    /// The later reading of a date in which day and month can change places.
    pub(super) or: Option<Timestamp>,
    /// A zone was given.
    pub(super) zoned: bool,
}

impl SaidTime {
    /// A time with its zone.
    pub(super) fn zoned(at: Timestamp) -> Self {
        Self {
            at,
            or: None,
            zoned: true,
        }
    }

    /// A local time, read as UTC.
    pub(super) fn local(at: Timestamp) -> Self {
        Self {
            at,
            or: None,
            zoned: false,
        }
    }

    /// The moment meant, with the help of the time of the file that says it.
    pub(super) fn moment(self, file: Option<Moment>) -> Moment {
        if self.zoned {
            return Moment::exact(self.at).within(file);
        }
        let Some(file) = file else {
            return Moment::zoneless(self.at);
        };
        let reads = self.or.filter(|&or| is_within_zones(or, file.at)).unwrap_or(self.at);
        if file.from < file.at {
            return Moment::zoneless(reads.min(file.at));
        }
        if let Some(at) = written_at(reads, file.at) {
            return Moment::exact(at);
        }
        let said = Moment::zoneless(reads);
        Moment {
            at: said.at.min(file.at),
            from: said.from.min(file.at),
        }
    }
}

/// A time that has not come by `now` is of a wrong clock. How wrong it is nobody can tell, so that nothing is known to be older than
/// what gives it.
pub(crate) fn leave_out_times_to_come(inventories: &mut [Inventory], now: Timestamp) {
    let is_to_come = |time: Timestamp| time.duration_since(now) > CLOCKS;
    for inventory in inventories {
        for list in &mut inventory.object_lists {
            list.sure = list.sure.filter(|&sure| !is_to_come(sure));
        }
        let Some(time) = inventory.surely_collected().filter(|&time| is_to_come(time)) else {
            continue;
        };
        inventory.collected = None;
        inventory.collected_from = None;
        inventory.collected_is_file_time = false;
        inventory.warnings.push(InventoryWarning::note(
            "time-to-come",
            format!(
                "the time that it or its file gives has not come yet ({}): the clock there or the clock here is wrong, \
                 and when it was taken is not known; set the clock right and export it again",
                time.strftime("%Y-%m-%d %H:%M UTC")
            ),
        ));
    }
}

/// A local time and the time of a file lie so near that they can be of one day.
fn is_within_zones(reads: Timestamp, file: Timestamp) -> bool {
    let ahead = reads.duration_since(file);
    ahead <= FARTHEST_EAST && -ahead <= FARTHEST_WEST
}

/// The moment of a local time, where the file was written just then by some zone. Only one of UTC or east of it is believed: a
/// workbook that was opened and saved again later on the day looks like one that was made that much farther west.
fn written_at(reads: Timestamp, file: Timestamp) -> Option<Timestamp> {
    let hours = (0..=14_i64).map(|hours| hours.saturating_mul(60));
    hours.chain(ODD_OFFSETS).find_map(|offset| {
        let at = reads.checked_sub(SignedDuration::from_mins(offset)).ok()?;
        let after = file.duration_since(at);
        (-ROUNDING <= after && after <= WRITING).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn local(text: &str, file: Option<&str>) -> (String, String) {
        let moment = SaidTime::local(at(text)).moment(file.and_then(|file| Moment::of_file(at(file))));
        (moment.at.to_string(), moment.from.to_string())
    }

    fn pair(moment: &str, from: &str) -> (String, String) {
        (moment.to_owned(), from.to_owned())
    }

    #[test]
    fn a_local_time_is_up_to_fourteen_hours_earlier_unless_its_file_tells_the_zone() {
        let said = "2026-11-22T08:45:00Z";
        let unsure = pair(said, "2026-11-21T18:45:00Z");
        assert_eq!(local(said, None), unsure);
        assert_eq!(local(said, Some("2026-12-24T06:45:00Z")), unsure, "copied");
        assert_eq!(local(said, Some("1980-01-01T00:00:00Z")), unsure, "no time");
        assert_eq!(local(said, Some("2026-11-22T11:21:00Z")), unsure, "copied the same day");
        let two_east = pair("2026-11-22T06:45:00Z", "2026-11-22T06:45:00Z");
        assert_eq!(local(said, Some("2026-11-22T06:47:30Z")), two_east);
        let india = pair("2026-11-22T03:15:00Z", "2026-11-22T03:15:00Z");
        assert_eq!(local(said, Some("2026-11-22T03:15:01Z")), india);
        assert_eq!(local(said, Some("2026-11-22T08:45:03Z")), pair(said, said), "in UTC");
        let later = "saved again the same day, or made five hours west";
        assert_eq!(local(said, Some("2026-11-22T13:45:03Z")), unsure, "{later}");
    }

    #[test]
    fn no_export_is_newer_than_its_file() {
        let file = Some("2026-11-22T06:21:00Z");
        let copied = pair("2026-11-22T06:21:00Z", "2026-11-21T18:45:00Z");
        assert_eq!(local("2026-11-22T08:45:00Z", file), copied);
        let impossible = pair("2026-11-22T06:21:00Z", "2026-11-22T06:21:00Z");
        assert_eq!(local("2199-11-22T08:45:00Z", file), impossible);
        let zoned = SaidTime::zoned(at("2026-11-23T08:45:00Z"));
        let file = Moment::of_file(at("2026-11-22T06:21:00Z"));
        assert_eq!(zoned.moment(file), Moment::exact(at("2026-11-22T06:21:00Z")));
        assert_eq!(zoned.moment(None), Moment::exact(at("2026-11-23T08:45:00Z")));
        let entry = SaidTime::local(at("2026-11-23T00:00:00Z")).moment(None);
        assert_eq!(zoned.moment(Some(entry)), zoned.moment(None), "nine hours behind UTC");
    }

    #[test]
    fn of_two_readings_of_a_date_the_file_tells_which() {
        let said = SaidTime {
            or: Some(at("2026-11-02T12:00:00Z")),
            ..SaidTime::local(at("2026-02-11T12:00:00Z"))
        };
        let moment = |file: &str| said.moment(Moment::of_file(at(file))).at;
        assert_eq!(moment("2026-11-02T12:00:04Z"), at("2026-11-02T12:00:00Z"));
        assert_eq!(moment("2026-11-02T21:34:00Z"), at("2026-11-02T12:00:00Z"));
        assert_eq!(moment("2026-12-02T12:00:00Z"), at("2026-02-11T12:00:00Z"));
        assert_eq!(moment("2026-02-11T12:00:00Z"), at("2026-02-11T12:00:00Z"));
    }
}
