use super::{
    Model, Rule,
    executor::{Claim, Executor, LEASE, MARGIN, OPEN, Row, Stage, Statement, View},
};

/// State of all executors and of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World<const N: usize>(pub [Executor; N]);

/// Statement of an executor that reaches the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Awaited,
    Stray,
}

impl<const N: usize> World<N> {
    pub const START: Self = Self([Executor::NEW; N]);

    /// Returns the same state with the executors in an order of their own: it does not matter which is which.
    pub fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self
    }

    /// Returns the calls in flight at the provider, or the slots of a rate that can be used, of all executors.
    pub fn in_use(&self, model: Model) -> u8 {
        let of_each = |executor: &Executor| {
            if model.has_calls() { executor.in_flight() } else { executor.usable() }
        };
        self.0.iter().map(of_each).sum()
    }

    pub fn tick(mut self, model: Model) -> Self {
        let gives_up = model.keeps(Rule::LateAnswersAreIgnored);
        for own in 0..N {
            if self.0[own].tick(gives_up) {
                // At most one statement at a time is on its way though its executor gave up on it.
                let arrives = self.0.iter().all(|executor| executor.stray.is_none());
                self.0[own].give_up(arrives);
            }
        }
        self
    }

    /// Starts a call, if a slot is free.
    pub fn start(mut self, own: usize) -> Option<Self> {
        let executor = &mut self.0[own];
        let (used, free) = (executor.in_flight(), executor.usable());
        if used >= free {
            return None;
        }
        executor.set_call(usize::from(used), OPEN);
        Some(self)
    }

    pub fn end(mut self, own: usize, call: usize) -> Option<Self> {
        if self.0[own].calls[call] == 0 {
            return None;
        }
        self.0[own].set_call(call, 0);
        Some(self)
    }

    /// Lowers the gate to the planned share, measures what is in use, and sends the claim.
    pub fn send(mut self, own: usize, planned: u8, model: Model) -> Self {
        let executor = &mut self.0[own];
        let has_ended = executor.lease == 0;
        let grows = planned > executor.usable();
        executor.gate =
            if grows && model.keeps(Rule::GrowAfterAcceptance) { executor.usable() } else { planned };
        let used = if model.keeps(Rule::UsedCounts) { executor.in_flight() } else { 0 };
        let claim = Claim { granted: planned, used };
        let view = executor.view.take();
        let decides = view.is_some() && (grows || has_ended);
        let is_newest = decides && view.is_some_and(|view| view.is_newest);
        executor.awaited =
            Some(Statement { claim, decides, is_newest, is_late: false, age: 0, stage: Stage::Sent });
        self
    }

    /// Lets the store execute the statement up to its commit. A decision locks the fleet's row, so it is one step.
    pub fn execute(mut self, own: usize, which: Which, model: Model) -> Option<Self> {
        let statement = self.statement(own, which).filter(|statement| statement.stage == Stage::Sent)?;
        if self.locks_its_row(own) {
            return None;
        }
        let view = self.read(own, model);
        if !self.accepts(own, &statement, model) {
            return Some(self.answer(own, which, false, view));
        }
        let stage = Stage::Accepted { valid: LEASE, view };
        *self.slot(own, which) = Some(Statement { stage, ..statement });
        if !statement.decides {
            return Some(self);
        }
        self.outdate();
        let stage = Stage::Accepted { valid: LEASE, view: View { is_newest: true, ..view } };
        *self.slot(own, which) = Some(Statement { stage, ..statement });
        self.commit(own, which, model)
    }

    pub fn commit(mut self, own: usize, which: Which, model: Model) -> Option<Self> {
        let statement = self.statement(own, which)?;
        let Stage::Accepted { valid, view } = statement.stage else { return None };
        let open = valid + if model.has_calls() { OPEN } else { 0 };
        self.0[own].row = Some(Row { claim: statement.claim, valid, open });
        if let (Which::Awaited, Some(stray)) = (which, &mut self.0[own].stray) {
            stray.is_late = true;
        }
        Some(self.answer(own, which, true, view))
    }

    /// Lets the executor receive the answer that it awaits.
    pub fn hear(mut self, own: usize, model: Model) -> Option<Self> {
        let executor = &mut self.0[own];
        let statement = executor.awaited?;
        let Stage::Answered { accepted, view } = statement.stage else { return None };
        executor.awaited = None;
        executor.view = Some(view);
        if accepted {
            let passed = if model.keeps(Rule::LeaseFromSending) { statement.age } else { 0 };
            executor.lease = LEASE.saturating_sub(passed);
            executor.gate = statement.claim.granted;
        }
        Some(self)
    }

    fn locks_its_row(&self, own: usize) -> bool {
        let statements = [self.0[own].awaited, self.0[own].stray].into_iter().flatten();
        statements.into_iter().any(|statement| matches!(statement.stage, Stage::Accepted { .. }))
    }

    fn accepts(&self, own: usize, statement: &Statement, model: Model) -> bool {
        if statement.is_late && model.keeps(Rule::InOrder) {
            return false;
        }
        if statement.decides {
            return statement.is_newest || !model.keeps(Rule::OnlyTheNewestDecision);
        }
        let Claim { granted, used, .. } = statement.claim;
        let margin = if model.keeps(Rule::NoRenewalAtTheEnd) { MARGIN } else { 0 };
        let is_renewable = |row: Row| row.valid > margin || !model.keeps(Rule::NoRenewalAfterTheEnd);
        granted.max(used) == 0 || self.0[own].row.is_some_and(is_renewable)
    }

    fn read(&self, own: usize, model: Model) -> View {
        let others = self.0.iter().enumerate().filter(|(other, _)| *other != own);
        let counted = others.filter_map(|(_, other)| Some(model.counted(other.row?))).sum();
        View { counted, is_newest: true }
    }

    /// Makes all that was read before a decision old.
    fn outdate(&mut self) {
        for executor in &mut self.0 {
            if let Some(view) = &mut executor.view {
                view.is_newest = false;
            }
            for statement in [&mut executor.awaited, &mut executor.stray].into_iter().flatten() {
                statement.is_newest = false;
                if let Stage::Accepted { view, .. } | Stage::Answered { view, .. } = &mut statement.stage {
                    view.is_newest = false;
                }
            }
        }
    }

    fn answer(mut self, own: usize, which: Which, accepted: bool, view: View) -> Self {
        let slot = self.slot(own, which);
        *slot = match which {
            Which::Awaited => {
                slot.map(|Statement { claim, age, .. }| Statement::answered(claim, age, accepted, view))
            }
            Which::Stray => None,
        };
        self
    }

    fn statement(&self, own: usize, which: Which) -> Option<Statement> {
        match which {
            Which::Awaited => self.0[own].awaited,
            Which::Stray => self.0[own].stray,
        }
    }

    fn slot(&mut self, own: usize, which: Which) -> &mut Option<Statement> {
        match which {
            Which::Awaited => &mut self.0[own].awaited,
            Which::Stray => &mut self.0[own].stray,
        }
    }
}
