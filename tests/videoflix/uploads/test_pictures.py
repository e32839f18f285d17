"""An admin's own picture is decoded in a child process, with limits, and made anew."""

import struct
import sys
import zlib
from pathlib import Path

import pytest

from tests.videoflix.uploads.pictures import read_pixels, write_picture
from tests.videoflix.waiting import is_running
from videoflix.errors import FieldErrors
from videoflix.uploads.pictures import UNUSABLE, ThumbnailMaker


async def refusal(picture: Path) -> str:
    target = picture.with_name("made.jpg")
    with pytest.raises(FieldErrors) as caught:
        await ThumbnailMaker().make(picture, target)
    assert not target.exists()
    [message] = caught.value.fields["thumbnail"]
    return message


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
@pytest.mark.parametrize(
    ("size", "height"), [((320, 180), 360), ((1001, 751), 480), ((300, 900), 1920)]
)
async def test_pictures_become_jpegs_of_one_width(
    tmp_path: Path, kind: str, size: tuple[int, int], height: int
) -> None:
    picture = write_picture(tmp_path / "its name says nothing.exe", kind, *size)
    target = tmp_path / "made.jpg"
    await ThumbnailMaker().make(picture, target)
    assert target.read_bytes().startswith(b"\xff\xd8\xff")
    pixels = read_pixels(target)
    assert pixels.shape[1] == 640
    assert abs(pixels.shape[0] - height) <= 2
    left, right = pixels[100, 100].tolist(), pixels[100, 540].tolist()
    assert left[0] > 200
    assert left[2] < 60
    assert right[2] > 200
    assert right[0] < 60


def png(width: int, height: int) -> bytes:
    """A small file that promises a picture of this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(width + 1) * min(height, 20_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.png\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"GIF89a" + b"\0" * 100,
    ],
    ids=["empty", "text", "broken", "m3u8", "ffconcat", "svg", "gif"],
)
async def test_what_is_no_picture_is_refused_in_plain_words(tmp_path: Path, content: bytes) -> None:
    """R34"""
    picture = tmp_path / "picture.png"
    picture.write_bytes(content)
    assert "not a picture" in await refusal(picture)


async def test_pixel_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    """R35"""
    picture = tmp_path / "bomb.png"
    picture.write_bytes(png(20_000, 20_000))
    assert "larger than" in await refusal(picture) or "not a picture" in await refusal(picture)


async def test_a_strip_is_refused(tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "strip", "png", 16, 1600)
    assert "times as long" in await refusal(picture)


@pytest.mark.parametrize("code", ["import os; os.kill(os.getpid(), 11)", "raise SystemExit(3)"])
async def test_a_crash_of_the_decoder_is_a_plain_refusal(tmp_path: Path, code: str) -> None:
    """R36"""
    maker = ThumbnailMaker((sys.executable, "-c", code))
    with pytest.raises(FieldErrors) as caught:
        await maker.make(tmp_path / "in", tmp_path / "out")
    assert caught.value.fields == {"thumbnail": [UNUSABLE]}


async def test_a_decoder_that_hangs_is_killed(tmp_path: Path) -> None:
    """R36"""
    told = tmp_path / "pid"
    code = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    maker = ThumbnailMaker((sys.executable, "-c", code), seconds=3)
    with pytest.raises(FieldErrors):
        await maker.make(tmp_path / "in", tmp_path / "out")
    assert not is_running(int(told.read_text()))
