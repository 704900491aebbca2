"""Numbers of a benchmark from a file of judge records alone: labels of replies, or what the official tools write."""

from paper_repro.score.records.score import RECORDS, score_file

__all__ = ["RECORDS", "score_file"]
