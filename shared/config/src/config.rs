use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use runmill_address::{AddressRules, WebhookHosts};
use runmill_pricing::PriceTable;
use runmill_proto::{Range, api::RateLimit, lease::WithoutStore};
use runmill_tls::ServerFiles;
use runmill_vault::{Keyring, Signer};
use secrecy::SecretString;

use crate::{
    ConfigError, Env, ProviderNetwork, ServerTrust, Token, Traces, Variable,
    error::ValueError,
    lighteval::{LightevalFiles, lighteval_files},
    log_filter,
    prices::read_prices,
    provider_network::provider_network,
    reader::Reader,
    tls::{api_tls, server_trust},
    traces::traces,
    url, variable,
};

/// All settings of a process. Built once, in `main`; nothing else reads the environment.
/// [`crate::VARIABLES`] has the meaning and the default of each.
#[derive(Clone, Debug)]
pub struct Config {
    pub app_name: String,
    pub app_env: String,
    /// Directives `level` or `module=level`, in lower case, separated by commas.
    pub log_filter: String,
    /// URL with the scheme `postgresql`, whichever way it was written.
    pub database_url: Option<SecretString>,
    pub amqp_url: Option<SecretString>,
    /// Keys of the [`Keyring`], which has accepted them.
    pub encryption_key: Option<SecretString>,
    pub reconcile_interval: Duration,
    pub listen: SocketAddr,
    /// Address of the front door. `None`: it is served with the API.
    pub front_door_listen: Option<SocketAddr>,
    pub ops_listen: SocketAddr,
    /// URL under which clients reach the API, without slashes at its end.
    pub public_url: Option<String>,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Maximum number of the API's connections of callers that have signed in.
    pub connections_max: usize,
    pub idle_timeout: Duration,
    /// Files of the API's TLS. If `None`, it speaks plain HTTP.
    pub api_tls: Option<ServerFiles>,
    pub server_trust: ServerTrust,
    pub data_dir: PathBuf,
    pub drain_timeout: Duration,
    /// Tokens of the API. If empty, a standalone process generates one.
    pub tokens: Vec<Token>,
    pub address_rules: AddressRules,
    pub provider_network: ProviderNetwork,
    /// Signs the requests to webhooks. `None` if there may be none.
    pub webhook_signer: Option<Signer>,
    pub webhook_hosts: WebhookHosts,
    pub queue_prefix: String,
    pub queue_expires: Option<Duration>,
    pub log_partitions: u16,
    pub lane_concurrency: u32,
    /// Number of calls in flight that one executor is given, by which their wanted number is told.
    pub executor_calls: u32,
    /// Time for which a need of executors holds.
    pub scale_down: Duration,
    pub limits_without_store: WithoutStore,
    pub lighteval: LightevalFiles,
    /// True if an executor may run the programs of answers.
    pub code_scorer: bool,
    pub body_max_bytes: usize,
    /// Largest body of a request that asks a model.
    pub call_max_bytes: usize,
    pub line_max_bytes: usize,
    pub database_pool: usize,
    /// Time for which ended runs and unused datasets are kept. `None`: for ever.
    pub keep: Option<Duration>,
    pub prices: Arc<PriceTable>,
    /// Settings of traces. `None` if traces are off.
    pub traces: Option<Traces>,
}

/// Range of the settings of the largest body and the longest line, in bytes.
const BYTES: Range<usize> = Range::new(1024, 1024 * 1024 * 1024);
/// Range of the time for which ended runs are kept, in days.
const KEEP_DAYS: Range<u64> = Range::new(1, 36_500);
const MONTH_SECONDS: u64 = 30 * 24 * 60 * 60;

impl Config {
    /// Reads and checks everything before it reports the first fault.
    pub fn load(env: &Env) -> Result<Self, ConfigError> {
        let mut read = Reader::new(env);
        let config = Self {
            app_name: read.text(&variable::APP_NAME).unwrap_or_default().to_owned(),
            app_env: read.text(&variable::APP_ENV).unwrap_or_default().to_owned(),
            log_filter: read.parse(&variable::APP_LOG_LEVEL, log_filter::parse).unwrap_or_default(),
            database_url: read.secret(&variable::DATABASE_URL, url::postgres),
            amqp_url: read.secret(&variable::AMQP_URL, url::amqp),
            encryption_key: encryption_key(&mut read),
            reconcile_interval: read.seconds(&variable::RECONCILE_INTERVAL, Range::new(0.1, 3600.0)),
            listen: address(&mut read, &variable::LISTEN),
            front_door_listen: optional_address(&mut read, &variable::FRONT_DOOR_LISTEN),
            ops_listen: address(&mut read, &variable::OPS_LISTEN),
            public_url: read.parse(&variable::PUBLIC_URL, url::public),
            cors_origins: read.parse(&variable::CORS_ORIGINS, url::origins).unwrap_or_default(),
            connections_max: read.number(&variable::CONNECTIONS_MAX, Range::new(1, 100_000)),
            idle_timeout: read.seconds(&variable::IDLE_TIMEOUT, Range::new(1.0, 3600.0)),
            api_tls: api_tls(&mut read),
            server_trust: server_trust(&mut read),
            data_dir: data_dir(env),
            drain_timeout: read.seconds(&variable::DRAIN_TIMEOUT, Range::new(0.0, 3600.0)),
            tokens: tokens(&mut read),
            address_rules: AddressRules {
                allow_http: read.flag(&variable::ALLOW_HTTP),
                allow_link_local: read.flag(&variable::ALLOW_LINK_LOCAL),
            },
            provider_network: provider_network(&mut read, env),
            webhook_signer: read
                .secret(&variable::WEBHOOK_SECRET, |text| Signer::parse(&SecretString::from(text))),
            webhook_hosts: read.parse(&variable::WEBHOOK_HOSTS, str::parse).unwrap_or_default(),
            queue_prefix: read.parse(&variable::QUEUE_PREFIX, queue_prefix).unwrap_or_default(),
            queue_expires: read
                .optional(&variable::QUEUE_EXPIRES, Range::new(1, MONTH_SECONDS))
                .map(Duration::from_secs),
            log_partitions: read.number(&variable::LOG_PARTITIONS, Range::new(1, 64)),
            lane_concurrency: read.number(&variable::LANE_CONCURRENCY, RateLimit::CONCURRENCY),
            executor_calls: read.number(&variable::EXECUTOR_CALLS, RateLimit::CONCURRENCY),
            scale_down: read.seconds(&variable::SCALE_DOWN, Range::new(1.0, 86_400.0)),
            limits_without_store: read
                .parse(&variable::LIMITS_WITHOUT_STORE, str::parse::<WithoutStore>)
                .unwrap_or(WithoutStore::Stop),
            lighteval: lighteval_files(&read),
            code_scorer: read.flag(&variable::CODE_SCORER),
            body_max_bytes: read.number(&variable::BODY_MAX_BYTES, BYTES),
            call_max_bytes: read.number(&variable::CALL_MAX_BYTES, BYTES),
            line_max_bytes: read.number(&variable::LINE_MAX_BYTES, BYTES),
            database_pool: read.number(&variable::DATABASE_POOL, Range::new(1, 1000)),
            keep: read.optional(&variable::KEEP_DAYS, KEEP_DAYS).map(|days| Duration::from_hours(24 * days)),
            prices: read
                .parse(&variable::PRICES, |path| read_prices(Path::new(path)))
                .unwrap_or_default()
                .into(),
            traces: traces(&mut read),
        };
        read.check_names();
        read.finish(config)
    }
}

fn encryption_key(read: &mut Reader) -> Option<SecretString> {
    let keys = SecretString::from(read.text(&variable::ENCRYPTION_KEY)?);
    // The text of the error already begins with the name of the variable.
    Keyring::parse(&keys).map_err(|fault| read.problem(fault.to_string())).ok()?;
    Some(keys)
}

fn tokens(read: &mut Reader) -> Vec<Token> {
    let Some(text) = read.text(&variable::TOKENS) else { return Vec::new() };
    Token::parse_list(text).unwrap_or_else(|faults| {
        for fault in faults {
            read.problem(format!("{}: {fault}", variable::TOKENS.name));
        }
        Vec::new()
    })
}

fn address(read: &mut Reader, variable: &Variable) -> SocketAddr {
    optional_address(read, variable).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))
}

fn optional_address(read: &mut Reader, variable: &Variable) -> Option<SocketAddr> {
    read.parse(variable, |text| text.parse::<SocketAddr>().map_err(|_| ValueError::SocketAddress))
}

/// Accepts only characters that no tool for `RabbitMQ` needs to escape.
fn queue_prefix(text: &str) -> Result<String, ValueError> {
    let fits = text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fits { Ok(text.to_owned()) } else { Err(ValueError::QueuePrefix) }
}

/// Returns the data directory. Source of the fallbacks: XDG Base Directory Specification 0.8.
fn data_dir(env: &Env) -> PathBuf {
    let under = |name, rest| env.get(name).map(|folder| PathBuf::from(folder).join(rest));
    env.get(variable::DATA_DIR.name)
        .map(PathBuf::from)
        .or_else(|| under("XDG_DATA_HOME", "runmill"))
        .or_else(|| under("HOME", ".local/share/runmill"))
        .unwrap_or_else(|| PathBuf::from(".runmill"))
}

#[cfg(test)]
mod tests {
    use runmill_proto::Item;
    use secrecy::ExposeSecret;

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::load(&variables.iter().copied().collect::<Env>())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = load(&[]).unwrap();

        assert_eq!(config.log_filter, "info");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.reconcile_interval, Duration::from_secs(30));
        assert_eq!((config.body_max_bytes, config.line_max_bytes), (1 << 20, Item::LINE_MAX_BYTES));
        assert_eq!((config.log_partitions, config.database_pool), (4, 8));
        assert_eq!((config.front_door_listen, config.call_max_bytes), (None, 16 << 20));
        assert_eq!((config.queue_expires, config.keep), (None, None));
        assert_eq!(config.address_rules, AddressRules::default());
        assert!(config.database_url.is_none() && config.tokens.is_empty());
    }

    #[test]
    fn what_is_set_is_read() {
        let config = load(&[
            ("DATABASE_URL", "postgresql+psycopg://u:p@db/runmill"),
            ("RUNMILL_DRAIN_TIMEOUT_SECONDS", "0.5"),
            ("RUNMILL_QUEUE_EXPIRES_SECONDS", "90"),
            ("RUNMILL_KEEP_DAYS", "7"),
            ("RUNMILL_LISTEN", "[::]:80"),
            ("RUNMILL_TOKENS", "submit:0123456789abcdef"),
            ("RUNMILL_ALLOW_HTTP", "True"),
            ("APP_LOG_LEVEL", "WARNING"),
        ])
        .unwrap();

        assert_eq!(config.database_url.unwrap().expose_secret(), "postgresql://u:p@db/runmill");
        assert_eq!(config.drain_timeout, Duration::from_millis(500));
        assert_eq!(config.queue_expires, Some(Duration::from_secs(90)));
        assert_eq!(config.keep, Some(Duration::from_hours(7 * 24)));
        assert_eq!(config.tokens.len(), 1);
        assert_eq!(config.address_rules, AddressRules { allow_http: true, allow_link_local: false });
        assert_eq!(config.log_filter, "warn");
    }

    #[test]
    fn all_problems_are_reported_at_once_and_no_secret_is() {
        let error = load(&[
            ("APP_LOG_LEVEL", "loud"),
            ("DATABASE_URL", "mysql://u:secret@db/runmill"),
            ("AMQP_URL", "secret"),
            ("ENCRYPTION_KEY", "5ec7e7"),
            ("RUNMILL_WEBHOOK_SECRET", "secret"),
            ("RUNMILL_WEBHOOK_HOSTS", "https://host"),
            ("RUN_RETRY_POLL_INTERVAL_SECONDS", "NaN"),
            ("RUNMILL_LISTEN", "8080"),
            ("RUNMILL_TOKENS", "admin:secret,secret"),
            ("RUNMILL_ALLOW_LINK_LOCAL", "yes"),
            ("RUNMILL_QUEUE_PREFIX", "a b"),
            ("RUNMILL_LOG_PARTITIONS", "0"),
            ("RUNMILL_LANE_CONCURRENCY", "-1"),
            ("RUNMILL_PRICES", "/nowhere/prices.json"),
            ("RUNMILL_DRAIN_TIMEOUT", "30"),
        ])
        .unwrap_err();

        let want = "\
invalid settings:
  APP_LOG_LEVEL=\"loud\": `loud` is not one of trace, debug, info, warning, error, off
  DATABASE_URL: must begin with postgresql:// and name a host
  AMQP_URL: must begin with amqp:// or amqps:// and name a host
  ENCRYPTION_KEY: key 1 has 6 characters, and 64 hex digits (32 bytes) are required
  RUN_RETRY_POLL_INTERVAL_SECONDS=\"NaN\": must be a number from 0.1 to 3600
  RUNMILL_LISTEN=\"8080\": must be address:port, such as 127.0.0.1:8080 or [::]:8080
  RUNMILL_TOKENS: token 1: must have 16 characters or more
  RUNMILL_TOKENS: token 2: must be role:token
  RUNMILL_ALLOW_LINK_LOCAL=\"yes\": must be true or false
  RUNMILL_WEBHOOK_SECRET: secret 1 must be whsec_ and then 24 to 64 bytes in base64
  RUNMILL_WEBHOOK_HOSTS=\"https://host\": must be names or addresses of hosts, without a port, separated by commas
  RUNMILL_QUEUE_PREFIX=\"a b\": must be at most 64 letters, digits, dots, dashes, underscores
  RUNMILL_LOG_PARTITIONS=\"0\": must be a whole number from 1 to 64
  RUNMILL_LANE_CONCURRENCY=\"-1\": must be a whole number from 1 to 100000
  RUNMILL_PRICES=\"/nowhere/prices.json\": No such file or directory (os error 2)
  RUNMILL_DRAIN_TIMEOUT is not known; did you mean RUNMILL_DRAIN_TIMEOUT_SECONDS?";
        assert_eq!(error.to_string(), want);
    }

    #[test]
    fn the_data_directory_is_where_the_system_keeps_data() {
        let (own, xdg, home) =
            (("RUNMILL_DATA_DIR", "/own"), ("XDG_DATA_HOME", "/xdg"), ("HOME", "/home/me"));
        let table: [(&[(&str, &str)], &str); 4] = [
            (&[own, xdg, home], "/own"),
            (&[xdg, home], "/xdg/runmill"),
            (&[home], "/home/me/.local/share/runmill"),
            (&[], ".runmill"),
        ];
        for (variables, want) in table {
            assert_eq!(load(variables).unwrap().data_dir, PathBuf::from(want));
        }
    }

    #[test]
    fn settings_can_be_printed_without_their_secrets() {
        let config = load(&[
            ("DATABASE_URL", "postgresql://u:secret@db/d"),
            ("AMQP_URL", "amqp://u:secret@mq"),
            ("ENCRYPTION_KEY", &"5e".repeat(32)),
            ("RUNMILL_TOKENS", "admin:secretsecretsecret"),
            ("RUNMILL_WEBHOOK_SECRET", &format!("whsec_{}", "5e5e".repeat(8))),
        ])
        .unwrap();

        let text = format!("{config:?}");

        assert!(
            !text.contains("secretsecret") && !text.contains("u:secret") && !text.contains("5e5e"),
            "{text}"
        );
    }
}
