//! Buffers of the columns of a batch, and the widths of their elements.

use arrow_ipc::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema};

/// Widths of the elements of each buffer of a batch, in bytes, in the order of the buffers.
pub struct Layout {
    widths: Vec<u64>,
}

impl Layout {
    /// Returns the layout of a record batch.
    pub fn of_columns(schema: &Schema, batch: RecordBatch<'_>) -> Self {
        Self::of(schema.fields().iter().map(|field| field.data_type()), batch)
    }

    /// Returns the layout of the values of a dictionary, or `None` if no column has it.
    pub fn of_dictionary(schema: &Schema, id: i64, batch: RecordBatch<'_>) -> Option<Self> {
        let values = dictionary(schema.fields(), id)?;
        Some(Self::of([values], batch))
    }

    fn of<'a>(kinds: impl IntoIterator<Item = &'a DataType>, batch: RecordBatch<'_>) -> Self {
        // A view has as many buffers of bytes as the batch says, which the batch has no more of than buffers.
        let most = batch.buffers().map_or(0, |buffers| buffers.len());
        let mut views = batch.variadicBufferCounts().into_iter().flatten();
        let mut widths = Vec::new();
        let mut count = || views.next().and_then(|count| usize::try_from(count).ok()).unwrap_or(0).min(most);
        for kind in kinds {
            add(kind, &mut count, &mut widths);
        }
        Self { widths }
    }

    /// Returns true if each buffer has a whole number of elements. Arrow's reader panics where it has not.
    ///
    /// * `sizes`: bytes of each buffer after its decompression.
    pub fn fits(&self, sizes: &[u64]) -> bool {
        sizes.iter().zip(&self.widths).all(|(size, width)| size % width == 0)
    }
}

/// Adds the widths of the buffers of a column, the first of which are the bits that tell what is missing.
fn add(kind: &DataType, views: &mut impl FnMut() -> usize, widths: &mut Vec<u64>) {
    match kind {
        DataType::Null => {}
        DataType::Utf8 | DataType::Binary => widths.extend([1, 4, 1]),
        DataType::LargeUtf8 | DataType::LargeBinary => widths.extend([1, 8, 1]),
        DataType::Utf8View | DataType::BinaryView => {
            widths.extend([1, 16]);
            widths.extend(std::iter::repeat_n(1, views()));
        }
        DataType::List(item) | DataType::Map(item, _) => {
            widths.extend([1, 4]);
            add(item.data_type(), views, widths);
        }
        DataType::LargeList(item) => {
            widths.extend([1, 8]);
            add(item.data_type(), views, widths);
        }
        DataType::ListView(item) => {
            widths.extend([1, 4, 4]);
            add(item.data_type(), views, widths);
        }
        DataType::LargeListView(item) => {
            widths.extend([1, 8, 8]);
            add(item.data_type(), views, widths);
        }
        DataType::FixedSizeList(item, _) => {
            widths.push(1);
            add(item.data_type(), views, widths);
        }
        DataType::Struct(fields) => {
            widths.push(1);
            for field in fields {
                add(field.data_type(), views, widths);
            }
        }
        DataType::Dictionary(key, _) => widths.extend([1, width(key)]),
        kind => widths.extend([1, width(kind)]),
    }
}

fn width(kind: &DataType) -> u64 {
    kind.primitive_width().map_or(1, |width| width as u64)
}

/// Returns the type of the values of a dictionary that a column, or a part of one, has.
fn dictionary(fields: &Fields, id: i64) -> Option<&DataType> {
    fields.iter().find_map(|field| within(field, id))
}

fn within(field: &Field, id: i64) -> Option<&DataType> {
    match field.data_type() {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => within(item, id),
        DataType::Struct(fields) => dictionary(fields, id),
        DataType::Dictionary(_, values) if has_id(field, id) => Some(values),
        // The values of a dictionary may have dictionaries.
        DataType::Dictionary(_, values) => match values.as_ref() {
            DataType::Struct(fields) => dictionary(fields, id),
            DataType::List(item) | DataType::LargeList(item) => within(item, id),
            _ => None,
        },
        _ => None,
    }
}

#[expect(deprecated, reason = "the number of a dictionary is found nowhere else")]
fn has_id(field: &Field, id: i64) -> bool {
    field.dict_id() == Some(id)
}
