use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::{net::TcpStream, time};

use crate::port::free_port;

/// The server's program in Debian's package. The wrapper of the same name in `/usr/sbin` would change the user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// Time that a broker may take to start or to stop on a slow machine.
const START_MAX: Duration = Duration::from_secs(90);

/// A test's own broker, which can be stopped, killed and started again on the same data.
pub struct PrivateRabbit {
    data: TempDir,
    ports: Ports,
    server: Option<Child>,
}

struct Ports {
    amqp: u16,
    distribution: u16,
    epmd: u16,
}

impl PrivateRabbit {
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with("").await
    }

    /// Starts a broker with further lines of `rabbitmq.conf`.
    pub async fn start_with(lines: &str) -> anyhow::Result<Self> {
        ensure!(Path::new(SERVER).exists(), "{SERVER} is missing: install the package rabbitmq-server");
        let data = tempfile::tempdir()?;
        let ports = Ports { amqp: free_port(), distribution: free_port(), epmd: free_port() };
        std::fs::write(data.path().join("rabbitmq.conf"), configuration(&ports) + lines)?;
        std::fs::write(data.path().join("enabled_plugins"), "[].\n")?;
        let mut rabbit = Self { data, ports, server: None };
        rabbit.start_again().await?;
        Ok(rabbit)
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address())
    }

    /// Returns the broker's host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.amqp)
    }

    /// Asks the server to stop, and waits until it has stopped.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let asked = Command::new("kill").args(["-TERM", &server.id().to_string()]).status()?;
        ensure!(asked.success(), "the broker could not be asked to end");
        let ended = tokio::task::spawn_blocking(move || server.wait());
        time::timeout(START_MAX, ended).await.context("the broker does not end")???;
        Ok(())
    }

    /// Ends the server and its connections as a power cut would. RabbitMQ 3.10 then loses the queues that were declared
    /// since its start: it has their names on disk, but not their logs.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _gone = server.wait();
        }
    }

    /// Starts the server on the existing data, and waits until it takes connections.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.kill();
        self.server = Some(self.command().spawn().context(SERVER)?);
        let deadline = time::Instant::now() + START_MAX;
        while TcpStream::connect(self.address()).await.is_err() {
            if let Some(status) = self.server.as_mut().and_then(|server| server.try_wait().transpose()) {
                bail!("the broker ended while it started: {:?}; {}", status, self.log());
            }
            ensure!(time::Instant::now() < deadline, "no broker after {START_MAX:?}; {}", self.log());
            time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Runs one of the server's tools, `rabbitmqctl` or another, against this server, and waits for its end.
    pub async fn tool(&self, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let program = Path::new(SERVER).with_file_name(name);
        let mut command = self.environment(Command::new(&program));
        let shown = format!("{name} {}", arguments.join(" "));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = tokio::task::spawn_blocking(move || command.output());
        let output = time::timeout(START_MAX, ended).await.context("the tool does not end")???;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{shown}: {said}");
        Ok(())
    }

    fn command(&self) -> Command {
        self.environment(Command::new(SERVER))
    }

    fn environment(&self, mut command: Command) -> Command {
        let home = self.data.path();
        command
            .env("HOME", home)
            // With this variable, the launcher replaces itself with the server, so that the child's process id is the
            // server's.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("RABBITMQ_NODENAME", format!("test{}@localhost", self.ports.amqp))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("RABBITMQ_MNESIA_BASE", home.join("data"))
            .env("RABBITMQ_LOG_BASE", home.join("log"))
            .env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"))
            // Without busy waiting, idle schedulers of Erlang leave the processor to the tests.
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn log(&self) -> String {
        let logs = std::fs::read_dir(self.data.path().join("log")).into_iter().flatten().flatten();
        logs.filter_map(|entry| std::fs::read_to_string(entry.path()).ok()).collect()
    }
}

impl Drop for PrivateRabbit {
    fn drop(&mut self) {
        self.kill();
        // The server has started epmd, Erlang's port mapper, as a daemon that outlives it.
        let mapper = ["-port", &self.ports.epmd.to_string(), "-kill"].map(str::to_owned);
        let _gone = Command::new("epmd").args(mapper).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn configuration(ports: &Ports) -> String {
    format!("listeners.tcp.default = 127.0.0.1:{}\nlog.file.level = warning\n", ports.amqp)
}
