use runmill_broker::{Envelope, Queue, amqp::DeadLetter, log_partition};
use runmill_proto::{
    RunId,
    codec::Message,
    message::{Deferred, Invocation, Job},
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Largest number of bytes that are shown of a message that cannot be decoded.
const RAW_MAX: usize = 4096;

/// Content of a dead letter, as far as this release knows its type.
pub enum Content {
    Job(Box<Job>),
    Invocation(Box<Invocation>),
    Deferred(Box<Deferred>),
    Unknown,
}

/// A line of the list.
#[derive(Serialize)]
pub struct Row {
    pub id: Uuid,
    pub message_type: String,
    pub run_id: Option<RunId>,
    pub reason: Option<String>,
    /// Seconds since the message was made. `None` if another program made it.
    pub age_seconds: Option<u64>,
    pub bytes: usize,
}

impl Content {
    pub fn of(message: &Envelope) -> Self {
        match message.message_type.as_str() {
            Job::TYPE => message.decode().map(Box::new).map_or(Self::Unknown, Self::Job),
            Invocation::TYPE => message.decode().map(Box::new).map_or(Self::Unknown, Self::Invocation),
            Deferred::TYPE => message.decode().map(Box::new).map_or(Self::Unknown, Self::Deferred),
            _ => Self::Unknown,
        }
    }

    pub fn run_id(&self) -> Option<RunId> {
        match self {
            Self::Job(job) => Some(job.run_id),
            Self::Invocation(invocation) => Some(invocation.run_id),
            Self::Deferred(deferred) => Some(deferred.run_id),
            Self::Unknown => None,
        }
    }

    fn to_json(&self, message: &Envelope) -> Value {
        match self {
            Self::Job(job) => json!(job),
            Self::Invocation(invocation) => json!(invocation),
            Self::Deferred(deferred) => json!(deferred),
            Self::Unknown => json!({ "raw": raw(&message.body) }),
        }
    }
}

impl Row {
    /// * `now` — seconds since 1970.
    pub fn of(message: &Envelope, now: u64) -> Self {
        let made_at = message.id.get_timestamp().map(|made| made.to_unix().0);
        Self {
            id: message.id,
            message_type: message.message_type.clone(),
            run_id: Content::of(message).run_id(),
            reason: message.reason.clone(),
            age_seconds: made_at.map(|made_at| now.saturating_sub(made_at)),
            bytes: message.body.len(),
        }
    }
}

/// Returns the whole dead letter as JSON.
pub fn shown(letter: &DeadLetter, now: u64) -> Value {
    let content = Content::of(&letter.message);
    json!({
        "dead_letter": Row::of(&letter.message, now),
        "queue": letter.origin.map(queue_name),
        "content": content.to_json(&letter.message),
    })
}

/// Returns the queue to which a dead letter is put back, and the message for it. `None` if its queue is not known.
pub fn replayed(letter: &DeadLetter, log_partitions: u16) -> Option<(Queue, Envelope)> {
    let message = Envelope { reason: None, ..letter.message.clone() };
    match Content::of(&message) {
        Content::Job(job) => Some(replayed_job(*job, message)),
        Content::Invocation(invocation) => {
            Some((Queue::Logs(log_partition(invocation.run_id, log_partitions)), message))
        }
        Content::Deferred(deferred) => {
            Some((Queue::Logs(log_partition(deferred.run_id, log_partitions)), message))
        }
        Content::Unknown => letter.origin.map(|queue| (queue, message)),
    }
}

/// Returns the job as a possible copy, because the run may have gone on without it.
fn replayed_job(job: Job, message: Envelope) -> (Queue, Envelope) {
    let job = Job { possible_copy: true, ..job };
    let replayed = Envelope { traceparent: message.traceparent, ..Envelope::new(&job) };
    (Queue::Jobs(job.provider_id), replayed)
}

/// Returns the queue's name without its prefix.
fn queue_name(queue: Queue) -> String {
    match queue {
        Queue::Jobs(provider_id) => format!("jobs.{provider_id}"),
        Queue::Calls(provider_id) => format!("calls.{provider_id}"),
        Queue::Logs(partition) => format!("logs.{partition}"),
        Queue::Requests => "requests".to_owned(),
        Queue::Dead => "dead-letters".to_owned(),
    }
}

fn raw(body: &[u8]) -> String {
    let shown = &body[..body.len().min(RAW_MAX)];
    match std::str::from_utf8(shown) {
        Ok(text) => text.to_owned(),
        Err(_) => shown.escape_ascii().to_string(),
    }
}
