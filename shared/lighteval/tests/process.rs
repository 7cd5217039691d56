//! Runs a program that stands for LightEval. The real one is run by `tests/clients`.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use runmill_lighteval::{Evaluation, EvaluationError, LogLine, Order, OrderFault, Program, Tasks};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

const KEY: &str = "rmt_0123456789abcdef";
const LONG: Duration = Duration::from_mins(1);

/// The program with an order in a folder of its own.
struct World {
    program: Program,
    order: Order,
    _folder: TempDir,
}

fn python() -> String {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let found = found.ok().filter(|found| found.status.success());
    let found = found.expect("these tests need python3: apt-get install python3");
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

impl World {
    fn new(task: &str) -> Self {
        let python = python();
        let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake");
        let folder = tempfile::tempdir().unwrap();
        let [bin, work, tasks, data] = ["bin", "work", "tasks", "data"].map(|name| folder.path().join(name));
        for folder in [&work, &tasks, &data.join("openai")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(tasks.join("ours.py"), "").unwrap();
        let installed = Command::new(python).arg(fake.join("install")).arg(&bin).output().unwrap();
        assert!(installed.status.success(), "{installed:?}");
        let program = Program { path: bin.join("lighteval"), tasks: Some(tasks), data: Some(data) };
        let order = Order {
            tasks: Tasks { tasks: vec![format!("{task}|0")], ..Tasks::default() },
            config: "model_parameters: {}\n".into(),
            key_variable: "OPENAI_API_KEY",
            key: KEY.into(),
            folder: work,
        };
        Self { program, order, _folder: folder }
    }

    async fn run(&self) -> Result<Evaluation, EvaluationError> {
        self.program.run(&self.order, |_| {}, &CancellationToken::new()).await
    }

    fn seen(&self) -> Value {
        serde_json::from_slice(&fs::read(self.order.folder.join("seen.json")).unwrap()).unwrap()
    }

    /// Returns the process that LightEval started.
    fn child(&self) -> PathBuf {
        let id = fs::read_to_string(self.order.folder.join("child")).unwrap();
        Path::new("/proc").join(id)
    }
}

/// Waits until a process is gone, or has ended and waits for its parent.
async fn is_gone(process: &Path) {
    let gone = async {
        while fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, gone).await.unwrap();
}

#[tokio::test]
async fn metrics_and_samples_are_read_and_the_log_is_told() {
    let mut world = World::new("good");
    world.order.tasks.custom_tasks = Some("ours".into());
    world.order.tasks.max_samples = Some(2);
    let mut lines = Vec::new();
    let line = |LogLine(line): &LogLine| lines.push(line.clone());

    let found = world.program.run(&world.order, line, &CancellationToken::new()).await.unwrap();

    assert_eq!(lines, ["loading"]);
    let metrics: Vec<_> =
        found.metrics.iter().map(|it| (it.task.as_str(), it.name.as_str(), it.value)).collect();
    assert_eq!(metrics, [("good|0", "em", 0.5)]);
    let samples: Vec<_> = found.samples.iter().map(|it| (it.id.as_str(), it.score())).collect();
    assert_eq!(samples, [("9", Some(("em", 0.0))), ("10", Some(("em", 1.0)))]);
    assert_eq!(found.samples[0].reference, ["4"]);
    assert_eq!((found.unanswered(), found.reason), (0, None));
}

#[tokio::test]
async fn the_key_is_in_the_environment_and_nowhere_else() {
    let world = World::new("good");
    world.run().await.unwrap();

    let seen = world.seen();
    assert_eq!(seen["environment"]["OPENAI_API_KEY"], KEY);
    assert!(!seen["arguments"].to_string().contains(KEY), "{seen}");
    assert_eq!(seen["mode"], "0o100600");
    let names: Vec<_> = seen["environment"].as_object().unwrap().keys().map(String::as_str).collect();
    let of_ours = names.iter().any(|name| name.starts_with("CARGO") || name.starts_with("RUNMILL"));
    assert!(!of_ours, "the environment of this process has secrets: {names:?}");
    assert!(world.order.folder.join("openai").is_dir(), "the local data sets are found by their names");
    for entry in fs::read_dir(&world.order.folder).unwrap() {
        let path = entry.unwrap().path();
        let text = if path.is_file() && !path.ends_with("seen.json") {
            fs::read(&path).unwrap()
        } else {
            Vec::new()
        };
        assert!(!String::from_utf8_lossy(&text).contains(KEY), "{}", path.display());
    }
}

#[tokio::test]
async fn a_server_that_is_dead_is_an_error_and_no_score() {
    let world = World::new("dead");
    let error = world.run().await.unwrap_err();

    assert!(matches!(error, EvaluationError::NoAnswer { samples: 2, .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "none of the 2 samples has an answer, so there is no score: Connection error."
    );
}

#[tokio::test]
async fn a_call_that_failed_is_no_wrong_answer() {
    let world = World::new("half");
    let found = world.run().await.unwrap();

    assert_eq!((found.unanswered(), found.reason.as_deref()), (1, Some("Connection error.")));
    let scores: Vec<_> = found.samples.iter().map(|it| it.score().map(|(_, value)| value)).collect();
    assert_eq!(scores, [None, Some(1.0)]);
}

#[tokio::test]
async fn a_program_that_fails_says_why() {
    let world = World::new("broken");
    let error = world.run().await.unwrap_err().to_string();
    assert_eq!(error, "LightEval ended with exit status: 1: ValueError: unknown task");
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let mut world = World::new("good");
    world.order.tasks.custom_tasks = Some("absent".into());
    let error = world.run().await.unwrap_err();
    assert!(matches!(error, EvaluationError::Order(OrderFault::NoTasksFile(_))), "{error:?}");

    world.order.tasks.custom_tasks = None;
    world.program.path = "/nonexistent/lighteval".into();
    let error = world.run().await.unwrap_err().to_string();
    assert!(error.starts_with("LightEval cannot be started: /nonexistent/lighteval: "), "{error}");
}

#[tokio::test]
async fn a_stop_ends_it_with_its_children() {
    let world = World::new("waits");
    let stop = CancellationToken::new();
    let stop_at = |LogLine(line): &LogLine| {
        if line == "waiting" {
            stop.cancel();
        }
    };

    let stopped = timeout(LONG, world.program.run(&world.order, stop_at, &stop)).await.unwrap();

    assert!(matches!(stopped, Err(EvaluationError::Stopped)), "{stopped:?}");
    is_gone(&world.child()).await;
}

#[tokio::test]
async fn a_drop_ends_it_with_its_children() {
    let world = World::new("waits");
    let (sender, mut lines) = mpsc::channel(100);
    let stop = CancellationToken::new();
    let running = world.program.run(&world.order, move |line| drop(sender.try_send(line.clone())), &stop);
    let waiting = async { while lines.recv().await.unwrap().0 != "waiting" {} };

    tokio::select! {
        ended = running => panic!("{ended:?}"),
        waited = timeout(LONG, waiting) => waited.unwrap(),
    }

    is_gone(&world.child()).await;
}

/// The death of a process closes its pipes, and no code of it runs.
#[tokio::test]
async fn the_death_of_the_caller_ends_it_with_its_children() {
    let (python, folder) = (python(), tempfile::tempdir().unwrap());
    let mut supervising = tokio::process::Command::new(python);
    supervising.args(["-c", include_str!("../src/supervise.py"), "sh", "-c"]);
    supervising.arg("sleep 600 & echo $! > child.partial; mv child.partial child; wait");
    supervising.current_dir(folder.path()).stdin(Stdio::piped()).process_group(0);
    let mut supervising = supervising.spawn().unwrap();
    let child = folder.path().join("child");
    let begun = async {
        while !child.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, begun).await.unwrap();
    let process = Path::new("/proc").join(fs::read_to_string(&child).unwrap().trim());
    assert!(process.exists());

    drop(supervising.stdin.take());

    timeout(LONG, supervising.wait()).await.unwrap().unwrap();
    is_gone(&process).await;
}
