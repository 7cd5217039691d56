//! Files of a run's results, in the formats of the tools that read them.
//!
//! An [`Encoder`] takes results in pages and writes a file as they come, so that a run of any size needs the memory of one
//! page, or of one row group of Parquet. What must stand before or behind the results waits in a temporary file. Nothing
//! here reads a clock, a store or the network.
//!
//! A new format is a variant of [`ExportFormat`], a file here, and a line in [`encoder`].

mod batch;
mod csv;
mod digest;
mod error;
mod eval;
mod eval752;
mod html;
mod jsonl;
mod junit;
mod parquet;
mod spool;
#[cfg(test)]
mod testing;
pub mod words;
mod zip;

use std::io::Write;

use runmill_proto::api::{DetailedResult, ExportFormat, InvocationRecord, Run};

pub use error::ExportError;

/// Writes a file of results.
pub trait Encoder: Send {
    /// Adds results, which come in the order of the dataset.
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError>;

    /// Adds calls, which come after all results, and only if the format [has calls](has_calls).
    fn calls(&mut self, _calls: &[InvocationRecord]) -> Result<(), ExportError> {
        Ok(())
    }

    /// Writes what stands behind the results. Without it, the file is not whole.
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

/// Returns the encoder of a format. `run` is the run as it was before its results were read.
pub fn encoder<W: Write + Send + 'static>(
    format: ExportFormat,
    run: &Run,
    to: W,
) -> Result<Box<dyn Encoder>, ExportError> {
    Ok(match format {
        ExportFormat::Jsonl => Box::new(jsonl::Jsonl::new(to)),
        ExportFormat::Csv => Box::new(csv::Csv::new(to)?),
        ExportFormat::Parquet => Box::new(parquet::Parquet::new(run, to)?),
        ExportFormat::Junit => Box::new(junit::Junit::new(run, to)?),
        ExportFormat::Eval => Box::new(eval::Eval::new(run, to)?),
        ExportFormat::Batch => Box::new(batch::Batch::new(run, to)),
        ExportFormat::Html => Box::new(html::Html::new(run, to)),
        ExportFormat::Eval752 => Box::new(eval752::Eval752::new(run, to)?),
    })
}

/// Returns true if a file of this format has the calls of the run.
pub const fn has_calls(format: ExportFormat) -> bool {
    matches!(format, ExportFormat::Eval752)
}

/// Returns the number of answers to each item of a run.
fn samples(run: &Run) -> u64 {
    run.config.0.get("samples").and_then(serde_json::Value::as_u64).unwrap_or(1)
}

/// Returns a name for the file of letters, digits, `.`, `-` and `_`. That of a log of inspect has the time and the task, as
/// inspect's own names do.
pub fn file_name(format: ExportFormat, run: &Run) -> String {
    if format != ExportFormat::Eval {
        return format!("{}{}", run.id, format.suffix());
    }
    let time = run.created_at.strftime("%Y-%m-%dT%H-%M-%S-00-00");
    let safe = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
    let task: String = run.name.as_deref().unwrap_or("run").chars().take(100).map(safe).collect();
    format!("{time}_{task}_{}{}", run.id.uuid().simple(), format.suffix())
}
