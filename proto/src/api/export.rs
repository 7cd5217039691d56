use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// Form of a file with a run's results.
    ExportFormat {
        /// One JSON object on each line.
        Jsonl = "jsonl",
        /// One row for each answer, with a column for each field of the items.
        Csv = "csv",
        /// Parquet with typed columns, for `DuckDB`, pandas and polars.
        Parquet = "parquet",
        /// One test case for each answer, for CI systems.
        Junit = "junit",
        /// Log of inspect, for `inspect view` and its dataframes.
        Eval = "eval",
        /// Report as one page that can be mailed.
        Html = "html",
        /// Output lines of OpenAI's Batch API.
        Batch = "batch",
        /// Archive of the run with its results and calls.
        Eval752 = "eval752",
    }
}

impl ExportFormat {
    /// Returns the end of the names of such files, with its dot.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Jsonl => ".jsonl",
            Self::Csv => ".csv",
            Self::Parquet => ".parquet",
            Self::Junit => ".junit.xml",
            Self::Eval => ".eval",
            Self::Batch => ".batch.jsonl",
            Self::Html => ".html",
            Self::Eval752 => ".eval752.zip",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Batch => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Junit => "application/xml",
            Self::Eval => "application/octet-stream",
            Self::Html => "text/html; charset=utf-8",
            Self::Eval752 => "application/zip",
        }
    }

    /// Describes the format in one line.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Jsonl => "One JSON object on each line",
            Self::Csv => "One row for each answer, with a column for each field of the items",
            Self::Parquet => "Parquet with typed columns, for DuckDB, pandas and polars",
            Self::Junit => "One test case for each answer, for CI systems",
            Self::Eval => "Log of inspect, for `inspect view` and its dataframes",
            Self::Batch => "Output lines of OpenAI's Batch API",
            Self::Html => "Report as one page that can be mailed",
            Self::Eval752 => "Archive of the run with its results and calls",
        }
    }

    /// Returns the format that a file's name tells, if it tells one. Case does not matter.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let told = Self::ALL.iter().copied().filter(|format| name.ends_with(format.suffix()));
        let longest = told.max_by_key(|format| format.suffix().len());
        longest.or(name.strip_suffix(".xml").map(|_| Self::Junit))
    }
}

/// Form of an export. The results are those of a [`ResultsQuery`](super::ResultsQuery).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ExportQuery {
    /// Format of the file. Default: `jsonl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<ExportFormat>, inline))]
    pub format: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        let table = [
            ("a/results.jsonl", Some(ExportFormat::Jsonl)),
            ("R.CSV", Some(ExportFormat::Csv)),
            ("out.junit.xml", Some(ExportFormat::Junit)),
            ("out.xml", Some(ExportFormat::Junit)),
            ("x.parquet", Some(ExportFormat::Parquet)),
            ("x.batch.jsonl", Some(ExportFormat::Batch)),
            ("x.eval", Some(ExportFormat::Eval)),
            ("report.html", Some(ExportFormat::Html)),
            ("x.eval752.zip", Some(ExportFormat::Eval752)),
            ("csv", None),
            ("-", None),
        ];
        for (path, want) in table {
            assert_eq!(ExportFormat::of_file_name(path), want, "{path}");
        }
    }
}
