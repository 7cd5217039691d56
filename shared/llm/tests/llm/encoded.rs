//! Bodies that are compressed although this was not asked for.

use std::io::Write;

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use runmill_llm::{Invoked, ModelError, Unanswered};

use crate::{
    server::{Act, BUFFERED, EVENTS, Server},
    setup::{client, policy, request},
};

async fn call(status: &str, encoding: &str, media_type: &str, body: &[u8]) -> (Invoked, String) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-encoding: {encoding}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut server = Server::start([Act::SendBytes([head.as_bytes(), body].concat())]).await;
    let invoked = client(server.base_url()).invoke(&request(), &policy()).await;
    (invoked, server.received().await.1)
}

fn gzip(body: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Returns a Brotli stream of one uncompressed metablock.
fn brotli(body: &str) -> Vec<u8> {
    let head = u32::try_from(body.len() - 1).unwrap() << 4 | 1 << 20;
    [&head.to_le_bytes()[..3], body.as_bytes(), &[3]].concat()
}

/// Returns a Zstandard frame of one raw block.
fn zstd(body: &str) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap();
    let frame = [0x28, 0xB5, 0x2F, 0xFD, 0xA0];
    [&frame[..], &size.to_le_bytes(), &(size << 3 | 1).to_le_bytes()[..3], body.as_bytes()].concat()
}

type Encode = fn(&str) -> Vec<u8>;

const ENCODINGS: [(&str, Encode); 4] = [("gzip", gzip), ("deflate", deflate), ("br", brotli), ("zstd", zstd)];

#[tokio::test]
async fn a_compressed_body_is_read_though_none_was_asked_for() {
    let limit = r#"{"error":{"message":"slow down, please"}}"#;
    for (name, encode) in ENCODINGS {
        let (buffered, sent) = call("200 OK", name, "application/json", &encode(BUFFERED)).await;
        let (streamed, _) = call("200 OK", name, "text/event-stream", &encode(EVENTS)).await;
        let (refused, _) = call("400 Bad Request", name, "application/json", &encode(limit)).await;

        assert!(sent.contains("accept-encoding: identity"), "{sent}");
        assert_eq!(buffered.result.unwrap().text, "4", "{name}");
        assert_eq!(streamed.result.unwrap().text, "4", "{name}");
        assert!(refused.result.unwrap_err().to_string().ends_with("400: slow down, please"), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_encoding_is_named() {
    for status in ["200 OK", "500 Internal Server Error"] {
        let (invoked, _) = call(status, "dcb", "application/json", b"\x00\x01").await;
        let error = invoked.result.unwrap_err().to_string();
        assert!(error.contains("its content encoding `dcb` was not asked for"), "{error}");
    }
}

#[tokio::test]
async fn a_body_is_bounded_by_its_size_after_decoding() {
    let bomb = gzip(&" ".repeat(33 << 20));
    assert!(bomb.len() < 1 << 20);

    let (answer, _) = call("200 OK", "gzip", "application/json", &bomb).await;
    let (error, _) = call("400 Bad Request", "gzip", "text/plain", &gzip(&"x".repeat(33 << 20))).await;

    let too_long = matches!(answer.result, Err(Unanswered::Failed(ModelError::Malformed { .. })));
    assert!(too_long, "{:?}", answer.result);
    assert!(error.attempts[0].error.as_ref().unwrap().len() < 700);
}
