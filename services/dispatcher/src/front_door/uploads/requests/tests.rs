use std::convert::Infallible;

use futures::TryStreamExt as _;

use super::*;

fn line(id: &str, url: &str, model: &str) -> String {
    format!(r#"{{"custom_id":"{id}","method":"POST","url":"{url}","body":{{"model":"{model}"}}}}"#)
}

async fn read(text: &str, chunk: usize) -> (Vec<StoredItem>, FileLines, u64) {
    let chunks: Vec<Result<_, Infallible>> =
        text.as_bytes().chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    let found = Found::shared();
    let items = lines(stream::iter(chunks), 500, &found).try_collect().await.unwrap();
    let (lines, bytes) = Found::summary(&found);
    (items, lines, bytes)
}

#[tokio::test]
async fn lines_are_kept_as_they_are_and_faults_have_their_numbers() {
    const CHAT: &str = "/v1/chat/completions";
    let odd = format!(" {}\t\r", line("ö", CHAT, "m"));
    let text = format!(
        "{}\n\n{odd}\nno json\n{}\n{}\n{}\n{}",
        line("a", CHAT, "m"),
        line("a", CHAT, "m"),
        line("b", "/v1/responses", "m"),
        line("c", CHAT, "n"),
        line("d", CHAT, "m"),
    );
    for chunk in [1, 7, 1000] {
        let (items, lines, bytes) = read(&text, chunk).await;

        let ids: Vec<_> = items.iter().map(|item| item.item_id.as_str()).collect();
        assert_eq!(ids, ["a", "ö", "\u{1f}4", "\u{1f}5", "\u{1f}6", "\u{1f}7", "d"]);
        assert_eq!(items[1].body, odd);
        assert_eq!((lines.count, lines.faulty, bytes), (7, 4, text.len() as u64));
        assert_eq!((lines.url.as_deref(), lines.model.as_deref()), (Some(CHAT), Some("m")));
        assert!(lines.unterminated);
        let faults: Vec<_> = lines.faults.iter().map(|fault| (fault.line, fault.code.as_str())).collect();
        let want = [
            (Some(4), "invalid_json_line"),
            (Some(5), "duplicate_custom_id"),
            (Some(6), "invalid_url"),
            (Some(7), "mismatched_model"),
        ];
        assert_eq!(faults, want);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_a_fault_of_their_line() {
    let found = Found::shared();
    // The second line is right but for a letter in another encoding.
    let right = line("q?", "/v1/responses", "m");
    let latin1: Vec<_> = right.bytes().map(|byte| if byte == b'?' { 0xe9 } else { byte }).collect();
    let bad = [&b"\xff\xfe\n"[..], &latin1, b"\n"].concat();
    let bad = Ok::<_, Infallible>(Bytes::from(bad));
    let items: Vec<_> = lines(stream::iter([bad]), 500, &found).try_collect().await.unwrap();
    let (lines, _) = Found::summary(&found);
    assert_eq!((items.len(), lines.faulty, lines.unterminated), (2, 2, false));
    let messages: Vec<_> = lines.faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(messages[0], "The line is no UTF-8 from its byte 1 on.");
    assert!(messages[1].starts_with("The line is no UTF-8 from its byte "), "{messages:?}");
}

#[tokio::test]
async fn only_the_first_faults_are_kept_and_all_are_counted() {
    let (items, lines, _) = read(&"x\n".repeat(FAULTS_KEPT + 5), 4096).await;
    assert_eq!((items.len(), lines.faults.len()), (FAULTS_KEPT + 5, FAULTS_KEPT));
    assert_eq!(lines.faulty, FAULTS_KEPT as u64 + 5);
}

#[tokio::test]
async fn a_line_that_is_too_long_ends_the_upload() {
    let found = Found::shared();
    let long = Ok::<_, Infallible>(Bytes::from("x".repeat(501)));
    let error = lines(stream::iter([long]), 500, &found).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.to_string(), "line 1: longer than 500 bytes");
}
