//! Runs that a program which stands for LightEval executes: started by an executor, and calling the model through the front
//! door.

use std::{fs, path::Path, process::Command};

use reqwest::Method;
use runmill_proto::{
    Outcome, RunId, RunKind, RunStatus,
    api::{Run, RunEvent, RunLog},
};
use runmill_testkit::{DeadPort, free_port};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Api, Cluster, Plan, Process, sse::Events, until, within};

/// A cluster whose executors have LightEval.
struct Lab {
    cluster: Cluster,
    _folder: TempDir,
}

impl Lab {
    async fn new(executors: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (bin, data) = (folder.path().join("bin"), folder.path().join("data"));
        fs::create_dir_all(data.join("state")).unwrap();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/lighteval/tests/fake/install");
        let installed = Command::new(fake).arg(&bin).output().unwrap();
        assert!(installed.status.success(), "{installed:?}");
        let address = format!("127.0.0.1:{}", free_port());
        let settings = vec![
            ("RUNMILL_LISTEN", address.clone()),
            ("RUNMILL_PUBLIC_URL", format!("http://{address}")),
            ("RUNMILL_LIGHTEVAL", bin.join("lighteval").display().to_string()),
            ("RUNMILL_LIGHTEVAL_DATA", data.display().to_string()),
            ("RUN_RETRY_POLL_INTERVAL_SECONDS", "0.5".to_owned()),
        ];
        let cluster = Cluster::planned(Plan { executors, settings, ..Plan::default() }).await;
        Self { cluster, _folder: folder }
    }

    fn api(&self) -> &Api {
        &self.cluster.api
    }

    async fn submit_at(&self, base_url: &str, task: &str) -> RunId {
        let provider = self.api().provider(base_url, 4).await;
        let config = json!({"use_lighteval_executor": true, "lighteval": {"tasks": [format!("{task}|0")]},
            "retry": {"max_retries": 0}});
        let body = json!({"provider_id": provider, "model": "echo", "config": config});
        let (status, run) = self.api().post("/runs", &body).await;
        assert_eq!(status, 201, "{run}");
        serde_json::from_value::<Run>(run).unwrap().id
    }

    async fn submit(&self, task: &str) -> RunId {
        self.submit_at(&self.cluster.gateway.base_url(), task).await
    }

    /// Waits for a line of LightEval's log that begins with `text`. Returns the rest of it.
    async fn line(&self, run: RunId, text: &str) -> String {
        within(text, async {
            let request = self.api().request(Method::GET, &format!("/runs/{run}/events"));
            let mut events = Events::open(request.header("last-event-id", "0")).await;
            loop {
                let event = events.next().await.expect("the line is told");
                if let RunEvent::RunLog(RunLog { line: Some(line), .. }) = event
                    && let Some(rest) = line.strip_prefix(text)
                {
                    return rest.to_owned();
                }
            }
        })
        .await
    }

    /// Waits until the program waits. Returns the process of its child.
    async fn waiting(&self, run: RunId) -> String {
        let place = self.line(run, "child ").await;
        place.split_once(" in ").unwrap().0.to_owned()
    }

    /// Returns the executor that runs LightEval.
    async fn busy(&self) -> &Process {
        let is_busy = |process: &&Process| process.log().contains("lighteval.began");
        until("an executor with LightEval", async || self.cluster.executors.iter().any(|it| is_busy(&it)))
            .await;
        self.cluster.executors.iter().find(is_busy).unwrap()
    }

    /// Checks that no token is in the log of a process. A user's token of this test has another form.
    fn assert_no_token(&self) {
        for process in self.cluster.processes() {
            let log = process.log();
            let tokens = log.match_indices("rmt_").filter(|(at, _)| log[*at..].len() > 60);
            assert_eq!(tokens.count(), 0, "{log}");
        }
    }
}

/// Waits until a process is gone, or has ended and waits for its parent.
async fn is_gone(process: &str) {
    let stat = Path::new("/proc").join(process).join("stat");
    until("the end of the process", async || {
        fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z"))
    })
    .await;
}

#[tokio::test]
async fn a_run_of_lighteval_is_like_any_other_with_its_metrics() {
    let lab = Lab::new(1).await;
    let run = lab.submit("asks").await;

    let run = lab.api().ended(run).await;

    assert_eq!((run.kind, run.status), (RunKind::Lighteval, RunStatus::Completed), "{run:?}");
    let lighteval = run.lighteval.clone().unwrap();
    let metrics: Vec<_> = lighteval.metrics.iter().map(|it| (it.task.as_str(), it.value)).collect();
    assert_eq!((metrics, lighteval.unanswered), (vec![("asks|0", 0.5)], 0));
    let results = lab.api().results(run.id).await;
    let items: Vec<_> = results.iter().map(|it| (it.item_id.as_str(), it.outcome)).collect();
    assert_eq!(items, [("asks|0:9", Outcome::Succeeded), ("asks|0:10", Outcome::Succeeded)]);
    assert!(results.iter().all(|it| it.response.is_some() && it.score.is_some()), "{results:?}");
    assert_eq!((run.counters.total, run.counters.settled, run.score.scored), (2, 2, 2));
    // The calls went through the front door, and may be recorded after the end.
    until("the calls", async || lab.api().run(run.id).await.counters.calls == 2).await;
    let path = format!("/datasets/{}/items", run.dataset_id);
    let items = lab.api().get(&path).await;
    assert_eq!(items["items"][0]["id"], "asks|0:9", "{items}");
    assert_eq!(lab.line(run.id, "load").await, "ing");
    lab.assert_no_token();
    lab.cluster.stop().await;
}

#[tokio::test]
async fn when_the_executor_dies_another_begins_the_run_anew() {
    let lab = Lab::new(2).await;
    let run = lab.submit("waits-once").await;
    let child = lab.waiting(run).await;

    lab.busy().await.signal("KILL");

    is_gone(&child).await;
    let run = lab.api().ended(run).await;
    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, 2), "{run:?}");
    assert!(run.lighteval.is_some());
}

#[tokio::test]
async fn a_canceled_run_kills_lighteval() {
    let lab = Lab::new(1).await;
    let run = lab.submit("waits").await;
    let child = lab.waiting(run).await;

    let canceled = lab.api().change(Method::POST, &format!("/runs/{run}/cancel"), &Value::Null).await;

    assert_eq!(canceled["status"], "canceled");
    is_gone(&child).await;
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_drained_executor_gives_the_run_to_another() {
    let lab = Lab::new(2).await;
    let run = lab.submit("waits-once").await;
    let child = lab.waiting(run).await;

    lab.busy().await.signal("TERM");

    is_gone(&child).await;
    let run = lab.api().ended(run).await;
    assert_eq!((run.status, run.counters.succeeded), (RunStatus::Completed, 2), "{run:?}");
    lab.cluster.stop().await;
}

#[tokio::test]
async fn a_dead_provider_fails_the_run_and_gives_no_score() {
    let lab = Lab::new(1).await;
    let dead = DeadPort::take();
    let run = lab.submit_at(&format!("http://{}/v1", dead.address()), "asks").await;

    let run = lab.api().ended(run).await;

    let reason = run.lighteval.clone().unwrap().reason.unwrap();
    assert_eq!(run.status, RunStatus::Failed, "{reason}");
    assert!(reason.starts_with("none of the 2 samples has an answer"), "{reason}");
    assert_eq!((run.score.mean, run.score.scored), (None, 0));
    lab.cluster.stop().await;
}
