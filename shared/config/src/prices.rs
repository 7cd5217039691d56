use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use runmill_pricing::{PriceTable, PriceTableError};

/// Maximum size of a price file: ten times that of LiteLLM's table.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Error for a file from which no prices can be read.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("has more than {BYTES_MAX} bytes")]
    TooLarge,
    #[error(transparent)]
    Table(#[from] PriceTableError),
}

/// Reads the price table in the file at `path`.
pub fn read_prices(path: &Path) -> Result<PriceTable, PriceFileError> {
    let mut text = String::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(PriceFileError::TooLarge);
    }
    Ok(PriceTable::load(&text)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_faulty_file_is_a_fault_that_says_where() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        assert!(read_prices(&path).unwrap_err().to_string().starts_with("not JSON"));

        file.write_all(br#"{"models": {"m": {"input": 1, "output": -1}}}"#).unwrap();

        assert!(read_prices(&path).unwrap_err().to_string().starts_with("model `m`, field `output`"));
    }

    #[test]
    fn a_file_beyond_all_tables_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(BYTES_MAX + 1).unwrap();

        let fault = read_prices(file.path()).unwrap_err();

        assert_eq!(fault.to_string(), "has more than 33554432 bytes");
    }
}
