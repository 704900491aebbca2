"""When, where and by which code work was done: what a manifest keeps beside its identity, never part of a digest."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any


@cache
def processor() -> str:
    """Name of the processor, as the system tells it; empty where it does not."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Main memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def peak_memory_mb() -> int:
    """Most memory that this process has held, in MiB."""
    import resource  # absent on Windows, where nothing asks for this at import

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


def machine_facts() -> dict[str, str]:
    """System and architecture, processor and Python: what a manifest's provenance keeps of the machine."""
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "python": platform.python_version(),
    }


def run_facts(started: float, seconds: float) -> dict[str, Any]:
    """Provenance of work that began at `started` (seconds since 1970) and took `seconds`, however the clock was set."""
    return {
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "duration_s": round(seconds, 3),
        "host": platform.node(),
        **machine_facts(),
        "commit": commit(),
    }


@cache
def commit() -> str | None:
    """Commit of the checkout this package runs from (with '-dirty'), or None for an installed wheel."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
