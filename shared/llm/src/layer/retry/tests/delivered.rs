//! Calls of which the caller has a part of the answer.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_begun_is_not_asked_for_again() {
    for error in [broken(), slow_down(1), ModelError::Authentication { message: "no".into() }] {
        let begun = [vec![Act::SendStream, Act::Token, Act::Deliver, Act::Fail(error.clone())]];

        let invoked =
            retry(Scripted::new(begun)).invoke(&request(), &policy(), &Interrupts::default(), None).await;

        assert_eq!(invoked.result, Err(Unanswered::Failed(error)));
        assert_eq!((invoked.attempts.len(), invoked.failures), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_interrupted_is_no_failure() {
    let begun = [vec![Act::SendStream, Act::Deliver, Act::Wait(9)]];
    let (client, interrupts) = (retry(Scripted::new(begun)), Interrupts::default());
    let (request, policy) = (request(), policy());

    let (invoked, ()) = tokio::join!(client.invoke(&request, &policy, &interrupts, None), async {
        sleep(secs(1)).await;
        interrupts.at_once.cancel();
    });

    assert_eq!((invoked.result, invoked.failures), (Err(Unanswered::Interrupted), 0));
}
