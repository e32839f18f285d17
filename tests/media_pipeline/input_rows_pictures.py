"""Rows of the table of inputs: shapes, orientations, pixels and colours of pictures."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from media_pipeline.job import EncodeSettings
from media_pipeline.titles.title import Title
from tests.clips.colours import PATCHES, Colours, read_patches
from tests.clips.spec import ClipFacts
from tests.media_pipeline.input_rows import Row, Size, clip, first_picture
from tests.media_pipeline.input_rows_containers import GOOD, HEVC, MPEG2

LADDER = EncodeSettings(preset="ultrafast", rungs=("480p=160x90", "720p=240x136", "1080p=320x180"))
SHORT: dict[str, Any] = {"frames": 12, "sound": None}
BT709, BT601 = Colours("bt709", is_tagged=True), Colours("bt601", is_tagged=True)
HD = Colours("bt709")  # what an untagged picture of that size is


def _shape(says: str, size: Size, *sizes: Size, treated: str = "", **fields: Any) -> Row:
    """A source of ``size`` and the renditions made of it with boxes of 160 × 90, 240 × 136 and
    320 × 180."""
    names = ("480p", "720p", "1080p")
    return clip(
        says,
        **{**SHORT, "width": size[0], "height": size[1], "crf": 12, **fields},
        row={
            "settings": LADDER,
            "sizes": dict(zip(names, sizes, strict=False)),
            "treated": treated or "Fitted into each box, never enlarged.",
        },
    )


SHAPES = (
    _shape("16:9", (320, 180), (160, 90), (240, 136), (320, 180)),
    _shape("4:3", (400, 300), (120, 90), (182, 136), (240, 180)),
    _shape("12:5 (as 1920 × 800)", (384, 160), (160, 66), (240, 100), (320, 134)),
    _shape("21:9 (as 2560 × 1080)", (512, 216), (160, 68), (240, 102), (320, 136)),
    _shape("Square", (240, 240), (90, 90), (136, 136), (180, 180)),
    _shape("Portrait", (216, 384), (90, 160), (136, 240), (180, 320),
           treated="Fitted into the boxes turned upright."),
    _shape("Smaller than the smallest box", (128, 72), (128, 72),
           treated="One rendition, as it is."),
    _shape("Odd width and height", (161, 91), (160, 90), (162, 92), pix_fmt="yuv444p",
           treated="Sizes are made even."),
    _shape("Anamorphic: 4:3 pixels of 16:15 (PAL)", (180, 144), (120, 90), (182, 136), (192, 144),
           sample_aspect_ratio=Fraction(16, 15), treated="Pixels are squared."),
    _shape("Anamorphic: pixels higher than wide", (320, 180), (106, 90), (162, 136), (214, 180),
           sample_aspect_ratio=Fraction(2, 3), treated="Pixels are squared."),
)  # fmt: skip


def _turned(rotation: int, *, mirrored: bool) -> Row:
    says = f"Turned by {rotation}°" if rotation else "Upright"
    return clip(
        says + (" and mirrored" if mirrored else ""),
        **SHORT,
        rotation=rotation,
        mirrored=mirrored,
        row={
            "treated": "Stored upright.",
            "settings": EncodeSettings(preset="ultrafast", rungs=("480p=176x144",)),
        },
    )


ORIENTATIONS = tuple(
    _turned(rotation, mirrored=mirrored)
    for mirrored in (False, True)
    for rotation in (0, 90, 180, 270)
    if rotation or mirrored
)


def _coded(
    says: str, suffix: str = ".mp4", *, treated: str = "", tolerance: float = 8, **fields: Any
) -> Row:
    return clip(
        says,
        suffix,
        **{**SHORT, "crf": 10, **fields},
        row={"treated": treated, "tolerance": tolerance},
    )


# Luma of BT.601: what is drawn first, and what of it is kept.
GREYS = tuple((grey, grey, grey) for grey in (Colours().luma(colour) for colour in PATCHES))
X265_10 = {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": HEVC["options"]}
PIXELS = (
    _coded("4:2:2", pix_fmt="yuv422p"),
    _coded("4:4:4", pix_fmt="yuv444p"),
    _coded("10 bits, H.264", pix_fmt="yuv420p10le"),
    _coded("10 bits, HEVC", **X265_10),
    _coded("4:2:2 of 10 bits, H.264", pix_fmt="yuv422p10le"),
    _coded("4:4:4 of 12 bits, ProRes 4444", ".mov", codec="prores_ks", pix_fmt="yuv444p10le"),
    _coded("Full range (marked)", colours=Colours("bt709", full=True, is_tagged=True),
           treated="Brought to limited range."),
    _coded("Full range (MJPEG)", ".avi", codec="mjpeg", pix_fmt="yuvj420p",
           options={"qmin": "1", "qmax": "2"},            treated="Brought to limited range."),
    _coded("RGB, uncompressed", ".avi", codec="rawvideo", pix_fmt="bgr24"),
    _coded("RGB, H.264", ".mkv", codec="libx264rgb", pix_fmt="bgr24", options={"crf": "5"}),
    _coded("RGB, FFV1", ".mkv", codec="ffv1", pix_fmt="bgr0"),
    replace(_coded("Grey", ".mkv", codec="ffv1", pix_fmt="gray"), patches=GREYS),
)  # fmt: skip

COLOURS = (
    _coded("BT.601, marked", colours=BT601, treated="Converted to BT.709."),
    _coded("BT.709, marked", colours=BT709),
    _coded("Standard definition, unmarked", treated="Taken as BT.601, converted to BT.709."),
    clip(
        "High definition, unmarked",
        **{**SHORT, "width": 1280, "height": 720, "frames": 3, "colours": HD},
        row={"treated": "Taken as BT.709.", "sizes": {"480p": (176, 100)}},
    ),
    _coded("PAL, unmarked, MPEG-2", ".mpg", **{**MPEG2, "b_frames": 0}, treated="Taken as BT.601."),
)  # fmt: skip

INTERLACED = tuple(
    clip(
        f"Interlaced, {field} field first, {kind}",
        suffix,
        **{**SHORT, "width": 320, "height": 192, "fields": field, **fields},
        row={
            "treated": "Deinterlaced: one picture of two fields.",
            "settings": EncodeSettings(preset="ultrafast", rungs=("480p=320x192",)),
        },
    )
    for field in ("top", "bottom")
    for kind, suffix, fields in (
        ("H.264", ".mp4", {"crf": 10}),
        ("MPEG-2", ".ts", {**MPEG2, "b_frames": 0, "options": {**GOOD, "flags": "+ildct+ilme"}}),
    )
)  # fmt: skip


ON_BLACK = tuple((red / 2, green / 2, blue / 2) for red, green, blue in PATCHES)
ALPHA = tuple(
    replace(row, patches=ON_BLACK, treated="Put on black.")
    for row in (
        _coded("Alpha, ProRes 4444", ".mov", codec="prores_ks", pix_fmt="yuva444p10le", alpha=0.5),
        _coded("Alpha, FFV1 (BGRA)", ".mkv", codec="ffv1", pix_fmt="bgra", alpha=0.5),
        _coded("Alpha, uncompressed RGBA", ".mov", codec="rawvideo", pix_fmt="argb", alpha=0.5),
    )
)


def _is_mapped(_: ClipFacts, title: Title) -> None:
    """Hues and the order of brightness are kept, grey stays grey, nothing is dark or burnt out."""
    light, dark, red, green, blue, yellow = read_patches(first_picture(title, "480p"), BT709)
    for grey in (light, dark):
        assert max(grey) - min(grey) <= 6
    assert 150 <= light[1] <= 256
    assert min(light) > max(dark) + 60
    assert red[0] > max(red[1:]) + 60
    assert green[1] > max(green[0], green[2]) + 30
    assert blue[2] > max(blue[:2]) + 60
    assert min(yellow[:2]) > yellow[2] + 40


HDR = {
    "codec": "libx265",
    "pix_fmt": "yuv420p10le",
    "options": HEVC["options"],
    "crf": 10,
}
MAPPED = tuple(
    clip(
        says,
        **{**SHORT, **HDR, "colours": Colours("bt2020", transfer=transfer, is_tagged=True)},
        row={"treated": treated, "tolerance": None, "also": (_is_mapped,)},
    )
    for says, transfer, treated in (
        ("HDR10 (PQ, BT.2020)", "pq", "Tone-mapped to BT.709."),
        ("HLG, BT.2020", "hlg", "Tone-mapped to BT.709."),
        ("BT.2020, standard range", "sdr", "Colours brought within BT.709."),
    )
)

ROWS = (*SHAPES, *ORIENTATIONS, *PIXELS, *COLOURS, *INTERLACED, *ALPHA, *MAPPED)
