"""The C library's memory allocator, told to keep what is freed."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # from malloc.h
LARGE = 2**30


def keep_freed_memory() -> bool:
    """Make glibc reuse large freed blocks rather than give them back, for the rest of the process.

    A training step frees and asks for the same large tensors again and again; given back, each is new pages of zeros
    every time. Training on a CPU was 3 to 6 times faster this way. Returns whether all options were taken; elsewhere
    than under glibc nothing is done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    options = {M_MMAP_THRESHOLD: LARGE, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 2**26}
    taken = [mallopt(option, value) == 1 for option, value in options.items()]
    return all(taken)
