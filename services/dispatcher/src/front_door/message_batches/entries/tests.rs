use std::convert::Infallible;

use futures::stream;

use super::*;

async fn read(text: &str, chunk: usize) -> Result<Vec<String>, String> {
    let chunks: Vec<Result<_, Infallible>> =
        text.as_bytes().chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let mut entries = Entries::new(stream::iter(chunks), 60);
    let mut found = Vec::new();
    while let Some(entry) = entries.next().await.map_err(|error| error.to_string())? {
        found.push(String::from_utf8(entry.to_vec()).unwrap());
    }
    assert_eq!(entries.count(), found.len() as u64);
    Ok(found)
}

#[tokio::test]
async fn every_split_of_the_body_gives_the_same_requests() {
    let first = r#"{"a": "}]\"{", "b": [{"c": {}}], "d": 1}"#;
    let second = r#"{"e": "ö\\"}"#;
    let text = format!(
        r#" {{"x": {{"requests": [1]}}, "y": "requests", "requests" : [ {first} ,
        {second} ], "z": [[2], "]"]}} "#
    );
    for chunk in 1..=text.len() {
        assert_eq!(read(&text, chunk).await, Ok(vec![first.to_owned(), second.to_owned()]), "{chunk}");
    }
}

#[tokio::test]
async fn a_body_without_requests_has_none() {
    for text in ["{}", r#"{"requests": []}"#, r#"{"requests2": [{}], "request": [{}]}"#] {
        assert_eq!(read(text, 4096).await, Ok(Vec::new()), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_such_body_is_refused() {
    let long = format!(r#"{{"requests": [{{}}, {{"a": "{}"}}]}}"#, "x".repeat(99));
    let deep = format!(r#"{{"x": {}"#, "[".repeat(300));
    let table = [
        ("", "line 1: the body ends"),
        ("[]", "line 1: the body must be"),
        ("7", "line 1: the body must be"),
        (r#"{"requests": [7]}"#, "line 1: the body must be"),
        (r#"{"requests": [{}, [1]]}"#, "line 2: the body must be"),
        (r#"{"requests": [{}]"#, "line 2: the body ends"),
        (r#"{"requests": [{} {}]}"#, "line 2: the body must be"),
        (r#"{"requests": [{},, {}]}"#, "line 2: the body must be"),
        (r#"{"requests": [, {}]}"#, "line 1: the body must be"),
        (r#"{"requests": [{},]}"#, "line 2: the body must be"),
        (r#"{"requests": [{}}}"#, "line 2: the body must be"),
        (r#"{"requests": [{]]}"#, "line 1: the body must be"),
        (r#"{"requests": [{}]]"#, "line 2: the body must be"),
        ("{}}", "a brace is closed"),
        ("{} x", "the body must be"),
        (long.as_str(), "line 2: longer than 60 bytes"),
        (deep.as_str(), "nested too deeply"),
    ];
    for (text, want) in table {
        let error = read(text, 16).await.unwrap_err();
        assert!(error.contains(want), "{text}: {error}");
    }
}
