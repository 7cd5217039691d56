//! Links that break, lie dead or are slow, between any two.

use crate::{
    fault::network::{
        Fault::{Cut, CutBrokerWhileDatabaseIsDown, Delay, Down, Silent, Throttle},
        To::{Broker, Database},
    },
    scenario::Scenario,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("network: {name}"));
    vec![
        new("broker's proxy restarted in long calls").long_calls(500).fault(Cut {
            to: Broker,
            times: 1,
            between: 1.0,
        }),
        // Longer than the broker's delivery limit allows, if each loss counted as a delivery.
        new("broker's connections lost 25 times").long_calls(1_600).fault(Cut {
            to: Broker,
            times: 25,
            between: 1.0,
        }),
        new("broker away 6 s").items(1_400).fault(Down { to: Broker, seconds: 6.0 }),
        new("broker silent 8 s").items(1_600).fault(Silent { to: Broker, seconds: 8.0 }),
        new("broker slow: 200 ms").items(1_200).fault(Delay { to: Broker, milliseconds: 200, seconds: 6.0 }),
        new("broker slow: 20 kB/s").items(1_200).fault(Throttle {
            to: Broker,
            bytes_per_second: 20_000,
            seconds: 6.0,
        }),
        new("database away 8 s").items(1_500).fault(Down { to: Database, seconds: 8.0 }),
        new("database silent 8 s").items(1_600).fault(Silent { to: Database, seconds: 8.0 }),
        new("database slow: 200 ms").items(1_300).fault(Delay {
            to: Database,
            milliseconds: 200,
            seconds: 6.0,
        }),
        new("broker lost 23 times while the database is down")
            .items(3_000)
            .fault(CutBrokerWhileDatabaseIsDown { times: 23 }),
    ]
}
