use std::{fmt, str::FromStr};

use runmill_proto::api::RunEvent;

use crate::url;

/// Lines of a log that are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    pub kind: LogKind,
    /// Place of the item, from 0. `None` for all.
    pub item: Option<u32>,
}

/// Kind of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogKind {
    #[default]
    All,
    Results,
    Calls,
    /// Failed attempts and failed jobs.
    Failures,
    Status,
}

impl LogKind {
    pub(super) const ALL: [Self; 5] = [Self::All, Self::Results, Self::Calls, Self::Failures, Self::Status];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Results => "results",
            Self::Calls => "calls",
            Self::Failures => "failures",
            Self::Status => "status",
        }
    }
}

impl fmt::Display for LogKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogKind {
    type Err = std::convert::Infallible;

    /// Reads a kind. A name that is none stands for all.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::ALL.into_iter().find(|kind| kind.as_str() == text).unwrap_or_default())
    }
}

impl LogFilter {
    pub(super) fn has(&self, event: &RunEvent) -> bool {
        let (kinds, ordinal): (&[LogKind], _) = match event {
            RunEvent::RunItem(item) if item.error_kind.is_some() => {
                (&[LogKind::Results, LogKind::Failures], Some(item.ordinal))
            }
            RunEvent::RunItem(item) => (&[LogKind::Results], Some(item.ordinal)),
            RunEvent::RunLog(log) if log.error_kind.is_some() => {
                (&[LogKind::Calls, LogKind::Failures], Some(log.ordinal))
            }
            RunEvent::RunLog(log) => (&[LogKind::Calls], Some(log.ordinal)),
            RunEvent::RunStatus(_) => (&[LogKind::Status], None),
            _ => return false,
        };
        (self.kind == LogKind::All || kinds.contains(&self.kind))
            && self.item.is_none_or(|item| ordinal == Some(item))
    }

    /// Returns a URL with the filter.
    pub(super) fn url(&self, path: &str) -> String {
        let item = self.item.map(|item| item.to_string()).unwrap_or_default();
        url::with_query(path, [("kind", self.kind.as_str()), ("item", &item)])
    }
}
