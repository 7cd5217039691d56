use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn a_window_is_a_number_and_a_unit() {
    for (text, hours) in [("24h", 24), ("60m", 1), ("30d", 720)] {
        assert_eq!(window(text), Ok(SignedDuration::from_hours(hours)), "{text}");
    }
    for wrong in ["", "h", "24", "0m", "31d", "1y", "-1h", "ö", "1.5h"] {
        assert_eq!(window(wrong).unwrap_err().param.as_deref(), Some("completion_window"), "{wrong}");
    }
}

#[test]
fn a_request_needs_a_file_and_an_endpoint() {
    let body = json!({"input_file_id": "file-1", "endpoint": "/v1/responses", "output_expires_after": {}});
    let asked = Asked::read(&body, &HeaderMap::new()).unwrap();
    assert_eq!((asked.endpoint, asked.completion_window.as_str()), (Endpoint::Responses, "24h"));
    for (field, value) in [
        ("input_file_id", Value::Null),
        ("endpoint", json!("/v1/embeddings")),
        ("completion_window", json!(24)),
        ("metadata", json!("x")),
        ("metadata", json!({"a": "x".repeat(513)})),
        ("metadata", json!({"a": ["x".repeat(513)]})),
        ("metadata", json!({"x".repeat(65): "a"})),
        ("metadata", Value::Object((0..17).map(|n| (n.to_string(), json!("a"))).collect())),
    ] {
        let mut body = body.clone();
        body[field] = value;
        let refusal = Asked::read(&body, &HeaderMap::new()).unwrap_err();
        assert_eq!((refusal.status, refusal.param.as_deref()), (400, Some(field)));
    }
}

#[test]
fn only_a_mark_makes_a_request_the_same() {
    let once = json!({"runmill_once": "true"});
    let table = [
        (headers(&[]), None, Repetition::No),
        (headers(&[("x-stainless-retry-count", "0")]), None, Repetition::No),
        (headers(&[("x-stainless-retry-count", "NOT_GIVEN")]), None, Repetition::No),
        (headers(&[("x-stainless-retry-count", "2")]), None, Repetition::Retry),
        (headers(&[("x-stainless-retry-count", "2")]), Some(&once), Repetition::Content),
        (headers(&[("idempotency-key", "a b")]), Some(&once), Repetition::Named("a b".into())),
    ];
    for (headers, metadata, want) in table {
        assert_eq!(Repetition::of(&headers, metadata), Ok(want));
    }
    assert!(Repetition::of(&headers(&[("idempotency-key", "")]), None).is_err());
}
