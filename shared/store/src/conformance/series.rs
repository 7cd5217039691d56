use jiff::{SignedDuration, Timestamp};

use super::{
    Stores,
    world::{answered, at, batch, fed_run},
};
use crate::SeriesPoint;

fn summary(point: &SeriesPoint) -> (Timestamp, u64) {
    (point.from, point.settled)
}

pub async fn what_calls_did_is_kept_by_interval(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 6).await;
    let start = store.run(run.id).await.unwrap().started_at.unwrap();
    let after = |ms: i64| start + SignedDuration::from_millis(ms);
    for (part, ms) in [(0..1, 0), (1..3, 900), (3..5, 1_100), (5..6, 7_000)] {
        store.write_logs(&batch(part.map(|n| answered(&run, n))), after(ms)).await.unwrap();
    }

    let points = store.series(run.id).await.unwrap();
    assert_eq!(points.iter().map(summary).collect::<Vec<_>>(), [(start, 3), (after(1_000), 2)]);
    assert_eq!((points[0].calls, points[0].latencies.percentile(99)), (3, Some(250)));
    let newest = store.run(run.id).await.unwrap().stats.series.unwrap();
    assert_eq!(summary(&newest), (after(7_000), 1));
}

/// A log that is written again counts once.
pub async fn a_removed_run_takes_its_series_with_it(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 2).await;
    for (n, seconds) in [(0, 10), (0, 20), (1, 30)] {
        store.write_logs(&batch([answered(&run, n)]), at(seconds)).await.unwrap();
    }
    let ended = store.run(run.id).await.unwrap();
    assert_eq!(store.series(run.id).await.unwrap().iter().map(|point| point.settled).sum::<u64>(), 1);

    assert!(ended.status.is_terminal());
    store.remove_run(run.id).await.unwrap();

    assert_eq!(store.series(run.id).await.unwrap(), []);
}
