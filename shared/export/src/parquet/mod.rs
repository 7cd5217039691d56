//! Results as Parquet, with a type for each column, whatever its values are.

mod cells;
mod columns;

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties, WriterVersion},
        writer::SerializedFileWriter,
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};
use runmill_proto::api::{DetailedResult, Run};

use crate::{Encoder, ExportError};
use columns::{COLUMNS, Table};

/// Bounds of a row group, which is in memory until it is written. Another one costs some 10 KB in memory and in the file.
const GROUP_ROWS_MAX: usize = 50_000;
const GROUP_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest beginning of a text that the statistics of a column have.
const BOUND_BYTES: usize = 64;

/// A file of row groups.
pub struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    table: Table,
}

impl<W: Write + Send> Parquet<W> {
    pub fn new(run: &Run, to: W) -> Result<Self, ExportError> {
        let schema = Arc::new(parse_message_type(&columns::schema())?);
        Ok(Self {
            file: SerializedFileWriter::new(to, schema, properties(run)?.into())?,
            table: Table::new(run),
        })
    }

    fn end_group(&mut self) -> Result<(), ExportError> {
        if self.table.rows() == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        self.table.write(&mut group)?;
        group.close()?;
        Ok(())
    }
}

fn properties(run: &Run) -> Result<WriterProperties, ExportError> {
    let text = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let metadata = vec![
        text("runmill.version", env!("CARGO_PKG_VERSION").to_owned()),
        text("runmill.run", serde_json::to_string(run)?),
    ];
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("runmill {}", env!("CARGO_PKG_VERSION")))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(BOUND_BYTES))
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(metadata));
    for column in COLUMNS.iter().filter(|column| column.is_repeating) {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(column.name), true);
    }
    Ok(builder.build())
}

impl<W: Write + Send> Encoder for Parquet<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        for result in results {
            self.table.push(result);
            if self.table.rows() >= GROUP_ROWS_MAX || self.table.bytes() >= GROUP_BYTES_MAX {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        self.end_group()?;
        self.file.finish()?;
        Ok(self.file.inner_mut().flush()?)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::{Field, Row},
    };
    use runmill_proto::api::ExportFormat;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::testing::{changed, encoded, failed, result, run};

    fn json_of(row: &Row) -> Value {
        row.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect::<Map<_, _>>().into()
    }

    fn value(field: &Field) -> Value {
        match field {
            Field::Null => Value::Null,
            Field::Str(text) => json!(text),
            Field::Long(number) | Field::TimestampMicros(number) => json!(number),
            Field::Double(number) => json!(number),
            Field::ListInternal(list) => list.elements().iter().map(value).collect(),
            Field::Group(row) => json_of(row),
            other => panic!("no column has {other:?}"),
        }
    }

    /// Returns the types of the columns, and the rows.
    fn read(results: &[DetailedResult]) -> (String, Vec<Value>) {
        let bytes = encoded(ExportFormat::Parquet, &run(), results);
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let schema = reader.metadata().file_metadata().schema();
        let types = format!("{:?}", schema.get_fields());
        let rows: Vec<Row> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        (types, rows.iter().map(json_of).collect())
    }

    #[test]
    fn rows_come_back_with_their_types() {
        let odd = json!({"reasoning": "a\u{0}é", "choices": ["x", ""], "references": [], "prompt": [],
            "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}], "meta": null});
        let (_, rows) = read(&[result("a", 0), changed("b/é", 1, &odd), failed("c")]);
        assert_eq!(rows.len(), 3);
        let [a, b, c] = [&rows[0], &rows[1], &rows[2]];
        assert_eq!((&a["item_id"], &a["score"], &a["latency_ms"]), (&json!("a"), &json!(1.0), &json!(250.0)));
        assert_eq!(a["prompt"][0], json!({"role": "system", "content": "Be brief."}));
        assert_eq!((&a["references"], &a["meta"]), (&json!(["2", "two"]), &json!("{\"topic\":\"sums\"}")));
        assert_eq!(
            (&b["item_id"], &b["sample"], &b["choices"]),
            (&json!("b/é"), &json!(1), &json!(["x", ""]))
        );
        assert_eq!((&b["prompt"], &b["references"], &b["meta"]), (&json!([]), &json!([]), &Value::Null));
        assert_eq!(b["reasoning"], json!("a\u{0}é"));
        assert_eq!(b["tool_calls"], json!("[{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}]"));
        assert_eq!(
            (&c["score"], &c["error_kind"], &c["model"]),
            (&Value::Null, &json!("total_timeout"), &Value::Null)
        );
    }

    #[test]
    fn a_column_of_nothing_keeps_its_type() {
        assert_eq!(read(&[failed("a")]).0, read(&[result("a", 0)]).0);
        assert_eq!(read(&[]).1, Vec::<Value>::new());
    }
}
