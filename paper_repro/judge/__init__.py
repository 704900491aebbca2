"""Replies in, verdicts out. A judge is a folder: `judge.yaml` says what it is, `judge.py` does it."""

from paper_repro.judge.stage import JUDGE, JudgeSettings, judge

__all__ = ["JUDGE", "JudgeSettings", "judge"]
