"""What the record of a video says of its published title."""

from pathlib import Path

from media_pipeline.errors import DamagedTitle
from media_pipeline.titles.manifest import Manifest
from videoflix.models import TitleFacts


def title_facts(folder: Path) -> TitleFacts | None:
    """Of the finished title in ``folder``; None where it does not say. Blocks."""
    try:
        manifest = Manifest.load(folder)
    except DamagedTitle:
        return None
    return TitleFacts(
        milliseconds=round(manifest.grid.duration * 1000),
        renditions=tuple(facts.name for facts in manifest.renditions),
        size=sum(path.stat().st_size for path in folder.iterdir()),
    )
