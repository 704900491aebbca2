"""The exact judge of replies to the testbed's tasks."""
