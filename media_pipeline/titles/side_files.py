"""Names and first line of the files beside a title's tracks: its texts and its storyboard."""

STORYBOARD = "storyboard.vtt"
SIGNATURE = "WEBVTT\n"  # WebVTT §4.1


def sprite_file(sheet: int) -> str:
    return f"sprite-{sheet}.jpg"


def subtitle_file(name: str) -> str:
    return f"{name}.vtt"
