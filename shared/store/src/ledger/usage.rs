//! Use of each day by a batch of messages.

use std::collections::BTreeMap;

use runmill_proto::message::Call;

use super::LockedRuns;
use crate::{LogEntry, RunRow, RunStats, TokenKey, UsageKey, UsageSum, tables::NewUsage};

/// Returns the sums over the calls of `entries`, in one order for all writers.
pub fn sums(entries: &[&LogEntry], runs: &LockedRuns, shards: u32) -> Vec<NewUsage> {
    let mut sums: BTreeMap<(u32, UsageKey), UsageSum> = BTreeMap::new();
    for entry in entries {
        let call = entry.call();
        if call.attempts.is_empty() {
            continue;
        }
        let run = &runs[&entry.key().run_id].row;
        let key = key(entry, run);
        let sum = sums.entry((shard(run, shards), key.clone())).or_insert_with(|| UsageSum::new(key));
        add(sum, call);
    }
    sums.into_iter().map(|((shard, _), sum)| NewUsage { shard, sum }).collect()
}

fn key(entry: &LogEntry, run: &RunRow) -> UsageKey {
    let call = entry.call();
    UsageKey {
        day: call.started_at.strftime("%Y-%m-%d").to_string(),
        tenant: run.submission.tenant.clone(),
        token_id: TokenKey(entry.client().map_or(run.submission.token_id, |client| client.token_id)),
        provider_id: call.provider_id,
        model: call.model.clone(),
    }
}

/// The high bits of an id are the time at which it was made, and its low bits are random.
fn shard(run: &RunRow, shards: u32) -> u32 {
    let low = run.id.uuid().as_u128() % u128::from(shards.max(1));
    u32::try_from(low).unwrap_or_default()
}

fn add(sum: &mut UsageSum, call: &Call) {
    let usage = call.usage.unwrap_or_default();
    let cost = call.cost_nanousd.and_then(|cost| u64::try_from(cost).ok()).unwrap_or_default();
    sum.calls = sum.calls.saturating_add(call.requests());
    sum.prompt_tokens = sum.prompt_tokens.saturating_add(usage.prompt_tokens);
    sum.completion_tokens = sum.completion_tokens.saturating_add(usage.completion_tokens);
    sum.cost_nanousd = sum.cost_nanousd.saturating_add(cost);
    sum.unpriced += u64::from(RunStats::is_unpriced(call));
}

#[cfg(test)]
mod tests {
    use runmill_proto::{
        InvocationId, Outcome, RunId, TokenId, Usage,
        message::{Attempt, ClientNote, Invocation},
        testing,
    };
    use uuid::Uuid;

    use super::{super::LockedRun, *};

    fn call(model: &str, cost: Option<i64>) -> Call {
        Call {
            model: model.into(),
            usage: Some(Usage { prompt_tokens: 10, completion_tokens: 2, ..Usage::default() }),
            cost_nanousd: cost,
            attempts: vec![Attempt { cost_nanousd: cost, ..testing::attempt() }],
            started_at: "2026-11-30T23:59:59Z".parse().unwrap(),
            ..testing::call(InvocationId::from_uuid(Uuid::now_v7()))
        }
    }

    fn entry(call: Call, client: Option<ClientNote>) -> LogEntry {
        let invocation = testing::invocation(testing::key(0), call, Outcome::Succeeded);
        LogEntry::Invocation(Box::new(Invocation { client, ..invocation }))
    }

    #[test]
    fn calls_add_up_by_day_token_and_model_and_a_cost_that_cannot_be_true_stops_at_the_most() {
        let row = crate::testing::run(RunId::from_uuid(Uuid::nil()), 1);
        let runs = LockedRuns::from([(row.id, LockedRun::new(row))]);
        let token_id = Some(TokenId::from_uuid(Uuid::from_u128(7)));
        let client = ClientNote { token_id, ignored: Vec::new() };
        let untried = Call { attempts: Vec::new(), ..call("never tried", None) };
        let entries = [
            entry(call("a", Some(i64::MAX)), None),
            entry(call("a", Some(i64::MAX)), None),
            entry(call("a", Some(i64::MAX)), None),
            entry(call("a", None), Some(client)),
            entry(untried, None),
        ];

        let sums = sums(&entries.iter().collect::<Vec<_>>(), &runs, 16);

        let found: Vec<_> = sums
            .iter()
            .map(|NewUsage { sum, .. }| {
                let tokens = (sum.prompt_tokens, sum.completion_tokens);
                (sum.token_id.0, sum.day.as_str(), sum.calls, tokens, sum.cost_nanousd, sum.unpriced)
            })
            .collect();
        assert_eq!(
            found,
            [(None, "2026-11-30", 3, (30, 6), u64::MAX, 0), (token_id, "2026-11-30", 1, (10, 2), 0, 1)]
        );
    }
}
