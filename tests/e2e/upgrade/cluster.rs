use super::work::Work;
use crate::support::{Cluster, Plan, Release};

const ITEMS: usize = 5_000;

#[derive(Clone, Copy, Debug)]
enum Part {
    Dispatcher,
    Executors,
    LogSinks,
}

use Part::{Dispatcher, Executors, LogSinks};

async fn replace(cluster: &mut Cluster, part: Part, release: Release) {
    match part {
        Dispatcher => cluster.replace_dispatcher(release).await,
        Executors => cluster.replace_executors(release).await,
        LogSinks => cluster.replace_log_sinks(release).await,
    }
}

/// Upgrades a cluster in this order, rolls it back in the opposite order, and upgrades it again when the run has ended.
async fn a_run_survives_the_upgrade_of(order: [Part; 3]) {
    let plan = Plan { release: Release::Before, executors: 2, log_sinks: 2, ..Plan::default() };
    let mut cluster = Cluster::planned(plan).await;
    let work = Work::start(&cluster.api, &cluster.gateway, ITEMS).await;
    work.goes_on(&cluster.api).await;

    for part in order {
        replace(&mut cluster, part, Release::Now).await;
        work.goes_on(&cluster.api).await;
    }
    for part in order.into_iter().rev() {
        replace(&mut cluster, part, Release::Before).await;
        work.goes_on(&cluster.api).await;
    }
    work.assert_complete(&cluster.api, &cluster.gateway).await;
    for part in order {
        replace(&mut cluster, part, Release::Now).await;
    }

    work.assert_results(&cluster.api).await;
    cluster.assert_nothing_left(work.provider).await;
}

#[tokio::test]
#[ignore = "it needs the release before: run `make upgrade`"]
async fn a_run_survives_an_upgrade_that_begins_with_the_dispatcher() {
    a_run_survives_the_upgrade_of([Dispatcher, Executors, LogSinks]).await;
}

#[tokio::test]
#[ignore = "it needs the release before: run `make upgrade`"]
async fn a_run_survives_an_upgrade_that_begins_with_the_executors() {
    a_run_survives_the_upgrade_of([Executors, LogSinks, Dispatcher]).await;
}

#[tokio::test]
#[ignore = "it needs the release before: run `make upgrade`"]
async fn a_run_survives_an_upgrade_that_begins_with_the_log_sinks() {
    a_run_survives_the_upgrade_of([LogSinks, Dispatcher, Executors]).await;
}
