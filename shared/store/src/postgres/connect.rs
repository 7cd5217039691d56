use std::{fmt::Write as _, time::Duration};

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::{Config, Host};

use super::{
    route,
    session::Route,
    settings_of_session::{OPTIONS, SET_IN_SESSION},
    tls::{self, Trust},
};
use crate::StoreError;

/// Settings of the connections to PostgreSQL.
#[derive(Clone, Debug)]
pub struct PgSettings {
    /// `postgresql://user:password@host:port/database`; also `postgres://`, and the driver names that
    /// `SQLAlchemy` adds, as `postgresql+psycopg://`.
    ///
    /// `sslmode` is `disable`, `prefer` (the default: encrypted if the server can, with any certificate), or
    /// `require`, `verify-ca` and `verify-full`, which all check the server's certificate and name against
    /// the system's certificates (or `SSL_CERT_FILE`).
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
    let (mut config, trust) = parse(settings.url.expose_secret())?;
    let server = server_name(&config);
    config.application_name(&settings.application_name).connect_timeout(settings.connect_timeout);
    // A peer that vanished must not hold a lock, or block a caller, for hours, as the defaults allow.
    config
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30));
    let tls = tls::connector(trust)?;
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
    StoreError::Unavailable(format!("no connection to PostgreSQL at {server}: {reason}"))
}

/// Reads the address. The error does not repeat it, because it contains the password.
fn parse(url: &str) -> Result<(Config, Trust), StoreError> {
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
    let (trust, rest) = trust(rest);
    let config = format!("postgresql://{rest}").parse().map_err(|_| bad())?;
    Ok((config, trust))
}

/// Returns the certificates that `sslmode` trusts, and the address for the driver, which knows no stricter mode than
/// `require`.
fn trust(address: &str) -> (Trust, String) {
    let Some((base, query)) = address.split_once('?') else {
        return (Trust::Anyone, address.to_owned());
    };
    let mut trust = Trust::Anyone;
    let parameters: Vec<_> = query
        .split('&')
        .map(|parameter| match parameter {
            "sslmode=require" | "sslmode=verify-ca" | "sslmode=verify-full" => {
                trust = Trust::SystemCertificates;
                "sslmode=require"
            }
            "sslmode=allow" => "sslmode=prefer",
            other => other,
        })
        .collect();
    (trust, format!("{base}?{}", parameters.join("&")))
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
    use tokio_postgres::config::SslMode;

    use super::*;

    #[test]
    fn addresses_of_other_drivers_are_read() {
        for url in [
            "postgresql://ada:secret@db.example:5433/runs",
            "postgres://ada:secret@db.example:5433/runs",
            "postgresql+psycopg://ada:secret@db.example:5433/runs",
        ] {
            let (config, trust) = parse(url).unwrap();
            assert_eq!(config.get_dbname(), Some("runs"));
            assert_eq!(server_name(&config), "db.example:5433");
            assert_eq!((config.get_ssl_mode(), trust), (SslMode::Prefer, Trust::Anyone));
        }
    }

    #[test]
    fn every_sslmode_has_its_meaning() {
        let table = [
            ("disable", SslMode::Disable, Trust::Anyone),
            ("prefer", SslMode::Prefer, Trust::Anyone),
            ("allow", SslMode::Prefer, Trust::Anyone),
            ("require", SslMode::Require, Trust::SystemCertificates),
            ("verify-full", SslMode::Require, Trust::SystemCertificates),
        ];
        for (word, mode, want) in table {
            let (config, trust) =
                parse(&format!("postgres://db/runs?application_name=x&sslmode={word}")).unwrap();
            assert_eq!((config.get_ssl_mode(), trust), (mode, want), "{word}");
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
