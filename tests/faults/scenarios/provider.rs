//! A provider that fails: no answer is paid twice, and no item fails for an outage.

use serde_json::json;

use crate::{
    fault::network::{
        Fault::{Cut, Delay, Down},
        To::Model,
    },
    scenario::{Counting, Scenario},
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| {
        Scenario::new(format!("provider: {name}")).allow(|allowed| allowed.counting = Counting::Answered)
    };
    vec![
        new("away 10 s").items(1_000).fault(Down { to: Model, seconds: 10.0 }),
        new("slow: 1 s more").items(700).fault(Delay { to: Model, milliseconds: 1_000, seconds: 5.0 }),
        new("connections cut three times").items(900).fault(Cut { to: Model, times: 3, between: 1.0 }),
        new("storm of 429")
            .items(500)
            .plan(|plan| plan.model = "lorem+ttft=300ms+fail=429:0.4+retry-after=1")
            .allow(|allowed| allowed.retry_after_seconds = 1)
            .quick(),
        new("a third of the calls fails with 500")
            .items(200)
            .plan(|plan| {
                plan.model = "lorem+ttft=300ms+fail=500:0.3";
                plan.config = json!({"retry": {"max_retries": 20}});
            })
            // The fault never ends, and the retry budget allows fewer retries than there are failures.
            .allow(|allowed| allowed.recovery_seconds = 120.0),
    ]
}
