use std::time::Duration;

use anyhow::Context;
use runmill_broker::{
    Broker, BrokerError, Envelope, PublishError, Queue,
    amqp::{AmqpBroker, server_version},
};
use runmill_config::{Config, address};
use runmill_proto::message::Control;
use runmill_tls::HandshakeFault;

use super::{failed, noted, passed};
use crate::{
    exit::ExitCode,
    process::Process,
    service::{broker_settings, close_broker, connect_broker},
};

/// Number of channels below which a broker's limit is noted: an executor takes one for each provider.
const CHANNELS_ENOUGH: u16 = 256;

/// Connects to the broker and tries what the services need: to declare their queues, to publish and to take messages.
pub async fn check(process: &Process) -> ExitCode {
    let config = &process.config;
    let Some(url) = &config.amqp_url else {
        return passed("broker", "AMQP_URL is not set; a standalone process uses its own broker");
    };
    let broker = match connect_broker(config, url).await {
        Ok(broker) => broker,
        Err(error) => return failed("broker", &error, advice(&error)),
    };
    let tried = try_all(&broker, config).await;
    let version = server_version(&broker_settings(config, url)).await;
    let notes = notes(&broker, config).await;
    close_broker(&*broker).await;
    let code = match tried {
        Ok(()) => {
            let version = version.unwrap_or_else(|| "a broker of an unknown version".to_owned());
            passed(
                "broker",
                &format!("{} answers, and all that the services need works: {version}", address(url)),
            )
        }
        Err(error) => failed("broker", &error, advice(&error)),
    };
    for note in notes {
        noted("broker", &note);
    }
    code
}

async fn try_all(broker: &AmqpBroker, config: &Config) -> anyhow::Result<()> {
    broker.declare(Queue::Dead).await?;
    broker.declare(Queue::Requests).await?;
    for partition in 0..config.log_partitions {
        broker.declare(Queue::Logs(partition)).await?;
    }
    drop(broker.listen().await.context("listening to broadcasts")?);
    let probe = Envelope::new(&Control::SettingsChanged);
    broker.round_trip(probe).await.context("sending a message to an exclusive queue")
}

/// Returns what works, and may surprise an operator all the same.
async fn notes(broker: &AmqpBroker, config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for (queue, expires) in broker.queues_with_other_expiry() {
        notes.push(format!(
            "queue {queue} exists with {} instead of {} (RUNMILL_QUEUE_EXPIRES_SECONDS) and is used as it is; delete it \
             while it is empty to change that",
            expiry(expires),
            expiry(config.queue_expires)
        ));
    }
    if let Ok(Some(_)) = broker.depth(Queue::Logs(config.log_partitions)).await {
        notes.push(format!(
            "queues of more than {} partitions of the logs exist (RUNMILL_LOG_PARTITIONS): log-sinks that start now read \
             them, too; the number must be the same in every process",
            config.log_partitions
        ));
    }
    if let Ok(Some(dead)) = broker.depth(Queue::Dead).await
        && dead.ready > 0
    {
        notes.push(format!(
            "{} dead letters: `runmill dead list` shows them, docs/operations.md says more",
            dead.ready
        ));
    }
    if let Ok(max) = broker.channel_max().await
        && max < CHANNELS_ENOUGH
    {
        notes.push(format!(
            "it allows {max} channels for a connection, and an executor needs one for each provider and three more: \
             raise channel_max before there are {} providers",
            max.saturating_sub(3)
        ));
    }
    notes
}

/// Returns how to correct the error: the broker says by its reply's name if it was reached.
fn advice(error: &anyhow::Error) -> &'static str {
    let text = format!("{error:#}");
    if is_any(error, |error| matches!(error, BrokerError::TooManyChannels { .. })) {
        "raise channel_max of RabbitMQ"
    } else if HandshakeFault::find(&text).is_some()
        || is_any(error, |error| matches!(error, BrokerError::BadTls { .. }))
    {
        "correct AMQP_URL, or its parameters cacertfile, certfile or keyfile, as the reason says"
    } else if text.contains("PRECONDITION_FAILED") {
        "a queue or exchange of that name exists with other arguments: delete it while it is empty, or set \
         RUNMILL_QUEUE_PREFIX"
    } else if text.contains("NOT_ALLOWED") {
        "create the vhost at the end of AMQP_URL (rabbitmqctl add_vhost), give its user rights there \
         (rabbitmqctl set_permissions), or correct AMQP_URL; the vhost / is written %2f"
    } else if text.contains("ACCESS_REFUSED")
        && is_any(error, |error| matches!(error, BrokerError::Refused { .. }))
    {
        "give the user of AMQP_URL the rights to configure, write and read what begins with RUNMILL_QUEUE_PREFIX \
         (rabbitmqctl set_permissions)"
    } else if text.contains("ACCESS_REFUSED") {
        "correct user and password in AMQP_URL, or create the user (rabbitmqctl add_user)"
    } else {
        "start RabbitMQ there, or correct AMQP_URL"
    }
}

fn is_any(error: &anyhow::Error, is: impl Fn(&BrokerError) -> bool) -> bool {
    error.chain().any(|cause| match cause.downcast_ref::<PublishError>() {
        Some(PublishError::Broker(error)) => is(error),
        _ => cause.downcast_ref::<BrokerError>().is_some_and(&is),
    })
}

fn expiry(expires: Option<Duration>) -> String {
    expires.map_or_else(|| "no expiry".to_owned(), |expires| format!("an expiry of {} s", expires.as_secs()))
}
