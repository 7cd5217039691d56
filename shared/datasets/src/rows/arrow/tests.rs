use std::{io::Cursor, sync::Arc};

use arrow_array::{
    ArrayRef, DictionaryArray, FixedSizeListArray, Int8Array, Int32Array, ListArray, NullArray, RecordBatch,
    StringArray, UnionArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::{
    CompressionType,
    convert::try_fb_to_schema,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use arrow_schema::{DataType, Field, Schema, UnionFields};

use super::{layout::Layout, message::Messages};
use crate::{Bounds, ReadError, Row, Rows, Source};

const MIB: usize = 1024 * 1024;
/// Bounds that the tests exceed with little memory.
const BOUNDS: Bounds = Bounds { row_max_bytes: 1000, batch_max_bytes: MIB as u64, workbook_max_bytes: MIB };

fn rows(bytes: Vec<u8>) -> Vec<Result<Row, ReadError>> {
    match Source::read(Cursor::new(bytes)).and_then(|source| Rows::of(source, BOUNDS)) {
        Ok(rows) => rows.collect(),
        Err(error) => vec![Err(error)],
    }
}

/// Returns the last error of a file.
fn fault(bytes: Vec<u8>) -> String {
    rows(bytes).pop().unwrap().unwrap_err().to_string()
}

fn table(column: impl Into<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter([("q", column.into())]).unwrap()
}

fn texts(texts: &[&str]) -> RecordBatch {
    table(Arc::new(StringArray::from_iter_values(texts)) as ArrayRef)
}

fn stream(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// Returns bytes in which a number stands in the place of another, wherever that is.
fn changed(mut bytes: Vec<u8>, from: i64, to: i64) -> Vec<u8> {
    let places: Vec<_> = memchr::memmem::find_iter(&bytes, &from.to_le_bytes()).collect();
    assert!(!places.is_empty(), "{from}");
    for place in places {
        bytes[place..place + 8].copy_from_slice(&to.to_le_bytes());
    }
    bytes
}

#[test]
fn rows_of_all_batches_follow_each_other() {
    let read = rows(stream(&[texts(&["a", "b"]), texts(&[]), texts(&["c"])], None));
    let places: Vec<_> = read.into_iter().map(|row| row.unwrap().place.to_string()).collect();
    assert_eq!(places, ["row 1", "row 2", "row 3"]);
}

#[test]
fn a_batch_above_the_bound_is_refused_before_it_is_read() {
    let long = "x".repeat(MIB + 1);
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let fault = fault(stream(&[texts(&[&long])], compression));
        assert!(fault.contains("a record batch has more than 1 MiB; write smaller ones"), "{fault}");
    }
    // Lengths that nothing could hold.
    let (whole, short) = ("x".repeat(70_000), texts(&["?"]));
    let packed = stream(&[texts(&[&whole])], Some(CompressionType::ZSTD));
    for (bytes, want) in [
        (changed(packed.clone(), 70_000, i64::MAX), "more than 1 MiB"),
        (changed(packed.clone(), 70_000, -2), "the size of a buffer"),
        (changed(packed, 70_000, 70_001), "it is damaged"),
        (changed(stream(std::slice::from_ref(&short), None), 1, i64::MAX), "it is damaged"),
        (changed(stream(&[short], None), 1, 2), "it is damaged"),
    ] {
        let fault = fault(bytes);
        assert!(fault.contains(want), "{want}: {fault}");
    }
    let mut header = b"\xff\xff\xff\xff".to_vec();
    header.extend(u32::MAX.to_le_bytes());
    assert!(fault(header).contains("a message is too long"));
}

#[test]
fn dictionaries_count_as_long_as_they_are_kept() {
    let column = |n: usize| {
        let text = n.to_string().repeat(400 * 1024);
        let column = DictionaryArray::new(Int8Array::from(vec![0]), Arc::new(StringArray::from(vec![text])));
        Arc::new(column) as ArrayRef
    };
    let columns = |count: usize| {
        RecordBatch::try_from_iter((0..count).map(|n| (["a", "b", "c"][n], column(n)))).unwrap()
    };
    assert!(fault(stream(&[columns(2)], None)).contains("row 1: it is longer than 1000 bytes"));
    assert!(fault(stream(&[columns(3)], None)).contains("more than 1 MiB"));
}

#[test]
fn a_row_whose_values_share_bytes_is_bounded() {
    let item = Arc::new(Field::new_dictionary("item", DataType::Int8, DataType::Utf8, true));
    let values = DictionaryArray::new(
        Int8Array::from(vec![0; 100]),
        Arc::new(StringArray::from(vec!["x".repeat(20)])),
    );
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([99, 1]), Arc::new(values), None);
    let read = rows(stream(&[table(Arc::new(lists) as ArrayRef)], None));
    assert!(read[0].as_ref().unwrap_err().to_string().starts_with("row 1: it is longer than 1000 bytes"));
    assert!(read[1].is_ok(), "{read:?}");

    let item = Arc::new(Field::new("item", DataType::Null, true));
    let nulls = FixedSizeListArray::new(item, 5000, Arc::new(NullArray::new(5000)), None);
    assert!(fault(stream(&[table(Arc::new(nulls) as ArrayRef)], None)).contains("longer than 1000 bytes"));
}

#[test]
fn rows_without_bytes_do_not_go_on_for_ever() {
    let nulls = |count| stream(&[table(Arc::new(NullArray::new(count)) as ArrayRef)], None);
    assert_eq!(rows(nulls(10)).len(), 10);
    assert!(fault(nulls(1 << 40)).contains("a number of rows"));
}

#[test]
fn columns_that_are_not_read_are_named() {
    let fields = UnionFields::try_new([0], [Field::new("a", DataType::Int32, false)]).unwrap();
    let ints = Arc::new(Int32Array::from(vec![1]));
    let union = UnionArray::try_new(fields, vec![0_i8].into(), None, vec![ints.clone()]).unwrap();
    let fault_of_union = fault(stream(&[table(Arc::new(union) as ArrayRef)], None));
    assert!(fault_of_union.contains("the column `q` has values of several types"), "{fault_of_union}");

    let field = Field::new("q", DataType::Int32, false);
    let schema = Arc::new(Schema::new(vec![field.clone(), field]));
    let twice = RecordBatch::try_new(schema, vec![ints.clone(), ints]).unwrap();
    assert_eq!(fault(stream(&[twice], None)), "the header names the column `q` twice");
}

#[test]
fn a_file_must_be_whole() {
    let whole = file(&texts(&["a", "b"]));
    let read = rows(whole.clone());
    assert!(read.len() == 2 && read.iter().all(Result::is_ok), "{read:?}");
    for length in 8..whole.len() {
        let fault = fault(whole[..length].to_vec());
        assert!(fault.contains("it is cut off") || fault.contains("it is damaged"), "{length}: {fault}");
    }
    // Without the mark of its end, a stream may end behind any message.
    let stream = stream(&[texts(&["a", "b"])], None);
    assert_eq!(rows(stream[..stream.len() - 8].to_vec()).len(), 2);
    assert!(fault(stream[..stream.len() - 9].to_vec()).contains("it is cut off"));
}

#[test]
fn buffers_have_whole_elements() {
    let bytes = stream(&[texts(&["a", "b"])], None);
    let mut messages = Messages::new(Cursor::new(bytes), false, MIB as u64).unwrap();
    let (schema, batch) = (messages.next().unwrap().unwrap(), messages.next().unwrap().unwrap());
    let schema = try_fb_to_schema(schema.message().unwrap().header_as_schema().unwrap()).unwrap();
    let batch = batch.message().unwrap().header_as_record_batch().unwrap();
    let layout = Layout::of_columns(&schema, batch);
    for (sizes, want) in [([1, 12, 2], true), ([0, 12, 3], true), ([1, 13, 2], false), ([1, 11, 2], false)] {
        assert_eq!(layout.fits(&sizes), want, "{sizes:?}");
    }
}
