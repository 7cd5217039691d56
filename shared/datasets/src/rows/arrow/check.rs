//! Checks of what Arrow's reader takes on trust: places and sizes of buffers, and numbers of values.

use arrow_ipc::RecordBatch;
use arrow_schema::{DataType, Field, Schema};

use super::{layout::Layout, message::too_large_words};

/// Size that is stated for a buffer that is not compressed among compressed ones.
const NOT_COMPRESSED: i64 = -1;
/// Number of rows that a batch may have however few bytes it has.
const ROWS_WITHOUT_BYTES: u64 = 65_536;

/// Refuses columns of types that are not read.
pub fn schema(schema: &Schema) -> Result<(), String> {
    match schema.fields().iter().find_map(|field| unread(field).map(|kind| (field, kind))) {
        Some((field, kind)) => {
            Err(format!("the column `{}` has {kind}, which runmill does not read", field.name()))
        }
        None => Ok(()),
    }
}

fn unread(field: &Field) -> Option<&'static str> {
    match field.data_type() {
        DataType::Union(..) => Some("values of several types"),
        DataType::RunEndEncoded(..) => Some("run-end encoding"),
        DataType::FixedSizeList(_, size) | DataType::FixedSizeBinary(size) if *size < 0 => {
            Some("a negative size")
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => unread(item),
        DataType::Struct(fields) => fields.iter().find_map(|field| unread(field)),
        DataType::Dictionary(_, values) => unread(&Field::new("", values.as_ref().clone(), true)),
        _ => None,
    }
}

/// Checks the description of a batch against its bytes and its layout. Returns the number of bytes after its decompression.
///
/// * `most`: largest number of bytes in memory.
/// * `others`: bytes that are in memory already.
pub fn batch(
    batch: RecordBatch<'_>,
    layout: &Layout,
    body: &[u8],
    most: u64,
    others: u64,
) -> Result<u64, String> {
    let is_compressed = batch.compression().is_some();
    let mut sizes = Vec::new();
    for buffer in batch.buffers().iter().flatten() {
        let buffer =
            range(buffer.offset(), buffer.length(), body).ok_or("it is damaged (a buffer's place)")?;
        let size = if is_compressed { unpacked(buffer)? } else { buffer.len() as u64 };
        sizes.push(size);
    }
    let bytes = sizes.iter().fold(0, |sum: u64, size| sum.saturating_add(*size));
    if bytes.saturating_add(others) > most {
        return Err(too_large_words(most));
    }
    if !layout.fits(&sizes) {
        return Err("it is damaged (the size of a buffer)".to_owned());
    }
    let most_rows = (bytes + others).saturating_mul(8).max(ROWS_WITHOUT_BYTES);
    let is_count = |count: i64| u64::try_from(count).is_ok_and(|count| count <= most_rows);
    let are_counts = batch
        .nodes()
        .iter()
        .flatten()
        .all(|node| is_count(node.length()) && (0..=node.length()).contains(&node.null_count()));
    if !is_count(batch.length()) || !are_counts {
        return Err("it is damaged (a number of rows)".to_owned());
    }
    Ok(bytes)
}

fn range(offset: i64, length: i64, body: &[u8]) -> Option<&[u8]> {
    let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
    body.get(offset..offset.checked_add(length)?)
}

/// Returns the declared size of a compressed buffer after its decompression.
fn unpacked(buffer: &[u8]) -> Result<u64, String> {
    if buffer.is_empty() {
        return Ok(0);
    }
    let Some((size, rest)) = buffer.split_first_chunk() else {
        return Err("it is damaged (a compressed buffer)".to_owned());
    };
    match i64::from_le_bytes(*size) {
        NOT_COMPRESSED => Ok(rest.len() as u64),
        size => u64::try_from(size).map_err(|_| "it is damaged (the size of a buffer)".to_owned()),
    }
}
