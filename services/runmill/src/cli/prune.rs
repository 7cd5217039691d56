use std::path::PathBuf;

use clap::Args;

use super::{age::Age, server::ServerArgs};

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
