"""People rate replies: a page on this machine, one link a rater, verdicts out (the paper's Figure 7)."""

from paper_repro.annotate.campaign import Campaign, open_campaign, start_campaign
from paper_repro.annotate.settings import AnnotateSettings

__all__ = ["AnnotateSettings", "Campaign", "open_campaign", "start_campaign"]
