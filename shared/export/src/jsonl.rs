use std::io::Write;

use runmill_proto::api::DetailedResult;

use crate::{Encoder, ExportError};

/// One JSON object on each line, as the API's list of results has it with details.
pub struct Jsonl<W> {
    to: W,
    lines: Vec<u8>,
}

impl<W> Jsonl<W> {
    pub const fn new(to: W) -> Self {
        Self { to, lines: Vec::new() }
    }
}

impl<W: Write + Send> Encoder for Jsonl<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        self.lines.clear();
        for result in results {
            serde_json::to_writer(&mut self.lines, result)?;
            self.lines.push(b'\n');
        }
        Ok(self.to.write_all(&self.lines)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        Ok(self.to.flush()?)
    }
}
