"""The worker process: claims jobs until it is told to stop."""

from videoflix.worker.loop import run_worker

__all__ = ["run_worker"]
