//! Gives the scorer `math` tricky and random pairs, and prints the time and the memory that a pair takes. Fails above the
//! bounds of `docs/scoring.md`. `make math-bounds` runs it in a release build.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use proptest::{
    prelude::*,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use runmill_scoring::{Question, Rule};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Pairs that are equal or not, and expressions that are expensive to those who calculate them.
const TRICKY: &str = include_str!("../src/math/tricky.txt");

const RANDOM_PAIRS: usize = 20_000;
const TIME_MAX: Duration = Duration::from_millis(50);
const MEMORY_MAX: usize = 64 * 1024 * 1024;

/// What a pair took.
struct Cost {
    time: Duration,
    bytes: usize,
    pair: [String; 2],
}

fn main() -> ExitCode {
    // What is made once, such as the patterns, is no part of a pair.
    cost(["1/2".into(), r"\frac{1}{2}".into()]);
    let is_within = [("tricky", tricky()), ("random", random())].map(|(name, pairs)| report(name, pairs));
    if is_within == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns all pairs of the lines of the list.
fn tricky() -> Vec<[String; 2]> {
    let lines: Vec<_> = TRICKY.lines().filter(|line| !line.starts_with('#')).map(expanded).collect();
    lines.iter().flat_map(|one| lines.iter().map(|other| [one.clone(), other.clone()])).collect()
}

/// Repeats the text before `⨯`, as often as the number behind it says.
fn expanded(line: &str) -> String {
    let repeated = line.split_once('⨯').and_then(|(part, count)| Some(part.repeat(count.parse().ok()?)));
    repeated.unwrap_or_else(|| line.to_owned())
}

/// Returns pairs of random expressions, which are the same in each run.
fn random() -> Vec<[String; 2]> {
    let part = prop_oneof![
        4 => r"[0-9xyze+*/^_(){}\[\]|!%,;=<>$&. -]{1,6}",
        2 => prop::sample::select(TRICKY.lines().map(str::to_owned).collect::<Vec<_>>()),
        2 => r"\\(frac|sqrt|sin|log_|pi|infty|cup|binom|left\(|right\)|begin\{pmatrix\}|end\{pmatrix\}|text\{|pm|cdot|\\)",
        1 => "\\PC{0,8}",
    ];
    let expression = prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat());
    let mut runner = TestRunner::deterministic();
    let mut next = || expression.new_tree(&mut runner).map_or_else(|_| String::new(), |tree| tree.current());
    (0..RANDOM_PAIRS).map(|_| [next(), next()]).collect()
}

fn cost(pair: [String; 2]) -> Cost {
    let (references, answer) = pair.split_at(1);
    let question = Question { references, ..Question::default() };
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let started = Instant::now();
    Rule::Math.score(&question, &answer[0]);
    let time = started.elapsed();
    Cost { time, bytes: MEMORY.peak_usage().saturating_sub(before), pair }
}

/// Prints what the pairs took, and returns true if all are within the bounds.
fn report(name: &str, pairs: Vec<[String; 2]>) -> bool {
    let mut costs: Vec<_> = pairs.into_iter().map(cost).collect();
    costs.sort_by_key(|cost| cost.time);
    let at = |share: usize| costs[(costs.len() - 1) * share / 1000].time;
    let Some(largest) = costs.iter().max_by_key(|cost| cost.bytes) else { return false };
    println!(
        "{name}: {} pairs, time p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}; memory max {} KiB",
        costs.len(),
        at(500),
        at(990),
        at(999),
        at(1000),
        largest.bytes / 1024
    );
    let slow = costs.iter().filter(|cost| cost.time > TIME_MAX);
    let large = costs.iter().filter(|cost| cost.bytes > MEMORY_MAX);
    let mut is_within = true;
    for cost in slow.chain(large) {
        is_within = false;
        println!("above the bounds: {:?}, {} bytes: {:?}", cost.time, cost.bytes, cost.pair);
    }
    is_within
}
