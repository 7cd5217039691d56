use clap::{Args, Subcommand};

use super::server::ServerArgs;

#[derive(Args)]
pub struct ProvidersArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub action: ProvidersAction,
}

#[derive(Subcommand)]
pub enum ProvidersAction {
    /// List the providers that runs can call, with their limits
    List,
}
