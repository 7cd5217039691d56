//! A broker that fails costs no call: copies are known, and executors keep their calls.

use crate::{
    fault::broker::Fault::{
        CloseConnections, DeleteJobs, DeleteLogs, DiskAlarm, Drain, ExecutorKilledInAlarm, Kill, MemoryAlarm,
        PurgeJobs, Restart, Wipe,
    },
    scenario::Scenario,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("broker: {name}"));
    vec![
        new("connections closed in long calls")
            .long_calls(500)
            .fault(CloseConnections { times: 1, between: 1.0 })
            .quick(),
        new("connections closed five times").items(1_500).fault(CloseConnections { times: 5, between: 1.0 }),
        new("connections closed, one executor")
            .long_calls(300)
            .executors(1)
            .fault(CloseConnections { times: 1, between: 1.0 }),
        new("restarted in long calls").long_calls(800).fault(Restart { down: 2.0 }),
        new("restarted, one executor").long_calls(400).executors(1).fault(Restart { down: 1.0 }),
        new("memory alarm").items(1_600).fault(MemoryAlarm { seconds: 10.0 }),
        new("executor killed while publishers are blocked")
            .items(1_200)
            .fault(ExecutorKilledInAlarm { seconds: 3.0 })
            .allow(|allowed| allowed.restarts_within = Some(6.0)),
        new("disk alarm").items(1_400).fault(DiskAlarm { seconds: 6.0 }),
        // The time-out is shorter than the calls.
        new("consumer time-out of 3 s, calls of 6 s").plan(|plan| {
            plan.items = 100;
            plan.model = "lorem+ttft=6s";
            plan.concurrency = 10;
            plan.broker_settings = &[("consumer_timeout", 3_000)];
        }),
        // One executor leaves jobs in the queue.
        new("job queue purged").long_calls(300).executors(1).fault(PurgeJobs).quick(),
        new("job queue deleted").items(800).fault(DeleteJobs),
        new("log queues deleted").items(1_200).fault(DeleteLogs),
        new("drained and revived").items(1_600).fault(Drain { seconds: 3.0 }),
        new("killed, down 5 s").items(1_600).fault(Kill { down: 5.0 }),
        new("wiped").items(800).executors(1).fault(Wipe),
    ]
}
