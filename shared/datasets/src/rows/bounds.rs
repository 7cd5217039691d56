use runmill_proto::Item;

use crate::RowFault;

/// How much of a file may be in memory at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Longest row, in bytes of the file.
    pub row_max_bytes: usize,
    /// Largest record batch of an Arrow file, with its dictionaries, after its decompression.
    pub batch_max_bytes: u64,
    /// Largest content of an Excel workbook after its decompression, and largest text of its cells, of which many may
    /// refer to one text.
    pub workbook_max_bytes: usize,
}

const MIB: usize = 1024 * 1024;

impl Default for Bounds {
    fn default() -> Self {
        Self {
            row_max_bytes: Item::LINE_MAX_BYTES,
            batch_max_bytes: 512 * MIB as u64,
            workbook_max_bytes: 256 * MIB,
        }
    }
}

/// Bytes that a row may still have, for formats whose values may refer to the same bytes many times.
pub struct Budget {
    max: usize,
    left: usize,
}

impl Budget {
    pub const fn new(max: usize) -> Self {
        Self { max, left: max }
    }

    /// Takes the bytes of a value.
    pub const fn take(&mut self, bytes: usize) -> Result<(), RowFault> {
        // A value without bytes of its own, such as a null, has its place in a list.
        match self.left.checked_sub(bytes.saturating_add(1)) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(RowFault::TooLong(self.max)),
        }
    }
}
