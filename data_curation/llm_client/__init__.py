"""Ask any OpenAI-compatible server many things, lose nothing and invent nothing.

`complete` sends requests a few at a time, tries again what failed in passing, and keeps every answer on disk the moment
it comes, so that a killed run goes on where it stopped and a later run asks nothing twice. What could not be had is a
`Failure` with its reason, never an empty answer. `plan` counts calls and tokens without sending anything.

The rewriting of responses and the judges use it; each hands over messages and reads the answers' text itself.
"""

from __future__ import annotations

from data_curation.llm_client.client import Batch, Counts, complete
from data_curation.llm_client.plan import Plan, plan
from data_curation.llm_client.requests import Answer, Failure, Outcome, Request, request_key
from data_curation.llm_client.server import ServerSettings
from data_curation.llm_client.settings import Decoding, ModelSettings
from data_curation.llm_client.store import AnswerStore, default_store

__all__ = [
    "Answer",
    "AnswerStore",
    "Batch",
    "Counts",
    "Decoding",
    "Failure",
    "ModelSettings",
    "Outcome",
    "Plan",
    "Request",
    "ServerSettings",
    "complete",
    "default_store",
    "plan",
    "request_key",
]
