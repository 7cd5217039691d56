use std::{collections::BTreeMap, sync::Arc};

use runmill_proto::{
    api::{JudgedResult, ResultRecord, Verdict},
    message::JobKey,
};
use runmill_scoring::statistics::Reducer;
use runmill_store::{DispatcherStore, JudgeNote, ResultFilter, RunRow, StoreError};

/// Returns the verdicts on a page of a run's answers, in the order of ordinals and samples, beginning after `after`.
pub async fn judged_results(
    store: &Arc<dyn DispatcherStore>,
    run: &RunRow,
    after: Option<JobKey>,
    limit: u32,
) -> Result<Vec<JudgedResult>, StoreError> {
    let rows = store.results(run.id, &ResultFilter::default(), after, limit).await?;
    let Some(first) = rows.first().map(place) else { return Ok(Vec::new()) };
    let mut judged: BTreeMap<_, _> = rows.into_iter().map(|row| (place(&row), unjudged(row))).collect();
    for (number, note) in (0_u32..).zip(&run.judges) {
        for (place, said) in said(store, note, first, limit).await? {
            if let Some(result) = judged.get_mut(&place) {
                result.verdicts.push(verdict(number, note, &said));
            }
        }
    }
    let mut judged: Vec<_> = judged.into_values().collect();
    for result in &mut judged {
        result.vote = vote(&result.verdicts);
    }
    Ok(judged)
}

/// Ordinal and sample.
type Place = (u32, u32);

const fn place(row: &ResultRecord) -> Place {
    (row.ordinal, row.sample)
}

fn unjudged(row: ResultRecord) -> JudgedResult {
    let ResultRecord { ordinal, sample, item_id, .. } = row;
    JudgedResult { ordinal, sample, item_id, verdicts: Vec::new(), vote: None }
}

/// Returns what a judge said of each answer from `first` on, of at most `limit` answers.
async fn said(
    store: &Arc<dyn DispatcherStore>,
    note: &JudgeNote,
    (ordinal, sample): Place,
    limit: u32,
) -> Result<BTreeMap<Place, Vec<ResultRecord>>, StoreError> {
    let (run_id, orders) = (note.progress.run_id, note.progress.judge.verdict.orders());
    let before_first = match (sample * orders).checked_sub(1) {
        Some(sample) => Some(JobKey { run_id, ordinal, sample }),
        None => ordinal.checked_sub(1).map(|ordinal| JobKey { run_id, ordinal, sample: u32::MAX }),
    };
    let rows =
        store.results(run_id, &ResultFilter::default(), before_first, limit.saturating_mul(orders)).await?;
    let mut said: BTreeMap<Place, Vec<ResultRecord>> = BTreeMap::new();
    for row in rows {
        said.entry((row.ordinal, row.sample / orders)).or_default().push(row);
    }
    Ok(said)
}

fn verdict(judge: u32, note: &JudgeNote, said: &[ResultRecord]) -> Verdict {
    let values: Vec<_> = said.iter().filter_map(|row| row.score.as_ref()?.value).collect();
    let is_whole = values.len() == note.progress.judge.verdict.orders() as usize;
    let joined = |texts: Vec<&str>, between| (!texts.is_empty()).then(|| texts.join(between));
    let reason = |row: &ResultRecord| {
        let unread = row.score.as_ref().and_then(|score| score.detail.clone());
        row.error.clone().or(unread)
    };
    Verdict {
        judge,
        value: Reducer::Mean.reduce(&values).filter(|_| is_whole),
        verdict: joined(
            said.iter().filter_map(|row| row.score.as_ref()?.extracted.as_deref()).collect(),
            " / ",
        ),
        is_flipped: is_whole && values.contains(&0.0) && values.contains(&1.0),
        text: joined(said.iter().filter_map(|row| row.response.as_deref()).collect(), "\n\n"),
        reason: said.iter().find_map(reason).filter(|_| !is_whole),
    }
}

/// Returns the value that most judges give; of several the mean.
fn vote(verdicts: &[Verdict]) -> Option<f64> {
    let mut votes: Vec<(f64, usize)> = Vec::new();
    for value in verdicts.iter().filter_map(|verdict| verdict.value) {
        match votes.iter_mut().find(|(given, _)| (given - value).abs() < f64::EPSILON) {
            Some((_, count)) => *count += 1,
            None => votes.push((value, 1)),
        }
    }
    let most = votes.iter().map(|(_, count)| *count).max()?;
    let winners: Vec<_> = votes.iter().filter(|(_, count)| *count == most).map(|(value, _)| *value).collect();
    Reducer::Mean.reduce(&winners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_is_the_value_that_most_give() {
        let given = |values: &[Option<f64>]| {
            let verdict = |value: &Option<f64>| Verdict {
                judge: 0,
                value: *value,
                verdict: None,
                is_flipped: false,
                text: None,
                reason: None,
            };
            vote(&values.iter().map(verdict).collect::<Vec<_>>())
        };
        assert_eq!(given(&[Some(1.0), Some(0.0), Some(1.0)]), Some(1.0));
        assert_eq!(given(&[Some(1.0), None, Some(0.0)]), Some(0.5));
        assert_eq!(given(&[None]), None);
    }
}
