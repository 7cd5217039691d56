use std::io::{IsTerminal, stdout};

use comfy_table::{Table, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Column of a [`FittedTable`].
#[derive(Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// On a narrow terminal, columns with the largest rank are left out first.
    pub rank: u8,
    /// Smallest width to which its texts may be cut. `None` if they are shown whole.
    pub least: Option<usize>,
}

/// A table that fits the terminal: it leaves out columns and cuts texts. Elsewhere it is whole.
pub struct FittedTable {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

/// Number of spaces beside each cell.
const PADDING: usize = 2;

impl FittedTable {
    pub const fn new(columns: &'static [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row with a cell for each column.
    pub fn add<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }

    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the table for standard output.
    pub fn for_stdout(&self) -> Table {
        self.fitted(stdout().is_terminal().then(terminal_width))
    }

    fn fitted(&self, width: Option<usize>) -> Table {
        let widths = match width {
            Some(width) => self.widths(width),
            None => vec![Some(usize::MAX); self.columns.len()],
        };
        let shown = |cells: &[&str]| -> Vec<String> {
            let of_width = cells.iter().zip(&widths);
            of_width.filter_map(|(cell, width)| Some(cut(cell, (*width)?))).collect()
        };
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(shown(&self.columns.iter().map(|column| column.title).collect::<Vec<_>>()));
        for row in &self.rows {
            table.add_row(shown(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        table
    }

    /// Returns the width of each column, or `None` for those that are left out.
    fn widths(&self, mut left: usize) -> Vec<Option<usize>> {
        let natural: Vec<_> = (0..self.columns.len()).map(|n| self.natural_width(n)).collect();
        let least = |n: usize| self.columns[n].least.map_or(natural[n], |least| natural[n].min(least));
        // On a narrow terminal, a column without any text only takes room.
        let has_text = |n: &usize| self.rows.iter().any(|row| !row[*n].is_empty());
        let mut by_rank: Vec<_> = (0..self.columns.len()).filter(has_text).collect();
        by_rank.sort_by_key(|n| self.columns[*n].rank);
        let mut widths = vec![None; self.columns.len()];
        let mut kept = Vec::new();
        for n in by_rank {
            let needed = least(n) + PADDING;
            if needed > left && !kept.is_empty() {
                break;
            }
            left = left.saturating_sub(needed);
            widths[n] = Some(least(n));
            kept.push(n);
        }
        // The width that is left goes to the texts that were cut, in equal parts.
        let mut cut: Vec<_> = kept.into_iter().filter(|n| least(*n) < natural[*n]).collect();
        cut.sort_by_key(|n| natural[*n]);
        let mut others = cut.len();
        for n in cut {
            let more = (left / others).min(natural[n] - least(n));
            widths[n] = Some(least(n) + more);
            left -= more;
            others -= 1;
        }
        widths
    }

    fn natural_width(&self, n: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[n].width());
        cells.max().unwrap_or(0).max(self.columns[n].title.width())
    }
}

/// Returns the number of columns of the terminal, or the common number if it does not tell.
pub fn terminal_width() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns))
}

/// Cuts a text to a width, with a mark.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut shown, mut used) = (String::new(), 1);
    for char in text.chars() {
        used += char.width().unwrap_or(0);
        if used > width {
            break;
        }
        shown.push(char);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { title: "id", rank: 0, least: None },
        Column { title: "question", rank: 2, least: Some(8) },
        Column { title: "answer", rank: 1, least: Some(8) },
        Column { title: "cost", rank: 3, least: None },
    ];

    fn table() -> FittedTable {
        let mut table = FittedTable::new(COLUMNS);
        let text = |text: &str| text.repeat(10);
        table.add(["q1".into(), text("what "), text("名"), "$1.00".into()]);
        table.add(["q22".into(), "why".into(), "so".into(), "$0.10".into()]);
        table
    }

    fn longest(table: &Table) -> usize {
        table.to_string().lines().map(|line| line.trim_end().width()).max().unwrap()
    }

    #[test]
    fn a_table_fits_every_width() {
        for width in 6..120 {
            let shown = table().fitted(Some(width));
            assert!(longest(&shown) <= width.max(7), "{width}\n{shown}");
        }
        assert!(longest(&table().fitted(None)) > 80);
    }

    #[test]
    fn columns_of_the_largest_rank_go_first() {
        let titles =
            |width| table().fitted(Some(width)).to_string().lines().next().unwrap().trim().to_owned();
        assert!(titles(60).ends_with("cost"));
        assert!(titles(30).split_whitespace().eq(["id", "question", "answer"]));
        assert!(titles(18).split_whitespace().eq(["id", "answer"]));
        assert_eq!(titles(4), "id");
    }

    #[test]
    fn a_column_without_text_takes_no_room() {
        let mut table = FittedTable::new(COLUMNS);
        table.add(["q1".into(), String::new(), "so".into(), String::new()]);
        let titles = |width| table.fitted(width).to_string().lines().next().unwrap().trim().to_owned();
        assert!(titles(Some(80)).split_whitespace().eq(["id", "answer"]));
        assert!(titles(None).ends_with("cost"));
    }

    #[test]
    fn a_cut_text_has_a_mark() {
        assert_eq!([cut("abcd", 4), cut("abcde", 4), cut("名名名", 4)], ["abcd", "abc…", "名…"]);
    }
}
