use std::sync::{Mutex, MutexGuard, PoisonError};

/// Largest number of lines in one message, which is sent each second.
const LINES_MAX: usize = 20;

/// Lines of LightEval's log that were not published yet. Of those that come too fast, only their number is kept.
#[derive(Default)]
pub struct LogLines(Mutex<State>);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    left_out: u64,
    /// Number of messages so far.
    taken: u64,
}

impl LogLines {
    pub fn push(&self, line: String) {
        let mut state = self.lock();
        if state.lines.len() < LINES_MAX {
            state.lines.push(line);
        } else {
            state.left_out += 1;
        }
    }

    /// Returns the lines since the last call, with the number of the message, from 1. Returns `None` if there are none.
    pub fn take(&self) -> Option<(u64, Vec<String>)> {
        let mut state = self.lock();
        let mut lines = std::mem::take(&mut state.lines);
        if lines.is_empty() {
            return None;
        }
        match std::mem::take(&mut state.left_out) {
            0 => {}
            1 => lines.push("(1 line is left out)".to_owned()),
            count => lines.push(format!("({count} lines are left out)")),
        }
        state.taken += 1;
        Some((state.taken, lines))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_becomes_a_few_and_their_number() {
        let lines = LogLines::default();
        assert_eq!(lines.take(), None);
        (0..LINES_MAX + 5).for_each(|n| lines.push(n.to_string()));
        let (number, told) = lines.take().unwrap();
        assert_eq!((number, told.len()), (1, LINES_MAX + 1));
        assert_eq!((told[0].as_str(), told.last().unwrap().as_str()), ("0", "(5 lines are left out)"));

        lines.push("more".into());
        assert_eq!(lines.take(), Some((2, vec!["more".into()])));
        assert_eq!(lines.take(), None);
    }
}
