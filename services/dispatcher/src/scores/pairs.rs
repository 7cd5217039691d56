//! Pairs of the scores that two runs have for the same item, without I/O.

use runmill_proto::api::ChangedItem;

/// Maximum number of items that changed which are named.
const NAMED_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub struct Pairs {
    /// Scores of the items that both runs have scored.
    pub scores: Vec<(f64, f64)>,
    pub only_a: u64,
    pub only_b: u64,
    pub improved: u64,
    pub worsened: u64,
    pub changed: Vec<ChangedItem>,
}

impl Pairs {
    /// Takes an item with its score in each run, as far as it has one there.
    pub fn add(&mut self, item_id: &str, a: Option<f64>, b: Option<f64>) {
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => return,
            (Some(_), None) => return self.only_a += 1,
            (None, Some(_)) => return self.only_b += 1,
        };
        self.scores.push((a, b));
        self.improved += u64::from(b > a);
        self.worsened += u64::from(b < a);
        #[expect(clippy::float_cmp, reason = "both come of the same values by the same steps")]
        let is_changed = a != b;
        if is_changed && self.changed.len() < NAMED_MAX {
            self.changed.push(ChangedItem { item_id: item_id.to_owned(), a, b });
        }
    }

    /// Returns true if every item is right or wrong in both runs.
    pub fn are_binary(&self) -> bool {
        self.scores.iter().all(|(a, b)| [a, b].into_iter().all(|value| [0.0, 1.0].contains(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_items_of_both_make_a_pair() {
        let mut pairs = Pairs::default();
        for (item, a, b) in [
            ("same", Some(1.0), Some(1.0)),
            ("up", Some(0.0), Some(1.0)),
            ("down", Some(1.0), Some(0.0)),
            ("a", Some(1.0), None),
            ("b", None, Some(1.0)),
            ("none", None, None),
        ] {
            pairs.add(item, a, b);
        }

        assert_eq!(pairs.scores, [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]);
        assert_eq!((pairs.only_a, pairs.only_b, pairs.improved, pairs.worsened), (1, 1, 1, 1));
        let changed: Vec<_> = pairs.changed.iter().map(|item| item.item_id.as_str()).collect();
        assert_eq!(changed, ["up", "down"]);
        assert!(pairs.are_binary());
        pairs.add("half", Some(0.5), Some(1.0));
        assert!(!pairs.are_binary());
    }
}
