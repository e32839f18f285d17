"""``reconcile``."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.progress import Meter
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.container import Container
from videoflix.errors import Conflict
from videoflix.reconcile import Finding
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
    anew where the source is there, and marks films that are lost as failed.

    Exit status 0: nothing was found, or all of it was mended; 1: something is left.
    """
    settings = state.load()
    found: list[Outcome] = []
    options = _Options(is_repair, is_verify, is_json)
    if run_command(lambda _: _reconcile(settings, options, found)):
        raise SystemExit(EXIT_INTERRUPTED)
    click.echo(as_json(found) if is_json else _summary(found, is_repair=is_repair))
    if any(outcome.done is None for outcome in found):
        raise SystemExit(1)


async def _reconcile(settings: Settings, options: _Options, found: list[Outcome]) -> None:
    async with command_container(settings) as container:
        if options.is_verify and not options.is_json:
            with Meter("Reading") as meter:
                survey = container.survey.findings(verify=True, progress=meter.of)
                findings = [finding async for finding in survey]
        else:
            survey = container.survey.findings(verify=options.is_verify)
            findings = [finding async for finding in survey]
        for finding in findings:
            done = await _mended(container, finding) if options.is_repair else None
            found.append(Outcome(finding, done))
            if not options.is_json:
                click.echo(f"{finding.kind.value}: {finding.text}{f' - {done}' if done else ''}")


async def _mended(container: Container, finding: Finding) -> str | None:
    try:
        return await container.repair.mend(finding)
    except OSError as error:
        raise Conflict(f"{finding.path}: {error.strerror}") from error


def as_json(found: Sequence[Outcome]) -> str:
    counts = Counter(outcome.finding.kind.value for outcome in found)
    return json.dumps(
        {
            "findings": [{**asdict(each.finding), "repaired": each.done} for each in found],
            "counts": counts,
            "left": sum(each.done is None for each in found),
        }
    )


def _summary(found: list[Outcome], *, is_repair: bool) -> str:
    if not found:
        return "Disk and records agree."
    counts = Counter(outcome.finding.kind.value for outcome in found)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    left = sum(outcome.done is None for outcome in found)
    if not is_repair:
        return f"Found {said}. --repair mends what can be mended."
    return f"Found {said}; {len(found) - left} mended, {left} left."
