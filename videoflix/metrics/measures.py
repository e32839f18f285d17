"""What a process counts, by the names that Prometheus gets (``docs/monitoring.md``).

Units and names: Prometheus, "Metric and label naming". Values of labels are few: routes of the
table, statuses, outcomes; never what a client wrote.
"""

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_SEGMENT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_MAIL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_JOB_SECONDS = (5, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)

M = TypeVar("M", bound=MetricWrapperBase)


class _Labelled(dict[tuple[object, ...], M]):
    """A family's members by their labels' values: the library's own way to one makes texts of
    them each time."""

    def __init__(self, family: M) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, values: tuple[object, ...]) -> M:
        member = self[values] = self._family.labels(*values)
        return member


class PrometheusMeasures:
    """Implements ``videoflix.ports.measures.Measures``, and has gauges for what is sampled."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"videoflix_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(f"videoflix_{name}", text, labels, buckets=buckets, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"videoflix_{name}", text, labels, registry=registry)

        self._requests = _Labelled(
            counter("requests_total", "Requests answered.", "method", "route", "status")
        )
        self._request_seconds = _Labelled(
            histogram(
                "request_seconds",
                "From a request's header to its answer's last byte.",
                "route",
                buckets=_REQUEST_SECONDS,
            )
        )
        sent = counter("sent_bytes_total", "Bytes of media that were sent.", "by")
        self._sent, self._sent_by_proxy = sent.labels("server"), sent.labels("proxy")
        self._segments = _Labelled(
            histogram(
                "segment_seconds",
                "Until a viewer's MPEG-TS segment was ready to be sent.",
                "source",
                buckets=_SEGMENT_SECONDS,
            )
        )
        self._cuts = _Labelled(
            histogram("cut_seconds", "Cuts of MPEG-TS segments.", "why", buckets=_SEGMENT_SECONDS)
        )
        self._waiting = gauge("segment_waiters", "Requests that wait for a segment to be cut.")
        self._cached = gauge("cache_bytes", "Cached segments when they were counted last.")
        self._evicted = counter("cache_evicted_total", "Segments evicted from the cache.")
        self._evicted_bytes = counter("cache_evicted_bytes_total", "Bytes of those.")
        self._jobs = _Labelled(
            histogram(
                "job_seconds",
                "Attempts to encode a film or a part of one.",
                "kind",
                "outcome",
                buckets=_JOB_SECONDS,
            )
        )
        self._pictures = counter("encoded_pictures_total", "Pictures of films encoded.")
        self._speed = gauge("encode_speed", "Seconds of film a second; 0: nothing is encoded.")
        self._uploads = _Labelled(counter("uploads_total", "Films that were complete.", "outcome"))
        self._upload_bytes = counter("upload_bytes_total", "Bytes of films that were accepted.")
        self._mails = _Labelled(
            histogram("mail_seconds", "Mails handed over.", "outcome", buckets=_MAIL_SECONDS)
        )
        self._lag = histogram(
            "loop_lag_seconds",
            "How late the event loop is, four times a second.",
            buckets=_LAG_SECONDS,
        )
        self.ready = gauge("ready", "Whether a part is fine, as in /readyz.", "part")
        self.films = gauge("films", "Films by the state of their encode.", "status")
        self.oldest_due = gauge("job_wait_seconds", "How long the oldest job has waited.")
        self.mails_waiting = gauge("mails_waiting", "Reset mails that have not been sent.")
        self.oldest_mail = gauge("mail_wait_seconds", "How long the oldest of them has waited.")
        self.disk_free = gauge("disk_free_bytes", "Free on the disk of the films.")
        self.disk_floor = gauge("disk_floor_bytes", "Below it uploads and encodes wait.")

        # There from the start, at 0: an increase from nothing is none.
        for kind in ("film", "part"):
            for outcome in ("done", "failed", "again", "stopped", "lost"):
                self._jobs[kind, outcome]
        for source in ("cache", "cut", "joined"):
            self._segments[source,]
        for outcome in ("accepted", "refused", "failed"):
            self._uploads[outcome,]
        for outcome in ("sent", "failed"):
            self._mails[outcome,]

    def text(self) -> bytes:
        """All of it in Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self._requests[known, route, status].inc()
        self._request_seconds[route,].observe(seconds)

    def sent(self, size: int, *, by_proxy: bool = False) -> None:
        (self._sent_by_proxy if by_proxy else self._sent).inc(size)

    def segment(self, source: str, seconds: float) -> None:
        self._segments[source,].observe(seconds)

    def cut(self, seconds: float, *, is_ahead: bool) -> None:
        self._cuts["ahead" if is_ahead else "asked",].observe(seconds)

    def waiting(self, change: int) -> None:
        self._waiting.inc(change)

    def cached(self, size: int) -> None:
        self._cached.set(size)

    def evicted(self, segments: int, size: int) -> None:
        self._evicted.inc(segments)
        self._evicted_bytes.inc(size)

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        self._jobs[kind, outcome].observe(seconds)

    def encoded(self, frames: int, speed: float) -> None:
        self._pictures.inc(frames)
        self._speed.set(speed)

    def upload(self, outcome: str, size: int) -> None:
        self._uploads[outcome,].inc()
        if outcome == "accepted":
            self._upload_bytes.inc(size)

    def mail(self, seconds: float, *, is_sent: bool) -> None:
        self._mails["sent" if is_sent else "failed",].observe(seconds)

    def lag(self, seconds: float) -> None:
        """The event loop was late by so much."""
        self._lag.observe(seconds)
