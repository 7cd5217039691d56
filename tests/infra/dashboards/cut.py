"""A TCP proxy before a server, which can be cut and restored."""

import socket
import threading


class Cut:
    """Passes bytes on between 127.0.0.1 and a server. While it is cut, it closes connections, new ones too."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._is_cut = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_cut = True
        for stream in self._open:
            _end(stream)
        self._open.clear()

    def restore(self) -> None:
        self._is_cut = False

    def _accept(self) -> None:
        while True:
            client, _address = self._listener.accept()
            if self._is_cut:
                client.close()
                continue
            try:
                server = socket.create_connection(self._server)
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    _end(target)


def _end(stream: socket.socket) -> None:
    try:
        stream.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended already.
        pass
