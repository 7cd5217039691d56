//! Server-Sent Events as bytes (WHATWG HTML, section 9.2).

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use runmill_proto::api::RunEvent;

/// First bytes of a stream: they tell the client how long to wait before it connects again.
pub const OPENING: &[u8] = b": ready\nretry: 2000\n\n";
/// Comment that shows the client, and what is between, that the stream is alive.
pub const PING: &[u8] = b": ping\n\n";
pub const PING_AFTER: Duration = Duration::from_secs(15);

/// Events that are sent together.
#[derive(Default)]
pub struct Frames {
    bytes: BytesMut,
    /// Place behind each event.
    ends: Vec<usize>,
}

/// [`Frames`] that nothing is added to.
pub struct Sent {
    bytes: Bytes,
    ends: Vec<usize>,
}

impl Frames {
    /// Adds an event. Its JSON is on one line.
    pub fn push(&mut self, event: &RunEvent, seq: Option<u64>) {
        self.bytes.put_slice(b"event: ");
        self.bytes.put_slice(event.name().as_bytes());
        self.bytes.put_slice(b"\ndata: ");
        serde_json::to_writer((&mut self.bytes).writer(), event).expect("maps in events have string keys");
        if let Some(seq) = seq {
            self.bytes.put_slice(format!("\nid: {seq}").as_bytes());
        }
        self.bytes.put_slice(b"\n\n");
        self.ends.push(self.bytes.len());
    }

    pub fn finish(self) -> Sent {
        Sent { bytes: self.bytes.freeze(), ends: self.ends }
    }
}

impl Sent {
    /// Returns the bytes of as many events as may be sent, and counts them. `None` means no limit.
    pub fn take(&self, left: &mut Option<u64>) -> Bytes {
        let Some(left) = left else { return self.bytes.clone() };
        let count = usize::try_from(*left).unwrap_or(usize::MAX).min(self.ends.len());
        *left -= count as u64;
        let end = count.checked_sub(1).map_or(0, |last| self.ends[last]);
        self.bytes.slice(..end)
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{RunId, RunStatus, api::RunEnd};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_limit_cuts_between_events() {
        let end =
            RunEvent::End(RunEnd { run_id: RunId::from_uuid(Uuid::nil()), status: RunStatus::Completed });
        let mut frames = Frames::default();
        frames.push(&end, Some(7));
        frames.push(&end, None);
        let sent = frames.finish();

        let all = String::from_utf8(sent.take(&mut None).to_vec()).unwrap();
        let first = all.split_inclusive("\n\n").next().unwrap();
        assert!(
            first.starts_with("event: end\ndata: {\"type\":\"end\",") && first.ends_with("}\nid: 7\n\n"),
            "{first}"
        );
        let mut left = Some(1);
        assert_eq!(sent.take(&mut left), first);
        assert_eq!((sent.take(&mut left).len(), left), (0, Some(0)));
        let mut left = Some(9);
        assert_eq!((sent.take(&mut left).len(), left), (all.len(), Some(7)));
    }
}
