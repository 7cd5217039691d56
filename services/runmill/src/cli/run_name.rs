use std::str::FromStr;

use clap::Args;
use runmill_proto::{ParseIdError, RunId};

/// Name by which a user means a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunName {
    Id(RunId),
    /// The newest run.
    Last,
    /// Name of the run: that of its file, if the user gave it no other.
    Named(String),
}

/// Beginning of the text of a run's id.
const ID_PREFIX: &str = "run_";

impl FromStr for RunName {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text {
            "last" => Ok(Self::Last),
            text if text.starts_with(ID_PREFIX) => text.parse().map(Self::Id),
            text => Ok(Self::Named(text.to_owned())),
        }
    }
}

#[derive(Args, Clone)]
pub struct RunArg {
    /// ID or name of the run; `last` is the newest one
    #[arg(value_name = "RUN")]
    pub run: RunName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_a_slip_is_not_taken_for_a_name() {
        let id = "run_00000000000000000000000000000001";
        assert_eq!(id.parse(), Ok(RunName::Id(id.parse().unwrap())));
        assert_eq!("last".parse(), Ok(RunName::Last));
        assert_eq!("items.csv".parse(), Ok(RunName::Named("items.csv".to_owned())));
        assert!("run_0001".parse::<RunName>().is_err());
    }
}
