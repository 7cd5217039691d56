use clap::Args;

use super::server::ServerArgs;

#[derive(Args)]
pub struct TopArgs {
    #[command(flatten)]
    pub server: ServerArgs,
}
