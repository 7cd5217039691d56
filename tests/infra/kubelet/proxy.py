"""A TCP proxy, as a Service has one on each node. As a program, it forwards addresses of the bridge to servers of this machine:

    proxy.py 10.213.1.1:5432=127.0.0.1:5432 ...
"""

import asyncio
import sys
from collections.abc import Callable

Place = tuple[str, int]
CHUNK = 65_536


class Proxy:
    """Forwards each new connection to the place that `choose` names; without one, it closes the connection."""

    def __init__(self, choose: Callable[[], Place | None]) -> None:
        self._choose = choose
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()

    async def listen(self, address: str, port: int) -> None:
        self._server = await asyncio.start_server(self._accept, address, port, backlog=512)

    async def close(self) -> None:
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        place = self._choose()
        try:
            if place is None:
                raise ConnectionRefusedError
            to_reader, to_writer = await asyncio.open_connection(*place)
        except OSError:
            # Discards what was sent, so that the caller sees a reset instead of an orderly end.
            writer.transport.abort()
            return
        self._open |= {writer, to_writer}
        try:
            await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
        finally:
            for end in (writer, to_writer):
                self._open.discard(end)
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()


def place(text: str) -> Place:
    address, _, port = text.rpartition(":")
    return address, int(port)


async def main() -> None:
    for rule in sys.argv[1:]:
        listen, _, to = rule.partition("=")
        target = place(to)
        await Proxy(lambda target=target: target).listen(*place(listen))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
