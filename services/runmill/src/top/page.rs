use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::Line,
    widgets::TableState,
};

use super::{
    executors, lanes,
    rates::Rates,
    runs,
    snapshot::{Snapshot, is_active},
    table::TextTable,
};

/// The page with what it shows and where its user is. It does no I/O.
pub struct Page {
    url: String,
    snapshot: Snapshot,
    rates: Rates,
    /// Reason why the newest snapshot is old.
    fault: Option<String>,
    /// Table that the arrow keys move in.
    focus: usize,
    states: [TableState; TABLES],
}

/// Number of tables: lanes, executors and runs.
const TABLES: usize = 3;
/// Least height of the area for which all tables are shown; below it, only the one with the focus is.
const LEAST_FOR_ALL: u16 = 15;
/// Lines of a table with its border, its header and one row.
const LEAST_FOR_ONE: u16 = 4;

const KEYS: &str = " q quit   tab next table   ↑ ↓ rows";

/// Effect of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Stay,
    Quit,
}

impl Page {
    /// `url` is the address of the API.
    pub fn new(url: &str, snapshot: Snapshot) -> Self {
        let mut page = Self {
            url: url.to_owned(),
            snapshot,
            rates: Rates::default(),
            fault: None,
            focus: 0,
            states: Default::default(),
        };
        page.count();
        page
    }

    /// Takes a new snapshot, or the reason why there is none. The old one then stays.
    pub fn take(&mut self, update: Result<Snapshot, String>) {
        match update {
            Ok(snapshot) => {
                self.snapshot = snapshot;
                self.fault = None;
                self.count();
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    pub fn act_on(&mut self, event: &Event) -> Action {
        let Event::Key(key) = event else { return Action::Stay };
        if key.kind == KeyEventKind::Release {
            return Action::Stay;
        }
        if is_quit(key) {
            return Action::Quit;
        }
        let state = &mut self.states[self.focus];
        match key.code {
            KeyCode::Tab | KeyCode::Right => self.focus = (self.focus + 1) % TABLES,
            KeyCode::BackTab | KeyCode::Left => self.focus = (self.focus + TABLES - 1) % TABLES,
            KeyCode::Down => state.select_next(),
            KeyCode::Up => state.select_previous(),
            KeyCode::PageDown => state.scroll_down_by(10),
            KeyCode::PageUp => state.scroll_up_by(10),
            KeyCode::Home => state.select_first(),
            KeyCode::End => state.select_last(),
            _ => {}
        }
        Action::Stay
    }

    pub fn render(&mut self, frame: &mut Frame) {
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
                .areas(frame.area());
        frame.render_widget(self.head(), head);
        frame.render_widget(Line::from(KEYS).style(Style::new().add_modifier(Modifier::DIM)), foot);
        let tables: [TextTable; TABLES] = [
            lanes::table(&self.snapshot, &self.rates),
            executors::table(&self.snapshot),
            runs::table(&self.snapshot, &self.rates),
        ];
        let areas = areas(body, tables.each_ref().map(TextTable::height), self.focus);
        for (n, (table, area)) in tables.iter().zip(areas).enumerate() {
            table.render(frame, area, &mut self.states[n], n == self.focus);
        }
    }

    fn head(&self) -> Line<'static> {
        let now = self.snapshot.now;
        if let Some(fault) = &self.fault {
            let text = format!(" {fault}; trying again. This is the state of {now:.0}");
            return Line::from(text).style(Style::new().fg(Color::Red));
        }
        let url = &self.url;
        let active = self.snapshot.runs.iter().filter(|run| is_active(run)).count();
        let executors = self.snapshot.executors.len();
        Line::from(format!(" runmill {url}   {now:.0}   executors: {executors}   active runs: {active}"))
    }

    fn count(&mut self) {
        let mut counts = lanes::counts(&self.snapshot);
        counts.extend(runs::counts(&self.snapshot));
        self.rates.observe(self.snapshot.now, counts);
    }
}

/// A terminal in raw mode makes a key of Ctrl-C, and no signal.
fn is_quit(key: &KeyEvent) -> bool {
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    is_interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
}

/// Divides the area among tables that would like to have `heights` lines. The one with the focus gets what the others leave.
fn areas(body: Rect, heights: [u16; TABLES], focus: usize) -> [Rect; TABLES] {
    let share = (body.height / 4).max(LEAST_FOR_ONE);
    let fits = heights.iter().map(|&height| u32::from(height)).sum::<u32>() <= u32::from(body.height);
    let constraint = |n: usize| match n {
        _ if body.height < LEAST_FOR_ALL => Constraint::Length(if n == focus { body.height } else { 0 }),
        _ if fits && n < TABLES - 1 => Constraint::Length(heights[n]),
        _ if fits || n == focus => Constraint::Fill(1),
        n => Constraint::Length(heights[n].min(share)),
    };
    Layout::vertical([constraint(0), constraint(1), constraint(2)]).areas(body)
}
