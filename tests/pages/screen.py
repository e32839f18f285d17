"""What the player's <video> shows: the number in its picture."""

import base64
import io
from fractions import Fraction

import av
import numpy as np

from tests.clips.picture_code import Misread
from tests.clips.read import read_frame_number
from tests.pages.page import Page

# A picture once the compositor has it, with its exact time: ``mediaTime`` is the picture's own. The
# film stands still meanwhile, so that a busy machine does not draw the picture after it.
SHOWN = """
const done = arguments[0], video = document.querySelector("video"), wasPaused = video.paused;
video.pause();
video.requestVideoFrameCallback((_, {mediaTime}) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  if (!wasPaused) video.play();
  done([mediaTime, canvas.toDataURL("image/png")]);
});
video.currentTime = video.currentTime;  // shows its picture anew
"""


def at(page: Page) -> float:
    """Where the film is, seconds."""
    return float(page.value("document.querySelector('video')?.currentTime ?? 0"))


def plays(page: Page) -> None:
    """Wait until it has gone on by a second."""
    began = at(page)
    page.until(lambda: at(page) > began + 1, f"it plays on from {began}")


def seen_number(page: Page, rate: Fraction) -> tuple[int, int]:
    """Of the picture that is shown next: the number in it, and the one that belongs to its time."""
    time, url = page.driver.execute_async_script(SHOWN)
    with av.open(io.BytesIO(base64.b64decode(url.partition(",")[2])), "r") as container:
        luma = next(container.decode(video=0)).to_ndarray(format="gray")
    expected = round(time * rate)
    try:
        return read_frame_number(np.ascontiguousarray(luma, np.uint8)), expected
    except Misread as error:
        raise AssertionError(f"at {time} s: {error}") from error
