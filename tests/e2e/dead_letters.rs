//! `runmill dead` lists, shows, replays and drops the messages that no service could handle.

use std::time::Duration;

use runmill_broker::{
    Broker, Envelope, Queue,
    amqp::{AmqpBroker, AmqpSettings},
    log_partition,
};
use runmill_proto::{InvocationId, Outcome, message::Job, testing};
use runmill_testkit::{amqp_url, unique_prefix};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Command, Sandbox};

/// Default of `RUNMILL_LOG_PARTITIONS`.
const PARTITIONS: u16 = 4;

/// Dead letters in a broker, with commands that read them.
struct Letters {
    sandbox: Sandbox,
    prefix: String,
    broker: AmqpBroker,
}

impl Letters {
    async fn new() -> Self {
        let prefix = unique_prefix();
        let settings = AmqpSettings {
            prefix: prefix.clone(),
            queue_expires: Some(Duration::from_mins(1)),
            ..AmqpSettings::new(amqp_url())
        };
        let broker = AmqpBroker::connect(settings).await.unwrap();
        Self { sandbox: Sandbox::new().await, prefix, broker }
    }

    /// Publishes a message to `queue` and makes a dead letter of it.
    async fn put(&self, queue: Queue, message: Envelope) {
        let mut subscription = self.broker.subscribe(queue, 1).await.unwrap();
        self.broker.publish(queue, message).await.unwrap();
        subscription.next().await.unwrap().dead_letter("the test says so").await.unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let command = self.sandbox.runmill(&[&["dead"], args].concat()).env("AMQP_URL", &amqp_url());
        command.env("RUNMILL_QUEUE_PREFIX", &self.prefix).env("RUNMILL_QUEUE_EXPIRES_SECONDS", "60")
    }

    /// Returns the command's exit code and standard output.
    async fn dead(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.command(args).output().await;
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    async fn listed(&self) -> Vec<Value> {
        let (code, printed) = self.dead(&["list", "--json"]).await;
        assert_eq!(code, Some(0), "{printed}");
        serde_json::from_str(&printed).unwrap()
    }
}

fn unreadable() -> Envelope {
    Envelope {
        id: Uuid::now_v7(),
        message_type: "job.v9".into(),
        body: b"\xc1 of a later release".to_vec().into(),
        traceparent: None,
        reason: None,
    }
}

#[tokio::test]
async fn dead_letters_are_listed_and_shown_with_what_they_are() {
    let letters = Letters::new().await;
    let job = testing::job(testing::key(0));
    let message = Envelope::new(&job);
    letters.put(Queue::Jobs(job.provider_id), message.clone()).await;
    letters.put(Queue::Logs(1), unreadable()).await;

    let listed = letters.listed().await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["id"], message.id.to_string());
    assert_eq!(listed[0]["run_id"], job.run_id.to_string());
    assert_eq!(
        (&listed[0]["message_type"], &listed[0]["reason"]),
        (&"job.v1".into(), &"the test says so".into())
    );
    assert!(listed[0]["age_seconds"].as_u64().unwrap() < 60 && listed[0]["bytes"].as_u64().unwrap() > 100);
    assert_eq!(listed[1]["run_id"], Value::Null);

    let (code, printed) = letters.dead(&["show", &message.id.to_string()]).await;
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &shown["content"]["model"]), (Some(0), &job.model.clone().into()));
    let (code, table) = letters.dead(&["list", "--limit=1"]).await;
    assert!(code == Some(0) && table.contains("1 of 2 dead letters"), "{table}");
    assert_eq!(letters.dead(&["show", &Uuid::now_v7().to_string()]).await.0, Some(1));
    assert_eq!(letters.listed().await.len(), 2, "a look removes nothing");
}

#[tokio::test]
async fn replayed_letters_are_in_their_queues_again() {
    let letters = Letters::new().await;
    let job = testing::job(testing::key(0));
    letters.put(Queue::Jobs(job.provider_id), Envelope::new(&job)).await;
    let call = testing::call(InvocationId::from_uuid(Uuid::now_v7()));
    let invocation = testing::invocation(testing::key(1), call, Outcome::Succeeded);
    let log = Envelope::new(&invocation);
    let logs = Queue::Logs(log_partition(invocation.run_id, PARTITIONS));
    letters.put(logs, log.clone()).await;
    letters.put(Queue::Logs(1), unreadable()).await;

    let (code, printed) = letters.dead(&["replay", "--all"]).await;

    assert_eq!((code, printed.as_str()), (Some(0), "replayed 3 dead letters\n"));
    assert_eq!(letters.listed().await, Vec::<Value>::new());
    let mut jobs = letters.broker.subscribe(Queue::Jobs(job.provider_id), 1).await.unwrap();
    let again: Job = jobs.next().await.unwrap().message.decode().unwrap();
    assert_eq!(again, Job { possible_copy: true, ..job });
    let mut subscription = letters.broker.subscribe(logs, 2).await.unwrap();
    assert_eq!(subscription.next().await.unwrap().message, log);
}

#[tokio::test]
async fn letters_are_dropped_only_when_somebody_says_so() {
    let letters = Letters::new().await;
    for _ in 0..3 {
        letters.put(Queue::Logs(0), unreadable()).await;
    }
    let id = letters.listed().await[1]["id"].as_str().unwrap().to_owned();

    assert_eq!(letters.dead(&["drop", &id]).await.0, Some(2), "nobody is there to be asked");
    assert_eq!(letters.dead(&["drop"]).await.0, Some(2), "nothing is selected");
    assert_eq!(letters.dead(&["drop", &id, "--yes"]).await.0, Some(0));
    let left = letters.listed().await;
    assert!(left.len() == 2 && left.iter().all(|letter| letter["id"] != id), "{left:?}");
    assert_eq!(letters.dead(&["drop", "--all", "--yes"]).await.0, Some(0));
    assert_eq!(letters.listed().await, Vec::<Value>::new());
}
