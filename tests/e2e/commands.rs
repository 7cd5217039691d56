//! Commands that use a server.

use runmill_proto::{
    RunId, RunStatus,
    api::{Run, Token},
};

use crate::support::{Command, Process, Sandbox, data::questions, until};

const TOKEN: &str = "e2e-commands-0123456789";

/// A standalone server, with commands that use its address.
struct Server {
    sandbox: Sandbox,
    process: Process,
    url: String,
}

impl Server {
    async fn start() -> Self {
        let sandbox = Sandbox::new().await;
        let serve = sandbox.runmill(&["serve"]).env("RUNMILL_LISTEN", "127.0.0.1:0");
        let process = serve.env("RUNMILL_TOKENS", &format!("admin:{TOKEN}")).start();
        let said = process.line_with("runmill serves ").await;
        let url = said.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
        Self { sandbox, process, url }
    }

    fn runs(&self, args: &[&str]) -> Command {
        Command::runmill(&[&["runs", "--server", &self.url], args].concat()).env("RUNMILL_TOKEN", TOKEN)
    }

    fn command(&self, args: &[&str], token: &str) -> Command {
        Command::runmill(args).env("RUNMILL_SERVER", &self.url).env("RUNMILL_TOKEN", token)
    }

    fn submit(&self, items: usize, model: &str) -> Command {
        let dataset = self.sandbox.write(&format!("{items}.jsonl"), &questions(items));
        self.sandbox.run(&dataset, model, &["--server", &self.url, "--json"]).env("RUNMILL_TOKEN", TOKEN)
    }
}

/// Runs the command, which must end with `code`. Returns its standard output.
async fn printed(command: Command, code: i32) -> String {
    let output = command.output().await;
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_base_url_with_a_secret_is_refused_before_anything_is_sent() {
    let sandbox = Sandbox::new().await;
    let items = sandbox.write("items.jsonl", &questions(1));
    let table = [
        ("https://me:hunter2hunter2@127.0.0.1/v1", "no user name or password"),
        ("https://127.0.0.1/v1#key=hunter2hunter2", "no `#`"),
    ];
    for (base_url, want) in table {
        let args = ["run", &items, "--model", "m", "--base-url", base_url];

        let output = sandbox.runmill(&args).output().await;

        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(want), "{said}");
        assert!(!said.contains("hunter2") && !sandbox.path("data").exists(), "{said}");
    }
}

#[tokio::test]
async fn runs_of_a_server_are_listed_shown_and_watched() {
    let server = Server::start().await;
    let run: Run = serde_json::from_str(&printed(server.submit(30, "lorem"), 0).await).unwrap();
    let id = run.id.to_string();

    let listed: Vec<Run> = serde_json::from_str(&printed(server.runs(&["list", "--json"]), 0).await).unwrap();
    assert_eq!(listed, std::slice::from_ref(&run));
    let shown: Run = serde_json::from_str(&printed(server.runs(&["show", &id, "--json"]), 0).await).unwrap();
    assert_eq!(shown, run);
    let watched = printed(server.runs(&["watch", &id]), 0).await;
    assert_eq!(watched.lines().filter(|line| line.starts_with("item ")).count(), 30, "{watched}");
    assert!(watched.ends_with("end       completed\n"), "{watched}");
    for (args, want) in [(["list", "--limit=5"], "30/30"), (["show", &id], "30 of 30 settled")] {
        let table = printed(server.runs(&args), 0).await;
        assert!(table.contains(&id) && table.contains(want), "{table}");
    }

    server.process.signal("TERM");
    assert_eq!(server.process.ended().await, Some(0), "{}", server.process.log());
}

#[tokio::test]
async fn a_run_that_another_command_cancels_ends_with_code_1() {
    let server = Server::start().await;
    let waiting = server.submit(5, "lorem+hang").start();
    let said = waiting.line_with(": 5 items").await;
    let id: RunId = said.split_once(": 5 items").unwrap().0.parse().unwrap();
    until("the calls", async || server.sandbox.gateway.stats().all.in_flight == 5).await;

    let canceled: Run =
        serde_json::from_str(&printed(server.runs(&["cancel", &id.to_string(), "--json"]), 0).await).unwrap();

    assert!(canceled.cancel_requested_at.is_some());
    assert_eq!(waiting.ended().await, Some(1), "{}", waiting.log());
    let ended: Run =
        serde_json::from_str(&printed(server.runs(&["show", &id.to_string(), "--json"]), 0).await).unwrap();
    assert_eq!((ended.status, ended.counters.canceled), (RunStatus::Canceled, 5));
}

#[tokio::test]
async fn a_run_whose_only_key_is_refused_ends_its_command_and_goes_on_with_a_good_key() {
    let server = Server::start().await;
    let submitted = server.submit(5, "lorem").env("OPENAI_API_KEY", "revoked-0123456789");

    let paused: Run = serde_json::from_str(&printed(submitted, 1).await).unwrap();
    let reason = paused.pause_reason.unwrap_or_default();
    assert!(reason.contains("refuses the key") && paused.resume_at.is_none(), "{reason}");
    // Gives the provider a good key that has the same mask as the bad one. That resumes the runs that wait for a key.
    let base_url = server.sandbox.gateway.base_url();
    let args = ["smoke-test", "--server", &server.url, "--base-url", &base_url, "--model", "echo"];
    let test = Command::runmill(&args).env("RUNMILL_TOKEN", TOKEN).env("OPENAI_API_KEY", "sk-0123456789");
    printed(test, 0).await;

    let id = paused.id.to_string();
    until("the end of the run", async || {
        let shown = printed(server.runs(&["show", &id, "--json"]), 0).await;
        serde_json::from_str::<Run>(&shown).unwrap().counters.succeeded == 5
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_command_says_that_its_run_goes_on_and_how_to_end_it() {
    let server = Server::start().await;
    let waiting = server.submit(5, "lorem+hang").start();
    let said = waiting.line_with(": 5 items").await;
    let (id, _) = said.split_once(": 5 items").unwrap();

    waiting.signal("INT");

    assert_eq!(waiting.ended().await, Some(130), "{}", waiting.log());
    waiting.line_with("the run goes on at the server, and its calls cost money").await;
    for action in ["watch", "cancel"] {
        waiting.line_with(&format!("`runmill runs {action} {id} --server {}`", server.url)).await;
    }
    printed(server.runs(&["cancel", id]), 0).await;
}

#[tokio::test]
async fn a_server_that_goes_away_is_told_once_and_an_interrupt_ends_the_command() {
    let server = Server::start().await;
    let dataset = server.sandbox.write("items.jsonl", &questions(5));
    let out = server.sandbox.path("out.jsonl").display().to_string();
    let run = server.sandbox.run(&dataset, "lorem+hang", &["--server", &server.url, "--out", &out]);
    let waiting = run.env("RUNMILL_TOKEN", TOKEN).start();
    waiting.line_with(": 5 items").await;

    server.process.signal("KILL");
    waiting.line_with(&format!("could not reach runmill at {}: ", server.url)).await;
    waiting.signal("INT");

    assert_eq!(waiting.ended().await, Some(130), "{}", waiting.log());
    let log = waiting.log();
    assert_eq!(log.matches("; trying again for ").count(), 1, "{log}");
    assert!(!log.contains("the results so far"), "{log}");
}

#[tokio::test]
async fn a_wrong_token_and_an_address_without_a_scheme_are_usage_errors() {
    let server = Server::start().await;
    for (url, want) in [(server.url.as_str(), "RUNMILL_TOKEN"), ("127.0.0.1:1", "must begin with http://")] {
        let command = Command::runmill(&["runs", "list", "--server", url]);
        let output = command.env("RUNMILL_TOKEN", "another-0123456789").output().await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(want), "{:?}: {said}", output.status);
    }
}

#[tokio::test]
async fn a_token_is_created_used_and_revoked() {
    let server = Server::start().await;
    let as_admin = |args: &[&str]| server.command(args, TOKEN);
    let created = as_admin(&["tokens", "create", "ci", "--role", "submit", "--days", "1"]).output().await;
    assert_eq!(created.status.code(), Some(0), "{}", String::from_utf8_lossy(&created.stderr));
    let token = String::from_utf8(created.stdout).unwrap();
    let token = token.trim();
    assert!(token.starts_with("rmt_") && token.len() == 80, "only the token is on standard output: {token}");
    printed(server.command(&["runs", "list"], token), 0).await;
    let dataset = server.sandbox.write("one.jsonl", &questions(1));
    let base_url = server.sandbox.gateway.base_url();
    let run = ["run", &dataset, "--model", "echo", "--base-url", &base_url];
    let refused = server.command(&run, token).env("OPENAI_API_KEY", "sk-0123456789").output().await;
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--provider names one that is there"), "{said}");

    let listed = printed(as_admin(&["tokens", "list", "--json"]), 0).await;
    assert!(!listed.contains(&token[16..]), "{listed}");
    let listed: Vec<Token> = serde_json::from_str(&listed).unwrap();
    let [row] = listed.as_slice() else { panic!("{listed:?}") };
    assert!(token.starts_with(&row.prefix) && row.last_used_at.is_some(), "{row:?}");
    let id = row.id.to_string();
    let limited = printed(as_admin(&["tokens", "set", &id, "--budget", "5calls", "--json"]), 0).await;
    assert_eq!(serde_json::from_str::<Token>(&limited).unwrap().budget.unwrap().calls, Some(5));
    let revoked = printed(as_admin(&["tokens", "revoke", &id]), 0).await;
    assert!(revoked.contains("revoked"), "{revoked}");

    let refused = server.command(&["runs", "list"], token).output().await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("was revoked"));
    let log = printed(as_admin(&["audit"]), 0).await;
    for action in ["token.create", "token.change", "token.revoke"] {
        assert!(log.contains(action) && !log.contains(token), "{log}");
    }
}
