use std::fmt;

use jiff::civil::Date;
use runmill_proto::{ProviderId, RunId, TokenId};

/// Name of one budget, in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BudgetKey {
    pub owner: BudgetOwner,
    pub unit: BudgetUnit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BudgetOwner {
    Run(RunId),
    /// A token, for all runs that it submits.
    Token(TokenId),
    /// A provider, on a day of its time zone.
    Day(ProviderId, Date),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BudgetUnit {
    Calls,
    Tokens,
    /// Billionths of a US dollar.
    Nanousd,
}

/// Writes the key as the store has it.
impl fmt::Display for BudgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            BudgetUnit::Calls => "calls",
            BudgetUnit::Tokens => "tokens",
            BudgetUnit::Nanousd => "nanousd",
        };
        match self.owner {
            BudgetOwner::Run(id) => write!(f, "{id}/{unit}"),
            BudgetOwner::Token(id) => write!(f, "{id}/{unit}"),
            BudgetOwner::Day(id, date) => write!(f, "{id}/{date}/{unit}"),
        }
    }
}
