"""Starting the dashboard.

Belongs here: the server. Does not: the application (`app.py`).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from waitress import wasyncore
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from dashboard.app import create_app
from orchestration.settings import ConfigurationError, Settings

_THREADS = 8


def serve(settings: Settings, host: str, port: int, report: Callable[[str], None]) -> None:
    """Serve until interrupted. Whoever reaches `host` may look: there is no login.

    Raises ConfigurationError when the port is taken or `host` is no address.
    """
    # A browser asks for many files at once; that they wait a moment is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = _server(settings, host, port, {})
    report(f"Dashboard: http://{host}:{port} (Ctrl-C ends it)")
    server.run()


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """A server on a free port of this machine for as long as the block lasts; gives its address."""
    sockets: dict[int, Any] = {}
    server = _server(settings, "127.0.0.1", 0, sockets)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        # Browsers keep their connections open; the thread ends with the last socket.
        wasyncore.close_all(sockets)
        thread.join()
        server.task_dispatcher.shutdown()


def _server(
    settings: Settings, host: str, port: int, sockets: dict[int, Any]
) -> BaseWSGIServer | MultiSocketServer:
    try:
        return create_server(
            create_app(settings).server, map=sockets, host=host, port=port, threads=_THREADS
        )
    except OSError as error:
        raise ConfigurationError(
            f"The dashboard cannot listen on {host}:{port} ({error.strerror})."
            " Choose another port: make dashboard PORT=8060"
        ) from None
    except ValueError as error:
        raise ConfigurationError(
            f"The dashboard cannot listen on {host}:{port} ({error}). Choose an address of this"
            " machine: --host 127.0.0.1, or 0.0.0.0 to let others look."
        ) from None
