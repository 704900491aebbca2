"""People's verdicts on preference: made by `rt annotate export`, never by `rt judge`."""
