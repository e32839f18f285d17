"""Logs: fields, two formats, ids of the request, and never a password or a token."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from videoflix.logs import configure_logging
from videoflix.settings_loader import load_settings

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
FORMATS = ("console", "json")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def configured(chosen: str, **more: str) -> tuple[StringIO, Any]:
    stream = StringIO()
    environment = {"VIDEOFLIX_LOG__FORMAT": chosen, **more}
    configure_logging(load_settings(environment=environment), stream)
    return stream, structlog.get_logger("videoflix.test")


def test_json_has_one_object_a_line() -> None:
    stream, log = configured("json")
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.info("video %s", "ready", video=7)
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "video ready",
        "video": 7,
        "request_id": "r1",
        "level": "info",
        "logger": "videoflix.test",
    }


def test_other_libraries_write_the_same_way() -> None:
    stream, _ = configured("json")
    logging.getLogger("tornado.general").warning("odd %s", "thing", extra={"video": 7})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["video"], line["logger"]) == ("odd thing", 7, "tornado.general")


def test_the_level_is_kept() -> None:
    stream, log = configured("console", VIDEOFLIX_LOG__LEVEL="warning")
    log.info("quiet")
    log.warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_production_logs_in_json_unless_told_otherwise() -> None:
    production = {
        "VIDEOFLIX_SERVER__MODE": "production",
        "VIDEOFLIX_SERVER__BASE_URL": "https://films.example",
        "VIDEOFLIX_SERVER__FRONTEND_URL": "https://films.example",
        "VIDEOFLIX_SERVER__CORS_ORIGINS": "",
        "VIDEOFLIX_AUTH__SECRET_KEY": "correct-horse-battery-staple-0123456789",
    }
    stream, log = configured("auto", **production)
    log.info("hello")
    assert json.loads(stream.getvalue())["event"] == "hello"
    stream, log = configured("console", **production)
    log.info("hello")
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize("chosen", FORMATS)
@pytest.mark.parametrize(
    "fields",
    [
        {"password": "s3cr3t"},
        {"new_password": "s3cr3t"},
        {"refresh_token": "s3cr3t"},
        {"headers": {"Cookie": "access_token=s3cr3t"}},
        {"headers": [{"Authorization": "s3cr3t"}]},
        {"uri": "mongodb://videoflix:s3cr3t@127.0.0.1/"},
        {"url": "redis://:s3cr3t@127.0.0.1/"},
        {"reason": ValueError("redis://:s3cr3t@127.0.0.1/")},
        {"path": "/api/activate/MQ/s3cr3t/"},
        {"path": "/api/password_confirm/MQ/s3cr3t"},
        {"link": "http://a.example/pages/auth/activate.html?uid=MQ&token=s3cr3t"},
    ],
)
def test_secrets_are_hidden(chosen: str, fields: dict[str, Any]) -> None:
    stream, log = configured(chosen)
    log.info("something", **fields)
    assert "s3cr3t" not in stream.getvalue()
    assert "[hidden]" in stream.getvalue()


@pytest.mark.parametrize("chosen", FORMATS)
def test_secrets_in_messages_and_tracebacks_are_hidden(chosen: str) -> None:
    stream, log = configured(chosen)
    password = "s3cr3t"
    try:
        raise ValueError(f"cannot reach mongodb://u:{password}@h with {TOKEN}")
    except ValueError:
        log.exception("failed with %s", TOKEN)
        logging.getLogger("other").exception("failed with redis://:%s@h", password)
    assert "ValueError" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()
    assert TOKEN not in stream.getvalue()


@pytest.mark.parametrize("chosen", FORMATS)
def test_what_is_no_secret_stays(chosen: str) -> None:
    stream, log = configured(chosen)
    log.info("kept", route="/api/video/1/480p/segment_000.ts", is_password_reset=True, host="a:1")
    for text in ("/api/video/1/480p/segment_000.ts", "a:1"):
        assert text in stream.getvalue()
