//! TLS with a broker whose certificate is of a private authority, and which asks its clients for theirs.

use runmill_broker::{
    Broker,
    amqp::{AmqpBroker, AmqpSettings, server_version},
};
use runmill_testkit::{Authority, Issued, PrivateRabbit, Valid};

use super::{lane, message, number, settings};

struct Address<'a> {
    rabbit: &'a PrivateRabbit,
    host: &'a str,
    authority: &'a Authority,
    shown: Option<&'a Issued>,
}

impl Address<'_> {
    fn settings(&self) -> AmqpSettings {
        let Self { rabbit, host, authority, shown } = self;
        let shown =
            shown.map(|own| format!("&certfile={}&keyfile={}", own.certificate.display(), own.key.display()));
        settings(&format!(
            "amqps://guest:guest@{host}:{}/%2f?cacertfile={}{}",
            rabbit.tls_port,
            authority.file().display(),
            shown.unwrap_or_default()
        ))
    }

    async fn refusal(&self) -> String {
        AmqpBroker::connect(self.settings()).await.err().expect("no connection").to_string()
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_and_faults_say_what_to_do() {
    let (authority, others) = (Authority::new(), Authority::new());
    let own = authority.issue("localhost", Valid::Today);
    let rabbit = PrivateRabbit::start_with_tls(&authority, &own).await.unwrap();
    let me = authority.issue("me", Valid::Today);
    let good = Address { rabbit: &rabbit, host: "localhost", authority: &authority, shown: Some(&me) };

    let broker = AmqpBroker::connect(good.settings()).await.unwrap();
    let queue = lane();
    broker.declare(queue).await.unwrap();
    let mut subscription = broker.subscribe(queue, 1).await.unwrap();
    broker.publish(queue, message(7)).await.unwrap();
    let delivery = subscription.next().await.unwrap();
    assert_eq!(number(&delivery.message), 7);
    delivery.ack().await.unwrap();
    assert!(server_version(&good.settings()).await.unwrap().starts_with("RabbitMQ "));

    let (formerly, foreign) = (authority.issue("me", Valid::Formerly), others.issue("me", Valid::Today));
    let table = [
        (Address { authority: &others, ..good }, "name the file of its authority in `cacertfile`"),
        (Address { host: "127.0.0.1", ..good }, "write in AMQP_URL a name that the certificate has"),
        (Address { shown: None, ..good }, "`certfile` and `keyfile`"),
        (Address { shown: Some(&formerly), ..good }, "`certfile` and `keyfile`"),
        (Address { shown: Some(&foreign), ..good }, "`certfile` and `keyfile`"),
    ];
    for (address, want) in table {
        let error = address.refusal().await;
        assert!(error.contains(want), "{error}");
    }
}
