use std::path::PathBuf;

use clap::{Args, ValueEnum};
use runmill_proto::{
    Generation, Range, Reuse, RunConfig, Scorer, Texts, Unscored,
    api::{Budget, RateLimit},
};

use super::{
    budget::BudgetArg,
    gate::GateArgs,
    number::{ITEMS, within},
    provider::ProviderArgs,
    server::ServerArgs,
};

/// Range of the duration of a call. No time, or more than a day, is a typing error.
const SECONDS_PER_CALL: Range<f64> = Range::new(0.000_001, 86_400.0);
/// Range of the assumed number of tokens of an answer.
const ANSWER_TOKENS: Range<u64> = Range::new(0, 1_000_000_000);

#[derive(Args)]
#[command(
    after_help = "Exit code: 0 if the run completed; 1 if all items failed, none of those with a reference could be scored, or \
    the run is paused; 2 if an option, a file, a setting or the token is wrong; 3 if a runmill server, the database or the broker \
    cannot be reached; 4 if --min-score, --no-worse-than or --max-failed is missed; 5 if some items failed; 130 after an interrupt"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct RunArgs {
    /// File of a suite (.yaml), or file of items: JSONL, JSON, CSV, TSV, Parquet, Arrow or Excel, also packed with gzip or zstd; `-` is standard input. Known data sets are
    /// recognised, and --map names the fields of others. `runmill dataset check` shows how a file is understood
    pub dataset: PathBuf,
    /// Name of the model at the provider. With several, each is run, and one table shows them all
    #[arg(long)]
    pub model: Vec<String>,
    #[command(flatten)]
    pub provider: ProviderArgs,
    /// Scorer of the items that do not name a checker of their own. May be given several times: the run is shown by the first,
    /// and the summary has the score of each
    #[arg(long, value_enum)]
    pub scorer: Vec<ScorerArg>,
    /// Regular expression for --scorer pattern or regex
    #[arg(long, value_name = "REGEX")]
    pub pattern: Option<String>,
    /// Texts of questions and answers that are stored: all of them, their SHA-256 hashes, or none; scores are stored in any
    /// case (default: all)
    #[arg(long, value_enum)]
    pub texts: Option<TextsArg>,
    /// Treatment of answers that the scorer could not read: skip leaves them out of the score, zero counts them as wrong
    /// (default: skip)
    #[arg(long, value_enum)]
    pub unscored: Option<UnscoredArg>,
    /// Answers of earlier runs that are taken over instead of calls: exact takes over the answer to the same request to the same
    /// provider and model, none calls the model for all (default: none). --estimate counts all calls
    #[arg(long, value_enum)]
    pub reuse: Option<ReuseArg>,
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
    /// Maximum number of calls a minute to the provider, from 1 to 1000000000, and a small burst
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "provider",
        value_parser = within(RateLimit::RPM),
        allow_negative_numbers = true
    )]
    pub rpm: Option<u32>,
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
    /// File with the system prompt
    #[arg(long, value_name = "FILE", conflicts_with = "system_prompt")]
    pub system: Option<PathBuf>,
    /// File with the prompt template, in Jinja: `{{ text }}` is the question, and each field of the file has its own name
    #[arg(long, value_name = "FILE")]
    pub prompt: Option<PathBuf>,
    /// Further parameters of each request as a JSON object, which are passed on unread
    #[arg(long, value_name = "JSON")]
    pub extra_body: Option<String>,
    /// Further run configuration as a JSON object, or a file that has one; the options above take precedence
    #[arg(long, value_name = "JSON|FILE")]
    pub config: Option<String>,
    /// Field of the file that holds each part of an item, as question=prompt,answer=target,choices=options,id=key. Dots lead
    /// into objects (choices.text), choices=A|B|C are columns, and answer=FIELD:index0, :index1, :letter or :text says how the
    /// right choice is named
    #[arg(long, value_name = "PART=FIELD,...")]
    pub map: Option<String>,
    /// Print the calls, tokens, cost and time that the run would take; call no model and write no file
    #[arg(long)]
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
    /// Write the results to this file, by its suffix as .jsonl, .csv, .parquet, .eval (inspect), .html, .junit.xml, .batch.jsonl or
    /// .eval752.zip; `-` is standard output. May be given several times. An existing file is replaced when the run has ended; before, FILE.part has the results of an interrupted run.
    /// `runmill runs results` has them in any case
    #[arg(long, value_name = "FILE")]
    pub out: Vec<PathBuf>,
    /// Name of the run, by which other commands find it (default: that of the file)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Call the model again for what an equal command has answered before. Otherwise its run is shown, at no cost
    #[arg(long)]
    pub again: bool,
    /// Wait for a good key if the provider refuses the key. Otherwise the command ends, and the run is paused
    #[arg(long)]
    pub wait_for_key: bool,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the finished run or the estimate as JSON on standard output, an error as JSON on standard error, and show no
    /// progress
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ScorerArg {
    Exact,
    Includes,
    Regex,
    Numeric,
    Choice,
    Match,
    Pattern,
    Answer,
    F1,
    Json,
    Math,
    Code,
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
            ScorerArg::Match => Self::Match,
            ScorerArg::Pattern => Self::Pattern,
            ScorerArg::Answer => Self::Answer,
            ScorerArg::F1 => Self::F1,
            ScorerArg::Json => Self::Json,
            ScorerArg::Math => Self::Math,
            ScorerArg::Code => Self::Code,
            ScorerArg::None => Self::None,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum UnscoredArg {
    Skip,
    Zero,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ReuseArg {
    None,
    Exact,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum TextsArg {
    All,
    Hashes,
    None,
}

impl From<UnscoredArg> for Unscored {
    fn from(unscored: UnscoredArg) -> Self {
        match unscored {
            UnscoredArg::Skip => Self::Skip,
            UnscoredArg::Zero => Self::Zero,
        }
    }
}

impl From<ReuseArg> for Reuse {
    fn from(reuse: ReuseArg) -> Self {
        match reuse {
            ReuseArg::None => Self::None,
            ReuseArg::Exact => Self::Exact,
        }
    }
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
