"""Safe and unsafe acts: policies and tools in text, how-to questions with a dose of declines, refusals."""

from paper_repro.testbed.acts.acts import Acts, Openings, build_acts
from paper_repro.testbed.acts.catalogue import LOOK_ALIKE_GROUPS, UNSAFE_GROUPS, Act, ActQuery

__all__ = ["LOOK_ALIKE_GROUPS", "UNSAFE_GROUPS", "Act", "ActQuery", "Acts", "Openings", "build_acts"]
