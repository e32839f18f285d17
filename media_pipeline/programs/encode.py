"""The encoder child: ``python -m media_pipeline.programs.encode JOB.json`` (see ``job``).

It limits itself first, then probes, encodes, verifies, and ends with one line that says how it
went. Whatever a stranger's file does to it, it takes nothing along but itself.
"""

import errno
import sys

from media_pipeline import sandbox

# Before numpy and PyAV are imported: they start threads, and a process with threads cannot give
# up its network.
REFUSED = sandbox.enter() if __name__ == "__main__" else []

import shutil  # noqa: E402 - see above
from pathlib import Path  # noqa: E402 - see above

from media_pipeline.encoding.part_encode import encode_part, limit_files, write_plan  # noqa: E402 - see above
from media_pipeline.encoding.transcode import Transcoder  # noqa: E402 - see above
from media_pipeline.encoding.verify import verify_title  # noqa: E402 - see above
from media_pipeline.errors import MediaError, NotInChunks, UnusableSource  # noqa: E402 - see above
from media_pipeline.job import EncodeJob, Reporter  # noqa: E402 - see above
from media_pipeline.landlock import confine  # noqa: E402 - see above
from media_pipeline.sources.source import probe  # noqa: E402 - see above

_PROBED = 2
_ENCODED = 92


def encode_title(job: EncodeJob, report: Reporter) -> None:
    """Make ``job.output`` from ``job.source``; of a film that is to be encoded in chunks only the
    plan, where the job asks for one. Leaves no folder behind when it raises."""
    report.progress("probe", 0)
    source = probe(job.source, job.settings)
    report.progress("probe", _PROBED)
    limit_files(job.settings, source.rate, source.end - source.origin)
    if job.part is not None and write_plan(job, job.part, source):
        report.done(0.0, [])
        return

    def encoded(frames: int, speed: float) -> None:
        share = min(1.0, frames / source.expected)
        report.progress("encode", _PROBED + share * (_ENCODED - _PROBED), frames, speed)

    job.output.mkdir(mode=0o700)
    try:
        transcoder = Transcoder(source, job.output, job.settings, encoded)
        grid = transcoder.run(job.source)

        def verified(share: float) -> None:
            report.progress("verify", _ENCODED + share * (99 - _ENCODED), grid.frames)

        manifest = verify_title(
            job.output,
            grid,
            transcoder.renditions,
            transcoder.sides,
            verified,
            threads=job.settings.thread_count,
        )
    except BaseException:
        shutil.rmtree(job.output, ignore_errors=True)
        raise
    report.done(float(grid.duration), [facts.name for facts in manifest.renditions])


def _confine(job: EncodeJob) -> list[str]:
    """See ``landlock``; the output's folder is the job's own workspace."""
    parts = [] if job.part is None else [job.part.plan, *job.part.folders]
    return confine([job.source, *parts], [job.output.parent])


def _plainly(error: OSError) -> str:
    if error.errno == errno.EFBIG:
        return "A file of the title became larger than this system lets it be."
    return f"Reading or writing failed: {error.strerror or error}."


def main(arguments: list[str]) -> int:
    report = Reporter(sys.stdout)
    try:
        job = EncodeJob.load(Path(arguments[0]))
        for refusal in (*REFUSED, *_confine(job)):
            sys.stderr.write(f"sandbox: {refusal}\n")
        if job.part is None or job.part.kind == "plan":
            encode_title(job, report)
        else:
            encode_part(job, job.part, report)
            report.done(0.0, [])
    except UnusableSource as error:
        report.failed(str(error), permanent=True)
        return 1
    except NotInChunks as error:
        report.failed(str(error), permanent=False, whole=True)
        return 1
    except MediaError as error:
        report.failed(str(error), permanent=False)
        return 1
    except OSError as error:
        report.failed(_plainly(error), permanent=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
