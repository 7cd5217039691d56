use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::AbortHandle,
};

/// A TCP proxy on a free port of this machine, which can break or silence the connections that go through it.
pub struct Proxy {
    address: SocketAddr,
    accepting: AbortHandle,
    connections: Arc<Mutex<Vec<Connection>>>,
}

/// One proxied connection.
struct Connection {
    running: AbortHandle,
    /// True while the proxy withholds the server's bytes from the client.
    held: watch::Sender<bool>,
}

impl Proxy {
    /// Starts a proxy to `upstream`, the host and port of a server.
    pub async fn start(upstream: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(listener, upstream.to_owned(), connections.clone()));
        Ok(Self { address, accepting: accepting.abort_handle(), connections })
    }

    /// Starts a proxy in front of the server of `url`. Returns it with the URL that leads through it.
    ///
    /// # Panics
    /// If the URL has no host and port.
    pub async fn before(url: &str) -> io::Result<(Self, String)> {
        let rest = url.split_once("://").expect("a URL has a scheme").1;
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
        assert!(server.contains(':'), "the URL names host and port");
        let proxy = Self::start(server).await?;
        let through = url.replacen(server, &proxy.address().to_string(), 1);
        Ok((proxy, through))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.lock().len()
    }

    /// Breaks all connections. New connections are still accepted.
    pub fn cut(&self) {
        for connection in self.lock().iter() {
            connection.running.abort();
        }
    }

    /// Silences the server on the connection with number `index`, counted from 0 in the order in which they were
    /// accepted. The client's bytes still reach the server.
    ///
    /// # Panics
    /// If there is no such connection.
    pub fn hold(&self, index: usize) {
        self.lock()[index].held.send_replace(true);
    }

    /// Ends all silences, and delivers the withheld bytes.
    pub fn release(&self) {
        for connection in self.lock().iter() {
            connection.held.send_replace(false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        lock(&self.connections)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

fn lock(connections: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    connections.lock().expect("nothing panics while it holds this lock")
}

async fn accept(listener: TcpListener, upstream: String, connections: Arc<Mutex<Vec<Connection>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let (held, holding) = watch::channel(false);
        let running = tokio::spawn(relay(client, upstream.clone(), holding)).abort_handle();
        lock(&connections).push(Connection { running, held });
    }
}

async fn relay(client: TcpStream, upstream: String, held: watch::Receiver<bool>) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // When one side closes, both streams are dropped, which closes the other side.
    tokio::select! {
        ended = copy(&mut from_client, &mut to_server) => ended.map(|_bytes| ()),
        ended = relay_answers(from_server, to_client, held) => ended,
    }
}

async fn relay_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if held.wait_for(|held| !held).await.is_err() || length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
    }
}
