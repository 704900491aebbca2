"""Prompts in, replies out: batched greedy decoding."""

from paper_repro.generate.settings import GenerateSettings
from paper_repro.generate.stage import GENERATE, generate, generate_inputs

__all__ = ["GENERATE", "GenerateSettings", "generate", "generate_inputs"]
