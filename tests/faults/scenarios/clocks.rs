//! One executor's clock is ten minutes off; times that cross a process are the store's.

use crate::scenario::{Counting, Scenario};

const REFUSING: &str = "lorem+ttft=300ms+fail=429:0.05+retry-after=31";

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str, clock: &'static str| {
        Scenario::new(format!("clocks: {name}")).plan(|plan| plan.clock = Some(clock))
    };
    let refused = |scenario: Scenario| {
        scenario.items(300).plan(|plan| plan.model = REFUSING).allow(|allowed| {
            allowed.counting = Counting::Answered;
            allowed.retry_after_seconds = 31;
            allowed.recovery_seconds = 60.0;
        })
    };
    vec![
        new("one executor ahead, a deadline in 5 minutes", "+10m")
            .items(400)
            .plan(|plan| plan.deadline_seconds = Some(300)),
        refused(new("one executor ahead, retry-after of 31 s", "+10m")),
        refused(new("one executor behind, retry-after of 31 s", "-10m")),
    ]
}
