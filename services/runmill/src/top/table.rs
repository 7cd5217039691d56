use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::{Modifier, Style},
    widgets::{Block, Row, Table, TableState},
};

/// One of the page's tables, as text. The last column gets the width that the others leave.
pub struct TextTable {
    pub title: &'static str,
    /// Titles and widths of the columns.
    pub columns: &'static [(&'static str, u16)],
    pub rows: Vec<TextRow>,
}

pub struct TextRow {
    pub cells: Vec<String>,
    pub style: Style,
}

impl TextTable {
    /// Number of lines that the whole table takes, with its border and its header.
    pub fn height(&self) -> u16 {
        u16::try_from(self.rows.len()).unwrap_or(u16::MAX).saturating_add(3)
    }

    pub fn render(&self, frame: &mut Frame, area: Rect, state: &mut TableState, has_focus: bool) {
        let title = format!(" {} ({}) ", self.title, self.rows.len());
        let border = Style::new().add_modifier(if has_focus { Modifier::BOLD } else { Modifier::DIM });
        let block = Block::bordered().title(title).border_style(border);
        let header = Row::new(self.columns.iter().map(|(title, _)| *title));
        let rows =
            self.rows.iter().map(|row| Row::new(row.cells.iter().map(String::as_str)).style(row.style));
        let last = self.columns.len() - 1;
        let widths = self.columns.iter().enumerate().map(|(n, (_, width))| match n {
            n if n == last => Constraint::Fill(1),
            _ => Constraint::Length(*width),
        });
        let highlight = if has_focus { Modifier::REVERSED } else { Modifier::empty() };
        let table = Table::new(rows, widths)
            .header(header.style(Style::new().add_modifier(Modifier::DIM)))
            .row_highlight_style(Style::new().add_modifier(highlight))
            .block(block);
        frame.render_stateful_widget(table, area, state);
    }
}
