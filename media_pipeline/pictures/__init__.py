"""From decoded pictures to renditions: rate, shape and colours, H.264, track files."""
