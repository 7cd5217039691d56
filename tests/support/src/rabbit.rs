use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::{net::TcpStream, time};

use crate::{Authority, Issued, port::free_port};

/// Returns the server's program: `RUNMILL_TEST_RABBITMQ`, or that of Debian's package. The wrapper of the same name in
/// `/usr/sbin` would change the user.
fn server_program() -> PathBuf {
    std::env::var_os("RUNMILL_TEST_RABBITMQ")
        .map_or_else(|| PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server"), PathBuf::from)
}

const COOKIE: &str = "TESTCOOKIETESTCOOKIE";

/// Arguments of the Erlang machine. Without busy waiting, idle schedulers leave the processor to the tests. Consumer
/// time-outs are looked for each second and not each minute.
const ERLANG: &str = "+sbwt none +sbwtdcpu none +sbwtdio none -rabbit channel_tick_interval 1000";

/// Time that a broker may take to start or to stop on a slow machine.
const START_MAX: Duration = Duration::from_secs(90);

/// A test's own broker, which can be stopped, killed and started again on the same data.
pub struct PrivateRabbit {
    data: TempDir,
    ports: Ports,
    /// Port of TLS, or 0.
    pub tls_port: u16,
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
        Self::start_beside(free_port(), lines).await
    }

    /// Starts a broker with TLS at [`Self::tls_port`], which takes clients with a certificate of the authority.
    pub async fn start_with_tls(authority: &Authority, server: &Issued) -> anyhow::Result<Self> {
        let port = free_port();
        let lines = format!(
            "listeners.ssl.default = 127.0.0.1:{port}\n\
             ssl_options.cacertfile = {}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n\
             ssl_options.verify = verify_peer\n\
             ssl_options.fail_if_no_peer_cert = true\n",
            authority.file().display(),
            server.certificate.display(),
            server.key.display(),
        );
        let mut rabbit = Self::start_with(&lines).await?;
        rabbit.tls_port = port;
        Ok(rabbit)
    }

    /// Starts a broker that registers itself at the port mapper of this port.
    async fn start_beside(epmd: u16, lines: &str) -> anyhow::Result<Self> {
        let program = server_program();
        ensure!(program.exists(), "{} is missing: install the package rabbitmq-server", program.display());
        let data = tempfile::tempdir()?;
        let ports = Ports { amqp: free_port(), distribution: free_port(), epmd };
        std::fs::write(data.path().join("rabbitmq.conf"), configuration(&ports) + lines)?;
        std::fs::write(data.path().join("enabled_plugins"), "[].\n")?;
        write_cookie(data.path())?;
        let mut rabbit = Self { data, ports, tls_port: 0, server: None };
        rabbit.start_again().await?;
        Ok(rabbit)
    }

    /// Runs a command of `rabbitmqctl` or of another of the broker's tools against this node.
    pub async fn tool(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = self.environment(Command::new(server_program().with_file_name(program)));
        command.args(["-n", &self.node()]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        let ended = time::timeout(START_MAX, command.output()).await;
        let output = ended.with_context(|| format!("{program} {arguments:?} does not end"))??;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{program} {arguments:?}: {said}{error}");
        Ok(said)
    }

    /// Runs a command of `rabbitmqctl` against this node.
    pub async fn ctl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.tool("rabbitmqctl", arguments).await
    }

    /// Waits until the node has started completely. It takes connections before that.
    pub async fn await_startup(&self) -> anyhow::Result<()> {
        self.ctl(&["await_startup", "--timeout", "60"]).await.map(drop)
    }

    fn node(&self) -> String {
        format!("test{}@localhost", self.ports.amqp)
    }

    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}/%2f", self.address())
    }

    /// Returns the broker's host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.amqp)
    }

    pub const fn is_running(&self) -> bool {
        self.server.is_some()
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
        self.server = Some(self.command().spawn().context("the broker does not start")?);
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

    fn command(&self) -> Command {
        self.environment(Command::new(server_program()))
    }

    fn environment(&self, mut command: Command) -> Command {
        let home = self.data.path();
        command
            .env("HOME", home)
            // With this variable, the launcher replaces itself with the server, so that the child's process id is the
            // server's.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("ERL_CRASH_DUMP", home.join("crash"))
            .env("RABBITMQ_NODENAME", self.node())
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("RABBITMQ_MNESIA_BASE", home.join("data"))
            .env("RABBITMQ_LOG_BASE", home.join("log"))
            .env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("enabled_plugins"))
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG)
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

/// Starts a cluster of `nodes` brokers.
pub async fn start_rabbit_cluster(nodes: usize) -> anyhow::Result<Vec<PrivateRabbit>> {
    let first = PrivateRabbit::start().await?;
    let (name, epmd) = (first.node(), first.ports.epmd);
    let mut cluster = vec![first];
    for _ in 1..nodes {
        let node = PrivateRabbit::start_beside(epmd, "").await?;
        node.await_startup().await?;
        node.ctl(&["stop_app"]).await?;
        node.ctl(&["join_cluster", &name]).await?;
        node.ctl(&["start_app"]).await?;
        cluster.push(node);
    }
    Ok(cluster)
}

/// Writes the secret by which nodes and tools trust each other, readable for its owner alone, as Erlang demands.
fn write_cookie(home: &Path) -> anyhow::Result<()> {
    let path = home.join(".erlang.cookie");
    std::fs::write(&path, COOKIE)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o400))?;
    Ok(())
}

fn configuration(ports: &Ports) -> String {
    format!("listeners.tcp.default = 127.0.0.1:{}\nlog.file.level = warning\n", ports.amqp)
}
