"""Long films made of repeated packets."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.clips.fixtures import ClipCache
from tests.clips.read import decode_numbers, open_strictly, sync_offsets
from tests.clips.repeat import repeat_packets


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001)])
def test_pictures_repeat_without_a_gap_and_sound_stays_with_them(
    clip_cache: ClipCache, tmp_path: Path, rate: Fraction
) -> None:
    facts = clip_cache.clip(rate=rate, seconds=4, b_frames=2)
    target = tmp_path / "long.mp4"
    seconds = repeat_packets(facts.path, target, 5)
    assert abs(seconds - 5 * facts.duration) <= Fraction(5, 1000)
    read = decode_numbers(target)
    assert [number for _, number in read] == list(facts.numbers) * 5
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(read)]
    assert all(abs(step - 1 / rate) <= Fraction(1, 1000) for step in steps)
    offsets = sync_offsets(target)
    assert len(offsets) == 5 * len(facts.flashes)
    assert max(abs(offset) for offset in offsets) <= Fraction(11, 1000)


def test_two_hours_are_made_in_memory_of_a_few_seconds(
    clip_cache: ClipCache, tmp_path: Path
) -> None:
    facts = clip_cache.clip(width=160, height=90, seconds=10, crf=40)
    target = tmp_path / "film.mp4"
    assert repeat_packets(facts.path, target, 720) == 7200
    with open_strictly(target) as container:
        assert container.streams.video[0].frames == 720 * facts.frames
        assert container.duration == pytest.approx(7200_000_000, abs=100_000)


def test_a_silent_film_repeats_too(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(frames=30, sound=None)
    assert repeat_packets(facts.path, tmp_path / "long.mp4", 3) == 3 * facts.duration


def test_no_turn_at_all_is_refused(clip_cache: ClipCache, tmp_path: Path) -> None:
    facts = clip_cache.clip(frames=30, sound=None)
    with pytest.raises(ValueError, match="once at least"):
        repeat_packets(facts.path, tmp_path / "long.mp4", 0)
