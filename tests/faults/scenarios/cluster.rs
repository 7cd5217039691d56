//! Three brokers with quorum queues, behind one address.

use crate::{
    fault::broker::Fault::{KillEachNode, KillTwoNodes},
    scenario::Scenario,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("cluster: {name}")).plan(|plan| plan.nodes = 3);
    vec![
        new("each node killed, one at a time").items(3_200).fault(KillEachNode { down: 2.0 }),
        new("two of three nodes killed").items(2_000).fault(KillTwoNodes { down: 5.0 }),
    ]
}
