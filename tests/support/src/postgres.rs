//! PostgreSQL for tests: a database for each test, or a private server for tests that stop it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::{Authority, Issued, finish_in_drop, port::free_port};

/// A test's own database on the server of `DATABASE_URL`. It is deleted when this value is dropped, even if the test
/// panics.
pub struct TestDatabase {
    server_url: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Creates a database under a new name.
    ///
    /// # Panics
    /// If there is no server. The message says what to run.
    pub async fn create() -> Self {
        let server_url = server_url();
        let name = format!("runmill_test_{}", Uuid::now_v7().simple());
        execute(&server_url, &format!("CREATE DATABASE {name}")).await;
        let url = with_database(&server_url, &name);
        Self { server_url, name, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Runs the query `sql` and returns its first column, which must be text.
pub async fn texts(url: &str, sql: &str) -> Vec<String> {
    let client = connect(url).await;
    // Without a name, the statement leaves nothing in a session that a pooler gives to others.
    let rows = client.query_typed(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, sql) = (self.server_url.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        finish_in_drop(&format!("the database {}", self.name), async move { execute(&url, &sql).await });
    }
}

/// A private server in a temporary directory, for tests that stop it. Every method blocks, for up to a few seconds.
pub struct PrivatePostgres {
    directory: TempDir,
    port: u16,
}

/// Role of [`PrivatePostgres`] that needs its password, which is the same word. Others are trusted.
pub const ROLE: &str = "runmill";

impl PrivatePostgres {
    /// Creates a server and starts it.
    pub fn launch() -> Self {
        let server = Self::init();
        server.start();
        server
    }

    /// Creates a server with TLS and a self-signed certificate, as Linux distributions do, and starts it.
    pub fn launch_with_tls() -> Self {
        let server = Self::init();
        let data = server.data();
        let (key, certificate) = (data.join("server.key"), data.join("server.crt"));
        let mut openssl = server.command("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
        ]);
        run(openssl.arg(key).arg("-out").arg(certificate));
        std::fs::write(data.join("postgresql.auto.conf"), "ssl = on\n")
            .expect("the data directory is writable");
        server.start();
        server
    }

    /// Creates a server with this certificate, which takes only TLS with a client's certificate of the authority from
    /// the role `asked`, and starts it.
    pub fn launch_with_certificate(authority: &Authority, issued: &Issued, asked: &str) -> Self {
        let server = Self::init();
        let data = server.data();
        for (from, name) in
            [(&issued.certificate, "server.crt"), (&issued.key, "server.key"), (&authority.file(), "ca.crt")]
        {
            let to = data.join(name);
            std::fs::copy(from, &to).expect("the data directory is writable");
            run(Command::new("chmod").arg("600").arg(&to));
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&to));
            }
        }
        std::fs::write(data.join("postgresql.auto.conf"), "ssl = on\nssl_ca_file = 'ca.crt'\n")
            .expect("the data directory is writable");
        server.put_rule_first(&format!(
            "hostssl all {asked} 127.0.0.1/32 trust clientcert=verify-ca\nhostnossl all {asked} 127.0.0.1/32 reject\n"
        ));
        server.start();
        server
    }

    /// Creates a server in a new folder inside `parent`, and starts it.
    pub fn launch_in(parent: &Path) -> Self {
        let server = Self::init_in(tempfile::tempdir_in(parent).expect("a temporary directory"));
        server.start();
        server
    }

    /// Starts a copy that follows this server, as its standby.
    #[must_use]
    pub fn launch_standby(&self) -> Self {
        let standby = Self::in_directory(tempfile::tempdir().expect("a temporary directory"));
        let port = self.port.to_string();
        let mut backup = standby.command("pg_basebackup");
        backup.args(["-h", "127.0.0.1", "-U", "postgres", "-c", "fast", "-R", "-p", &port, "-D"]);
        run(backup.arg(standby.data()));
        standby.start();
        standby
    }

    /// Makes a standby accept writes.
    pub fn promote(&self) {
        run(self.pg_ctl().args(["-w", "promote"]));
    }

    /// Stops the server as an operator does: sessions end, and standbys get all changes first.
    pub fn stop_fast(&self) {
        run(self.pg_ctl().args(["-m", "fast", "-w", "stop"]));
    }

    /// Returns the server's host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the folder of the server's data and log.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn init() -> Self {
        Self::init_in(tempfile::tempdir().expect("a temporary directory"))
    }

    fn in_directory(directory: TempDir) -> Self {
        if is_root() {
            // The server refuses to run as root, so it runs as the user `postgres`, who must own the directory.
            run(Command::new("chown").arg("postgres").arg(directory.path()));
        }
        Self { directory, port: free_port() }
    }

    fn init_in(directory: TempDir) -> Self {
        let server = Self::in_directory(directory);
        run(server
            .command("initdb")
            .args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"])
            .arg(server.data()));
        server.put_rule_first(&format!("host all {ROLE} 127.0.0.1/32 scram-sha-256\n"));
        server
    }

    fn put_rule_first(&self, rule: &str) {
        let rules = self.data().join("pg_hba.conf");
        let others = std::fs::read_to_string(&rules).expect("initdb wrote it");
        std::fs::write(rules, rule.to_owned() + &others).expect("the data directory is writable");
    }

    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server, on the same port with the same data, and waits until it answers.
    pub fn start(&self) {
        let options =
            format!("-p {} -k {} -c listen_addresses=127.0.0.1", self.port, self.directory.path().display());
        let log = self.directory.path().join("log");
        run(self.pg_ctl().args(["-w", "-o", &options, "-l"]).arg(log).arg("start"));
    }

    /// Stops the server as a crash would: connections break, and the next start recovers from the write-ahead log.
    pub fn stop(&self) {
        run(self.pg_ctl().args(["-m", "immediate", "-w", "stop"]));
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn pg_ctl(&self) -> Command {
        let mut command = self.command("pg_ctl");
        command.arg("-D").arg(self.data());
        command
    }

    /// Makes a command of one of the server's programs, to run as a user that the program accepts.
    fn command(&self, program: &str) -> Command {
        let program = find_program(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.directory.path());
        command
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // This fails if the test has stopped the server.
        let _ = self.pg_ctl().args(["-m", "immediate", "stop"]).output();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests find their servers in the environment, here and nowhere else"
)]
fn server_url() -> String {
    std::env::var("DATABASE_URL").expect(
        "DATABASE_URL is not set: run the tests with `make test`, or point it at a PostgreSQL server \
         where databases may be created",
    )
}

/// Replaces the database in the address `url`.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[authority..].find('/').map_or(address.len(), |slash| authority + slash);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &address[..end])
}

async fn execute(url: &str, sql: &str) {
    connect(url).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// Connects to a server. The connection ends when the client is dropped.
async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap_or_else(|error| {
        panic!("PostgreSQL at DATABASE_URL cannot be reached ({error}): run `make test`")
    });
    tokio::spawn(connection);
    client
}

/// Finds a program in the folder of `RUNMILL_TEST_POSTGRES`, or else of the newest version that Debian's packages have
/// installed. Elsewhere, it is looked up in `PATH`.
fn find_program(name: &str) -> PathBuf {
    let set = std::env::var_os("RUNMILL_TEST_POSTGRES").map(|folder| PathBuf::from(folder).join(name));
    if let Some(program) = set.filter(|program| program.exists()) {
        return program;
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin").join(name)).collect())
        .unwrap_or_default();
    versions.sort();
    versions.into_iter().rfind(|path| path.exists()).unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(
        &std::fs::metadata(Path::new("/proc/self")).expect("/proc is mounted"),
    ) == 0
}

fn run(command: &mut Command) {
    let Output { status, stderr, .. } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}: install PostgreSQL's server programs"));
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_the_rest_of_the_address() {
        let table = [
            ("postgresql://me:pw@host:5432/postgres", "postgresql://me:pw@host:5432/other"),
            ("postgresql://me@host", "postgresql://me@host/other"),
            ("postgres://host/a?sslmode=disable", "postgres://host/other?sslmode=disable"),
        ];
        for (url, want) in table {
            assert_eq!(with_database(url, "other"), want);
        }
    }

    #[tokio::test]
    async fn a_database_is_gone_with_its_value() {
        let database = TestDatabase::create().await;
        let url = database.url().to_owned();
        execute(&url, "SELECT 1").await;

        tokio::task::spawn_blocking(move || drop(database)).await.unwrap();

        let error = tokio_postgres::connect(&url, NoTls).await.err().unwrap();
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INVALID_CATALOG_NAME));
    }

    #[tokio::test]
    async fn a_private_server_can_be_stopped_and_started() {
        let server = PrivatePostgres::launch();
        execute(&server.url(), "CREATE TABLE kept ()").await;

        server.stop();
        assert!(tokio_postgres::connect(&server.url(), NoTls).await.is_err());
        server.start();

        execute(&server.url(), "SELECT * FROM kept").await;
    }
}
