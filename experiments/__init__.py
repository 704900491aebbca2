"""Profiles and the workflow that runs the stages in order."""
