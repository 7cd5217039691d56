"""Empties a queue of RabbitMQ, by as much of AMQP 0-9-1 as that takes."""

import socket
import struct
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 10
FRAME_END = 0xCE
METHOD = 1
# Class and method of each message.
START, START_OK = (10, 10), (10, 11)
TUNE, TUNE_OK = (10, 30), (10, 31)
OPEN, OPEN_OK = (10, 40), (10, 41)
CHANNEL_OPEN, CHANNEL_OPEN_OK = (20, 10), (20, 11)
PURGE, PURGE_OK = (50, 30), (50, 31)


def purge(url: str, queue: str) -> int:
    """Removes all messages that no consumer has, and returns their number."""
    server = urlsplit(url)
    user, password = unquote(server.username or "guest"), unquote(server.password or "guest")
    host = unquote(server.path.removeprefix("/")) or "/"
    with socket.create_connection((server.hostname, server.port or 5672), timeout=TIMEOUT_S) as stream:
        stream.sendall(b"AMQP\x00\x00\x09\x01")
        _await(stream, START)
        login = f"\0{user}\0{password}".encode()
        _send(stream, 0, START_OK, struct.pack(">I", 0) + _short("PLAIN") + struct.pack(">I", len(login)) + login + _short("en_US"))
        channels, frame, _heartbeat = struct.unpack(">HIH", _await(stream, TUNE))
        _send(stream, 0, TUNE_OK, struct.pack(">HIH", channels, frame, 0))
        _send(stream, 0, OPEN, _short(host) + _short("") + b"\0")
        _await(stream, OPEN_OK)
        _send(stream, 1, CHANNEL_OPEN, _short(""))
        _await(stream, CHANNEL_OPEN_OK)
        _send(stream, 1, PURGE, struct.pack(">H", 0) + _short(queue) + b"\0")
        return struct.unpack(">I", _await(stream, PURGE_OK))[0]


def _short(text: str) -> bytes:
    encoded = text.encode()
    return bytes([len(encoded)]) + encoded


def _send(stream: socket.socket, channel: int, method: tuple[int, int], arguments: bytes) -> None:
    payload = struct.pack(">HH", *method) + arguments
    stream.sendall(struct.pack(">BHI", METHOD, channel, len(payload)) + payload + bytes([FRAME_END]))


def _await(stream: socket.socket, method: tuple[int, int]) -> bytes:
    """Returns the arguments of the next message, which must be of this method."""
    kind, _channel, size = struct.unpack(">BHI", _exactly(stream, 7))
    payload = _exactly(stream, size + 1)[:-1]
    if kind != METHOD or struct.unpack(">HH", payload[:4]) != method:
        raise ConnectionError(f"RabbitMQ answered {payload!r}")
    return payload[4:]


def _exactly(stream: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        if not (part := stream.recv(size - len(received))):
            raise ConnectionError("RabbitMQ closed the connection")
        received += part
    return received
