//! Tests every numeric variable with values below, at and above its range.
//!
//! A variable is numeric if its error for a text asks for a number. So a new one is tested at once, and the test
//! fails until its range is documented.

use runmill_config::{Config, Env, VARIABLES, Variable};
use runmill_proto::testing::range_ends;

/// Without an endpoint, the other variables of traces are not read: they may be those of another program.
const TRACES: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

/// Returns the faults of an environment in which `variable` has `value`.
fn faults(variable: &Variable, value: &str) -> String {
    let env: Env = [TRACES, (variable.name, value)].into_iter().collect();
    Config::load(&env).err().map(|error| error.to_string()).unwrap_or_default()
}

/// Returns the rule that a number breaks, such as `must be a whole number from 1 to 64`.
fn rule(fault: &str) -> Option<&str> {
    let start =
        fault.find("must be a whole number from ").or_else(|| fault.find("must be a number from "))?;
    fault[start..].lines().next()
}

#[test]
fn every_numeric_variable_is_accepted_within_its_range_and_refused_outside() {
    let mut walked = Vec::new();
    for variable in VARIABLES {
        let fault = faults(variable, "x");
        let Some(rule) = rule(&fault) else { continue };
        let range = rule.split_once(" from ").unwrap().1;
        assert!(variable.summary.contains(&format!("from {range}")), "{}: {rule}", variable.name);

        let (ends, outside) = range_ends(rule);
        for value in ends {
            assert_eq!(faults(variable, &value), "", "{}", variable.name);
        }
        let nonsense = ["-1e300", "1e300", "1e400", "inf", "NaN", "\"1\"", "1 1"].map(str::to_owned);
        for value in outside.into_iter().chain(nonsense) {
            let fault = faults(variable, &value);
            assert!(fault.contains(variable.name) && fault.contains(rule), "{value}: {fault}");
        }
        walked.push(variable.name);
    }
    for variable in VARIABLES {
        let is_number = variable.default.is_some_and(|default| default.parse::<f64>().is_ok());
        assert!(!is_number || walked.contains(&variable.name), "{} has no range", variable.name);
    }
}
