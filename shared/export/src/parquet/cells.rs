use bytes::Bytes;
use parquet::{
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::Result,
    file::writer::SerializedColumnWriter,
};

/// Values of one column of a row group, with the levels that tell which of them are null, or begin a list.
///
/// The level of a value is 1, and that of a null or of an empty list 0. In a list, the second and later values repeat.
#[derive(Default)]
pub struct Levels {
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

impl Levels {
    fn push(&mut self, is_defined: bool) {
        self.defined.push(is_defined.into());
    }

    fn clear(&mut self) {
        self.defined.clear();
        self.repeated.clear();
    }

    fn repeated(&self) -> Option<&[i16]> {
        (!self.repeated.is_empty()).then_some(&self.repeated)
    }
}

/// Texts, one behind the other, so that a column takes one allocation.
#[derive(Default)]
pub struct Texts {
    levels: Levels,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    pub fn push(&mut self, text: Option<&str>) {
        self.levels.push(text.is_some());
        if let Some(text) = text {
            self.append(text);
        }
    }

    /// Adds the text that `write` appends, or null if it returns false.
    pub fn push_written(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let start = self.bytes.len();
        let is_written = write(&mut self.bytes);
        self.levels.push(is_written);
        if is_written {
            self.ends.push(self.bytes.len());
        } else {
            self.bytes.truncate(start);
        }
    }

    pub fn push_list<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let mut is_first = true;
        for text in texts {
            self.levels.push(true);
            self.levels.repeated.push(i16::from(!is_first));
            self.append(text);
            is_first = false;
        }
        if is_first {
            self.levels.push(false);
            self.levels.repeated.push(0);
        }
    }

    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    fn append(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// Writes the column, and begins the next row group.
    pub fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let texts: Vec<_> =
            starts.zip(&self.ends).map(|(start, end)| ByteArray::from(bytes.slice(start..*end))).collect();
        put::<ByteArrayType>(column, &texts, &self.levels)?;
        self.levels.clear();
        self.ends.clear();
        Ok(())
    }
}

/// Numbers, which may be null.
pub struct Numbers<T> {
    levels: Levels,
    values: Vec<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { levels: Levels::default(), values: Vec::new() }
    }
}

impl<T> Numbers<T> {
    pub fn push(&mut self, value: Option<T>) {
        self.levels.push(value.is_some());
        self.values.extend(value);
    }

    fn put<D: DataType<T = T>>(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        put::<D>(column, &self.values, &self.levels)?;
        self.levels.clear();
        self.values.clear();
        Ok(())
    }
}

impl Numbers<i64> {
    pub fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        self.put::<Int64Type>(column)
    }
}

impl Numbers<f64> {
    pub fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        self.put::<DoubleType>(column)
    }
}

fn put<D: DataType>(column: &mut SerializedColumnWriter<'_>, values: &[D::T], levels: &Levels) -> Result<()> {
    column.typed::<D>().write_batch(values, Some(&levels.defined), levels.repeated())?;
    Ok(())
}
