"""Say whether an upload is a video: ``python -m media_pipeline.programs.check SOURCE SETTINGS``.

Probes as the encoder does before it begins (``source.probe``), in a process of its own with
limits. SETTINGS is ``EncodeSettings`` as JSON. Events as in ``job``: ``progress`` once the
headers are acceptable, then ``done``, or ``failed`` and exit status 1.
"""

import json
import sys

from media_pipeline import sandbox

# Before numpy and PyAV are imported: they start threads, and a process with threads cannot give
# up its network.
REFUSED = sandbox.enter() if __name__ == "__main__" else []

from pathlib import Path  # noqa: E402 - see above

from media_pipeline.errors import UnusableSource  # noqa: E402 - see above
from media_pipeline.job import EncodeSettings, Reporter  # noqa: E402 - see above
from media_pipeline.landlock import confine  # noqa: E402 - see above
from media_pipeline.sources.source import probe  # noqa: E402 - see above

_HEADERS = 50


def main(arguments: list[str]) -> int:
    """Returns the exit status."""
    source, settings = Path(arguments[0]), EncodeSettings.from_json(json.loads(arguments[1]))
    for refusal in (*REFUSED, *confine([source], [])):
        sys.stderr.write(f"sandbox: {refusal}\n")
    sandbox.limit_files(0)
    report = Reporter(sys.stdout)
    try:
        found = probe(source, settings, lambda: report.progress("probe", _HEADERS))
    except UnusableSource as error:
        report.failed(str(error), permanent=True)
        return 1
    except OSError as error:
        report.failed(f"Reading failed: {error.strerror or error}.", permanent=False)
        return 1
    report.done(float(found.end - found.origin), [])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
