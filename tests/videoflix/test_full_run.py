"""A server of two processes and a worker, through all that people do: what their logs say and
what they do not, and what Prometheus gets."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pymongo import MongoClient

from handlers.app import label_of
from handlers.routes import ROUTES
from tests.clips.fixtures import ClipCache
from tests.commands import REPOSITORY, running, until
from tests.handlers.films import small_film
from tests.ports import free_port
from videoflix.metrics.measures import PrometheusMeasures
from videoflix.readiness import PARTS
from videoflix.settings import Settings

LISTENS = r"^Videoflix listens on (http://\S+)"
EMAIL = "somebody@example.com"
FIRST, SECOND, WRONG = "quiet-Harbour-42", "other-Lantern-97", "wrong-Compass-13"
PROCESSES = 2
SEGMENT = "/api/video/1/480p/segment_000.ts"
DEPLOY = REPOSITORY / "deploy"
BY_PROMETHEUS = {"instance", "job"}  # labels that it adds itself


@dataclass
class Run:
    """What people did, the secrets that they had on the way, the port of the server's figures and
    the files that programs wrote their output to."""

    client: httpx.Client
    settings: Settings
    root: Path
    port: int
    outputs: list[Path]
    secrets: set[str] = field(default_factory=lambda: {FIRST, SECOND, WRONG})
    answers: list[httpx.Response] = field(default_factory=list)

    def ask(self, method: str, path: str, status: int, **options: Any) -> httpx.Response:
        if method != "GET" and "files" not in options:
            options.setdefault("json", {})
        answer = self.client.request(method, path, **options)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        self.secrets |= {value for _, value in answer.cookies.items() if value}
        self.answers.append(answer)
        return answer

    def answers_of(self, path: str, status: int) -> list[httpx.Response]:
        return [
            answer
            for answer in self.answers
            if answer.request.url.path == path and answer.status_code == status
        ]

    def by_path(self) -> dict[tuple[str, str], list[httpx.Response]]:
        """The answers by method and route, as figures name it."""
        found: dict[tuple[str, str], list[httpx.Response]] = {}
        for answer in self.answers:
            path = answer.request.url.path
            pattern = next((r.pattern for r in ROUTES if re.fullmatch(r.pattern, path)), ".*")
            found.setdefault((answer.request.method, label_of(pattern)), []).append(answer)
        return found

    def link(self, number: int) -> tuple[str, str]:
        """Account and token of the mail's link, once it has been sent."""
        outbox = self.root / "outbox"
        file = until(lambda: sorted(outbox.glob("*.eml"))[number - 1 : number])[0]
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        body = mail.get_body(("plain",))
        assert body
        found = re.search(r"uid=([\w-]+)&token=([0-9a-f]+)", body.get_content())
        assert found
        self.secrets.add(found[2])
        return found[1], found[2]

    def join(self) -> None:
        body = {"email": EMAIL, "password": FIRST, "confirmed_password": FIRST}
        self.ask("POST", "/api/register/", 201, json=body)
        account, token = self.link(1)
        self.ask("GET", f"/api/activate/{account}/{token}/", 200)
        with MongoClient[dict[str, Any]](self.settings.mongo.uri.get_secret_value()) as database:
            users = database[self.settings.mongo.database]["users"]
            assert users.update_one({}, {"$set": {"is_staff": True}}).modified_count == 1
        self.sign_in(FIRST)

    def sign_in(self, password: str) -> None:
        self.ask("POST", "/api/login/", 400, json={"email": EMAIL, "password": WRONG})
        self.ask("POST", "/api/login/", 200, json={"email": EMAIL, "password": password})
        self.ask("POST", "/api/token/refresh/", 200)

    def upload_and_play(self, film: bytes) -> None:
        form = {"data": {"title": "Film"}, "files": {"file": ("film.mp4", film)}}
        self.ask("POST", "/api/admin/videos/", 201, **form)
        form["files"] = {"file": ("no.mp4", b"this is no film" * 100)}
        self.ask("POST", "/api/admin/videos/", 400, **form)

        def is_ready() -> bool:
            status = self.client.get("/api/admin/videos/1/").json()["processing_status"]
            assert status != "failed"
            return bool(status == "ready")

        until(is_ready)
        self.ask("GET", "/api/video/1/master.m3u8", 200)
        self.ask("GET", SEGMENT, 200)

        def is_warm() -> bool:
            # Who asks before it is in the cache joins the cut.
            self.ask("GET", SEGMENT, 200)
            return shown(metrics(self.port))["cache"] > 0

        until(is_warm)

    def forget_the_password(self) -> None:
        self.ask("POST", "/api/password_reset/", 200, json={"email": EMAIL})
        account, token = self.link(2)
        body = {"new_password": SECOND, "confirm_password": SECOND}
        self.ask("POST", f"/api/password_confirm/{account}/{token}/", 200, json=body)
        self.ask("POST", f"/api/password_confirm/{account}/{token}/", 400, json=body)
        self.sign_in(SECOND)

    def leave_and_fail(self) -> None:
        self.ask("POST", "/api/logout/", 200)
        forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
        self.secrets.add(forged)
        self.ask("GET", "/api/video/", 401, headers={"Cookie": f"access_token={forged}"})
        self.ask("POST", "/api/token/refresh/", 401, headers={"Cookie": f"refresh_token={forged}"})
        token = "5ec2e7" * 10
        self.secrets.add(token)
        self.ask("GET", f"/api/activate/MQ/{token}/", 400)
        self.ask("GET", f"/nowhere/{token}?token={token}", 404)
        self.ask("GET", SEGMENT, 401, params={"v": token})


@contextmanager
def everything(settings: Settings, root: Path, ports: tuple[int, int]) -> Iterator[Run]:
    """A server and a worker that tell their figures on those ports."""
    extra = {
        "VIDEOFLIX_STORAGE__ROOT": str(root),
        "VIDEOFLIX_MONGO__URI": settings.mongo.uri.get_secret_value(),
        "VIDEOFLIX_MONGO__DATABASE": settings.mongo.database,
        "VIDEOFLIX_REDIS__URL": settings.redis.url.get_secret_value(),
        "VIDEOFLIX_AUTH__SECRET_KEY": settings.auth.secret_key.get_secret_value(),
        "VIDEOFLIX_LOG__FORMAT": "json",
        "VIDEOFLIX_METRICS__PORT": str(ports[0]),
        "VIDEOFLIX_METRICS__WORKER_PORT": str(ports[1]),
    }
    serve, work = root.with_name("serve"), root.with_name("worker")
    with (
        running("serve", "--processes", str(PROCESSES), root=serve, extra=extra) as server,
        running("worker", root=work, extra=extra) as worker,
    ):
        url = server.line(LISTENS)[1]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            outputs = [server.output, server.errors, worker.output, worker.errors]
            run = Run(client, settings, root, ports[0], outputs)
            run.secrets |= {extra["VIDEOFLIX_AUTH__SECRET_KEY"]}
            for name in ("VIDEOFLIX_MONGO__URI", "VIDEOFLIX_REDIS__URL"):
                run.secrets |= {urlsplit(extra[name]).password or FIRST}
            yield run


def metrics(port: int) -> str:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> list[Sample]:
    return [sample for found in text_string_to_metric_families(text) for sample in found.samples]


def count(text: str, name: str, **labels: str) -> float:
    """Of all processes together."""
    return sum(
        sample.value
        for sample in samples(text)
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def shown(text: str) -> dict[str, float]:
    """How many segments came from where."""
    return {
        source: count(text, "videoflix_segment_seconds_count", source=source)
        for source in ("cache", "cut", "joined")
    }


def queries() -> Iterator[str]:
    """Of the alerts and the dashboard, with Grafana's variables filled in."""
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")


def selected(query: str) -> set[tuple[str, frozenset[str]]]:
    """Names of figures that the query asks for, each with the labels that it looks at. Raises
    ValueError for what is no PromQL."""
    found = set()

    def look(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            matchers = frozenset(matcher.name for matcher in node.matchers.matchers)
            found.add((node.name or "", matchers - BY_PROMETHEUS))

    promql_parser.walk(promql_parser.parse(query), look)
    return found


def check_queries(told: str) -> None:
    known: dict[str, set[frozenset[str]]] = {}
    for sample in samples(told):
        known.setdefault(sample.name, set()).add(frozenset(sample.labels))
    named = set()
    for query in queries():
        for name, labels in selected(query) - {("up", frozenset())}:
            assert any(labels <= found for found in known.get(name, ())), (query, name)
            named.add(re.sub(r"_(bucket|count|sum)$", "", name))
    own = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert {name for name in own if name.startswith("videoflix_")} == {
        name for name in named if name.startswith("videoflix_")
    }, "each figure is shown somewhere"


def check_figures(run: Run, server: str, worker: str) -> None:
    for (method, path), answers in run.by_path().items():
        for status, number in Counter(answer.status_code for answer in answers).items():
            asked = count(
                server,
                "videoflix_requests_total",
                method=method,
                route=path,
                status=str(status),
            )
            assert asked >= number, (method, path, status)
    assert count(server, "videoflix_answering") == PROCESSES
    assert {sample.labels["process"] for sample in samples(server)} == {"1", "2"}
    segments = run.answers_of(SEGMENT, 200)
    sources = shown(server)
    assert (sources["cut"], sources["cache"]) == (1, 1)
    assert sources["cut"] + sources["cache"] + sources["joined"] == len(segments)
    sent = sum(len(segment.content) for segment in segments)
    assert count(server, "videoflix_sent_bytes_total", by="server") == sent
    assert count(server, "videoflix_uploads_total", outcome="accepted") == 1
    assert count(server, "videoflix_uploads_total", outcome="refused") == 1
    assert count(server, "videoflix_ready") == PROCESSES * len(PARTS)
    assert count(worker, "videoflix_ready") == len(PARTS)
    assert count(worker, "videoflix_films", status="ready") == 1
    assert count(worker, "videoflix_job_seconds_count", kind="film", outcome="done") == 1
    assert count(worker, "videoflix_encoded_pictures_total") > 0
    mails = sum(
        count(text, "videoflix_mail_seconds_count", outcome="sent") for text in (server, worker)
    )
    assert mails == 2
    assert count(server, "videoflix_loop_lag_seconds_count") > 0


def check_logs(run: Run) -> None:
    lines = [
        json.loads(line)
        for file in run.outputs
        for line in file.read_text(encoding="utf-8").splitlines()
        if not re.match(LISTENS, line)
    ]
    asked = {line["request_id"]: line for line in lines if line["event"] == "request"}
    for answer in run.answers:
        line = asked[answer.headers["X-Request-ID"]]
        assert (line["status"], line["method"]) == (answer.status_code, answer.request.method)
    assert {line["level"] for line in asked.values()} == {"info"}
    worked = [line for line in lines if line.get("video") == 1 and "request_id" not in line]
    assert {"encoding begins", "video ready"} <= {line["event"] for line in worked}
    [job] = {line["job"] for line in worked}
    assert job == next(line["generation"] for line in worked if "generation" in line)
    received = [line for line in lines if line["event"] == "film received"]
    assert [asked[line["request_id"]]["route"] for line in received] == ["/api/admin/videos"]


def test_a_full_run_is_seen_and_no_secret_is(
    settings: Settings,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    clip_cache: ClipCache,
) -> None:
    ports = free_port(), free_port()
    with everything(settings, tmp_path / "var", ports) as run:
        run.join()
        run.upload_and_play(small_film(clip_cache))
        run.forget_the_password()
        run.leave_and_fail()
        server, worker = map(metrics, ports)
    check_figures(run, server, worker)
    check_queries(server + worker)
    check_logs(run)
    logs = [*run.outputs, *tmp_path_factory.getbasetemp().glob("services*/logs/*")]
    said = "\n".join([server, worker, *(file.read_text(errors="replace") for file in logs)])
    assert len(run.secrets) > 12
    assert [secret for secret in run.secrets if secret in said] == []


def test_alerts_say_what_happened() -> None:
    groups = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    described = (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8")
    for rule in rules:
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert f"| `{rule['alert']}` |" in described
    names = [rule["alert"] for rule in rules]
    assert len(names) == len(set(names))


def test_every_figure_is_described() -> None:
    described = set(
        re.findall(
            r"(?m)^\| `(videoflix_\w+)`",
            (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8"),
        )
    )
    families = text_string_to_metric_families(PrometheusMeasures().text().decode())
    own = {
        f"{found.name}_total" if found.type == "counter" else found.name
        for found in families
        if found.name.startswith("videoflix_")
    }
    assert described == own | {"videoflix_answering"}


@pytest.mark.parametrize("query", ["sum(rate(videoflix_x[5m])", "rate(videoflix_x)"])
def test_what_is_no_query_is_noticed(query: str) -> None:
    with pytest.raises(ValueError, match=r"parenthesis|matrix"):
        selected(query)
