//! Users steer runs while processes die.

use crate::{
    fault::steering::Fault::{Cancel, CancelWithFrozenLogSink, PauseAndResume, RetryFailed},
    scenario::{Counting, Scenario},
    service::Role,
};

pub fn scenarios() -> Vec<Scenario> {
    let new = |name: &str| Scenario::new(format!("steering: {name}"));
    let canceled = |scenario: Scenario| {
        scenario.items(1_500).allow(|allowed| allowed.status = runmill_proto::RunStatus::Canceled)
    };
    vec![
        canceled(new("canceled").fault(Cancel)),
        canceled(new("canceled with a frozen log-sink and a dead executor").fault(CancelWithFrozenLogSink)),
        new("paused and resumed four times, the dispatcher killed")
            .items(900)
            .fault(PauseAndResume { times: 4, killing: Role::Dispatcher }),
        new("paused and resumed four times, an executor killed")
            .items(900)
            .fault(PauseAndResume { times: 4, killing: Role::Executor })
            // The dead executor's jobs wait for it to count as dead in each pause.
            .allow(|allowed| allowed.recovery_seconds = 60.0),
        new("failed items tried again twice, a log-sink killed")
            .items(700)
            .plan(|plan| plan.model = "lorem+ttft=300ms+fail=400:0.3")
            .fault(RetryFailed { times: 2 })
            .allow(|allowed| {
                allowed.counting = Counting::Answered;
                allowed.failed = 700;
                allowed.recovery_seconds = 60.0;
            }),
    ]
}
