//! Result of LightEval.

use runmill_proto::api::Run;

/// Largest number of metrics that are shown.
const SHOWN: usize = 20;

/// Returns LightEval's metrics, one a line, and the reason why samples have no answer or why there are no metrics.
pub fn lines(run: &Run) -> Vec<String> {
    let Some(outcome) = &run.lighteval else { return Vec::new() };
    let metrics = outcome.metrics.iter().take(SHOWN);
    let mut lines: Vec<_> = metrics.map(|it| format!("{} {} {:.4}", it.task, it.name, it.value)).collect();
    if outcome.metrics.len() > SHOWN {
        lines.push(format!("and {} more metrics (--json)", outcome.metrics.len() - SHOWN));
    }
    if let Some(reason) = &outcome.reason {
        lines.push(match outcome.unanswered {
            0 => reason.clone(),
            count => format!(
                "{count} of {} samples have no answer, which its metrics count as wrong: {reason}",
                outcome.samples
            ),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::{LightevalMetric, LightevalOutcome};

    use super::*;
    use crate::run::testing;

    #[test]
    fn a_result_has_its_metrics_and_what_they_leave_out() {
        let metric = |n: usize| LightevalMetric { task: "gsm8k|0".into(), name: format!("m{n}"), value: 0.5 };
        let table = [
            (None, vec![]),
            (Some(LightevalOutcome::failed("it is dead")), vec!["it is dead".to_owned()]),
            (
                Some(LightevalOutcome {
                    metrics: vec![metric(0)],
                    samples: 20,
                    unanswered: 3,
                    reason: Some("busy".into()),
                }),
                vec![
                    "gsm8k|0 m0 0.5000".to_owned(),
                    "3 of 20 samples have no answer, which its metrics count as wrong: busy".to_owned(),
                ],
            ),
        ];
        for (lighteval, want) in table {
            assert_eq!(lines(&Run { lighteval, ..testing::run() }), want);
        }
        let metrics = (0..=SHOWN).map(metric).collect();
        let many = LightevalOutcome { metrics, ..LightevalOutcome::default() };
        let lines = lines(&Run { lighteval: Some(many), ..testing::run() });
        assert_eq!(lines.last().unwrap(), "and 1 more metrics (--json)");
    }
}
