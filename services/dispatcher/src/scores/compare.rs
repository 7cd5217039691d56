//! Compares two runs item by item.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use runmill_proto::{
    Scoring, Unscored,
    api::{Comparison, ComparisonTest, Dataset},
};
use runmill_scoring::statistics::{Interval, Reducer, mcnemar_p, paired};
use runmill_store::{DispatcherStore, RunRow, ScoreFields, StoreError};

use crate::rescoring::Version;

use super::{CONFIDENCE, ItemScores, Items, Pairs};

/// Maximum number of items of two runs that are compared.
const ITEMS_MAX: u64 = 2_000_000;
/// The same for runs of different datasets, whose items are found by their ids.
const OTHER_ITEMS_MAX: u64 = 200_000;

/// A run with its dataset.
pub struct Side {
    pub run: RunRow,
    pub dataset: Dataset,
    /// Version of the scores by which the run is shown.
    pub version: Version,
}

impl Side {
    fn items(&self, store: &Arc<dyn DispatcherStore>) -> Items {
        Items::new(store.clone(), &self.run, self.version.clone(), ScoreFields::default())
    }

    fn unscored(&self) -> Unscored {
        self.run.submission.config.unscored()
    }

    /// Returns the scorer of the items that name none of their own.
    fn scoring(&self) -> Option<Scoring> {
        match &self.version {
            Version::Executors => self.run.submission.config.stored_job().scoring,
            Version::Anew(scoring) => scoring.clone(),
        }
    }

    /// Returns the mean of an item's answers that count.
    fn score(&self, item: &ItemScores) -> Option<f64> {
        Reducer::Mean.reduce(&item.counted(self.unscored()))
    }
}

/// Returns why the runs cannot be compared, if they have too many items.
pub fn too_many(a: &Side, b: &Side) -> Option<String> {
    let most = if are_alike(a, b) { ITEMS_MAX } else { OTHER_ITEMS_MAX };
    let items = a.dataset.item_count.max(b.dataset.item_count);
    (items > most).then(|| {
        format!("the dataset has {items} items; at most {ITEMS_MAX} are compared, or {OTHER_ITEMS_MAX} of two datasets")
    })
}

/// Compares `b` with `a`. Holds 16 bytes for each item, and some 100 of different datasets.
pub async fn compare(store: &Arc<dyn DispatcherStore>, a: &Side, b: &Side) -> Result<Comparison, StoreError> {
    let pairs = if are_alike(a, b) { by_ordinal(store, a, b).await? } else { by_id(store, a, b).await? };
    Ok(comparison(a, b, pairs))
}

fn are_alike(a: &Side, b: &Side) -> bool {
    a.dataset.version_hash == b.dataset.version_hash
}

async fn by_ordinal(store: &Arc<dyn DispatcherStore>, a: &Side, b: &Side) -> Result<Pairs, StoreError> {
    let (mut pairs, mut of_a, mut of_b) = (Pairs::default(), a.items(store), b.items(store));
    let (mut next_a, mut next_b) = (of_a.next().await?, of_b.next().await?);
    loop {
        let order = match (&next_a, &next_b) {
            (Some(a), Some(b)) => a.ordinal.cmp(&b.ordinal),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(pairs),
        };
        let one = if order.is_le() { next_a.take() } else { None };
        let other = if order.is_ge() { next_b.take() } else { None };
        if one.is_some() {
            next_a = of_a.next().await?;
        }
        if other.is_some() {
            next_b = of_b.next().await?;
        }
        let item_id = one.as_ref().or(other.as_ref()).map(|item| item.item_id.clone()).unwrap_or_default();
        let score_a = one.and_then(|item| a.score(&item));
        let score_b = other.and_then(|item| b.score(&item));
        pairs.add(&item_id, score_a, score_b);
    }
}

async fn by_id(store: &Arc<dyn DispatcherStore>, a: &Side, b: &Side) -> Result<Pairs, StoreError> {
    let (mut scores, mut items) = (HashMap::new(), b.items(store));
    while let Some(item) = items.next().await? {
        scores.insert(item.item_id.clone(), b.score(&item));
    }
    let (mut pairs, mut items) = (Pairs::default(), a.items(store));
    while let Some(item) = items.next().await? {
        let other = scores.remove(&item.item_id).flatten();
        pairs.add(&item.item_id, a.score(&item), other);
    }
    for (item_id, score) in scores {
        pairs.add(&item_id, None, score);
    }
    Ok(pairs)
}

fn comparison(a: &Side, b: &Side, pairs: Pairs) -> Comparison {
    let tested = paired(&pairs.scores);
    let (p_value, test) = if pairs.are_binary() {
        (Some(mcnemar_p(pairs.improved, pairs.worsened)), ComparisonTest::Mcnemar)
    } else {
        (tested.map(|tested| tested.p), ComparisonTest::PairedT)
    };
    let mean =
        |of: fn(&(f64, f64)) -> f64| Reducer::Mean.reduce(&pairs.scores.iter().map(of).collect::<Vec<_>>());
    let (mean_a, mean_b) = (mean(|(a, _)| *a), mean(|(_, b)| *b));
    let difference = mean_a.zip(mean_b).map(|(a, b)| b - a);
    let items = pairs.scores.len() as u64;
    let interval = tested.map(|tested| {
        Interval::student(tested.difference, tested.error, items.saturating_sub(1), CONFIDENCE)
    });
    Comparison {
        a: a.run.id,
        b: b.run.id,
        warnings: warnings(a, b),
        items,
        only_a: pairs.only_a,
        only_b: pairs.only_b,
        mean_a,
        mean_b,
        difference,
        stderr: tested.map(|tested| tested.error),
        low: interval.map(|interval| interval.low),
        high: interval.map(|interval| interval.high),
        p_value: p_value.filter(|_| items > 0),
        test,
        improved: pairs.improved,
        worsened: pairs.worsened,
        changed: pairs.changed,
    }
}

/// Returns what else differs between the runs than their models.
fn warnings(a: &Side, b: &Side) -> Vec<String> {
    let [one, other] =
        [a, b].map(|side| (&side.run.submission.config, side.run.submission.config.stored_job()));
    let mut warnings = Vec::new();
    let mut warn = |differs: bool, what: &str| {
        if differs {
            warnings.push(what.to_owned());
        }
    };
    warn(!are_alike(a, b), "the datasets differ: items are matched by their ids, whatever they contain");
    warn(a.scoring() != b.scoring(), "the scorers differ");
    warn(a.unscored() != b.unscored(), "unscored answers are treated differently");
    warn(one.0.samples() != other.0.samples(), "the numbers of samples differ");
    warn(
        one.1.prompt_template != other.1.prompt_template || one.1.system_prompt != other.1.system_prompt,
        "the prompts differ",
    );
    for side in [a, b] {
        if !side.run.status.is_terminal() {
            warnings.push(format!("{} has not ended", side.run.id));
        }
    }
    warnings
}
