use reqwest::Method;
use runmill_proto::{
    Outcome, TokenLogprob, ToolCall,
    chat::Finish,
    message::{Deferred, Invocation},
    testing,
};
use runmill_store::{LogBatch, LogEntry};
use serde_json::{Value, json};

use super::{answered, ended, failed, line};
use crate::server::Server;

#[tokio::test]
async fn a_batch_is_a_run_whose_results_are_its_files() {
    let server = Server::start().await;
    let batch = server.batch(&["q1", "q2", "q3"]).await;
    let file = &batch["input_file_id"];

    let want = json!({"id": batch["id"], "object": "batch", "endpoint": "/v1/chat/completions", "model": "m",
        "errors": null, "input_file_id": file, "completion_window": "24h", "status": "in_progress",
        "output_file_id": null, "error_file_id": null, "created_at": 1_760_000_000, "in_progress_at": 1_760_000_000,
        "expires_at": 1_760_086_400, "finalizing_at": null, "completed_at": null, "failed_at": null,
        "expired_at": null, "cancelling_at": null, "cancelled_at": null,
        "request_counts": {"total": 3, "completed": 0, "failed": 0}, "metadata": null,
        "runmill": {"run_id": batch["runmill"]["run_id"], "paused_at": null, "pause_reason": null,
            "resume_at": null}});
    assert_eq!(batch, want);
    let run = server.all_fed(&batch).await;
    let seen = server.get(&format!("/runs/{run}")).await;
    assert_eq!((&seen["kind"], &seen["counters"]["total"]), (&json!("batch"), &json!(3)));
    assert_eq!(seen["config"]["texts"], "all");

    let call = ToolCall { id: "t1".into(), name: "add".into(), arguments: "{}".into() };
    let token = TokenLogprob { token: "2".into(), logprob: -0.5, top_logprobs: Vec::new() };
    // They end in another order than they came.
    server
        .settle([
            Invocation {
                tool_calls: vec![call],
                finish: Some(Finish::ToolCalls),
                answer_usage: None,
                ..answered(run, 2, "")
            },
            failed(run, 1),
        ])
        .await;
    let half = server.batch_again(&batch).await;
    assert_eq!(half["request_counts"], json!({"total": 3, "completed": 1, "failed": 1}));
    assert_eq!((&half["output_file_id"], &half["error_file_id"]), (&Value::Null, &Value::Null));
    let early =
        format!("/v1/files/{}-output/content", batch["id"].as_str().unwrap().replace("batch_", "file-"));
    server.refusal(404, server.request(Method::GET, &early)).await;
    server.settle([Invocation { logprobs: Some(vec![token]), ..answered(run, 0, "2") }]).await;

    let done = server.batch_again(&batch).await;
    assert_eq!((&done["status"], &done["completed_at"]), (&json!("completed"), &json!(1_760_000_000)));
    assert_eq!(done["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}));
    let output = server.lines(&done["output_file_id"]).await;
    let [first, third] = output.as_slice() else { panic!("{output:?}") };
    assert_eq!((&first["custom_id"], &third["custom_id"]), (&json!("q1"), &json!("q3")));
    assert_eq!((&first["error"], &first["response"]["status_code"]), (&Value::Null, &json!(200)));
    let body = &first["response"]["body"];
    assert_eq!(
        (&body["object"], &body["model"], &body["created"]),
        (&json!("chat.completion"), &json!("m"), &json!(1_760_000_000))
    );
    let choice = &body["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!("2"), &json!("stop")));
    assert_eq!(choice["logprobs"]["content"][0]["token"], "2");
    assert_eq!((&body["usage"]["prompt_tokens"], &body["usage"]["total_tokens"]), (&json!(3), &json!(4)));
    let body = &third["response"]["body"];
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(body["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "add");
    assert!(body["usage"]["prompt_tokens"].as_u64().unwrap() > 0, "an estimate: {body}");
    let errors = server.lines(&done["error_file_id"]).await;
    let [second] = errors.as_slice() else { panic!("{errors:?}") };
    assert_eq!((&second["custom_id"], &second["error"]), (&json!("q2"), &Value::Null));
    assert_eq!(second["response"]["status_code"], 400);
    assert_eq!(second["response"]["body"]["error"]["code"], "context_length_exceeded");
    assert_ne!(first["id"], second["id"]);

    let path = format!("/v1/files/{}", done["output_file_id"].as_str().unwrap());
    let object = server.get(&path).await;
    let bytes = server.text(&format!("{path}/content")).await.len();
    assert_eq!((&object["purpose"], &object["bytes"]), (&json!("batch_output"), &json!(bytes)));
}

#[tokio::test]
async fn a_line_with_the_fields_of_an_item_is_a_request_nevertheless() {
    let server = Server::start().await;
    server.new_provider().await;
    let mut line: Value = serde_json::from_str(&line("q1")).unwrap();
    line["id"] = json!("i");
    line["type"] = json!("freeform");
    line["inputs"] = json!({"text": "2+2"});
    let file = server.upload(&[line.to_string()]).await;
    let batch = server.answer(server.batch_request(&file)).await;
    let run = server.all_fed(&batch).await;
    server.settle([answered(run, 0, "2")]).await;

    let done = server.batch_again(&batch).await;

    assert_eq!(done["request_counts"], json!({"total": 1, "completed": 1, "failed": 0}));
    let output = server.lines(&done["output_file_id"]).await;
    assert_eq!((&output[0]["custom_id"], &output[0]["response"]["status_code"]), (&json!("q1"), &json!(200)));
}

#[tokio::test]
async fn an_answer_of_an_older_log_sink_ends_as_its_outcome_says() {
    let server = Server::start().await;
    let batch = server.batch(&["q1", "q2"]).await;
    let run = server.all_fed(&batch).await;
    let older = |ordinal, outcome| Invocation { response: Some("no".into()), ..ended(run, ordinal, outcome) };

    server.settle([older(0, Outcome::Truncated), older(1, Outcome::Refused)]).await;

    let done = server.batch_again(&batch).await;
    let output = server.lines(&done["output_file_id"]).await;
    let choice = |n: usize| &output[n]["response"]["body"]["choices"][0];
    assert_eq!(
        (&choice(0)["finish_reason"], &choice(0)["message"]["content"]),
        (&json!("length"), &json!("no"))
    );
    assert_eq!(choice(1)["message"]["refusal"], "no");
    assert_eq!(done["error_file_id"], Value::Null);
}

#[tokio::test]
async fn a_canceled_batch_has_what_was_answered_and_a_line_for_each_other() {
    let server = Server::start().await;
    let batch = server.batch(&["q1", "q2", "q3"]).await;
    let run = server.all_fed(&batch).await;
    server.settle([answered(run, 1, "2")]).await;
    let cancel = format!("/v1/batches/{}/cancel", batch["id"].as_str().unwrap());

    let canceling = server.answer(server.post(&cancel)).await;

    assert_eq!(
        (&canceling["status"], &canceling["cancelling_at"]),
        (&json!("cancelling"), &json!(1_760_000_000))
    );
    assert_eq!(server.answer(server.post(&cancel)).await, canceling, "idempotent");
    server.settle([answered(run, 0, "3"), ended(run, 2, Outcome::Canceled)]).await;
    let done = server.batch_again(&batch).await;
    assert_eq!((&done["status"], &done["cancelled_at"]), (&json!("cancelled"), &json!(1_760_000_000)));
    assert_eq!(done["request_counts"], json!({"total": 3, "completed": 2, "failed": 1}));
    assert_eq!(server.lines(&done["output_file_id"]).await.len(), 2);
    let errors = server.lines(&done["error_file_id"]).await;
    let error = &errors[0];
    assert_eq!((errors.len(), &error["custom_id"], &error["error"]), (1, &json!("q3"), &Value::Null));
    assert_eq!(error["response"]["body"]["error"]["code"], "batch_cancelled");
    assert_eq!(server.answer(server.post(&cancel)).await, done, "it is over");
}

#[tokio::test]
async fn a_batch_that_was_canceled_before_its_first_call_still_has_both_files() {
    let server = Server::start().await;
    let batch = server.batch(&["q1", "q2"]).await;
    let cancel = format!("/v1/batches/{}/cancel", batch["id"].as_str().unwrap());

    let done = server.answer(server.post(&cancel)).await;

    assert_eq!(done["status"], "cancelled");
    assert_eq!(server.lines(&done["output_file_id"]).await, Vec::<Value>::new());
    let ids: Vec<_> =
        server.lines(&done["error_file_id"]).await.iter().map(|line| line["custom_id"].clone()).collect();
    assert_eq!(ids, ["q1", "q2"]);
}

#[tokio::test]
async fn a_paused_batch_is_in_progress_and_says_why() {
    let server = Server::start().await;
    let batch = server.batch(&["q1"]).await;
    let run = server.all_fed(&batch).await;
    let stop = Deferred {
        run_id: run,
        ordinal: 0,
        sample: 0,
        epoch: 0,
        attempt: 0,
        failures: 0,
        not_before: server.clock.now(),
        reason: "the key is refused".into(),
        pause: true,
        pause_cause: None,
        unreachable: false,
        call: testing::call(runmill_proto::InvocationId::from_uuid(uuid::Uuid::now_v7())),
    };
    let log = LogBatch(vec![LogEntry::Deferred(Box::new(stop))]);
    server.store.write_logs(&log, server.clock.now()).await.unwrap();

    let paused = server.batch_again(&batch).await;

    assert_eq!((&paused["status"], &paused["errors"]), (&json!("in_progress"), &Value::Null));
    assert_eq!(paused["runmill"]["pause_reason"], "the key is refused");
}

#[tokio::test]
async fn batches_are_listed_newest_first() {
    let server = Server::start().await;
    let first = server.batch(&["q1"]).await;
    let file = server.upload(&[line("x")]).await;
    let second = server.answer(server.batch_request(&file)).await;
    let listed = async |query: &str| server.get(&format!("/v1/batches{query}")).await;

    let all = listed("").await;
    assert_eq!((&all["object"], &all["data"]), (&json!("list"), &json!([second, first])));
    assert_eq!((&all["first_id"], &all["last_id"]), (&second["id"], &first["id"]));
    let page = listed("?limit=1").await;
    assert_eq!((&page["data"], &page["has_more"]), (&json!([second]), &json!(true)));
    let rest = listed(&format!("?limit=1&after={}", second["id"].as_str().unwrap())).await;
    assert_eq!((&rest["data"], &rest["has_more"]), (&json!([first]), &json!(false)));
    server.refusal(400, server.request(Method::GET, "/v1/batches?limit=0")).await;
}

#[tokio::test]
async fn files_go_when_a_client_deletes_them_and_all_goes_with_the_run() {
    let server = Server::start().await;
    let batch = server.batch(&["q1"]).await;
    let run = server.all_fed(&batch).await;
    server.settle([answered(run, 0, "2")]).await;
    let done = server.batch_again(&batch).await;
    let path = |file: &Value| format!("/v1/files/{}", file.as_str().unwrap());
    for file in [&done["input_file_id"], &done["output_file_id"]] {
        server.answer(server.request(Method::DELETE, &path(file))).await;
        server.refusal(404, server.request(Method::GET, &path(file))).await;
    }
    assert_eq!(server.batch_again(&batch).await["output_file_id"], Value::Null);

    let removed = server.request(Method::DELETE, &format!("/runs/{run}")).send().await.unwrap();

    assert_eq!(removed.status(), 204);
    let batch = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    server.refusal(404, server.request(Method::GET, &batch)).await;
    assert_eq!(server.get("/datasets").await["items"], json!([]), "the deleted file's lines");
}
