use serde_json::{Value, json};

use crate::client::{ask, gateway, post};

/// Returns the path of each protocol, with a request. Most of the requests would fail for another reason if the key
/// were accepted.
fn requests() -> [(&'static str, Value); 5] {
    let model = "echo+fail=500:1";
    let messages = json!([{"role": "user", "content": "a"}]);
    [
        ("/v1/chat/completions", ask(model, "a")),
        ("/openai/deployments/echo/chat/completions", ask("", "a")),
        ("/v1/responses", json!({"model": model, "input": "a"})),
        ("/v1/messages", json!({"model": "claude", "max_tokens": 9, "messages": messages})),
        ("/v1beta/models/echo+fail=500:1:generateContent", json!({"contents": [{"parts": [{"text": "a"}]}]})),
    ]
}

#[tokio::test]
async fn a_bad_key_is_refused_before_all_else_and_in_the_protocols_words() {
    let gateway = gateway().await;
    let revoked = [
        (401, "invalid_api_key"),
        (401, "invalid_api_key"),
        (401, "invalid_api_key"),
        (401, "authentication_error"),
        (400, "API_KEY_INVALID"),
    ];
    let spent = [
        (429, "insufficient_quota"),
        (429, "insufficient_quota"),
        (429, "insufficient_quota"),
        (400, "Your credit balance is too low"),
        (429, "GenerateRequestsPerDayPerProjectPerModel"),
    ];
    for (key, wants) in [("revoked-1", revoked), ("spent-1", spent)] {
        for ((path, request), (status, word)) in requests().into_iter().zip(wants) {
            for header in ["authorization: Bearer ", "x-api-key: ", "x-goog-api-key: ", "api-key: "] {
                let reply = post(&gateway, path, &format!("{header}{key}\r\n"), &request).await;
                assert_eq!(reply.status, status, "{path}, {header}{key}");
                assert!(reply.body.contains(word) && !reply.body.contains(key), "{}", reply.body);
            }
            let reply = post(&gateway, &format!("{path}?key={key}"), "", &request).await;
            assert_eq!(reply.status, status, "{path}?key={key}");
        }
    }
    assert_eq!(gateway.stats().keys.len(), 2, "each key has one label, wherever it comes");
}

#[tokio::test]
async fn a_call_with_a_bad_key_is_recorded_with_its_model() {
    let gateway = gateway().await;
    let [(path, request), ..] = requests();

    post(&gateway, path, "x-api-key: revoked\r\n", &request).await;

    let calls = gateway.calls(0, 9);
    assert_eq!((&*calls[0].model, calls[0].status), ("echo+fail=500:1", 401));
}
