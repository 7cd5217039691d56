use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::mean::{count, mean};

/// Way from the scores of an item's samples to the score of the item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reducer {
    #[default]
    Mean,
    /// Most frequent score; of several, the one that came first.
    Mode,
    Max,
    /// Probability that at least one of this many samples is right, without bias.
    PassAt(u32),
    /// 1 if at least this many samples are right, otherwise 0.
    AtLeast(u32),
}

/// Error for the name of a reducer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of mean, mode, max, pass_at:K and at_least:K, where K is a number from 1")]
pub struct UnknownReducer(String);

impl fmt::Display for Reducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean"),
            Self::Mode => f.write_str("mode"),
            Self::Max => f.write_str("max"),
            Self::PassAt(k) => write!(f, "pass_at:{k}"),
            Self::AtLeast(k) => write!(f, "at_least:{k}"),
        }
    }
}

impl FromStr for Reducer {
    type Err = UnknownReducer;

    fn from_str(name: &str) -> Result<Self, UnknownReducer> {
        let unknown = || UnknownReducer(name.to_owned());
        let (kind, k) = match name.split_once(':') {
            Some((kind, k)) => (kind, Some(k.parse::<u32>().ok().filter(|k| *k > 0).ok_or_else(unknown)?)),
            None => (name, None),
        };
        match (kind, k) {
            ("mean", None) => Ok(Self::Mean),
            ("mode", None) => Ok(Self::Mode),
            ("max", None) => Ok(Self::Max),
            ("pass_at", Some(k)) => Ok(Self::PassAt(k)),
            ("at_least", Some(k)) => Ok(Self::AtLeast(k)),
            _ => Err(unknown()),
        }
    }
}

impl Reducer {
    /// Returns the score of an item. `None` without samples, or with fewer samples than `PassAt` asks for.
    pub fn reduce(self, scores: &[f64]) -> Option<f64> {
        let right = || scores.iter().filter(|score| is_right(**score)).count();
        match self {
            _ if scores.is_empty() => None,
            Self::Mean => mean(scores),
            Self::Mode => mode(scores),
            Self::Max => scores.iter().copied().reduce(f64::max),
            Self::PassAt(k) => pass_at(scores.len(), right(), usize::try_from(k).ok()?),
            Self::AtLeast(k) => usize::try_from(k).ok().map(|k| at_least(right(), k)),
        }
    }
}

fn is_right(score: f64) -> bool {
    score >= 1.0
}

/// Returns the most frequent value; of several, the one that came first.
pub fn mode(values: &[f64]) -> Option<f64> {
    let times = |value: f64| values.iter().filter(|other| other.total_cmp(&value).is_eq()).count();
    let mut best: Option<(f64, usize)> = None;
    for value in values {
        let times = times(*value);
        if best.is_none_or(|(_, most)| times > most) {
            best = Some((*value, times));
        }
    }
    best.map(|(value, _)| value)
}

/// Returns the probability that `k` of `samples` drawn without replacement have a right one: 1 - C(n - c, k) / C(n,
/// k). `None` for fewer samples than `k`, or for a `k` of 0.
pub fn pass_at(samples: usize, right: usize, k: usize) -> Option<f64> {
    if k == 0 || k > samples || right > samples {
        return None;
    }
    if samples - right < k {
        return Some(1.0);
    }
    let all_wrong: f64 = (samples - right + 1..=samples).map(|n| 1.0 - count(k) / count(n)).product();
    Some(1.0 - all_wrong)
}

/// Returns 1 if at least `k` samples are right, otherwise 0.
pub const fn at_least(right: usize, k: usize) -> f64 {
    if right >= k { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_reducer() {
        for reducer in [Reducer::Mean, Reducer::Mode, Reducer::Max, Reducer::PassAt(5), Reducer::AtLeast(2)] {
            assert_eq!(reducer.to_string().parse(), Ok(reducer));
        }
        for name in ["", "median", "pass_at", "pass_at:0", "mean:3", "at_least:x"] {
            assert!(name.parse::<Reducer>().is_err(), "{name}");
        }
    }

    #[test]
    fn samples_are_reduced() {
        let scores = [0.0, 1.0, 0.0, 1.0, 0.5];
        let table = [
            (Reducer::Mean, Some(0.5)),
            (Reducer::Mode, Some(0.0)),
            (Reducer::Max, Some(1.0)),
            // 1 - C(3, 2) / C(5, 2)
            (Reducer::PassAt(2), Some(0.7)),
            (Reducer::PassAt(4), Some(1.0)),
            (Reducer::PassAt(6), None),
            (Reducer::PassAt(0), None),
            (Reducer::AtLeast(2), Some(1.0)),
            (Reducer::AtLeast(3), Some(0.0)),
        ];
        for (reducer, want) in table {
            let got = reducer.reduce(&scores);
            let near = got.zip(want).is_none_or(|(got, want)| (got - want).abs() < 1e-12);
            assert!(near && got.is_some() == want.is_some(), "{reducer:?}: {got:?}");
            assert_eq!(reducer.reduce(&[]), None);
        }
    }

    #[test]
    fn a_reducer_is_a_word_or_has_a_number() {
        let table = [(r#""mean""#, Reducer::Mean), (r#"{"pass_at":4}"#, Reducer::PassAt(4))];
        for (json, want) in table {
            assert_eq!(serde_json::from_str::<Reducer>(json).unwrap(), want);
        }
    }
}
