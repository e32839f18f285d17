"""MPEG-TS (ISO/IEC 13818-1) of samples that are in memory: packets, tables, elementary streams."""
