"""A relay in front of a server that refuses streamed requests, as some models do, so that runmill asks buffered."""

import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSAL = {"error": {"message": "Unsupported value: 'stream' does not support true with this model.",
                     "type": "invalid_request_error", "param": "stream", "code": "unsupported_value"}}
TIMEOUT_S = 60
OF_THE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding"}


@contextmanager
def without_streams(url: str) -> Iterator[str]:
    """Runs a relay to `url` and gives its address."""
    target = urllib.parse.urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if json.loads(body).get("stream"):
                self.answer(400, "application/json", json.dumps(REFUSAL).encode())
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

    relay = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{relay.server_port}{target.path}"
    finally:
        relay.shutdown()
        relay.server_close()
