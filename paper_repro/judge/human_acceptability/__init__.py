"""People's verdicts on acceptability: made by `rt annotate export`, never by `rt judge`."""
