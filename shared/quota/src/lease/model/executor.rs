//! Parts of the state. Times are numbers of ticks that are left; 0 is past.

use super::super::State;

/// Length of a lease.
pub const LEASE: u8 = 3;
/// Longest time that a call is open.
pub const OPEN: u8 = 2;
/// Longest time for which an executor waits for an answer.
pub const PATIENCE: u8 = 1;
/// Time before the end of a lease in which it is not renewed without a decision.
pub const MARGIN: u8 = PATIENCE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Executor {
    /// Number of slots that it uses while its lease lasts.
    pub gate: u8,
    pub lease: u8,
    /// Times for which its calls may still be open, the longest first.
    pub calls: [u8; 2],
    /// View from the last answer, until the next statement.
    pub view: Option<View>,
    /// Statement whose answer it awaits.
    pub awaited: Option<Statement>,
    /// Earlier statement, on which it gave up.
    pub stray: Option<Statement>,
    /// Its row in the store.
    pub row: Option<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pub claim: Claim,
    pub valid: u8,
    pub open: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    pub granted: u8,
    pub used: u8,
}

/// The others, as an executor read them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    /// Number of slots that they may be using.
    pub counted: u8,
    /// No decision has been accepted since.
    pub is_newest: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Statement {
    pub claim: Claim,
    /// True if the claim has a decision.
    pub decides: bool,
    /// No decision has been accepted since the one by which this was decided.
    pub is_newest: bool,
    /// A later claim was accepted.
    pub is_late: bool,
    pub age: u8,
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    Sent,
    /// The store has accepted it, and not committed it. `valid` is the lease from then on.
    Accepted {
        valid: u8,
        view: View,
    },
    Answered {
        accepted: bool,
        view: View,
    },
}

impl Executor {
    pub const NEW: Self =
        Self { gate: 0, lease: 0, calls: [0; 2], view: None, awaited: None, stray: None, row: None };

    pub fn in_flight(&self) -> u8 {
        self.calls.iter().map(|&left| u8::from(left > 0)).sum()
    }

    /// Returns the slots that it may use now.
    pub const fn usable(&self) -> u8 {
        if self.lease > 0 { self.gate } else { 0 }
    }

    pub fn set_call(&mut self, index: usize, left: u8) {
        self.calls[index] = left;
        self.calls.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Lets a tick pass. Returns true if the executor gave up on its statement.
    pub fn tick(&mut self, gives_up: bool) -> bool {
        let down = |left: &mut u8| *left = left.saturating_sub(1);
        down(&mut self.lease);
        self.calls.iter_mut().for_each(down);
        if self.lease == 0 {
            self.gate = 0;
        }
        if let Some(row) = &mut self.row {
            down(&mut row.valid);
            down(&mut row.open);
            if row.state() == State::Gone {
                row.claim = Claim::default();
            }
        }
        for statement in [&mut self.awaited, &mut self.stray].into_iter().flatten() {
            if let Stage::Accepted { valid, .. } = &mut statement.stage {
                down(valid);
            }
        }
        let Some(awaited) = &mut self.awaited else { return false };
        awaited.age = LEASE.min(awaited.age + 1);
        gives_up && awaited.age > PATIENCE
    }

    /// Gives up on the statement. It may still reach the store if `arrives`; what it would have answered no longer matters.
    pub fn give_up(&mut self, arrives: bool) {
        let Some(statement) = self.awaited.take() else { return };
        let stage = match statement.stage {
            Stage::Answered { .. } => return,
            Stage::Accepted { valid, .. } => Stage::Accepted { valid, view: View::default() },
            Stage::Sent => Stage::Sent,
        };
        if arrives {
            self.stray = Some(Statement { age: 0, stage, ..statement });
        }
    }
}

impl Statement {
    /// Returns a statement that was answered, without what no longer matters.
    pub fn answered(claim: Claim, age: u8, accepted: bool, view: View) -> Self {
        let claim = if accepted { Claim { used: 0, ..claim } } else { Claim::default() };
        let stage = Stage::Answered { accepted, view };
        Self { claim, decides: false, is_newest: false, is_late: false, age, stage }
    }
}

impl Row {
    pub const fn state(self) -> State {
        match (self.valid, self.open) {
            (1.., _) => State::Live,
            (0, 1..) => State::Open,
            (0, 0) => State::Gone,
        }
    }
}
