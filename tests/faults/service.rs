//! One process of a cluster, which a scenario kills, freezes and starts again.

use std::{fs::File, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use runmill_testkit::free_port;
use tokio::process::{Child, Command};

use crate::waiting::until;

const PROGRAM: &str = env!("CARGO_BIN_EXE_runmill");
/// Longest time that a process may take until it is ready, on a busy machine.
const READY_MAX: Duration = Duration::from_mins(1);
/// Longest time that a process may take to drain.
const DRAIN_MAX: Duration = Duration::from_secs(45);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Dispatcher,
    Executor,
    LogSink,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Dispatcher, Self::Executor, Self::LogSink];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispatcher => "dispatcher",
            Self::Executor => "executor",
            Self::LogSink => "log-sink",
        }
    }
}

/// A service with its fixed port and environment. Its log goes to a file, which is kept after the scenario.
pub struct Service {
    pub role: Role,
    pub frozen: bool,
    environment: Vec<(String, String)>,
    /// Largest number of files that the process may open. `None` stands for the system's limit.
    open_files: Option<u32>,
    port: u16,
    log: PathBuf,
    child: Option<Child>,
}

impl Service {
    pub fn new(
        role: Role,
        log: PathBuf,
        environment: Vec<(String, String)>,
        open_files: Option<u32>,
    ) -> Self {
        Self { role, frozen: false, environment, open_files, port: free_port(), log, child: None }
    }

    /// Returns the URL of the API or of the health endpoints.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut command = if let Some(files) = self.open_files {
            let mut command = Command::new("prlimit");
            command.arg(format!("--nofile={files}:{files}")).arg(PROGRAM);
            command
        } else {
            Command::new(PROGRAM)
        };
        let listen = format!("127.0.0.1:{}", self.port);
        let variable = if self.role == Role::Dispatcher { "RUNMILL_LISTEN" } else { "RUNMILL_OPS_LISTEN" };
        let log = File::options().create(true).append(true).open(&self.log)?;
        command.arg(self.role.name()).env_clear().envs(self.environment.clone()).env(variable, listen);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().context(PROGRAM)?);
        self.frozen = false;
        Ok(())
    }

    /// Waits until `/readyz` answers 200.
    pub async fn ready(&mut self, http: &reqwest::Client) -> anyhow::Result<()> {
        let url = self.url("/readyz");
        let name = format!("readiness of {} ({})", self.role.name(), self.log.display());
        until(&name, READY_MAX, async || {
            http.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)
        })
        .await
    }

    /// Returns the value of a gauge or counter, or `None` if the process does not answer or has no such metric.
    pub async fn metric(&self, http: &reqwest::Client, name: &str) -> Option<f64> {
        let text = http.get(self.url("/metrics")).send().await.ok()?.text().await.ok()?;
        let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    pub async fn signal(&mut self, name: &str) -> anyhow::Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await?;
        ensure!(sent.success(), "SIG{name} to {}", self.role.name());
        self.frozen = name == "STOP";
        Ok(())
    }

    /// Ends the process as a power cut would.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Asks the process to drain, and waits for its end. Returns its exit status, or `None` if it did not end in time.
    pub async fn stop(&mut self) -> anyhow::Result<Option<i32>> {
        self.signal("TERM").await?;
        let Some(mut child) = self.child.take() else { return Ok(Some(0)) };
        match tokio::time::timeout(DRAIN_MAX, child.wait()).await {
            Ok(status) => Ok(status?.code()),
            Err(_late) => {
                child.kill().await?;
                Ok(None)
            }
        }
    }

    /// Returns the process's id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Returns the resident memory of the process in bytes.
    pub fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kilobytes * 1024)
    }
}
