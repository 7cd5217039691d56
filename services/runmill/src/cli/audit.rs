use clap::Args;
use runmill_proto::api::PageQuery;

use super::{number::within, server::ServerArgs};

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
