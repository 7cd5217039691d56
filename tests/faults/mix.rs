//! Scenarios of random faults, which a seed replays.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    fault::{Fault, broker, database, network, processes},
    scenario::Scenario,
    service::Role,
};

/// Number of mixed scenarios of one seed.
const SCENARIOS: usize = 4;
/// Number of faults of each.
const FAULTS: usize = 4;

/// Returns the mixed scenarios of a seed.
pub fn scenarios(seed: u64) -> Vec<Scenario> {
    let mut rng = StdRng::seed_from_u64(seed);
    let number = |n| {
        let base =
            Scenario::new(format!("mixed {n} of seed {seed}")).items(3_500).dispatchers(2).log_sinks(2);
        (0..FAULTS).fold(base, |scenario, _| scenario.fault(random(&mut rng)))
    };
    (0..SCENARIOS).map(number).collect()
}

/// Returns a random fault that leaves all servers as they were.
pub fn random(rng: &mut StdRng) -> Fault {
    let seconds = rng.random_range(2.0..6.0);
    let role = Role::ALL[rng.random_range(0..Role::ALL.len())];
    let to = [network::To::Broker, network::To::Database][rng.random_range(0..2)];
    let faults: [Fault; 14] = [
        processes::Fault::Kill { role, back_after: seconds / 4.0 }.into(),
        processes::Fault::Terminate(role).into(),
        processes::Fault::Freeze { role, seconds: seconds * 2.0 }.into(),
        processes::Fault::KillLeader.into(),
        processes::Fault::KillLeaderBeforeMark.into(),
        broker::Fault::Restart { down: 1.0 }.into(),
        broker::Fault::CloseConnections { times: 2, between: 1.0 }.into(),
        broker::Fault::MemoryAlarm { seconds }.into(),
        broker::Fault::PurgeJobs.into(),
        database::Fault::Crash { down: seconds }.into(),
        database::Fault::Terminate { times: 2, between: 1.0 }.into(),
        database::Fault::TableRenamed { table: "results", seconds }.into(),
        network::Fault::Cut { to, times: 3, between: 1.0 }.into(),
        network::Fault::Silent { to, seconds }.into(),
    ];
    faults[rng.random_range(0..faults.len())]
}
