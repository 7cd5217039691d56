//! `PgBouncer` in transaction mode, with its package's defaults.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context;
use runmill_testkit::{free_port, postgres::ROLE};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::waiting::until;

const START_MAX: Duration = Duration::from_secs(20);

/// A running `PgBouncer`, which ends when it is dropped.
pub struct Bouncer {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Bouncer {
    /// Starts one before the PostgreSQL at `upstream`.
    pub async fn start(upstream: &str, logs: &Path) -> anyhow::Result<Self> {
        let (host, server_port) = upstream.split_once(':').context("a host and a port")?;
        let (folder, port) = (tempfile::tempdir()?, free_port());
        let file = folder.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host={host} port={server_port} user={ROLE} password={ROLE}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
             pool_mode = transaction\nunix_socket_dir =\n"
        );
        std::fs::write(&file, settings)?;
        for path in [folder.path(), &file] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
        let log = std::fs::File::create(logs.join("pgbouncer.log"))?;
        // It refuses to run as root.
        let process = Command::new("runuser")
            .args(["-u", "postgres", "--", "pgbouncer"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("pgbouncer is not installed")?;
        let bouncer = Self { port, process, _folder: folder };
        let answers = async || TcpStream::connect(bouncer.address()).await.is_ok();
        until("an answer of PgBouncer", START_MAX, answers).await?;
        Ok(bouncer)
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // `runuser` passes this on to its child.
        let _asked = Command::new("kill").args(["-s", "TERM", &self.process.id().to_string()]).status();
        let _gone = self.process.wait();
    }
}
