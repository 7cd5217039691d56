//! Commands that end early, or run beside each other: nothing that was paid is lost, and nothing is paid unasked.

use std::{path::Path, process::Output};

use runmill_proto::{RunStatus, api::Run};

use crate::support::{Process, Sandbox, calls_by_job, data::questions, until};

const ITEMS: usize = 60;
/// Slow enough for a signal to arrive in the middle of the run.
const SLOW: &str = "lorem+ttft=150ms";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

/// A dataset in a sandbox, and commands that run it.
struct Money {
    sandbox: Sandbox,
    dataset: String,
}

impl Money {
    async fn new() -> Self {
        let sandbox = Sandbox::new().await;
        let dataset = sandbox.write("items.jsonl", &questions(ITEMS));
        Self { sandbox, dataset }
    }

    fn start(&self, model: &str, more: &[&str]) -> Process {
        let args = [&["--concurrency", "4"], more].concat();
        self.sandbox.run(&self.dataset, model, &args).start()
    }

    /// Runs a command to its end, which must be `code`.
    async fn runmill(&self, args: &[&str], code: i32) -> Output {
        let output = self.sandbox.runmill(args).output().await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
        output
    }

    async fn called(&self, calls: u64) {
        until("the calls", async || self.sandbox.gateway.stats().all.calls >= calls).await;
    }

    /// Starts a run and interrupts it with `signal`. Returns its id.
    async fn interrupted(&self, signal: &str, more: &[&str]) -> String {
        let before = self.sandbox.gateway.stats().all.calls;
        let process = self.start(SLOW, more);
        let line = process.line_with("run_").await;
        self.called(before + 8).await;
        process.signal(signal);
        assert_eq!(process.ended().await, Some(130), "{}", process.log());
        let word = line.split_whitespace().find(|word| word.starts_with("run_")).unwrap();
        word.trim_end_matches(':').to_owned()
    }

    async fn run(&self, id: &str) -> Run {
        serde_json::from_slice(&self.runmill(&["runs", "show", id, "--json"], 0).await.stdout).unwrap()
    }

    fn calls(&self) -> u64 {
        self.sandbox.gateway.stats().all.calls
    }
}

#[tokio::test]
async fn an_interrupted_run_waits_until_it_is_named() {
    let money = Money::new().await;
    let id = money.interrupted("INT", &[]).await;
    let (before, settled) = (money.calls(), money.run(&id).await.counters.settled);
    assert_eq!(before, settled, "each call that was made has its result");

    let other = money.sandbox.write("other.jsonl", &questions(5));
    let output = money.sandbox.run(&other, "echo", &[]).output().await;

    let said = stderr(&output);
    assert_eq!((output.status.code(), money.calls()), (Some(0), before + 5), "{said}");
    assert!(said.contains(&format!("another unfinished run waits: {id} ({settled}/60)")), "{said}");
    let results = String::from_utf8(money.runmill(&["runs", "results", &id], 0).await.stdout).unwrap();
    assert_eq!(results.lines().count() as u64, settled);

    let out = money.sandbox.path("resumed.jsonl");
    let resumed = money.runmill(&["runs", "resume", &id, "--out", &out.display().to_string()], 0).await;
    assert!(stderr(&resumed).contains(&format!("resuming {id}: {settled} of 60 settled")));
    assert_eq!((money.calls(), lines(&out)), (60 + 5, 60));
    assert!(calls_by_job(&money.sandbox.gateway).values().all(|&count| count == 1));
    assert!(!stderr(&resumed).contains("waiting"), "an interruption is no wait: {}", stderr(&resumed));
    let again = money.runmill(&["runs", "resume", &id], 2).await;
    assert!(stderr(&again).contains("the run is completed"), "{}", stderr(&again));
    assert!(!stderr(&again).contains("retry-failed"), "no item failed: {}", stderr(&again));
}

#[tokio::test]
async fn a_closed_terminal_drains_as_an_interrupt_does() {
    let money = Money::new().await;
    let id = money.interrupted("HUP", &[]).await;
    assert_eq!(money.run(&id).await.counters.settled, money.calls());
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_before_the_first_call() {
    let money = Money::new().await;
    for out in ["/nonexistent/dir/o.jsonl", "/"] {
        let output = money.sandbox.run(&money.dataset, "echo", &["--out", out]).output().await;
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("--out {out}: ")), "{}", stderr(&output));
    }
    assert_eq!(money.calls(), 0);
}

#[tokio::test]
async fn an_interrupted_run_leaves_a_part_and_the_earlier_file() {
    let money = Money::new().await;
    let out = money.sandbox.write("out.jsonl", "earlier\n");
    let id = money.interrupted("INT", &["--out", &out]).await;

    let part = format!("{out}.part");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "earlier\n");
    assert_eq!(lines(Path::new(&part)) as u64, money.run(&id).await.counters.settled);

    let output =
        money.sandbox.run(&money.dataset, SLOW, &["--concurrency", "4", "--out", &out]).output().await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!((lines(Path::new(&out)), Path::new(&part).exists()), (60, false));
}

#[tokio::test]
async fn results_on_standard_output_are_alone_there() {
    let money = Money::new().await;
    let output = money.sandbox.run(&money.dataset, "echo", &["--out", "-"]).output().await;
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(printed.lines().filter(|line| line.starts_with('{')).count(), 60, "{printed}");
    assert_eq!(printed.lines().count(), 60);
    assert!(stderr(&output).contains("60 of 60 settled"), "{}", stderr(&output));
}

#[tokio::test]
async fn commands_work_beside_each_other_and_each_pays_its_own() {
    let money = Money::new().await;
    let first = money.start("lorem+ttft=1s", &[]);
    money.called(1).await;

    let other = money.sandbox.write("other.jsonl", &questions(5));
    let second = money.sandbox.run(&other, "echo", &["--json"]).output().await;
    let second: Run =
        serde_json::from_slice(&second.stdout).unwrap_or_else(|_| panic!("{}", stderr(&second)));
    let listed = money.runmill(&["runs", "list", "--json"], 0).await;
    let listed: Vec<Run> = serde_json::from_slice(&listed.stdout).unwrap();
    let same = money.sandbox.run(&money.dataset, "lorem+ttft=1s", &["--concurrency", "4"]).output().await;

    assert_eq!((second.status, second.counters.calls), (RunStatus::Completed, 5));
    assert_eq!(listed.len(), 2);
    assert_eq!(same.status.code(), Some(2), "{}", stderr(&same));
    assert!(stderr(&same).contains("the same command is running already"), "{}", stderr(&same));
    let id = listed.iter().find(|run| run.id != second.id).unwrap().id.to_string();
    let resumed = money.runmill(&["runs", "resume", &id], 2).await;
    assert!(stderr(&resumed).contains("another command works on"), "{}", stderr(&resumed));
    assert!(first.is_running().await, "{}", first.log());

    let canceled = money.runmill(&["runs", "cancel", &id, "--json"], 0).await;
    let canceled: Run = serde_json::from_slice(&canceled.stdout).unwrap();
    assert!(canceled.cancel_requested_at.is_some());
    assert_eq!(first.ended().await, Some(1), "{}", first.log());
    assert!(calls_by_job(&money.sandbox.gateway).values().all(|&count| count == 1));
}

#[tokio::test]
async fn a_run_that_nobody_works_on_says_so_and_ends_at_once_when_it_is_canceled() {
    let money = Money::new().await;
    let id = money.interrupted("INT", &[]).await;
    let listed = money.runmill(&["runs", "list"], 0).await;
    assert!(String::from_utf8_lossy(&listed.stdout).contains("  interrupted  "));
    let shown = money.runmill(&["runs", "show", &id], 0).await;
    let want = format!("no command works on {id}; `runmill runs resume {id}` does");
    assert!(stderr(&shown).contains(&want), "{}", stderr(&shown));
    let canceled = money.runmill(&["runs", "cancel", &id, "--json"], 0).await;
    let canceled: Run = serde_json::from_slice(&canceled.stdout).unwrap();
    assert_eq!(canceled.status, RunStatus::Canceled);
}

/// The requests make a run: neither the place of a setting nor the name of this machine.
#[tokio::test]
async fn another_way_to_say_the_same_goes_on_with_the_run() {
    let money = Money::new().await;
    let id = money.interrupted("INT", &["--temperature", "0"]).await;
    let base_url = money.sandbox.gateway.base_url().replace("127.0.0.1", "localhost");
    let config = r#"{"generation":{"temperature":0.0}}"#;
    let args = ["run", &money.dataset, "--base-url", &base_url, "--model", SLOW, "--config", config];

    let output = money.runmill(&args, 0).await;

    assert!(stderr(&output).contains(&format!("resuming {id}: ")), "{}", stderr(&output));
    assert_eq!(money.calls(), 60);
}

#[tokio::test]
async fn a_run_that_is_much_like_an_unfinished_one_says_the_difference() {
    let money = Money::new().await;
    let id = money.interrupted("INT", &[]).await;
    std::fs::write(&money.dataset, questions(ITEMS + 1)).unwrap();

    let output = money.sandbox.run(&money.dataset, SLOW, &["--limit", "1"]).output().await;

    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("{id} (")) && said.contains("another dataset of 60 items"), "{said}");
}

/// `tee` ends before the command when a terminal interrupts both.
#[tokio::test]
async fn a_reader_that_goes_away_ends_no_run() {
    let money = Money::new().await;
    let data = money.sandbox.path("data").display().to_string();
    let base_url = money.sandbox.gateway.base_url();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_runmill"));
    command.args(["run", &money.dataset, "--base-url", &base_url, "--model", "lorem+ttft=20ms"]);
    command.env_clear().env("RUNMILL_DATA_DIR", &data);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut process = command.spawn().unwrap();
    drop((reader, command));

    let ended = tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap();

    assert_eq!(ended.code(), Some(0));
    let (reader, writer) = std::io::pipe().unwrap();
    let mut list = std::process::Command::new(env!("CARGO_BIN_EXE_runmill"));
    list.args(["runs", "list"]).env_clear().env("RUNMILL_DATA_DIR", &data).stdout(writer);
    drop(reader);
    let listed = tokio::task::spawn_blocking(move || list.output().unwrap()).await.unwrap();
    assert_eq!((listed.status.code(), stderr(&listed).as_str()), (Some(0), ""));
}

#[tokio::test]
async fn a_command_that_waits_for_a_key_goes_on_with_that_of_another_terminal() {
    let money = Money::new().await;
    let revoked = ("OPENAI_API_KEY", "revoked-0123456789");
    let run = money.sandbox.run(&money.dataset, "echo", &["--wait-for-key"]);
    let waiting = run.env(revoked.0, revoked.1).start();
    waiting.line_with("the run waits for another key (the provider refuses the key").await;

    let same = money.sandbox.run(&money.dataset, "echo", &[]).env(revoked.0, "sk-0123456789");
    let output = same.output().await;
    assert!(stderr(&output).contains("the same command is running already"), "{}", stderr(&output));

    assert_eq!(waiting.ended().await, Some(0), "{}", waiting.log());
    assert!(waiting.log().contains("60/60"), "{}", waiting.log());
}

#[tokio::test]
async fn a_key_that_is_missing_is_told_by_its_variable() {
    let money = Money::new().await;
    let named = money.sandbox.run(&money.dataset, "echo", &["--api-key-env", "NO_SUCH"]).output().await;
    assert_eq!(named.status.code(), Some(2));
    assert!(stderr(&named).contains("--api-key-env NO_SUCH: the variable is not set"), "{}", stderr(&named));

    let none = money.runmill(&["run", &money.dataset, "--model", "gpt-4o-mini"], 2).await;
    let want = "OPENAI_API_KEY is not set; --api-key-env names another variable";
    assert!(stderr(&none).contains(want), "{}", stderr(&none));
    assert_eq!(money.calls(), 0);
}

#[tokio::test]
async fn a_key_that_an_earlier_command_stored_is_named_when_it_is_used() {
    let money = Money::new().await;
    let few = money.sandbox.write("few.jsonl", &questions(2));
    let with =
        money.sandbox.run(&few, "echo", &[]).env("OPENAI_API_KEY", "sk-0123456789abcdef").output().await;
    let without = money.sandbox.run(&few, "echo", &[]).output().await;

    let want = "OPENAI_API_KEY is not set: the key ";
    assert_eq!((with.status.code(), without.status.code()), (Some(0), Some(0)), "{}", stderr(&without));
    assert!(!stderr(&with).contains(want), "{}", stderr(&with));
    let said = stderr(&without);
    assert!(said.contains(want) && !said.contains("sk-0123456789abcdef"), "{said}");
}
