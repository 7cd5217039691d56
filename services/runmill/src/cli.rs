use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use runmill_proto::{ProviderId, RunId, Scorer, api::ProviderProtocol};

/// Executes LLM evaluation and batch-inference runs: each item is answered once, or reported as failed.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a real dataset against a built-in model server: no server, no key
    Demo(DemoArgs),
    /// Run a dataset against a model, and wait for the results
    Run(Box<RunArgs>),
    /// Ask a model one short question, and say what it can do or what is wrong
    SmokeTest(SmokeTestArgs),
    /// Serve everything from one process: the API, the executor, the log-sink
    Serve,
    /// Serve the API and feed jobs, as one service of a cluster
    Dispatcher,
    /// Execute jobs, as one service of a cluster
    Executor,
    /// Write results, as one service of a cluster
    LogSink,
    /// Serve a deterministic model, for tests and demos
    Gateway(GatewayArgs),
    /// Bring the database's schema up to date
    Migrate,
    /// Keys that seal the providers' secrets
    #[command(subcommand)]
    Keys(KeysAction),
    /// Look at runs, and steer them
    Runs(RunsArgs),
    /// Check settings, broker and database, and say what is wrong
    Doctor,
}

#[derive(Args)]
pub struct DemoArgs {
    /// Run only the first N items
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// What the built-in model does, in the gateway's grammar
    #[arg(long, default_value = crate::command::demo::MODEL)]
    pub model: String,
}

#[derive(Args)]
pub struct RunArgs {
    /// Items: JSONL in runmill's format, or JSONL or CSV with --map
    pub dataset: PathBuf,
    /// The model, as the provider names it
    #[arg(long)]
    pub model: String,
    #[command(flatten)]
    pub provider: ProviderArgs,
    /// How answers are scored; by default as the items say
    #[arg(long, value_enum)]
    pub scorer: Option<ScorerArg>,
    /// For the regex scorer
    #[arg(long, value_name = "REGEX")]
    pub pattern: Option<String>,
    /// Independent answers to each item
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// Run only the first N items
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Calls in flight at once
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u32>,
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u32>,
    #[arg(long, value_name = "TEXT")]
    pub system_prompt: Option<String>,
    /// More of the run's configuration, as a JSON object; the options above are stronger
    #[arg(long, value_name = "JSON")]
    pub config: Option<String>,
    /// Names of the fields in the file, as question=prompt,answer=target,choices=options
    #[arg(long, value_name = "FIELD=NAME,...")]
    pub map: Option<String>,
    /// Say what the run would take in calls, tokens, money and time, and call nothing
    #[arg(long, conflicts_with = "out")]
    pub estimate: bool,
    /// For --estimate: seconds that a call is assumed to take
    #[arg(long, value_name = "S", requires = "estimate", default_value_t = 3.0, value_parser = seconds)]
    pub seconds_per_call: f64,
    /// For --estimate: tokens that an answer is assumed to have at least
    #[arg(long, value_name = "N", requires = "estimate", default_value_t = 0)]
    pub answer_tokens: u64,
    /// Prices of models, in runmill's format or LiteLLM's; instead of `RUNMILL_PRICES`
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Write the results here, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the finished run, or the estimate, as JSON on standard output, and progress nowhere
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    // A call that takes no time, or more than a day, is a typing error.
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(seconds)
    } else {
        Err("must be above 0 and at most 86400".to_owned())
    }
}

#[derive(Args)]
pub struct SmokeTestArgs {
    /// The model, as the provider names it
    #[arg(long)]
    pub model: String,
    #[command(flatten)]
    pub provider: ProviderArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Whom to call.
#[derive(Args)]
pub struct ProviderArgs {
    /// The provider's address, up to and without /chat/completions, /responses, /messages or /models
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://api.openai.com/v1",
        conflicts_with = "provider"
    )]
    pub base_url: String,
    /// What is spoken there; by default what its vendor speaks, else OpenAI's chat completions
    #[arg(long, value_enum, conflicts_with = "provider")]
    pub protocol: Option<ProtocolArg>,
    /// A provider that the server knows, instead of --base-url
    #[arg(long, value_name = "ID", requires = "server")]
    pub provider: Option<ProviderId>,
    /// The environment variable that holds the API key; by default `OPENAI_API_KEY`, at Anthropic's address
    /// `ANTHROPIC_API_KEY` and at Google's `GEMINI_API_KEY`
    #[arg(long, value_name = "NAME")]
    pub api_key_env: Option<String>,
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
    /// A runmill server; none: this process does it all. Its token is read from `RUNMILL_TOKEN`
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

#[derive(Args)]
pub struct GatewayArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Items whose answers the model `key` knows, in runmill's format
    #[arg(long, value_name = "FILE")]
    pub answer_key: Option<PathBuf>,
    /// Append a JSON object a line for every call
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Calls kept for /_gateway/calls
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub keep: usize,
    /// Connections at once; further ones wait
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub connections: usize,
}

#[derive(Subcommand)]
pub enum KeysAction {
    /// Print a new key for `ENCRYPTION_KEY`
    Generate,
    /// Seal everything under the first key of `ENCRYPTION_KEY`, so that the others can go
    Rotate,
}

#[derive(Args)]
pub struct RunsArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: RunsAction,
}

#[derive(Subcommand)]
pub enum RunsAction {
    /// The newest runs
    List {
        /// At most N
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// One run
    Show { id: RunId },
    /// A run's events, as they come
    Watch { id: RunId },
    /// Cancel a run
    Cancel { id: RunId },
    /// Pause a run
    Pause { id: RunId },
    /// Resume a paused run
    Resume { id: RunId },
    /// Try the failed jobs of an ended run again
    RetryFailed { id: RunId },
}
