"""Which renditions there are, and that each fits the level that its stream claims."""

from fractions import Fraction

import av
import pytest
from av.codec.context import Flags

from media_pipeline.job import EncodeSettings
from media_pipeline.pictures.ladder import Rung, ladder, parse_rung
from media_pipeline.pictures.picture_track import encoder_options
from media_pipeline.timeline import FrameGrid

NAMES = ("480p", "720p", "1080p")
SETTINGS = EncodeSettings()

# ITU-T H.264 table A-1: level_idc, then macroblocks a second, macroblocks of a picture, kbit/s
# (1,000 bits, times 1.25 in High profile: table A-2).
LEVELS = {
    10: (1485, 99, 64), 11: (3000, 396, 192), 12: (6000, 396, 384),
    13: (11880, 396, 768), 20: (11880, 396, 2000), 21: (19800, 792, 4000),
    22: (20250, 1620, 4000), 30: (40500, 1620, 10000),
    31: (108000, 3600, 14000), 32: (216000, 5120, 20000),
    40: (245760, 8192, 20000), 41: (245760, 8192, 50000),
    42: (522240, 8704, 50000), 50: (589824, 22080, 135000),
    51: (983040, 36864, 240000), 52: (2073600, 36864, 240000),
}  # fmt: skip
HIGH, BASELINE = 100, 66


def profile_and_level(rung: Rung, rate: Fraction, settings: EncodeSettings) -> tuple[int, int]:
    """As x264 writes them into its sequence parameter set (ITU-T H.264 §7.3.2.1.1)."""
    grid = FrameGrid(rate)
    context = av.VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = rung.width, rung.height, "yuv420p"
    context.time_base, context.framerate = 1 / rate, rate
    context.flags |= Flags.global_header
    context.options = encoder_options(rung, grid.gop_frames, settings)
    context.open()
    start = (context.extradata or b"").index(b"\0\0\0\1\x67") + 5
    profile, _, level = (context.extradata or b"")[start : start + 3]
    return profile, level


def fits(level: int, rung: Rung, rate: Fraction) -> bool:
    per_second, per_picture, kbit = LEVELS[level]
    wide, high = -(-rung.width // 16), -(-rung.height // 16)
    return (
        wide * high <= per_picture
        and wide * high * rate <= per_second
        and max(wide, high) ** 2 <= 8 * per_picture
        and rung.max_bitrate <= 1250 * kbit
    )


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "slower"])
@pytest.mark.parametrize("rate", [Fraction(12), Fraction(24000, 1001), Fraction(30), Fraction(60)])
@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (2560, 1080), (640, 360), (176, 144)])
def test_the_level_fits_the_rung(size: tuple[int, int], rate: Fraction, preset: str) -> None:
    """High profile (the fastest preset uses nothing of it), and every limit of the level that is
    claimed is kept; no level is beyond what phones and television sets play."""
    settings = EncodeSettings(preset=preset)
    for rung in ladder(Fraction(size[0]), Fraction(size[1]), rate, NAMES):
        profile, level = profile_and_level(rung, rate, settings)
        assert profile == (BASELINE if preset == "ultrafast" else HIGH)
        assert fits(level, rung, rate), f"{rung} at {rate}: level {level}"
        assert level <= 42


@pytest.mark.parametrize("text", ["480p@100k", "480p=640x360@100000k", "1080p@20000k"])
def test_the_level_fits_a_bit_rate_of_the_settings(text: str) -> None:
    (rung,) = ladder(Fraction(1920), Fraction(1080), Fraction(60), (text,))
    _, level = profile_and_level(rung, Fraction(60), SETTINGS)
    assert fits(level, rung, Fraction(60))


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((1920, 1080), [(854, 480), (1280, 720), (1920, 1080)]),
        ((3840, 2160), [(854, 480), (1280, 720), (1920, 1080)]),
        ((1920, 800), [(854, 356), (1280, 534), (1920, 800)]),
        ((2560, 1080), [(854, 360), (1280, 540), (1920, 810)]),
        ((1080, 1920), [(480, 854), (720, 1280), (1080, 1920)]),
        ((1080, 1080), [(480, 480), (720, 720), (1080, 1080)]),
        ((1440, 1080), [(640, 480), (960, 720), (1440, 1080)]),
        ((1280, 720), [(854, 480), (1280, 720)]),
        ((960, 540), [(854, 480), (960, 540)]),
        ((640, 480), [(640, 480)]),
        ((177, 99), [(178, 100)]),
    ],
)
def test_sizes_by_boxes(size: tuple[int, int], sizes: list[tuple[int, int]]) -> None:
    made = ladder(Fraction(size[0]), Fraction(size[1]), Fraction(25), NAMES)
    assert [(rung.width, rung.height) for rung in made] == sizes
    assert [rung.name for rung in made] == list(NAMES[: len(sizes)])


def test_settings_of_a_rung() -> None:
    assert parse_rung("480p").box == (854, 480)
    assert parse_rung("480p").bitrate == 1_800_000
    assert parse_rung("480p@1500k").bitrate == 1_500_000
    assert parse_rung("480p@1500k").box == (854, 480)
    both = parse_rung("720p=960x540@2500k")
    assert (both.name, both.box, both.bitrate) == ("720p", (960, 540), 2_500_000)
    assert both.max_bitrate(Fraction(30)) == 2_500_000
    assert both.max_bitrate(Fraction(50)) == 3_750_000


@pytest.mark.parametrize(
    "text",
    ["360p", "480p=", "480p=641x360", "480p=360x640", "480p@99k", "480p@100001k", "480p@1500",
     "480p@-1k", "480p=640x360@", "480p @1500k", "480p@1500k=640x360"],
)  # fmt: skip
def test_settings_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="rung"):
        parse_rung(text)
