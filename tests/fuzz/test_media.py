"""Damaged films through real workers, a few; ``make fuzz-media`` does 2,000: R35, R36."""

from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.fuzz.media import Case, cases, fuzz, fuzz_settings, make_clips
from tests.fuzz.mutations import KINDS, mutated
from videoflix.settings import Settings

DAMAGED = 18


async def test_r36_damaged_films_are_ready_or_failed_with_a_reason(
    settings: Settings, tmp_path: Path, clip_cache: ClipCache
) -> None:
    clips = make_clips(clip_cache)
    findings = await fuzz(fuzz_settings(settings), tmp_path, clips, cases(DAMAGED, first_seed=7000))
    assert findings.defects == []
    assert findings.crashed == []
    assert findings.ready + sum(findings.failed.values()) == len(clips) + DAMAGED
    assert findings.ready >= findings.played >= len(clips)


async def test_films_that_once_ended_badly(
    settings: Settings, tmp_path: Path, clip_cache: ClipCache
) -> None:
    """Each of these crashed the encoder's program, or was refused in wrong words."""
    known = [
        Case("mp4-hevc-ac3", "swap", 0),  # the decoder's error was none of those expected
        Case("mov-mjpeg-alac", "swap", 0),
        Case("3gp-h263-amr", "swap", 0),  # "operation not permitted", said of the disk
        Case("asf-wmv2-wma", None),  # sound that comes when the decoder is drained
    ]
    findings = await fuzz(fuzz_settings(settings), tmp_path, make_clips(clip_cache), known)
    assert findings.defects == []
    assert findings.crashed == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_seed_is_one_damage(kind: str) -> None:
    data = bytes(range(256)) * 40
    made = {mutated(data, kind, seed) for seed in range(20)}
    assert len(made) > 10
    assert mutated(data, kind, 3) == mutated(data, kind, 3)
