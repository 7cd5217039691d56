use std::path::PathBuf;

use clap::{Args, Subcommand};
use runmill_proto::{
    ErrorKind, Range, RunConfig,
    api::{NewRun, PageQuery, RateLimit},
};

use super::{
    number::within,
    results::{ExportArgs, ResultsArgs},
    run::ScorerArg,
    run_name::{RunArg, RunName},
    server::ServerArgs,
};

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
        #[command(flatten)]
        run: RunArg,
        /// Read the run from this folder, to which `runmill prune --archive` wrote it
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
    },
    /// Show the results that a run has so far: what was asked, what was answered, and why it has its score
    Results(ResultsArgs),
    /// Write the results that a run has so far to a file, in the format of the tool that reads it
    Export(ExportArgs),
    /// Compare a run with another one, item by item
    Compare {
        /// Run to compare with: its ID or name, or `last`
        a: RunName,
        /// Run that is compared
        b: RunName,
        /// Number of changed items that are listed, from 0 to 1000
        #[arg(
            long,
            value_name = "N",
            default_value_t = 20,
            value_parser = within(CHANGED),
            allow_negative_numbers = true
        )]
        changed: usize,
    },
    /// Score the answers of an ended run by another scorer; calls no model, and keeps the scores so far
    Rescore {
        #[command(flatten)]
        run: RunArg,
        /// Scorer of the items that do not name a checker of their own
        #[arg(long, value_enum)]
        scorer: ScorerArg,
        /// Regular expression for --scorer pattern or regex
        #[arg(long, value_name = "REGEX", required_if_eq_any([("scorer", "pattern"), ("scorer", "regex")]))]
        pattern: Option<String>,
    },
    /// Delete a run that has ended, with its results, for good
    Delete {
        #[command(flatten)]
        run: RunArg,
    },
    /// Print the events of a run as they occur, until it ends
    Watch {
        #[command(flatten)]
        run: RunArg,
    },
    /// Cancel a run: no further calls start, and calls in flight are dropped
    Cancel {
        #[command(flatten)]
        run: RunArg,
        /// Let the calls in flight finish
        #[arg(long)]
        graceful: bool,
    },
    /// Change a run while it runs
    Set {
        #[command(flatten)]
        run: RunArg,
        #[command(flatten)]
        change: RunChange,
    },
    /// Give a run more samples; without a server, `runmill runs resume` then works on them
    Extend {
        #[command(flatten)]
        run: RunArg,
        /// Number of independent answers to each item that the run shall have in the end, from 1 to 1000
        #[arg(long, value_name = "N", value_parser = within(RunConfig::SAMPLES), allow_negative_numbers = true)]
        samples: u32,
    },
    /// Pause a run
    Pause {
        #[command(flatten)]
        run: RunArg,
    },
    /// Resume a paused run; without a server, work on a paused or interrupted run until it ends
    Resume {
        #[command(flatten)]
        run: RunArg,
        /// Without a server: write the results to this file, by its suffix as .jsonl, .csv, .parquet, .eval (inspect),
        /// .junit.xml, .html, .batch.jsonl or .eval752.zip; `-` is standard output. May be given several times
        #[arg(long, value_name = "FILE")]
        out: Vec<PathBuf>,
    },
    /// Retry the failed jobs of a run that has ended; without a server, work on them until they have ended
    #[command(alias = "retry")]
    RetryFailed {
        #[command(flatten)]
        run: RunArg,
        /// Retry only jobs that failed with this kind of error, such as `total_timeout`; may be repeated
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<ErrorKind>,
    },
}

/// Range of the number of changed items that are listed: a server tells the first 1,000.
const CHANGED: Range<usize> = Range::new(0, 1_000);

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
