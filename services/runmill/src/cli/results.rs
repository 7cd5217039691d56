use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use runmill_proto::{Range, api::ExportFormat};

use super::{number::within, run_name::RunArg};
use crate::results::SHOWN;

/// Range of the number of rows of a table on the screen.
const ROWS: Range<u32> = Range::new(1, 100_000);

/// Choice of results.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct Only {
    /// Only answers with a score below 1
    #[arg(long, group = "kind")]
    pub wrong: bool,
    /// Only answers with the score 1
    #[arg(long, group = "kind")]
    pub right: bool,
    /// Only answers that the scorer could not read
    #[arg(long, group = "kind")]
    pub unscored: bool,
    /// Only items that failed
    #[arg(long, group = "kind")]
    pub failed: bool,
    /// Version of the scores: a number, or `executors` for the first ones (default: the newest)
    #[arg(long, value_name = "VERSION")]
    pub score_version: Option<String>,
}

#[derive(Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub run: RunArg,
    #[command(flatten)]
    pub only: Only,
    /// Format of the file (default: that of the suffix of --out)
    #[arg(long, value_parser = file_format())]
    pub format: Option<ExportFormat>,
    /// File to write; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

fn file_format() -> impl TypedValueParser<Value = ExportFormat> {
    PossibleValuesParser::new(files()).try_map(|name| name.parse::<ExportFormat>())
}

/// Returns the formats of files, as help shows them.
fn files() -> impl Iterator<Item = PossibleValue> {
    ExportFormat::ALL.iter().map(|format| PossibleValue::new(format.as_str()).help(format.description()))
}

#[derive(Args)]
pub struct ResultsArgs {
    #[command(flatten)]
    pub run: RunArg,
    #[command(flatten)]
    pub only: Only,
    /// Only the item with this ID, in full
    #[arg(long, value_name = "ID")]
    pub item: Option<String>,
    /// Format (default: that of the suffix of --out; on a terminal and with --item, a table; otherwise jsonl)
    #[arg(long, value_parser = Format::parser())]
    pub format: Option<Format>,
    /// Largest number of rows of the table on the screen, from 1 to 100000; files have all results
    #[arg(
        long,
        value_name = "N",
        default_value_t = SHOWN,
        value_parser = within(ROWS),
        allow_negative_numbers = true
    )]
    pub limit: u32,
    /// Write the results to this file, by its suffix as .jsonl, .csv, .parquet, .eval (inspect), .html, .junit.xml, .batch.jsonl or
    /// .eval752.zip; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Read the results from this folder, to which `runmill prune --archive` wrote them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kind", "item", "score_version"])]
    pub archive: Option<PathBuf>,
}

/// Format in which results are shown or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for the screen.
    Table,
    File(ExportFormat),
}

/// Name of the table among the formats.
const TABLE: &str = "table";

impl Format {
    fn parser() -> impl TypedValueParser<Value = Self> {
        let table = PossibleValue::new(TABLE).help("A table for the screen");
        let names = PossibleValuesParser::new(std::iter::once(table).chain(files()));
        names.try_map(|name| if name == TABLE { Ok(Self::Table) } else { name.parse().map(Self::File) })
    }
}
