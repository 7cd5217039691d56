"""A relay in front of a model server, which changes requests or refuses them."""

import http.client
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_S = 60
OF_THE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


class Refusal(Exception):
    """An error of status 400 that a request gets in place of the server's answer."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        self.body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


@contextmanager
def relayed(url: str, change: Callable[[dict], dict]) -> Iterator[str]:
    """Runs a relay to `url` and gives its address. `change` returns the body that the server gets, or raises a refusal."""
    target = urllib.parse.urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                body = json.dumps(change(json.loads(body))).encode()
            except Refusal as refusal:
                self.answer(400, "application/json", json.dumps(refusal.body).encode())
                return
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=TIMEOUT_S)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_CONNECTION}
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            self.answer(response.status, response.headers.get("content-type", ""), response.read())
            connection.close()

        def answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    relay = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{relay.server_port}{target.path}"
    finally:
        relay.shutdown()
        relay.server_close()


class Server(ThreadingHTTPServer):
    # A client that begins many calls at once must not wait for a second attempt to connect.
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        """Says nothing: a client that was interrupted has gone."""
