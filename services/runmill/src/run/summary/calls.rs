//! Calls of a run, their tokens and their cost. What nobody told is unknown, and sums without it are lower bounds.

use runmill_proto::{ErrorKind, api::Run};

pub fn calls(run: &Run) -> String {
    let counters = &run.counters;
    // These jobs settled without a call.
    let uncalled = [ErrorKind::BadItem, ErrorKind::NoAnswer, ErrorKind::DeadlinePassed]
        .iter()
        .filter_map(|kind| run.errors.get(kind));
    let called = counters.settled.saturating_sub(
        counters.canceled + counters.budget_stopped + counters.reused + uncalled.sum::<u64>(),
    );
    let beyond = counters.calls.saturating_sub(called);
    let calls = match beyond {
        0 => counters.calls.to_string(),
        _ if counters.canceled > 0 => canceled(run, called, beyond),
        _ if called == 0 => format!("{} for unfinished items", counters.calls),
        _ => format!("{} for {called} items: {beyond} repeated", counters.calls),
    };
    match counters.unreached {
        0 => calls,
        unreached => format!("{calls}; {unreached} attempts never reached the provider"),
    }
}

/// Describes the calls of a canceled run, `beyond` of which are more than one for each item that was called. The cancel
/// broke off at most one for each canceled item. The calls that are known to be repeated are no part of these.
fn canceled(run: &Run, called: u64, beyond: u64) -> String {
    let counters = &run.counters;
    let known_repeated = counters.retries.min(beyond);
    let cut = (beyond - known_repeated).min(counters.canceled);
    let parts =
        [(called, "for settled items"), (beyond - cut, "repeated"), (cut, "broken off by the cancel")];
    let there = parts.iter().filter(|(count, _)| *count > 0);
    let there: Vec<_> = there.map(|(count, name)| format!("{count} {name}")).collect();
    match there.as_slice() {
        [only] => only.clone(),
        _ => format!("{}: {}", counters.calls, there.join(", ")),
    }
}

/// Returns the number of answers that earlier runs had.
pub fn reused(run: &Run) -> String {
    match run.counters.reused {
        1 => "1 answer of an earlier run".to_owned(),
        reused => format!("{reused} answers of earlier runs"),
    }
}

pub fn tokens(run: &Run) -> String {
    let (usage, untold) = (&run.usage, run.counters.untold_usage);
    let known = format!("{} prompt, {} completion", usage.prompt_tokens, usage.completion_tokens);
    match untold {
        0 => known,
        _ if usage.prompt_tokens == 0 && usage.completion_tokens == 0 => {
            "not told by the provider".to_owned()
        }
        _ => format!("at least {known} (not told for {untold} calls)"),
    }
}

/// Returns the cost, or `None` if there were no calls that could have one.
pub fn cost(run: &Run) -> Option<String> {
    match (run.cost_usd, run.counters.unpriced) {
        (Some(cost), 0) => Some(format!("${cost:.6}")),
        (Some(cost), unpriced) if cost > 0.0 => {
            Some(format!("at least ${cost:.6} (not known for {unpriced} calls)"))
        }
        (None, 0) => None,
        (_, unpriced) if run.counters.untold_usage >= unpriced => {
            Some("not known: the provider did not tell the tokens".to_owned())
        }
        _ => Some("not known: no price is known for the model; add one with RUNMILL_PRICES".to_owned()),
    }
}
