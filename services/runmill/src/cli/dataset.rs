use std::path::PathBuf;

use clap::{Args, Subcommand};
use runmill_proto::{DatasetId, api::PageQuery};

use super::{
    number::{ITEMS, within},
    run::ScorerArg,
    server::ServerArgs,
};

#[derive(Subcommand)]
pub enum DatasetAction {
    /// Show how a file is understood: its parts, three items as the model gets them, and what is odd; calls no model
    Check(DatasetCheckArgs),
    /// List the datasets, oldest first
    List(DatasetListArgs),
    /// Delete a dataset that no run uses, for good
    Delete(DatasetDeleteArgs),
}

#[derive(Args)]
pub struct DatasetListArgs {
    /// Maximum number of datasets, from 1 to 1000
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = within(PageQuery::LIMIT),
        allow_negative_numbers = true
    )]
    pub limit: u32,
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct DatasetDeleteArgs {
    /// ID of the dataset
    pub id: DatasetId,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Args)]
#[command(after_help = "Exit code: 0 if the file can be run, 2 if it or an option is wrong")]
pub struct DatasetCheckArgs {
    /// File of items, as for `runmill run`; `-` is standard input
    pub file: PathBuf,
    /// Field of the file that holds each part of an item, as for `runmill run`
    #[arg(long, value_name = "PART=FIELD,...")]
    pub map: Option<String>,
    /// File with the prompt template
    #[arg(long, value_name = "FILE", visible_alias = "template")]
    pub prompt: Option<PathBuf>,
    /// File with the system prompt
    #[arg(long, value_name = "FILE")]
    pub system: Option<PathBuf>,
    /// Scorer with which the references are checked
    #[arg(long, value_enum)]
    pub scorer: Option<ScorerArg>,
    /// Read only the first N items, from 1 to 4294967295
    #[arg(long, value_name = "N", value_parser = within(ITEMS), allow_negative_numbers = true)]
    pub limit: Option<usize>,
}
