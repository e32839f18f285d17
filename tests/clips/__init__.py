"""Test clips that can be read back: a generator, its readers, and real clips.

``spec`` says what a clip holds, ``generate`` makes it, ``read`` reads pictures' numbers, flashes
and beeps from any file or file object, ``repeat`` makes long films out of short ones without
encoding, ``real`` names four real clips, ``fixtures`` keeps clips for a whole test session.
"""
