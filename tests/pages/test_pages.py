"""Pages over HTTP: what they are, what they may load, who may frame them, how long they last."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from handlers.access import Access
from handlers.pages.assets import STATIC, VENDORED, load_assets
from handlers.pages.policy import content_security_policy
from handlers.pages.routes import PAGE_ROUTES
from tests.handlers.conftest import changed, site
from tests.pages.house import House
from videoflix.settings import PagesSettings, Settings

PATHS = (
    "/",
    "/admin",
    "/admin/",
    "/pages/auth/activate.html?uid=MQ&token=abc",
    "/pages/auth/confirm_password.html?uid=MQ&token=abc",
)
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")


class Parsed(HTMLParser):
    """What a page names, and what of it stands inline."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.inline: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        for name, value in attrs:
            if name in ("src", "href") or (name.startswith("data-") and "/" in (value or "")):
                self.names.append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag in ("style", "iframe", "object"):
            self.inline.append(tag)

    def handle_endtag(self, _tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script" and data.strip():
            self.inline.append(data)


@pytest.mark.parametrize("path", PATHS)
async def test_r24_pages_and_their_headers(house: House, path: str) -> None:
    """R24: a strict policy, no sniffing, no frame, no referrer elsewhere."""
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        answer = await client.get(path)
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        head = await client.head(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(
        rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-cache"
    assert "set-cookie" not in answer.headers
    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("path", PATHS)
async def test_r24_nothing_inline_and_everything_from_here(house: House, path: str) -> None:
    """R24."""
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        parsed = Parsed((await client.get(path)).text)
        assert parsed.inline == []
        assert len(parsed.names) > 4
        for name in parsed.names:
            assert name.startswith(("/", "#")), name
            if not name.startswith("#"):
                assert (await client.get(name)).status_code == 200, name


async def test_files_are_kept_for_good_under_their_version(house: House) -> None:
    assets = load_assets()
    async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
        plain = await client.get(assets.url("app.css"), headers={"Accept-Encoding": "identity"})
        assert plain.content == (STATIC / "app.css").read_bytes()
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert plain.headers["content-type"] == "text/css; charset=utf-8"
        assert "content-encoding" not in plain.headers
        request = client.build_request("GET", assets.url("app.css"))
        request.headers["Accept-Encoding"] = "gzip"
        packed = await client.send(request, stream=True)
        raw = b"".join([part async for part in packed.aiter_raw()])
        assert gzip.decompress(raw) == plain.content
        assert "Accept-Encoding" in ", ".join(packed.headers.get_list("vary"))
        assert packed.headers["etag"] != plain.headers["etag"]
        other = await client.get("/pages/static/0000000000000000/app.css")
        assert other.headers["cache-control"] == "no-cache"
        known = {"If-None-Match": other.headers["etag"]}
        again = await client.get("/pages/static/0000000000000000/app.css", headers=known)
        assert again.status_code == 304
        for name in ("../assets.py", "%2e%2e/assets.py", "js/../../assets.py", "js/none.js", "js/"):
            path = f"/pages/static/{assets.version}/{name}"
            assert (await client.get(path)).status_code == 404, name


def test_modules_import_files_that_exist() -> None:
    for module in STATIC.rglob("*.js"):
        for name in IMPORT.findall(module.read_text(encoding="utf-8")):
            assert name.startswith("."), f"{module.name} imports {name}"
            assert (module.parent / name).is_file(), f"{module.name} imports {name}"


def test_no_file_loads_anything_from_elsewhere_or_writes_html() -> None:
    """R24: no foreign address, nothing that a strict policy would refuse."""
    for path in (path for path in STATIC.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for word in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "eval(", "@import"):
            assert word not in text, f"{path.name}: {word}"


def test_the_version_follows_from_every_file(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    first = load_assets(tmp_path, tmp_path).version
    (tmp_path / "b.css").write_text("2")
    second = load_assets(tmp_path, tmp_path).version
    (tmp_path / "b.css").write_text("3")
    assert len({first, second, load_assets(tmp_path, tmp_path).version}) == 3


def test_without_npm_there_are_pages_without_its_packages(tmp_path: Path) -> None:
    assets = load_assets(modules=tmp_path)
    assert assets.names.isdisjoint(VENDORED)
    assert [assets.url(name) for name in VENDORED] == ["", "", ""]
    assert assets.url("app.css").endswith("/app.css")


def test_every_page_is_for_everybody() -> None:
    for route in PAGE_ROUTES:
        assert route.access == {"GET": Access.PUBLIC, "HEAD": Access.PUBLIC}


async def test_switched_off_there_are_no_pages(settings: Settings) -> None:
    async with (
        site(changed(settings, pages={"enabled": False})) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        for path in (*PATHS, load_assets().url("app.css")):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


async def test_hls_from_a_cdn_by_its_hash(settings: Settings) -> None:
    """R24: exactly that script is allowed, and nothing more of its origin."""
    pages = {
        "hls_cdn_url": "https://cdn.example/npm/hls.js@1.7.4/dist/hls.min.js",
        "hls_cdn_integrity": "sha384-" + "A" * 64,
    }
    async with (
        site(changed(settings, pages=pages)) as server,
        httpx.AsyncClient(base_url=server.url, trust_env=False) as client,
    ):
        answer = await client.get("/")
    assert f'data-hls-url="{pages["hls_cdn_url"]}"' in answer.text
    assert f'data-hls-integrity="{pages["hls_cdn_integrity"]}"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'self' {pages['hls_cdn_url']};" in policy
    assert "cdn.example" not in content_security_policy(PagesSettings())


def test_what_separates_rules_is_escaped_in_the_url_of_a_cdn() -> None:
    url = "https://cdn.example/a;script-src,*'/hls%2Fmin.js?v=1;2"
    pages = PagesSettings(hls_cdn_url=url, hls_cdn_integrity="sha384-AAAA")
    allowed = "https://cdn.example/a%3Bscript-src%2C*%27/hls%2Fmin.js"
    assert f"script-src 'self' {allowed}; style-src" in content_security_policy(pages)


@pytest.mark.parametrize(
    "values",
    [
        {"hls_cdn_url": "https://cdn.example/hls.js"},
        {"hls_cdn_integrity": "sha384-AAAA"},
        {"hls_cdn_url": "http://cdn.example/hls.js", "hls_cdn_integrity": "sha384-AAAA"},
        {"hls_cdn_url": "https://cdn.example/hls.js", "hls_cdn_integrity": "md5-AAAA"},
        {"hls_cdn_url": "https://a.example; *", "hls_cdn_integrity": "sha384-AAAA"},
    ],
)
def test_a_cdn_needs_https_and_a_hash(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        PagesSettings.model_validate(values)
