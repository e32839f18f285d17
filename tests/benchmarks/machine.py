"""What figures depend on."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import tornado


def _program_version(*command: str) -> str:
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (found.stdout + found.stderr).splitlines()[0].split(" Copyright")[0]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "tornado": tornado.version,
        "numpy": np.__version__,
        "av": av.__version__,
        "nginx": _program_version("nginx", "-v"),
        "wrk": _program_version("wrk", "-v"),
    }
