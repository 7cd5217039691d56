//! The live page of `runmill top`, in a terminal.

use std::num::NonZeroU16;

use runmill_proto::{ProviderId, RunId};
use runmill_testkit::Terminal;
use serde_json::json;

use crate::support::{Api, Process, Sandbox, data::questions, within};

/// Slow enough for the run to be there for the whole test.
const MODEL: &str = "lorem+ttft=500ms";
const TOKEN: &str = "e2e-top-0123456789";
const ROWS: NonZeroU16 = NonZeroU16::new(40).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(160).unwrap();

/// A server in one process, with a run on it.
struct Serving {
    sandbox: Sandbox,
    server: Process,
    url: String,
    run: RunId,
}

impl Serving {
    async fn start() -> Self {
        let sandbox = Sandbox::new().await;
        let server = serve(&sandbox, "127.0.0.1:0");
        let said = server.line_with("runmill serves ").await;
        let address = said.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap();
        let api = Api::new(address, TOKEN);
        let provider: ProviderId = api
            .create_provider(json!({
                "name": "ours", "base_url": sandbox.gateway.base_url(), "rate_limit": {"concurrency": 4},
            }))
            .await;
        let dataset = api.dataset(questions(1_000)).await;
        let run = api.start_run(provider, MODEL, dataset).await;
        Self { sandbox, server, url: api.base_url, run }
    }

    /// Starts `runmill top` in a terminal.
    fn top(&self) -> (Terminal, Process) {
        let terminal = Terminal::open(ROWS, COLUMNS).unwrap();
        let command = self.sandbox.runmill(&["top", "--server", &self.url]).env("RUNMILL_TOKEN", TOKEN);
        let process = command.on(&terminal).start();
        (terminal, process)
    }
}

fn serve(sandbox: &Sandbox, listen: &str) -> Process {
    let serve = sandbox.runmill(&["serve"]).env("RUNMILL_LISTEN", listen);
    serve.env("RUNMILL_TOKENS", &format!("admin:{TOKEN}")).start()
}

async fn shown(terminal: &Terminal, words: &[&str]) -> String {
    let wait = terminal.shows(|text| words.iter().all(|word| text.contains(word)));
    let what = format!("{words:?} on the screen");
    within(&what, wait).await
}

async fn assert_restored(terminal: &Terminal) {
    within("the screen of before", terminal.is_back()).await;
    assert!(terminal.is_for_lines().unwrap(), "the terminal is still in raw mode");
}

#[tokio::test]
async fn it_shows_lanes_executors_and_runs_until_q() {
    let serving = Serving::start().await;
    let (terminal, top) = serving.top();

    let run = serving.run.to_string();
    shown(&terminal, &["lanes (1)", "ours", "executors (1)", "runs (1)", &run, "/1000"]).await;
    assert!(!terminal.is_for_lines().unwrap());
    let settled = |text: &str| text.lines().find(|line| line.contains(&run)).map(str::to_owned);
    let first = settled(&terminal.text());
    within("progress on the screen", terminal.shows(|text| settled(text) != first)).await;

    terminal.enter("q").unwrap();
    assert_eq!(top.ended().await, Some(0));
    assert_restored(&terminal).await;
}

#[tokio::test]
async fn it_survives_a_server_that_is_away_and_ends_on_control_c_and_signals() {
    let mut serving = Serving::start().await;
    let (terminal, top) = serving.top();
    shown(&terminal, &["runs (1)"]).await;

    serving.server.signal("KILL");
    assert_eq!(serving.server.ended().await, None);
    shown(&terminal, &["could not reach runmill", "trying again", "runs (1)"]).await;
    serving.server = serve(&serving.sandbox, serving.url.trim_start_matches("http://"));
    within("the server's return", terminal.shows(|text| text.contains("active runs: 1"))).await;
    // In raw mode this is a key.
    terminal.enter("\u{3}").unwrap();
    assert_eq!(top.ended().await, Some(0));
    assert_restored(&terminal).await;

    let (terminal, top) = serving.top();
    shown(&terminal, &["runs (1)"]).await;
    top.signal("TERM");
    assert_eq!(top.ended().await, Some(130));
    assert_restored(&terminal).await;
}

#[tokio::test]
async fn without_a_terminal_it_says_what_else_tells_the_same() {
    let sandbox = Sandbox::new().await;
    let output = sandbox.runmill(&["top"]).output().await;

    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("top needs a terminal") && said.contains("runmill runs list"), "{said}");
}
