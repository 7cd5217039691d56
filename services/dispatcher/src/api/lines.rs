use bytes::{Bytes, BytesMut};
use futures::{
    Stream, StreamExt,
    stream::{self, Fuse},
};
use runmill_proto::Item;
use runmill_scoring::CheckerError;
use runmill_store::{StoreError, StoredItem};

/// Reads the items of an NDJSON body one at a time and checks them. Buffers no more than one line and one chunk of the
/// body. Blank lines are skipped but counted.
pub fn items<E: std::fmt::Display>(
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    line_max_bytes: usize,
) -> impl Stream<Item = Result<StoredItem, StoreError>> + Send {
    stream::try_unfold(LineSplitter::new(body, line_max_bytes), async |mut lines| {
        match lines.next_filled().await? {
            Some(text) => Ok(Some((lines.item(&text)?, lines))),
            None => Ok(None),
        }
    })
}

/// Splits a body into lines. Buffers no more than one line and one chunk of the body.
pub struct LineSplitter<B> {
    body: Fuse<B>,
    buffer: BytesMut,
    /// Number of the line that was returned last, counted from 1.
    line: u64,
    line_max_bytes: usize,
}

impl<B, E> LineSplitter<B>
where
    B: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    pub fn new(body: B, line_max_bytes: usize) -> Self {
        Self { body: body.fuse(), buffer: BytesMut::new(), line: 0, line_max_bytes }
    }

    /// Returns the number of the line that was returned last, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Returns the next line that is not blank, with its line feed.
    pub async fn next_filled(&mut self) -> Result<Option<Bytes>, StoreError> {
        while let Some(line) = self.next_line().await? {
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    async fn next_line(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                self.line += 1;
                let line = self.buffer.split_to(searched + end + 1).freeze();
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            if searched > self.line_max_bytes {
                self.line += 1;
                return Err(self.fault(format!("longer than {} bytes", self.line_max_bytes)));
            }
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(error)) => {
                    self.line += 1;
                    return Err(self.fault(format!("the upload was interrupted: {error}")));
                }
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.line += 1;
                    return Ok(Some(self.buffer.split().freeze()));
                }
            }
        }
    }

    fn item(&self, line: &[u8]) -> Result<StoredItem, StoreError> {
        let text = std::str::from_utf8(line).map_err(|_| self.fault("not UTF-8".to_owned()))?.trim();
        if text.len() > self.line_max_bytes {
            return Err(self.fault(format!("longer than {} bytes", self.line_max_bytes)));
        }
        let item = Item::from_upload(text).map_err(|error| self.fault(error.to_string()))?;
        runmill_scoring::check_item(&item).map_err(|error| self.fault(checker_fault(&error)))?;
        Ok(StoredItem { item_id: item.id, body: text.to_owned() })
    }

    fn fault(&self, reason: String) -> StoreError {
        StoreError::BadLine { line: self.line, reason }
    }
}

fn checker_fault(error: &CheckerError) -> String {
    format!(
        "{error}; give the name of a scorer, as \"checker\": \"numeric\", or an object with its settings, as \
         {{\"scorer\": \"match\", \"place\": \"end\"}}, or leave it out"
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::TryStreamExt;

    use super::*;

    fn line(id: &str) -> String {
        format!(r#"{{"id":"{id}","type":"freeform","inputs":{{"text":"?"}}}}"#)
    }

    async fn read(text: &str, chunk: usize) -> Result<Vec<String>, StoreError> {
        let chunks: Vec<Result<_, Infallible>> =
            text.as_bytes().chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        items(stream::iter(chunks), 200).map_ok(|item| item.item_id).try_collect().await
    }

    #[tokio::test]
    async fn every_split_of_the_body_gives_the_same_items() {
        let text = format!("{}\r\n\n{}\n{}", line("a"), line("b"), line("ç"));
        for chunk in 1..=text.len() {
            assert_eq!(read(&text, chunk).await.unwrap(), ["a", "b", "ç"], "chunks of {chunk}");
        }
    }

    #[tokio::test]
    async fn a_bad_line_is_named_by_its_number() {
        let long = line(&"x".repeat(300));
        for (bad, reason) in
            [("{", "EOF"), ("\u{1}", "expected value"), (long.as_str(), "longer than 200 bytes")]
        {
            let text = format!("{}\n\n{bad}\n{}\n", line("a"), line("b"));
            let error = read(&text, 7).await.unwrap_err().to_string();
            assert!(error.starts_with("line 3: ") && error.contains(reason), "{error}");
        }
    }

    #[tokio::test]
    async fn a_checker_that_cannot_be_used_is_refused_with_what_to_do() {
        let with = |checker: &str, answer: &str| {
            line("b").replace("}}", &format!(r#"}},"checker":{checker},"answer":"{answer}"}}"#))
        };
        let table = [
            (r#""exakt""#, "unknown variant `exakt`, expected one of `exact`"),
            ("7", "invalid type"),
            (r#"{"scorer":"pattern","pattern":"("}"#, "unclosed group"),
            (r#"{"scorer":"pattern","pattern":"a","group":3}"#, "no group 3"),
            (r#"{"scorer":"json","schema":{"$ref":"a"}}"#, "the keyword `$ref` is not supported"),
            (r#"{"scorer":"match","place":"middle"}"#, "unknown variant `middle`"),
            (r#""regex""#, "unclosed group"),
        ];
        for (checker, reason) in table {
            let text = format!("{}\n{}\n", line("a"), with(checker, "("));
            let error = read(&text, 7).await.unwrap_err().to_string();
            assert!(error.starts_with("line 2: the item's checker cannot be read: "), "{error}");
            assert!(error.contains(reason) && error.ends_with("or leave it out"), "{error}");
        }
        for checker in ["null", r#""regex""#, r#"{"scorer":"json","schema":{"type":"array"}}"#, r#""none""#] {
            assert_eq!(read(&with(checker, "a+"), 7).await.unwrap(), ["b"], "{checker}");
        }
    }
}
