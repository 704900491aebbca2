"""Tuning: RT and IT through TRL, on sequences and labels that this package builds itself."""

from paper_repro.train.settings import LoraSettings, TrainSettings
from paper_repro.train.stage import TRAIN, follow_leader, stage_call, train

__all__ = ["TRAIN", "LoraSettings", "TrainSettings", "follow_leader", "stage_call", "train"]
