use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{OrderFault, Tasks};

/// Runs a command, and ends it when its standard input ends.
const SUPERVISE: &str = include_str!("supervise.py");
/// Prints the samples of a folder with results.
const DETAILS: &str = include_str!("details.py");

/// An installed LightEval.
#[derive(Clone, Debug)]
pub struct Program {
    /// The command `lighteval`. The Python that runs it is beside it.
    pub path: PathBuf,
    /// Folder of files with tasks of one's own.
    pub tasks: Option<PathBuf>,
    /// Folder with local data sets, which LightEval finds by their names: `openai/gsm8k` is `openai/gsm8k` in it.
    pub data: Option<PathBuf>,
}

impl Program {
    /// Returns the command that evaluates `tasks` in `folder`. It ends with its standard input.
    pub(crate) fn evaluate(&self, tasks: &Tasks, folder: &Path) -> Result<Command, OrderFault> {
        tasks.check()?;
        let mut command = self.python(folder);
        command.args(["-c", SUPERVISE]).arg(&self.path);
        command.args(["endpoint", "litellm", "config.yaml"]).arg(tasks.tasks.join(","));
        command.args(["--output-dir", "out", "--save-details"]);
        if let Some(name) = &tasks.custom_tasks {
            command.arg("--custom-tasks").arg(self.tasks_file(name)?);
        }
        if let Some(count) = tasks.max_samples {
            command.args(["--max-samples", &count.to_string()]);
        }
        Ok(command)
    }

    /// Returns the command that prints the samples in `folder`, one as JSON on each line.
    pub(crate) fn details(&self, folder: &Path) -> Command {
        let mut command = self.python(folder);
        command.args(["-c", DETAILS, "out"]);
        command
    }

    fn tasks_file(&self, name: &str) -> Result<PathBuf, OrderFault> {
        let folder = self.tasks.as_ref().ok_or(OrderFault::NoTasksFolder)?;
        let file = folder.join(format!("{name}.py"));
        if file.is_file() { Ok(file) } else { Err(OrderFault::NoTasksFile(name.to_owned())) }
    }

    /// Returns Python with nothing of this process's environment, which has secrets, and without the network beside the
    /// model: data sets are local, and no release looks for another.
    fn python(&self, folder: &Path) -> Command {
        let bin = self.path.parent().unwrap_or(Path::new("."));
        let mut command = Command::new(bin.join("python"));
        command.env_clear().current_dir(folder);
        command.env(
            "PATH",
            std::env::join_paths([bin, Path::new("/usr/bin"), Path::new("/bin")]).unwrap_or_default(),
        );
        command.env("HOME", folder).env("HF_HOME", folder.join("huggingface")).env("TMPDIR", folder);
        command.envs([
            ("HF_HUB_OFFLINE", "1"),
            ("HF_DATASETS_OFFLINE", "1"),
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
            ("DO_NOT_TRACK", "1"),
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONIOENCODING", "utf-8"),
            ("LANG", "C.UTF-8"),
        ]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).process_group(0);
        command
    }
}
