//! Programs in answers, which the scorer `code` runs in sandboxes.

use std::thread::available_parallelism;

use runmill_proto::{Item, Score};
use runmill_sandbox::{Sandbox, Settings, Verdict, humaneval};
use serde_json::Value;
use tokio::sync::Semaphore;

/// Runs the programs of answers, one for each core at a time.
pub struct Programs {
    /// The sandbox, or why there is none.
    sandbox: Result<Sandbox, String>,
    places: Semaphore,
}

impl Programs {
    /// Returns what runs no program: nobody has allowed it.
    pub fn off() -> Self {
        Self::of(Err("the executor runs no programs: set RUNMILL_CODE_SCORER=true to allow it".to_owned()))
    }

    /// Looks for a sandbox on this machine. Without one, programs are not run, and their answers say why.
    pub async fn detect() -> Self {
        let sandbox = Sandbox::detect(Settings::default()).await.map_err(|error| error.to_string());
        match &sandbox {
            Ok(sandbox) => tracing::info!(event = "executor.runs_programs", tool = %sandbox.tool()),
            Err(reason) => tracing::error!(event = "executor.no_sandbox", reason),
        }
        Self::of(sandbox)
    }

    fn of(sandbox: Result<Sandbox, String>) -> Self {
        Self { sandbox, places: Semaphore::new(available_parallelism().map_or(1, Into::into)) }
    }

    /// Runs the program of an answer with the tests of its item, which `meta` has as `test` and `entry_point`.
    pub async fn score(&self, item: &Item, answer: &str) -> Score {
        let meta = |name| item.meta.as_ref().and_then(|meta| meta.get(name)).and_then(Value::as_str);
        let (Some(tests), Some(entry_point)) = (meta("test"), meta("entry_point")) else {
            return unscored("the item has no `meta.test` and `meta.entry_point`");
        };
        let sandbox = match &self.sandbox {
            Ok(sandbox) => sandbox,
            Err(reason) => return unscored(reason),
        };
        let Ok(_place) = self.places.acquire().await else { return unscored("the executor is ending") };
        let program = humaneval::program(&item.inputs.text, answer, tests, entry_point);
        match sandbox.run(&program).await {
            Verdict::Passed => score(Some(1.0), None),
            broken @ Verdict::Broken { .. } => unscored(&broken.to_string()),
            verdict => score(Some(0.0), Some(verdict.to_string())),
        }
    }
}

fn unscored(reason: &str) -> Score {
    score(None, Some(reason.to_owned()))
}

fn score(value: Option<f64>, detail: Option<String>) -> Score {
    Score { scorer: "code".to_owned(), version: 1, value, extracted: None, detail }
}
