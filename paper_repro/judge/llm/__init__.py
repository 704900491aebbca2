"""Judges that ask a language model: a prompt, a model and its decoding as data, and a rule that reads the reply.

A judge of this kind is a folder with `judge.yaml` (kind `llm`), `prompt.yaml`, and a module with three names:
`Parameters` (a `LlmParameters`), `ask(row, parameters)`, the messages for one reply, a list as long as there are calls,
and `read(row, replies, parameters)`, the opinion that the model's texts amount to. Sending, keeping, retrying and
counting are the same for all of them and stand here.
"""

from paper_repro.judge.llm.ask import judge_rows, plan_rows
from paper_repro.judge.llm.parameters import JudgeDecoding, JudgeModel, JudgePrompt, LlmParameters, PairParameters

__all__ = ["JudgeDecoding", "JudgeModel", "JudgePrompt", "LlmParameters", "PairParameters", "judge_rows", "plan_rows"]
