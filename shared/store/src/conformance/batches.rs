use runmill_proto::{RunId, RunKind, RunStatus, TokenId, Usage, chat::Finish, message::Invocation};
use serde_json::json;
use uuid::Uuid;

use super::{
    Stores,
    world::{
        all_results, answered, assert_conflict, assert_not_found, at, batch, fed_run, lines, new_dataset,
        new_run,
    },
};
use crate::{
    BatchContent, BatchProtocol, BatchRow, CreatedBatch, FileLines, FileRow, LineFault, ResultFile, RunRow,
    Store, StoredItem, Transition,
};

fn fault(line: u64) -> LineFault {
    LineFault {
        code: "missing_required_parameter".into(),
        message: "it has no model".into(),
        line: Some(line),
        param: Some("body.model".into()),
    }
}

/// Stores a file of two lines.
async fn file(store: &dyn Store) -> FileRow {
    let items = (0..2).map(|n| StoredItem { item_id: format!("q{n}"), body: format!("line {n}") });
    let dataset = store.create_dataset(new_dataset("requests.jsonl"), lines(items)).await.unwrap();
    let row = FileRow {
        dataset_id: dataset.id,
        tenant: dataset.tenant,
        token_id: Some(TokenId::from_uuid(Uuid::now_v7())),
        name: dataset.name,
        purpose: "batch".into(),
        bytes: 14,
        lines: FileLines {
            count: 2,
            url: Some("/v1/responses".into()),
            model: Some("m".into()),
            faults: vec![fault(2)],
            faulty: 1,
            unterminated: true,
        },
        created_at: at(0),
        hidden: false,
    };
    store.create_file(&row).await.unwrap();
    row
}

fn batch_of(file: &FileRow) -> BatchRow {
    BatchRow {
        id: RunId::from_uuid(Uuid::now_v7()),
        tenant: file.tenant.clone(),
        token_id: file.token_id,
        dataset_id: file.dataset_id,
        version_hash: "hash".into(),
        protocol: BatchProtocol::Openai,
        endpoint: "/v1/responses".into(),
        model: "m".into(),
        completion_window: "24h".into(),
        metadata: Some(json!({"request_file": "/home/a/b"})),
        faults: None,
        total: 2,
        request_key: None,
        created_at: at(1),
        expires_at: at(100),
        expired_at: None,
        output_hidden: false,
        errors_hidden: false,
    }
}

/// Creates a batch of the file, with its run.
async fn running(store: &dyn Store, file: &FileRow) -> (BatchRow, RunRow) {
    let row = batch_of(file);
    let mut run = new_run(store, 1).await;
    run.id = row.id;
    run.submission.kind = RunKind::Batch;
    run.submission.dataset_id = file.dataset_id;
    run.total = 2;
    assert_eq!(store.create_batch(&row, Some(&run)).await.unwrap(), CreatedBatch::New(row.clone()));
    (row, store.run(run.id).await.unwrap())
}

async fn cancel(store: &dyn Store, run: &RunRow) {
    store.transition(run.id, Transition::Cancel, at(3)).await.unwrap();
}

pub async fn a_file_comes_back_until_it_is_hidden(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let (first, second) = (file(one).await, file(one).await);

    assert_eq!(other.file(first.dataset_id).await.unwrap(), first);
    let page = async |before, limit| {
        let page = other.files(Some(&first.tenant), before, limit).await.unwrap();
        page.into_iter().map(|row| row.dataset_id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [second.dataset_id, first.dataset_id]);
    assert_eq!(page(None, 1).await, [second.dataset_id]);
    assert_eq!(page(Some(second.dataset_id), 1).await, [first.dataset_id]);
    assert_eq!(other.files(Some(&"other".parse().unwrap()), None, 9).await.unwrap(), []);
    assert_eq!(other.files(None, None, 1).await.unwrap(), std::slice::from_ref(&second));

    let (_, run) = running(one, &first).await;
    one.hide_file(first.dataset_id).await.unwrap();
    one.hide_file(first.dataset_id).await.unwrap();
    one.hide_file(second.dataset_id).await.unwrap();

    assert_eq!(page(None, 2).await, []);
    assert!(other.file(first.dataset_id).await.unwrap().hidden, "the batch needs its lines");
    assert_not_found(other.file(second.dataset_id).await, "file");
    assert_not_found(other.dataset(second.dataset_id).await, "dataset");
    assert_not_found(one.hide_file(second.dataset_id).await, "file");

    cancel(one, &run).await;
    one.remove_run(run.id).await.unwrap();
    assert_not_found(other.batch(run.id).await, "batch");
    assert_not_found(other.dataset(first.dataset_id).await, "dataset");
    while one.sweep(9).await.unwrap() {}
    assert_eq!(other.items(first.dataset_id, 0, 9).await.unwrap(), []);
}

pub async fn a_batch_comes_back_with_its_run(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let file = file(one).await;
    let (row, run) = running(one, &file).await;

    assert_eq!(other.batch(row.id).await.unwrap(), row);
    assert_eq!((run.submission.kind, run.status), (RunKind::Batch, RunStatus::Pending));
    let refused = BatchRow { faults: Some(vec![fault(1)]), ..batch_of(&file) };
    one.create_batch(&refused, None).await.unwrap();
    let anthropic = BatchRow { protocol: BatchProtocol::Anthropic, ..batch_of(&file) };
    one.create_batch(&anthropic, None).await.unwrap();

    let page = async |tenant, protocol, before, limit| {
        let page = other.batches(tenant, protocol, before, limit).await.unwrap();
        page.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let openai = BatchProtocol::Openai;
    assert_eq!(page(Some(&row.tenant), openai, None, 9).await, [refused.id, row.id]);
    assert_eq!(page(None, openai, None, 1).await, [refused.id]);
    assert_eq!(page(None, openai, Some(refused.id), 9).await, [row.id]);
    assert_eq!(page(None, BatchProtocol::Anthropic, None, 9).await, [anthropic.id]);
    assert_eq!(page(Some(&"other".parse().unwrap()), openai, None, 9).await, []);
    assert_eq!(other.batch(refused.id).await.unwrap(), refused);

    one.hide_results(row.id, ResultFile::Errors).await.unwrap();
    let seen = other.batch(row.id).await.unwrap();
    assert_eq!((seen.output_hidden, seen.errors_hidden), (false, true));
    one.hide_results(row.id, ResultFile::Output).await.unwrap();
    let seen = other.batch(row.id).await.unwrap();
    assert_eq!((seen.output_hidden, seen.errors_hidden), (true, true));
}

pub async fn a_repeated_request_finds_its_batch(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let file = file(one).await;
    let (row, _) = running(one, &file).await;
    let content = BatchContent {
        tenant: row.tenant.clone(),
        token_id: row.token_id,
        dataset_id: Some(row.dataset_id),
        version_hash: row.version_hash.clone(),
        protocol: row.protocol,
        endpoint: row.endpoint.clone(),
    };
    let found = async |content: &BatchContent, since| {
        other.newest_batch(content, at(since)).await.unwrap().map(|row| row.id)
    };

    assert_eq!(found(&content, 1).await, Some(row.id));
    assert_eq!(found(&BatchContent { dataset_id: None, ..content.clone() }, 1).await, Some(row.id));
    assert_eq!(found(&content, 2).await, None, "it is too old");
    for other in [
        BatchContent { token_id: None, ..content.clone() },
        BatchContent { endpoint: "/v1/messages".into(), ..content.clone() },
        BatchContent { tenant: "other".parse().unwrap(), ..content.clone() },
        BatchContent { dataset_id: Some(new_dataset("x").id), ..content.clone() },
    ] {
        assert_eq!(found(&other, 1).await, None, "{other:?}");
    }
    let of_environment = BatchRow { token_id: None, ..batch_of(&file) };
    one.create_batch(&of_environment, None).await.unwrap();
    assert_eq!(found(&BatchContent { token_id: None, ..content }, 1).await, Some(of_environment.id));

    let keyed = BatchRow { request_key: Some("nightly".into()), ..batch_of(&file) };
    one.create_batch(&keyed, None).await.unwrap();
    let again = BatchRow { id: RunId::from_uuid(Uuid::now_v7()), ..keyed.clone() };
    assert_eq!(other.create_batch(&again, None).await.unwrap(), CreatedBatch::Existing(keyed));
    assert_not_found(other.batch(again.id).await, "batch");
    let of_other_tenant = BatchRow { tenant: "other".parse().unwrap(), ..again };
    let created = one.create_batch(&of_other_tenant, None).await.unwrap();
    assert!(matches!(created, CreatedBatch::New(_)));
}

pub async fn a_batch_is_overdue_until_its_run_is_canceled(stores: &Stores) {
    let (one, other) = (&*stores.one, &*stores.other);
    let file = file(one).await;
    let (first, first_run) = running(one, &file).await;
    let (second, _) = running(one, &file).await;

    assert_eq!(other.overdue_batches(at(99), 9).await.unwrap(), []);
    assert_eq!(other.overdue_batches(at(100), 9).await.unwrap(), [first.id, second.id]);
    assert_eq!(other.overdue_batches(at(100), 1).await.unwrap(), [first.id]);

    one.expire_batch(first.id, at(101)).await.unwrap();
    one.expire_batch(first.id, at(102)).await.unwrap();
    assert_eq!(other.batch(first.id).await.unwrap().expired_at, Some(at(101)));
    cancel(one, &first_run).await;
    assert_eq!(other.overdue_batches(at(103), 9).await.unwrap(), [second.id]);
    assert_not_found(one.expire_batch(RunId::from_uuid(Uuid::nil()), at(1)).await, "batch");
}

pub async fn a_refused_batch_goes_with_its_dataset(stores: &Stores) {
    let store = &*stores.one;
    let file = file(store).await;
    let refused = BatchRow { faults: Some(vec![fault(1)]), ..batch_of(&file) };
    store.create_batch(&refused, None).await.unwrap();

    store.hide_file(file.dataset_id).await.unwrap();
    assert!(store.batch(refused.id).await.is_ok(), "a client may still ask for the reasons");

    let unused = store.unused_datasets(None, at(1), None, 1000).await.unwrap();
    assert!(unused.iter().any(|dataset| dataset.id == file.dataset_id));
    store.remove_dataset(file.dataset_id).await.unwrap();
    assert_not_found(store.batch(refused.id).await, "batch");
    assert_not_found(store.file(file.dataset_id).await, "file");
}

pub async fn a_file_in_use_is_not_removed(stores: &Stores) {
    let store = &*stores.one;
    let file = file(store).await;
    let (row, run) = running(store, &file).await;

    assert_conflict(store.remove_dataset(file.dataset_id).await);
    assert_conflict(store.transition(run.id, Transition::Extend { samples: 2 }, at(2)).await);
    assert!(store.file(file.dataset_id).await.is_ok() && store.batch(row.id).await.is_ok());

    cancel(store, &run).await;
    store.remove_run(run.id).await.unwrap();
    assert!(!store.file(file.dataset_id).await.unwrap().hidden, "no client has deleted it");
    store.remove_dataset(file.dataset_id).await.unwrap();
    assert_not_found(store.file(file.dataset_id).await, "file");
}

pub async fn an_answer_says_why_it_ended_and_what_it_used(stores: &Stores) {
    let store = &*stores.one;
    let run = fed_run(store, 1).await;
    let usage = Usage { prompt_tokens: 3, completion_tokens: 1, ..Usage::default() };
    let entry =
        Invocation { finish: Some(Finish::ToolCalls), answer_usage: Some(usage), ..answered(&run, 0) };

    store.write_logs(&batch([entry]), at(2)).await.unwrap();

    let [result] = all_results(&*stores.other, run.id).await.try_into().unwrap();
    assert_eq!((result.finish, result.answer_usage), (Some(Finish::ToolCalls), Some(usage)));
}
