//! Summarizes the scores of a run, all of them and by group.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use runmill_proto::{
    ScoreSummary, Strategy, Unscored, Variation,
    api::{GroupScore, RunScores, ScoresQuery},
};
use runmill_scoring::{
    Cluster, ScoreTally,
    statistics::{Interval, Reducer, wilson_interval},
};
use runmill_store::{DispatcherStore, RunRow, ScoreFields, StoreError};

use crate::{judging::agreement, rescoring::Version};

use super::{CONFIDENCE, ItemScores, Items};

/// Maximum number of groups that are told apart.
const GROUPS_MAX: usize = 1_000;
/// Maximum number of characters of the name of a field.
const FIELD_CHARS_MAX: usize = 100;

/// Query that was checked.
pub struct Asked {
    fields: ScoreFields,
    reducer: Reducer,
    unscored: Unscored,
    variation: Option<Variation>,
    version: Version,
}

impl Asked {
    /// Returns an error, in words, if the query has a value that cannot be used.
    pub fn of(query: ScoresQuery, run: &RunRow) -> Result<Self, String> {
        let ScoresQuery { group_by, cluster_by, reducer, unscored, score_version } = query;
        for (name, field) in [("group_by", &group_by), ("cluster_by", &cluster_by)] {
            let is_name = |field: &String| {
                let chars = field.chars().count();
                (1..=FIELD_CHARS_MAX).contains(&chars)
                    && field.chars().all(|char| !char.is_control() && !"\"\\".contains(char))
            };
            if !field.as_ref().is_none_or(is_name) {
                return Err(format!(
                    "{name} must name a field of the items' meta, with 1 to {FIELD_CHARS_MAX} characters"
                ));
            }
        }
        Ok(Self {
            fields: ScoreFields { group: group_by, cluster: cluster_by },
            reducer: reducer
                .as_deref()
                .unwrap_or("mean")
                .parse()
                .map_err(|error| format!("reducer: {error}"))?,
            unscored: unscored.unwrap_or_else(|| run.submission.config.unscored()),
            variation: run.submission.config.variation(),
            version: Version::of(run, score_version.as_deref())?,
        })
    }
}

/// Reads the scores of a run and sums them up. Holds sums for each group, and for each cluster that is asked for.
pub async fn summarize(
    store: &Arc<dyn DispatcherStore>,
    run: &RunRow,
    asked: Asked,
) -> Result<RunScores, StoreError> {
    let mut items = Items::new(store.clone(), run, asked.version.clone(), asked.fields.clone());
    let (mut all, mut groups) = (Group::default(), BTreeMap::<Option<String>, Group>::new());
    let mut strategies = BTreeMap::<&str, Group>::new();
    while let Some(item) = items.next().await? {
        let value = asked.value(&item);
        all.add(value, item.cluster.clone());
        for (name, value) in asked.by_strategy(&item) {
            strategies.entry(name).or_default().add(value, item.cluster.clone());
        }
        if asked.fields.group.is_some() {
            let name =
                if groups.len() < GROUPS_MAX || groups.contains_key(&item.group) { item.group } else { None };
            groups.entry(name).or_default().add(value, item.cluster);
        }
    }
    let is_clustered = asked.fields.cluster.is_some();
    let of_strategy = |(name, group): (&str, Group)| group.score(Some(name.to_owned()), is_clustered);
    let strategies: Vec<_> = strategies.into_iter().map(of_strategy).collect();
    Ok(RunScores {
        run_id: run.id,
        reducer: asked.reducer.to_string(),
        unscored_as: asked.unscored,
        all: all.score(None, is_clustered),
        spread: spread(&strategies),
        strategies,
        agreement: agreement(store, run).await?,
        groups: groups.into_iter().map(|(name, group)| group.score(name, is_clustered)).collect(),
    })
}

impl Asked {
    /// Returns the score of an item. `None` if none of its answers counts.
    fn value(&self, item: &ItemScores) -> Option<f64> {
        self.reducer.reduce(&item.counted(self.unscored))
    }
}

/// Name of the form of an item that is none of a strategy.
const ORIGINAL: &str = "original";

impl Asked {
    /// Returns the scores of an item by the form in which it was asked.
    fn by_strategy(&self, item: &ItemScores) -> Vec<(&'static str, Option<f64>)> {
        let Some(variation) = &self.variation else { return Vec::new() };
        let name = |sample| variation.strategy(sample).map_or(ORIGINAL, Strategy::as_str);
        let names: BTreeSet<_> = item.values.iter().map(|(sample, _)| name(*sample)).collect();
        let value =
            |form| self.reducer.reduce(&item.counted_of(self.unscored, |sample| name(sample) == form));
        names.into_iter().map(|form| (form, value(form))).collect()
    }
}

/// Returns the largest mean less the smallest.
fn spread(strategies: &[GroupScore]) -> Option<f64> {
    let means: Vec<_> = strategies.iter().filter_map(|strategy| strategy.mean).collect();
    let (least, most) = (means.iter().copied().reduce(f64::min)?, means.iter().copied().reduce(f64::max)?);
    (means.len() > 1).then_some(most - least)
}

/// Sums over the items of a group.
#[derive(Default)]
struct Group {
    tally: ScoreTally,
    /// Number of items whose score is 1.
    right: u64,
    /// Number of items whose score is neither 0 nor 1.
    between: u64,
    clusters: HashMap<String, Cluster>,
    /// Number of items that are a cluster of their own.
    alone: u64,
}

impl Group {
    fn add(&mut self, value: Option<f64>, cluster: Option<String>) {
        if let Some(value) = value {
            self.right += u64::from(value >= 1.0);
            self.between += u64::from(value > 0.0 && value < 1.0);
            self.alone += u64::from(cluster.is_none());
        }
        let mut own = Cluster::default();
        let cluster = match cluster {
            Some(name) => self.clusters.entry(name).or_default(),
            None => &mut own,
        };
        self.tally.add(value, Some(cluster));
    }

    fn score(&self, name: Option<String>, is_clustered: bool) -> GroupScore {
        let ScoreSummary { mean, stderr, scored, unscored, .. } = self.tally.summary(0, Unscored::Skip);
        let clusters =
            self.alone + self.clusters.values().filter(|cluster| cluster.scored > 0).count() as u64;
        let interval = if self.between == 0 && !is_clustered {
            wilson_interval(self.right, scored, CONFIDENCE)
        } else {
            let degrees = clusters.saturating_sub(1);
            mean.zip(stderr).map(|(mean, stderr)| Interval::student(mean, stderr, degrees, CONFIDENCE))
        };
        let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
        GroupScore { name, mean, stderr, low, high, items: scored, unscored }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_has_a_score_for_each_form_in_which_it_was_asked() {
        let variation = json!({"enabled": true, "per_item": 3, "strategies": ["case", "prefix"]});
        let asked = Asked {
            fields: ScoreFields::default(),
            reducer: Reducer::Mean,
            unscored: Unscored::Skip,
            variation: serde_json::from_value(variation).unwrap(),
            version: Version::Executors,
        };
        let values = vec![(0, Some(1.0)), (1, Some(0.0)), (2, None), (3, Some(0.5))];
        let item = ItemScores { ordinal: 0, item_id: "q".into(), values, group: None, cluster: None };

        let found = asked.by_strategy(&item);

        // Samples 1 and 3 are of the first strategy, and sample 2 is unscored.
        assert_eq!(found, [("case", Some(0.25)), ("original", Some(1.0)), ("prefix", None)]);
        let scored = |mean| GroupScore { mean, ..Group::default().score(None, false) };
        assert_eq!(spread(&[scored(Some(0.25)), scored(None), scored(Some(1.0))]), Some(0.75));
        assert_eq!(spread(&[scored(Some(1.0)), scored(None)]), None);
    }
}
