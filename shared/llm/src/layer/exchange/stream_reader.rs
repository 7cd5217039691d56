use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::{body::AnswerBody, teller::Teller};
use crate::{
    ChatResponse, ModelError,
    protocol::{AnswerStream, Decoder, Progress},
    tracker::AttemptTracker,
};

/// Reads one streamed answer from its connection.
pub(super) struct StreamReader<'a> {
    stream: AnswerStream,
    tracker: &'a AttemptTracker,
    has_token: bool,
}

/// Longest wait for the end of the body after the answer's terminator. A body that was read to its end leaves the
/// connection usable for the next call. If the end does not arrive in this time, the connection is closed.
const END_OF_BODY: Duration = Duration::from_millis(20);

/// Longest wait for further events after the reason to stop. Usually only token counts and the terminator follow, and
/// some servers send neither and keep the connection open.
const AFTER_STOP: Duration = Duration::from_secs(5);

/// Longest wait for the terminator after the reason to stop and the token counts.
const AFTER_ALL: Duration = Duration::from_millis(500);

impl<'a> StreamReader<'a> {
    pub fn new(decoder: Box<dyn Decoder>, tracker: &'a AttemptTracker) -> Self {
        Self { stream: AnswerStream::new(decoder), tracker, has_token: false }
    }

    /// Reads the answer to its end. `teller` tells its parts as they arrive, but for the last.
    pub async fn read(
        mut self,
        mut body: AnswerBody,
        mut teller: Option<&mut Teller<'_>>,
    ) -> Result<ChatResponse, ModelError> {
        // The stream is followed from here on.
        if let Some(teller) = &mut teller {
            teller.tell(&mut self.stream);
        }
        // The wait for the end is one wait: pings in between do not prolong it.
        let (mut progress, mut since) = (Progress::Partial, Instant::now());
        while let Some(piece) = next(&mut body, progress, since).await? {
            self.tracker.chunk();
            let answer = self.stream.push(piece);
            let before = std::mem::replace(&mut progress, self.stream.progress());
            if before != progress {
                since = Instant::now();
            }
            if !self.has_token && self.stream.has_token() {
                self.has_token = true;
                self.tracker.token();
            }
            if let Some(answer) = answer? {
                if let Some(teller) = &mut teller {
                    teller.keep_last(&mut self.stream);
                }
                let _ = timeout(END_OF_BODY, body.next()).await;
                return Ok(answer);
            }
            if let Some(teller) = &mut teller {
                teller.tell(&mut self.stream);
            }
        }
        let answer = self.stream.end()?;
        if let Some(teller) = &mut teller {
            teller.keep_last(&mut self.stream);
        }
        Ok(answer)
    }
}

/// Returns the next piece, or `None` where the answer ends. After the reason to stop, a body that does not end is no
/// error; after all counts, a body that breaks off is none, either.
///
/// * `since`: time since which the answer is as complete as `progress` tells.
async fn next(
    body: &mut AnswerBody,
    progress: Progress,
    since: Instant,
) -> Result<Option<Bytes>, ModelError> {
    let wait = match progress {
        Progress::Partial => return body.next().await,
        Progress::Stopped => AFTER_STOP,
        Progress::Whole => AFTER_ALL,
    };
    match timeout_at(since + wait, body.next()).await {
        Ok(Err(_)) if progress == Progress::Whole => Ok(None),
        Ok(piece) => piece,
        Err(_elapsed) => Ok(None),
    }
}

/// Records the counted tokens, which were billed, in whatever way the reading ends, also if a time-out drops the
/// reader.
impl Drop for StreamReader<'_> {
    fn drop(&mut self) {
        self.tracker.usage(self.stream.usage());
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::protocol::{Dialect, Protocol, openai_chat::OpenAiChat};
    use futures::{StreamExt, stream};
    use reqwest::Body;
    use runmill_proto::Note;

    const PART: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"4\"}}]}\n\n";
    const REASON: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const COUNTS: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n";

    #[derive(Clone, Copy, Debug)]
    enum End {
        Clean,
        Broken,
        /// The connection stays open, and nothing more arrives.
        Never,
    }

    /// Reads a stream of these pieces, and gives up after a minute. Returns its text and notes.
    async fn read(pieces: &[&'static str], end: End) -> Option<Result<(String, Vec<Note>), ModelError>> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(*piece)).collect();
        let end = match end {
            End::Clean => stream::empty().boxed(),
            End::Broken => stream::iter([Err(io::Error::other("reset"))]).boxed(),
            End::Never => stream::pending().boxed(),
        };
        let body = Body::wrap_stream(stream::iter(pieces).chain(end));
        let (protocol, tracker) = (OpenAiChat { dialect: Dialect::COMPATIBLE }, AttemptTracker::default());
        let reader = StreamReader::new(protocol.decoder(), &tracker);
        let body = AnswerBody::of(http::Response::new(body).into());
        let answer = timeout(Duration::from_mins(1), reader.read(body, None)).await.ok()?;
        let end_marks =
            |notes: Vec<Note>| notes.into_iter().filter(|note| *note == Note::NoEndMark).collect();
        Some(answer.map(|answer| (answer.text, end_marks(answer.remarks.notes))))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_whole_by_its_reason_its_counts_and_its_end() {
        let whole = || Some(Ok(("4".to_owned(), vec![Note::NoEndMark])));
        let cut = || Some(Err(ModelError::TruncatedStream));
        let table: [(&[&str], End, _); 9] = [
            (&[PART, REASON], End::Clean, whole()),
            (&[PART, REASON], End::Never, whole()),
            (&[PART, REASON], End::Broken, cut()),
            (&[PART, REASON, COUNTS], End::Broken, whole()),
            (&[PART, REASON, COUNTS], End::Never, whole()),
            (&[PART, REASON, COUNTS, "data: {"], End::Broken, cut()),
            (&[PART, COUNTS], End::Clean, cut()),
            (&[PART, COUNTS], End::Never, None),
            (&[PART, REASON, COUNTS, "data: [DONE]\n\n"], End::Never, Some(Ok(("4".to_owned(), vec![])))),
        ];
        for (pieces, end, want) in table {
            assert_eq!(read(pieces, end).await, want, "{pieces:?} {end:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_connection_after_the_reason_costs_seconds_and_after_the_counts_less() {
        let table: [(&[&str], Duration); 2] =
            [(&[PART, REASON], AFTER_STOP), (&[PART, REASON, COUNTS], AFTER_ALL)];
        for (pieces, want) in table {
            let start = Instant::now();

            read(pieces, End::Never).await;

            assert!(start.elapsed() < want + Duration::from_millis(10), "{pieces:?}: {:?}", start.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pings_after_the_reason_do_not_prolong_the_wait() {
        let start = Instant::now();
        let pings = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, io::Error>(": ping\n\n"), ()))
        });
        let body = Body::wrap_stream(stream::iter([Ok(PART), Ok(REASON)]).chain(pings));
        let (protocol, tracker) = (OpenAiChat { dialect: Dialect::COMPATIBLE }, AttemptTracker::default());
        let body = AnswerBody::of(http::Response::new(body).into());

        let reader = StreamReader::new(protocol.decoder(), &tracker);
        let answer = timeout(Duration::from_mins(1), reader.read(body, None)).await.unwrap().unwrap();

        assert_eq!((answer.text.as_str(), start.elapsed().as_secs()), ("4", AFTER_STOP.as_secs()));
    }
}
