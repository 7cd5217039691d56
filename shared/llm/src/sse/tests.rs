use proptest::prelude::*;

use super::*;

type Events = Result<Vec<(String, String)>, SseError>;

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
    let mut decoder = SseDecoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(event) = decoder.next()? {
            events.push((event.name.to_owned(), event.data.to_owned()));
        }
    }
    Ok(events)
}

#[test]
fn events_are_read_as_the_standard_says() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("data: a\n\n", &[("", "a")]),
        ("data:a\n\ndata:  b\n\n", &[("", "a"), ("", " b")]),
        ("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[("", "a"), ("", "b"), ("", "c")]),
        ("event: error\ndata: {}\n\ndata: x\n\n", &[("error", "{}"), ("", "x")]),
        ("event: error\r\ndata: {}\r\n\r\n", &[("error", "{}")]),
        ("data: one\ndata: two\ndata\ndata:\n\n", &[("", "one\ntwo\n\n")]),
        (": a comment\n\ndata: a\n: another\n\n", &[("", "a")]),
        ("id: 7\nretry: 10\nunknown: x\ndata: a\n\n", &[("", "a")]),
        ("event: named only\n\ndata: a\n\n", &[("", "a")]),
        ("\u{feff}data: a\n\n", &[("", "a")]),
        ("\n\n\ndata: {\"a\":\"b:c\"}\n\n", &[("", "{\"a\":\"b:c\"}")]),
        ("data: unfinished\n", &[]),
        ("datab: a\n\n", &[]),
    ];
    for (stream, want) in table {
        let want: Vec<_> = want.iter().map(|&(name, data)| (name.to_owned(), data.to_owned())).collect();
        assert_eq!(decode([stream.as_bytes()]), Ok(want), "{stream:?}");
    }
}

#[test]
fn an_event_above_the_bound_is_an_error_before_all_of_it_has_come() {
    let piece = vec![b'x'; 1024 * 1024];
    let mut decoder = SseDecoder::default();
    decoder.push(Bytes::from_static(b"data: "));
    assert_eq!(decoder.next(), Ok(None));

    let failed_after = (1..=20).find(|_| {
        decoder.push(piece.clone().into());
        decoder.next().is_err()
    });

    assert_eq!(failed_after, Some(8));
}

#[test]
fn the_bound_holds_for_the_lines_of_an_event_together() {
    let line = format!("data: {}\n", "x".repeat(1024 * 1024));
    let pieces = std::iter::repeat_n(line.as_bytes(), 9);

    assert_eq!(decode(pieces), Err(SseError::TooLong));
}

#[test]
fn what_is_not_utf8_is_an_error() {
    assert_eq!(decode([&b"data: \xff\n\n"[..]]), Err(SseError::NotUtf8));
}

/// Generates streams from the characters that matter to the decoder, so that short streams cover many cases.
fn any_stream() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => Just("data: "),
        2 => Just("event: "),
        1 => Just(": "),
        4 => Just("\n"),
        3 => Just("\r"),
        3 => Just("\r\n"),
        3 => Just("é€😀"),
        3 => Just("{\"a\":1}"),
        1 => Just("\u{feff}"),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    /// The events are the same wherever the bytes are cut, also inside of a character.
    #[test]
    fn every_cut_gives_the_same_events(stream in any_stream()) {
        let bytes = stream.as_bytes();
        let whole = decode([bytes]);
        for cut in 0..=bytes.len() {
            prop_assert_eq!(&decode([&bytes[..cut], &bytes[cut..]]), &whole, "cut at {}", cut);
        }
        prop_assert_eq!(&decode(bytes.chunks(1)), &whole);
    }

    /// Decoding ends without a panic for any bytes.
    #[test]
    fn any_bytes_are_events_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode([&bytes[..]]);
    }
}

#[test]
fn what_was_begun_can_be_asked_for_at_the_end() {
    let table = [
        ("data: a", Some("a")),
        ("data: a\n", Some("a")),
        ("data: a\ndata: b", Some("a\nb")),
        ("data: a\n\n: comment", None),
        ("data: a\n\n", None),
        ("", None),
    ];
    for (stream, want) in table {
        for size in [1, 100] {
            let mut decoder = SseDecoder::default();
            for piece in stream.as_bytes().chunks(size) {
                decoder.push(Bytes::copy_from_slice(piece));
                while decoder.next().unwrap().is_some() {}
            }
            assert_eq!(
                decoder.rest().unwrap().map(|event| event.data.to_owned()).as_deref(),
                want,
                "{stream:?}"
            );
        }
    }
}

#[test]
fn the_first_event_of_a_body_is_found_only_where_the_body_begins_with_it() {
    let table = [
        ("data: {\"error\":1}\n\ndata: [DONE]\n\n", Some("{\"error\":1}")),
        ("\r\nevent: error\r\ndata: a\r\n\r\n", Some("a")),
        ("data: a", Some("a")),
        ("data: a\ndata: b\n", Some("a\nb")),
        ("event: error\n\n", None),
        ("{\"data\": 1}", None),
        ("datum", None),
        ("", None),
    ];
    for (body, want) in table {
        assert_eq!(first_data(body.as_bytes()).as_deref(), want, "{body}");
    }
}
