"""``up``, ``serve``, ``worker``, and the hidden command that an HTTP child runs."""

import gc
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import click

from handlers.server import serve as serve_http
from videoflix.allocator import keep_freed_memory
from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import Stopper, run_command
from videoflix.container import Container
from videoflix.descriptors import allow_all_descriptors
from videoflix.http_children import tell_ready
from videoflix.metrics.measures import PrometheusMeasures
from videoflix.metrics.sampling import Figures
from videoflix.metrics.serving import Text, metrics_served, told_to_parent
from videoflix.ports.measures import UNMEASURED
from videoflix.settings import Settings
from videoflix.stack import DRAIN_SECONDS, running_stack
from videoflix.tasks import running_beside
from videoflix.worker.loop import run_worker

# Behind a load balancer, requests that run may take their time: with the rest of a child's stop
# (2.5 s) and that of the embedded services (3 s) 18.5 s of the 20 s that a stop may take.
SERVE_DRAIN_SECONDS = 13.0
MOST_PROCESSES = 64
# A thread that cuts gives way to the one that answers requests after this long, at the latest
# (with Python's own 5 ms a request that changes threads a few times is late by as many of them).
SWITCH_SECONDS = 0.001
# Objects made before the collector of cycles looks again: what requests leave has few cycles.
GARBAGE_ALLOCATIONS = 20_000


class ProcessCount(click.ParamType[int]):
    """A number of processes; ``auto`` is 0: one for each core."""

    name = "N|auto"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = "0" if value == "auto" else str(value)
        if not text.isdecimal() or int(text) > MOST_PROCESSES:
            self.fail(f"{value!r} is no number up to {MOST_PROCESSES}, nor 'auto'.", param, ctx)
        return int(text)


processes_option = click.option(
    "--processes",
    type=ProcessCount(),
    help="HTTP processes that share the port, 'auto' (or 0) one for each core. "
    "Default: server.processes.",
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
    _run(state, processes, workers=1, drain=DRAIN_SECONDS)


@click.command()
@processes_option
@pass_state
def serve(state: State, processes: int | None) -> None:
    """Run the HTTP server alone.

    The parent owns the port; its children share it and are started again when they crash. SIGTERM
    and Ctrl-C let requests that run end; SIGHUP replaces the children one by one, and no
    connection is refused meanwhile.
    """
    _run(state, processes, workers=0, drain=SERVE_DRAIN_SECONDS)


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="The parent keeps the services.")
@pass_state
def worker(state: State, *, supervised: bool) -> None:
    """Run one worker, which encodes what was uploaded. Run as many as there are machines."""
    settings = state.load()
    run_command(lambda stopper: _work(settings, stopper, is_supervised=supervised))


@click.command("http-child", hidden=True)
@click.option("--fd", "descriptors", type=int, multiple=True, required=True)
@click.option("--ready-fd", "ready", type=int, required=True)
@click.option("--drain", type=float, required=True)
@click.option("--figures", type=click.Path(path_type=Path))
@pass_state
def http_child(
    state: State, descriptors: tuple[int, ...], ready: int, drain: float, figures: Path | None
) -> None:
    """Answer HTTP on inherited sockets (run by up and serve)."""
    keep_freed_memory()
    allow_all_descriptors()
    sys.setswitchinterval(SWITCH_SECONDS)
    # What was imported stays: looking through it again and again stops every request.
    gc.freeze()
    gc.set_threshold(GARBAGE_ALLOCATIONS)
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    for listener in sockets:
        listener.setblocking(False)
    settings = state.load()
    told = partial(told_to_parent, figures) if figures else None

    async def serve_until(stopper: Stopper) -> None:
        async with _measured(settings, told, is_supervised=True) as container:
            await serve_http(
                container,
                sockets,
                stopper.gently(),
                grace=drain,
                on_ready=lambda: tell_ready(ready),
            )

    run_command(serve_until)


def _run(state: State, processes: int | None, *, workers: int, drain: float) -> None:
    settings = state.load()
    count = settings.server.processes if processes is None else processes

    async def keep_up(stopper: Stopper) -> None:
        asked = stopper.restarts()
        async with running_stack(
            settings, state.config, processes=count, workers=workers, drain=drain
        ) as stack:
            click.echo(f"Videoflix listens on {stack.url} (Ctrl-C stops it).")
            await stack.restart_when(asked)

    run_command(keep_up)


def _figures(container: Container, measures: PrometheusMeasures) -> Figures:
    return Figures(
        measures,
        readiness=container.readiness,
        backlog=container.backlog,
        media=container.media,
        free_floor=container.settings.storage.free_floor,
        offload=container.storage.offload,
    )


@asynccontextmanager
async def _measured(
    settings: Settings,
    told: Callable[[Text], AbstractAsyncContextManager[None]] | None,
    *,
    is_supervised: bool,
) -> AsyncIterator[Container]:
    """A container whose figures are ``told``; None: nothing is counted."""
    measures = PrometheusMeasures() if told else None
    async with AsyncExitStack() as stack:
        container = await stack.enter_async_context(
            command_container(
                settings, is_supervised=is_supervised, measures=measures or UNMEASURED
            )
        )
        if measures and told:
            figures = _figures(container, measures)
            await stack.enter_async_context(figures.watching_the_loop())
            await stack.enter_async_context(told(figures.text))
        report = container.start_report.write()
        await stack.enter_async_context(running_beside(report, "start report"))
        yield container


async def _work(settings: Settings, stopper: Stopper, *, is_supervised: bool) -> None:
    where = settings.metrics
    told = partial(metrics_served, where.host, where.worker_port) if where.worker_port else None
    async with _measured(settings, told, is_supervised=is_supervised) as container:
        await run_worker(container, stopper.gently())
