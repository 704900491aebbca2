"""The paper's experiment: tune, generate, judge, score and report."""
