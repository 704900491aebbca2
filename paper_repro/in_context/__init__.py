"""In context: untuned weights are shown pairs (URIAL), responses alone (URIAL-R), or nothing (0-shot)."""

from paper_repro.in_context.prompts import METHOD_OF_STYLE, Style, prompt_text, read_demonstrations, trimmed
from paper_repro.in_context.template import Demonstration, Template, load_template, template_names

__all__ = [
    "METHOD_OF_STYLE",
    "Demonstration",
    "Style",
    "Template",
    "load_template",
    "prompt_text",
    "read_demonstrations",
    "template_names",
    "trimmed",
]
