use std::collections::VecDeque;

/// A line that LightEval printed, without what only moves the cursor, and cut to [`LogLine::CHARS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine(pub String);

/// Number of lines that are kept for the text of an error.
const KEPT: usize = 20;
/// Line of LightEval for a call that failed to the end. The sample then has an empty answer.
const GIVEN_UP: &str = "returning empty response";
/// Beginning of the reason why a try of a call failed, in LightEval's line.
const TRY_FAILED: &str = "Error in API call: ";

/// Failed calls that LightEval's log tells of.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub last_lines: VecDeque<String>,
    /// Number of calls that failed to the end.
    pub given_up: usize,
    /// Reason of the last try of a call that failed.
    pub last_fault: Option<String>,
}

impl LogLine {
    pub const CHARS_MAX: usize = 2_000;

    /// Returns the last state of a line that was overwritten in place, such as a progress bar; `None` if it is blank.
    pub(crate) fn of(raw: &str) -> Option<Self> {
        let line = raw.trim_end_matches(['\r', '\n']).rsplit('\r').next().unwrap_or_default();
        let text: String = line.chars().filter(|it| !it.is_control()).take(Self::CHARS_MAX).collect();
        (!text.trim().is_empty()).then_some(Self(text))
    }
}

impl Log {
    pub fn read(&mut self, LogLine(line): &LogLine) {
        self.given_up += usize::from(line.contains(GIVEN_UP));
        if let Some((_, fault)) = line.split_once(TRY_FAILED) {
            let fault = fault.rsplit_once(", waiting ").map_or(fault, |(fault, _)| fault);
            self.last_fault = Some(fault.trim().to_owned());
        }
        if self.last_lines.len() == KEPT {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_a_screen_would_show() {
        let table = [
            ("a\n", Some("a")),
            (" 10%|#  |\r 20%|## |\r\n", Some(" 20%|## |")),
            ("\u{1b}[31mred\u{7}\n", Some("[31mred")),
            ("  \n", None),
            ("", None),
        ];
        for (raw, want) in table {
            assert_eq!(LogLine::of(raw).map(|line| line.0).as_deref(), want, "{raw:?}");
        }
        let long = "é".repeat(LogLine::CHARS_MAX + 1);
        assert_eq!(LogLine::of(&long).unwrap().0.chars().count(), LogLine::CHARS_MAX);
    }

    #[test]
    fn calls_that_failed_are_counted_with_the_last_reason() {
        let mut log = Log::default();
        for line in [
            "WARNING Error in API call: litellm.InternalServerError: Connection error., waiting 1.0 seconds before retry 1/3",
            "ERROR API call failed after 3 attempts, returning empty response.",
            "ERROR API call failed after 3 attempts, returning empty response.",
        ] {
            log.read(&LogLine(line.into()));
        }
        assert_eq!(log.given_up, 2);
        assert_eq!(log.last_fault.as_deref(), Some("litellm.InternalServerError: Connection error."));
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let mut log = Log::default();
        (0..100).for_each(|n| log.read(&LogLine(n.to_string())));
        assert_eq!((log.last_lines.len(), log.last_lines[0].as_str()), (KEPT, "80"));
    }
}
