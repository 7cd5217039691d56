use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use lapin::{
    tcp::{AMQPUriTcpExt, TLSConfig},
    uri::AMQPUri,
};
use runmill_tls::ClientTls;
use tokio::time;

use super::{AmqpSettings, tls};

/// Header with which a client of AMQP 0-9-1 begins.
const HELLO: &[u8] = b"AMQP\x00\x00\x09\x01";
/// Largest answer that is read: the properties of a server take less than a kilobyte.
const ANSWER_MAX: usize = 16 * 1024;
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns product and version of the broker, such as `RabbitMQ 4.1.2`, if it says them. The client library does not pass
/// them on, so the beginning of a handshake is done here.
pub async fn server_version(settings: &AmqpSettings) -> Option<String> {
    let uri = settings.uri().ok()?;
    let tls = settings.tls().ok()?;
    let greeting = time::timeout(ANSWER_TIMEOUT, greeting(uri, tls.as_deref())).await.ok()??;
    let version = property(&greeting, "version")?;
    Some(format!("{} {version}", property(&greeting, "product").unwrap_or_default()).trim().to_owned())
}

/// Returns the frame with which the broker presents itself.
async fn greeting(uri: AMQPUri, tls: Option<&ClientTls>) -> Option<Vec<u8>> {
    let runtime = lapin::runtime::default_runtime().ok()?;
    let plain = tls::without_tls(&uri);
    let plain = plain.connect_with_config_async(TLSConfig::default(), &runtime).await.ok()?;
    let mut stream = tls::secure(plain, tls, &uri.authority.host).await.ok()?;
    stream.write_all(HELLO).await.ok()?;
    // Type, channel and size of a frame.
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.ok()?;
    let size = u32::from_be_bytes(head[3..].try_into().expect("four bytes")) as usize;
    let mut frame = vec![0; size.min(ANSWER_MAX)];
    stream.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

/// Returns the text of a property: its name after its length, `S`, and the text after its length of four bytes.
fn property(greeting: &[u8], name: &str) -> Option<String> {
    let length = u8::try_from(name.len()).ok()?;
    let key = [&[length], name.as_bytes(), b"S"].concat();
    let start = greeting.windows(key.len()).position(|window| window == key)? + key.len();
    let (size, rest) = greeting.get(start..)?.split_first_chunk::<4>()?;
    let text = rest.get(..u32::from_be_bytes(*size) as usize)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_read_and_a_broken_one_is_not() {
        let greeting = b"..\x07productS\x00\x00\x00\x08RabbitMQ\x07versionS\x00\x00\x00\x063.10.8";
        assert_eq!(property(greeting, "product").as_deref(), Some("RabbitMQ"));
        assert_eq!(property(greeting, "version").as_deref(), Some("3.10.8"));
        assert_eq!(property(&greeting[..greeting.len() - 1], "version"), None);
        assert_eq!(property(greeting, "platform"), None);
    }
}
