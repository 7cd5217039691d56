use std::io::Write;

use runmill_pages::{Report, report_result};
use runmill_proto::{
    Outcome,
    api::{DetailedResult, Run, ScoreClass},
};

use crate::{Encoder, ExportError};

/// Bounds of what a report shows in full: it can be mailed, and is in memory until its end.
const NOTABLE_MAX: usize = 1_000;
const OTHERS_MAX: usize = 100;
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// A report as one page: the failed, wrong and unscored results, and some of the others.
pub struct Html<W> {
    to: W,
    run: Run,
    notable: Vec<String>,
    others: Vec<String>,
    bytes: usize,
    left_out: u64,
}

impl<W> Html<W> {
    pub fn new(run: &Run, to: W) -> Self {
        Self { to, run: run.clone(), notable: Vec::new(), others: Vec::new(), bytes: 0, left_out: 0 }
    }

    fn add(&mut self, result: &DetailedResult) {
        let (kept, most) = if is_notable(result) {
            (&mut self.notable, NOTABLE_MAX)
        } else {
            (&mut self.others, OTHERS_MAX)
        };
        if kept.len() >= most || self.bytes >= BYTES_MAX {
            self.left_out += 1;
            return;
        }
        let text = report_result(result);
        self.bytes += text.len();
        kept.push(text);
    }
}

/// Returns true for a result that a reader looks for: it has failed, or its answer is not wholly right.
fn is_notable(of: &DetailedResult) -> bool {
    let class = of.result.score.as_ref().map(|score| ScoreClass::of(score.value));
    of.result.outcome != Outcome::Succeeded || class.is_some_and(|class| class != ScoreClass::Right)
}

impl<W: Write + Send> Encoder for Html<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        for result in results {
            self.add(result);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.notable.append(&mut self.others);
        let report = Report { run: &self.run, results: &self.notable, left_out: self.left_out };
        self.to.write_all(report.document().as_bytes())?;
        Ok(self.to.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::ExportFormat;
    use serde_json::json;

    use crate::testing::{changed, encoded, failed, run};

    #[test]
    fn what_went_wrong_comes_first_and_the_rest_is_counted() {
        let score = |value: f64| json!({"score": {"scorer": "exact", "version": 1, "value": value}});
        let mut results: Vec<_> = (0..150).map(|n| changed(&format!("right-{n}"), 0, &score(1.0))).collect();
        results.push(changed("wrong", 0, &score(0.0)));
        results.push(failed("broken"));
        let text = String::from_utf8(encoded(ExportFormat::Html, &run(), &results)).unwrap();

        let place = |item: &str| text.find(&format!(">{item}<")).unwrap();
        assert!(place("wrong") < place("broken") && place("broken") < place("right-0"));
        assert!(text.contains("right-99<") && !text.contains("right-100<"));
        assert!(text.contains("50 more are left out"));
    }
}
