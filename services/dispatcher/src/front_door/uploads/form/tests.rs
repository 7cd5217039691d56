use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{StreamExt as _, stream};

use super::*;

#[test]
fn a_name_is_readable() {
    for (given, want) in [
        (None, "requests.jsonl"),
        (Some(" "), "requests.jsonl"),
        (Some("upload"), "upload"),
        (Some("a\nb"), "ab"),
    ] {
        assert_eq!(name(given), want, "{given:?}");
    }
    assert_eq!(name(Some(&"x".repeat(999))).len(), NAME_CHARS_MAX);
}

/// The body of an upload of 100,000 lines of 4 KB, all of which is there at once: no more than a few chunks of it are in
/// memory at any time.
#[tokio::test]
async fn an_upload_is_read_no_faster_than_it_is_stored() {
    const LINES: usize = 100_000;
    const LINES_IN_CHUNK: usize = 16;
    let line = |n: usize| {
        let body = format!(r#"{{"model":"m","input":"{}"}}"#, "x".repeat(4000));
        format!(r#"{{"custom_id":"q{n}","method":"POST","url":"/v1/responses","body":{body}}}"#) + "\n"
    };
    let line_bytes = line(LINES).len();
    let taken = AtomicUsize::new(0);
    let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let chunks = (0..LINES / LINES_IN_CHUNK).map(|chunk| {
        taken.fetch_add(LINES_IN_CHUNK, Ordering::Relaxed);
        (0..LINES_IN_CHUNK).map(|n| line(chunk * LINES_IN_CHUNK + n)).collect::<String>()
    });
    let body = std::iter::once(head.to_owned()).chain(chunks).chain(["\r\n--b--\r\n".to_owned()]);
    let body = stream::iter(body.map(|text| Ok::<_, Infallible>(Bytes::from(text))));

    let found = Found::shared();
    let mut form = Multipart::new(Paced::new(body), "b");
    let file = form.next_field().await.unwrap().unwrap();
    let mut lines = lines(file, 8192, &found);
    let (mut stored, mut largest) = (0, 0);
    while let Some(item) = lines.next().await {
        item.unwrap();
        stored += 1;
        largest = largest.max((taken.load(Ordering::Relaxed) - stored) * line_bytes);
    }

    assert_eq!((stored, Found::summary(&found).0.faulty), (LINES, 0));
    assert!(largest <= 4 * LINES_IN_CHUNK * line_bytes, "{largest} bytes were read ahead");
}
