use super::work::{MODEL, Work};
use crate::support::{
    Api, Process,
    Release::{self, Before, Now},
    Sandbox,
    data::questions,
    until,
};

const TOKEN: &str = "e2e-upgrade-0123456789";

/// Starts `runmill serve` of a release.
async fn serve(sandbox: &Sandbox, release: Release) -> (Process, Api) {
    let command = sandbox.command(release, &["serve"]).env("RUNMILL_LISTEN", "127.0.0.1:0");
    let process = command.env("RUNMILL_TOKENS", &format!("admin:{TOKEN}")).start();
    let said = process.line_with("runmill serves ").await;
    let url = said.split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap();
    let api = Api::new(url, TOKEN);
    (process, api)
}

async fn stop(process: &Process, signal: &str, code: i32) {
    process.signal(signal);
    assert_eq!(process.ended().await, Some(code), "{}", process.log());
}

#[tokio::test]
#[ignore = "it needs the release before: run `make upgrade`"]
async fn a_run_survives_the_upgrade_of_a_server_in_one_process() {
    let sandbox = Sandbox::new().await;
    let (mut process, mut api) = serve(&sandbox, Before).await;
    let work = Work::start(&api, &sandbox.gateway, 2_000).await;

    for release in [Now, Before] {
        work.goes_on(&api).await;
        stop(&process, "TERM", 0).await;
        (process, api) = serve(&sandbox, release).await;
    }
    work.goes_on(&api).await;
    work.assert_complete(&api, &sandbox.gateway).await;
    stop(&process, "TERM", 0).await;
    (process, api) = serve(&sandbox, Now).await;

    work.assert_results(&api).await;
    stop(&process, "TERM", 0).await;
}

#[tokio::test]
#[ignore = "it needs the release before: run `make upgrade`"]
async fn the_same_command_of_either_release_resumes_a_run() {
    const ITEMS: u64 = 400;
    let sandbox = Sandbox::new().await;
    let dataset = sandbox.write("items.jsonl", &questions(400));
    let out = sandbox.path("results.jsonl");
    let more = ["--concurrency", "16", "--out", &out.display().to_string()];
    let command = |release| sandbox.run_of(release, &dataset, MODEL, &more);

    for (release, calls) in [(Before, ITEMS / 4), (Now, ITEMS / 2), (Before, 3 * ITEMS / 4)] {
        let process = command(release).start();
        until("the calls", async || sandbox.gateway.stats().all.calls >= calls).await;
        stop(&process, "INT", 130).await;
        assert!(process.log().contains("the same command resumes the run"), "{}", process.log());
    }
    let output = command(Now).output().await;

    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("resuming "), "{said}");
    let results = std::fs::read_to_string(&out).unwrap();
    assert_eq!(results.lines().count() as u64, ITEMS);
    let answered = sandbox.gateway.calls(0, usize::MAX).iter().filter(|call| call.status == 200).count();
    assert_eq!(answered as u64, ITEMS);
}
