use std::sync::{Arc, Mutex, MutexGuard};

use runmill_pricing::Seller;
use runmill_proto::Usage;
use tokio::time::Instant;

use crate::keys::Outlook;

/// What is known of an attempt while it runs, and after it was given up.
///
/// The layers below write it, those above read it. A mark costs an uncontended lock, tens of nanoseconds, so
/// that one for each chunk is cheaper than a timer that is moved.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Marks>);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    /// When the attempt had its slot and its clock started. `None`: no request was made.
    pub began: Option<Instant>,
    /// When the last request of the attempt went out.
    pub sent: Option<Instant>,
    /// The answer comes, or is to come, as a stream.
    pub streamed: bool,
    /// The HTTP status of the last request.
    pub status: Option<u16>,
    /// When the first token came.
    pub token: Option<Instant>,
    /// When anything last came.
    pub chunk: Option<Instant>,
    /// As far as the provider has counted.
    pub usage: Option<Usage>,
    /// The label of the key that is used.
    pub key: Option<Arc<str>>,
    /// Who is paid for it.
    pub seller: Option<Seller>,
    /// What the end of the attempt means for other keys.
    pub outlook: Outlook,
}

impl Progress {
    pub fn marks(&self) -> Marks {
        self.lock().clone()
    }

    pub fn begin(&self) {
        self.lock().began.get_or_insert_with(Instant::now);
    }

    /// A request goes out; what an earlier one of the same attempt has shown no longer counts.
    pub fn send(&self, streamed: bool) {
        let mut marks = self.lock();
        let (key, seller) = (marks.key.take(), marks.seller);
        *marks = Marks {
            began: marks.began,
            sent: Some(Instant::now()),
            streamed,
            key,
            seller,
            ..Marks::default()
        };
    }

    pub fn answered(&self, status: u16, streamed: bool) {
        let mut marks = self.lock();
        marks.status = Some(status);
        marks.streamed = streamed;
    }

    pub fn chunk(&self) {
        self.lock().chunk = Some(Instant::now());
    }

    pub fn token(&self) {
        self.lock().token.get_or_insert_with(Instant::now);
    }

    pub fn chosen(&self, key: &Arc<str>, seller: Seller) {
        let mut marks = self.lock();
        marks.key = Some(key.clone());
        marks.seller = Some(seller);
    }

    pub fn outlook(&self, outlook: Outlook) {
        self.lock().outlook = outlook;
    }

    pub fn usage(&self, usage: Option<Usage>) {
        self.lock().usage = usage;
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
