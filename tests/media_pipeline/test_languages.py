"""Languages of tracks: BCP 47 tags of what containers say."""

import pytest

from media_pipeline.languages import language_name, language_tag
from media_pipeline.sources.side_streams import clean_label


@pytest.mark.parametrize(
    ("said", "tag", "name"),
    [
        (None, "und", ""),
        ("", "und", ""),
        ("und", "und", ""),
        ("eng", "en", "English"),
        ("ger", "de", "German"),
        ("deu", "de", "German"),
        ("DEU", "de", "German"),
        ("deu,eng", "de", "German"),
        ("de", "de", "German"),
        ("chi", "zh", "Chinese"),
        ("zho", "zh", "Chinese"),
        ("cze", "cs", "Czech"),
        ("gre", "el", "Greek"),
        ("scr", "hr", "Croatian"),
        ("iw", "he", "Hebrew"),
        ("nob", "nb", "Norwegian Bokmål"),
        ("pt-BR", "pt-BR", "Portuguese (BR)"),
        ("por_br", "pt-BR", "Portuguese (BR)"),
        ("zh-hant-tw", "zh-Hant-TW", "Chinese (Hant-TW)"),
        ("gsw", "gsw", "gsw"),
        ("mul", "mul", "mul"),
        ("zxx", "zxx", "zxx"),
        ("english", "und", ""),
        ("e", "und", ""),
        ("```", "und", ""),
        ('en"><script>', "und", ""),
        ("en-" + "x" * 40, "und", ""),
        ("en\n", "en", "English"),
        ("日本", "und", ""),
    ],
)
def test_a_containers_word_becomes_a_tag(said: str | None, tag: str, name: str) -> None:
    assert language_tag(said) == tag
    assert language_name(tag) == name
    assert language_tag(tag) == tag


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("", ""),
        ("  Director's   commentary\r\n", "Director's commentary"),
        ("a\0b\x1b[31m\u202ec\u200bd", "ab[31mcd"),
        ("\ue000\ufeff\n", ""),
        ("日本語", "日本語"),
        ("x" * 1000, "x" * 80),
    ],
)
def test_a_label_is_one_short_line(title: str, label: str) -> None:
    assert clean_label(title) == label
