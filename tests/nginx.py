"""nginx in front of a server, with the configuration of ``deploy/nginx``."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.commands import REPOSITORY, until
from tests.ports import free_port
from tests.processes import started, stop
from tests.programs import program

PREFIX = "/cached-segments/"
FOLDER = REPOSITORY / "deploy" / "nginx"


@dataclass(frozen=True)
class Front:
    """``url`` is nginx with TLS, ``plain`` the same without (for benchmarks, with the cache's
    files below ``/plain/``), ``port_80`` what only leads to the former."""

    url: str
    plain: str
    port_80: str
    certificate: Path
    error_log: Path

    def trust(self) -> ssl.SSLContext:
        """For clients: its certificate and no other."""
        return ssl.create_default_context(cafile=self.certificate)


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for this machine, signed by itself, as nginx looks for them; gives
    the certificate."""
    folder.mkdir()
    certificate = folder / "fullchain.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", str(folder / "privkey.pem"), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate


def replace_once(file: Path, said: str, meant: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(said) == 1, (file.name, said)
    file.write_text(text.replace(said, meant), encoding="utf-8")


def _of_the_folder(folder: Path) -> str:
    """Directives that keep everything nginx writes in ``folder``."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _configure(folder: Path, front: Front, backend: str, cache: Path) -> Path:
    """Copies the configuration and changes what is another here: ports, paths, the account."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    file = folder / "nginx.conf"
    # Workers of root would change to an account that cannot read the cache.
    replace_once(file, "user videoflix;", "user root;" if os.getuid() == 0 else "")
    replace_once(file, "worker_processes auto;", "worker_processes 1;")
    replace_once(file, "error_log /var/log/nginx/error.log", f"error_log {front.error_log}")
    access_log = "access_log /var/log/nginx/access.log videoflix buffer=64k flush=5s;"
    replace_once(file, access_log, f"access_log {folder}/access.log videoflix;")
    replace_once(file, "http {", f"http {{\n{_of_the_folder(folder)}")
    replace_once(file, "listen 80;", f"listen {front.port_80.removeprefix('http://')};")
    tls, plain = front.url.removeprefix("https://"), front.plain.removeprefix("http://")
    replace_once(file, "listen 443 ssl http2;", f"listen {tls} ssl http2;\nlisten {plain};")
    for name in ("fullchain", "privkey"):
        replace_once(file, f"/etc/nginx/tls/{name}.pem", f"{folder}/tls/{name}.pem")
    replace_once(folder / "videoflix/upstream.conf", "server 127.0.0.1:8000;", f"server {backend};")
    locations = folder / "videoflix" / "locations.conf"
    replace_once(locations, "alias /var/lib/videoflix/cache/;", f"alias {cache}/;")
    # For benchmarks: the same files without any check.
    replace_once(
        locations, "location / {", f"location /plain/ {{ alias {cache}/; }}\nlocation / {{"
    )
    return file


@contextmanager
def nginx(folder: Path, backend: str, cache: Path) -> Iterator[Front]:
    """Run nginx in the new folder ``folder`` before ``backend`` (host:port), over a cache's
    folder."""
    folder = folder.absolute()
    folder.mkdir()
    ports = [free_port() for _ in range(3)]
    front = Front(
        url=f"https://127.0.0.1:{ports[0]}",
        plain=f"http://127.0.0.1:{ports[1]}",
        port_80=f"http://127.0.0.1:{ports[2]}",
        certificate=make_certificate(folder / "tls"),
        error_log=folder / "error.log",
    )
    file = _configure(folder, front, backend, cache)
    command = [program("nginx"), "-p", str(folder), "-c", str(file), "-e", str(front.error_log)]
    # One process: a worker of its own would outlive a master that is killed.
    command += ["-g", f"daemon off; master_process off; pid {folder}/nginx.pid;"]
    with started(*command) as process:

        def answers() -> bool:
            assert process.poll() is None, f"nginx has ended: {front.error_log.read_text()}"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", ports[0])) == 0

        until(answers)
        yield front
        stop(process)
