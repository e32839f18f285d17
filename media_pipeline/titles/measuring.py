"""Cutting every segment once, to know what the muxer makes of a title."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import xxhash

from media_pipeline.tables import TS_SEGMENT
from media_pipeline.titles.iframes import i_frames
from media_pipeline.titles.manifest import RenditionFacts
from media_pipeline.titles.measures import Measures, RenditionMeasures
from media_pipeline.titles.title import Mezzanine, Title
from media_pipeline.transport.mpegts import Counters, next_counters


def measure_rendition(title: Mezzanine, facts: RenditionFacts) -> RenditionMeasures:
    """Raises DamagedTitle."""
    grid = title.grid
    rows = np.zeros(grid.segment_count, TS_SEGMENT)
    idrs = []
    counters = Counters(0, 0, 0)
    peak = Fraction(0)
    for index in range(grid.segment_count):
        segment = title.mux_ts(facts.name, index, counters)
        rows[index] = (
            len(segment),
            xxhash.xxh3_64_intdigest(segment),
            counters.video,
            counters.audio,
        )
        idrs.append(i_frames(segment))
        counters = next_counters(segment, counters)
        peak = max(peak, len(segment) * 8 / grid.segment_seconds(index))
    average = int(rows["size"].sum()) * 8 / grid.duration
    facts = replace(facts, peak_bandwidth=-int(-peak // 1), average_bandwidth=-int(-average // 1))
    return RenditionMeasures(facts, rows, np.concatenate(idrs))


def measure_title(folder: Path) -> Measures:
    """All of a published title. Some segments are cut again by what was found, as they will be
    for viewers. Raises DamagedTitle."""
    mezzanine = Mezzanine(folder)
    mezzanine.check_tracks()
    measures = Measures(
        {facts.name: measure_rendition(mezzanine, facts) for facts in mezzanine.manifest.renditions}
    )
    measures = Measures.from_bytes(measures.to_bytes(), mezzanine.manifest)
    title = Title(folder, measures)
    for name in title.names:
        for index in {0, title.grid.segment_count - 1}:
            title.cut_ts(name, index)
    return measures
