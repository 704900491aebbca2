"""The exact rules that judge replies in the testbed: plain functions of a text and a reference, without a model."""

from paper_repro.testbed.rules.acceptable import TaskVerdict, judge_task
from paper_repro.testbed.rules.content import content_is_right
from paper_repro.testbed.rules.references import ActReference, TaskReference, parse_reference, write_reference
from paper_repro.testbed.rules.refusal import ActVerdict, judge_act
from paper_repro.testbed.rules.requirements import requirement_is_met

__all__ = [
    "ActReference",
    "ActVerdict",
    "TaskReference",
    "TaskVerdict",
    "content_is_right",
    "judge_act",
    "judge_task",
    "parse_reference",
    "requirement_is_met",
    "write_reference",
]
