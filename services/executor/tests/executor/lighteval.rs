//! Runs a program that stands for LightEval, for runs of the store. These tests are the log-sink.

use std::{fs, path::Path, time::Duration};

use jiff::Timestamp;
use runmill_lighteval::Program;
use runmill_proto::{
    DatasetId, Role, RunId, RunKind, RunStatus, Tenant, TokenId,
    message::{Evaluation, EvaluationPart},
};
use runmill_runtime::Shutdown;
use runmill_store::{
    EvaluationClaims, Evaluations, LogWriter, NewEvaluation, RunReader, RunWriter, TokenRow, Transition,
    testing::run_of,
};
use runmill_vault::Owner;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{watched::Seen, world::World};

const KEY: &str = "rmt_0123456789abcdef0123456789abcdef";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const LONG: Duration = Duration::from_mins(5);

/// A world whose executor has LightEval, with a run for it.
struct Lab {
    world: World,
    run_id: RunId,
    _program: TempDir,
}

impl Lab {
    async fn new(task: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/lighteval/tests/fake/install");
        let installed = std::process::Command::new(fake).arg(folder.path()).output().unwrap();
        assert!(installed.status.success(), "{installed:?}");
        let mut world = World::new().await;
        let path = folder.path().canonicalize().unwrap().join("lighteval");
        world.lighteval = Some(Program { path, tasks: None, data: None });
        let run_id = submit(&world, task, KEY).await;
        world.start();
        Self { world, run_id, _program: folder }
    }

    /// Returns the next part of the evaluation, and records it.
    async fn next(&mut self) -> EvaluationPart {
        let Seen::Published(log) = self.world.next().await else { panic!("no log") };
        let evaluation: Evaluation = log.decode().unwrap();
        assert_eq!((evaluation.run_id, evaluation.attempt), (self.run_id, 1));
        let written = self.world.store.write_evaluation(&evaluation, NOW).await.unwrap();
        assert_eq!((written.redelivered, written.orphaned), (0, 0), "{evaluation:?}");
        evaluation.part
    }

    /// Returns the parts up to the last one, with the lines of the log.
    async fn parts(&mut self) -> (Vec<String>, Vec<EvaluationPart>) {
        let (mut told, mut parts) = (Vec::new(), Vec::new());
        loop {
            match self.next().await {
                EvaluationPart::Lines { lines, .. } => told.extend(lines),
                part => {
                    let is_last = !matches!(part, EvaluationPart::Samples { .. });
                    parts.push(part);
                    if is_last {
                        return (told, parts);
                    }
                }
            }
        }
    }

    /// Waits until the program waits. Returns its child and its working directory.
    async fn waiting(&mut self) -> (String, String) {
        let mut told: Vec<String> = Vec::new();
        while told.last().is_none_or(|line| line != "waiting") {
            match self.next().await {
                EvaluationPart::Lines { lines, .. } => told.extend(lines),
                other => panic!("{other:?}"),
            }
        }
        let place = told.iter().find_map(|line| line.strip_prefix("child ")).unwrap();
        let (child, folder) = place.split_once(" in ").unwrap();
        (child.to_owned(), folder.to_owned())
    }

    async fn failure(&mut self) -> (Vec<String>, String) {
        let (told, parts) = self.parts().await;
        let [EvaluationPart::Failed { reason }] = parts.as_slice() else { panic!("{parts:?}") };
        (told, reason.clone())
    }

    async fn end(self) {
        self.world.life.stop.cancel();
        let (ended, seen) = self.world.end().await;
        assert_eq!((ended, seen), (Shutdown::OnRequest, vec![]));
    }
}

async fn submit(world: &World, task: &str, key: &str) -> RunId {
    let id = RunId::from_uuid(Uuid::now_v7());
    let mut row = run_of(id, world.provider_id, DatasetId::from_uuid(id.uuid()), 0);
    row.submission.kind = RunKind::Lighteval;
    let token = TokenRow {
        id: TokenId::from_uuid(Uuid::now_v7()),
        name: id.to_string(),
        prefix: id.to_string(),
        hash: vec![0; 32],
        role: Role::Submit,
        tenant: Some(Tenant::default()),
        providers: None,
        budget: None,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        run_id: Some(id),
    };
    let sealer = world.keyring.sealer();
    let new = NewEvaluation {
        tasks: json!({"tasks": [format!("{task}|0")]}),
        config: "model_parameters: {}\n".into(),
        sealed: sealer.seal(Owner::evaluation(id.uuid()), &SecretString::from(key)),
        token,
    };
    world.store.create_evaluation(&row, &new).await.unwrap();
    id
}

/// Waits until a process is gone, or has ended and waits for its parent.
async fn is_gone(process: &str) {
    let stat = Path::new("/proc").join(process).join("stat");
    let gone = async {
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z")) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    // A canceled run has to be at an end within two seconds. A busy machine gets some more.
    timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn a_run_gets_its_samples_and_metrics_and_ends() {
    let mut lab = Lab::new("half").await;

    let (told, parts) = lab.parts().await;

    assert_eq!(told[0], "loading");
    let [EvaluationPart::Samples { total: 2, first: 0, samples }, EvaluationPart::Completed { outcome, .. }] =
        parts.as_slice()
    else {
        panic!("{parts:?}")
    };
    let answers: Vec<_> = samples.iter().map(|it| (it.response.as_deref(), it.score.is_some())).collect();
    assert_eq!(answers, [(None, false), (Some("4"), true)]);
    assert_eq!((outcome.samples, outcome.unanswered), (2, 1));
    assert_eq!(outcome.reason.as_deref(), Some("Connection error."));
    let row = lab.world.store.run(lab.run_id).await.unwrap();
    assert_eq!((row.status, row.stats.scores.count()), (RunStatus::Completed, 1));
    lab.end().await;
}

#[tokio::test]
async fn a_dead_server_fails_the_run_and_is_no_score() {
    let mut lab = Lab::new("dead").await;
    let (_, reason) = lab.failure().await;
    assert_eq!(reason, "none of the 2 samples has an answer, so there is no score: Connection error.");
    let row = lab.world.store.run(lab.run_id).await.unwrap();
    assert_eq!((row.status, row.stats.scores.count()), (RunStatus::Failed, 0));
    lab.end().await;
}

#[tokio::test]
async fn what_lighteval_prints_of_its_key_goes_nowhere() {
    let mut lab = Lab::new("leaks").await;
    let (told, reason) = lab.failure().await;
    assert!(told.iter().any(|line| line == "key [token]"), "{told:?}");
    assert!(reason.ends_with("ValueError: the key is [token]"), "{reason}");
    lab.end().await;
}

#[tokio::test]
async fn the_key_is_in_no_file_and_no_argument() {
    let mut lab = Lab::new("waits").await;
    let (child, folder) = lab.waiting().await;

    let parent = |process: &str| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().to_owned()
    };
    let program = parent(&child);
    for process in [&child, &program, &parent(&program)] {
        let arguments = fs::read(format!("/proc/{process}/cmdline")).unwrap();
        assert!(!String::from_utf8_lossy(&arguments).contains(KEY));
    }
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(names.iter().any(|path| path.ends_with("config.yaml")), "{names:?}");
    // The fake writes its environment there, which the real one does not.
    for path in names.iter().filter(|path| path.is_file() && !path.ends_with("seen.json")) {
        assert!(!fs::read_to_string(path).unwrap().contains(KEY), "{}", path.display());
    }
    lab.world.life.stop.cancel();
    is_gone(&child).await;
    lab.end().await;
    assert!(!Path::new(&folder).exists(), "the working directory goes with the run");
}

#[tokio::test]
async fn a_canceled_run_is_killed() {
    let mut lab = Lab::new("waits").await;
    let (child, _) = lab.waiting().await;

    lab.world.store.transition(lab.run_id, Transition::Cancel, NOW).await.unwrap();

    is_gone(&child).await;
    lab.end().await;
}

#[tokio::test]
async fn a_drain_gives_the_run_to_another_executor_at_once() {
    let mut lab = Lab::new("waits").await;
    let (child, _) = lab.waiting().await;

    lab.world.life.stop.cancel();
    is_gone(&child).await;
    let (store, run_id) = (lab.world.store.clone(), lab.run_id);
    lab.end().await;

    let claimed = store.claim_evaluation("other", LONG, NOW).await.unwrap().unwrap();
    assert_eq!((claimed.run_id, claimed.attempt), (run_id, 2));
    assert_eq!(store.end_dead_evaluations(Timestamp::MAX).await.unwrap(), [], "nobody died");
}

#[tokio::test]
async fn after_a_run_comes_the_next() {
    let mut lab = Lab::new("waits").await;
    lab.waiting().await;
    let next = submit(&lab.world, "good", KEY).await;

    lab.world.store.transition(lab.run_id, Transition::Cancel, NOW).await.unwrap();
    lab.run_id = next;

    let (_, parts) = lab.parts().await;
    assert!(matches!(parts.last(), Some(EvaluationPart::Completed { .. })), "{parts:?}");
    lab.end().await;
}
