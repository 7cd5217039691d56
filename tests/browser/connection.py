"""A relay of bytes between a browser and a server, whose connections break and come back."""

import socket
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

ACCEPT_TIMEOUT_S = 0.05


class Relay:
    def __init__(self, url: str) -> None:
        target = urllib.parse.urlsplit(url)
        self._target = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(ACCEPT_TIMEOUT_S)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_broken, self._is_over = False, False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def cut(self) -> None:
        """Breaks all connections, and those that are begun from now on."""
        with self._lock:
            self._is_broken = True
            broken, self._open = self._open, set()
        for end in broken:
            close(end)

    def mend(self) -> None:
        with self._lock:
            self._is_broken = False

    def end(self) -> None:
        self._is_over = True
        self._thread.join()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._is_over:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            client.settimeout(None)
            with self._lock:
                is_broken = self._is_broken
            if is_broken:
                close(client)
                continue
            server = socket.create_connection(self._target)
            with self._lock:
                self._open |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=pump, args=(one, other), daemon=True).start()


def pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    close(one)
    close(other)


def close(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


@contextmanager
def relayed(url: str) -> Iterator[Relay]:
    relay = Relay(url)
    try:
        yield relay
    finally:
        relay.end()
