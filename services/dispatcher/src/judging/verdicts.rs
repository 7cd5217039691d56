use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    let mut verdicts = verdicts(store, run, &rows.iter().map(place).collect()).await?;
    let judged = rows.into_iter().map(|row| {
        let verdicts = verdicts.remove(&place(&row)).unwrap_or_default();
        let vote = vote(&verdicts);
        let ResultRecord { ordinal, sample, item_id, .. } = row;
        JudgedResult { ordinal, sample, item_id, verdicts, vote }
    });
    Ok(judged.collect())
}

/// Returns the verdicts on the answers at these places, in the order of the run's judges.
pub async fn verdicts(
    store: &Arc<dyn DispatcherStore>,
    run: &RunRow,
    places: &BTreeSet<Place>,
) -> Result<BTreeMap<Place, Vec<Verdict>>, StoreError> {
    let mut verdicts: BTreeMap<Place, Vec<Verdict>> = BTreeMap::new();
    for (number, note) in (0_u32..).zip(&run.judges) {
        for (place, said) in said(store, note, places).await? {
            verdicts.entry(place).or_default().push(verdict(number, note, &said));
        }
    }
    Ok(verdicts)
}

/// Ordinal and sample.
pub type Place = (u32, u32);

pub const fn place(row: &ResultRecord) -> Place {
    (row.ordinal, row.sample)
}

/// Number of a judge's results that are read at once.
const CHUNK: u32 = 1_000;

/// Returns what a judge said of the answers at these places.
async fn said(
    store: &Arc<dyn DispatcherStore>,
    note: &JudgeNote,
    places: &BTreeSet<Place>,
) -> Result<BTreeMap<Place, Vec<ResultRecord>>, StoreError> {
    let (run_id, orders) = (note.progress.run_id, note.progress.judge.verdict.orders());
    let mut said: BTreeMap<Place, Vec<ResultRecord>> = BTreeMap::new();
    let (Some((ordinal, sample)), Some(last)) = (places.first(), places.last()) else { return Ok(said) };
    let mut after = match (sample * orders).checked_sub(1) {
        Some(sample) => Some(JobKey { run_id, ordinal: *ordinal, sample }),
        None => ordinal.checked_sub(1).map(|ordinal| JobKey { run_id, ordinal, sample: u32::MAX }),
    };
    loop {
        let rows = store.results(run_id, &ResultFilter::default(), after, CHUNK).await?;
        let Some(end) = rows.last() else { return Ok(said) };
        let is_past = (end.ordinal, end.sample / orders) > *last;
        after = Some(JobKey { run_id, ordinal: end.ordinal, sample: end.sample });
        for row in rows {
            let place = (row.ordinal, row.sample / orders);
            if places.contains(&place) {
                said.entry(place).or_default().push(row);
            }
        }
        if is_past {
            return Ok(said);
        }
    }
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
