//! Messages that come twice change nothing, and only what does not decode is put aside.

use crate::{
    fault::messages::Fault::{Garbage, JobsOfPreviousRelease, JobsTwice, LogsTwice},
    scenario::Scenario,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("messages: {name}"));
    vec![
        new("jobs published twice").items(900).fault(JobsTwice),
        new("logs published twice").items(900).fault(LogsTwice),
        new("jobs of the previous release").items(600).executors(1).fault(JobsOfPreviousRelease),
        new("garbage in the queues").items(700).fault(Garbage { each: 20 }).quick(),
        new("an answer above the broker's limit")
            .items(500)
            .plan(|plan| {
                plan.model = "echo+ttft=500ms";
                plan.broker_settings = &[("max_message_size", 131_072)];
                plan.first_item_bytes = 300_000;
            })
            // The answer was paid for, and cannot be kept.
            .allow(|allowed| allowed.failed = 1),
    ]
}
