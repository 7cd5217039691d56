use std::path::Path;

/// Format of a file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// One JSON object on each line.
    Jsonl,
    /// One row for each answer, with a column for each field of the items.
    Csv,
    /// One test case for each answer, for CI systems.
    Junit,
}

impl FileFormat {
    /// Returns the format that a file's name tells. Any other name stands for JSON lines.
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(suffix) if suffix.eq_ignore_ascii_case("csv") => Self::Csv,
            Some(suffix) if suffix.eq_ignore_ascii_case("xml") => Self::Junit,
            _ => Self::Jsonl,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        let table = [
            ("a/results.jsonl", FileFormat::Jsonl),
            ("R.CSV", FileFormat::Csv),
            ("out.junit.xml", FileFormat::Junit),
            ("csv", FileFormat::Jsonl),
            ("-", FileFormat::Jsonl),
        ];
        for (path, want) in table {
            assert_eq!(FileFormat::of(Path::new(path)), want, "{path}");
        }
    }
}
