"""Memory for temporaries, kept by the process from one iteration to the next.

glibc hands a freed block of some megabytes back to the system, and the next temporary of that size begins with page faults: a third of
the time of an iteration on 1,000 groups. Other C libraries, and systems, are left as they are.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of settings in glibc's malloc.h."""
LARGEST_TEMPORARY = 32 << 20
"""Bytes: the largest threshold that glibc allows."""
KEPT = 256 << 20
"""Bytes at the end of the heap that are not handed back."""


@cache
def keep_freed_memory() -> None:
    """Asks the C library to serve temporaries from what was freed before. For the whole process, once."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, LARGEST_TEMPORARY)
        mallopt(TRIM_THRESHOLD, KEPT)
