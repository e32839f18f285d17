"""Damage to titles, as a bad disk does it, and titles as earlier versions wrote them."""

import json
from pathlib import Path

from media_pipeline.titles.manifest import MANIFEST


def flip(path: Path, byte: int, mask: int = 1) -> None:
    """Change bits of one byte; negative ones count from the end."""
    data = bytearray(path.read_bytes())
    data[byte] ^= mask
    path.write_bytes(data)


def as_version_3(folder: Path) -> None:
    """Take the checksums of tables and of the manifest away: what version 3 was."""
    path = folder / MANIFEST
    values = json.loads(path.read_bytes())
    del values["checksum"]
    values["version"] = 3
    values["files"] = [each for each in values["files"] if not each["name"].endswith(".npy")]
    path.write_text(json.dumps(values))
