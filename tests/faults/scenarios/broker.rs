//! A broker that fails costs no call: copies are known, and executors keep their calls.

use crate::{
    fault::broker::Fault::{
        CloseConnections, ConsumerTimeout, DeleteJobs, DeleteLogs, DiskAlarm, Drain, Kill, MemoryAlarm,
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
        new("disk alarm").items(1_400).fault(DiskAlarm { seconds: 6.0 }),
        // The time-out of two seconds is shorter than the calls.
        new("consumer time-out")
            .plan(|plan| {
                plan.items = 160;
                plan.model = "lorem+ttft=5s";
                plan.concurrency = 10;
                plan.executors = 2;
            })
            .fault(ConsumerTimeout { seconds: 12.0 })
            .allow(|allowed| allowed.recovery_seconds = 45.0),
        new("job queue purged").long_calls(500).fault(PurgeJobs).quick(),
        new("job queue deleted").items(800).fault(DeleteJobs),
        new("log queues deleted").items(1_200).fault(DeleteLogs),
        new("drained and revived").items(1_600).fault(Drain { seconds: 3.0 }),
        new("killed, down 5 s").items(1_600).fault(Kill { down: 5.0 }),
        new("wiped").items(1_400).fault(Wipe),
    ]
}
