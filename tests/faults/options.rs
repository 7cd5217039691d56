//! Arguments of the suite, among them those that `cargo test` gives to every test.

use clap::Parser;
use rand::RngExt;

use crate::{mix, scenario::Scenario, scenarios};

#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Run all scenarios and a mix of random faults, instead of the selection of `make test`.
    #[arg(long)]
    pub all: bool,
    /// Run only the mix of random faults of this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Run only scenarios whose names contain this text, or one of several with a bar between them.
    #[arg(long)]
    only: Option<String>,
    /// Run steady work with random faults for so many minutes.
    #[arg(long)]
    pub soak: Option<u32>,
    /// Number of scenarios that run at the same time, each on its own servers.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// List the scenarios.
    #[arg(long)]
    pub list: bool,
    /// Names of tests, as for other tests: only scenarios whose names contain one of them run.
    filters: Vec<String>,
    #[command(flatten)]
    ignored: Ignored,
    /// Seed that is drawn if none is given.
    #[arg(skip = rand::rng().random_range(0..1_000_000_u64))]
    drawn: u64,
}

/// Flags of Rust's test harness that mean nothing here.
#[derive(Clone, Debug, clap::Args)]
struct Ignored {
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    no_capture: bool,
    #[arg(short, long, hide = true)]
    quiet: bool,
    #[arg(long, hide = true)]
    test_threads: Option<usize>,
    #[arg(long, hide = true)]
    skip: Vec<String>,
}

impl Options {
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(self.drawn)
    }

    pub fn selected(&self) -> Vec<Scenario> {
        if self.seed.is_some() {
            return mix::scenarios(self.seed());
        }
        let mut scenarios = scenarios::all();
        if let Some(only) = &self.only {
            scenarios.retain(|scenario| only.split('|').any(|name| scenario.name.contains(name)));
            return scenarios;
        }
        if self.all {
            scenarios.extend(mix::scenarios(self.seed()));
            return scenarios;
        }
        let wanted = |name: &str| self.filters.iter().any(|filter| name.contains(filter.as_str()));
        scenarios.retain(|scenario| scenario.quick && (self.filters.is_empty() || wanted(&scenario.name)));
        scenarios
            .retain(|scenario| !self.ignored.skip.iter().any(|skip| scenario.name.contains(skip.as_str())));
        scenarios.iter_mut().for_each(Scenario::forget_times);
        scenarios
    }
}
