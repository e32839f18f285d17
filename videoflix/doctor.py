"""``doctor``: looks at everything the server needs and says in plain words what is wrong."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from av.codec import Codec
from av.codec.codec import UnknownCodecError

from videoflix.embedded import EmbeddedServices
from videoflix.embedded.database import wait_for_mongo
from videoflix.embedded.queue import wait_for_redis
from videoflix.errors import VideoflixError
from videoflix.private_files import private_folder
from videoflix.secret import SECRET_FILE
from videoflix.settings import OUTBOX, SECRET_MIN, GiB, Settings
from videoflix.stack import PortInUseError, listen

ENCODERS = ("libx264", "aac", "mjpeg")
DECODERS = (
    *("h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "mpeg2video", "prores", "mjpeg"),
    *("aac", "ac3", "eac3", "mp3", "opus", "vorbis", "flac", "pcm_s16le", "dca"),
)
_SMTP_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``text`` is for people."""

    name: str
    is_fine: bool
    text: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Look at one thing after the other. Nothing that is started stays."""
    for look in (_storage, _secret, _codecs, _port, _mail):
        yield await asyncio.to_thread(look, settings)
    yield await _database(settings)
    yield await _queue(settings)


def _storage(settings: Settings) -> Finding:
    root, floor = settings.storage.root, settings.storage.free_floor
    try:
        with tempfile.TemporaryFile(dir=private_folder(root)) as file:
            file.write(b"doctor")
            file.flush()
        free = shutil.disk_usage(root).free
    except OSError as error:
        return Finding("storage", False, f"{root} cannot be written: {error.strerror}")
    text = f"{root} can be written, {free / GiB:.1f} GiB free"
    if free < floor:
        text += f", but encoding and uploads wait below {floor / GiB:.1f} GiB (storage.free_floor)"
    return Finding("storage", free >= floor, text)


def _secret(settings: Settings) -> Finding:
    configured = settings.auth.secret_key.get_secret_value()
    if configured:
        is_fine = len(configured) >= SECRET_MIN
        text = "configured" if is_fine else f"shorter than {SECRET_MIN} characters"
        return Finding("secret", is_fine, f"auth.secret_key: {text}")
    path = settings.storage.root / SECRET_FILE
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Finding("secret", True, f"{path} is made at the first start")
    except OSError as error:
        return Finding("secret", False, f"{path}: {error.strerror}")
    if mode & 0o077:
        return Finding("secret", False, f"{path} can be read by others (chmod 600)")
    return Finding("secret", True, f"{path}, readable by its owner alone")


def _has_codec(name: str, mode: str) -> bool:
    try:
        Codec(name, "w" if mode == "w" else "r")
    except UnknownCodecError:
        return False
    return True


def _codecs(_settings: Settings) -> Finding:
    missing = [f"encoder {name}" for name in ENCODERS if not _has_codec(name, "w")]
    missing += [f"decoder {name}" for name in DECODERS if not _has_codec(name, "r")]
    if missing:
        return Finding("codecs", False, f"this PyAV lacks {', '.join(missing)}")
    text = f"{', '.join(ENCODERS)} to encode; {', '.join(DECODERS)} to decode"
    return Finding("codecs", True, text)


def _port(settings: Settings) -> Finding:
    server = settings.server
    try:
        for listener in listen(server):
            listener.close()
    except PortInUseError as error:
        if _is_videoflix(settings):
            text = f"Videoflix answers at {server.public_url} already"
            return Finding("port", True, text)
        return Finding("port", False, str(error))
    return Finding("port", True, f"{server.host}, port {server.port} is free")


def _is_videoflix(settings: Settings) -> bool:
    """Whether what listens there refuses a stranger the catalogue as our API does."""
    server = settings.server
    host = urlsplit(server.public_url).hostname or ""
    here = urlsplit(server.model_copy(update={"base_url": ""}).public_url).hostname or ""
    connection = HTTPConnection(here, server.port, timeout=2)
    try:
        connection.request("GET", "/api/video/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status == 401 and b'"detail"' in answer.read(1000)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _mail(settings: Settings) -> Finding:
    url = settings.mail.url.get_secret_value()
    if url == OUTBOX:
        return Finding("mail", True, f"kept as files in {settings.storage.root / 'outbox'}")
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or _SMTP_PORTS[parts.scheme])
    try:
        socket.create_connection(address, timeout=settings.mail.timeout).close()
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding("mail", False, f"{address[0]}, port {address[1]}: {reason}")
    return Finding("mail", True, f"{address[0]}, port {address[1]} accepts connections")


async def _database(settings: Settings) -> Finding:
    try:
        if not settings.mongo.is_embedded:
            uri = settings.mongo.uri.get_secret_value()
            mongo = settings.mongo
            await wait_for_mongo(uri, mongo.timeout, database=mongo.database)
            return Finding("database", True, f"{_without_user(uri)} answers")
        services = EmbeddedServices(_root(settings), wants_queue=False)
        return await _embedded("database", services)
    except (VideoflixError, OSError) as error:
        return Finding("database", False, _plainly(error))


async def _queue(settings: Settings) -> Finding:
    try:
        if not settings.redis.is_embedded:
            url = settings.redis.url.get_secret_value()
            await wait_for_redis(url, settings.redis.timeout)
            return Finding("queue", True, f"{_without_user(url)} answers")
        services = EmbeddedServices(_root(settings), wants_database=False)
        return await _embedded("queue", services)
    except (VideoflixError, OSError) as error:
        return Finding("queue", False, _plainly(error))


def _plainly(error: VideoflixError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


async def _embedded(name: str, services: EmbeddedServices) -> Finding:
    await services.open()
    try:
        where = "was started for this look" if services.is_owner else "runs"
        return Finding(name, True, f"embedded, {where} and answers")
    finally:
        await services.close()


def _root(settings: Settings) -> Path:
    return private_folder(settings.storage.root)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
