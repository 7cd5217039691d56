//! Scenarios as data: a plan, faults, and what they allow.

use serde_json::{Value, json};

use crate::fault::Fault;

/// Seconds that a process has for its drain, if the plan says nothing else.
pub const DRAIN_SECONDS: u32 = 30;

/// One scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub plan: Plan,
    pub faults: Vec<Fault>,
    pub allowed: Allowed,
    pub kind: Kind,
    /// True if it is in the selection of `make test`.
    pub quick: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Cluster,
    /// One process without servers.
    Standalone(crate::standalone::Fault),
}

/// Size of a cluster and its work.
#[derive(Clone, Debug)]
pub struct Plan {
    pub dispatchers: usize,
    pub executors: usize,
    pub log_sinks: usize,
    pub items: usize,
    /// Maximum number of calls in flight for each executor.
    pub concurrency: u64,
    pub model: &'static str,
    pub config: Value,
    /// Seconds from the start of the run to its deadline.
    pub deadline_seconds: Option<i64>,
    /// Offset of the last executor's clock, as libfaketime reads it.
    pub clock: Option<&'static str>,
    /// Largest number of files that an executor may open.
    pub open_files: Option<u32>,
    /// True if all services reach PostgreSQL through `PgBouncer` in transaction mode.
    pub pooled: bool,
    pub nodes: usize,
    pub small_disk: bool,
    pub standby: bool,
    /// Length in bytes of the first item, whose answer is as long.
    pub first_item_bytes: usize,
    /// Settings of the broker that only new channels read.
    pub broker_settings: &'static [(&'static str, u32)],
    /// Seconds of steady work before the faults.
    pub steady_seconds: f64,
    pub drain_seconds: u32,
}

/// Costs that a scenario may have. Everything else is zero.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// Items that may fail.
    pub failed: u64,
    pub counting: Counting,
    pub status: runmill_proto::RunStatus,
    /// Seconds that a provider asks for with a 429; no call of a job may begin earlier.
    pub retry_after_seconds: u32,
    /// Seconds after an executor's death within which its jobs begin again elsewhere.
    pub restarts_within: Option<f64>,
    /// Seconds within which the rate must be back.
    pub recovery_seconds: f64,
}

/// Calls that count as extra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// All calls beyond one for each item.
    All,
    /// Answered calls beyond one for each item, because the provider itself causes retries.
    Answered,
}

impl Scenario {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            plan: Plan::default(),
            faults: Vec::new(),
            allowed: Allowed::default(),
            kind: Kind::Cluster,
            quick: false,
        }
    }

    pub fn plan(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(&mut self.plan);
        self
    }

    pub fn allow(mut self, change: impl FnOnce(&mut Allowed)) -> Self {
        change(&mut self.allowed);
        self
    }

    pub fn items(self, items: usize) -> Self {
        self.plan(|plan| plan.items = items)
    }

    /// Makes calls of two seconds, so that many are in flight at the fault.
    pub fn long_calls(self, items: usize) -> Self {
        self.plan(|plan| {
            plan.items = items;
            plan.model = "lorem+ttft=2s";
            plan.concurrency = 40;
        })
    }

    pub fn executors(self, executors: usize) -> Self {
        self.plan(|plan| plan.executors = executors)
    }

    pub fn dispatchers(self, dispatchers: usize) -> Self {
        self.plan(|plan| plan.dispatchers = dispatchers)
    }

    pub fn log_sinks(self, log_sinks: usize) -> Self {
        self.plan(|plan| plan.log_sinks = log_sinks)
    }

    pub fn fault(mut self, fault: impl Into<Fault>) -> Self {
        self.faults.push(fault.into());
        self
    }

    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// Judges no time, for machines that are busy with other tests: that it recovers at all is still judged.
    pub fn forget_times(&mut self) {
        self.allowed.recovery_seconds = f64::INFINITY;
        self.allowed.restarts_within = self.allowed.restarts_within.map(|_| f64::INFINITY);
    }

    /// Returns the limits of the provider, as its creation takes them.
    pub fn limits(&self) -> Value {
        json!({"concurrency": self.plan.concurrency * self.plan.executors as u64})
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            dispatchers: 1,
            executors: 2,
            log_sinks: 1,
            items: 800,
            concurrency: 20,
            model: "lorem+ttft=500ms",
            config: json!({}),
            deadline_seconds: None,
            clock: None,
            open_files: None,
            pooled: false,
            nodes: 1,
            small_disk: false,
            standby: false,
            first_item_bytes: 0,
            broker_settings: &[],
            steady_seconds: 2.0,
            drain_seconds: DRAIN_SECONDS,
        }
    }
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
            failed: 0,
            counting: Counting::All,
            status: runmill_proto::RunStatus::Completed,
            retry_after_seconds: 0,
            restarts_within: None,
            recovery_seconds: 30.0,
        }
    }
}
