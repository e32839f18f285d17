"""What is recorded of an attempt: never back, and a guess of the seconds left."""

from dataclasses import dataclass

from videoflix.encoding.progress import ProgressTracker, TimeLeft
from videoflix.models import EncodeProgress


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_seconds_left_are_unknown_at_first_and_right_at_a_steady_pace() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    assert left.seconds() is None
    for second in range(61):
        left.note(second * 0.5)
        if second < 2:
            assert left.seconds() is None
        else:
            assert left.seconds() == 200 - second
        clock.seconds += 1
    assert left.seconds() == 139  # a second has gone since it was last heard of


def test_one_slow_moment_moves_the_guess_a_little_and_a_new_pace_wins_in_the_end() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    for second in range(31):
        left.note(second)
        clock.seconds += 1
    clock.seconds += 9
    left.note(31)
    guess = left.seconds()
    assert guess is not None
    assert 69 < guess < 120
    for second in range(1, 241):  # a tenth of the pace
        clock.seconds += 1
        left.note(31 + second / 10)
    guess = left.seconds()
    assert guess is not None
    assert 440 < guess < 460


def test_nothing_is_guessed_while_nothing_moves() -> None:
    clock = Clock()
    left = TimeLeft(clock)
    left.note(10)
    clock.seconds += 5
    left.note(20)
    assert left.seconds() == 40
    clock.seconds += 50
    assert left.seconds() == 0
    clock.seconds += 50
    assert left.seconds() is None


def test_what_is_said_later_never_takes_progress_back() -> None:
    tracker = ProgressTracker(Clock())
    tracker.note(EncodeProgress("encode", 40.5, 100, 2.0))
    tracker.note(EncodeProgress("encode", 30, 90, 1.5))
    assert tracker.current() == EncodeProgress("encode", 40.5, 100, 1.5)
    tracker.note(EncodeProgress("verify", 95))
    assert tracker.current() == EncodeProgress("verify", 95, 100, 1.5)
    tracker.note(EncodeProgress("", 400))
    assert tracker.current().percent == 100


def test_probing_says_nothing_about_the_rest() -> None:
    clock = Clock()
    tracker = ProgressTracker(clock)
    tracker.note(EncodeProgress("probe", 0))
    clock.seconds += 1
    tracker.note(EncodeProgress("probe", 2))
    clock.seconds += 9
    assert tracker.current().seconds_left is None
    tracker.note(EncodeProgress("encode", 2))
    clock.seconds += 10
    tracker.note(EncodeProgress("encode", 12))
    assert tracker.current().seconds_left == 88
