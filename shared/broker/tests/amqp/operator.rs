//! Tests of settings and commands of the broker's operator.

use runmill_broker::conformance;
use runmill_testkit::PrivateRabbit;

use super::connect;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_above_the_brokers_limit_is_refused_alone() {
    let limit = format!("max_message_size = {}\n", conformance::MESSAGE_SIZE_MAX);
    let rabbit = PrivateRabbit::start_with(&limit).await.unwrap();
    let broker = connect(&rabbit.url()).await;

    conformance::a_message_that_is_too_large_is_refused_alone(&broker).await;
}
