"""Verdicts in, one tidy results table out."""

from paper_repro.score.stage import SCORE, ScoreSettings, score, score_inputs

__all__ = ["SCORE", "ScoreSettings", "score", "score_inputs"]
