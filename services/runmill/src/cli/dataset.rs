use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    number::{ITEMS, within},
    run::ScorerArg,
};

#[derive(Subcommand)]
pub enum DatasetAction {
    /// Show how a file is understood: its parts, three items as the model gets them, and what is odd; calls no model
    Check(DatasetCheckArgs),
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
