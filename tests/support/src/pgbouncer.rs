use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::port::free_port;

/// Longest time until the pooler listens, on a slow machine.
const START_MAX: Duration = Duration::from_secs(20);

/// A test's own `PgBouncer` in transaction mode, before the server of `DATABASE_URL`. Each transaction of a client may
/// get another session of the server.
pub struct PgBouncer {
    folder: TempDir,
    port: u16,
    running: Child,
}

impl PgBouncer {
    /// Starts a pooler before the server of `url`. Blocks until it listens.
    ///
    /// # Panics
    /// If it is not installed, with what to run.
    pub fn launch(url: &str) -> Self {
        let config: tokio_postgres::Config = url.parse().expect("an address of PostgreSQL");
        let (folder, port) = (tempfile::tempdir().expect("a temporary directory"), free_port());
        // The pooler refuses to run as root, and reads its settings as another user.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("own folder");
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings(&config, port)).expect("the directory is writable");
        let program = find_program();
        let log = std::fs::File::create(folder.path().join("log")).expect("the directory is writable");
        let running = Command::new(&program)
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: {INSTALL}", program.display()));
        let mut bouncer = Self { folder, port, running };
        bouncer.wait();
        bouncer
    }

    /// Returns the address `url` with the pooler in the place of the server.
    pub fn url_of(&self, url: &str) -> String {
        let scheme = url.find("://").map_or(0, |scheme| scheme + 3);
        let end = url[scheme..].find(['/', '?']).map_or(url.len(), |end| scheme + end);
        let user = url[scheme..end].rfind('@').map_or(scheme, |at| scheme + at + 1);
        format!("{}127.0.0.1:{}{}", &url[..user], self.port, &url[end..])
    }

    fn wait(&mut self) {
        let until = Instant::now() + START_MAX;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.running.try_wait().ok().flatten();
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the pooler ended: {log}");
            assert!(Instant::now() < until, "the pooler does not listen: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _gone = self.running.kill();
        let _gone = self.running.wait();
    }
}

const INSTALL: &str =
    "install the package pgbouncer (`apt-get install pgbouncer`), or set RUNMILL_TEST_PGBOUNCER";

fn settings(server: &tokio_postgres::Config, port: u16) -> String {
    let host = match server.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
        Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
        None => "127.0.0.1".to_owned(),
    };
    let server_port = server.get_ports().first().copied().unwrap_or(5432);
    let user = server.get_user().unwrap_or("postgres");
    let password = server.get_password().map(|word| format!(" password='{}'", String::from_utf8_lossy(word)));
    let password = password.unwrap_or_default();
    let user_of_root = if is_root() { "user = postgres\n" } else { "" };
    // The pool is small, because the tests share the connections of one server.
    format!(
        "[databases]\n* = host={host} port={server_port} user={user}{password}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = transaction\ndefault_pool_size = 4\nserver_idle_timeout = 5\n{user_of_root}"
    )
}

fn find_program() -> PathBuf {
    match std::env::var_os("RUNMILL_TEST_PGBOUNCER") {
        Some(program) => program.into(),
        // Debian's place, which is not in every user's path.
        None if PathBuf::from("/usr/sbin/pgbouncer").exists() => "/usr/sbin/pgbouncer".into(),
        None => "pgbouncer".into(),
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_stands_before_the_server() {
        let database = crate::postgres::TestDatabase::create().await;
        let bouncer = PgBouncer::launch(database.url());
        let url = bouncer.url_of(database.url());
        assert_ne!(url, database.url());

        let names = crate::postgres::texts(&url, "SELECT current_database()::text").await;

        assert!(database.url().ends_with(&names[0]), "{names:?}");
    }
}
