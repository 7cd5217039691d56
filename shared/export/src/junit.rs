use std::io::{self, Write};

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use runmill_proto::{
    Outcome,
    api::{DetailedResult, Run, ScoreClass},
};

use crate::{
    Encoder, ExportError,
    spool::Spool,
    words::{reason, references},
};

/// Results as test cases in `JUnit`'s form: an answer below the full score is a failure, an item without an answer an error,
/// and an answer without a score is skipped. Their numbers stand before them, so the cases wait.
pub struct Junit<W> {
    to: W,
    waiting: Spool,
    suite: String,
    cases: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
    milliseconds: u64,
}

/// Outcome of a test case.
enum Verdict {
    Passed,
    Failure,
    Error,
    Skipped,
}

impl<W> Junit<W> {
    /// The suite has the name of the run.
    pub fn new(run: &Run, to: W) -> io::Result<Self> {
        let suite = clean(&run.name.clone().unwrap_or_else(|| run.id.to_string()));
        let waiting = Spool::new()?;
        Ok(Self { to, waiting, suite, cases: 0, failures: 0, errors: 0, skipped: 0, milliseconds: 0 })
    }

    fn count(&mut self, result: &DetailedResult) {
        self.cases += 1;
        self.milliseconds += milliseconds(result);
        match verdict(result) {
            Verdict::Passed => {}
            Verdict::Failure => self.failures += 1,
            Verdict::Error => self.errors += 1,
            Verdict::Skipped => self.skipped += 1,
        }
    }

    fn head(&self) -> io::Result<Vec<u8>> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        writer.write_event(Event::Start(BytesStart::new("testsuites")))?;
        let suite = BytesStart::new("testsuite").with_attributes([
            ("name", self.suite.as_str()),
            ("tests", &self.cases.to_string()),
            ("failures", &self.failures.to_string()),
            ("errors", &self.errors.to_string()),
            ("skipped", &self.skipped.to_string()),
            ("time", &seconds(self.milliseconds)),
        ]);
        writer.write_event(Event::Start(suite))?;
        Ok(writer.into_inner())
    }

    fn case(&self, result: &DetailedResult) -> io::Result<Vec<u8>> {
        let record = &result.result;
        let name = match record.sample {
            0 => record.item_id.clone(),
            sample => format!("{} (sample {sample})", record.item_id),
        };
        let case = BytesStart::new("testcase").with_attributes([
            ("name", clean(&name).as_str()),
            ("classname", &self.suite),
            ("time", &seconds(milliseconds(result))),
        ]);
        let mut writer = Writer::new(b"\n    ".to_vec());
        let (kind, message) = match verdict(result) {
            Verdict::Passed => {
                writer.write_event(Event::Empty(case))?;
                return Ok(writer.into_inner());
            }
            Verdict::Failure => ("failure", failure(result)),
            Verdict::Error => ("error", reason(result)),
            Verdict::Skipped => ("skipped", reason(result)),
        };
        writer.write_event(Event::Start(case))?;
        let told = BytesStart::new(kind).with_attributes([("message", clean(&message).as_str())]);
        let answer = clean(record.response.as_deref().unwrap_or_default());
        writer.write_event(Event::Start(told))?;
        writer.write_event(Event::Text(BytesText::new(&answer)))?;
        writer.write_event(Event::End(BytesEnd::new(kind)))?;
        writer.write_event(Event::End(BytesEnd::new("testcase")))?;
        Ok(writer.into_inner())
    }
}

impl<W: Write + Send> Encoder for Junit<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        for result in results {
            self.count(result);
            let case = self.case(result)?;
            self.waiting.write_all(&case)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        let head = self.head()?;
        self.to.write_all(&head)?;
        io::copy(&mut self.waiting.into_reader()?, &mut self.to)?;
        self.to.write_all(b"\n  </testsuite>\n</testsuites>\n")?;
        Ok(self.to.flush()?)
    }
}

fn verdict(result: &DetailedResult) -> Verdict {
    let record = &result.result;
    match record.score.as_ref().map(|score| ScoreClass::of(score.value)) {
        Some(ScoreClass::Right) => Verdict::Passed,
        Some(ScoreClass::Wrong) => Verdict::Failure,
        Some(ScoreClass::Unscored) => Verdict::Skipped,
        None if record.outcome == Outcome::Succeeded => Verdict::Passed,
        None => Verdict::Error,
    }
}

fn failure(result: &DetailedResult) -> String {
    let score = result.result.score.as_ref();
    let value = score.and_then(|score| score.value).unwrap_or_default();
    let got = score.and_then(|score| score.extracted.clone()).or_else(|| result.result.response.clone());
    format!("score {value}: wanted {}, got {}", references(result), got.unwrap_or_default())
}

fn milliseconds(result: &DetailedResult) -> u64 {
    result.call.as_ref().map_or(0, |call| call.latency_ms)
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
}

/// Leaves out what XML 1.0 cannot hold (its production `Char`).
fn clean(text: &str) -> String {
    let is_held = |char: &char| match char {
        '\t' | '\n' | '\r' => true,
        char => !char.is_ascii_control() && !matches!(char, '\u{fffe}' | '\u{ffff}'),
    };
    text.chars().filter(is_held).collect()
}

#[cfg(test)]
mod tests {
    use runmill_proto::api::ExportFormat;
    use serde_json::json;

    use crate::testing::{changed, encoded, failed, result, run};

    #[test]
    fn cases_are_counted_before_they_are_listed() {
        let score = |value| json!({"score": {"scorer": "numeric", "value": value, "detail": "why"}});
        let rows = [
            result("<a>", 1),
            changed("b\u{1}", 0, &score(json!(0.0))),
            changed("c", 0, &score(json!(null))),
            failed("d"),
        ];
        let text = String::from_utf8(encoded(ExportFormat::Junit, &run(), &rows)).unwrap();
        for want in [
            "<testsuite name=\"a run\" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"0.750\">",
            "<testcase name=\"&lt;a&gt; (sample 1)\" classname=\"a run\" time=\"0.250\"/>",
            "<testcase name=\"b\" classname=\"a run\" time=\"0.250\"><failure message=\"score 0: wanted 2 | two, got It is 2.\">",
            "<skipped message=\"why\">",
            "<error message=\"no answer in 60 s\">",
        ] {
            assert!(text.contains(want), "{want}: {text}");
        }
        assert!(text.ends_with("</testsuites>\n"), "{text}");
    }
}
