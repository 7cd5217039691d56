//! LightEval's samples and metrics as parts of messages.

use std::collections::HashMap;

use runmill_lighteval::{Evaluation, Metric, Sample};
use runmill_proto::{
    Answer, ErrorKind, Inputs, Item, ItemType, Score,
    api::{LightevalMetric, LightevalOutcome},
    message::{EvaluatedSample, Evaluation as Message, EvaluationPart, Invocation},
};
use runmill_store::DatasetHash;
use serde_json::json;

/// Largest number of metrics that are kept.
const METRICS_MAX: usize = 10_000;
/// Longest text of a sample's metrics, in bytes.
const DETAIL_MAX: usize = 4_096;

/// Returns the parts of an evaluation in their order. `clean` removes from a text what must not leave the executor.
pub fn parts(evaluation: Evaluation, clean: impl Fn(&str) -> String) -> Vec<EvaluationPart> {
    let reason = evaluation.reason.as_deref().map(&clean);
    let outcome = LightevalOutcome {
        samples: evaluation.samples.len() as u64,
        unanswered: evaluation.unanswered() as u64,
        metrics: evaluation.metrics.into_iter().take(METRICS_MAX).map(metric).collect(),
        reason: reason.clone(),
    };
    let why = reason.as_deref().unwrap_or("the model's answer is empty");
    let (mut hash, mut ids) = (DatasetHash::default(), Ids::default());
    let samples: Vec<_> = evaluation.samples.iter().map(|it| sample(it, ids.next(it), why, &clean)).collect();
    for sample in &samples {
        hash.add(&sample.body);
    }
    let mut parts = split(samples);
    parts.push(EvaluationPart::Completed { outcome, version_hash: hash.finish() });
    parts
}

/// Divides the samples into parts of bounded size.
fn split(samples: Vec<EvaluatedSample>) -> Vec<EvaluationPart> {
    let total = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let (mut parts, mut first) = (Vec::new(), 0);
    let (mut part, mut bytes) = (Vec::new(), 0);
    for sample in samples {
        let size = sample.body.len() + sample.response.as_ref().map_or(0, String::len);
        let is_full =
            part.len() == Message::PART_SAMPLES_MAX || bytes + size > Message::PART_BYTES_MAX && bytes > 0;
        if is_full {
            let samples: Vec<EvaluatedSample> = std::mem::take(&mut part);
            let next = first + u32::try_from(samples.len()).unwrap_or(u32::MAX);
            parts.push(EvaluationPart::Samples { total, first, samples });
            (first, bytes) = (next, 0);
        }
        bytes += size;
        part.push(sample);
    }
    if !part.is_empty() {
        parts.push(EvaluationPart::Samples { total, first, samples: part });
    }
    parts
}

fn metric(Metric { task, name, value }: Metric) -> LightevalMetric {
    LightevalMetric { task, name, value }
}

/// Makes the ids of items. LightEval's are unique in a task, as far as it goes.
#[derive(Default)]
struct Ids(HashMap<String, u32>);

impl Ids {
    fn next(&mut self, sample: &Sample) -> String {
        let id = format!("{}:{}", sample.task, sample.id);
        let count = self.0.entry(id.clone()).or_default();
        *count += 1;
        if *count == 1 { id } else { format!("{id}#{count}") }
    }
}

fn sample(sample: &Sample, item_id: String, why: &str, clean: impl Fn(&str) -> String) -> EvaluatedSample {
    let question = clean(&sample.question);
    let is_answered = sample.is_answered();
    EvaluatedSample {
        body: item(sample, &item_id, question.clone()),
        item_id,
        question: Invocation::preview(&question),
        response: is_answered.then(|| clean(&sample.answers.join("\n\n"))),
        error_kind: (!is_answered).then_some(ErrorKind::EmptyAnswer),
        error: (!is_answered).then(|| why.to_owned()),
        score: is_answered.then(|| score(sample)),
    }
}

/// Returns the sample as a line of a dataset.
fn item(sample: &Sample, id: &str, question: String) -> String {
    let item = Item {
        id: id.to_owned(),
        item_type: ItemType::Freeform,
        inputs: Inputs { text: question, ..Inputs::default() },
        choices: Vec::new(),
        answer: sample.reference.first().cloned().map(Answer::One),
        answers: Vec::new(),
        checker: None,
        criteria: None,
        meta: Some(json!({"task": sample.task, "reference": sample.reference})),
        request: None,
    };
    json!(item).to_string()
}

/// Returns the score of an answered sample: LightEval's first metric, if it is a share.
fn score(sample: &Sample) -> Score {
    let metrics = json!(sample.metrics).to_string();
    let detail = (metrics.len() <= DETAIL_MAX).then_some(metrics);
    let (scorer, value, detail) = match sample.score() {
        Some((name, value)) if (0.0..=1.0).contains(&value) => (name, Some(value), detail),
        Some((name, value)) => (name, None, Some(format!("{name} is {value}, and a score is from 0 to 1"))),
        None => ("lighteval", None, Some("no metric of the sample is a number".to_owned())),
    };
    Score { scorer: scorer.to_owned(), version: 1, value, extracted: None, detail }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn sample_of(id: &str, answers: &[&str], metrics: &Value) -> Sample {
        let answers: Vec<_> = answers.iter().map(|it| (*it).to_owned()).collect();
        let sample = json!({"task": "t|0", "id": id, "question": "2 + 2?", "reference": ["4", "four"],
            "answers": answers, "metrics": metrics});
        serde_json::from_value(sample).unwrap()
    }

    fn evaluation(samples: Vec<Sample>, reason: Option<&str>) -> Evaluation {
        let metrics = vec![Metric { task: "t|0".into(), name: "em".into(), value: 0.5 }];
        Evaluation { metrics, samples, reason: reason.map(str::to_owned) }
    }

    fn samples<'a>(parts: &'a [EvaluationPart]) -> Vec<&'a EvaluatedSample> {
        let of_part = |part: &'a EvaluationPart| match part {
            EvaluationPart::Samples { samples, .. } => Some(samples),
            _ => None,
        };
        parts.iter().filter_map(of_part).flatten().collect()
    }

    #[test]
    fn an_answer_has_its_score_and_no_answer_has_the_reason() {
        let em = |value: f64| json!({"em": value});
        let found = vec![
            sample_of("0", &["4"], &em(1.0)),
            sample_of("1", &[""], &em(0.0)),
            sample_of("2", &["5"], &em(17.5)),
            sample_of("2", &["5", "6"], &json!({})),
        ];
        let parts =
            parts(evaluation(found, Some("key rmt_1 was refused")), |text| text.replace("rmt_1", "-"));

        let samples = samples(&parts);
        let values: Vec<_> = samples.iter().map(|it| it.score.as_ref().map(|score| score.value)).collect();
        assert_eq!(values, [Some(Some(1.0)), None, Some(None), Some(None)]);
        assert_eq!(samples[1].error.as_deref(), Some("key - was refused"));
        assert_eq!((samples[1].error_kind, &samples[1].response), (Some(ErrorKind::EmptyAnswer), &None));
        assert_eq!(samples[3].response.as_deref(), Some("5\n\n6"));
        let ids: Vec<_> = samples.iter().map(|it| it.item_id.as_str()).collect();
        assert_eq!(ids, ["t|0:0", "t|0:1", "t|0:2", "t|0:2#2"]);
        let EvaluationPart::Completed { outcome, .. } = parts.last().unwrap() else { panic!("{parts:?}") };
        assert_eq!((outcome.samples, outcome.unanswered), (4, 1));
        assert_eq!(outcome.reason.as_deref(), Some("key - was refused"));
    }

    #[test]
    fn an_item_is_a_line_of_a_dataset() {
        let parts = parts(evaluation(vec![sample_of("0", &["4"], &json!({}))], None), str::to_owned);

        let item = Item::from_upload(&samples(&parts)[0].body).unwrap();

        assert_eq!((item.id.as_str(), item.inputs.text.as_str()), ("t|0:0", "2 + 2?"));
        assert_eq!(item.answer, Some(Answer::One("4".into())));
    }

    #[test]
    fn parts_are_bounded_and_have_every_sample_once() {
        let long = "a".repeat(Message::PART_BYTES_MAX);
        let mut found: Vec<_> = (0..450).map(|n| sample_of(&n.to_string(), &["4"], &json!({}))).collect();
        found.insert(100, sample_of("long", &[&long], &json!({})));
        let parts = parts(evaluation(found, None), str::to_owned);

        let (mut expected, mut sizes) = (0, Vec::new());
        for part in &parts {
            if let EvaluationPart::Samples { total, first, samples } = part {
                assert_eq!((*total, *first), (451, expected));
                expected += u32::try_from(samples.len()).unwrap();
                sizes.push(samples.len());
            }
        }
        assert_eq!((expected, sizes), (451, vec![100, 1, 200, 150]));
    }
}
