"""Verdicts in, one tidy results table out."""
