mod age;
mod budget;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use runmill_proto::{
    ErrorKind, Generation, Numeric, OutOfRange, ProviderId, Range, Role, RunConfig, RunId, Scorer, Tenant,
    Texts, TokenId,
    api::{Budget, NewRun, PageQuery, ProviderProtocol, RateLimit},
};
use uuid::Uuid;

pub use age::Age;
pub use budget::{BudgetArg, joined as joined_budget};

/// Name of the demo's model. It answers four of five items correctly, as fast as a real model, with some rate
/// limiting and failures.
const DEMO_MODEL: &str = "key=0.8+ttft=150ms+tokens=48+tps=200+fail=429:0.03+fail=500:0.01";

/// Range of the number of items of a run. Their places are 32-bit numbers.
const ITEMS: Range<usize> = Range::new(1, 4_294_967_295);
/// Range of the duration of a call. No time, or more than a day, is a typing error.
const SECONDS_PER_CALL: Range<f64> = Range::new(0.000_001, 86_400.0);
/// Range of the assumed number of tokens of an answer.
const ANSWER_TOKENS: Range<u64> = Range::new(0, 1_000_000_000);
/// Range of the number of calls that the gateway keeps. Each takes about 300 bytes.
const KEPT: Range<usize> = Range::new(0, 1_000_000_000);
/// Range of the number of dead letters that are listed. All of them are held meanwhile.
const DEAD_LETTERS: Range<u32> = Range::new(1, 100_000);
/// Range of the number of days for which a token is valid.
const TOKEN_DAYS: Range<u32> = Range::new(1, 3_650);
/// Range of the number of connections of the gateway.
const CONNECTIONS: Range<usize> = Range::new(1, 1_000_000);

/// Parses numbers within `range`. Options that use it allow negative numbers, so that their error also names the
/// range.
fn within<T>(range: Range<T>) -> impl Fn(&str) -> Result<T, OutOfRange> + Clone + Send + Sync + 'static
where
    T: Numeric + Send + Sync + 'static,
{
    move |text| range.parse(text)
}

/// Executes LLM evaluation and batch-inference runs: every job is answered or reported as failed.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a real dataset against a built-in model; needs no server and no API key
    Demo(DemoArgs),
    /// Run a dataset against a model and wait for the results
    Run(Box<RunArgs>),
    /// Ask a model one short question, and print what the model supports or what is wrong
    SmokeTest(SmokeTestArgs),
    /// Run the whole system in one process: the HTTP API at `RUNMILL_LISTEN`, an executor and a log-sink
    Serve,
    /// Run the service of a cluster that serves the HTTP API and puts jobs into the broker's queues
    Dispatcher,
    /// Run the service of a cluster that calls the models
    Executor,
    /// Run the service of a cluster that writes results to the database
    LogSink,
    /// Serve a deterministic model for tests and demos
    Gateway(GatewayArgs),
    /// Bring the database schema up to date
    Migrate,
    /// Copy the database of the data directory to a file, also while runs go on
    Backup(BackupArgs),
    /// Generate and rotate the keys that encrypt the providers' secrets
    #[command(subcommand)]
    Keys(KeysAction),
    /// List, show, watch, cancel, pause, resume, retry and delete runs, and print their results
    Runs(RunsArgs),
    /// Delete runs that ended long ago, and datasets that no run uses, for good
    Prune(PruneArgs),
    /// Create, list and revoke bearer tokens of the HTTP API
    Tokens(TokensArgs),
    /// List who changed what, newest first
    Audit(AuditArgs),
    /// Show the providers' limits, the executors and the runs on a live page in the terminal
    Top(TopArgs),
    /// List, show, replay and drop dead letters: messages that no service of a cluster could handle
    Dead(DeadArgs),
    /// Check the settings, the database and the broker, and say how to correct what is wrong
    Doctor,
}

#[derive(Args)]
pub struct DemoArgs {
    /// Run only the first N items, from 1 to 4294967295
    #[arg(long, value_name = "N", value_parser = within(ITEMS), allow_negative_numbers = true)]
    pub limit: Option<usize>,
    /// Name of the built-in model, which sets its answers, delays and failures
    #[arg(long, default_value = DEMO_MODEL)]
    pub model: String,
}

#[derive(Args)]
#[command(
    after_help = "Exit code: 0 if the run completed, even if some items failed; 1 if all failed, none of those with a \
    reference could be scored, or the run is paused; 2 if an option, a file, a setting or the token is wrong; 3 if a runmill server, the \
    database or the broker cannot be reached; 130 after an interrupt"
)]
pub struct RunArgs {
    /// File of items: JSONL in runmill's format; with --map, any JSONL or CSV
    pub dataset: PathBuf,
    /// Name of the model at the provider
    #[arg(long)]
    pub model: String,
    #[command(flatten)]
    pub provider: ProviderArgs,
    /// Scorer of the items that do not name a checker of their own
    #[arg(long, value_enum)]
    pub scorer: Option<ScorerArg>,
    /// Regular expression for --scorer regex
    #[arg(long, value_name = "REGEX")]
    pub pattern: Option<String>,
    /// Texts of questions and answers that are stored: all of them, their SHA-256 hashes, or none; scores are stored in any
    /// case (default: all)
    #[arg(long, value_enum)]
    pub texts: Option<TextsArg>,
    /// Number of independent answers to each item, from 1 to 1000 (default: 1)
    #[arg(long, value_name = "N", value_parser = within(RunConfig::SAMPLES), allow_negative_numbers = true)]
    pub samples: Option<u32>,
    /// Run only the first N items, from 1 to 4294967295
    #[arg(long, value_name = "N", value_parser = within(ITEMS), allow_negative_numbers = true)]
    pub limit: Option<usize>,
    /// Maximum number of calls in flight, from 1 to 100000
    #[arg(
        long,
        value_name = "N",
        value_parser = within(RateLimit::CONCURRENCY),
        allow_negative_numbers = true
    )]
    pub concurrency: Option<u32>,
    /// Largest use of the run: a number and its unit, as in 5usd, 100000tokens or 200calls. May be given several times.
    /// When a budget is used up, the run is paused
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    pub budget: Vec<BudgetArg>,
    /// Largest number of calls, retries included, from 1 to 1000000000000; as --budget with the unit calls
    #[arg(long, value_name = "N", value_parser = within(Budget::CALLS), allow_negative_numbers = true)]
    pub max_calls: Option<u64>,
    /// Sampling temperature, from 0 to 100
    #[arg(
        long,
        value_name = "T",
        value_parser = within(Generation::TEMPERATURE),
        allow_negative_numbers = true
    )]
    pub temperature: Option<f64>,
    /// Maximum number of tokens in an answer, from 1 to 1000000000
    #[arg(long, value_name = "N", value_parser = within(Generation::TOKENS), allow_negative_numbers = true)]
    pub max_tokens: Option<u32>,
    /// System prompt, sent before each question
    #[arg(long, value_name = "TEXT")]
    pub system_prompt: Option<String>,
    /// Further parameters of each request as a JSON object, which are passed on unread
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Further run configuration as a JSON object; the options above take precedence
    #[arg(long, value_name = "JSON")]
    pub config: Option<String>,
    /// Field of the file that holds each part of an item, as question=prompt,answer=target,choices=options,id=key
    #[arg(long, value_name = "PART=FIELD,...")]
    pub map: Option<String>,
    /// Print the calls, tokens, cost and time that the run would take; call no model
    #[arg(long, conflicts_with = "out")]
    pub estimate: bool,
    /// For --estimate: assumed duration of a call, in seconds, from 0.000001 to 86400
    #[arg(
        long,
        value_name = "S",
        requires = "estimate",
        default_value_t = 3.0,
        value_parser = within(SECONDS_PER_CALL),
        allow_negative_numbers = true
    )]
    pub seconds_per_call: f64,
    /// For --estimate: assumed minimum number of tokens in an answer, from 0 to 1000000000
    #[arg(
        long,
        value_name = "N",
        requires = "estimate",
        default_value_t = 0,
        value_parser = within(ANSWER_TOKENS),
        allow_negative_numbers = true
    )]
    pub answer_tokens: u64,
    /// File of model prices, in runmill's or LiteLLM's format; used in place of `RUNMILL_PRICES`
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Write the results to this file, one JSON object per line; `-` is standard output. An existing file is replaced when
    /// the run has ended; before, FILE.part has the results of an interrupted run. After a kill, `runmill runs results`
    /// has them
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the finished run or the estimate as JSON on standard output, and show no progress
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct SmokeTestArgs {
    /// Name of the model at the provider
    #[arg(long)]
    pub model: String,
    #[command(flatten)]
    pub provider: ProviderArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the report as JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Provider that the command calls.
#[derive(Args)]
pub struct ProviderArgs {
    /// Base URL of the provider, without /chat/completions, /responses, /messages or /models
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://api.openai.com/v1",
        conflicts_with = "provider"
    )]
    pub base_url: String,
    /// Wire protocol; by default the vendor's own, and OpenAI's chat completions at other addresses
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub protocol: Option<ProtocolArg>,
    /// ID of a provider that the server knows, in place of --base-url
    #[arg(long, value_name = "ID", requires = "server")]
    pub provider: Option<ProviderId>,
    /// Environment variable that holds the API key; by default `ANTHROPIC_API_KEY` at Anthropic's address,
    /// `GEMINI_API_KEY` at Google's, and `OPENAI_API_KEY` at others
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Option<String>,
    /// Header of every request to the provider; it is stored encrypted. May be given several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "provider")]
    pub header: Vec<String>,
    /// Say whether the model takes images; they are sent unless it is `no`, which refuses items that have some
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub images: Option<YesOrNo>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum YesOrNo {
    Yes,
    No,
}

impl YesOrNo {
    pub const fn is_yes(self) -> bool {
        matches!(self, Self::Yes)
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ProtocolArg {
    OpenaiChat,
    OpenaiResponses,
    AnthropicMessages,
    Gemini,
}

impl From<ProtocolArg> for ProviderProtocol {
    fn from(protocol: ProtocolArg) -> Self {
        match protocol {
            ProtocolArg::OpenaiChat => Self::OpenaiChat,
            ProtocolArg::OpenaiResponses => Self::OpenaiResponses,
            ProtocolArg::AnthropicMessages => Self::AnthropicMessages,
            ProtocolArg::Gemini => Self::Gemini,
        }
    }
}

#[derive(Args, Clone)]
pub struct ServerArgs {
    /// URL of a runmill server; its token is read from `RUNMILL_TOKEN`. Without a server, this process uses the local
    /// data directory itself
    #[arg(long, value_name = "URL", env = "RUNMILL_SERVER", global = true)]
    pub server: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ScorerArg {
    Exact,
    Includes,
    Regex,
    Numeric,
    Choice,
    None,
}

impl From<ScorerArg> for Scorer {
    fn from(scorer: ScorerArg) -> Self {
        match scorer {
            ScorerArg::Exact => Self::Exact,
            ScorerArg::Includes => Self::Includes,
            ScorerArg::Regex => Self::Regex,
            ScorerArg::Numeric => Self::Numeric,
            ScorerArg::Choice => Self::Choice,
            ScorerArg::None => Self::None,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum TextsArg {
    All,
    Hashes,
    None,
}

impl From<TextsArg> for Texts {
    fn from(texts: TextsArg) -> Self {
        match texts {
            TextsArg::All => Self::All,
            TextsArg::Hashes => Self::Hashes,
            TextsArg::None => Self::None,
        }
    }
}

#[derive(Args)]
pub struct GatewayArgs {
    /// Address to listen on; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// File of items, in runmill's format, whose answers the model `key` knows
    #[arg(long, value_name = "FILE")]
    pub answer_key: Option<PathBuf>,
    /// Append one JSON object for every call to this file
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Maximum number of calls kept for /_gateway/calls, from 0 to 1000000000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        value_parser = within(KEPT),
        allow_negative_numbers = true
    )]
    pub keep: usize,
    /// Maximum number of open connections, from 1 to 1000000; further ones wait
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = within(CONNECTIONS),
        allow_negative_numbers = true
    )]
    pub connections: usize,
}

#[derive(Args)]
#[command(
    after_help = "The copy is of one moment. It has no key: without ENCRYPTION_KEY, or the file encryption.key of the data \
    directory, the providers' secrets in it cannot be decrypted. To restore it, put it as runmill.db into an empty directory, \
    the key beside it, and name that directory in RUNMILL_DATA_DIR"
)]
pub struct BackupArgs {
    /// New file for the copy
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Subcommand)]
pub enum KeysAction {
    /// Print a new key for `ENCRYPTION_KEY`
    Generate,
    /// Encrypt all secrets with the first key of `ENCRYPTION_KEY`, so that its other keys can be removed
    Rotate,
}

#[derive(Args)]
pub struct PruneArgs {
    /// Age from which runs are deleted, counted from their end, as 90d or 12h; for datasets, from their upload
    #[arg(long, value_name = "AGE")]
    pub older_than: Age,
    /// Before something is deleted, write it to a file of this folder, as NDJSON compressed with zstd. `runmill runs results
    /// --archive DIR` reads it
    #[arg(long, value_name = "DIR")]
    pub archive: Option<PathBuf>,
    /// Print what would be deleted, and delete nothing
    #[arg(long, conflicts_with = "archive")]
    pub dry_run: bool,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the numbers as JSON instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct RunsArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: RunsAction,
}

#[derive(Subcommand)]
pub enum RunsAction {
    /// List the newest runs
    List {
        /// Maximum number of runs, from 1 to 1000
        #[arg(
            long,
            value_name = "N",
            default_value_t = 20,
            value_parser = within(PageQuery::LIMIT),
            allow_negative_numbers = true
        )]
        limit: u32,
    },
    /// Show one run
    Show {
        /// ID of the run
        id: RunId,
        /// Read the run from this folder, to which `runmill prune --archive` wrote it
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
    },
    /// Delete a run that has ended, with its results, for good
    Delete {
        /// ID of the run
        id: RunId,
    },
    /// Print the events of a run as they occur, until it ends
    Watch {
        /// ID of the run
        id: RunId,
    },
    /// Cancel a run: no further calls start, and calls in flight are dropped
    Cancel {
        /// ID of the run
        id: RunId,
        /// Let the calls in flight finish
        #[arg(long)]
        graceful: bool,
    },
    /// Change a run while it runs
    Set {
        /// ID of the run
        id: RunId,
        #[command(flatten)]
        change: RunChange,
    },
    /// Give a run more samples; without a server, `runmill runs resume` then works on them
    Extend {
        /// ID of the run
        id: RunId,
        /// Number of independent answers to each item that the run shall have in the end, from 1 to 1000
        #[arg(long, value_name = "N", value_parser = within(RunConfig::SAMPLES), allow_negative_numbers = true)]
        samples: u32,
    },
    /// Pause a run
    Pause {
        /// ID of the run
        id: RunId,
    },
    /// Print the results that a run has so far, one JSON object per line
    Results {
        /// ID of the run
        id: RunId,
        /// File for the results; `-` is standard output
        #[arg(long, value_name = "FILE", default_value = "-")]
        out: PathBuf,
        /// Read the results from this folder, to which `runmill prune --archive` wrote them
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
    },
    /// Resume a paused run; without a server, work on a paused or interrupted run until it ends
    Resume {
        /// ID of the run
        id: RunId,
        /// Without a server: write the results to this file; `-` is standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Retry the failed jobs of a run that has ended
    #[command(alias = "retry")]
    RetryFailed {
        /// ID of the run
        id: RunId,
        /// Retry only jobs that failed with this kind of error, such as `total_timeout`; may be repeated
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<ErrorKind>,
    },
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct RunChange {
    /// Share of the provider's capacity, relative to the priorities of its other runs, from 1 to 100
    #[arg(long, value_name = "N", value_parser = within(NewRun::PRIORITY), allow_negative_numbers = true)]
    pub priority: Option<u32>,
    /// Maximum number of jobs in the queue and in flight, from 1 to 100000
    #[arg(
        long,
        value_name = "N",
        value_parser = within(RateLimit::CONCURRENCY),
        allow_negative_numbers = true
    )]
    pub concurrency: Option<u32>,
    /// Remove the maximum number of jobs in the queue and in flight
    #[arg(long, conflicts_with = "concurrency")]
    pub no_concurrency: bool,
}

#[derive(Args)]
pub struct TokensArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: TokensAction,
}

#[derive(Subcommand)]
pub enum TokensAction {
    /// Create a token, and print it once: it cannot be shown again
    Create(NewTokenArgs),
    /// List all tokens, also those that have expired or were revoked
    List,
    /// Change the budget of a token; runs that waited for it resume
    Set {
        /// ID of the token
        id: TokenId,
        #[command(flatten)]
        change: TokenChange,
    },
    /// Revoke a token: every server refuses it within five seconds
    Revoke {
        /// ID of the token
        id: TokenId,
    },
}

#[derive(Args)]
pub struct NewTokenArgs {
    /// Name of the token's user, of 1 to 200 characters, which the audit log shows
    pub name: String,
    /// Role: `observe` reads, `submit` also submits runs, `admin` also changes providers and tokens
    #[arg(long, value_enum)]
    pub role: RoleArg,
    /// Tenant, whose runs, datasets and providers the token sees (default: the tenant of the token that creates it, or
    /// `default`)
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<Tenant>,
    /// Make a token that sees all tenants
    #[arg(long, conflicts_with = "tenant")]
    pub all_tenants: bool,
    /// ID of a provider that the token may use; without the option, it may use all of its tenant. May be given several times
    #[arg(long, value_name = "ID")]
    pub provider: Vec<ProviderId>,
    /// Largest use of all runs that the token submits: a number and its unit, as in 5usd, 100000tokens or 200calls. May be
    /// given several times. When a budget is used up, the runs are paused
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    pub budget: Vec<BudgetArg>,
    /// Number of days after which the token expires, from 1 to 3650; without the option, it does not expire
    #[arg(long, value_name = "N", value_parser = within(TOKEN_DAYS), allow_negative_numbers = true)]
    pub days: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct TokenChange {
    /// New budget: a number and its unit, as in 5usd, 100000tokens or 200calls. May be given several times
    #[arg(long, value_name = "BUDGET", allow_negative_numbers = true)]
    pub budget: Vec<BudgetArg>,
    /// Remove the budget
    #[arg(long)]
    pub no_budget: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum RoleArg {
    Observe,
    Submit,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Observe => Self::Observe,
            RoleArg::Submit => Self::Submit,
            RoleArg::Admin => Self::Admin,
        }
    }
}

#[derive(Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Maximum number of entries, from 1 to 1000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = within(PageQuery::LIMIT),
        allow_negative_numbers = true
    )]
    pub limit: u32,
}

#[derive(Args)]
pub struct TopArgs {
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Args)]
pub struct DeadArgs {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: DeadAction,
}

#[derive(Subcommand)]
pub enum DeadAction {
    /// List the oldest dead letters
    List {
        /// Maximum number of dead letters, from 1 to 100000
        #[arg(
            long,
            value_name = "N",
            default_value_t = 100,
            value_parser = within(DEAD_LETTERS),
            allow_negative_numbers = true
        )]
        limit: u32,
    },
    /// Show one dead letter with its content
    Show {
        /// ID of the dead letter
        id: Uuid,
    },
    /// Put dead letters back into the queues that they came from
    Replay(DeadSelection),
    /// Delete dead letters for good
    Drop {
        #[command(flatten)]
        selection: DeadSelection,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Dead letters that a command acts on.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct DeadSelection {
    /// IDs of the dead letters
    #[arg(value_name = "ID")]
    pub ids: Vec<Uuid>,
    /// All dead letters that exist now
    #[arg(long)]
    pub all: bool,
}
