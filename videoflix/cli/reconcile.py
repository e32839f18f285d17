"""``reconcile``."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import click

from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.progress import Meter
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.container import Container
from videoflix.errors import Conflict
from videoflix.reconcile import NOT_THERE, Finding
from videoflix.settings import Settings


@dataclass(frozen=True, slots=True)
class _Options:
    is_repair: bool
    is_verify: bool
    is_json: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one finding: ``done`` says how it was mended, None where it was not."""

    finding: Finding
    done: str | None


@dataclass(slots=True)
class _Report:
    outcomes: list[Outcome] = field(default_factory=list)
    is_store_there: bool = True


@click.command()
@click.option("--repair", "is_repair", is_flag=True, help="Mend what can be mended.")
@click.option("--verify", "is_verify", is_flag=True, help="Read every byte of every encode.")
@click.option("--json", "is_json", is_flag=True, help="As one JSON object.")
@pass_state
def reconcile(state: State, *, is_repair: bool, is_verify: bool, is_json: bool) -> None:
    """Compare what is on the disk with the records, and say what does not fit.

    Orphans belong to no record, what is missing is in a record alone, damaged files are not what
    they were, temporary ones are left of somebody who was killed. Servers and workers may run.
    --repair moves orphans to quarantine/ in the storage root, has lost and damaged encodes made
    anew where the source is there, and marks films that are lost as failed. Where the disk has
    nothing of any film, as when it is not mounted, it mends nothing.

    Exit status 0: nothing was found, or all of it was mended; 1: something is left.
    """
    settings = state.load()
    report = _Report()
    options = _Options(is_repair, is_verify, is_json)
    if run_command(lambda _: _reconcile(settings, options, report)):
        raise SystemExit(EXIT_INTERRUPTED)
    found, is_there = report.outcomes, report.is_store_there
    if is_json:
        click.echo(as_json(found, is_store_there=is_there))
    else:
        click.echo(_summary(found, is_repair=is_repair, is_store_there=is_there))
    if any(outcome.done is None for outcome in found):
        raise SystemExit(1)


async def _reconcile(settings: Settings, options: _Options, report: _Report) -> None:
    async with command_container(settings) as container:
        with _disk_said():
            findings = await _found(container, options)
            if any(finding.is_loss for finding in findings):
                report.is_store_there = await container.presence.is_there()
        is_repair = options.is_repair and report.is_store_there
        for finding in findings:
            with _disk_said():
                done = await container.repair.mend(finding) if is_repair else None
            report.outcomes.append(Outcome(finding, done))
            if not options.is_json:
                click.echo(f"{finding.kind.value}: {finding.text}{f' - {done}' if done else ''}")


async def _found(container: Container, options: _Options) -> list[Finding]:
    if options.is_verify and not options.is_json:
        with Meter("Reading") as meter:
            survey = container.survey.findings(verify=True, progress=meter.of)
            return [finding async for finding in survey]
    survey = container.survey.findings(verify=options.is_verify)
    return [finding async for finding in survey]


@contextmanager
def _disk_said() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Conflict(f"{error.filename}: {error.strerror}") from error


def as_json(found: Sequence[Outcome], *, is_store_there: bool) -> str:
    counts = Counter(outcome.finding.kind.value for outcome in found)
    return json.dumps(
        {
            "findings": [{**asdict(each.finding), "repaired": each.done} for each in found],
            "counts": counts,
            "left": sum(each.done is None for each in found),
            "is_store_there": is_store_there,
        }
    )


def _summary(found: list[Outcome], *, is_repair: bool, is_store_there: bool) -> str:
    if not found:
        return "Disk and records agree."
    counts = Counter(outcome.finding.kind.value for outcome in found)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    left = sum(outcome.done is None for outcome in found)
    if not is_store_there:
        return f"Found {said}. --repair mends nothing: {NOT_THERE}"
    if not is_repair:
        return f"Found {said}. --repair mends what can be mended."
    return f"Found {said}; {len(found) - left} mended, {left} left."
