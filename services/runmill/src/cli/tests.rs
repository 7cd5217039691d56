//! Tests every numeric option with values below, at and above its range.
//!
//! An option is numeric if its value has a numeric type. So a new one is tested at once, and the test fails until the
//! option has a range that its help names.

use std::any::TypeId;

use clap::{Arg, Command, CommandFactory, error::ErrorKind};
use runmill_proto::testing::range_ends;

use super::Cli;

const RUN: &str = "run_00000000000000000000000000000001";

/// Commands with numeric options, and their required arguments.
const COMMANDS: [(&str, &[&str]); 14] = [
    ("runmill demo", &[]),
    ("runmill run", &["set.jsonl", "--model=m", "--estimate"]),
    ("runmill dataset check", &["set.jsonl"]),
    ("runmill dataset list", &[]),
    ("runmill runs results", &[RUN]),
    ("runmill runs compare", &[RUN, RUN]),
    ("runmill gateway", &[]),
    ("runmill runs list", &[]),
    ("runmill runs set", &[RUN]),
    ("runmill runs extend", &[RUN]),
    ("runmill dead list", &[]),
    ("runmill tokens create", &["ci", "--role=submit"]),
    ("runmill audit", &[]),
    ("runmill lighteval", &["--tasks=gsm8k|0", "--model=m"]),
];

fn is_numeric(arg: &Arg) -> bool {
    let id = arg.get_value_parser().type_id();
    let mut numbers = vec![TypeId::of::<f32>(), TypeId::of::<f64>()];
    numbers.extend([TypeId::of::<u8>(), TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>()]);
    numbers.extend([TypeId::of::<i8>(), TypeId::of::<i16>(), TypeId::of::<i32>(), TypeId::of::<i64>()]);
    numbers.extend([TypeId::of::<usize>(), TypeId::of::<isize>(), TypeId::of::<u128>()]);
    numbers.iter().any(|number| id == *number)
}

/// Calls `check` with the path of each command and each of its numeric options.
fn for_each_number(command: &Command, path: &str, check: &mut impl FnMut(&str, &Arg)) {
    for arg in command.get_arguments().filter(|arg| is_numeric(arg)) {
        check(path, arg);
    }
    for command in command.get_subcommands() {
        for_each_number(command, &format!("{path} {}", command.get_name()), check);
    }
}

/// Returns the error of a command line with one option, if there is one.
fn error(path: &str, option: &str, value: &str) -> Option<clap::Error> {
    let needed = COMMANDS.iter().find(|(command, _)| *command == path);
    let (_, needed) = needed.unwrap_or_else(|| panic!("{path} has {option}: it needs a row here"));
    let args = path.split(' ').chain(needed.iter().copied()).chain([option, value]);
    Cli::command().try_get_matches_from(args).err()
}

#[test]
fn every_number_is_accepted_within_its_range_and_refused_outside() {
    let mut walked = 0;
    for_each_number(&Cli::command(), "runmill", &mut |path, arg| {
        let option = format!("--{}", arg.get_long().unwrap());
        let told = format!("{path} {option}");
        let fault = error(path, &option, "x").unwrap().to_string();
        let start = fault.find("must be a ").unwrap_or_else(|| panic!("{told} has no range: {fault}"));
        let rule = fault[start..].lines().next().unwrap();
        let (_, range) = rule.split_once(" from ").unwrap();
        let help = arg.get_help().unwrap().to_string();
        assert!(help.contains(&format!("from {range}")), "{told}: {help}");

        let (ends, outside) = range_ends(rule);
        for value in ends {
            let fault = error(path, &option, &value);
            assert!(fault.is_none(), "{told} {value}: {fault:?}");
        }
        let nonsense = ["-1e300", "1e300", "1e400", "inf", "NaN", "1 1", ""].map(str::to_owned);
        for value in outside.into_iter().chain(nonsense) {
            let fault = error(path, &option, &value).unwrap_or_else(|| panic!("{told} {value} is accepted"));
            // `main` exits with code 2 after such an error.
            assert_eq!((fault.kind(), fault.exit_code()), (ErrorKind::ValueValidation, 2), "{told} {value}");
            assert!(fault.to_string().contains(rule), "{told} {value}: {fault}");
        }
        walked += 1;
    });
    assert!(walked >= 11, "{walked} options");
}
