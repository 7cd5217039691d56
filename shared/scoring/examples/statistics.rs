//! Reads cases as JSON lines, and prints the statistics of each as a JSON line. `make statistics` compares them with
//! the reference implementations.

use std::io::{BufRead, stdin};

use runmill_scoring::statistics::{
    clustered_error, krippendorff_alpha, mcnemar_p, mode, paired, pass_at, standard_error, student_interval,
    wilson_interval,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Case {
    Values { values: Vec<f64>, confidence: f64 },
    Clusters { values: Vec<f64>, clusters: Vec<u32> },
    Share { right: u64, trials: u64, confidence: f64 },
    Pairs { first: Vec<f64>, second: Vec<f64> },
    Changes { gained: u64, lost: u64 },
    Samples { samples: usize, right: usize, k: usize },
    Verdicts { units: Vec<Vec<u8>> },
}

impl Case {
    fn statistics(self) -> Value {
        match self {
            Self::Values { values, confidence } => {
                let interval =
                    student_interval(&values, confidence).map(|interval| [interval.low, interval.high]);
                json!({ "error": standard_error(&values), "interval": interval, "mode": mode(&values) })
            }
            Self::Clusters { values, clusters } => {
                let values: Vec<_> = clusters.into_iter().zip(values).collect();
                json!({ "error": clustered_error(&values) })
            }
            Self::Share { right, trials, confidence } => {
                let interval = wilson_interval(right, trials, confidence);
                json!({ "interval": interval.map(|interval| [interval.low, interval.high]) })
            }
            Self::Pairs { first, second } => {
                let pairs: Vec<_> = first.into_iter().zip(second).collect();
                let found = paired(&pairs);
                json!(found.map(
                    |found| json!({ "difference": found.difference, "error": found.error, "p": found.p })
                ))
            }
            Self::Changes { gained, lost } => json!({ "p": mcnemar_p(gained, lost) }),
            Self::Samples { samples, right, k } => json!({ "pass": pass_at(samples, right, k) }),
            Self::Verdicts { units } => json!({ "alpha": krippendorff_alpha(&units) }),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        println!("{}", case.statistics());
    }
    Ok(())
}
