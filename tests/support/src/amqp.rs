use uuid::Uuid;

/// The URL of the broker that tests share.
///
/// # Panics
/// If it is not set: a suite that skips itself is green for the wrong reason.
pub fn amqp_url() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test has no settings but the environment")]
    std::env::var("AMQP_URL").expect(
        "AMQP_URL is not set: run the tests with `make test`, or start RabbitMQ and set \
         AMQP_URL=amqp://guest:guest@127.0.0.1:5672/%2f",
    )
}

/// A first part for the names of a test's queues, so that tests share a server and nothing else.
pub fn unique_prefix() -> String {
    format!("test-{}", Uuid::now_v7().simple())
}
