use std::fmt::{self, Display, Formatter};

use comfy_table::{ContentArrangement, Table, presets};

use super::plain;

/// A table of names and values. Long values wrap at the width of the terminal.
pub struct Sheet(Table);

impl Sheet {
    /// Returns a sheet in a frame.
    pub fn framed() -> Self {
        Self::of(presets::UTF8_BORDERS_ONLY)
    }

    pub fn unframed() -> Self {
        Self::of(presets::NOTHING)
    }

    fn of(style: comfy_table::TableStyle) -> Self {
        let mut table = Table::new();
        table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
        Self(table)
    }

    pub fn row(&mut self, name: &str, value: impl AsRef<str>) {
        self.0.add_row([plain(name), plain(value.as_ref())]);
    }

    /// Adds a row for each value. The name stands before the first.
    pub fn rows(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        for (n, value) in values.into_iter().enumerate() {
            self.row(if n == 0 { name } else { "" }, value);
        }
    }
}

impl Display for Sheet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_wrap_at_the_width_of_the_terminal() {
        for width in 30..90 {
            let mut sheet = Sheet::framed();
            sheet.row("model", "a".repeat(100));
            sheet.rows("notes", ["one two ".repeat(12), "three".to_owned()]);
            sheet.0.set_width(width);
            let longest = sheet.to_string().lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(usize::from(width)), "{width}\n{sheet}");
        }
    }

    #[test]
    fn a_name_stands_before_the_first_of_several_values() {
        let mut sheet = Sheet::unframed();
        sheet.rows("notes", ["one".to_owned(), "two\u{1b}[2J".to_owned()]);
        assert_eq!(sheet.to_string(), " notes  one          \n        two\\u{1b}[2J ");
    }
}
