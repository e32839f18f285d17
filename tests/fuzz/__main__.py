"""``python -m tests.fuzz [COUNT [FIRST_SEED]]``: damaged films through real workers; exit status 1
when a defect shows. ``python -m tests.fuzz CLIP DAMAGE SEED FILE`` makes one of them again."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.clips.fixtures import ClipCache
from tests.conftest import fresh_settings
from tests.fuzz.media import Case, Findings, cases, fuzz, fuzz_settings, make_clips
from tests.services import services_for_tests

COUNT = 2000


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def summary(findings: Findings, seconds: float) -> str:
    failed = sum(findings.failed.values())
    total = findings.ready + failed + len(findings.crashed)
    lines = [
        f"{total} films in {seconds:.0f} s: {findings.ready} ready ({findings.played} of them "
        f"played to the end), {failed} failed, {len(findings.crashed)} crashed or over a limit",
        *(f"  {count:5} x {reason}" for reason, count in findings.failed.most_common()),
        *(f"CRASH: {case}: {reason}" for case, reason in findings.crashed),
        *(f"DEFECT: {defect}" for defect in findings.defects),
        "defects" if findings.defects else "no defect",
    ]
    return "\n".join(lines)


def run(count: int, first_seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="videoflix-fuzz-") as name:
        folder = Path(name)
        clips = make_clips(ClipCache(folder / "clips"))
        began = time.monotonic()
        with (
            services_for_tests(folder / "services") as services,
            fresh_settings(folder, services) as settings,
        ):
            these = cases(count, first_seed)
            findings = asyncio.run(fuzz(fuzz_settings(settings), folder, clips, these, say))
    say(summary(findings, time.monotonic() - began))
    return 1 if findings.defects else 0


def make_again(clip: str, damage: str, seed: str, path: str) -> int:
    with tempfile.TemporaryDirectory(prefix="videoflix-fuzz-") as folder:
        clips = make_clips(ClipCache(Path(folder)), [clip])
        Path(path).write_bytes(Case(clip, damage, int(seed)).data(clips))
    return 0


def quiet() -> None:
    """Only what is wrong: two thousand films are received and encoded."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))


def main(arguments: list[str]) -> int:
    if len(arguments) == 4:
        return make_again(*arguments)
    quiet()
    count, first_seed = (*map(int, arguments), *(COUNT, 0)[len(arguments) :])
    return run(count, first_seed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
