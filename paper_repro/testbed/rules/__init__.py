"""The exact rules that judge replies in the testbed: plain functions of a text and a reference, without a model."""

from paper_repro.testbed.rules.content import content_is_right

__all__ = ["content_is_right"]
