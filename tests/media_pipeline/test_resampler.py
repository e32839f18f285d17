"""Sound of every kind on the title's time line: layouts, rates, formats, holes, drift."""

from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media_pipeline.sides.resampler import Resampler

RATE = 48_000
LEVEL = 0.5
Samples = NDArray[np.float64]


def tone(seconds: float, rate: int, pitch: float) -> Samples:
    return LEVEL * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def frames_of(
    channels: Samples, rate: int, layout: str, start: Fraction = Fraction(0), sample: str = "flt"
) -> Iterable[av.AudioFrame]:
    """``channels`` (channel, sample) in frames of 1000 samples, from ``start`` on."""
    scale = {"flt": 1, "s16": 2**15 - 1, "s32": 2**31 - 1, "u8": 127}[sample]
    kind = {"flt": np.float32, "s16": np.int16, "s32": np.int32, "u8": np.uint8}[sample]
    for begin in range(0, channels.shape[1], 1000):
        piece = channels[:, begin : begin + 1000].T.reshape(1, -1) * scale
        packed = np.ascontiguousarray(piece + (128 if sample == "u8" else 0)).astype(kind)
        frame = av.AudioFrame.from_ndarray(packed, format=sample, layout=layout)
        frame.sample_rate = rate
        frame.pts = round(start * rate) + begin
        frame.time_base = Fraction(1, rate)
        yield frame


def resampled(frames: Iterable[av.AudioFrame], origin: Fraction = Fraction(0)) -> Samples:
    resampler = Resampler(origin)
    blocks = [block for frame in frames for block in resampler.push(frame)]
    blocks += resampler.end()
    assert all(block.sample_rate == RATE for block in blocks)
    assert all(block.samples <= 1024 for block in blocks)
    assert resampler.samples == sum(block.samples for block in blocks)
    return np.concatenate([block.to_ndarray() for block in blocks], axis=1).astype(np.float64)


def level(samples: Samples) -> float:
    """The amplitude of a sine, of its steady middle."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    return float(np.sqrt(2 * np.mean(middle**2)))


# Where each channel is heard, left and right, when it alone has a tone (ITU-R BS.775: centre and
# surround at 0.7, no low-frequency effects).
MIXES: dict[str, list[tuple[float, float]]] = {
    "mono": [(1, 1)],
    "stereo": [(1, 0), (0, 1)],
    "2.1": [(1, 0), (0, 1), (0, 0)],
    "3.0": [(1, 0), (0, 1), (0.71, 0.71)],
    "quad": [(1, 0), (0, 1), (0.71, 0), (0, 0.71)],
    "4.0": [(1, 0), (0, 1), (0.71, 0.71), (0.5, 0.5)],
    "4 channels": [(1, 0), (0, 1), (0.71, 0.71), (0.5, 0.5)],
    "5.1": [(1, 0), (0, 1), (0.71, 0.71), (0, 0), (0.71, 0), (0, 0.71)],
    "5.1(side)": [(1, 0), (0, 1), (0.71, 0.71), (0, 0), (0.71, 0), (0, 0.71)],
    "7.1": [(1, 0), (0, 1), (0.71, 0.71), (0, 0), *2 * [(0.71, 0), (0, 0.71)]],
    "11 channels": [(1, 0), (0, 1), *9 * [(0, 0)]],
    "ambisonic 1": [(1, 1), *3 * [(0, 0)]],
}


@pytest.mark.parametrize("layout", MIXES)
def test_each_channel_is_heard_where_it_belongs(layout: str) -> None:
    for channel, expected in enumerate(MIXES[layout]):
        channels = np.zeros((len(MIXES[layout]), RATE // 10))
        channels[channel] = tone(0.1, RATE, 500)
        mixed = resampled(frames_of(channels, RATE, layout))
        assert mixed.shape == (2, RATE // 10)
        heard = [level(side) / LEVEL for side in mixed]
        assert heard == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("layout", ["5.1", "7.1", "22.2"])
def test_all_channels_at_once_do_not_clip(layout: str) -> None:
    count = av.AudioLayout(layout).nb_channels
    channels = np.tile(2 * tone(0.5, RATE, 500), (count, 1))
    mixed = resampled(frames_of(channels, RATE, layout))
    assert 0.85 < np.abs(mixed).max() <= 0.9


@pytest.mark.parametrize("sample", ["u8", "s16", "s32", "flt"])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000, 192000])
def test_every_rate_and_format_keeps_pitch_level_and_length(rate: int, sample: str) -> None:
    channels = np.tile(tone(0.5, rate, 1000), (2, 1))
    mixed = resampled(frames_of(channels, rate, "stereo", sample=sample))
    assert mixed.shape[1] == pytest.approx(RATE // 2, abs=32)
    assert level(mixed[0]) == pytest.approx(LEVEL, rel=0.02)
    expected = tone(0.5, RATE, 1000)
    middle = slice(RATE // 8, RATE // 4)
    assert np.abs(mixed[0][middle] - expected[middle]).max() < 0.03


def test_a_stream_may_change_in_the_middle() -> None:
    """Rate, layout and format; the sound goes on at its time."""
    parts = [(48000, "stereo", "flt"), (22050, "mono", "s16"), (96000, "5.1", "s32")]
    frames: list[av.AudioFrame] = []
    for number, (rate, layout, sample) in enumerate(parts):
        channels = np.zeros((av.AudioLayout(layout).nb_channels, rate))
        channels[0] = tone(1, rate, 1000)
        frames += frames_of(channels, rate, layout, Fraction(number), sample)
    mixed = resampled(frames)
    assert mixed.shape[1] == pytest.approx(3 * RATE, abs=64)
    expected = tone(3, RATE, 1000)
    for number in range(3):
        middle = slice(int((number + 0.25) * RATE), int((number + 0.75) * RATE))
        assert np.abs(mixed[0][middle] - expected[middle]).max() < 0.03


def pulses(samples: Samples) -> list[int]:
    """Where single loud samples are."""
    found = np.flatnonzero(samples > 0.3)
    return [int(index) for n, index in enumerate(found) if not n or index - found[n - 1] > 100]


def pulsed(seconds: int, *places: int) -> Samples:
    channels = np.zeros((2, seconds * RATE))
    channels[:, list(places)] = LEVEL
    return channels


@pytest.mark.parametrize(
    ("start", "origin"),
    [(0, 0), (Fraction(3, 2), 0), (Fraction(1, 250), 0), (7, 7), (-1, 0), (5, Fraction(49, 10))],
)
def test_a_start_is_exact(start: Fraction | int, origin: Fraction | int) -> None:
    frames = frames_of(pulsed(3, 2 * RATE), RATE, "stereo", Fraction(start))
    mixed = resampled(frames, Fraction(origin))
    assert pulses(mixed[0]) == [2 * RATE + (start - origin) * RATE]
    assert mixed.shape[1] == (3 + start - origin) * RATE


@pytest.mark.parametrize("hole", [Fraction(1, 5), Fraction(2), Fraction(60)])
def test_a_hole_is_silence(hole: Fraction) -> None:
    frames = [
        *frames_of(pulsed(1, RATE // 2), RATE, "stereo"),
        *frames_of(pulsed(1, RATE // 2), RATE, "stereo", 1 + hole),
    ]
    mixed = resampled(frames)
    assert pulses(mixed[0]) == [RATE // 2, RATE // 2 + (1 + hole) * RATE]
    assert mixed.shape[1] == (2 + hole) * RATE


def test_what_is_said_twice_is_heard_once() -> None:
    frames = [
        *frames_of(pulsed(2, RATE), RATE, "stereo"),
        *frames_of(pulsed(2, RATE), RATE, "stereo", Fraction(1)),
    ]
    mixed = resampled(frames)
    assert mixed.shape[1] == pytest.approx(3 * RATE, abs=RATE // 50)
    assert len(pulses(mixed[0])) == 2


def test_frames_without_a_time_follow_the_one_before() -> None:
    frames = list(frames_of(pulsed(1, RATE // 2), RATE, "stereo"))
    for frame in frames[1:]:
        frame.pts = None
    assert pulses(resampled(frames)[0]) == [RATE // 2]


@pytest.mark.parametrize("drift", [Fraction(1001, 1000), Fraction(999, 1000)])
def test_sound_that_runs_off_its_own_clock_is_led_back(drift: Fraction) -> None:
    """A thousandth too slow or too fast: 40 ms after 40 s."""
    places = [second * RATE for second in range(1, 40)]
    frames = list(frames_of(pulsed(40, *places), RATE, "stereo"))
    for frame in frames:
        assert frame.pts is not None
        frame.pts = round(frame.pts * drift)
    found = pulses(resampled(frames)[0])
    assert len(found) == len(places)
    late = [
        abs(Fraction(index) - place * drift) / RATE
        for index, place in zip(found, places, strict=True)
    ]
    assert max(late) <= Fraction(10, 1000)


def test_rounded_time_stamps_change_nothing() -> None:
    """Matroska's are whole milliseconds."""
    channels = np.tile(tone(5, RATE, 1000), (2, 1))
    frames = list(frames_of(channels, RATE, "stereo"))
    for frame in frames:
        assert frame.pts is not None
        frame.pts = round(Fraction(frame.pts, RATE) * 1000)
        frame.time_base = Fraction(1, 1000)
    assert np.abs(resampled(frames) - channels).max() < 1e-6


@pytest.mark.parametrize("rate", [1, 10_000_000])
def test_what_has_no_possible_rate_is_left_out(rate: int) -> None:
    resampler = Resampler(Fraction(0))
    for frame in frames_of(pulsed(1, 10), RATE, "stereo"):
        frame.sample_rate = rate
        assert list(resampler.push(frame)) == []
    assert list(resampler.end()) == []
    assert resampler.samples == 0
