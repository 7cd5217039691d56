/// One variable of the environment.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    /// As it would be written; `None`: there is none, and `summary` says what holds then.
    pub default: Option<&'static str>,
    pub summary: &'static str,
}

/// Declares each variable as a constant, and [`VARIABLES`] as all of them.
macro_rules! variables {
    ($($ident:ident = $name:literal, $default:expr, $summary:literal;)+) => {
        $(pub(crate) const $ident: Variable =
            Variable { name: $name, default: $default, summary: $summary };)+

        /// Everything that runmill reads from the environment. `.env.example` and `docs/configuration.md`
        /// say the same, and a test sees to it.
        pub const VARIABLES: &[&Variable] = &[$(&$ident),+];
    };
}

variables! {
    APP_NAME = "APP_NAME", Some("runmill"),
        "Name of the installation, in every log line.";
    APP_ENV = "APP_ENV", Some("development"),
        "Kind of the installation, in every log line.";
    APP_LOG_LEVEL = "APP_LOG_LEVEL", Some("INFO"),
        "`TRACE`, `DEBUG`, `INFO`, `WARNING`, `ERROR` or `OFF`; or directives like `info,runmill_broker=debug`.";
    DATABASE_URL = "DATABASE_URL", None,
        "PostgreSQL, as `postgresql://user:password@host/database`; `postgresql+psycopg://` is taken too. None: SQLite in the data directory.";
    AMQP_URL = "AMQP_URL", None,
        "RabbitMQ, as `amqp://user:password@host/vhost` or `amqps://`. None: the broker inside the process.";
    ENCRYPTION_KEY = "ENCRYPTION_KEY", None,
        "32 bytes as 64 hex digits. Several, separated by commas: the first seals, all open. None: a standalone process makes one and keeps it in the data directory.";
    RECONCILE_INTERVAL = "RUN_RETRY_POLL_INTERVAL_SECONDS", Some("30"),
        "Seconds between two looks at runs that need attention, from 0.1 to 3600.";
    LISTEN = "RUNMILL_LISTEN", Some("127.0.0.1:8080"),
        "Address of the HTTP API.";
    OPS_LISTEN = "RUNMILL_OPS_LISTEN", Some("127.0.0.1:0"),
        "Address of `/healthz`, `/readyz` and `/metrics` of an executor or log-sink. Port 0 takes a free one, and the log says which.";
    DATA_DIR = "RUNMILL_DATA_DIR", None,
        "Where a standalone process keeps its database and key. None: `$XDG_DATA_HOME/runmill`, else `$HOME/.local/share/runmill`, else `.runmill`.";
    DRAIN_TIMEOUT = "RUNMILL_DRAIN_TIMEOUT_SECONDS", Some("30"),
        "Seconds that work in flight may take after the process was asked to stop, from 0 to 3600.";
    TOKENS = "RUNMILL_TOKENS", None,
        "Who may use the API, as `role:token,role:token`; roles `admin`, `submit` and `observe`, tokens of 16 characters or more. None: a standalone process makes one for an admin and keeps it in the data directory.";
    SERVER = "RUNMILL_SERVER", None,
        "The server that `runmill run` and `runmill runs` talk to, as `http://host:8080`. None: `run` does it all in its own process.";
    TOKEN = "RUNMILL_TOKEN", None,
        "The token that `runmill run` and `runmill runs` show to the server.";
    ALLOW_HTTP = "RUNMILL_ALLOW_HTTP", Some("false"),
        "`true`: providers may be at `http` addresses anywhere, and not only on this machine (127.0.0.0/8, ::1, localhost). The same for dispatchers and executors.";
    ALLOW_LINK_LOCAL = "RUNMILL_ALLOW_LINK_LOCAL", Some("false"),
        "`true`: providers may be at link-local addresses and at those where clouds have their metadata, such as 169.254.169.254. The same for dispatchers and executors.";
    QUEUE_PREFIX = "RUNMILL_QUEUE_PREFIX", Some("runmill"),
        "What the names of all exchanges and queues begin with. The same in every process.";
    QUEUE_EXPIRES = "RUNMILL_QUEUE_EXPIRES_SECONDS", None,
        "Seconds after which RabbitMQ deletes a queue that nobody uses, from 1 to 2592000. None: never.";
    LOG_PARTITIONS = "RUNMILL_LOG_PARTITIONS", Some("4"),
        "Queues that logs are spread over, from 1 to 64. The same in every process.";
    LANE_CONCURRENCY = "RUNMILL_LANE_CONCURRENCY", Some("64"),
        "Calls in flight at a provider that states no limit of its own, from 1 to 100000.";
    BODY_MAX_BYTES = "RUNMILL_BODY_MAX_BYTES", Some("1048576"),
        "The largest body of a request, datasets aside; at least 1024.";
    LINE_MAX_BYTES = "RUNMILL_LINE_MAX_BYTES", Some("8388608"),
        "The longest line of a dataset; at least 1024.";
    DATABASE_POOL = "RUNMILL_DATABASE_POOL", Some("8"),
        "Connections to PostgreSQL that a process holds at most, from 1 to 1000.";
    PRICES = "RUNMILL_PRICES", None,
        "A file of prices, in the format of `docs/prices.md` or LiteLLM's, above the built-in ones. None: only those.";
    OTEL_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", None,
        "A collector of OpenTelemetry that takes OTLP over HTTP, as `http://host:4318`; traces go to `/v1/traces` there. None: no traces.";
    OTEL_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None,
        "The whole URL that traces go to; goes before the one above.";
    OTEL_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS", None,
        "Headers of every export, as `name=value,name=value`, values percent-encoded. A secret.";
    OTEL_SAMPLER = "OTEL_TRACES_SAMPLER", Some("parentbased_always_on"),
        "Which traces are kept: `always_on`, `always_off` or `traceidratio`; behind `parentbased_`, only of those that begin here.";
    OTEL_SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG", Some("1"),
        "The share of traces that `traceidratio` keeps, from 0 to 1.";
    OTEL_SERVICE_NAME = "OTEL_SERVICE_NAME", None,
        "Name of the service in traces. None: `runmill-executor` and so on.";
}
