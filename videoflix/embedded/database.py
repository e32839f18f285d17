"""The embedded database: SecantusDB's server in a process of its own, with authentication.

Its user can be made only while it runs without ``--auth``: that first run listens on another,
random port of loopback for about a second and ends before anything else is started.
"""

import asyncio
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from videoflix.embedded.record import GRACE_SECONDS, LOOPBACK, USER, Endpoint, free_port, mongo_uri
from videoflix.errors import ConfigurationError, DatabaseUnavailable
from videoflix.mongo_url import REFUSALS, check_mongo_url
from videoflix.private_files import private_folder, write_private
from videoflix.processes import KeptProcess, Program

CACHE_SIZE = "256M"
START_SECONDS = 30.0
POLL_SECONDS = 0.05
_USER_EXISTS = 51003


def program(root: Path, port: int, *, has_auth: bool) -> Program:
    """How the database of a storage root is run. Its password is no part of it.

    Raises ConfigurationError when the server is not installed.
    """
    if find_spec("secantus") is None:
        raise ConfigurationError(
            "mongo.uri is 'embedded', but the package secantusdb is not installed "
            "(pip install -r requirements-embedded.txt, or give a mongodb:// URL)"
        )
    folder = private_folder(root / "db")
    configuration = private_folder(root / "run") / "secantusd.toml"
    # An explicit file, though empty: without one the server looks for one in the working
    # directory, in the home folder and in /etc.
    write_private(configuration, "")
    options = ["--port", str(port), "--host", LOOPBACK, "--storage-path", str(folder)]
    options += ["--sync-on-commit", "--cache-size", CACHE_SIZE, "--log-level", "WARNING"]
    if has_auth:
        options.append("--auth")
    return Program(
        name="database",
        # -P: a file named secantus.py in the working directory is not what we mean.
        argv=(sys.executable, "-P", "-m", "secantus", "--config", str(configuration), *options),
        log=private_folder(root / "logs") / "db.log",
        grace=GRACE_SECONDS,
        umask=0o077,
        while_stopping=partial(_wake, port),
    )


def _wake(port: int) -> None:
    """Connect once: a server that stops waits 2 s for its own wait for connections."""
    with suppress(OSError):
        socket.create_connection((LOOPBACK, port), timeout=0.1).close()


async def wait_for_mongo(
    uri: str, seconds: float = START_SECONDS, *, database: str = "admin"
) -> None:
    """Return once a client gets through, with an account that may look into ``database``.

    Raises DatabaseUnavailable after ``seconds``, and ConfigurationError for a URL that the driver
    does not take.
    """
    check_mongo_url(uri)
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await asyncio.to_thread(_look, uri, database)
        except PyMongoError as error:
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(_why_not(error, seconds)) from error
        await asyncio.sleep(POLL_SECONDS)


def _why_not(error: PyMongoError, seconds: float) -> str:
    if isinstance(error, OperationFailure) and error.code in REFUSALS:
        return REFUSALS[error.code]
    return f"the database did not answer within {seconds:g} s"


def _look(uri: str, database: str) -> None:
    with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=400) as client:
        client[database].list_collection_names()  # needs the password, which a ping does not


def _make_user(uri: str, password: str) -> None:
    with MongoClient[dict[str, object]](uri) as client:
        roles = [{"role": "root", "db": "admin"}]
        try:
            client.admin.command("createUser", USER, pwd=password, roles=roles)
        except OperationFailure as error:
            if error.code != _USER_EXISTS:
                raise
            client.admin.command("updateUser", USER, pwd=password)


async def create_user(root: Path, endpoint: Endpoint) -> None:
    """Make the user of ``endpoint`` in the data under ``root``; sets its password when it
    exists. Raises DatabaseUnavailable."""
    port = free_port()
    process = KeptProcess(program(root, port, has_auth=False))
    await process.start()
    try:
        uri = f"mongodb://{LOOPBACK}:{port}/?directConnection=true"
        await wait_for_mongo(uri)
        await asyncio.to_thread(_make_user, uri, endpoint.password)
    except PyMongoError as error:
        raise DatabaseUnavailable("the embedded database's user could not be made") from error
    finally:
        await process.stop()


async def start_database(root: Path, endpoint: Endpoint) -> KeptProcess:
    """Start the database with authentication and wait until it answers."""
    process = KeptProcess(program(root, endpoint.port, has_auth=True))
    await process.start()
    try:
        await wait_for_mongo(mongo_uri(endpoint))
    except BaseException:
        await process.stop()
        raise
    return process
