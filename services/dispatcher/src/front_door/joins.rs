//! Lets a retry that a client marks take the place of its first request, so that no answer is paid twice.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::HeaderMap;
use ring::digest::{SHA256, digest};
use runmill_front_door::Endpoint;
use tokio::{sync::mpsc, time::Instant};

use super::{bounds::Who, progress::Progress};

/// Marks by which clients tell their retries from new requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Number of the retry, from 0 for the first request. Clients of OpenAI and Anthropic send it.
    pub retry: Option<u32>,
    /// Id that the retries of one call have in common. Inspect sends it.
    pub id: Option<String>,
    /// Time for which the client waits for the next bytes.
    pub read_timeout: Option<Duration>,
}

impl Marks {
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let number = |name: &str| text(name)?.parse::<f64>().ok();
        let timeout = number("x-stainless-read-timeout").or_else(|| number("x-stainless-timeout"));
        Self {
            retry: text("x-stainless-retry-count").and_then(|count| count.parse().ok()),
            id: text("x-irid").filter(|id| id.len() <= 128).map(str::to_owned),
            read_timeout: timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }
    }

    /// Returns true if the client would mark a retry of this request.
    const fn is_marking(&self) -> bool {
        self.retry.is_some() || self.id.is_some()
    }
}

/// Properties that two requests must have in common to be one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JoinKey {
    who: Who,
    endpoint: Endpoint,
    body: Vec<u8>,
    id: Option<String>,
}

impl JoinKey {
    pub fn new(who: Who, endpoint: Endpoint, body: &[u8], marks: &Marks) -> Self {
        Self { who, endpoint, body: digest(&SHA256, body).as_ref().to_vec(), id: marks.id.clone() }
    }
}

/// Requests in flight whose retries would be marked. There are at most as many as calls in flight.
#[derive(Default)]
pub struct Joins(Mutex<HashMap<JoinKey, Vec<Waiting>>>);

struct Waiting {
    /// Number of the retry that waits for the answer now.
    retry: u32,
    ticket: Arc<Ticket>,
    /// Client that waits for the answer now.
    client: mpsc::Sender<Progress>,
    clients: mpsc::Sender<mpsc::Sender<Progress>>,
    began: Instant,
    read_timeout: Option<Duration>,
}

impl Waiting {
    /// Returns true if the client that waits has left, or gives up about now. Of two clients that ask the same, one whose
    /// own request failed must not take the place of the other.
    fn has_been_left(&self) -> bool {
        self.client.is_closed() || has_timed_out(self.began, self.read_timeout)
    }
}

/// Returns true if a client that began then has reached its own time-out. Clients count from a little later.
fn has_timed_out(began: Instant, read_timeout: Option<Duration>) -> bool {
    read_timeout.is_some_and(|timeout| began.elapsed() >= timeout.mul_f64(0.9))
}

/// State of a request that retries may join.
pub struct Ticket {
    is_open: AtomicBool,
}

impl Ticket {
    /// Lets no retry join from now on.
    pub fn close(&self) {
        self.is_open.store(false, Ordering::Release);
    }

    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }
}

/// Notes that something reached the client of a request, so that no retry can take its place.
#[derive(Clone)]
pub struct Reached(pub Option<Arc<Ticket>>);

impl Reached {
    pub fn note(&self) {
        if let Some(ticket) = &self.0 {
            ticket.close();
        }
    }
}

/// The flight's end of the way by which retries join it. When it is dropped, none can.
pub struct Boarding {
    joins: Arc<Joins>,
    key: JoinKey,
    ticket: Arc<Ticket>,
    clients: mpsc::Receiver<mpsc::Sender<Progress>>,
    began: Instant,
    read_timeout: Option<Duration>,
}

impl Joins {
    /// Registers a new request. Returns `None` if its client does not mark retries.
    pub fn board(
        self: &Arc<Self>,
        key: JoinKey,
        marks: &Marks,
        client: &mpsc::Sender<Progress>,
    ) -> Option<Boarding> {
        if !marks.is_marking() {
            return None;
        }
        let (sender, clients) = mpsc::channel(1);
        let ticket = Arc::new(Ticket { is_open: AtomicBool::new(true) });
        let began = Instant::now();
        let waiting = Waiting {
            retry: marks.retry.unwrap_or_default(),
            ticket: ticket.clone(),
            client: client.clone(),
            clients: sender,
            began,
            read_timeout: marks.read_timeout,
        };
        self.lock().entry(key.clone()).or_default().push(waiting);
        Some(Boarding { joins: self.clone(), key, ticket, clients, began, read_timeout: marks.read_timeout })
    }

    /// Lets a marked retry take the place of an earlier request that is still in flight, and of no other's: each request is
    /// joined by one of each number. One that is known by its number alone, and not by an id, joins only a request whose client
    /// has left. Returns the request's ticket, or `None` if this is not a retry or there is none.
    pub fn join(&self, key: &JoinKey, marks: &Marks, client: &mpsc::Sender<Progress>) -> Option<Arc<Ticket>> {
        let number = marks.retry.unwrap_or_default();
        if number == 0 && marks.id.is_none() {
            return None;
        }
        let mut joins = self.lock();
        let fits = |waiting: &&mut Waiting| {
            let is_earlier = number == 0 || waiting.retry < number;
            let is_same = marks.id.is_some() || waiting.has_been_left();
            is_earlier
                && is_same
                && waiting.ticket.is_open()
                && waiting.clients.try_send(client.clone()).is_ok()
        };
        let joined = joins.get_mut(key)?.iter_mut().find(fits)?;
        joined.retry = number.max(joined.retry);
        joined.client = client.clone();
        Some(joined.ticket.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JoinKey, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Boarding {
    pub fn ticket(&self) -> Arc<Ticket> {
        self.ticket.clone()
    }

    /// Returns the next client that joins. Cancel safe.
    pub async fn next(&mut self) -> Option<mpsc::Sender<Progress>> {
        self.clients.recv().await
    }

    /// Returns the client that has joined already. If there is none, lets none join from now on.
    pub fn joined_or_closed(&mut self) -> Option<mpsc::Sender<Progress>> {
        // A client that joins holds the lock, too, so that none does in between.
        let _joins = self.joins.lock();
        let joined = self.clients.try_recv().ok();
        if joined.is_none() {
            self.ticket.close();
        }
        joined
    }

    /// Returns true if a client that left may come again: nothing has reached it, and its own time-out has passed. One that
    /// leaves earlier no longer wants the answer.
    pub fn expects_a_retry(&self) -> bool {
        self.ticket.is_open() && has_timed_out(self.began, self.read_timeout)
    }
}

impl Drop for Boarding {
    fn drop(&mut self) {
        self.ticket.close();
        let mut joins = self.joins.lock();
        if let Some(waiting) = joins.get_mut(&self.key) {
            waiting.retain(|waiting| !Arc::ptr_eq(&waiting.ticket, &self.ticket));
            if waiting.is_empty() {
                joins.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_config::Role;

    use super::{super::progress::client, *};

    const WHO: Who = (None, Role::Submit);

    fn marks(retry: Option<u32>, id: Option<&str>) -> Marks {
        Marks { retry, id: id.map(str::to_owned), read_timeout: None }
    }

    fn key(marks: &Marks, body: &str) -> JoinKey {
        JoinKey::new(WHO, Endpoint::ChatCompletions, body.as_bytes(), marks)
    }

    fn joins(joins: &Joins, marks: &Marks, body: &str) -> bool {
        joins.join(&key(marks, body), marks, &client().0).is_some()
    }

    #[test]
    fn marks_are_read_from_the_headers() {
        let pairs =
            [("x-stainless-retry-count", "2"), ("x-stainless-read-timeout", "1.5"), ("x-irid", "abc")];
        let headers: HeaderMap =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let want = Marks {
            retry: Some(2),
            id: Some("abc".into()),
            read_timeout: Some(Duration::from_millis(1_500)),
        };
        assert_eq!(Marks::of(&headers), want);
        assert_eq!(Marks::of(&HeaderMap::new()), Marks::default());
    }

    #[test]
    fn a_marked_retry_joins_one_request_with_the_same_body_and_no_other_does() {
        let table = Arc::new(Joins::default());
        let (first, retry, unmarked) = (marks(Some(0), None), marks(Some(1), None), Marks::default());
        assert!(table.board(key(&unmarked, "x"), &unmarked, &client().0).is_none());
        let (one_client, one_progress) = client();
        let one = table.board(key(&first, "x"), &first, &one_client).unwrap();
        let (other_client, other_progress) = client();
        let mut other = table.board(key(&first, "x"), &first, &other_client).unwrap();

        assert!(!joins(&table, &retry, "x"), "both clients still wait");
        drop(one_progress);
        assert!(!joins(&table, &unmarked, "x") && !joins(&table, &first, "x"), "these are new requests");
        assert!(!joins(&table, &retry, "y"), "another body");
        assert!(joins(&table, &retry, "x"), "the place of the client that left");
        assert!(!joins(&table, &retry, "x"), "the other still waits");
        drop(other_progress);
        assert!(joins(&table, &retry, "x"));

        assert!(other.joined_or_closed().is_some() && other.ticket().is_open());
        assert!(other.joined_or_closed().is_none() && !other.ticket().is_open());
        drop((one, other));
        assert!(!joins(&table, &marks(Some(2), None), "x") && table.lock().is_empty());
    }

    #[test]
    fn the_same_id_marks_a_retry_and_a_request_that_reached_its_client_is_not_joined() {
        let table = Arc::new(Joins::default());
        let one = marks(None, Some("abc"));
        let (waiting, _progress) = client();
        let boarding = table.board(key(&one, "x"), &one, &waiting).unwrap();
        assert!(!joins(&table, &marks(None, Some("other")), "x"));
        boarding.ticket().close();
        assert!(!joins(&table, &one, "x"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_at_its_timeout_is_expected_again() {
        let table = Arc::new(Joins::default());
        let marks = Marks { read_timeout: Some(Duration::from_secs(10)), ..marks(Some(0), None) };
        let boarding = table.board(key(&marks, "x"), &marks, &client().0).unwrap();
        assert!(!boarding.expects_a_retry());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(boarding.expects_a_retry());
        boarding.ticket().close();
        assert!(!boarding.expects_a_retry());
    }
}
