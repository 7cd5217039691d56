//! Tests of one process without servers, which is killed, is interrupted, and runs each command.

use std::process::Output;

use runmill_gateway::AnswerKey;
use runmill_proto::{
    RunStatus,
    api::{ResultRecord, Run},
};

use crate::support::{
    Command, Sandbox, assert_counters_equal_rows, calls_by_job,
    data::{GSM8K, questions},
    until,
};

const ITEMS: usize = 1_000;
const CONCURRENCY: u32 = 50;
/// Maximum number of jobs that are fed and have no result: the feeder's window, twice the concurrency.
const WINDOW: u32 = 2 * CONCURRENCY;
/// Slow enough for a signal to arrive in the middle of the run.
const MODEL: &str = "lorem+ttft=200ms";

/// A thousand items in a sandbox, and the command that runs them.
struct Thousand {
    sandbox: Sandbox,
    dataset: String,
}

impl Thousand {
    async fn new() -> Self {
        let sandbox = Sandbox::new().await;
        let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
        Self { sandbox, dataset }
    }

    fn command(&self) -> Command {
        let out = self.sandbox.path("results.jsonl").display().to_string();
        let concurrency = CONCURRENCY.to_string();
        self.sandbox.run(&self.dataset, MODEL, &["--concurrency", &concurrency, "--json", "--out", &out])
    }

    /// Waits until the model has answered `calls` calls.
    async fn called(&self, calls: u64) {
        until("the calls", async || self.sandbox.gateway.stats().all.calls >= calls).await;
    }

    /// Waits until the model has noticed that its callers are gone.
    async fn quiet(&self) {
        until("the end of all calls", async || self.sandbox.gateway.stats().all.in_flight == 0).await;
    }

    /// Runs the same command to its end, which completes the run. Returns the number of items that already had a
    /// result.
    async fn resume(&self) -> (u64, Run) {
        let output = self.command().output().await;
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let line =
            said.lines().find_map(|line| line.strip_prefix("resuming ")).unwrap_or_else(|| panic!("{said}"));
        let (_run, progress) = line.split_once(": ").unwrap();
        let settled = progress.strip_suffix(" of 1000 settled").unwrap_or_else(|| panic!("{line}"));
        (settled.parse().unwrap(), run_of(&output))
    }

    /// Checks that every item has one result, in the file and in the store, and that the counters agree.
    async fn assert_complete(&self, run: &Run) {
        assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, ITEMS as u64));
        let lines = std::fs::read_to_string(self.sandbox.path("results.jsonl")).unwrap();
        let results: Vec<ResultRecord> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(results.len(), ITEMS);
        assert_counters_equal_rows(run, &results);
        let shown = self.sandbox.runmill(&["runs", "show", &run.id.to_string(), "--json"]).output().await;
        assert_eq!(run_of(&shown), *run, "{}", stderr(&shown));
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run_of(output: &Output) -> Run {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{}", stderr(output)))
}

#[tokio::test]
async fn a_killed_process_resumes_and_every_item_has_one_result() {
    let thousand = Thousand::new().await;
    let killed = thousand.command().start();
    thousand.called(ITEMS as u64 / 2).await;
    killed.signal("KILL");
    assert_eq!(killed.ended().await, None, "a signal ended it:\n{}", killed.log());
    thousand.quiet().await;
    let called = calls_by_job(&thousand.sandbox.gateway).len() as u64;

    let (settled, run) = thousand.resume().await;

    thousand.assert_complete(&run).await;
    assert!((1..ITEMS as u64).contains(&settled), "killed in the middle, at {settled}");
    let calls = calls_by_job(&thousand.sandbox.gateway);
    assert_eq!((calls.len(), calls.values().filter(|&&count| count > 2).count()), (ITEMS, 0));
    let doubled = calls.values().map(|count| count - 1).sum::<u32>();
    assert!(
        u64::from(doubled) <= called - settled,
        "{doubled} doubled of {called} called, {settled} with a result"
    );
    assert!(doubled <= WINDOW, "{doubled} calls were made twice");
}

#[tokio::test]
async fn failed_items_are_retried_to_their_end_by_one_command() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(40));
    let first = sandbox.run(&dataset, "echo+fail=400:0.5", &["--json"]).output().await;
    let (before, calls) = (run_of(&first).counters, sandbox.gateway.stats().all.calls);
    assert_eq!((first.status.code(), calls), (Some(5), 40), "{}", stderr(&first));

    let retried = sandbox.runmill(&["runs", "retry-failed", "last", "--json"]).output().await;

    let (run, said) = (run_of(&retried), stderr(&retried));
    assert!((1..before.failed).contains(&run.counters.failed), "half of them fail again: {said}");
    assert_eq!(
        (retried.status.code(), run.status, run.counters.settled),
        (Some(5), RunStatus::Completed, 40)
    );
    assert_eq!(sandbox.gateway.stats().all.calls, 40 + before.failed, "only what failed is called: {said}");
    assert!(said.contains(&format!("resuming {}: {} of 40 settled", run.id, before.succeeded)), "{said}");
    let none = sandbox.runmill(&["runs", "retry-failed", "nosuch"]).output().await;
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
}

#[tokio::test]
async fn an_interrupted_process_drains_and_resumes_without_a_doubled_call() {
    let thousand = Thousand::new().await;
    let interrupted = thousand.command().start();
    thousand.called(ITEMS as u64 / 4).await;
    interrupted.signal("INT");
    let code = interrupted.ended().await;
    let said = interrupted.line_with("the same command resumes the run").await;
    assert_eq!(code, Some(130), "{said}");
    let answered = thousand.sandbox.gateway.stats();

    let (settled, run) = thousand.resume().await;

    thousand.assert_complete(&run).await;
    assert_eq!(
        (answered.all.in_flight, answered.all.calls),
        (0, settled),
        "what was in flight has its result"
    );
    assert!(settled < ITEMS as u64, "interrupted in the middle");
    assert!(calls_by_job(&thousand.sandbox.gateway).values().all(|&count| count == 1));
}

/// The smoke test costs one question. It does not resume the unfinished run.
#[tokio::test]
async fn a_smoke_test_goes_on_with_no_unfinished_run() {
    let thousand = Thousand::new().await;
    let killed = thousand.command().start();
    thousand.called(10).await;
    killed.signal("KILL");
    assert_eq!(killed.ended().await, None, "a signal ended it:\n{}", killed.log());
    thousand.quiet().await;
    let run_calls = || {
        let mut calls = calls_by_job(&thousand.sandbox.gateway);
        calls.retain(|job, _| !job.starts_with("smoke-test"));
        calls
    };
    let called = run_calls();

    // Slow enough for a resumed run to make calls meanwhile.
    let base_url = thousand.sandbox.gateway.base_url();
    let args = ["smoke-test", "--base-url", &base_url, "--model", "echo+ttft=1s"];
    let output = thousand.sandbox.runmill(&args).output().await;

    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(run_calls(), called);
}

#[tokio::test]
async fn the_demo_scores_what_its_answer_key_makes_right() {
    let first: String = GSM8K.lines().take(100).flat_map(|line| [line, "\n"]).collect();
    let right = AnswerKey::from_ndjson(first.as_bytes()).unwrap().right_count("0.8".parse().unwrap());

    let output = Command::runmill(&["demo", "--limit", "100"]).output().await;

    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let score = table.lines().find(|line| line.contains("score")).unwrap_or_else(|| panic!("{table}"));
    let want = format!(" 0.{right}00 ± ");
    assert!(
        score.contains(&want) && score.contains("(100 of 100 scored, coverage 100.0 %)"),
        "{want}: {score}"
    );
}

#[tokio::test]
async fn a_small_run_whose_every_item_fails_ends_with_code_1() {
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(10));
    let output = sandbox.run(&dataset, "lorem+fail=400:1", &["--json"]).output().await;
    let run = run_of(&output);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!((run.status, run.counters.failed), (RunStatus::Completed, 10));
}

#[tokio::test]
async fn a_wrong_command_ends_with_code_2_and_says_what_is_wrong() {
    let sandbox = Sandbox::new().await;
    let raw = data("gsm8k-raw-20.csv");
    let broken = sandbox.write("broken.jsonl", "{\"id\":\"a\",\"type\":\"freeform\",\"inputs\":7}\n");
    let items = sandbox.write("items.jsonl", &questions(1));
    let table: [(&str, &[&str], &str); 6] = [
        (&items, &["--colour"], "--colour"),
        (&items, &["--pattern", "x"], "--pattern goes with --scorer pattern or regex"),
        (&items, &["--map", "answer=a"], "--map: it needs question=FIELD"),
        (&broken, &[], "line 1"),
        (&raw, &[], "the fields are problem, result; say what they are"),
        ("missing.jsonl", &[], "missing.jsonl"),
    ];
    for (dataset, more, want) in table {
        let output = sandbox.run(dataset, "echo", more).output().await;
        assert_eq!(output.status.code(), Some(2), "{dataset} {more:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(want), "{want}: {}", stderr(&output));
    }
}

#[tokio::test]
async fn rows_with_other_field_names_are_mapped() {
    let table = [
        ("gsm8k-raw-20.csv", "question=problem,answer=result"),
        ("gsm8k-raw-20.jsonl", "question=question,answer=final"),
    ];
    let sandbox = Sandbox::new().await;
    for (file, map) in table {
        let output =
            sandbox.run(&data(file), "key", &["--map", map, "--scorer", "numeric", "--json"]).output().await;
        let run = run_of(&output);
        assert_eq!(
            (output.status.code(), run.counters.succeeded),
            (Some(0), 20),
            "{file}: {}",
            stderr(&output)
        );
        assert_eq!(
            (run.score.mean, run.score.scored),
            (Some(1.0), 20),
            "{file}: the key knows these questions"
        );
    }
}

/// Returns the path of a file of `tests/data`.
fn data(name: &str) -> String {
    format!("{}/../../tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}
