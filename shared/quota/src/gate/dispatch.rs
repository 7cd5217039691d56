use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use super::{Class, Gatekeeper, Need, Place, class::ByClass, meter::Meter};

/// Effect of a change on the attempts that wait.
#[derive(Debug)]
pub(crate) struct Dispatched<W> {
    /// Attempts that have been started.
    pub started: Vec<(W, Arc<str>, Need)>,
    /// Time at which the next may start; `None` if that depends on something else than the time.
    pub next: Option<Instant>,
    /// True if a larger allowance or a renewed lease would let an attempt start.
    pub short: bool,
}

/// First waiting attempts of the models, by their tickets.
type Heads = ByClass<BTreeMap<u64, Arc<str>>>;

/// Reason why an attempt cannot start, and the time of its end, if it is known.
pub(super) struct Blocked {
    /// True if it concerns every model.
    whole_lane: bool,
    until: Option<Instant>,
}

impl<W> Gatekeeper<W> {
    /// Starts the attempts that wait and may start now.
    pub fn dispatch(&mut self, now: Instant) -> Dispatched<W> {
        let mut dispatched = Dispatched { started: Vec::new(), next: None, short: false };
        if self.waiting() == 0 {
            return dispatched;
        }
        let heads = |class| -> BTreeMap<_, _> {
            let heads =
                self.models.iter().filter_map(|(name, model)| Some((model.head(class)?.0, name.clone())));
            heads.collect()
        };
        let mut heads = ByClass { run: heads(Class::Run), interactive: heads(Class::Interactive) };
        while let Some((class, ticket, name)) = self.pop_next(&mut heads) {
            let Some((_, need)) = self.models[&name].head(class) else { continue };
            let need = *need;
            if let Err(blocked) = self.check(&name, &need, now) {
                self.note_shortages(&name, &need, now);
                dispatched.short |= self.cooldown(now).is_none();
                dispatched.next = earliest(dispatched.next, blocked.until);
                if blocked.whole_lane {
                    break;
                }
                // The other class does not overtake where the model's own limits are used up.
                heads.iter_mut().for_each(|heads| heads.retain(|_, other| *other != name));
                continue;
            }
            let place = Place { model: name.clone(), class, ticket };
            self.begin(&name, &need, now);
            dispatched.started.extend(self.leave(&place).map(|by| (by, name.clone(), need)));
            let next = self.models.get(&name).and_then(|model| model.head(class));
            heads.get_mut(class).extend(next.map(|(next, _)| (next, name)));
        }
        dispatched
    }

    /// Takes the attempt that asked first out of the class that is next, or else out of the other.
    fn pop_next(&self, heads: &mut Heads) -> Option<(Class, u64, Arc<str>)> {
        let free = self.concurrency().saturating_sub(self.in_flight());
        let class = self.turns.next(self.concurrency(), free);
        [class, class.other()].into_iter().find_map(|class| {
            let (ticket, name) = heads.get_mut(class).pop_first()?;
            Some((class, ticket, name))
        })
    }

    pub(super) fn check(&self, name: &Arc<str>, need: &Need, now: Instant) -> Result<(), Blocked> {
        if !self.is_alive(now) {
            return Err(Blocked { whole_lane: true, until: None });
        }
        let until = |meter: &Meter| {
            let shortages = meter.shortages(need, now).map(|(_, at)| at);
            shortages.reduce(|one, other| Some(one?.max(other?)))
        };
        let of_model = until(&self.models[name].meter);
        let of_lane = match (until(&self.account), self.cooldown(now)) {
            (Some(at), cooldown) => Some(at.map(|at| cooldown.map_or(at, |until| until.max(at)))),
            (None, cooldown) => cooldown.map(Some),
        };
        match (of_model, of_lane) {
            (None, None) => Ok(()),
            (None, Some(until)) => Err(Blocked { whole_lane: true, until }),
            (Some(until), None) => Err(Blocked { whole_lane: false, until }),
            (Some(own), Some(lane)) => {
                Err(Blocked { whole_lane: false, until: own.zip(lane).map(|(own, lane)| own.max(lane)) })
            }
        }
    }

    fn note_shortages(&mut self, name: &Arc<str>, need: &Need, now: Instant) {
        self.account.note_shortages(need, now);
        if let Some(model) = self.models.get_mut(name) {
            model.meter.note_shortages(need, now);
        }
    }
}

fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}
