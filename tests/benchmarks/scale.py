"""How much is measured: all of it, or little, to see that the benchmarks still work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Seconds and counts of each measure."""

    cuts: int = 60
    requests: int = 40  # of single segments, one after the other
    rounds: int = 5  # of throughput, server and nginx in turns
    seconds: float = 3.0  # of each throughput
    documents_seconds: float = 3.0
    documents_rounds: int = 3
    titles: int = 100  # of the catalogue
    busy_seconds: float = 10.0
    viewers: int = 100
    watched: int = 8  # segments that each viewer plays
    pace: float = 1.0  # seconds that a second of the film takes
    memory_titles: int = 50
    memory_segments: int = 10_000
    memory_step: float = 5.0  # seconds between two looks


FULL = Scale()
QUICK = Scale(
    cuts=2,
    requests=3,
    rounds=1,
    seconds=1,
    documents_seconds=1,
    documents_rounds=1,
    titles=3,
    busy_seconds=1,
    viewers=2,
    watched=2,
    pace=0.05,
    memory_titles=2,
    memory_segments=20,
    memory_step=1,
)
