//! All scenarios, by what happens in them.

mod broker;
mod clocks;
mod cluster;
mod database;
mod messages;
mod network;
mod processes;
mod provider;
mod standalone;
mod steering;

use crate::scenario::Scenario;

/// Returns all scenarios. Those that need servers of their own are together, so that a worker starts few.
pub fn all() -> Vec<Scenario> {
    let groups = [
        cluster::scenarios(),
        processes::scenarios(),
        broker::scenarios(),
        network::scenarios(),
        messages::scenarios(),
        provider::scenarios(),
        clocks::scenarios(),
        steering::scenarios(),
        database::scenarios(),
        standalone::scenarios(),
    ];
    groups.into_iter().flatten().collect()
}
