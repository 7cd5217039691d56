//! The private servers on which scenarios run one after the other.

use runmill_testkit::{
    PrivateRabbit,
    postgres::{PrivatePostgres, ROLE},
    start_rabbit_cluster,
};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::waiting::blocking;

/// A broker, or a cluster of them, and a database server. Each worker has its own, so a scenario may break them.
pub struct Servers {
    pub rabbits: Vec<PrivateRabbit>,
    pub postgres: Arc<PrivatePostgres>,
    /// Copy of the database server that follows it, if the scenario asks for one.
    pub standby: Option<Arc<PrivatePostgres>>,
    /// Small disk on which the database server writes, if the scenario asks for one.
    pub disk: Option<Disk>,
    /// True if the next scenario needs new servers.
    pub spoiled: bool,
}

impl Servers {
    pub async fn start() -> anyhow::Result<Self> {
        let postgres = blocking(PrivatePostgres::launch);
        let (rabbit, postgres) = tokio::join!(PrivateRabbit::start(), postgres);
        Self::with(vec![rabbit?], postgres?, None).await
    }

    /// Starts a cluster of `nodes` brokers.
    pub async fn start_cluster(nodes: usize) -> anyhow::Result<Self> {
        let rabbits = start_rabbit_cluster(nodes).await?;
        Self::with(rabbits, blocking(PrivatePostgres::launch).await?, None).await
    }

    /// Starts servers of which the database's disk can be filled.
    pub async fn start_on_small_disk() -> anyhow::Result<Self> {
        let disk = Disk::mount(400)?;
        let path = disk.folder.path().to_owned();
        let postgres = blocking(move || PrivatePostgres::launch_in(&path)).await?;
        Self::with(vec![PrivateRabbit::start().await?], postgres, Some(disk)).await
    }

    async fn with(
        rabbits: Vec<PrivateRabbit>,
        postgres: PrivatePostgres,
        disk: Option<Disk>,
    ) -> anyhow::Result<Self> {
        let servers = Self { rabbits, postgres: Arc::new(postgres), standby: None, disk, spoiled: false };
        servers.rabbits[0].await_startup().await?;
        servers.sql(&format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{ROLE}'")).await?;
        Ok(servers)
    }

    /// Runs a statement as the superuser.
    pub async fn sql(&self, statement: &str) -> anyhow::Result<()> {
        Ok(self.session("postgres").await?.batch_execute(statement).await?)
    }

    /// Opens a session of the superuser, which ends when it is dropped.
    pub async fn session(&self, database: &str) -> anyhow::Result<Client> {
        let url = format!("postgresql://postgres@{}/{database}", self.postgres.address());
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// A disk in memory with a size in megabytes, which needs the rights of root.
pub struct Disk {
    pub folder: TempDir,
}

impl Disk {
    pub fn mount(megabytes: u32) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let options = format!("size={megabytes}m,mode=0755");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(folder.path())
            .status()?;
        anyhow::ensure!(mounted.success(), "a tmpfs cannot be mounted: this scenario needs root");
        Ok(Self { folder })
    }

    /// Writes a file that takes all free space.
    pub fn fill(&self) {
        // The error is the one that a full disk gives.
        let _full = std::process::Command::new("dd")
            .args(["if=/dev/zero", "bs=64k", &format!("of={}/filler", self.folder.path().display())])
            .stderr(std::process::Stdio::null())
            .status();
    }

    pub fn empty(&self) -> std::io::Result<()> {
        std::fs::remove_file(self.folder.path().join("filler"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
