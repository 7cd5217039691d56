mod age;
mod audit;
mod backup;
mod budget;
mod dataset;
mod dead;
mod demo;
#[cfg(test)]
mod documented;
mod gate;
mod gateway;
mod generated;
mod healthcheck;
mod keys;
mod lighteval;
mod number;
mod provider;
mod provider_name;
mod providers;
mod prune;
mod results;
mod run;
mod run_name;
mod runs;
mod server;
mod smoke_test;
#[cfg(test)]
mod tests;
mod tokens;
mod top;
mod view;

use clap::{Parser, Subcommand};

pub use audit::AuditArgs;
pub use backup::BackupArgs;
pub use budget::joined as joined_budget;
pub use dataset::{DatasetAction, DatasetCheckArgs};
pub use dead::{DeadAction, DeadArgs, DeadSelection};
pub use demo::DemoArgs;
pub use gate::{GateArgs, MaxFailed};
pub use gateway::GatewayArgs;
pub use generated::{CompletionsArgs, ManArgs};
pub use healthcheck::HealthcheckArgs;
pub use keys::KeysAction;
pub use lighteval::LightevalArgs;
pub use provider::{ProviderArgs, YesOrNo};
pub use provider_name::ProviderName;
pub use providers::{ProvidersAction, ProvidersArgs};
pub use prune::PruneArgs;
pub use results::{ExportArgs, Format, Only, ResultsArgs};
pub use run::{RunArgs, ScorerArg};
pub use run_name::{RunArg, RunName};
pub use runs::{RunChange, RunsAction, RunsArgs};
pub use server::ServerArgs;
pub use smoke_test::SmokeTestArgs;
pub use tokens::{NewTokenArgs, TokensAction, TokensArgs};
pub use top::TopArgs;
pub use view::ViewArgs;

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
    /// Look at the file of a dataset before it is run; list and delete datasets
    #[command(subcommand, visible_alias = "datasets")]
    Dataset(DatasetAction),
    /// List the providers
    Providers(ProvidersArgs),
    /// Ask a model one short question, and print what the model supports or what is wrong
    SmokeTest(SmokeTestArgs),
    /// Evaluate a model with LightEval, which calls it through a server or this process, with its limits and records
    Lighteval(Box<LightevalArgs>),
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
    /// List, show, watch, compare and steer runs, look at their results, and score them anew
    Runs(RunsArgs),
    /// Delete runs that ended long ago, and datasets that no run uses, for good
    Prune(PruneArgs),
    /// Create, list and revoke bearer tokens of the HTTP API
    Tokens(TokensArgs),
    /// List who changed what, newest first
    Audit(AuditArgs),
    /// Show the providers' limits, the executors and the runs on a live page in the terminal
    Top(TopArgs),
    /// Show the runs of a data directory in a browser: pages with charts, logs and results, served by this process
    View(ViewArgs),
    /// List, show, replay and drop dead letters: messages that no service of a cluster could handle
    Dead(DeadArgs),
    /// Check the settings, the database and the broker, and say how to correct what is wrong
    Doctor,
    /// Ask a service on this machine if it is ready: exit code 0 if it is, else 1 and the reasons
    Healthcheck(HealthcheckArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write the manual pages of all commands to a folder
    Man(ManArgs),
}
