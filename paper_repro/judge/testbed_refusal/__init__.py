"""The exact judge of replies to the testbed's how-to questions about acts."""
