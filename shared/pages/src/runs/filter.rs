use std::{fmt, str::FromStr};

use runmill_proto::{RunStatus, api::Run};

use crate::url;

/// Runs that a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunsFilter {
    /// Text in a run's name, model, provider or id, in any case. Empty for any.
    pub text: String,
    pub state: State,
    /// Cursor after which the page begins. Empty for the newest.
    pub after: String,
}

/// Runs by what can be done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Any,
    /// Not ended, and not paused.
    Running,
    Paused,
    Completed,
    /// Ended by an error, or with failed jobs.
    Failing,
    Canceled,
}

impl State {
    pub(super) const ALL: [Self; 6] =
        [Self::Any, Self::Running, Self::Paused, Self::Completed, Self::Failing, Self::Canceled];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failing => "failing",
            Self::Canceled => "canceled",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Failing => "with failures",
            other => other.as_str(),
        }
    }

    fn has(self, run: &Run) -> bool {
        let is_active = !run.status.is_terminal();
        match self {
            Self::Any => true,
            Self::Running => is_active && !run.paused,
            Self::Paused => is_active && run.paused,
            Self::Completed => run.status == RunStatus::Completed,
            Self::Failing => run.status == RunStatus::Failed || run.counters.failed > 0,
            Self::Canceled => run.status == RunStatus::Canceled,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = std::convert::Infallible;

    /// Reads a state. A name that is none stands for any.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or_default())
    }
}

impl RunsFilter {
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.state == State::Any
    }

    /// Returns true if the run is shown. `provider` is the name of its provider.
    pub fn has(&self, run: &Run, provider: Option<&str>) -> bool {
        let text = self.text.to_lowercase();
        let id = run.id.to_string();
        let mut fields = [run.name.as_deref(), Some(&run.model), provider, Some(&id)].into_iter().flatten();
        self.state.has(run) && (text.is_empty() || fields.any(|field| field.to_lowercase().contains(&text)))
    }

    /// Returns the URL of the page that begins after a cursor.
    pub(super) fn url(&self, after: &str) -> String {
        url::with_query(
            url::RUNS,
            [("q", self.text.as_str()), ("state", self.state.as_str()), ("after", after)],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{status, testing::run};

    #[test]
    fn a_filter_finds_any_case_in_any_field_and_a_state() {
        let run = Run { name: Some("Nightly".to_owned()), ..run() };
        let filter = |text: &str, state| RunsFilter { text: text.to_owned(), state, ..RunsFilter::default() };
        for (text, state, want) in [
            ("", State::Any, true),
            ("NIGHT", State::Any, true),
            ("vendor", State::Any, true),
            (&run.id.to_string()[8..], State::Any, true),
            ("absent", State::Any, false),
            ("night", State::Paused, false),
            ("night", State::Running, true),
        ] {
            assert_eq!(filter(text, state).has(&run, Some("Vendor")), want, "{text} {state}");
        }
    }

    #[test]
    fn a_paused_run_is_found_as_one_and_says_why() {
        let run = Run { paused: true, pause_reason: Some("no key <b>".to_owned()), ..run() };
        assert!(State::Paused.has(&run) && !State::Running.has(&run));
        let reasons = status::reasons(&run).into_string();
        assert!(reasons.contains("no key &lt;b&gt;"), "{reasons}");
    }
}
