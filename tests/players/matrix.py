"""What players were seen to do, as a table in ``build/players/matrix.md``."""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build" / "players"
_HEAD = (
    "| player | version | format | played to the end | seeks | rendition | sound | subtitles |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


@dataclass(frozen=True)
class Row:
    """One player with one format; every text says what was seen, or why there is nothing to see."""

    player: str
    version: str
    format: str
    played: str
    seeks: str
    rendition: str
    sound: str
    subtitles: str

    def record(self) -> None:
        """Put it into the table, in the place of an earlier one of this player and format."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        # Tests run in several processes.
        with (FOLDER / "matrix.json").open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            rows = json.loads(file.read() or "{}")
            rows[f"{self.player} {self.format}"] = asdict(self)
            file.truncate(0)
            file.write(json.dumps(rows))
            lines = ("| " + " | ".join(rows[key].values()) + " |\n" for key in sorted(rows))
            (FOLDER / "matrix.md").write_text(_HEAD + "".join(lines), encoding="utf-8")
