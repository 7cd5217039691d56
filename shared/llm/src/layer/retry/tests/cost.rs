use super::*;

#[tokio::test(start_paused = true)]
async fn tokens_of_failed_attempts_are_counted() {
    /// A layer that fails once, after the provider counted tokens, and then answers.
    struct Billed(std::sync::atomic::AtomicBool);

    impl AttemptLayer for Billed {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            let usage = Some(Usage { prompt_tokens: 10, completion_tokens: 1, ..Usage::default() });
            if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                return Ok(ChatResponse { usage, ..four() });
            }
            cx.tracker.usage(Metered { usage, ..Metered::default() });
            Err(ModelError::TruncatedStream)
        }
    }

    let invoked =
        retry(Billed(false.into())).invoke(&request(), &policy(), &Interrupts::default(), None).await;

    let sum = Usage { prompt_tokens: 20, completion_tokens: 2, ..Usage::default() };
    assert_eq!(invoked.usage, Some(sum));
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_priced_failed_ones_included() {
    struct Sold(std::sync::atomic::AtomicBool);

    impl AttemptLayer for Sold {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            cx.tracker.chosen(&"main".into(), ProviderKind::Openai.into());
            let usage = Usage { prompt_tokens: 1_000, completion_tokens: 10, ..Usage::default() };
            cx.tracker.usage(usage.into());
            if self.0.swap(true, std::sync::atomic::Ordering::Relaxed) {
                Ok(ChatResponse { usage: Some(usage), ..four() })
            } else {
                Err(broken())
            }
        }
    }

    let table = r#"{"models": {"openai/m": {"input": 2.5, "output": 10}}}"#;
    let prices = Arc::new(PriceTable::load(table).unwrap());
    let client = Retry { prices, ..retry(Sold(false.into())) };

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default(), None).await;

    // 1,000 tokens cost 2.5 dollars a million, 10 tokens cost 10 dollars a million.
    let costs: Vec<_> = invoked.attempts.iter().map(|attempt| attempt.cost_nanousd).collect();
    assert_eq!(costs, [Some(2_600_000); 2]);
    assert_eq!(invoked.cost_nanousd(), Some(5_200_000));
}

#[tokio::test(start_paused = true)]
async fn a_cost_that_is_known_in_part_is_unknown_with_the_reason() {
    struct Spoken;

    impl AttemptLayer for Spoken {
        async fn attempt(&self, cx: Context<'_>) -> Result<ChatResponse, ModelError> {
            cx.tracker.began();
            cx.tracker.sent(true);
            cx.tracker.chosen(&"main".into(), ProviderKind::Openai.into());
            let usage =
                Usage { prompt_tokens: 10, completion_tokens: 5, audio_output_tokens: 5, ..Usage::default() };
            Ok(ChatResponse { usage: Some(usage), ..four() })
        }
    }

    let table = r#"{"models": {"openai/m": {"input": 2.5, "output": 10}}}"#;
    let client = Retry { prices: Arc::new(PriceTable::load(table).unwrap()), ..retry(Spoken) };

    let invoked = client.invoke(&request(), &policy(), &Interrupts::default(), None).await;

    let attempt = &invoked.attempts[0];
    let reason = "the price table has no price for audio tokens of the answer";
    assert_eq!((attempt.cost_nanousd, attempt.cost_unknown.as_deref()), (None, Some(reason)));
    assert_eq!(invoked.cost_nanousd(), None);
}
