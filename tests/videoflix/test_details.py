"""What an admin says about a film is checked in one place, with a message for each field."""

import pytest

from videoflix.details import BLANK, CONTROL, check_details, too_long
from videoflix.errors import FieldErrors
from videoflix.models import VideoDetails


def test_white_space_around_goes_and_lines_end_alike() -> None:
    details = VideoDetails("  A film\u00a0", " one\r\ntwo\rthree\tfour ", " Drama ")
    assert check_details(details) == VideoDetails("A film", "one\ntwo\nthree\tfour", "Drama")


def test_longest_texts_are_taken() -> None:
    details = VideoDetails("ü" * 150, "x" * 5000, "🎬" * 50)
    assert check_details(details) == details


@pytest.mark.parametrize(
    ("details", "fields"),
    [
        (VideoDetails(" "), {"title": [BLANK]}),
        (VideoDetails("x" * 151), {"title": [too_long(150)]}),
        (VideoDetails("x", "x" * 5001), {"description": [too_long(5000)]}),
        (VideoDetails("x", "", "x" * 51), {"category": [too_long(50)]}),
        (VideoDetails("a\r\nBcc: b"), {"title": [CONTROL]}),
        (VideoDetails("a\u2028b"), {"title": [CONTROL]}),
        (VideoDetails("a\x00b"), {"title": [CONTROL]}),
        (VideoDetails("a\ud800"), {"title": [CONTROL]}),
        (VideoDetails("a", "b\x00"), {"description": [CONTROL]}),
        (VideoDetails("a", "", "b\tc"), {"category": [CONTROL]}),
        (
            VideoDetails("", "", "\n\x07" + "x" * 60),
            {"title": [BLANK], "category": [too_long(50), CONTROL]},
        ),
    ],
)
def test_r14_each_wrong_field_has_its_messages(
    details: VideoDetails, fields: dict[str, list[str]]
) -> None:
    """R14"""
    with pytest.raises(FieldErrors) as caught:
        check_details(details)
    assert caught.value.fields == fields


def test_messages_of_other_fields_come_along() -> None:
    with pytest.raises(FieldErrors) as caught:
        check_details(VideoDetails(""), {"file": ["It is empty."], "thumbnail": []})
    assert caught.value.fields == {"title": [BLANK], "file": ["It is empty."]}
