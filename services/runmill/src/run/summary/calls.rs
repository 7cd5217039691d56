//! Calls of a run, their tokens and their cost. What nobody told is unknown, and sums without it are lower bounds.

use runmill_proto::{ErrorKind, api::Run};

pub fn calls(run: &Run) -> String {
    let counters = &run.counters;
    // These jobs settled without a call.
    let uncalled =
        [ErrorKind::BadItem, ErrorKind::DeadlinePassed].iter().filter_map(|kind| run.errors.get(kind));
    let called = counters.settled.saturating_sub(counters.canceled + uncalled.sum::<u64>());
    let repeated = counters.calls.saturating_sub(called);
    let calls = match repeated {
        0 => counters.calls.to_string(),
        _ if called == 0 => format!("{} for unfinished items", counters.calls),
        _ => format!("{} for {called} items: {repeated} repeated", counters.calls),
    };
    match counters.unreached {
        0 => calls,
        unreached => format!("{calls}; {unreached} attempts never reached the provider"),
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
