"""Response ranking: how often a model finds the right response likelier than one that answers another instruction.

Source: the probe of Hewitt et al. 2024, "Instruction Following without Instruction Tuning" (arXiv:2409.14254): it asks
of base models what response tuning presupposes.
"""

from paper_repro.ranking.settings import RankSettings
from paper_repro.ranking.stage import RANK, rank, rank_inputs

__all__ = ["RANK", "RankSettings", "rank", "rank_inputs"]
