"""A server that answers every line at once: it shows how fast the load generator itself is."""

import asyncio
import sys
from typing import cast

import uvloop

ANSWER = (
    b'{"jsonrpc":"2.0","id":1,"result":{"id":"' + b"0" * 32 + b'","status":"booked","note":"' + b"." * 200 + b'"}}\n'
)


class Instant(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        self._write(ANSWER * data.count(b"\n"))


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", port, backlog=1024)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
