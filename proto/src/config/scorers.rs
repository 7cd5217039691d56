use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ConfigFault, Scorer, Scoring};

/// Scorers in a run's configuration.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(as = RunConfigScorers)]
#[expect(dead_code, reason = "it is the description of a key")]
pub struct Scorers {
    /// Several scorers, 1 to 9, in place of `scoring`. The run is shown by the first; when it has ended, the others score the
    /// stored answers.
    scorers: Option<Vec<Scoring>>,
}

/// Maximum number of scorers of a run.
const COUNT_MAX: usize = 9;

impl Scoring {
    /// Reads the scorers of a configuration, each with its place. The first scores the answers as they come. Returns none if
    /// the scorer is that of each item's type.
    pub(super) fn read_all(config: &Map<String, Value>) -> Result<Vec<(String, Self)>, ConfigFault> {
        let given = |key: &str| config.get(key).filter(|value| !value.is_null());
        let (one, several) = (given("scoring"), given("scorers"));
        let fault = |pointer: &str, detail: String| Err(ConfigFault { pointer: pointer.to_owned(), detail });
        let places: Vec<(String, &Value)> = match (one, several) {
            (None, None) => Vec::new(),
            (Some(one), None) => vec![("/scoring".to_owned(), one)],
            (Some(_), Some(_)) => {
                return fault(
                    "/scorers",
                    "does not go with `scoring`: make that scorer the first".to_owned(),
                );
            }
            (None, Some(Value::Array(several))) if (1..=COUNT_MAX).contains(&several.len()) => {
                let place = |(n, value)| (format!("/scorers/{n}"), value);
                several.iter().enumerate().map(place).collect()
            }
            (None, Some(_)) => {
                return fault("/scorers", format!("must be a list of 1 to {COUNT_MAX} scorers"));
            }
        };
        let read = |(place, value): (String, &Value)| match Self::deserialize(value) {
            Ok(scoring) => Ok((place, scoring)),
            Err(error) => Err(ConfigFault { pointer: place, detail: error.to_string() }),
        };
        places.into_iter().map(read).collect()
    }

    /// Returns what is wrong with one of several scorers that does not concern its own settings alone.
    pub(super) fn list_faults(scorers: &[(String, Self)]) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        for (n, (place, scoring)) in scorers.iter().enumerate() {
            let fault = |detail: &str| ConfigFault { pointer: place.clone(), detail: detail.to_owned() };
            if scorers[..n].iter().any(|(_, before)| before == scoring) {
                faults.push(fault("is in the list already"));
            }
            if n > 0 && scoring.scorer == Scorer::Code {
                faults.push(fault("only executors run programs: make this scorer the first"));
            }
        }
        faults
    }

    /// Returns what is wrong with the settings of a scorer at this place.
    pub(super) fn setting_faults(&self, place: &str) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if matches!(self.scorer, Scorer::Regex | Scorer::Pattern) && self.pattern.is_none() {
            let detail = "the scorer needs a pattern".to_owned();
            faults.push(ConfigFault { pointer: format!("{place}/pattern"), detail });
        }
        faults.extend(Self::TOLERANCE.fault(format!("{place}/tolerance"), self.tolerance));
        faults
    }
}
