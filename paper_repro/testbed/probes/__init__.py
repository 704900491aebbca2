"""What a base model knows before it is tuned: look-ups in its own formats, facts by likelihood, first-token margins."""

from __future__ import annotations

from paper_repro.testbed.probes.probe import ProbeSettings, probe

__all__ = ["ProbeSettings", "probe"]
