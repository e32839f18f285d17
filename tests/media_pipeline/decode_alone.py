"""``python -m tests.media_pipeline.decode_alone FILE...`` decodes each file from its start.

libav's error lines go to standard error, as a player's would; it prints how many pictures and
blocks of sound each file gave.
"""

import sys

import av
import av.logging


def main(paths: list[str]) -> None:
    av.logging.restore_default_callback()
    av.logging.set_libav_level(av.logging.ERROR)
    for path in paths:
        with av.open(path) as container:
            counts = {"video": 0, "audio": 0}
            for packet in container.demux():
                for _ in packet.decode():
                    counts[packet.stream.type] += 1
        sys.stdout.write(f"{counts['video']} {counts['audio']}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
