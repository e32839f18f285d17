"""Where figures can be had: ``/metrics`` over HTTP, for whoever reaches the port.

The parent of HTTP processes answers for all of them: each tells its figures on a socket of its
own in a folder that only this account can look into, and the parent puts them together, with a
label ``process``. Their sum would be wrong: it goes down when one of them is replaced, which
Prometheus takes for a start from zero.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from videoflix.settings import MetricsSettings

PROCESS = "process"
# A process that is asked looks at its services, which takes 2.5 s at most.
ANSWER_SECONDS = 5.0
_IDLE_SECONDS = 75.0
_HEADER_BYTES = 16 * 1024
_BODY_BYTES = 1024

Text = Callable[[], Awaitable[bytes]]

_log = structlog.get_logger(__name__)


class _MetricsHandler(RequestHandler):
    def initialize(self, text: Text) -> None:
        self._text = text

    async def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.set_header("Server", "Videoflix")
        self.finish(await self._text())


@asynccontextmanager
async def metrics_served(host: str, port: int, text: Text) -> AsyncIterator[None]:
    """Answer ``GET /metrics`` with ``text`` while the block runs. Where the port is taken it is
    logged, and the work goes on unseen."""
    application = Application(
        [(r"/metrics/?", _MetricsHandler, {"text": text})], log_function=lambda _: None
    )
    server = HTTPServer(
        application,
        idle_connection_timeout=_IDLE_SECONDS,
        max_header_size=_HEADER_BYTES,
        max_body_size=_BODY_BYTES,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
        listener.setblocking(False)
        server.add_sockets([listener])
    except OSError as error:
        _log.error("figures cannot be had", host=host, port=port, reason=error.strerror)
    try:
        yield
    finally:
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def told_to_parent(path: Path, text: Text) -> AsyncIterator[None]:
    """In a process that shares its port: tell ``text`` to whoever connects to the socket while the
    block runs. Where there can be none (its path may have 107 bytes, unix(7), and the folder may be
    full) it is logged, and the work goes on unseen."""

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await text())
            with suppress(ConnectionError):  # who asked did not wait so long
                await writer.drain()
        finally:
            writer.close()

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(await asyncio.start_unix_server(tell, path))
        except OSError as error:
            _log.error("figures cannot be had", socket=str(path), reason=str(error))
        yield


class _Together(Collector):
    """The families of several processes as one collection."""

    def __init__(self, texts: Mapping[str, bytes | None]) -> None:
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        answered = GaugeMetricFamily(
            "videoflix_answering", "Whether the process told its figures.", labels=[PROCESS]
        )
        for process, text in self._texts.items():
            answered.add_metric([process], float(text is not None))
            for family in text_string_to_metric_families((text or b"").decode()):
                kept = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                for sample in family.samples:
                    labels = {**sample.labels, PROCESS: process}
                    kept.add_sample(sample.name, labels, sample.value)
        return [answered, *families.values()]


class ChildFigures:
    """What the processes below this one tell on sockets in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sockets: dict[str, Path] = {}

    def socket(self, number: int) -> Path:
        """Where process ``number``, and each that takes its place, is to tell its figures."""
        return self._sockets.setdefault(str(number), self._folder / str(number))

    async def text(self) -> bytes:
        return await put_together(self._sockets)


@asynccontextmanager
async def children_seen(settings: MetricsSettings) -> AsyncIterator[ChildFigures | None]:
    """Serve the figures of child processes while the block runs; None where nobody wants any."""
    if not settings.port:
        yield None
        return
    with TemporaryDirectory(prefix="videoflix-") as folder:
        figures = ChildFigures(Path(folder))
        async with metrics_served(settings.host, settings.port, figures.text):
            yield figures


async def put_together(sockets: Mapping[str, Path]) -> bytes:
    """The figures of the processes that tell them on ``sockets``, by the processes' names. One
    that does not answer is missing, and ``videoflix_answering`` says so."""
    texts = await asyncio.gather(*map(_told, sockets.values()))
    registry = CollectorRegistry()
    registry.register(_Together(dict(zip(sockets, texts, strict=True))))
    return await asyncio.to_thread(generate_latest, registry)


async def _told(path: Path) -> bytes | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                text = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return text if text.endswith(b"\n") else None  # else it died in the middle of it
