//! Unfinished runs of the data directory other than the one of this command.

use runmill_proto::api::Run;

use super::waiting::items;
use crate::{client::Client, service::standalone::Standalone};

/// Number of the newest runs among which unfinished ones are looked for.
const RUNS_SEEN: u32 = 1_000;
/// Maximum number of runs that are named.
const RUNS_NAMED: usize = 3;

/// Returns a text that names the unfinished runs that nobody works on, with what is different in those that are much
/// like `run`. `None` if there are none.
pub async fn waiting(local: &Standalone, client: &Client, run: &Run) -> anyhow::Result<Option<String>> {
    let mut others = Vec::new();
    for other in client.runs(RUNS_SEEN).await?.items {
        let is_unfinished = !other.status.is_terminal() && other.cancel_requested_at.is_none();
        if other.id != run.id && is_unfinished && !local.is_worked_on(other.id)? {
            others.push(other);
        }
    }
    Ok(text(run, &others))
}

fn text(run: &Run, others: &[Run]) -> Option<String> {
    let first = others.first()?;
    let named = others.iter().take(RUNS_NAMED).map(|other| describe(run, other));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match others.len().saturating_sub(RUNS_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let noun = if others.len() == 1 { "another unfinished run waits" } else { "other unfinished runs wait" };
    Some(format!("{noun}: {named}{more}; to go on: runmill runs resume {}", first.id))
}

fn describe(run: &Run, other: &Run) -> String {
    let progress = format!("{}/{}", other.counters.settled, other.counters.total);
    match differences(run, other).as_slice() {
        // Another file or model is another work, which nobody takes for this one.
        _ if run.name != other.name || run.model != other.model => format!("{} ({progress})", other.id),
        [] => format!("{} ({progress})", other.id),
        some => format!("{} ({progress}, another {})", other.id, some.join(" and ")),
    }
}

/// Returns what makes two runs of one file and one model different runs.
fn differences(run: &Run, other: &Run) -> Vec<String> {
    let mut found = Vec::new();
    if run.provider_id != other.provider_id {
        found.push("provider".to_owned());
    }
    if run.dataset_id != other.dataset_id {
        let samples = u64::from(other.config.samples()).max(1);
        found.push(format!("dataset of {}", items(other.counters.total / samples)));
    }
    let (a, b) = (&run.config.0, &other.config.0);
    let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
    found.extend(keys.filter(|key| a.get(*key) != b.get(*key)).cloned());
    found
}

#[cfg(test)]
mod tests {
    use runmill_proto::{DatasetId, RunId, RunStatus, api::RunCounters};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::run::testing;

    fn other(number: u128) -> Run {
        let counters = RunCounters { total: 60, settled: 18, ..RunCounters::default() };
        let id = RunId::from_uuid(Uuid::from_u128(number));
        Run { id, status: RunStatus::Running, counters, ..testing::run() }
    }

    #[test]
    fn runs_that_wait_are_named_with_what_is_different() {
        let run = testing::run();
        assert_eq!(text(&run, &[]), None);

        let mut much_like = other(1);
        much_like.dataset_id = DatasetId::from_uuid(Uuid::max());
        much_like.config.0.insert("temperature".to_owned(), json!(0));
        let told = text(&run, &[much_like.clone()]).unwrap();
        let id = much_like.id;
        let want = format!(
            "{id} (18/60, another dataset of 60 items and temperature); to go on: runmill runs resume {id}"
        );
        assert!(told.ends_with(&want), "{told}");

        let unlike = Run { model: "other".to_owned(), ..much_like };
        assert!(text(&run, &[unlike]).unwrap().contains(&format!("{id} (18/60);")));
        let many: Vec<_> = (1..=5).map(other).collect();
        assert!(text(&run, &many).unwrap().contains(" and 2 more; "));
    }
}
