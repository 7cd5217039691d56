use runmill_proto::Outcome;

use crate::{watched::Seen, world::World};

#[tokio::test]
async fn a_job_is_acked_after_its_log_is_confirmed_and_not_before() {
    let mut world = World::with_refusals(2).await;
    world.model.answer(1);
    let job = world.publish(0).await;
    world.start();

    assert_eq!(world.next().await, Seen::Taken(job));
    assert_eq!(world.next().await, Seen::Refused);
    assert_eq!(world.next().await, Seen::Refused);
    let log = world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    assert_eq!((log.outcome, log.response.as_deref()), (Outcome::Succeeded, Some("4")));
    assert_eq!(log.score.and_then(|score| score.value), Some(1.0));
    world.model.is_asked().await;
    assert!(!world.model.was_asked(), "one call, however often its log is published");
}

#[tokio::test]
async fn a_job_that_comes_again_after_its_end_is_acked_without_a_call() {
    let mut world = World::new().await;
    world.model.answer(2);
    let job = world.publish(0).await;
    world.start();
    assert_eq!(world.next().await, Seen::Taken(job));
    world.next_invocation().await;
    assert_eq!(world.next().await, Seen::Acked(job));

    let again = world.publish(0).await;

    assert_eq!(world.next().await, Seen::Taken(again));
    assert_eq!(world.next().await, Seen::Acked(again));
    world.model.is_asked().await;
    assert!(!world.model.was_asked());
}

#[tokio::test]
async fn thinking_in_the_text_is_recorded_and_only_the_answer_behind_it_is_scored() {
    let table = [
        ("<think>36? No.</think>\n\n4", "4", "36? No.", Outcome::Succeeded, Some(1.0)),
        ("<think>Is it 4? No.</think>\n\n36", "36", "Is it 4? No.", Outcome::Succeeded, Some(0.0)),
        ("<think>The answer is 4", "", "The answer is 4", Outcome::Truncated, None),
    ];
    let mut world = World::new().await;
    world.model.answer(table.len());
    world.start();
    for (ordinal, (said, text, reasoning, outcome, score)) in (0..).zip(table) {
        world.model.say(said);
        let job = world.publish(ordinal).await;

        assert_eq!(world.next().await, Seen::Taken(job));
        let log = world.next_invocation().await;
        assert_eq!(world.next().await, Seen::Acked(job));

        assert_eq!((log.outcome, log.response.as_deref()), (outcome, Some(text)), "{said}");
        assert_eq!(log.reasoning.as_deref(), Some(reasoning), "{said}");
        assert_eq!(log.score.and_then(|score| score.value), score, "{said}");
    }
}
