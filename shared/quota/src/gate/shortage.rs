use std::sync::Arc;

use runmill_proto::lease::Resource;
use tokio::time::Instant;

use super::{Class, Gatekeeper, meter::Meter};

/// Limit that an attempt waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Shortage {
    /// The lease has ended.
    Lease,
    /// The provider has asked for a pause until this time.
    Cooldown(Instant),
    /// This process's share of a limit is in use.
    Limit {
        /// The model whose limit it is; `None` for the account's.
        model: Option<Arc<str>>,
        resource: Resource,
        /// The share, in the resource's own unit.
        share: f64,
    },
}

impl<W> Gatekeeper<W> {
    /// Returns the limit that the first waiting attempt waits for longest.
    pub fn shortage(&self, now: Instant) -> Option<Shortage> {
        let heads = self.models.iter().flat_map(|(name, model)| {
            let heads = Class::ALL.into_iter().filter_map(move |class| model.head(class));
            heads.map(move |(ticket, need)| (ticket, need, name, &model.meter))
        });
        let (_, need, name, meter) = heads.min_by_key(|(ticket, ..)| *ticket)?;
        if !self.is_alive(now) {
            return Some(Shortage::Lease);
        }
        let limit = |model: Option<&Arc<str>>, meter: &Meter, (resource, at): (Resource, Option<Instant>)| {
            (at, Shortage::Limit { model: model.cloned(), resource, share: meter.limit(resource) })
        };
        let of_account = self.account.shortages(need, now).map(|short| limit(None, &self.account, short));
        let of_model = meter.shortages(need, now).map(|short| limit(Some(name), meter, short));
        let cooldown = self.cooldown(now).map(|until| (Some(until), Shortage::Cooldown(until)));
        // A wait without a known end counts as the longest.
        let longest = cooldown.into_iter().chain(of_account).chain(of_model);
        longest.max_by_key(|(at, _)| (at.is_none(), *at)).map(|(_, shortage)| shortage)
    }
}
