use std::{collections::VecDeque, sync::Arc};

use runmill_proto::{Unscored, message::JobKey};
use runmill_store::{DispatcherStore, JobScore, RunRow, ScoreFields, StoreError};
use serde_json::Value;

use crate::rescoring::{Scored, Version, score};

/// Number of scores that one query reads.
const PAGE: u32 = 5_000;

/// Scores of the answers to one item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemScores {
    pub ordinal: u32,
    pub item_id: String,
    /// Each answer's sample and value. The value is `None` if the scorer could not read the answer.
    pub values: Vec<(u32, Option<f64>)>,
    pub group: Option<String>,
    pub cluster: Option<String>,
}

impl ItemScores {
    /// Returns the values that count.
    pub fn counted(&self, unscored: Unscored) -> Vec<f64> {
        self.counted_of(unscored, |_| true)
    }

    /// Returns the values that count of some samples.
    pub fn counted_of(&self, unscored: Unscored, is_one: impl Fn(u32) -> bool) -> Vec<f64> {
        let zero = (unscored == Unscored::Zero).then_some(0.0);
        self.values
            .iter()
            .filter(|(sample, _)| is_one(*sample))
            .filter_map(|(_, value)| value.or(zero))
            .collect()
    }
}

/// Reads the scores of a run item by item, in the order of the dataset. It holds one page.
pub struct Items {
    store: Arc<dyn DispatcherStore>,
    run: RunRow,
    version: Version,
    fields: ScoreFields,
    page: VecDeque<JobScore>,
    after: Option<JobKey>,
    is_last: bool,
}

impl Items {
    pub fn new(store: Arc<dyn DispatcherStore>, run: &RunRow, version: Version, fields: ScoreFields) -> Self {
        let run = run.clone();
        Self { store, run, version, fields, page: VecDeque::new(), after: None, is_last: false }
    }

    pub async fn next(&mut self) -> Result<Option<ItemScores>, StoreError> {
        let Some(first) = self.next_score().await? else { return Ok(None) };
        let mut item = ItemScores {
            ordinal: first.ordinal,
            item_id: first.item_id,
            values: vec![(first.sample, first.value)],
            group: first.group,
            cluster: first.cluster,
        };
        while let Some(next) = self.peek().await?
            && next.ordinal == item.ordinal
        {
            item.values.extend(self.next_score().await?.map(|score| (score.sample, score.value)));
        }
        Ok(Some(item))
    }

    async fn next_score(&mut self) -> Result<Option<JobScore>, StoreError> {
        self.peek().await?;
        Ok(self.page.pop_front())
    }

    async fn peek(&mut self) -> Result<Option<&JobScore>, StoreError> {
        if self.page.is_empty() && !self.is_last {
            self.page = self.read_page().await?.into();
        }
        Ok(self.page.front())
    }

    async fn read_page(&mut self) -> Result<Vec<JobScore>, StoreError> {
        let id = self.run.id;
        let Version::Anew(scoring) = &self.version else {
            let rows = self.store.scores(id, &self.fields, self.after, PAGE).await?;
            self.turn_to(rows.len(), rows.last().map(|row| (row.ordinal, row.sample)));
            return Ok(rows);
        };
        let scoring = scoring.clone();
        let mut rows = Vec::new();
        // A page of answers may have no scores at all.
        while rows.is_empty() && !self.is_last {
            let answers = self.store.answers(id, self.after, PAGE).await?;
            self.turn_to(answers.len(), answers.last().map(|answer| (answer.ordinal, answer.sample)));
            let scored = score(&*self.store, &self.run, scoring.clone(), answers).await?;
            rows.extend(scored.into_iter().filter_map(|scored| self.row(scored)));
        }
        Ok(rows)
    }

    /// Notes the end of a page of so many rows.
    fn turn_to(&mut self, rows: usize, last: Option<(u32, u32)>) {
        self.is_last = rows < PAGE as usize;
        let key = |(ordinal, sample)| JobKey { run_id: self.run.id, ordinal, sample };
        self.after = last.map(key).or(self.after);
    }

    fn row(&self, scored: Scored) -> Option<JobScore> {
        let (item, score) = (scored.item?, scored.score?);
        let field = |name: &Option<String>| text(item.meta.as_ref()?.get(name.as_ref()?)?);
        Some(JobScore {
            ordinal: scored.ordinal,
            sample: scored.sample,
            item_id: item.id.clone(),
            value: score.value,
            group: field(&self.fields.group),
            cluster: field(&self.fields.cluster),
        })
    }
}

/// Returns a value of an item's `meta` as the store returns it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unscored_answers_are_left_out_or_count_as_zero() {
        let values = vec![(0, Some(1.0)), (2, None)];
        let item = ItemScores { ordinal: 0, item_id: "q".into(), values, group: None, cluster: None };
        assert_eq!(item.counted(Unscored::Skip), [1.0]);
        assert_eq!(item.counted(Unscored::Zero), [1.0, 0.0]);
        assert_eq!(item.counted_of(Unscored::Zero, |sample| sample == 2), [0.0]);
    }
}
