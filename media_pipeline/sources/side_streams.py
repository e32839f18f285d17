"""Which sounds and texts of a source are taken, what they are called, and what is left out."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream

from media_pipeline.languages import language_name, language_tag
from media_pipeline.sources.limits import TEXT_CODECS
from media_pipeline.sources.side_facts import SideStreams, SourceSound, SourceText

MAX_SOUNDS = 8
MAX_TEXTS = 32
_LONGEST_LABEL = 80  # characters

# What a track is for, in the words of DASH (ISO/IEC 23009-1 §5.8.5.5).
_ROLES = (
    (Disposition.comment, "commentary"),
    (Disposition.visual_impaired, "description"),
    (Disposition.descriptions, "description"),
    (Disposition.hearing_impaired, "enhanced-audio-intelligibility"),
    (Disposition.clean_effects, "enhanced-audio-intelligibility"),
    (Disposition.karaoke, "karaoke"),
    (Disposition.dub, "dub"),
)


def clean_label(title: str) -> str:
    """A stranger's title as one short line: no control, format or private characters."""
    kept = ("" if unicodedata.category(c)[0] == "C" and not c.isspace() else c for c in title)
    return re.sub(r"\s+", " ", "".join(kept)).strip()[:_LONGEST_LABEL].strip()


def _unique(labels: Sequence[str]) -> Iterator[str]:
    """The labels, those that came before with a number."""
    given: set[str] = set()
    for label in labels:
        number, name = 1, label
        while name in given:
            number += 1
            name = f"{label} ({number})"
        given.add(name)
        yield name


def _labels(streams: Sequence[Stream], kind: str) -> Iterator[str]:
    """The stream's title, else its language, else ``kind`` and a number."""
    return _unique(
        [
            clean_label(stream.metadata.get("title", ""))
            or language_name(language_tag(stream.language))
            or f"{kind} {number}"
            for number, stream in enumerate(streams, 1)
        ]
    )


def _named(stream: Stream) -> str:
    name = language_name(language_tag(stream.language))
    return f"stream {stream.index}{f' ({name})' if name else ''}"


def side_streams(container: InputContainer, usable: Sequence[AudioStream]) -> SideStreams:
    """What is taken of ``container``; ``usable`` are its sounds that may be decoded."""
    left_out = [
        f"Sound {_named(stream)}: it cannot be decoded."
        for stream in container.streams.audio
        if stream not in usable
    ]
    # The default one first; all else in the file's order.
    sounds = sorted(usable, key=lambda stream: not stream.disposition & Disposition.default)
    left_out += [
        f"Sound {_named(stream)}: at most {MAX_SOUNDS} sounds are taken."
        for stream in sounds[MAX_SOUNDS:]
    ]
    texts: list[Stream] = []
    for stream in container.streams.subtitles:
        context = stream.codec_context
        kind = context.codec.canonical_name if context else "an unknown kind"
        if kind not in TEXT_CODECS:
            left_out.append(f"Subtitles {_named(stream)}: {kind} is not text.")
        elif len(texts) == MAX_TEXTS:
            left_out.append(f"Subtitles {_named(stream)}: at most {MAX_TEXTS} are taken.")
        else:
            texts.append(stream)
    return SideStreams(_sounds(sounds[:MAX_SOUNDS]), _texts(texts), tuple(left_out))


def _sounds(streams: Sequence[AudioStream]) -> tuple[SourceSound, ...]:
    return tuple(
        SourceSound(
            index=stream.index,
            name=f"audio-{number}",
            language=language_tag(stream.language),
            label=label,
            is_default=number == 0,
            roles=tuple(dict.fromkeys(r for flag, r in _ROLES if stream.disposition & flag)),
        )
        for number, (stream, label) in enumerate(
            zip(streams, _labels(streams, "Sound"), strict=True)
        )
    )


def _texts(streams: Sequence[Stream]) -> tuple[SourceText, ...]:
    default = next((s.index for s in streams if s.disposition & Disposition.default), None)
    return tuple(
        SourceText(
            index=stream.index,
            name=f"text-{number}",
            language=language_tag(stream.language),
            label=label,
            is_default=stream.index == default,
            is_forced=bool(stream.disposition & Disposition.forced),
            is_hearing_impaired=bool(
                stream.disposition & (Disposition.hearing_impaired | Disposition.captions)
            ),
        )
        for number, (stream, label) in enumerate(
            zip(streams, _labels(streams, "Subtitles"), strict=True)
        )
    )
