use uuid::Uuid;

/// Returns the URL of the broker that tests share.
///
/// # Panics
/// If `AMQP_URL` is not set. Skipping the tests instead would pass without testing anything.
pub fn amqp_url() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find their servers in the environment, here and nowhere else"
    )]
    std::env::var("AMQP_URL").expect(
        "AMQP_URL is not set: run the tests with `make test`, or start RabbitMQ and set \
         AMQP_URL=amqp://guest:guest@127.0.0.1:5672/%2f",
    )
}

/// Makes a prefix for the names of a test's queues, so that tests share a server and nothing else.
pub fn unique_prefix() -> String {
    format!("test-{}", Uuid::now_v7().simple())
}
