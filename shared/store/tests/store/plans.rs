//! Checks, by their plans, that statements find rows by an index where a table grows with every run.
//!
//! The statements are those that cases of the conformance suite prepare. The source is searched for further ones, so that
//! a new statement is not forgotten.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use runmill_proto::{RunId, message::JobKey};
use runmill_store::{
    JobStates as _,
    conformance::{self, Stores},
    postgres::{PgSettings, PgStore},
};
use runmill_testkit::{
    PgBouncer,
    postgres::{TestDatabase, texts},
};
use tokio_postgres::{NoTls, SimpleQueryMessage, types::Type};
use uuid::Uuid;

/// Tables that grow. All of their rows are never read at once.
const GROWING: [&str; 9] = [
    "answers",
    "dataset_items",
    "datasets",
    "deferred",
    "invocations",
    "results",
    "run_events",
    "run_series",
    "runs",
];

/// Statement that is only used on a direct connection, and has no plan.
const COPY: &str = "dataset_items.copy";

/// Rows of a year, in the partitions of three times and in that of no time. A table that is nearly empty would be read as a
/// whole.
const FILL: &str = "
CREATE TABLE results_2030_01 PARTITION OF results
    FOR VALUES FROM ('01b90000-0000-0000-0000-000000000000') TO ('01ba0000-0000-0000-0000-000000000000');
CREATE TABLE invocations_2030_01 PARTITION OF invocations
    FOR VALUES FROM ('01b90000-0000-0000-0000-000000000000') TO ('01ba0000-0000-0000-0000-000000000000');
CREATE TEMPORARY TABLE made AS
    SELECT n, ((ARRAY['0190', '01b9', '0200'])[n % 3 + 1] || lpad(to_hex(n), 28, '0'))::uuid AS id
    FROM generate_series(1, 3000) AS n;
INSERT INTO datasets SELECT id, 'd', md5(n::text), 10, now() FROM made;
INSERT INTO dataset_items SELECT id, item, 'q' || item, '{}' FROM made, generate_series(0, 9) AS item;
INSERT INTO runs (id, provider_id, model, dataset_id, config, priority, idempotency_key, status, total, fed, deferred,
                  epoch, seq, stats, created_at, finished_at, retry_count, resumed_count)
    SELECT id, id, 'm', id, '{}', 1, 'key' || n, CASE n % 300 WHEN 0 THEN 'running' ELSE 'completed' END, 10, 10, 0,
           0, 3, '{}', now(), CASE n % 300 WHEN 0 THEN NULL ELSE now() - n * interval '1 hour' END, 0, 0
    FROM made;
INSERT INTO results (run_id, ordinal, sample, item_id, invocation_id, outcome, settled_at)
    SELECT id, item, 0, 'q', id, CASE item WHEN 0 THEN 'failed' ELSE 'succeeded' END, now()
    FROM made, generate_series(0, 9) AS item;
INSERT INTO answers SELECT id, item, 0, decode(md5(n::text || item), 'hex') FROM made, generate_series(0, 9) AS item;
INSERT INTO invocations (run_id, id, ordinal, sample, provider_id, model, attempts, streamed, started_at, latency_ms)
    SELECT id, gen_random_uuid(), item, 0, id, 'm', '[]', false, now(), 1 FROM made, generate_series(0, 9) AS item;
INSERT INTO run_series SELECT id, now() + second * interval '1 s', '{}' FROM made, generate_series(1, 3) AS second;
INSERT INTO run_events SELECT id, seq, seq, seq = 1, '[]' FROM made, generate_series(1, 3) AS seq;
INSERT INTO deferred SELECT id, 1, 0, 1, now() FROM made;
ANALYZE;
";

/// Plays cases of the conformance suite, each in a database of its own. Collects their statements.
macro_rules! play {
    ($statements:ident; $($module:ident::$case:ident,)+) => { $({
        let (store, stores) = stores().await;
        conformance::$module::$case(&stores).await;
        $statements.extend(store.statements());
    })+ };
}

/// Returns every statement on the tables that grow.
async fn all_statements() -> BTreeSet<String> {
    let mut statements = BTreeSet::new();
    play! { statements;
        answers::answers_are_indexed_once_until_the_run_ends_again,
        answers::an_answer_is_found_by_the_hash_of_its_request,
        answers::a_removed_run_takes_its_answers_from_the_index,
        batches::a_file_comes_back_until_it_is_hidden,
        batches::a_batch_is_overdue_until_its_run_is_canceled,
        batches::a_refused_batch_goes_with_its_dataset,
        budgets::a_recovered_run_begins_its_budget_anew_with_what_its_calls_have_used,
        control::settings_change_while_a_run_runs,
        datasets::the_oldest_dataset_with_the_same_content_is_found,
        datasets::datasets_are_paged_by_id,
        datasets::items_above_the_inline_bound_travel_by_reference,
        evaluations::samples_become_items_and_results,
        evaluations::what_an_earlier_claim_sent_does_not_count,
        evaluations::a_run_that_has_ended_leaves_no_token_and_takes_its_evaluation_with_it,
        events::status_events_are_read_alone,
        events::rows_of_many_runs_are_read_together,
        events::versions_are_those_of_active_and_lately_ended_runs,
        feed::a_lost_job_is_due_once,
        feed::active_runs_are_all_that_have_not_ended,
        front_door::a_removed_interactive_run_takes_its_calls_with_it,
        front_door::an_interactive_run_is_made_once_with_a_dataset_of_its_own,
        judges::a_run_ends_when_its_judges_have,
        judges::recorded_answers_are_read_for_a_judge,
        logs::a_batch_is_recorded_as_it_came,
        logs::items_and_invocations_are_read_by_their_places,
        logs::results_are_read_with_their_calls_and_items,
        logs::results_are_found_by_outcome_error_score_and_item,
        providers::a_deleted_provider_is_gone_with_its_secrets,
        rescoring::a_run_is_shown_by_its_newest_scores_until_it_goes_on,
        rescoring::answers_are_paged,
        retention::a_dataset_is_removed_with_its_items_once_no_run_uses_it,
        retention::only_a_run_that_has_ended_is_removed,
        retention::runs_that_ended_before_a_time_are_paged_by_id,
        retention::unused_datasets_are_paged_by_id,
        runs::runs_are_paged_newest_first,
        runs::the_newest_run_of_a_key_prefix_is_found,
        scores::samples_of_an_item_are_no_independent_scores,
        scores::scores_are_paged_with_fields_of_their_items,
        series::what_calls_did_is_kept_by_interval,
        tenants::lists_have_one_tenants_rows_or_all,
        transitions::canceling_drops_what_was_deferred,
        transitions::failed_jobs_are_tried_again_in_a_new_pass,
        webhooks::a_run_that_goes_on_tells_its_next_end_too,
    }
    // No case of the suite asks for the states of jobs.
    let (store, _stores) = stores().await;
    let key = JobKey { run_id: RunId::from_uuid(Uuid::nil()), ordinal: 0, sample: 0 };
    store.job_states(&[key]).await.unwrap();
    statements.extend(store.statements());
    statements
}

/// Makes a store behind a pooler, where it knows its statements by their texts.
async fn stores() -> (Arc<PgStore>, Stores) {
    let database = TestDatabase::create().await;
    let bouncer = PgBouncer::launch(database.url());
    let url = bouncer.url_of(database.url());
    let store = PgStore::connect(&PgSettings { pool_size: 4, ..PgSettings::new(url.into()) }).await.unwrap();
    store.migrate().await.unwrap();
    let store = Arc::new(store);
    (store.clone(), Stores::new(store.clone(), store, (bouncer, database)))
}

/// Returns the lines of the plan of each statement that read a whole table that grows.
async fn whole_reads(url: &str, statements: &BTreeSet<String>) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let running = tokio::spawn(connection);
    client.batch_execute(FILL).await.unwrap();
    client.batch_execute("SET plan_cache_mode = force_custom_plan").await.unwrap();
    let mut found = Vec::new();
    for text in statements {
        let types = client.prepare(text).await.unwrap();
        let values: Vec<_> = types.params().iter().map(value).collect();
        let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let explain =
            format!("PREPARE asked AS {text}; EXPLAIN (COSTS OFF) EXECUTE asked{values}; DEALLOCATE asked");
        for message in client.simple_query(&explain).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message
                && let Some((_, table)) = row.get(0).unwrap().split_once("Seq Scan on ")
                && GROWING.iter().any(|growing| table.starts_with(growing))
            {
                found.push(format!("{} in {text}", row.get(0).unwrap().trim()));
            }
        }
    }
    drop(client);
    running.await.unwrap().unwrap();
    found
}

/// Returns a value of a parameter, as SQL. The server may plan for it, and then for values that are not known if that costs
/// less.
fn value(of: &Type) -> String {
    let (name, is_array) = of.name().strip_prefix('_').map_or((of.name(), false), |element| (element, true));
    let one = match name {
        "uuid" => "'01900000-0000-0000-0000-000000000003'",
        "timestamptz" => "now()",
        "int4" | "int8" => "5",
        "float8" => "1",
        "text" => "'key3'",
        "bool" => "true",
        _ => "NULL",
    };
    if is_array { format!("ARRAY[{one}]::{name}[]") } else { format!("{one}::{name}") }
}

/// Returns the names of the statements of the source on the tables that grow.
fn names_in_source() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
    let texts = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = texts.filter(|path| path.is_file());
    let is_name_char = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
    texts
        .map(|path| std::fs::read_to_string(path).unwrap())
        .flat_map(|text| {
            let ends = |text: &str| text.split(|c| !is_name_char(c)).next().unwrap().to_owned();
            let named = text.split("/* ").chain(text.split("(\"")).map(ends);
            let listed = text.split('"').map(ends);
            named.chain(listed).collect::<Vec<_>>()
        })
        .filter(|name| {
            name.split_once('.').is_some_and(|(table, rest)| GROWING.contains(&table) && !rest.is_empty())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_reads_the_whole_of_a_table_that_grows() {
    let statements = all_statements().await;

    let missing: Vec<_> = names_in_source()
        .into_iter()
        .filter(|name| name != COPY && !statements.iter().any(|text| text.contains(&format!("/* {name} */"))))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "no case in `all_statements` uses these statements");

    let database = TestDatabase::create().await;
    let settings = PgSettings { pool_size: 1, ..PgSettings::new(database.url().into()) };
    PgStore::connect(&settings).await.unwrap().migrate().await.unwrap();
    assert_eq!(whole_reads(database.url(), &statements).await, Vec::<String>::new());
    assert_eq!(texts(database.url(), "SELECT count(*)::text FROM results_default").await, ["10000"]);
}
