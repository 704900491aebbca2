"""Artifacts: what every stage writes, how it is named, verified and found again.

The left-most package of the flow: it imports none of the others.
"""

__version__ = "0.1.0"
