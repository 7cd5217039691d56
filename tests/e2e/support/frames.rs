use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use reqwest::RequestBuilder;
use serde_json::Value;

/// A stream of Server-Sent Events with its ids and comments.
pub struct Frames {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    /// Bytes that were received and are not parsed yet.
    text: Vec<u8>,
}

/// One frame: the lines up to an empty line.
#[derive(Debug, Default)]
pub struct Frame {
    pub id: Option<u64>,
    pub event: String,
    pub data: Value,
    /// Delay before a reconnection that the server asks for, in milliseconds.
    pub retry: Option<u64>,
    pub comment: Option<String>,
}

impl Frames {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap().error_for_status().unwrap();
        Self { body: response.bytes_stream().boxed(), text: Vec::new() }
    }

    /// Returns the next frame that is not a ping, or `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.any().await?;
            if frame.comment.as_deref() != Some("ping") {
                return Some(frame);
            }
        }
    }

    async fn any(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.received() {
                return Some(frame);
            }
            let Some(piece) = self.body.next().await else {
                assert!(self.text.is_empty(), "the stream was closed within an event");
                return None;
            };
            self.text.extend_from_slice(&piece.unwrap());
        }
    }

    /// Returns the next frame that is wholly received.
    fn received(&mut self) -> Option<Frame> {
        let end = self.text.windows(2).position(|pair| pair == b"\n\n")?;
        let lines: Vec<u8> = self.text.drain(..end + 2).collect();
        Some(Frame::parse(std::str::from_utf8(&lines).unwrap()))
    }

    /// Returns all frames that are wholly received before the connection breaks.
    pub async fn until_broken(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            frames.extend(std::iter::from_fn(|| self.received()));
            match self.body.next().await {
                Some(Ok(piece)) => self.text.extend_from_slice(&piece),
                Some(Err(_)) | None => return frames,
            }
        }
    }

    /// Returns all frames that follow, up to the end of the stream.
    pub async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

impl Frame {
    fn parse(lines: &str) -> Self {
        let mut frame = Self::default();
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}"));
            match name {
                "" => frame.comment = Some(value.to_owned()),
                "id" => frame.id = Some(value.parse().unwrap()),
                "event" => value.clone_into(&mut frame.event),
                "data" => frame.data = serde_json::from_str(value).unwrap(),
                "retry" => frame.retry = Some(value.parse().unwrap()),
                other => panic!("an unknown field: {other}"),
            }
        }
        frame
    }
}
