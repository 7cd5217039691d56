//! Requests that a provider cannot take, and answers that are too large.

use runmill_proto::{ErrorKind, Outcome, ReasoningEffort, ResponseFormat, api::ProviderProtocol};

use super::{Client, call, recorded};
use crate::{model::STREAMING, watched::Seen, world::World};

#[tokio::test]
async fn what_has_no_effect_at_the_provider_is_in_the_record() {
    let mut world = World::new().await;
    world
        .change_provider(|provider| {
            provider.protocol = Some(ProviderProtocol::AnthropicMessages);
            provider.capabilities.reasoning = Some(false);
        })
        .await;
    world.start();
    let mut call = call(&world, "slow");
    let generation = &mut call.conversation.generation;
    (generation.seed, generation.presence_penalty) = (Some(7), Some(0.5));
    generation.temperature = Some(0.0);
    generation.reasoning_effort = Some(ReasoningEffort::High);
    let mut client = Client::new(&world, call).await;
    client.is_taken().await;

    // The server has no such path, which is the provider's own refusal.
    let failure = client.failure().await;
    assert_eq!((failure.kind, failure.status), (ErrorKind::InvalidRequest, Some(404)));

    assert_eq!(world.next().await, Seen::Taken(client.id));
    let note = recorded(&mut world, client.id).await.client.unwrap();
    assert_eq!(note.ignored, ["presence_penalty", "reasoning_effort", "seed", "user"]);
}

#[tokio::test]
async fn what_changes_the_answer_and_cannot_be_sent_is_refused_before_a_request() {
    for is_anthropic in [true, false] {
        let mut world = World::new().await;
        world
            .change_provider(|provider| {
                provider.protocol = is_anthropic.then_some(ProviderProtocol::AnthropicMessages);
                provider.capabilities.json_mode = Some(false);
            })
            .await;
        world.start();
        let mut call = call(&world, "slow");
        let generation = &mut call.conversation.generation;
        let want = if is_anthropic {
            generation.logprobs = Some(true);
            "the protocol anthropic_messages has no log probabilities"
        } else {
            generation.response_format = Some(ResponseFormat::JsonObject);
            "this model writes no JSON on request"
        };
        let mut client = Client::new(&world, call).await;
        client.is_taken().await;

        let failure = client.failure().await;

        assert_eq!((failure.kind, failure.status), (ErrorKind::InvalidRequest, None));
        assert!(failure.message.starts_with(want), "{}", failure.message);
        assert!(!world.model.was_asked());
        assert_eq!(world.next().await, Seen::Taken(client.id));
        let record = recorded(&mut world, client.id).await;
        assert_eq!((record.outcome, record.call.attempts.len()), (Outcome::Failed, 0));
    }
}

#[tokio::test]
async fn an_answer_that_the_broker_does_not_take_is_a_failure_that_says_so() {
    for model in ["slow", STREAMING] {
        let mut world = World::new().await;
        world.broker.limit(8_000);
        world.start();
        let words = "x".repeat(20_000);
        let mut client = Client::new(&world, call(&world, model)).await;
        client.is_taken().await;
        if model == STREAMING {
            world.model.stream(&words);
            world.model.end_stream();
        } else {
            world.model.say(&words);
            world.model.answer(1);
        }

        let failure = client.failure().await;

        assert_eq!(failure.kind, ErrorKind::AnswerTooLarge, "{model}");
        assert!(failure.message.contains("raise its max_message_size"), "{}", failure.message);
        world.model.is_asked().await;
        assert_eq!(world.next().await, Seen::Taken(client.id));
        let record = recorded(&mut world, client.id).await;
        assert_eq!((record.outcome, record.error_kind), (Outcome::Failed, Some(ErrorKind::AnswerTooLarge)));
        assert_eq!((record.response, record.call.attempts.len()), (None, 1));
        assert!(client.hears_no_more().await);
    }
}

#[tokio::test]
async fn a_streamed_answer_whose_end_is_too_large_fails_after_its_parts() {
    let mut world = World::new().await;
    world.broker.limit(8_000);
    world.start();
    let mut client = Client::new(&world, call(&world, STREAMING)).await;
    client.is_taken().await;
    world.model.is_asked().await;
    for _ in 0..4 {
        world.model.stream(&"x".repeat(3_000));
        assert_eq!(client.text().await.len(), 3_000);
    }
    world.model.end_stream();

    assert_eq!(client.failure().await.kind, ErrorKind::AnswerTooLarge);

    assert_eq!(world.next().await, Seen::Taken(client.id));
    assert_eq!(recorded(&mut world, client.id).await.error_kind, Some(ErrorKind::AnswerTooLarge));
}
