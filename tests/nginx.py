"""nginx in front of a server, with the configuration that the documentation gives."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands import REPOSITORY, until
from tests.programs import program
from videoflix.embedded.record import free_port

PREFIX = "/cached-segments/"
_CONFIGURATION = REPOSITORY / "docs" / "nginx.conf"


def _of_the_folder(folder: Path) -> str:
    """Directives that keep everything nginx writes in ``folder``."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = [f"{kind}_temp_path {folder}/{kind};" for kind in kinds]
    return "\n".join(["access_log off;", *lines])


def _configuration(folder: Path, port: int, backend: str, cache: Path) -> str:
    text = _CONFIGURATION.read_text(encoding="utf-8")
    for said, meant in (
        ("worker_processes auto;", "worker_processes 1;"),
        ("server 127.0.0.1:8000;", f"server {backend};"),
        ("listen 127.0.0.1:8080;", f"listen 127.0.0.1:{port};"),
        ("alias /srv/videoflix/var/cache/;", f"alias {cache}/;"),
        ("http {", f"http {{\n{_of_the_folder(folder)}"),
        # For benchmarks: the same files without any check.
        ("location / {", f"location /plain/ {{ alias {cache}/; }}\nlocation / {{"),
    ):
        assert text.count(said) == 1, said
        text = text.replace(said, meant)
    # Its workers would change to an account that cannot read the cache.
    return "user root;\n" + text if os.getuid() == 0 else text


@contextmanager
def nginx(folder: Path, backend: str, cache: Path) -> Iterator[str]:
    """Run nginx in the new folder ``folder`` before ``backend`` (host:port), over a cache's folder;
    gives its URL. Files of the cache are also below ``/plain/``."""
    folder = folder.absolute()
    folder.mkdir()
    port = free_port()
    file = folder / "nginx.conf"
    file.write_text(_configuration(folder, port, backend, cache), encoding="utf-8")
    started = [program("nginx"), "-p", str(folder), "-c", str(file)]
    started += ["-e", str(folder / "error.log")]
    started += ["-g", f"daemon off; pid {folder}/nginx.pid;"]
    process = subprocess.Popen(started)

    def answers() -> bool:
        assert process.poll() is None, "nginx has ended; it says why above"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
