use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::OrderFault;

/// Tasks of an evaluation, as a run's configuration has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    /// Names of tasks, each with its number of examples behind `|`, such as `gsm8k|0`.
    pub tasks: Vec<String>,
    /// Name of a file in the machine's folder of tasks, without `.py`. Such a file is a program, so users cannot send one.
    #[serde(default)]
    pub custom_tasks: Option<String>,
    /// Largest number of samples of each task. Default: all.
    #[serde(default)]
    pub max_samples: Option<u32>,
}

/// Everything that one evaluation needs.
pub struct Order {
    pub tasks: Tasks,
    /// Configuration of the model, in LightEval's form. It has no key, because LightEval copies a key into its results.
    pub config: String,
    /// Environment variable from which LightEval reads its key.
    pub key_variable: &'static str,
    pub key: SecretString,
    /// Working directory, which exists and is empty.
    pub folder: PathBuf,
}

impl Tasks {
    pub(crate) const TASKS_MAX: usize = 100;
    /// Largest number of samples of a task.
    pub const SAMPLES_MAX: u32 = 1_000_000;

    /// Returns the first fault. Without one, none of the values can be read as an option or a path by LightEval.
    pub fn check(&self) -> Result<(), OrderFault> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// Returns the fault of each value that has one.
    pub fn faults(&self) -> Vec<OrderFault> {
        let tasks = match self.tasks.len() {
            0 => Some(OrderFault::NoTask),
            1..=Self::TASKS_MAX => {
                let wrong = self.tasks.iter().find(|task| !is_task(task));
                wrong.map(|task| OrderFault::NoTaskName(shown(task)))
            }
            _ => Some(OrderFault::TooManyTasks),
        };
        let wrong_file = self.custom_tasks.as_ref().filter(|name| !is_name(name, "_-"));
        let custom_tasks = wrong_file.map(|name| OrderFault::NoFileName(shown(name)));
        let is_too_many = |count: u32| !(1..=Self::SAMPLES_MAX).contains(&count);
        let max_samples = self.max_samples.is_some_and(is_too_many).then_some(OrderFault::MaxSamples);
        tasks.into_iter().chain(custom_tasks).chain(max_samples).collect()
    }
}

fn is_task(text: &str) -> bool {
    let mut parts = text.split('|');
    let is_named = parts.next().is_some_and(|name| is_name(name, "_-.:"));
    is_named
        && parts.all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

fn is_name(text: &str, others: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    begins && text.len() <= 200 && text.chars().all(|it| it.is_ascii_alphanumeric() || others.contains(it))
}

/// Returns the beginning of a wrong value, for its fault.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_tasks() {
        let check = |task: &str| Tasks { tasks: vec![task.into()], ..Tasks::default() }.check();
        for good in ["gsm8k", "gsm8k|0", "mmlu:abstract_algebra|5", "lighteval|gsm8k|0", "arc-e.v1"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "|0",
            "-h",
            "--help",
            "a b",
            "a,b",
            "/etc/passwd",
            "../a",
            "tasks/all.txt",
            "a|",
            "a|0;b",
            "é",
        ] {
            assert_eq!(check(bad), Err(OrderFault::NoTaskName(bad.into())), "{bad}");
        }
        assert_eq!(Tasks::default().check(), Err(OrderFault::NoTask));
    }

    #[test]
    fn a_file_of_tasks_is_named_without_a_way_to_another_folder() {
        let check = |name: &str| {
            Tasks { tasks: vec!["t".into()], custom_tasks: Some(name.into()), max_samples: None }.check()
        };
        assert_eq!(check("our_tasks-2"), Ok(()));
        for bad in ["", "a.py", "../a", "/tmp/a", "-x"] {
            assert_eq!(check(bad), Err(OrderFault::NoFileName(bad.into())), "{bad}");
        }
    }

    #[test]
    fn a_number_of_samples_has_a_range() {
        let check =
            |count| Tasks { tasks: vec!["t".into()], max_samples: Some(count), ..Tasks::default() }.check();
        assert_eq!((check(1), check(1_000_000)), (Ok(()), Ok(())));
        assert_eq!((check(0), check(1_000_001)), (Err(OrderFault::MaxSamples), Err(OrderFault::MaxSamples)));
    }
}
