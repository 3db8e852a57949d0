"""The server of the web demo: on this machine's own address only, without a word to anyone else.

Solara serves the page and its assets from installed packages. Its telemetry, its look at a network for other
assets and its search for newer versions are switched off before it is loaded. A browser also lets pages of
other sites knock at this address; requests that name another host, or come from another origin, are refused.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import urlsplit

from sim.errors import Fault, InputError

HOST = "127.0.0.1"
OFF = {
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False",
    "SOLARA_ASSETS_CDN": "http://127.0.0.1:9/",  # an asset that is not installed is not fetched either
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "False",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_SHOW_BANNER": "False",
    "SOLARA_MODE": "production",
    "SOLARA_KERNEL_CULL_TIMEOUT": "60s",
}
"""Settings of solara, read when it is loaded."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def bound(port: int | None) -> socket.socket:
    """A socket on loopback, on this port or a free one. Raises `InputError` for one that is taken."""
    there = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        there.bind((HOST, port or 0))
        there.listen(128)
    except OSError as problem:
        there.close()
        what = "is taken" if problem.errno == errno.EADDRINUSE else f"cannot be used ({problem.strerror})"
        mend = "Give another, or leave --port out for a free one."
        raise InputError([Fault("--port", None, "", f"{port} {what}", mend)]) from problem
    return there


class Guard:
    """Lets in what this machine's browser asks of this very address, and nothing else."""

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application around another."""
        if scope["type"] in ("http", "websocket") and not self._allowed(scope):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            head = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": head})
            await send({"type": "http.response.body", "body": b"not for other sites\n"})
            return
        await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        given = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = given.get(b"origin")
        if given.get(b"host") not in self.hosts:
            return False
        return origin is None or urlsplit(origin).netloc in self.hosts


def application(port: int) -> App:
    """The page as an ASGI application. Loads solara; raises ImportError where it is not installed."""
    os.environ.update(OFF)
    import solara.server.app
    from solara.server.starlette import app

    script = solara.server.app.AppScript("sim.views.app.page")
    solara.server.app.apps["__default__"] = script
    script.init()
    return Guard(cast("App", app), port)


def serve(app: App, there: socket.socket, started: Callable[[], None]) -> None:
    """Serve until the user interrupts (KeyboardInterrupt); ``started`` is called once it answers."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    Server(config).run(sockets=[there])
