use std::{process::Stdio, sync::Arc};

use runmill_testkit::Terminal;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    sync::{Mutex, watch},
};

use super::{Release, within};

/// The binary under test. It gets only the environment variables that the test sets.
pub struct Command(tokio::process::Command);

/// A process of a test, which is killed when dropped.
pub struct Process {
    child: Mutex<Child>,
    pid: u32,
    /// Text of standard error so far.
    log: watch::Receiver<Arc<String>>,
}

impl Command {
    pub fn runmill(args: &[&str]) -> Self {
        Self::of(Release::Now, args)
    }

    pub fn of(release: Release, args: &[&str]) -> Self {
        let mut command = tokio::process::Command::new(release.program());
        command.args(args).env_clear().env("APP_LOG_LEVEL", "info");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Self(command)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Returns the command with `terminal` as its input and output.
    ///
    /// It has no controlling terminal: otherwise its end would reset the terminal's modes, and the one from which the tests
    /// run would tell it a size.
    pub fn on(self, terminal: &Terminal) -> Self {
        let command = self.0.as_std();
        let mut on = tokio::process::Command::new("setsid");
        on.arg(command.get_program()).args(command.get_args());
        on.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        on.stdin(terminal.stdio().unwrap()).stdout(terminal.stdio().unwrap());
        on.stderr(Stdio::piped()).kill_on_drop(true);
        Self(on)
    }

    /// Returns the command as one that may open only `count` files.
    pub fn with_open_files(self, count: u64) -> Self {
        let command = self.0.as_std();
        let mut limited = tokio::process::Command::new("prlimit");
        limited.arg(format!("--nofile={count}:{count}")).arg(command.get_program()).args(command.get_args());
        limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Self(limited)
    }

    /// Runs the command to its end.
    pub async fn output(mut self) -> std::process::Output {
        within("the end of the command", self.0.output()).await.unwrap()
    }

    pub fn start(mut self) -> Process {
        let mut child = self.0.spawn().unwrap();
        let pid = child.id().expect("it has not been waited for");
        let stderr = child.stderr.take().expect("it is piped");
        // Standard error is read to its end, so that the process never blocks on a full pipe.
        let (sender, log) = watch::channel(Arc::default());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|log: &mut Arc<String>| {
                    let log = Arc::make_mut(log);
                    log.push_str(&line);
                    log.push('\n');
                });
            }
        });
        Process { child: Mutex::new(child), pid, log }
    }
}

impl Process {
    pub fn log(&self) -> String {
        self.log.borrow().to_string()
    }

    /// Waits for the first line of the log that contains `text`.
    pub async fn line_with(&self, text: &str) -> String {
        let mut log = self.log.clone();
        let found = within(text, log.wait_for(|log| log.contains(text))).await;
        let found = found.unwrap_or_else(|_| panic!("the process ended without `{text}`:\n{}", self.log()));
        found.lines().find(|line| line.contains(text)).expect("it is there").to_owned()
    }

    /// Waits for the first log line of `event`. Returns one of its fields.
    pub async fn field_of(&self, event: &str, field: &str) -> String {
        let line = self.line_with(&format!("\"event\":\"{event}\"")).await;
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}")).to_owned()
    }

    /// Returns the largest memory that the process has had, in megabytes.
    pub fn memory_peak_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args(["-s", name, &self.pid.to_string()]).status();
        assert!(sent.unwrap().success(), "SIG{name} to {}", self.pid);
    }

    pub const fn pid(&self) -> u32 {
        self.pid
    }

    pub async fn is_running(&self) -> bool {
        self.child.lock().await.try_wait().unwrap().is_none()
    }

    /// Waits until the process ends. Returns its exit code, or `None` if a signal ended it.
    pub async fn ended(&self) -> Option<i32> {
        within("the end of the process", async { self.child.lock().await.wait().await.unwrap().code() }).await
    }
}
