use std::collections::BTreeMap;

use runmill_gateway::{CallRecord, Gateway, GatewaySettings, Stats};

use crate::client::{ask, ask_stream, chat, delete, gateway, get, send, until};

const HEADERS: &str = "authorization: Bearer sk-secret\r\nx-client-request-id: run:7:0:1\r\n";

#[tokio::test]
async fn a_call_is_recorded_without_its_key() {
    let gateway = gateway().await;
    chat(&gateway, HEADERS, &ask_stream("echo+ttft=20ms", "hi")).await;

    let lines = get(&gateway, "/_gateway/calls").await;

    let record: CallRecord = serde_json::from_str(&lines.body).unwrap();
    assert_eq!((record.seq, &*record.model, &*record.key), (1, "echo+ttft=20ms", "key-746b4ad1"));
    assert_eq!(record.client_request_id.as_deref(), Some("run:7:0:1"));
    assert_eq!((record.status, record.streamed), (200, true));
    assert!(record.out_us - record.in_us >= 20_000, "{record:?}");
    assert!(!lines.body.contains("secret"));
}

#[tokio::test]
async fn calls_are_read_page_by_page() {
    let gateway = gateway().await;
    for _ in 0..5 {
        chat(&gateway, "", &ask("echo", "hi")).await;
    }

    let first = get(&gateway, "/_gateway/calls?limit=3").await;
    let rest = get(&gateway, "/_gateway/calls?after=3").await;
    let end = get(&gateway, "/_gateway/calls?after=5").await;

    assert_eq!([&first, &rest, &end].map(|page| page.body.lines().count()), [3, 2, 0]);
    assert_eq!(
        [&first, &rest, &end].map(|page| page.header("x-gateway-next")),
        [Some("3"), Some("5"), Some("5")]
    );
}

#[tokio::test]
async fn a_number_of_the_query_is_refused_outside_its_range() {
    let gateway = gateway().await;
    for name in ["after", "limit"] {
        for value in ["-1", "18446744073709551616", "x", "1.5", ""] {
            let reply = get(&gateway, &format!("/_gateway/calls?{name}={value}")).await;
            assert_eq!(reply.status, 400, "{name}={value}");
            assert!(reply.body.contains("a whole number from 0 to 18446744073709551615"), "{}", reply.body);
        }
        for value in ["0", "18446744073709551615"] {
            assert_eq!(get(&gateway, &format!("/_gateway/calls?{name}={value}")).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_full_record_forgets_the_oldest_and_says_so() {
    let gateway =
        Gateway::start(GatewaySettings { calls_kept_max: 2, ..GatewaySettings::default() }).await.unwrap();
    for _ in 0..5 {
        chat(&gateway, "", &ask("echo", "hi")).await;
    }

    let page = get(&gateway, "/_gateway/calls").await;

    assert_eq!(page.header("x-gateway-dropped"), Some("3"));
    assert!(page.body.starts_with(r#"{"seq":4,"#));
}

#[tokio::test]
async fn concurrency_is_counted_over_all_and_by_model_and_key() {
    let gateway = gateway().await;
    let hanging = ask("echo+hang", "?").to_string();
    let mut open = Vec::new();
    for _ in 0..7 {
        open.push(send(gateway.address(), "POST", "/v1/chat/completions", HEADERS, &hanging).await);
    }
    until(&gateway, |stats| stats.all.in_flight == 7).await;
    chat(&gateway, "", &ask("lorem", "?")).await;
    drop(open);
    until(&gateway, |stats| stats.all.in_flight == 0).await;

    let stats: Stats = serde_json::from_str(&get(&gateway, "/_gateway/stats").await.body).unwrap();

    assert_eq!((stats.all.in_flight_max, stats.all.calls), (8, 8));
    assert_eq!(stats.all.by_status, BTreeMap::from([(200, 1), (499, 7)]));
    assert_eq!((stats.models["echo+hang"].in_flight_max, stats.models["lorem"].in_flight_max), (7, 1));
    assert_eq!((stats.keys["key-746b4ad1"].calls, stats.keys["none"].calls), (7, 1));
    assert!(stats.all.per_minute_max >= stats.all.per_second_max && stats.all.per_second_max > 0);
}

#[tokio::test]
async fn a_caller_that_hangs_up_in_the_middle_of_a_stream_is_recorded() {
    let gateway = gateway().await;
    let request = ask_stream("lorem+tokens=100000+tps=100", "?").to_string();
    let mut stream = send(gateway.address(), "POST", "/v1/chat/completions", HEADERS, &request).await;
    // The first byte of the head shows that the stream has begun.
    tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
    drop(stream);

    until(&gateway, |stats| stats.all.calls == 1).await;

    assert_eq!(gateway.calls(0, 10)[0].status, 499);
}

#[tokio::test]
async fn a_reset_forgets_what_ended() {
    let gateway = gateway().await;
    chat(&gateway, "", &ask("echo", "hi")).await;

    let reset = delete(&gateway, "/_gateway/calls").await;
    chat(&gateway, "", &ask("lorem", "hi")).await;

    let after_reset: Stats = serde_json::from_str(&reset.body).unwrap();
    assert_eq!(after_reset, Stats::default());
    assert_eq!(gateway.stats().models.into_keys().collect::<Vec<_>>(), ["lorem"]);
    assert!(get(&gateway, "/_gateway/calls").await.body.starts_with(r#"{"seq":2,"#));
}

#[tokio::test]
async fn the_file_has_every_call_once_the_gateway_has_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.ndjson");
    for _ in 0..2 {
        let settings = GatewaySettings { record_to: Some(path.clone()), ..GatewaySettings::default() };
        let gateway = Gateway::start(settings).await.unwrap();
        for _ in 0..3 {
            chat(&gateway, HEADERS, &ask("echo", "hi")).await;
        }
        gateway.stop().await.unwrap();
    }

    let text = std::fs::read_to_string(path).unwrap();

    let seqs: Vec<_> =
        text.lines().map(|line| serde_json::from_str::<CallRecord>(line).unwrap().seq).collect();
    assert_eq!(seqs, [1, 2, 3, 1, 2, 3], "a second gateway appends");
}

#[tokio::test]
async fn a_stop_breaks_off_open_calls_and_records_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.ndjson");
    let settings = GatewaySettings { record_to: Some(path.clone()), ..GatewaySettings::default() };
    let gateway = Gateway::start(settings).await.unwrap();
    let hanging = ask("echo+hang", "?").to_string();
    let _open = send(gateway.address(), "POST", "/v1/chat/completions", "", &hanging).await;
    until(&gateway, |stats| stats.all.in_flight == 1).await;

    gateway.stop().await.unwrap();

    assert!(std::fs::read_to_string(path).unwrap().contains(r#""status":499"#));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_at_the_start() {
    let record_to = Some("/nowhere/calls.ndjson".into());

    let error =
        Gateway::start(GatewaySettings { record_to, ..GatewaySettings::default() }).await.unwrap_err();

    assert_eq!(error.to_string(), "cannot write the record of calls to /nowhere/calls.ndjson");
}
