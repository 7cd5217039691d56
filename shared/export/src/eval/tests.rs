use std::io::{Cursor, Read as _};

use runmill_proto::{
    RunStatus,
    api::{DetailedResult, ExportFormat, Run},
};
use serde_json::{Value, json};

use crate::testing::{changed, encoded, failed, result, run};

type Log = zip::ZipArchive<Cursor<Vec<u8>>>;

fn log(run: &Run, results: &[DetailedResult]) -> Log {
    zip::ZipArchive::new(Cursor::new(encoded(ExportFormat::Eval, run, results))).unwrap()
}

fn read(log: &mut Log, name: &str) -> Value {
    let mut text = String::new();
    log.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn each_result_is_a_sample_with_its_summary() {
    let rows = [result("a/é b", 0), result("a/é b", 1), failed("c")];
    let mut log = log(&run(), &rows);
    let sample = read(&mut log, "samples/a/é b_epoch_2.json");
    assert_eq!(
        (&sample["id"], &sample["epoch"], &sample["input"]),
        (&json!("a/é b"), &json!(2), &json!("1+1"))
    );
    assert_eq!(sample["target"], json!(["2", "two"]));
    assert_eq!(sample["messages"][2]["content"], json!("It is 2."));
    assert_eq!(sample["output"]["choices"][0]["stop_reason"], json!("stop"));
    assert_eq!(sample["scores"]["numeric"]["value"], json!(1.0));
    assert_eq!(sample["model_usage"]["gpt/x"]["total_tokens"], json!(4));
    assert_eq!((&sample["metadata"]["topic"], &sample["total_time"]), (&json!("sums"), &json!(0.25)));

    let wrong = read(&mut log, "samples/c_epoch_1.json");
    assert_eq!(wrong["error"]["message"], json!("total_timeout: no answer in 60 s"));
    assert_eq!((wrong.get("scores"), &wrong["output"]["choices"]), (None, &json!([])));

    let summaries = read(&mut log, "summaries.json");
    assert_eq!(summaries.as_array().unwrap().len(), 3);
    assert_eq!((&summaries[0]["retries"], &summaries[0]["message_count"]), (&json!(1), &json!(3)));
    assert_eq!(summaries[2]["error"], json!("total_timeout: no answer in 60 s"));

    let header = read(&mut log, "header.json");
    assert_eq!(header["eval"]["dataset"]["sample_ids"], json!(["a/é b", "c"]));
    assert_eq!(header["results"]["scores"][0]["metrics"]["stderr"]["value"], json!(0.25));
    let last = log.len() - 1;
    assert_eq!(
        log.by_index(last).unwrap().name().unwrap(),
        "header.json",
        "without it, a log counts as unfinished"
    );
}

#[test]
fn a_summary_has_the_beginnings_of_texts() {
    let text = "é".repeat(2_000);
    let mut log = log(&run(), &[changed("a", 0, &json!({"question": text, "meta": {"deep": [text]}}))]);
    assert_eq!(read(&mut log, "samples/a_epoch_1.json")["input"], json!(text));
    let summary = &read(&mut log, "summaries.json")[0];
    let want = json!("é".repeat(1_024) + "...");
    assert_eq!((&summary["input"], &summary["metadata"]["deep"][0]), (&want, &want));
}

#[test]
fn the_status_of_the_run_is_told_in_inspects_words() {
    let table = [
        (RunStatus::Running, "started"),
        (RunStatus::Completed, "success"),
        (RunStatus::Canceled, "cancelled"),
        (RunStatus::Failed, "error"),
    ];
    for (status, want) in table {
        let mut log = log(&Run { status, ..run() }, &[]);
        let header = read(&mut log, "header.json");
        assert_eq!((&header["status"], header.get("error").is_some()), (&json!(want), want == "error"));
        assert_eq!(read(&mut log, "summaries.json"), json!([]));
    }
}

#[test]
fn an_unscored_answer_has_no_score_and_a_judge_its_own() {
    let verdict = json!({"judge": 1, "value": 0.5, "verdict": "P", "text": "Partly.", "reason": null});
    let changes = json!({
        "score": {"scorer": "numeric", "value": null, "detail": "no number"}, "verdicts": [verdict],
        "reasoning": "Let me see.", "tool_calls": [{"id": "1", "name": "f", "arguments": "{"}],
    });
    let mut log = log(&run(), &[changed("a", 0, &changes)]);
    let sample = read(&mut log, "samples/a_epoch_1.json");
    assert_eq!(sample["scores"], json!({"judge_2": {"value": 0.5, "answer": "P", "explanation": "Partly."}}));
    assert_eq!(sample["metadata"]["runmill"]["unscored"], json!("no number"));
    assert_eq!(sample["messages"][2]["content"][0]["reasoning"], json!("Let me see."));
    assert_eq!(sample["messages"][2]["tool_calls"][0]["arguments"], json!({"raw": "{"}));
}
