use std::{io, path::PathBuf};

/// Fault of one value of an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    #[error("tasks: name at least one task, such as `gsm8k|0`")]
    NoTask,
    #[error("tasks: at most {} are possible", crate::Tasks::TASKS_MAX)]
    TooManyTasks,
    #[error(
        "tasks: `{0}` is no task: letters, digits and `_-.:` with the number of examples behind `|`, such as `gsm8k|0`"
    )]
    NoTaskName(String),
    #[error(
        "custom_tasks: `{0}` is no name of a file: letters, digits, `_` and `-`, without a folder and without `.py`"
    )]
    NoFileName(String),
    #[error("custom_tasks: this machine has no folder of tasks; RUNMILL_LIGHTEVAL_TASKS names one")]
    NoTasksFolder,
    #[error("custom_tasks: the folder of tasks has no file {0}.py")]
    NoTasksFile(String),
    #[error("max_samples: must be a whole number from 1 to {}", crate::Tasks::SAMPLES_MAX)]
    MaxSamples,
}

/// Reason why there is no evaluation. Each text can be shown to users.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    #[error(transparent)]
    Order(#[from] OrderFault),
    #[error("LightEval cannot be started: {path}: {source}")]
    NotStarted { path: PathBuf, source: io::Error },
    #[error("the working directory of LightEval cannot be used: {0}")]
    Folder(#[source] io::Error),
    #[error("LightEval was stopped")]
    Stopped,
    #[error("LightEval ended with {status}: {}", last_words(.last_lines))]
    Failed { status: String, last_lines: Vec<String> },
    /// No sample has an answer.
    #[error("none of the {samples} samples has an answer, so there is no score: {reason}")]
    NoAnswer { samples: usize, reason: String },
    #[error("LightEval's results cannot be read: {0}")]
    Unreadable(String),
}

/// Returns the last line that is not blank: the text of Python's exception.
fn last_words(lines: &[String]) -> &str {
    lines.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or("it said nothing")
}
