//! Places at equal distances in a file, each as far from the next as a block is long or farther: blocks that stand on them
//! overlap only where two have one place. One writer leaves the same distance between all blocks of a disk.

use super::{places::Places, slots::Row};

/// The places of a lattice, each taken or free.
#[derive(Debug)]
pub(super) struct Lattice {
    /// The first place, in sectors.
    phase: u32,
    /// How far the places are apart, in sectors.
    step: u32,
    /// What the odd part of the step is to be multiplied with for 1, without regard to more than 32 bits.
    inverse: u32,
    /// How often the step can be halved.
    halvings: u32,
    /// What is behind the last place is taken.
    places: Places,
}

/// The largest step of a lattice on which all of these stand; 0 where they are one place.
pub(super) fn common_step(rows: &[Row], last: Row) -> u32 {
    let all = rows.iter().chain([&last]);
    all.fold(0, |step, row| step_between(step, last.sector, *row))
}

/// The largest step of a lattice with `sector` and `step` on which `row` stands too.
fn step_between(step: u32, sector: u32, row: Row) -> u32 {
    let within = if row.count > 1 { row.step } else { 0 };
    common_divisor(common_divisor(step, within), sector.abs_diff(row.sector))
}

/// Euclid's.
fn common_divisor(one: u32, other: u32) -> u32 {
    let (mut large, mut small) = (one, other);
    while let Some(rest) = large.checked_rem(small) {
        (large, small) = (small, rest);
    }
    large
}

impl Lattice {
    /// The free places of a file of `sectors` with one at `sector`; `None` where there is no step.
    pub(super) fn new(sectors: u64, sector: u32, step: u32) -> Option<Self> {
        let phase = sector.checked_rem(step)?;
        // A sector before the phase counts as one behind the 32 bits that a table has for it: no place.
        let last = u32::try_from(sectors).unwrap_or(u32::MAX).saturating_sub(phase);
        let count = last.checked_div(step)?.saturating_add(1);
        let halvings = step.trailing_zeros();
        let mut places = Places::new(count.into(), u64::MAX)?;
        places.close();
        Some(Self {
            phase,
            step,
            inverse: inverse(step.checked_shr(halvings)?),
            halvings,
            places,
        })
    }

    /// The number of the place at a sector; not less than their count where there is none.
    #[inline]
    fn place_of(&self) -> impl Fn(u32) -> u32 + use<> {
        let (phase, inverse, halvings) = (self.phase, self.inverse, self.halvings);
        // A multiple of an odd number times its inverse is the quotient, and anything else is more than any quotient
        // (Granlund and Montgomery 1994, section 9); so is what has a bit in front after the turn.
        move |sector| {
            let distance = sector.wrapping_sub(phase);
            distance.wrapping_mul(inverse).rotate_right(halvings)
        }
    }

    /// True when all blocks of a row stand on it.
    pub(super) fn has(&self, row: Row) -> bool {
        self.step_with(row) == self.step
    }

    /// The largest step of a lattice on which a row stands too.
    pub(super) fn step_with(&self, row: Row) -> u32 {
        step_between(self.step, self.phase, row)
    }

    /// The sectors at which blocks stand, in order.
    pub(super) fn sectors(&self) -> impl DoubleEndedIterator<Item = u32> {
        let place = |place| u32::try_from(place).unwrap_or(u32::MAX);
        let taken = self.places.iter().map(place);
        taken.map(|place| place.wrapping_mul(self.step).wrapping_add(self.phase))
    }

    /// What takes the place at a sector of the file, unless it is taken or there is none; false then.
    #[inline]
    pub(super) fn take_each(&mut self) -> impl FnMut(u32) -> bool {
        let place_of = self.place_of();
        let mut take = self.places.take_each_single();
        move |sector| take(place_of(sector).into())
    }

    /// Takes the places of blocks which stand on it; returns how many lie on others.
    pub(super) fn take(&mut self, row: Row) -> u64 {
        let mut place = u64::from(self.place_of()(row.sector));
        let stride = u64::from(row.step).checked_div(self.step.into()).unwrap_or(0);
        let mut overlapping = 0_u64;
        for _ in 0..row.count {
            overlapping = overlapping.saturating_add(u64::from(!self.places.take(place, 1)));
            place = place.saturating_add(stride);
        }
        overlapping
    }
}

/// What an odd number is to be multiplied with for 1, without regard to more than 32 bits (Newton; each round doubles the
/// bits that are right, of which an odd number itself has three).
fn inverse(odd: u32) -> u32 {
    (0..4).fold(odd, |inverse, _| {
        inverse.wrapping_mul(2_u32.wrapping_sub(odd.wrapping_mul(inverse)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_quotient_and_nothing_between_is_one() {
        for (step, first) in [
            (2_u32, 1_u32),
            (3, 2),
            (10, 1003),
            (4097, 7816),
            (4104, 7815),
            (1 << 20, 5),
            (65_537, 0),
        ] {
            let lattice = Lattice::new(u64::from(u32::MAX) + 1, first, step).unwrap();
            let phase = first % step;
            let near = [0, 1, 2, 7, 1000].map(|place| place * step.min(1 << 20) + phase);
            let sectors = near
                .into_iter()
                .flat_map(|sector| [sector, sector + 1, sector.saturating_sub(1)]);
            for sector in sectors.chain([0, u32::MAX, u32::MAX - 1, 1 << 31, u32::MAX - step]) {
                let place = sector.checked_sub(phase).filter(|distance| distance % step == 0);
                let told = Some(lattice.place_of()(sector)).filter(|place| lattice.places.has((*place).into()));
                assert_eq!(
                    told,
                    place.map(|distance| distance / step),
                    "{sector} at {phase} + n * {step}"
                );
            }
        }
        assert!(Lattice::new(100, 1, 0).is_none());
    }

    #[test]
    fn the_common_step_is_that_of_every_row() {
        let row = |sector, count, step| Row { sector, count, step };
        assert_eq!(common_step(&[row(100, 1, 0), row(40, 1, 0)], row(70, 1, 0)), 30);
        assert_eq!(common_step(&[row(100, 5, 20)], row(40, 1, 17)), 20);
        assert_eq!(common_step(&[row(100, 1, 20)], row(100, 1, 0)), 0);
    }
}
