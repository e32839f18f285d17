"""How many files and connections a process may have open."""

import resource


def allow_all_descriptors() -> int:
    """Raise this process's limit to what it may have (``LimitNOFILE`` of its unit, ``ulimit -Hn``);
    returns it. The usual soft limit of 1,024 is there for programs that use select(2), which can
    name no more than that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
