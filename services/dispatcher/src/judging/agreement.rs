use std::sync::Arc;

use runmill_proto::{
    api::{Agreement, JudgedResult},
    message::JobKey,
};
use runmill_scoring::{Cluster, ScoreTally, statistics::Alpha};
use runmill_store::{DispatcherStore, RunRow, StoreError};

use super::judged_results;

/// Number of answers whose verdicts are read at once.
const PAGE: u32 = 1_000;

/// Reads the verdicts of a run's judges and sums up how they agree. `None` if the run has no judge.
pub async fn agreement(
    store: &Arc<dyn DispatcherStore>,
    run: &RunRow,
) -> Result<Option<Agreement>, StoreError> {
    if run.judges.is_empty() {
        return Ok(None);
    }
    let (mut sums, mut after) = (Sums::default(), None);
    loop {
        let page = judged_results(store, run, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        for judged in page {
            after = Some(JobKey { run_id: run.id, ordinal: judged.ordinal, sample: judged.sample });
            sums.add(&judged);
        }
        if is_last {
            return Ok(Some(sums.agreement(run)));
        }
    }
}

#[derive(Default)]
struct Sums {
    alpha: Alpha<i64>,
    answers: u64,
    agreed: u64,
    flipped: u64,
    votes: ScoreTally,
    /// Votes on the samples of an item.
    item: (u32, Cluster),
}

impl Sums {
    fn add(&mut self, judged: &JudgedResult) {
        if self.item.0 != judged.ordinal {
            self.item = (judged.ordinal, Cluster::default());
        }
        self.flipped += judged.verdicts.iter().filter(|verdict| verdict.is_flipped).count() as u64;
        // A value is one of few, so its millionths tell it.
        #[expect(clippy::cast_possible_truncation, reason = "a value is from 0 to 1")]
        let name = |value: f64| (value * 1e6).round() as i64;
        let values: Vec<_> = judged.verdicts.iter().filter_map(|verdict| verdict.value).map(name).collect();
        if values.len() > 1 {
            self.answers += 1;
            self.agreed += u64::from(values.windows(2).all(|pair| pair[0] == pair[1]));
        }
        self.alpha.add(values);
        if judged.vote.is_some() {
            self.votes.add(judged.vote, Some(&mut self.item.1));
        }
    }

    fn agreement(self, run: &RunRow) -> Agreement {
        let Self { alpha, answers, agreed, flipped, votes, .. } = self;
        Agreement { alpha: alpha.value(), answers, agreed, flipped, vote: run.summary(&votes) }
    }
}
