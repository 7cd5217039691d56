use runmill_proto::{
    Score,
    message::{Invocation, JobKey},
};
use serde_json::json;

use super::{
    Stores,
    world::{answered, at, batch, config, create, failed, fed_run, new_run},
};
use crate::{JobScore, RunRow, ScoreFields};

/// Returns the answer of a sample, scored with `value`.
fn sample(run: &RunRow, ordinal: u32, sample: u32, value: Option<f64>) -> Invocation {
    let score = Score { scorer: "exact".into(), version: 1, value, extracted: None, detail: None };
    Invocation { sample, score: Some(score), ..answered(run, ordinal) }
}

pub async fn samples_of_an_item_are_no_independent_scores(stores: &Stores) {
    let store = &*stores.one;
    let mut row = new_run(store, 2).await;
    (row.submission.config, row.total) = (config(json!({"samples": 4})), 8);
    let run = create(store, &row).await;
    store.mark_fed(run.id, 8, &[], at(1)).await.unwrap();
    let first = [sample(&run, 0, 0, Some(1.0)), sample(&run, 1, 0, Some(0.0)), sample(&run, 0, 1, Some(1.0))];
    let lost = Invocation { sample: 3, ..failed(&run, 1) };
    let rest = [sample(&run, 0, 2, Some(1.0)), sample(&run, 1, 1, None), sample(&run, 1, 2, Some(0.0)), lost];

    store.write_logs(&batch(first.clone()), at(2)).await.unwrap();
    stores.other.write_logs(&batch([rest.as_slice(), &first].concat()), at(3)).await.unwrap();

    // The items' sums are 3 of 3 and 0 of 2: sqrt(2 / 1 * ((3 - 1.8)^2 + (0 - 1.2)^2)) / 5.
    let summary = store.run(run.id).await.unwrap().score();
    assert_eq!((summary.mean, summary.scored, summary.unscored), (Some(0.6), 5, 1));
    assert!(summary.stderr.is_some_and(|stderr| (stderr - 0.48).abs() < 1e-12), "{summary:?}");
    assert_eq!(summary.mean_otherwise, Some(0.5), "the unscored answer counts as 0");
}

pub async fn scores_are_paged_with_fields_of_their_items(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 4).await;
    let unscored = Invocation { score: None, ..answered(&run, 1) };
    let entries = [sample(&run, 0, 0, Some(0.5)), unscored, sample(&run, 2, 0, None), failed(&run, 3)];
    store.write_logs(&batch(entries), at(2)).await.unwrap();
    let fields = ScoreFields { group: Some("subject".into()), cluster: Some("page".into()) };

    let all = store.scores(run.id, &fields, None, 9).await.unwrap();

    let scored = |ordinal: u32, value, group: &str, cluster: &str| JobScore {
        ordinal,
        sample: 0,
        item_id: format!("q{ordinal}"),
        value,
        group: Some(group.into()),
        cluster: Some(cluster.into()),
    };
    assert_eq!(all, [scored(0, Some(0.5), "even", "0"), scored(2, None, "even", "1")]);
    let after = JobKey { run_id: run.id, ordinal: 0, sample: 0 };
    let bare = JobScore { group: None, cluster: None, ..all[1].clone() };
    let rest = store.scores(run.id, &ScoreFields::default(), Some(after), 9).await.unwrap();
    assert_eq!(rest, [bare]);
    assert_eq!(store.scores(run.id, &fields, None, 1).await.unwrap(), all[..1]);
}
