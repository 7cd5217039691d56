use std::{fs::File, io::Read, path::Path};

use runmill_pricing::PriceTable;

/// Ten times LiteLLM's table. More is another file by mistake.
const BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The table in the file at `path`, or what is wrong with it.
pub fn read_prices(path: &Path) -> Result<PriceTable, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > BYTES_MAX {
        return Err(format!("has more than {BYTES_MAX} bytes"));
    }
    PriceTable::load(&text).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_faulty_file_is_a_fault_that_says_where() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        assert!(read_prices(&path).unwrap_err().starts_with("not JSON"));

        file.write_all(br#"{"models": {"m": {"input": 1, "output": -1}}}"#).unwrap();

        assert!(read_prices(&path).unwrap_err().starts_with("model `m`, field `output`"));
    }

    #[test]
    fn a_file_beyond_all_tables_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(BYTES_MAX + 1).unwrap();

        let fault = read_prices(file.path()).unwrap_err();

        assert_eq!(fault, "has more than 33554432 bytes");
    }
}
