use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use reqwest::RequestBuilder;
use runmill_llm::sse::SseDecoder;
use runmill_proto::api::RunEvent;

/// A stream of Server-Sent Events, as values.
pub struct Events {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    decoder: SseDecoder,
}

impl Events {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap().error_for_status().unwrap();
        Self { body: response.bytes_stream().boxed(), decoder: SseDecoder::default() }
    }

    /// Returns the data of the next event, or `None` if the stream ended or broke.
    pub async fn next(&mut self) -> Option<RunEvent> {
        loop {
            if let Some(event) = self.decoder.next().unwrap() {
                return Some(serde_json::from_str(event.data).unwrap());
            }
            self.decoder.push(self.body.next().await?.ok()?);
        }
    }
}
