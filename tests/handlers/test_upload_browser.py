"""R26: what a script in Chromium sees of an upload that is refused while it is being sent."""

import asyncio
from pathlib import Path
from typing import Any

from tests.browser import Browser, browser
from tests.handlers.site import Server, stored_bytes

SIZE = 64 * 1024 * 1024

SEND = """
const [kind, method, url, headers, size, done] = arguments;
const bytes = new Uint8Array(size);
let body = bytes;
if (method === "POST") {
  body = new FormData();
  body.append("title", "A film");
  body.append("file", new Blob([bytes]), "film.mp4");
}
if (kind === "fetch") {
  fetch(url, {method, body, headers}).then(
    async (answer) => done([answer.status, await answer.json()]), (error) => done([0, `${error}`]));
} else {
  const request = new XMLHttpRequest();
  request.open(method, url);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.onload = () => done([request.status, JSON.parse(request.responseText)]);
  request.onerror = () => done([0, "error"]);
  request.send(body);
}
"""
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": "0",
    "Content-Type": "application/offset+octet-stream",
}


def sent(page: Browser, kind: str, method: str, url: str, headers: dict[str, str]) -> Any:
    page.driver.set_script_timeout(60)
    return page.driver.execute_async_script(SEND, kind, method, url, headers, SIZE)


async def test_r26_chromium_sees_the_refusal(server: Server, tmp_path: Path) -> None:
    """R26"""

    def look() -> list[Any]:
        with browser(tmp_path / "profile") as page:
            page.open(f"{server.url}/api/schema/")  # any page of the same origin
            found = []
            for kind in ("fetch", "xhr"):
                found.append(sent(page, kind, "POST", "/api/admin/videos/", {}))
                path = f"/api/admin/uploads/{'0' * 32}"
                found.append(sent(page, kind, "PATCH", path, TUS))
            return found

    for answer in await asyncio.to_thread(look):
        assert answer == [401, {"detail": "Authentication credentials were not provided."}]
    assert stored_bytes(server) == 0
