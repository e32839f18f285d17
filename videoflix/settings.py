"""Every setting, with its default and its bounds; ``settings_loader`` reads them.

Unknown keys, bad values and, in production mode, weak secrets are refused. Sizes are bytes, times
seconds, unless a name says otherwise.
"""

import ipaddress
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.ladder import BOXES, parse_rung

EMBEDDED = "embedded"
OUTBOX = "outbox"
SECRET_MIN = 32
TRIES_MAX = 1_000_000
SHORTEST_CHUNK = 4

MiB = 1024 * 1024
GiB = 1024 * MiB
DAY = 24 * 3600  # seconds


class Mode(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _split_commas(value: object) -> object:
    """Let the environment give a list as ``a,b,c``."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_split_commas)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split_commas)]


class Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL with a host")
    return value.rstrip("/")


def _is_of_development(url: str) -> bool:
    """Whether the URL leads to whatever machine opens it."""
    name = urlsplit(url).hostname or ""
    return name in ("localhost", "::1") or name.endswith(".localhost") or name.startswith("127.")


def _check_hosts(url: str) -> None:
    """Refuse a service's URL whose hosts or ports cannot be right. Quotes nothing of it: what
    stands in the place of a port may be the rest of a password."""
    try:
        # Not urlsplit: newer Pythons take brackets at the beginning only, and a database may have
        # several hosts.
        authority = re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]
        for host in authority.rpartition("@")[2].split(","):
            parts = urlsplit(f"//{host}")
            if not parts.hostname or parts.port == 0:
                raise ValueError
    except ValueError:
        raise ValueError(
            "must name a host, with a port that is a number if any "
            "(in a password / ? # @ : % are written as %2F and so on)"
        ) from None


class ServerSettings(Section):
    mode: Mode = Mode.DEVELOPMENT
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    base_url: str = ""
    allowed_hosts: Names = ()
    frontend_url: str = "http://127.0.0.1:5500"
    cors_origins: Names = ("http://127.0.0.1:5500", "http://localhost:5500")
    trusted_proxies: Names = ()
    accel_prefix: str = Field("", pattern=r"^(/[A-Za-z0-9_-]+/)?$")
    processes: int = Field(1, ge=0, le=64)
    keep_alive: float = Field(75, ge=1, le=3600)
    write_timeout: float = Field(60, ge=1, le=3600)

    @field_validator("base_url")
    @classmethod
    def _optional_url(cls, value: str) -> str:
        return _origin(value) if value else value

    @field_validator("frontend_url")
    @classmethod
    def _url(cls, value: str) -> str:
        return _origin(value)

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            parts = urlsplit(_origin(value))
            if parts.path or parts.query or parts.fragment or parts.username:
                raise ValueError("each origin is scheme://host[:port] and nothing more")
        return tuple(value.rstrip("/") for value in values)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            ipaddress.ip_network(value, strict=False)
        return values

    @property
    def is_production(self) -> bool:
        return self.mode is Mode.PRODUCTION

    @property
    def public_url(self) -> str:
        """The configured base URL; follows host and port when it is not set."""
        if self.base_url:
            return self.base_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def hosts(self) -> frozenset[str]:
        """Host names (without port, lower case) this server answers to."""
        own = urlsplit(self.public_url).hostname or ""
        names = {own, *(name.lower() for name in self.allowed_hosts)}
        if not self.is_production:
            names |= {"localhost", "127.0.0.1", "::1"}
        return frozenset(names)


class StorageSettings(Section):
    root: Path = Path("var")
    free_floor: int = Field(1 * GiB, ge=0)

    @field_validator("root")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()


class MongoSettings(Section):
    uri: SecretStr = SecretStr(EMBEDDED)
    database: str = Field("videoflix", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    timeout: float = Field(2.0, gt=0, le=60)

    @field_validator("uri")
    @classmethod
    def _scheme(cls, value: SecretStr) -> SecretStr:
        uri = value.get_secret_value()
        if uri != EMBEDDED and not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must be the word 'embedded' or a mongodb:// URL")
        if uri != EMBEDDED:
            _check_hosts(uri)
        return value

    @property
    def is_embedded(self) -> bool:
        return self.uri.get_secret_value() == EMBEDDED


class RedisSettings(Section):
    url: SecretStr = SecretStr(EMBEDDED)
    timeout: float = Field(2.0, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _scheme(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url != EMBEDDED and not url.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must be the word 'embedded' or a redis:// URL")
        if url.startswith(("redis://", "rediss://")):
            _check_hosts(url)
        return value

    @property
    def is_embedded(self) -> bool:
        return self.url.get_secret_value() == EMBEDDED


class MailSettings(Section):
    url: SecretStr = SecretStr(OUTBOX)
    sender: str = "Videoflix <no-reply@videoflix.example>"
    timeout: float = Field(8.0, gt=0, le=60)

    @field_validator("url")
    @classmethod
    def _scheme(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url == OUTBOX:
            return value
        if not url.startswith(("smtp://", "smtps://")):
            raise ValueError("must be the word 'outbox' or an smtp:// or smtps:// URL")
        _check_hosts(url)
        return value


class AuthSettings(Section):
    secret_key: SecretStr = SecretStr("")
    previous_keys: Secrets = ()
    access_minutes: float = Field(30, gt=0, le=24 * 60)
    refresh_days: float = Field(7, gt=0, le=365)
    link_hours: float = Field(24, gt=0, le=24 * 30)
    bcrypt_cost: int = Field(12, ge=4, le=16)
    cookie_domain: str = ""
    reveal_activation_token: bool | None = None


class LimitSettings(Section):
    """Tries: of logins within ``login_minutes``, of all others within an hour."""

    enabled: bool = True
    login_failures: int = Field(10, ge=1, le=TRIES_MAX)
    login_tries: int = Field(300, ge=1, le=TRIES_MAX)
    login_minutes: float = Field(15, ge=0.05, le=24 * 60)
    registrations: int = Field(60, ge=1, le=TRIES_MAX)
    password_resets: int = Field(60, ge=1, le=TRIES_MAX)
    reset_mails: int = Field(5, ge=1, le=TRIES_MAX)
    links: int = Field(120, ge=1, le=TRIES_MAX)
    refreshes: int = Field(1200, ge=1, le=TRIES_MAX)


class MediaSettings(Section):
    preset: Literal[
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"
    ] = "veryfast"
    crf: int = Field(21, ge=10, le=40)
    audio_bitrate: int = Field(128_000, ge=32_000, le=512_000)
    rungs: Names = ("480p", "720p", "1080p")
    max_pixels: int = Field(8192 * 4320, ge=16 * 16, le=16384 * 16384)
    max_duration: int = Field(12 * 3600, ge=1, le=7 * DAY)
    max_streams: int = Field(64, ge=1, le=1000)
    max_rate: int = Field(300, ge=1, le=10_000)
    threads: int = Field(0, ge=0, le=128)
    keep_source: bool = True

    @field_validator("rungs")
    @classmethod
    def _ladder(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        found = {rung.name: rung for rung in map(parse_rung, values)}
        if not found or len(found) != len(values):
            raise ValueError("must name one or more of 480p, 720p, 1080p, each once")
        order = list(BOXES)
        rungs = [found[name] for name in order if name in found]
        sizes, bitrates = [rung.box for rung in rungs], [rung.bitrate for rung in rungs]
        if sizes != sorted(sizes) or bitrates != sorted(bitrates):
            raise ValueError("a higher rung needs a larger box and bit rate")
        return tuple(sorted(values, key=lambda value: order.index(parse_rung(value).name)))

    @property
    def encode(self) -> EncodeSettings:
        return EncodeSettings.from_json(self.model_dump(exclude={"keep_source"}))


class CacheSettings(Section):
    folder: str = ""
    max_bytes: int = Field(10 * GiB, ge=0)
    threads: int = Field(2, ge=1, le=32)
    prefetch: bool = True

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: str) -> str:
        return str(Path(value).expanduser().absolute()) if value else value


class UploadSettings(Section):
    max_bytes: int = Field(20 * GiB, ge=1)
    thumbnail_max_bytes: int = Field(10 * MiB, ge=1)
    expires_after: int = Field(DAY, ge=60, le=30 * DAY)


class WorkerSettings(Section):
    lease: float = Field(30, ge=1, le=3600)
    poll: float = Field(5, gt=0, le=60)
    max_attempts: int = Field(5, ge=1, le=100)
    job_timeout: float = Field(24 * 3600, ge=1, le=30 * DAY)
    max_memory: int = Field(4 * GiB, ge=256 * MiB, le=1024 * GiB)
    chunk_seconds: int = Field(300, ge=0, le=3600)

    @field_validator("chunk_seconds")
    @classmethod
    def _some_gops(cls, value: int) -> int:
        if 0 < value < SHORTEST_CHUNK:
            raise ValueError(f"must be 0 (no chunks) or at least {SHORTEST_CHUNK}")
        return value


class PagesSettings(Section):
    enabled: bool = True
    hls_cdn_url: str = ""
    hls_cdn_integrity: str = Field("", pattern=r"^(sha(256|384|512)-[A-Za-z0-9+/]+={0,2})?$")

    @field_validator("hls_cdn_url")
    @classmethod
    def _secure_url(cls, value: str) -> str:
        if value and not re.fullmatch(r"https://[A-Za-z0-9.:-]+/[!-~]*", value):
            raise ValueError("must be an https:// URL of a script")
        return value

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.hls_cdn_url) is not bool(self.hls_cdn_integrity):
            raise ValueError("hls_cdn_url and hls_cdn_integrity go together")
        return self


class MetricsSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    worker_port: int = Field(0, ge=0, le=65535)


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


def is_weak(key: SecretStr) -> bool:
    """Whether production mode refuses the key: too short, or of too few different characters."""
    secret = key.get_secret_value()
    return len(secret) < SECRET_MIN or len(set(secret)) < 10


class Settings(Section):
    """Every setting. Frozen: what differs is made with ``model_copy``."""

    server: ServerSettings = ServerSettings()
    storage: StorageSettings = StorageSettings()
    mongo: MongoSettings = MongoSettings()
    redis: RedisSettings = RedisSettings()
    mail: MailSettings = MailSettings()
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    media: MediaSettings = MediaSettings()
    cache: CacheSettings = CacheSettings()
    upload: UploadSettings = UploadSettings()
    worker: WorkerSettings = WorkerSettings()
    pages: PagesSettings = PagesSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _production(self) -> Self:
        if not self.server.is_production:
            return self
        if is_weak(self.auth.secret_key):
            raise ValueError(
                "auth.secret_key: production mode needs a random secret of at least "
                f"{SECRET_MIN} characters (try: python -c 'import secrets; "
                "print(secrets.token_urlsafe(48))')"
            )
        if any(map(is_weak, self.auth.previous_keys)):
            raise ValueError(
                f"auth.previous_keys: production mode accepts no key below {SECRET_MIN} characters"
            )
        if not self.server.base_url:
            raise ValueError("server.base_url: production mode needs the public URL of this server")
        if _is_of_development(self.server.frontend_url):
            raise ValueError(
                "server.frontend_url: production mode needs the frontend's public URL: "
                "links in mails lead there"
            )
        if any(map(_is_of_development, self.server.cors_origins)):
            raise ValueError(
                "server.cors_origins: production mode shares answers with no localhost; "
                "name the frontend's origin, or none"
            )
        if self.auth.reveal_activation_token:
            raise ValueError("auth.reveal_activation_token: must stay off in production mode")
        return self

    @property
    def cache_folder(self) -> Path:
        """Where cut segments are kept; in the storage root when it is not set."""
        return Path(self.cache.folder) if self.cache.folder else self.storage.root / "cache"

    @property
    def reveals_activation_token(self) -> bool:
        """Whether ``register/`` answers with the real token (development default)."""
        chosen = self.auth.reveal_activation_token
        return not self.server.is_production if chosen is None else chosen

    @property
    def has_secure_cookies(self) -> bool:
        return self.server.is_production
