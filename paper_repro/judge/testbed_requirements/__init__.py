"""The exact judge of replies to the testbed's format requests."""
