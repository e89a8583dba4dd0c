"""One end of a WebSocket (RFC 6455) by python3-websockets: a program of the lab.

    websocket_end.py serve|dial HOST PORT

Both ping each other every 0.2 s. `serve` has a line "listening", "ready" once a message came, and at the end of that connection
a line of JSON as raw_sockets.py; `dial` says hello and waits.
"""

import asyncio
import json
import sys
import time

import websockets

_PING = {"ping_interval": 0.2, "ping_timeout": 60}


def _say(text: str) -> None:
    print(text, flush=True)


async def _serve(host: str, port: int) -> None:
    over = asyncio.Event()

    async def handle(connection) -> None:
        await connection.recv()
        _say("ready")
        try:
            await connection.recv()
            outcome, text = "message", ""
        except websockets.ConnectionClosed as closed:
            outcome, text = "closed", f"{closed} {closed.__cause__!r}"
        _say(json.dumps([{"outcome": outcome, "at_ns": time.monotonic_ns(), "text": text}]))
        over.set()

    async with websockets.serve(handle, host, port, **_PING):
        _say("listening")
        await over.wait()


async def _dial(host: str, port: int) -> None:
    async with websockets.connect(f"ws://{host}:{port}/grid", **_PING) as connection:
        await connection.send("hello")
        _say("ready")
        await connection.recv()


def main() -> None:
    role, host, port = sys.argv[1:]
    asyncio.run((_serve if role == "serve" else _dial)(host, int(port)))


if __name__ == "__main__":
    main()
