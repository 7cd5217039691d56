//! A suite: every dataset with every model and prompt, side by side, and one table at the end.

use std::process::Output;

use runmill_proto::{RunStatus, api::Run};

use crate::support::{Command, Sandbox, data::questions, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn ended(command: Command, code: i32) -> Output {
    let output = command.output().await;
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Writes a suite of two datasets, two models and two prompts. Returns its path.
fn written(sandbox: &Sandbox, echo: &str) -> String {
    sandbox.write("a.jsonl", &questions(6));
    sandbox.write("b.csv", "id,question,answer\nx,Say six,six\ny,Say 7,seven\n");
    sandbox.write("short.j2", "Q: {{ text }}");
    let url = sandbox.gateway.base_url();
    let suite = format!(
        "datasets: [{{file: a.jsonl}}, {{file: b.csv, name: bees}}]\n\
         models: [{{model: {echo}}}, {{model: lorem, max-tokens: 5}}]\n\
         prompts: [{{name: plain}}, {{prompt: short.j2}}]\n\
         options: {{base-url: '{url}', scorer: includes}}\n"
    );
    sandbox.write("suite.yaml", &suite)
}

#[tokio::test]
async fn each_combination_is_a_run_and_a_row() {
    let sandbox = Sandbox::new().await;
    let suite = written(&sandbox, "echo");
    let output = ended(sandbox.runmill(&["run", &suite]), 0).await;
    let table = text(&output.stdout);
    assert_eq!(table.lines().count(), 9, "{table}");
    let row = table
        .lines()
        .find(|line| line.contains("bees") && line.contains("echo") && line.contains("short.j2"));
    assert!(row.is_some_and(|row| row.contains("2/2") && row.contains("0.5000")), "{table}");
    let calls = sandbox.gateway.stats().all.calls;
    assert_eq!(calls, 2 * 2 * (6 + 2));

    let again = ended(sandbox.runmill(&["run", &suite, "--json"]), 0).await;
    let runs: Vec<Run> = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((runs.len(), sandbox.gateway.stats().all.calls), (8, calls), "no model was called again");
    let one = ended(sandbox.runmill(&["runs", "show", "bees, echo, plain", "--json"]), 0).await;
    let one: Run = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!((one.status, one.counters.total), (RunStatus::Completed, 2));
    ended(sandbox.runmill(&["run", &suite, "--min-score", "0.9"]), 4).await;
}

#[tokio::test]
async fn several_models_of_one_command_are_shown_in_one_table() {
    let sandbox = Sandbox::new().await;
    let items = sandbox.write("items.jsonl", &questions(6));
    let base_url = sandbox.gateway.base_url();
    let args = ["run", &items, "--base-url", &base_url, "--model", "echo", "--model", "lorem"];
    let table = text(&ended(sandbox.runmill(&args), 0).await.stdout);
    let rows: Vec<_> = table.lines().filter(|line| line.contains("items.jsonl")).collect();
    let is_of = |row: &str, model: &str| row.contains(model) && row.contains("6/6");
    assert!(rows.len() == 2 && is_of(rows[0], "echo") && is_of(rows[1], "lorem"), "{table}");
    ended(sandbox.runmill(&args), 0).await;
    assert_eq!(sandbox.gateway.stats().all.calls, 12, "no model was called again");
}

#[tokio::test]
async fn an_interrupted_suite_goes_on_by_the_same_command() {
    let sandbox = Sandbox::new().await;
    let suite = written(&sandbox, "echo+ttft=300ms");
    let args = ["run", &suite, "--concurrency", "1"];
    let process = sandbox.runmill(&args).start();
    until("some calls", async || sandbox.gateway.stats().all.calls >= 3).await;
    process.signal("INT");
    assert_eq!(process.ended().await, Some(130), "{}", process.log());
    assert!(process.log().contains("the same command goes on"), "{}", process.log());
    ended(sandbox.runmill(&args), 0).await;
    assert_eq!(sandbox.gateway.stats().all.calls, 32, "nothing was called twice");
}

#[tokio::test]
async fn a_suite_with_a_slip_calls_nothing() {
    let sandbox = Sandbox::new().await;
    sandbox.write("a.jsonl", &questions(2));
    let url = sandbox.gateway.base_url();
    let table = [
        ("models: [{model: m}]", "datasets"),
        ("datasets: [{file: a.jsonl}]\nmodels: [{model: m, temprature: 1}]", "--temprature"),
        ("datasets: [{file: a.jsonl}, {file: none.jsonl}]\nmodels: [{model: m}]", "none.jsonl"),
        ("datasets: [{file: a.jsonl}]\nmodels: [{model: m}]\noptions: {out: x}", "--out"),
    ];
    for (suite, want) in table {
        let suite = sandbox.write("suite.yaml", suite);
        let output = ended(sandbox.runmill(&["run", &suite, "--base-url", &url]), 2).await;
        assert!(text(&output.stderr).contains(want), "{want}: {}", text(&output.stderr));
    }
    let items = sandbox.write("items.jsonl", &questions(1));
    let output = ended(sandbox.runmill(&["run", &items, "--base-url", &url]), 2).await;
    assert!(text(&output.stderr).contains("--model is missing"), "{}", text(&output.stderr));
    assert_eq!(sandbox.gateway.stats().all.calls, 0);
}
