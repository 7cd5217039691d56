use std::path::PathBuf;

use clap::{Args, Subcommand};
use runmill_proto::{
    ErrorKind, RunConfig, RunId,
    api::{NewRun, PageQuery, RateLimit},
};

use super::{number::within, server::ServerArgs};

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
