"""Filters: one rule on one response, each a datatrove block, so that the same block runs in its executors too."""
