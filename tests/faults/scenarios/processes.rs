//! Only a dead or frozen executor may cost calls, and at most those that it had in flight.

use crate::{
    fault::processes::Fault::{
        Freeze, FreezeLeader, FreezeLeaderWithoutSessions, Kill, KillAll, KillForGood, KillLeader,
        KillLeaderBeforeMark, KillOften, Terminate,
    },
    scenario::{Counting, Scenario},
    service::Role::{Dispatcher, Executor, LogSink},
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("processes: {name}"));
    vec![
        new("no fault").items(400).quick(),
        new("executor killed, one of three")
            .long_calls(1_000)
            .executors(3)
            .fault(KillForGood(Executor))
            .allow(|allowed| {
                // Six, and three rounds of calls, since their jobs wait for slots behind others.
                allowed.restarts_within = Some(12.0);
                // Two thirds of the fleet are left.
                allowed.recovery_seconds = 60.0;
            })
            .quick(),
        new("executor killed and started").items(700).fault(Kill { role: Executor, back_after: 1.0 }),
        new("executor drained and started").items(800).fault(Terminate(Executor)),
        drained_eleven_times(new("executor drained eleven times in long calls")),
        new("executor frozen 40 s").items(2_600).fault(Freeze { role: Executor, seconds: 40.0 }),
        new("executor frozen 8 s in long calls")
            .long_calls(700)
            .fault(Freeze { role: Executor, seconds: 8.0 })
            .quick(),
        new("log-sink killed").items(700).fault(Kill { role: LogSink, back_after: 1.0 }),
        new("log-sink killed five times, one of two").items(900).log_sinks(2).fault(KillOften {
            role: LogSink,
            times: 5,
            between: 1.0,
        }),
        new("log-sink drained").items(700).fault(Terminate(LogSink)),
        new("log-sink frozen 40 s").items(3_000).fault(Freeze { role: LogSink, seconds: 40.0 }),
        new("dispatcher killed").items(700).fault(Kill { role: Dispatcher, back_after: 1.0 }),
        new("dispatcher killed twelve times").items(1_400).fault(KillOften {
            role: Dispatcher,
            times: 12,
            between: 0.4,
        }),
        new("dispatcher drained").items(700).fault(Terminate(Dispatcher)),
        new("leader killed, one of two").items(700).dispatchers(2).fault(KillLeader),
        new("leader killed between publish and mark").items(800).fault(KillLeaderBeforeMark).quick(),
        new("leader killed between publish and mark, one of two")
            .items(800)
            .dispatchers(2)
            .fault(KillLeaderBeforeMark),
        new("leader frozen 20 s, one of two")
            .items(1_800)
            .dispatchers(2)
            .fault(FreezeLeader { seconds: 20.0 }),
        new("leader frozen, its sessions ended, three times")
            .items(1_200)
            .dispatchers(2)
            .fault(FreezeLeaderWithoutSessions { seconds: 3.0 })
            .fault(FreezeLeaderWithoutSessions { seconds: 3.0 })
            .fault(FreezeLeaderWithoutSessions { seconds: 3.0 }),
        new("everything killed at once").items(800).fault(KillAll),
        new("executor with 64 open files")
            .items(600)
            .plan(|plan| {
                plan.open_files = Some(64);
                plan.concurrency = 100;
            })
            .allow(|allowed| allowed.counting = Counting::Answered),
    ]
}

/// No drain waits for a call, so each hands jobs back, which must not count against them.
fn drained_eleven_times(scenario: Scenario) -> Scenario {
    let scenario = scenario.plan(|plan| {
        plan.items = 100;
        plan.model = "lorem+ttft=8s";
        plan.concurrency = 20;
        plan.drain_seconds = 2;
    });
    // An interrupted call has no answer, and is in the books.
    (0..11).fold(scenario, |scenario, _| scenario.fault(Terminate(Executor))).allow(|allowed| {
        allowed.counting = Counting::Answered;
        allowed.recovery_seconds = 60.0;
    })
}
