"""One connection to a server, through the openai package: a call gives an answer or a fault."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from artifacts.errors import ResponseTuningError
from data_curation.llm_client.faults import Fault, fault_of_status, plain
from data_curation.llm_client.reply import read_reply
from data_curation.llm_client.requests import Answer, Request
from data_curation.llm_client.server import NO_KEY, ServerSettings
from data_curation.llm_client.settings import ModelSettings
from data_curation.optional import require

log = logging.getLogger("rt")


class Connection:
    """An open client of the openai package with its own retries off: ours are counted, seeded and bounded.

    The key goes from the environment into the header of a request, and nowhere else. Errors of the package hold the
    request with its headers: none is passed on or chained, and what the server said is cleaned of the key.
    """

    def __init__(self, model: ModelSettings, server: ServerSettings):
        self.model, self.server = model, server
        self._openai = require("openai")
        key = server.key()
        self._secret = "" if key == NO_KEY else key
        url = server.base_url()
        if self._secret and not server.is_local and url.startswith("http:"):
            log.warning("the key goes to %s without encryption", urlsplit(url).hostname)
        self._client = self._openai.AsyncOpenAI(
            base_url=url,
            api_key=key,
            max_retries=0,
            timeout=server.timeout_s,
            http_client=self._openai.DefaultAsyncHttpxClient(trust_env=not server.is_local),
        )

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def call(self, request: Request) -> Answer | Fault:
        """Send a request once.

        Raises:
            ResponseTuningError: no further call of this run can succeed (no access, no such model).
        """
        try:
            # the timeout of the HTTP library is one between two bytes; this is one of the whole call
            async with asyncio.timeout(self.server.timeout_s):
                body = await self._send(request)
            return read_reply(body, chat=request.prompt is None, may_be_blank=request.may_be_blank)
        except Fault as fault:
            return Fault(fault.reason, plain(fault.detail, self._secret), fault.retry_after)
        except TimeoutError:
            return Fault("timeout", f"no whole answer within {self.server.timeout_s:g} s")
        except self._openai.OpenAIError as error:
            found = self._fault(error)
        if isinstance(found, ResponseTuningError):
            raise found
        return found

    async def _send(self, request: Request) -> bytes:
        """The body of the reply to a request."""
        decoding = self.model.decoding
        if request.prompt is not None:
            reply = await self._client.completions.with_raw_response.create(
                model=self.model.name,
                prompt=request.prompt,
                extra_body=decoding.extra or None,
                **decoding.parameters(),
            )
            return reply.http_response.content
        messages: Any = [{"role": role, "content": content} for role, content in request.messages]
        reply = await self._client.chat.completions.with_raw_response.create(
            model=self.model.name, messages=messages, extra_body=decoding.extra or None, **decoding.parameters()
        )
        return reply.http_response.content

    def _fault(self, error: Exception) -> Fault | ResponseTuningError:
        """What an error of the openai package means."""
        package = self._openai
        if isinstance(error, package.APITimeoutError):
            return Fault("timeout", f"no whole answer within {self.server.timeout_s:g} s")
        if isinstance(error, package.APIStatusError):
            said = plain(_said(error), self._secret)
            return fault_of_status(error.status_code, said, error.code, error.response.headers)
        if isinstance(error, package.APIConnectionError):
            cause = error.__cause__
            said = f"{type(cause).__name__}: {cause}" if cause is not None else str(error)
            return Fault("connection", plain(said, self._secret))
        return Fault("broken_reply", plain(f"{type(error).__name__}: {error}", self._secret))


def _said(error: Any) -> str:
    """The message in the body of an error, or the body."""
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return body["message"]
    return error.response.text if body is None else str(body)
