"""Python for another process: a function that takes all the memory there is, keeps it and fails for want of more."""

from __future__ import annotations

import sys

import pytest

TAKE_ALL = """
import resource

kept = None  # a chain: a list would have to be moved to grow, and give up early

def take_all(*_):
    global kept
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + (1 << 24)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for size in (1 << 20, 1 << 12, 1 << 8, 1):
        try:
            while True:
                kept = (kept, bytearray(size))
        except MemoryError:
            pass
    raise MemoryError
"""

needs_a_bound = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells the size of a process and bounds it"
)
