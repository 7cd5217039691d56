use clap::Args;

use super::{provider::ProviderArgs, server::ServerArgs};

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
