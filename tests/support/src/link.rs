use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
    time::{sleep, timeout},
};

/// Longest time that a connection to one of the servers behind a link may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);
const BUFFER_BYTES: usize = 16 * 1024;

/// A TCP link of changeable quality, on a port of this machine. All connections through it share its quality; a
/// [`crate::Proxy`] silences single connections instead.
pub struct Link {
    address: SocketAddr,
    quality: watch::Sender<Quality>,
    accepting: AbortHandle,
}

/// Quality of a link. The default relays everything at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// Hosts and ports of the servers. A new connection goes to the first that answers.
    pub upstreams: Vec<String>,
    /// True if new connections are closed at once.
    pub refusing: bool,
    /// True if the link withholds all bytes, in both directions, and keeps the connections open.
    pub silent: bool,
    /// Time by which each piece of data is delayed.
    pub delay: Duration,
    /// Largest number of bytes a second, in each direction of each connection.
    pub bytes_per_second: Option<u32>,
    /// Number of the cut. Connections end when it changes.
    cut: u64,
}

impl Link {
    /// Starts a link to the first of `upstreams` that answers.
    pub async fn start(upstreams: Vec<String>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (quality, watched) = watch::channel(Quality { upstreams, ..Quality::default() });
        let accepting = tokio::spawn(accept(listener, watched)).abort_handle();
        Ok(Self { address, quality, accepting })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections. New ones are accepted, unless the link refuses them.
    pub fn cut(&self) {
        self.quality.send_modify(|quality| quality.cut += 1);
    }

    /// Changes the quality of present and new connections.
    pub fn set(&self, change: impl FnOnce(&mut Quality)) {
        self.quality.send_modify(change);
    }

    /// Ends every refusal, silence, delay and throttle.
    pub fn heal(&self) {
        self.set(|quality| {
            let (upstreams, cut) = (std::mem::take(&mut quality.upstreams), quality.cut);
            *quality = Quality { upstreams, cut, ..Quality::default() };
        });
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, quality: watch::Receiver<Quality>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) if !quality.borrow().refusing => {
                tokio::spawn(relay(client, quality.clone()));
            }
            Ok(_refused) => {}
            // The process has no free file descriptor.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn relay(client: TcpStream, quality: watch::Receiver<Quality>) {
    let Some(server) = connect(&quality).await else { return };
    // With Nagle's algorithm, small frames would wait for the acknowledgement of earlier ones.
    let _slower_without = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = quality.borrow().cut;
    let mut cuts = quality.clone();
    // When one side closes, both streams are dropped, which closes the other side.
    tokio::select! {
        _closed = pass(from_client, to_server, quality.clone()) => {}
        _closed = pass(from_server, to_client, quality) => {}
        _cut = cuts.wait_for(|quality| quality.cut != cut) => {}
    }
}

async fn connect(quality: &watch::Receiver<Quality>) -> Option<TcpStream> {
    let upstreams = quality.borrow().upstreams.clone();
    for upstream in upstreams {
        if let Ok(Ok(server)) = timeout(CONNECT_MAX, TcpStream::connect(upstream)).await {
            return Some(server);
        }
    }
    None
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut quality: watch::Receiver<Quality>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 || quality.wait_for(|quality| !quality.silent).await.is_err() {
            return Ok(());
        }
        let wait = waiting_time(&quality.borrow(), length);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

fn waiting_time(quality: &Quality, length: usize) -> Duration {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let sending = quality.bytes_per_second.map(|rate| Duration::from_secs(1) * length / rate.max(1));
    quality.delay + sending.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        address
    }

    async fn answer(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(b"x").await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_link_relays_until_it_is_cut_and_refuses_while_asked_to() {
        let link = Link::start(vec!["127.0.0.1:1".into(), echo().await]).await.unwrap();
        let mut first = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(answer(&mut first).await.unwrap(), b'x', "the first server that answers counts");

        link.set(|quality| quality.refusing = true);
        link.cut();
        assert!(answer(&mut first).await.is_err());
        let mut refused = TcpStream::connect(link.address()).await.unwrap();
        assert!(answer(&mut refused).await.is_err());

        link.heal();
        let mut second = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(answer(&mut second).await.unwrap(), b'x');
    }

    #[test]
    fn a_slow_link_waits_for_its_delay_and_its_rate() {
        let quality = Quality {
            delay: Duration::from_millis(100),
            bytes_per_second: Some(1_000),
            ..Quality::default()
        };
        assert_eq!(waiting_time(&quality, 500), Duration::from_millis(600));
        assert_eq!(waiting_time(&Quality::default(), 500), Duration::ZERO);
    }
}
