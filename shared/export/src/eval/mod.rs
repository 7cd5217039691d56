//! Logs of inspect (`.eval`): a ZIP with a member for each sample, their summaries, and a header behind them.
//!
//! The summaries and the ids of the items wait, because both stand behind the samples and would grow with the run.

mod header;
mod sample;
mod tally;

use std::io::{self, Write};

use runmill_proto::api::{DetailedResult, Run};
use serde_json::Value;

use crate::{Encoder, ExportError, spool::Spool, zip::Zip};
use sample::Sample;
use tally::Tally;

/// A log that is being written.
pub struct Eval<W> {
    run: Run,
    zip: Zip<W>,
    summaries: List,
    ids: List,
    last_id: Option<String>,
    tally: Tally,
}

impl<W: Write> Eval<W> {
    pub fn new(run: &Run, to: W) -> io::Result<Self> {
        let (summaries, ids) = (List::new()?, List::new()?);
        let zip = Zip::new(to)?;
        Ok(Self { run: run.clone(), zip, summaries, ids, last_id: None, tally: Tally::default() })
    }

    fn sample(&mut self, result: &DetailedResult) -> io::Result<()> {
        let sample = Sample::of(result, &self.run);
        self.zip.member(&sample.path(), &serde_json::to_vec(&sample.whole())?)?;
        self.summaries.push(&sample.summary())?;
        let id = &result.result.item_id;
        if self.last_id.as_ref() != Some(id) {
            self.ids.push(&Value::from(id.as_str()))?;
            self.last_id = Some(id.clone());
        }
        self.tally.add(result);
        Ok(())
    }
}

impl<W: Write + Send> Encoder for Eval<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        results.iter().try_for_each(|result| self.sample(result)).map_err(ExportError::from)
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        let Self { run, zip, summaries, ids, tally, .. } = *self;
        let mut stream = zip.stream("summaries.json")?;
        stream.write_all(b"[")?;
        summaries.copy(&mut stream)?;
        stream.write_all(b"]")?;
        let mut stream = stream.end()?.stream("header.json")?;
        let (before, behind) = header::around_ids(&run, ids.length, &tally)?;
        stream.write_all(before.as_bytes())?;
        ids.copy(&mut stream)?;
        stream.write_all(behind.as_bytes())?;
        stream.end()?.finish()?;
        Ok(())
    }
}

/// Items of a JSON array.
struct List {
    items: Spool,
    length: u64,
}

impl List {
    fn new() -> io::Result<Self> {
        Ok(Self { items: Spool::new()?, length: 0 })
    }

    fn push(&mut self, item: &Value) -> io::Result<()> {
        if self.length > 0 {
            self.items.write_all(b",")?;
        }
        self.length += 1;
        Ok(serde_json::to_writer(&mut self.items, item)?)
    }

    fn copy(self, to: &mut impl Write) -> io::Result<()> {
        io::copy(&mut self.items.into_reader()?, to).map(drop)
    }
}

#[cfg(test)]
mod tests;
