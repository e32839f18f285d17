"""What runs in a process of its own, with limits: ``python -m media_pipeline.programs.<name>``."""
