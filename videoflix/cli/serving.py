"""``up``, ``serve``, ``worker``, and the hidden command that an HTTP child runs."""

import socket
import sys
from pathlib import Path

import click

from handlers.server import serve as serve_http
from videoflix.allocator import keep_freed_memory
from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import Stopper, run_command
from videoflix.settings import Settings
from videoflix.stack import running_stack
from videoflix.worker.loop import run_worker

DRAIN_SECONDS = 3.0  # for requests that run; the rest of a stop takes up to 2 s more
# A thread that cuts gives way to the one that answers requests after this long, at the latest
# (Python's own 5 ms make a request that changes threads a few times late: p99 48 ms, not 25).
SWITCH_SECONDS = 0.001

processes_option = click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="HTTP processes that share the port. Default: server.processes.",
)


@click.command()
@processes_option
@pass_state
def up(state: State, processes: int | None) -> None:
    """Run all of it: services, HTTP server and one worker.

    Where mongo.uri or redis.url is the word 'embedded', the database or the queue runs here
    too, with its data in the storage root. What crashes is started again. Ctrl-C stops
    everything; nothing is lost.
    """
    _run(state, processes, workers=1)


@click.command()
@processes_option
@pass_state
def serve(state: State, processes: int | None) -> None:
    """Run the HTTP server alone.

    The parent owns the port; its children share it and are started again when they crash.
    """
    _run(state, processes, workers=0)


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="The parent keeps the services.")
@pass_state
def worker(state: State, *, supervised: bool) -> None:
    """Run one worker, which encodes what was uploaded. Run as many as there are machines."""
    settings = state.load()
    run_command(lambda stopper: _work(settings, stopper, is_supervised=supervised))


@click.command("http-child", hidden=True)
@click.option("--fd", "descriptors", type=int, multiple=True, required=True)
@pass_state
def http_child(state: State, descriptors: tuple[int, ...]) -> None:
    """Answer HTTP on inherited sockets (run by up and serve)."""
    keep_freed_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    for listener in sockets:
        listener.setblocking(False)
    settings = state.load()
    run_command(lambda stopper: _serve(settings, sockets, stopper))


def _run(state: State, processes: int | None, *, workers: int) -> None:
    settings = state.load()
    count = processes or settings.server.processes
    run_command(lambda _: _keep_up(settings, state.config, count, workers))


async def _keep_up(settings: Settings, config: Path | None, processes: int, workers: int) -> None:
    async with running_stack(settings, config, processes=processes, workers=workers) as stack:
        click.echo(f"Videoflix listens on {stack.url} (Ctrl-C stops it).")
        await stack.ended()


async def _work(settings: Settings, stopper: Stopper, *, is_supervised: bool) -> None:
    async with command_container(settings, is_supervised=is_supervised) as container:
        await run_worker(container, stopper.gently())


async def _serve(settings: Settings, sockets: list[socket.socket], stopper: Stopper) -> None:
    async with command_container(settings, is_supervised=True) as container:
        await serve_http(container, sockets, stopper.gently(), grace=DRAIN_SECONDS)
