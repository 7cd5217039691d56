use std::{fmt::Write as _, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use runmill_tls::ClientFiles;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::{Config, Host};

use super::{
    route,
    session::Route,
    settings_of_session::{OPTIONS, SET_IN_SESSION},
    tls::{self, Connector},
};
use crate::StoreError;

/// Settings of the connections to PostgreSQL.
#[derive(Clone, Debug)]
pub struct PgSettings {
    /// `postgresql://user:password@host:port/database`; also `postgres://`, and the driver names that
    /// `SQLAlchemy` adds, as `postgresql+psycopg://`.
    ///
    /// `sslmode` is `disable`, `prefer` (the default: encrypted if the server can, with any certificate), `verify-ca`, which
    /// checks who issued the server's certificate, or `verify-full`, which also checks its name. `require` is as
    /// `verify-ca` with `sslrootcert`, and as `verify-full` without. `sslrootcert` is a file of authorities, in place of
    /// the system's (or `SSL_CERT_FILE`); `sslcert` and `sslkey` are the client's certificate and its key.
    pub url: SecretString,
    /// Maximum number of connections. The feeder's lead keeps one of them.
    pub pool_size: usize,
    /// Time limit of the first connection as a whole, and of each later one.
    pub connect_timeout: Duration,
    /// Name in `pg_stat_activity`.
    pub application_name: String,
}

/// Longest wait for a connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(10);

impl PgSettings {
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            pool_size: 8,
            connect_timeout: Duration::from_secs(8),
            application_name: "runmill".to_owned(),
        }
    }
}

pub async fn connect(settings: &PgSettings) -> Result<(Pool, Route), StoreError> {
    let (mut config, files) = parse(settings.url.expose_secret())?;
    let server = server_name(&config);
    config.application_name(&settings.application_name).connect_timeout(settings.connect_timeout);
    // A peer that vanished must not hold a lock, or block a caller, for hours, as the defaults allow.
    config
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30));
    let tls = Connector::new(files)?;
    let route = route::find(&config, tls.clone(), settings.connect_timeout).await;
    let route = route.map_err(|error| no_connection(&server, error))?;

    if let Route::Direct = route {
        config.options(with_options(&config));
    }
    let manager =
        Manager::from_config(config, tls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let mut pool = Pool::builder(manager)
        .max_size(settings.pool_size)
        .wait_timeout(Some(POOL_WAIT))
        .create_timeout(Some(settings.connect_timeout))
        .runtime(Runtime::Tokio1);
    if let Route::Direct = route {
        pool = pool.post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SET_IN_SESSION).await.map_err(HookError::Backend) })
        }));
    }
    let pool = pool.build().map_err(|error| StoreError::Broken(error.to_string()))?;
    let first = pool.get().await.map_err(|error| no_connection(&server, error.into()))?;
    drop(first);
    Ok((pool, route))
}

/// Returns the options of the address and those that runmill needs.
pub fn with_options(config: &Config) -> String {
    format!("{} {OPTIONS}", config.get_options().unwrap_or_default())
}

fn no_connection(server: &str, error: StoreError) -> StoreError {
    let reason = match error {
        StoreError::Unavailable(reason) | StoreError::Broken(reason) => reason,
        other => other.to_string(),
    };
    let reason = tls::explained(reason);
    StoreError::Unavailable(format!("no connection to PostgreSQL at {server}: {reason}"))
}

/// Reads the address. The error does not repeat it, because it contains the password.
fn parse(url: &str) -> Result<(Config, ClientFiles), StoreError> {
    let bad = || {
        StoreError::Broken(
            "the address of PostgreSQL does not read as postgresql://user:password@host:port/database"
                .to_owned(),
        )
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let dialect = scheme.split('+').next().unwrap_or_default();
    if !matches!(dialect, "postgresql" | "postgres") {
        return Err(bad());
    }
    let (files, rest) = tls::parameters(rest)?;
    let config = format!("postgresql://{rest}").parse().map_err(|_| bad())?;
    Ok((config, files))
}

/// Returns host and port, for messages. A password with an unescaped `@` or `/` is parsed as the host, so a host that does
/// not look like a name is not shown.
fn server_name(config: &Config) -> String {
    let is_shown = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    let mut name = match config.get_hosts().first() {
        Some(Host::Tcp(host)) if host.chars().all(is_shown) => host.clone(),
        Some(Host::Tcp(_)) => "(not a host name; escape `@` and `/` in the password)".to_owned(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    write!(name, ":{port}").expect("writing to a string does not fail");
    name
}

#[cfg(test)]
mod tests {
    use runmill_tls::PeerCheck;
    use tokio_postgres::config::SslMode;

    use super::*;

    #[test]
    fn addresses_of_other_drivers_are_read() {
        for url in [
            "postgresql://ada:secret@db.example:5433/runs",
            "postgres://ada:secret@db.example:5433/runs",
            "postgresql+psycopg://ada:secret@db.example:5433/runs",
        ] {
            let (config, files) = parse(url).unwrap();
            assert_eq!(config.get_dbname(), Some("runs"));
            assert_eq!(server_name(&config), "db.example:5433");
            assert_eq!((config.get_ssl_mode(), files.check), (SslMode::Prefer, PeerCheck::Nothing));
        }
    }

    #[test]
    fn no_message_has_the_password() {
        for url in ["mysql://ada:hunter2@db/runs", "postgres://ada:hunter2@db:port/runs", "hunter2"] {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.contains("does not read as") && !error.contains("hunter2"), "{error}");
        }
        let (config, _) = parse("postgres://ada:half@hunter2@db/runs").unwrap();
        assert!(!server_name(&config).contains("hunter2"));
    }
}
