//! Rows of Arrow's IPC formats: the stream, and the file (Feather, version 2), which has the messages of a stream behind its
//! first eight bytes.

mod cell;
mod check;
mod layout;
mod message;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, io::BufRead, sync::Arc};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::{
    MessageHeader,
    convert::try_fb_to_schema,
    reader::{read_dictionary, read_record_batch},
};
use arrow_schema::{ArrowError, SchemaRef};

use self::{
    layout::Layout,
    message::{Body, Messages},
};
use super::{bounds::Budget, names::unique};
use crate::{Bounds, Place, ReadError, Row, RowFault, row::Fields};

/// Rows of an Arrow file or stream. Memory holds one record batch and the dictionaries.
pub struct Arrow<R> {
    messages: Messages<R>,
    schema: SchemaRef,
    names: Vec<Arc<str>>,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Bytes of each dictionary.
    dictionary_bytes: HashMap<i64, u64>,
    bounds: Bounds,
    batch: Option<Batch>,
    number: u64,
    has_ended: bool,
}

struct Batch {
    columns: RecordBatch,
    next: usize,
}

impl<R: BufRead> Arrow<R> {
    /// Reads the schema.
    pub fn new(bytes: R, is_file: bool, bounds: Bounds) -> Result<Self, ReadError> {
        let mut messages = Messages::new(bytes, is_file, bounds.batch_max_bytes)?;
        let first = messages.next()?.ok_or_else(|| fault("it is empty"))?;
        let message = first.message()?;
        let schema = message.header_as_schema().ok_or_else(|| fault("it does not begin with a schema"))?;
        if !schema.endianness().equals_to_target_endianness() {
            return Err(fault("its numbers are big-endian"));
        }
        let schema = Arc::new(try_fb_to_schema(schema).map_err(|error| damaged(&error))?);
        check::schema(&schema).map_err(fault)?;
        let names = unique(schema.fields().iter().map(|field| field.name().as_str()))?;
        Ok(Self {
            messages,
            schema,
            names,
            dictionaries: HashMap::new(),
            dictionary_bytes: HashMap::new(),
            bounds,
            batch: None,
            number: 0,
            has_ended: false,
        })
    }

    /// Goes to the next row. Returns its fields, or `None` at the end.
    fn advance(&mut self) -> Result<Option<Result<Fields, RowFault>>, ReadError> {
        loop {
            if let Some(batch) = &mut self.batch {
                if batch.next < batch.columns.num_rows() {
                    batch.next += 1;
                    return Ok(Some(fields(&self.names, batch, self.bounds.row_max_bytes)));
                }
                self.batch = None;
            }
            let Some(body) = self.messages.next()? else { return Ok(None) };
            self.batch = self.read(body)?.map(|columns| Batch { columns, next: 0 });
        }
    }

    /// Reads a record batch, or keeps a dictionary.
    fn read(&mut self, body: Body) -> Result<Option<RecordBatch>, ReadError> {
        let Body { header, bytes } = body;
        let message = message::parse(&header)?;
        let others: u64 = self.dictionary_bytes.values().sum();
        let most = self.bounds.batch_max_bytes;
        let check = |batch, layout, others| check::batch(batch, &layout, &bytes, most, others).map_err(fault);
        match message.header_type() {
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or_else(|| fault("a batch has no header"))?;
                check(batch, Layout::of_columns(&self.schema, batch), others)?;
                let (bytes, schema) = (Buffer::from_vec(bytes), Arc::clone(&self.schema));
                read_record_batch(&bytes, batch, schema, &self.dictionaries, None, &message.version())
                    .map(Some)
                    .map_err(|error| damaged(&error))
            }
            MessageHeader::DictionaryBatch => {
                let batch = message
                    .header_as_dictionary_batch()
                    .ok_or_else(|| fault("a dictionary has no header"))?;
                let data = batch.data().ok_or_else(|| fault("a dictionary has no values"))?;
                let old = self.dictionary_bytes.get(&batch.id()).copied().unwrap_or(0);
                let kept = if batch.isDelta() { old } else { 0 };
                let layout = Layout::of_dictionary(&self.schema, batch.id(), data)
                    .ok_or_else(|| fault("it is damaged (a dictionary of no column)"))?;
                let new = check(data, layout, others - old + kept)?;
                self.dictionary_bytes.insert(batch.id(), kept + new);
                let (bytes, dictionaries) = (Buffer::from_vec(bytes), &mut self.dictionaries);
                read_dictionary(&bytes, batch, &self.schema, dictionaries, &message.version())
                    .map(|()| None)
                    .map_err(|error| damaged(&error))
            }
            MessageHeader::Schema => Err(fault("it has a second schema")),
            _ => Err(fault("it has a message that is no record batch")),
        }
    }
}

/// Returns the fields of the row before the next.
fn fields(names: &[Arc<str>], batch: &Batch, max_bytes: usize) -> Result<Fields, RowFault> {
    let mut budget = Budget::new(max_bytes);
    let columns = names.iter().zip(batch.columns.columns());
    columns
        .map(|(name, column)| Ok((Arc::clone(name), cell::of(column, batch.next - 1, &mut budget)?)))
        .collect()
}

impl<R: BufRead> Iterator for Arrow<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let fields = match self.advance() {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.has_ended = true;
                return None;
            }
            Err(error) => {
                self.has_ended = true;
                return Some(Err(error));
            }
        };
        self.number += 1;
        let place = Place::Row(self.number);
        Some(fields.map_err(|fault| fault.at(place)).map(|fields| Row {
            place,
            number: self.number,
            fields,
            json: None,
        }))
    }
}

fn fault(reason: impl Into<String>) -> ReadError {
    ReadError::Columnar { kind: "Arrow", reason: reason.into() }
}

fn damaged(error: &ArrowError) -> ReadError {
    fault(format!("it is damaged ({error})"))
}
