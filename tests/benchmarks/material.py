"""Titles of any length, made by repeating the GOPs of one that was encoded."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from media_pipeline.encoding.verify import measure
from media_pipeline.job import EncodeSettings
from media_pipeline.tables import FRAGMENT, SAMPLE, Table, fragments_file, samples_file
from media_pipeline.titles.fragments import Sample, TrackWriter
from media_pipeline.titles.manifest import Manifest
from media_pipeline.titles.title import Title
from tests.media_pipeline.titles import encode_title

# After this many GOPs of two seconds the AAC frames (1024 samples at 48 kHz) fall on a border
# again, so that a repetition begins exactly like the first GOP.
UNIT = 16
AAC_PRIMING = 1


class _Track:
    """All samples of the first ``UNIT`` GOPs of an encoded track, by GOP."""

    def __init__(self, folder: Path, name: str, *, priming: int) -> None:
        """``priming`` first samples are the encoder's own, before the film's start."""
        data = (folder / f"{name}.mp4").read_bytes()
        table = Table.open(folder / samples_file(name), SAMPLE)
        rows = table.read(0, table.rows)
        fragments = Table.open(folder / fragments_file(name), FRAGMENT).read(0, UNIT)
        self.init = data[: int(fragments["offset"][0])]
        self.duration = int(rows["duration"][0])
        self._priming = priming
        self._count = int(fragments["samples"].sum()) - priming
        self.gops = [
            [
                Sample(data[offset : offset + size], dts, pts, bool(idr))
                for offset, dts, pts, size, _, idr in rows[first : first + count].tolist()
            ]
            for first, count in zip(
                fragments["first_sample"].tolist(), fragments["samples"].tolist(), strict=True
            )
        ]

    def repeated(self, gops: int) -> Iterator[list[Sample]]:
        """The samples of each of ``gops`` GOPs; the first sample of all keeps its time."""
        for number in range(gops):
            shift = number // UNIT * self._count * self.duration
            first = self._priming if number and number % UNIT == 0 else 0
            yield [
                Sample(sample.data, sample.dts + shift, sample.pts + shift, sample.is_idr)
                for sample in self.gops[number % UNIT][first:]
            ]


def _without_edit_list(init: bytes) -> bytes:
    """The writer adds the edit list again. Pictures without B-frames have none."""
    if b"edts" not in init:
        return init
    edit = init.index(b"edts") - 4
    size = int.from_bytes(init[edit : edit + 4], "big")
    shrunk = bytearray(init[:edit] + init[edit + size :])
    for kind in (b"moov", b"trak"):
        box = init.index(kind) - 4
        length = int.from_bytes(init[box : box + 4], "big") - size
        shrunk[box : box + 4] = length.to_bytes(4, "big")
    return bytes(shrunk)


def encode_unit(source: Path, output: Path, settings: EncodeSettings) -> None:
    """Encode a film of at least ``UNIT`` GOPs to be repeated."""
    encode_title(source, output, settings)
    assert Manifest.load(output).grid.gops > UNIT, "the film is too short to be repeated"


def repeat_title(unit: Path, output: Path, gops: int) -> Title:
    """A title of ``gops`` GOPs in the new folder ``output``, with all its tables."""
    facts = Manifest.load(unit)
    output.mkdir()
    names = [(each.name, 0) for each in facts.renditions]
    names += [(each.name, AAC_PRIMING) for each in facts.audio]
    for name, priming in names:
        track = _Track(unit, name, priming=priming)
        writer = TrackWriter(output, name, _without_edit_list(track.init), track.duration)
        for samples in track.repeated(gops):
            writer.write_fragment(samples)
        writer.finish()
    # The tables are others: without checksums, as in titles of manifest version 3.
    files = tuple(each for each in facts.files if not each.name.endswith(".npy"))
    manifest = replace(facts, frames=gops * facts.grid.gop_frames, subtitles=(), files=files)
    manifest.save(output)
    title = Title(output)
    measured = tuple(measure(title, rendition) for rendition in facts.renditions)
    replace(manifest, renditions=measured).save(output)
    return Title(output)


def progressive_copy(title: Title, rendition: str, path: Path) -> None:
    """The same packets as one ordinary MP4 with its sample table in front."""
    names = [rendition, *(facts.name for facts in title.manifest.audio)]
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as output:
        inputs = [av.open(str(title.folder / f"{name}.mp4")) for name in names]
        streams = [output.add_stream_from_template(source.streams[0]) for source in inputs]
        output.start_encoding()
        iterators = [source.demux(source.streams[0]) for source in inputs]
        heads = [next(iterator) for iterator in iterators]
        while heads:
            times = [float((head.dts or 0) * head.time_base) for head in heads]
            index = int(np.argmin(times))
            packet = heads[index]
            packet.stream = streams[index]
            output.mux_one(packet)
            packet = next(iterators[index])
            if packet.dts is None:
                for closing in (iterators, heads, streams):
                    closing.pop(index)
            else:
                heads[index] = packet
        for source in inputs:
            source.close()
