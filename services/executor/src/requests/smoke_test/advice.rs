use runmill_proto::ErrorKind;

/// Returns advice for a person who gets an error of this kind.
// There is no `_` arm, so that a new kind does not compile without advice.
pub const fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connection => {
            "check the base URL, and whether the server runs and can be reached from here (from the executor, in a cluster)"
        }
        ErrorKind::ConnectTimeout => {
            "check the base URL and the network, or raise request.connect_timeout_seconds"
        }
        ErrorKind::FirstTokenTimeout => {
            "the model thinks longer than request.first_token_timeout_seconds, or the server queues its calls: raise it, \
             lower rate_limit.concurrency (--concurrency), or choose a faster model"
        }
        ErrorKind::IdleTimeout => {
            "the answer stopped coming: raise request.idle_timeout_seconds, or ask the provider"
        }
        ErrorKind::TotalTimeout => {
            "the server took the call and did not end its answer: look at its log, raise \
             request.total_timeout_seconds, or ask for fewer tokens"
        }
        ErrorKind::RateLimited => {
            "wait, or make fewer calls at once: rate_limit of the provider (--concurrency)"
        }
        ErrorKind::Overloaded | ErrorKind::ServerError => {
            "the provider is in trouble, or starts: look at its log or its status page, or wait"
        }
        ErrorKind::TruncatedStream => {
            "the server breaks its streams off: look at its log, or at the proxy in between; if it ends an answer when \
             another call begins, lower rate_limit.concurrency (--concurrency)"
        }
        ErrorKind::MalformedResponse => {
            "the server does not speak this protocol: check the base URL (up to and without the protocol's own path) \
             and the provider's kind and protocol"
        }
        ErrorKind::EmptyAnswer => {
            "the model stops without an answer: raise max_new_tokens (--max-tokens), or ask without reasoning"
        }
        ErrorKind::StreamRejected => {
            "the model takes neither streamed nor buffered requests in the forms that are known"
        }
        ErrorKind::InvalidRequest => {
            "check the model's name and the base URL; the message says what the provider does not take"
        }
        ErrorKind::ContextLength => "even a short question does not fit: check the model's name",
        ErrorKind::ContentPolicy => "the provider's filter rejects a harmless question: ask the provider",
        ErrorKind::Authentication => {
            "check the key (api_keys of the provider, or the variable of --api-key-env) and what it may use"
        }
        ErrorKind::QuotaExhausted => "top up the account, or use a key of another one",
        ErrorKind::BudgetUsedUp => "raise the budget: rate_limit of the provider",
        ErrorKind::ProviderUnavailable => "correct the provider's settings; the message says what is wrong",
        ErrorKind::DeadlinePassed => {
            "no slot was free within a minute: wait, raise rate_limit.concurrency, or start another executor"
        }
        ErrorKind::AnswerTooLarge => "raise the broker's max_message_size, or limit the answer's tokens",
        ErrorKind::BadItem
        | ErrorKind::NoAnswer
        | ErrorKind::Interrupted
        | ErrorKind::Poisoned
        | ErrorKind::Quarantined => "try again",
    }
}
