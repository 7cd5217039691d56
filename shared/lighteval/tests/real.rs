//! Runs the real LightEval against a model server. `tests/clients/lighteval/run` installs it and sets the variables.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{env, fs, path::Path};

use runmill_lighteval::{Evaluation, EvaluationError, Order, Program, Tasks};
use tokio_util::sync::CancellationToken;

const KEY: &str = "sk-0123456789abcdef";

fn variable(name: &str) -> String {
    env::var_os(name)
        .and_then(|value| value.into_string().ok())
        .unwrap_or_else(|| panic!("{name} is not set; tests/clients/lighteval/run sets it"))
}

fn program() -> Program {
    Program {
        path: variable("RUNMILL_LIGHTEVAL").into(),
        tasks: Some(variable("LIGHTEVAL_TASKS").into()),
        data: Some(variable("LIGHTEVAL_DATA").into()),
    }
}

/// Evaluates a task with a model, in `folder`.
async fn evaluate(
    task: &str,
    model: &str,
    base_url: &str,
    folder: &Path,
) -> Result<Evaluation, EvaluationError> {
    let config = format!(
        "model_parameters:\n  model_name: 'openai/{model}'\n  provider: 'openai'\n  base_url: '{base_url}'\n  \
         concurrent_requests: 8\n  max_model_length: 10000000\n  api_max_retry: 1\n  timeout: 60.0\n  \
         cache_dir: 'lighteval-cache'\n"
    );
    let tasks = Tasks { tasks: vec![task.into()], custom_tasks: Some("our_tasks".into()), max_samples: None };
    let order =
        Order { tasks, config, key_variable: "OPENAI_API_KEY", key: KEY.into(), folder: folder.to_owned() };
    program().run(&order, |line| println!("{}", line.0), &CancellationToken::new()).await
}

/// Fails if a file below the folder has the key.
fn assert_no_key(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            assert_no_key(&entry.path());
        } else if entry.file_type().unwrap().is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let has_key = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            assert!(!has_key, "{} has the key", entry.path().display());
        }
    }
}

#[tokio::test]
#[ignore = "needs LightEval: tests/clients/lighteval/run"]
async fn each_task_has_the_planted_score() {
    for (task, model, metric) in [("repeat|0", "echo", "em"), ("gsm8k|0", "key", "extractive_match")] {
        let folder = tempfile::tempdir().unwrap();
        let found = evaluate(task, model, &variable("MODEL_URL"), folder.path()).await.unwrap();

        let total = found.metrics.iter().find(|it| it.task == task && it.name == metric).unwrap();
        assert!((total.value - 0.75).abs() < 1e-9, "{task}: {total:?}");
        assert_eq!((found.samples.len(), found.unanswered()), (20, 0), "{task}");
        let right: f64 = found.samples.iter().filter_map(|it| Some(it.score()?.1)).sum();
        assert!((right - 15.0).abs() < 1e-9, "{task}: {right}");
        assert!(found.samples.iter().all(|it| !it.question.is_empty() && it.reference.len() == 1));
        assert_no_key(folder.path());
    }
}

#[tokio::test]
#[ignore = "needs LightEval: tests/clients/lighteval/run"]
async fn a_dead_server_is_an_error_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let error = evaluate("repeat|0", "echo", "http://127.0.0.1:9/v1", folder.path()).await.unwrap_err();

    let EvaluationError::NoAnswer { samples: 20, reason } = error else { panic!("{error:?}") };
    assert!(reason.contains("Connection error"), "{reason}");
    assert_no_key(folder.path());
}
