//! Fair division of the slots of one resource among the executors that want some.

use runmill_proto::lease::{Holding, Resource, Share};

/// An executor among which slots are divided.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    pub name: &'a str,
    pub share: &'a Share,
}

/// Max-min fair division: each has what it wants, up to a level that is equal for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Division {
    level: u32,
    /// Number of executors above the level: one slot more for each of some that want more than the level.
    extra: usize,
}

/// Returns the number of the slots that are the fair share of the executor `name`, which has one of the `seats`.
///
/// Slots that do not divide evenly stay with those who have them. But if there are fewer slots than executors, those who
/// need one take turns: an executor that waits does not wait for ever, and one that has a slot without need gives it back.
pub fn fair_share(name: &str, slots: u32, resource: Resource, seats: &[Seat<'_>], turn: u64) -> u32 {
    let Division { level, extra } = divide(slots, seats.iter().map(|seat| seat.wants(resource)).collect());
    let mut above: Vec<_> = seats.iter().filter(|seat| seat.wants(resource) > level).collect();
    above.sort_by_key(|seat| (seat.rank(resource, level), seat.name));
    if level == 0 {
        let in_need = above.iter().filter(|seat| seat.rank(resource, level) == Rank::InNeed).count();
        rotate(&mut above[..in_need], turn);
    }
    match above.iter().position(|seat| seat.name == name) {
        Some(place) => level + u32::from(place < extra),
        None => seats.iter().find(|seat| seat.name == name).map_or(0, |seat| seat.wants(resource)),
    }
}

fn divide(slots: u32, mut wants: Vec<u32>) -> Division {
    wants.sort_unstable();
    let mut left = slots;
    for (served, &want) in wants.iter().enumerate() {
        let unserved = u32::try_from(wants.len() - served).unwrap_or(u32::MAX);
        let level = left / unserved;
        if want > level {
            return Division { level, extra: (left % unserved) as usize };
        }
        left -= want;
    }
    Division { level: u32::MAX, extra: 0 }
}

fn rotate<T>(items: &mut [T], turn: u64) {
    if let Ok(len @ 1..) = u64::try_from(items.len()) {
        items.rotate_left(usize::try_from(turn % len).unwrap_or(0));
    }
}

/// Order in which executors have the slots that do not divide evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// It has calls in flight or in wait.
    InNeed,
    /// It has the slot already, and does not need it at present.
    Holder,
    Other,
}

impl Seat<'_> {
    fn wants(&self, resource: Resource) -> u32 {
        self.holding(resource).wants
    }

    fn rank(&self, resource: Resource, level: u32) -> Rank {
        let holds = self.holding(resource).granted > level;
        let works = self.share.resources.values().any(|holding| holding.used > 0);
        match (level, holds) {
            (0, _) if self.share.waiting > 0 || holds && works => Rank::InNeed,
            (_, true) => Rank::Holder,
            (_, false) => Rank::Other,
        }
    }

    fn holding(&self, resource: Resource) -> Holding {
        self.share.resources.get(&resource).copied().unwrap_or_default()
    }
}
