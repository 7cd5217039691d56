use serde::{Deserialize, Serialize};

/// Answers to one item, as far as they are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub scored: u64,
    /// Number of answers that the scorer could not read.
    pub unscored: u64,
    /// Sum of the scores.
    pub sum: f64,
}

/// Sums over the items of a run, for the standard error of a mean whose items have several answers each. The answers to
/// one item depend on each other, so the error is that of clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    /// Sum of the squares of the items' sums.
    squares: f64,
    /// Over the answers that are scored.
    skip: Sizes,
    /// Over all answers, of which the unscored ones add 0 to their item's sum.
    zero: Sizes,
}

/// Sums over items that have some answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    answers: u64,
    items: u64,
    /// Sum of the squares of the items' numbers of answers.
    squares: f64,
    /// Sum of the products of an item's number of answers and its sum.
    products: f64,
}

impl Clusters {
    /// Counts a further answer to the item of `cluster`, and adds it to that. `None` is an unscored one.
    pub fn add(&mut self, value: Option<f64>, cluster: &mut Cluster) {
        let before = *cluster;
        match value {
            Some(value) => (cluster.scored, cluster.sum) = (before.scored + 1, before.sum + value),
            None => cluster.unscored += 1,
        }
        self.squares += cluster.sum * cluster.sum - before.sum * before.sum;
        self.skip.change((before.scored, before.sum), (cluster.scored, cluster.sum));
        self.zero.change((before.answers(), before.sum), (cluster.answers(), cluster.sum));
    }

    /// Returns the squared standard error of the mean over `answers` answers: the cluster-robust variance of a mean with
    /// the factor G / (G - 1) of G clusters. `None` for fewer than two items, or if not all answers were counted here.
    pub fn squared_error(&self, counts_unscored: bool, answers: u64, mean: f64) -> Option<f64> {
        let sizes = if counts_unscored { self.zero } else { self.skip };
        if sizes.answers != answers || sizes.items < 2 {
            return None;
        }
        let [n, items] = [answers, sizes.items].map(float);
        let deviations = self.squares - 2.0 * mean * sizes.products + mean * mean * sizes.squares;
        Some(items / (items - 1.0) * deviations.max(0.0) / (n * n))
    }
}

impl Cluster {
    const fn answers(&self) -> u64 {
        self.scored + self.unscored
    }
}

impl Sizes {
    /// Puts an item's new number of answers and its new sum in place of those before.
    fn change(&mut self, before: (u64, f64), after: (u64, f64)) {
        self.answers += after.0 - before.0;
        self.items += u64::from(before.0 == 0 && after.0 > 0);
        let (n, m) = (float(before.0), float(after.0));
        self.squares += m * m - n * n;
        self.products += m * after.1 - n * before.1;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn float(count: u64) -> f64 {
    count as f64
}
