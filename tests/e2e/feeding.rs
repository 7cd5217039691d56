//! Nothing is lost, and nothing is called twice, when a dispatcher dies or a queue of jobs is gone.

use runmill_proto::RunStatus;
use runmill_testkit::delete_queues;

use crate::support::{Cluster, assert_counters_equal_rows, data::questions};

const ITEMS: usize = 1_500;
const KILLS: u64 = 4;

/// The first jobs that a new leader feeds may have been published by the one before, and are not called again.
#[tokio::test]
async fn a_dispatcher_that_is_killed_again_and_again_causes_no_extra_call() {
    let mut cluster = Cluster::start(2, 1).await;
    let provider = cluster.api.provider(&cluster.gateway.base_url(), 20).await;
    let dataset = cluster.api.dataset(questions(ITEMS)).await;
    let run = cluster.api.start_run(provider, "lorem+ttft=50ms", dataset).await;

    for kill in 1..=KILLS {
        cluster.api.wait_for(run, |counters| counters.settled >= kill * 150).await;
        cluster.dispatcher.signal("KILL");
        cluster.restart_dispatcher().await;
    }
    let ended = cluster.api.ended(run).await;

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
    assert_counters_equal_rows(&ended, &cluster.api.results(run).await);
    assert_eq!(cluster.gateway.calls(0, usize::MAX).len(), ITEMS, "each item is called once");
    cluster.assert_nothing_left(provider).await;
}

/// No executor is there yet, so the jobs are nowhere else.
#[tokio::test]
async fn jobs_of_a_queue_that_was_deleted_are_fed_again_within_seconds() {
    const FEW: usize = 30;
    let mut cluster = Cluster::start(0, 1).await;
    let provider = cluster.api.provider(&cluster.gateway.base_url(), 4).await;
    let dataset = cluster.api.dataset(questions(FEW)).await;
    let run = cluster.api.start_run(provider, "lorem", dataset).await;
    cluster.api.wait_for(run, |counters| counters.fed > 0).await;

    let queue = format!("{}.jobs.{provider}", cluster.servers.prefix);
    delete_queues(&cluster.servers.amqp_url, &[queue], &[]).await;
    cluster.dispatcher.line_with("feeder.lost_jobs").await;
    cluster.add_executor().await;
    let ended = cluster.api.ended(run).await;

    assert_eq!((ended.status, ended.counters.succeeded), (RunStatus::Completed, FEW as u64));
    assert_counters_equal_rows(&ended, &cluster.api.results(run).await);
    let reason = ended.retry_reason.unwrap();
    assert!(reason.contains("in no queue and at no executor"), "{reason}");
    assert_eq!(cluster.gateway.calls(0, usize::MAX).len(), FEW, "each item is called once");
    cluster.assert_nothing_left(provider).await;
}
