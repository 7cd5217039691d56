use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// Port of this machine on which nobody listens. It stays taken while this value lives, so that no other test's server
/// gets it.
pub struct DeadPort(TcpSocket);

impl DeadPort {
    pub fn take() -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("one of thousands of ports is free");
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn connections_are_refused() {
        let port = DeadPort::take();
        let error = tokio::net::TcpStream::connect(port.address()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}
