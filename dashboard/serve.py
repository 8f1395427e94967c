"""Starting the dashboard.

Belongs here: the server. Does not: the application (`app.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

from waitress.server import BaseWSGIServer, MultiSocketServer, create_server

from dashboard.app import create_app
from orchestration.settings import ConfigurationError, Settings

_THREADS = 8


def serve(settings: Settings, host: str, port: int, report: Callable[[str], None]) -> None:
    """Serve until interrupted. Whoever reaches `host` may look: there is no login.

    Raises ConfigurationError when the port is taken.
    """
    server = _server(settings, host, port)
    report(f"Dashboard: http://{host}:{server.effective_port} (Ctrl-C ends it)")
    try:
        server.run()
    except KeyboardInterrupt:
        report("Ended.")


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """A server on a free port of this machine for as long as the block lasts; gives its address."""
    server = _server(settings, "127.0.0.1", 0)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        thread.join(timeout=5)


def _server(settings: Settings, host: str, port: int) -> BaseWSGIServer | MultiSocketServer:
    try:
        return create_server(create_app(settings).server, host=host, port=port, threads=_THREADS)
    except OSError as error:
        raise ConfigurationError(
            f"The dashboard cannot listen on {host}:{port} ({error.strerror})."
            " Choose another port: make dashboard PORT=8060"
        ) from None
