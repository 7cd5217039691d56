use runmill_address::{ALLOW_HTTP as ALLOW_HTTP_NAME, ALLOW_LINK_LOCAL as ALLOW_LINK_LOCAL_NAME};

/// One variable of the environment.
#[derive(Debug)]
pub struct Variable {
    pub name: &'static str,
    /// Default, as it would be written in `.env`. If it is `None`, there is no default, and `summary` describes what
    /// happens without a value.
    pub default: Option<&'static str>,
    pub summary: &'static str,
}

/// Declares each variable as a constant, and [`VARIABLES`] as the list of all.
macro_rules! variables {
    ($($ident:ident = $name:expr, $default:expr, $summary:literal;)+) => {
        $(pub(crate) const $ident: Variable =
            Variable { name: $name, default: $default, summary: $summary };)+

        /// Every variable that runmill reads from the environment. A test compares the list with `.env.example` and
        /// `docs/configuration.md`.
        pub const VARIABLES: &[&Variable] = &[$(&$ident),+];
    };
}

variables! {
    APP_NAME = "APP_NAME", Some("runmill"),
        "Name of the installation, in every log line.";
    APP_ENV = "APP_ENV", Some("development"),
        "Environment of the installation, such as `production`, in every log line.";
    APP_LOG_LEVEL = "APP_LOG_LEVEL", Some("INFO"),
        "Log level: `TRACE`, `DEBUG`, `INFO`, `WARNING`, `ERROR` or `OFF`; or directives such as `info,runmill_broker=debug`.";
    DATABASE_URL = "DATABASE_URL", None,
        "URL of PostgreSQL, as `postgresql://user:password@host/database`; `postgresql+psycopg://` is accepted too. Its parameters `sslmode`, `sslrootcert`, `sslcert` and `sslkey` are those of libpq (docs/operations.md). If unset, SQLite in the data directory is used.";
    AMQP_URL = "AMQP_URL", None,
        "URL of RabbitMQ, as `amqp://user:password@host/vhost` or `amqps://`, which has the parameters `cacertfile`, `certfile`, `keyfile` and `verify` (docs/operations.md). If unset, the broker runs inside the process.";
    ENCRYPTION_KEY = "ENCRYPTION_KEY", None,
        "Key that encrypts providers' secrets: 32 bytes as 64 hex digits. Of several keys, separated by commas, the first encrypts and all decrypt. If unset, a standalone process generates a key and keeps it in the data directory.";
    RECONCILE_INTERVAL = "RUN_RETRY_POLL_INTERVAL_SECONDS", Some("30"),
        "Seconds between two rounds in which the dispatcher ends canceled runs, resumes runs whose time has come and feeds lost jobs again, from 0.1 to 3600.";
    LISTEN = "RUNMILL_LISTEN", Some("127.0.0.1:8080"),
        "Address and port of the HTTP API.";
    FRONT_DOOR_LISTEN = "RUNMILL_FRONT_DOOR_LISTEN", None,
        "Address and port of the endpoints for clients of OpenAI and Anthropic (`/v1/...`). If unset, they are at `RUNMILL_LISTEN`. TLS and the limits of connections are those of the API.";
    PUBLIC_URL = "RUNMILL_PUBLIC_URL", None,
        "URL under which clients reach the HTTP API, such as `https://runmill.example.com`, for the configurations of LightEval. If unset, it is the host that a request names, and no runs with `use_lighteval_executor` are taken.";
    CORS_ORIGINS = "RUNMILL_CORS_ORIGINS", None,
        "Origins, separated by commas, whose pages may call the HTTP API from a browser, such as `https://platform.example.com`. If unset, there are none. A browser sends its session along only from pages of the same site, and with it such a page reads and changes nothing.";
    OPS_LISTEN = "RUNMILL_OPS_LISTEN", Some("127.0.0.1:0"),
        "Address and port of `/healthz`, `/readyz` and `/metrics`, which a flood of the API's port does not reach. With port 0 the system chooses a free port, and the log names it. A dispatcher and `runmill serve` have the same paths at `RUNMILL_LISTEN`, too.";
    CONNECTIONS_MAX = "RUNMILL_CONNECTIONS_MAX", Some("512"),
        "Maximum number of the API's connections of callers that have signed in, from 1 to 100000. At most half of the process's open files are used. 128 more, at most an eighth of the files, are for others.";
    IDLE_TIMEOUT = "RUNMILL_IDLE_TIMEOUT_SECONDS", Some("75"),
        "Seconds after which the API closes a connection on which no request comes, from 1 to 3600. A load balancer before it must close its own earlier.";
    TLS_CERT_FILE = "RUNMILL_TLS_CERT_FILE", None,
        "Path of a PEM file with the API's certificate and its chain. If unset, the API speaks plain HTTP. A changed file is used without a restart.";
    TLS_KEY_FILE = "RUNMILL_TLS_KEY_FILE", None,
        "Path of a PEM file with the private key of `RUNMILL_TLS_CERT_FILE`, without a passphrase.";
    TLS_CLIENT_CA_FILE = "RUNMILL_TLS_CLIENT_CA_FILE", None,
        "Path of a PEM file with authorities. If set, each client of the API must have a certificate of one of them.";
    DATA_DIR = "RUNMILL_DATA_DIR", None,
        "Directory in which a standalone process keeps its database and key. If unset, `$XDG_DATA_HOME/runmill`, else `$HOME/.local/share/runmill`, else `.runmill`.";
    DRAIN_TIMEOUT = "RUNMILL_DRAIN_TIMEOUT_SECONDS", Some("30"),
        "Seconds that work in flight may take after the process is asked to stop, from 0 to 3600.";
    TOKENS = "RUNMILL_TOKENS", None,
        "Bearer tokens of the API for the first start, as `role:token,role:token`, beside those that `runmill tokens create` makes. Roles are `admin`, `submit` and `observe`; a token has 16 characters or more. If unset, a standalone process generates an admin's token and keeps it in the data directory.";
    SERVER = "RUNMILL_SERVER", None,
        "Server that `runmill run`, `runs`, `prune`, `tokens`, `audit`, `top` and `smoke-test` use, as `http://host:8080` or `https://`. If unset, they work in their own process with the local data directory.";
    SERVER_CA_FILE = "RUNMILL_SERVER_CA_FILE", None,
        "Path of a PEM file with certificates of authorities that commands trust for `RUNMILL_SERVER`, beside those of the system.";
    SERVER_CERT_FILE = "RUNMILL_SERVER_CERT_FILE", None,
        "Path of a PEM file with the certificate that commands show to `RUNMILL_SERVER`.";
    SERVER_KEY_FILE = "RUNMILL_SERVER_KEY_FILE", None,
        "Path of a PEM file with the private key of `RUNMILL_SERVER_CERT_FILE`.";
    TOKEN = "RUNMILL_TOKEN", None,
        "Bearer token that `runmill run`, `runs`, `prune`, `tokens`, `audit`, `top` and `smoke-test` send to the server.";
    ALLOW_HTTP = ALLOW_HTTP_NAME, Some("false"),
        "`true` allows providers and webhooks at `http` addresses anywhere; `false` only on this machine (127.0.0.0/8, ::1, localhost). Must be the same for dispatchers and executors.";
    ALLOW_LINK_LOCAL = ALLOW_LINK_LOCAL_NAME, Some("false"),
        "`true` allows providers and webhooks at link-local addresses and at the metadata addresses of clouds, such as 169.254.169.254, also behind a name. Must be the same for dispatchers and executors.";
    PROVIDER_PROXY = "RUNMILL_PROVIDER_PROXY", Some("none"),
        "Proxy through which an executor calls providers that state none of their own, and a dispatcher webhooks, as `http://proxy:3128`, also with `user:password@`; its scheme is `http`, `https`, `socks5` or `socks5h`. With `socks5` the process resolves the name of the provider, with the others the proxy does. `none` calls them directly. `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` are not read. It may be secret.";
    NO_PROXY = "NO_PROXY", None,
        "Providers and webhooks that are called without `RUNMILL_PROVIDER_PROXY`: names (with their subdomains), addresses and networks such as `10.0.0.0/8`, separated by commas. `no_proxy` is read too. This machine is never called through a proxy.";
    PROVIDER_CA_FILE = "RUNMILL_PROVIDER_CA_FILE", None,
        "Path of a PEM file with certificates of authorities that calls of providers and webhooks trust, beside those of the system.";
    WEBHOOK_SECRET = "RUNMILL_WEBHOOK_SECRET", None,
        "Secret that signs the requests to webhooks, as `whsec_` and then 24 to 64 bytes in base64. Of several secrets, separated by commas, each signs. Must be the same for all dispatchers. If unset, runs with a webhook are refused.";
    WEBHOOK_HOSTS = "RUNMILL_WEBHOOK_HOSTS", None,
        "Hosts to which webhooks may lead: names (with their subdomains) and addresses, separated by commas. Must be the same for all dispatchers. If unset, every host that a provider could have.";
    QUEUE_PREFIX = "RUNMILL_QUEUE_PREFIX", Some("runmill"),
        "Prefix of the names of all exchanges and queues. Must be the same in every process.";
    QUEUE_EXPIRES = "RUNMILL_QUEUE_EXPIRES_SECONDS", None,
        "Seconds after which RabbitMQ deletes an unused queue, from 1 to 2592000. If unset, queues are kept. A change holds for queues that are declared later; existing ones are used as they are.";
    LOG_PARTITIONS = "RUNMILL_LOG_PARTITIONS", Some("4"),
        "Number of queues over which the records of finished calls are spread on their way to the log-sinks, from 1 to 64. Must be the same in every process; log-sinks also read the queues of a former larger number.";
    LANE_CONCURRENCY = "RUNMILL_LANE_CONCURRENCY", Some("64"),
        "Maximum number of calls in flight per executor at a provider that states no `rate_limit.concurrency`, from 1 to 100000.";
    EXECUTOR_CALLS = "RUNMILL_EXECUTOR_CALLS", Some("256"),
        "Number of calls in flight that one executor is given when runmill tells how many executors it can use (docs/operations.md), from 1 to 100000. An executor may have more: it needs two open files for each.";
    SCALE_DOWN = "RUNMILL_SCALE_DOWN_SECONDS", Some("120"),
        "Seconds for which a need of executors holds after it was last seen, from 1 to 86400: the number of executors that runmill asks for rises at once, and falls after this time.";
    LIMITS_WITHOUT_STORE = "RUNMILL_LIMITS_WITHOUT_STORE", Some("stop"),
        "How an executor that has not reached the database for 12 seconds keeps providers' limits: `stop` starts no calls; `share` goes on with an equal share for each executor that it knew last, which may exceed a limit if others have joined or have calls open.";
    LIGHTEVAL = "RUNMILL_LIGHTEVAL", None,
        "Path of the command `lighteval` (0.13.0). An executor that has it also executes runs with `use_lighteval_executor`; set it only when all processes are of this release. `runmill lighteval` uses it, too. If unset, the executor takes no such runs.";
    LIGHTEVAL_TASKS = "RUNMILL_LIGHTEVAL_TASKS", None,
        "Folder of Python files with tasks of your own, which runs name by `lighteval.custom_tasks`.";
    LIGHTEVAL_DATA = "RUNMILL_LIGHTEVAL_DATA", None,
        "Folder with local data sets by their names, such as `openai/gsm8k`. LightEval uses no network for data sets.";
    CODE_SCORER = "RUNMILL_CODE_SCORER", Some("false"),
        "`true` lets an executor run the programs of answers for the scorer `code`, in a sandbox of bubblewrap or unshare ([what it contains](code-scoring.md)).";
    BODY_MAX_BYTES = "RUNMILL_BODY_MAX_BYTES", Some("1048576"),
        "Largest size of a request's body in bytes, except for datasets, from 1024 to 1073741824.";
    CALL_MAX_BYTES = "RUNMILL_CALL_MAX_BYTES", Some("16777216"),
        "Largest size in bytes of a request to `/v1/chat/completions` and the other endpoints that ask a model, from 1024 to 1073741824. RabbitMQ's `max_message_size` must be larger.";
    LINE_MAX_BYTES = "RUNMILL_LINE_MAX_BYTES", Some("8388608"),
        "Longest line of a dataset in bytes, from 1024 to 1073741824.";
    DATABASE_POOL = "RUNMILL_DATABASE_POOL", Some("8"),
        "Largest number of connections that a process opens to PostgreSQL, from 1 to 1000.";
    KEEP_DAYS = "RUNMILL_KEEP_DAYS", None,
        "Days for which runs are kept after their end, and datasets that no run uses after their upload, from 1 to 36500. The dispatcher that feeds deletes what is older, for good and without an archive; `runmill prune` makes one. If unset, all is kept.";
    PRICES = "RUNMILL_PRICES", None,
        "Path of a price table, in the format of `docs/prices.md` or LiteLLM's, which takes precedence over the built-in one. If unset, only the built-in one is used.";
    OTEL_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", None,
        "URL of an OpenTelemetry collector that accepts OTLP over HTTP, as `http://host:4318`; traces are sent to `/v1/traces` there. If unset, there are no traces.";
    OTEL_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None,
        "Full URL to which traces are sent; takes precedence over `OTEL_EXPORTER_OTLP_ENDPOINT`.";
    OTEL_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS", None,
        "Headers of every export, as `name=value,name=value`, with values percent-encoded. They are secret.";
    OTEL_SAMPLER = "OTEL_TRACES_SAMPLER", Some("parentbased_always_on"),
        "Traces that are kept: `always_on`, `always_off` or `traceidratio`. With `parentbased_` in front, a trace that began in another program is kept if that program keeps it.";
    OTEL_SAMPLER_ARG = "OTEL_TRACES_SAMPLER_ARG", Some("1"),
        "Share of traces that `traceidratio` keeps, from 0 to 1.";
    OTEL_SERVICE_NAME = "OTEL_SERVICE_NAME", None,
        "Name of the service in traces. If unset, it is `runmill-executor` and so on.";
}
