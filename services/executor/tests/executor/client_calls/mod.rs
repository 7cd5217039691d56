//! Calls of the front door's clients.

mod draws;
mod ends;
mod refusals;
mod waits;

use std::time::Duration;

use jiff::SignedDuration;
use runmill_broker::{Answers, Broker, Envelope, Queue};
use runmill_proto::{
    JobConfig, Outcome, Texts, TokenId,
    chat::{Conversation, Message, ModelAnswer, Role},
    message::{CallEvent, CallFailure, CallProgress, ClientCall, Invocation},
};
use runmill_runtime::{Clock, Shutdown};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    model::STREAMING,
    watched::Seen,
    world::{Setup, World},
};

/// A client that waits for the answer to one call.
struct Client {
    call: ClientCall,
    /// Id of the message.
    id: Uuid,
    answers: Box<dyn Answers>,
    seq: u32,
}

fn call(world: &World, model: &str) -> ClientCall {
    ClientCall {
        id: Uuid::now_v7(),
        run_id: world.run_id,
        token_id: Some(TokenId::from_uuid(Uuid::from_u128(7))),
        provider_id: world.provider_id,
        model: model.into(),
        conversation: Conversation {
            messages: vec![
                Message::text(Role::User, "2 + 2?"),
                Message::text(Role::Assistant, "4"),
                Message::text(Role::User, "And 3 + 3?"),
            ],
            ..Conversation::default()
        },
        config: JobConfig::default(),
        streams: model == STREAMING,
        ignored: vec!["user".into()],
        deadline: Clock::system().now() + SignedDuration::from_mins(5),
    }
}

impl Client {
    /// Sends a call once the executor takes some.
    async fn new(world: &World, call: ClientCall) -> Self {
        let queue = Queue::Calls(world.provider_id);
        let taken = async {
            while !matches!(world.broker.depth(queue).await, Ok(Some(depth)) if depth.consumers > 0) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(30), taken).await.expect("calls are taken");
        let message = Envelope::new(&call);
        let id = message.id;
        let answers = world.broker.request_stream(queue, message).await.unwrap();
        Self { call, id, answers, seq: 0 }
    }

    /// Waits for the next event.
    async fn next(&mut self) -> CallProgress {
        let next = timeout(Duration::from_secs(30), self.answers.next()).await;
        let event: CallEvent = next.expect("an event comes").expect("the events go on").decode().unwrap();
        assert_eq!((event.call_id, event.seq), (self.call.id, self.seq));
        assert!(event.executor.starts_with("tested#"), "{}", event.executor);
        self.seq += 1;
        event.what
    }

    async fn is_taken(&mut self) {
        assert_eq!(self.next().await, CallProgress::Taken);
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            CallProgress::Delta(delta) => delta.text,
            other => panic!("{other:?} instead of a part"),
        }
    }

    async fn answer(&mut self) -> ModelAnswer {
        match self.next().await {
            CallProgress::Answered(answer) => *answer,
            other => panic!("{other:?} instead of an answer"),
        }
    }

    async fn failure(&mut self) -> CallFailure {
        match self.next().await {
            CallProgress::Failed(failure) => failure,
            other => panic!("{other:?} instead of a failure"),
        }
    }

    /// Returns true if there is no event.
    async fn hears_no_more(&mut self) -> bool {
        timeout(Duration::from_secs(30), self.answers.next()).await.expect("the answers end").is_none()
    }
}

/// Waits for the record of the client's call, and for its ack.
async fn recorded(world: &mut World, id: Uuid) -> Invocation {
    let record = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(id));
    record
}

#[tokio::test]
async fn a_streamed_answer_arrives_in_parts_and_is_recorded_once() {
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    let asked = world.model.is_asked().await;

    world.model.stream("6");
    assert_eq!(client.text().await, "6");
    world.model.stream("!");
    assert_eq!(client.text().await, "!");
    world.model.end_stream();
    let answer = client.answer().await;

    assert_eq!((answer.text.as_str(), answer.usage.unwrap().prompt_tokens), ("6!", 3));
    assert_eq!(asked["messages"].as_array().unwrap().len(), 3);
    assert_eq!(world.next().await, Seen::Taken(client.id));
    let record = recorded(&mut world, client.id).await;
    assert_eq!((record.outcome, record.response.as_deref()), (Outcome::Succeeded, Some("6!")));
    assert_eq!((record.run_id, record.question.as_str()), (world.run_id, "And 3 + 3?"));
    let note = record.client.unwrap();
    assert_eq!((note.token_id, note.ignored), (client.call.token_id, client.call.ignored.clone()));
    assert!(client.hears_no_more().await);
    world.life.stop.cancel();
    assert_eq!(world.end().await, (Shutdown::OnRequest, vec![]));
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_one_event() {
    let mut world = World::new().await;
    world.start();
    world.model.answer(1);
    let mut client = Client::new(&world, call(&world, "slow")).await;

    client.is_taken().await;

    assert_eq!(client.answer().await.text, "4");
    world.model.is_asked().await;
}

#[tokio::test]
async fn parts_add_up_while_the_broker_is_slow() {
    const WORDS: usize = 100;
    let mut world = World::new().await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;

    world.broker.hold_replies(true);
    (0..WORDS).for_each(|_| world.model.stream("a "));
    world.model.end_stream();
    world.until_idle().await;
    world.broker.hold_replies(false);

    let mut parts: Vec<String> = Vec::new();
    while parts.concat().len() < 2 * WORDS {
        parts.push(client.text().await);
    }
    assert!(parts.len() <= 2, "{} parts", parts.len());
    assert_eq!(client.answer().await.text, "a ".repeat(WORDS));
}

#[tokio::test]
async fn no_event_has_the_providers_key() {
    const KEY: &str = "sk-live-0123456789abcdef";
    let mut world = World::with(Setup { key: Some(KEY), ..Setup::default() }).await;
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;

    for word in ["my key is ", "sk-live-01234", "56789abcdef", ", and yours?"] {
        world.model.stream(word);
    }
    world.model.end_stream();

    let mut text = String::new();
    let answer = loop {
        match client.next().await {
            CallProgress::Delta(delta) => text.push_str(&delta.text),
            CallProgress::Answered(answer) => break answer,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text, answer.text);
    assert!(text.starts_with("my key is ") && !text.contains("456789"), "{text}");
}

#[tokio::test]
async fn a_record_has_the_texts_that_its_tenant_wants_and_the_client_has_them_all() {
    let mut world = World::new().await;
    world.start();
    world.model.answer(1);
    let mut secretive = call(&world, "slow");
    secretive.config.texts = Texts::Hashes;
    let mut client = Client::new(&world, secretive).await;
    client.is_taken().await;
    assert_eq!(client.answer().await.text, "4");
    world.model.is_asked().await;

    assert_eq!(world.next().await, Seen::Taken(client.id));
    let record = recorded(&mut world, client.id).await;

    assert!(record.response.unwrap().starts_with("sha256:"));
    assert!(record.question.starts_with("sha256:"));
}
