"""How long to wait between two calls."""

from __future__ import annotations

import asyncio
import random
import time

from data_curation.llm_client.server import ServerSettings


def wait_before(server: ServerSettings, key: str, call: int, retry_after: float | None) -> float:
    """Seconds to wait after call number `call` (from 1) of the request `key` has failed.

    Exponential, and drawn between half and all of it, so that many requests that failed together do not come back
    together. The draw depends on seed, request and call alone, not on the order in which calls return. What the
    server asks for is waited in full, and the draw on top of it.
    """
    longest = min(server.longest_backoff_s, server.backoff_s * 2.0 ** min(call - 1, 60))
    drawn = longest * random.Random(f"{server.seed}:{key}:{call}").uniform(0.5, 1)  # noqa: S311 (no secret)
    return drawn + (retry_after or 0.0)


class Gate:
    """Holds all requests back while the server has asked for a pause."""

    def __init__(self) -> None:
        self._until = 0.0

    def close(self, seconds: float) -> None:
        """Let nothing through for so long from now."""
        self._until = max(self._until, time.monotonic() + seconds)

    async def passed(self) -> None:
        """Wait until nothing holds back."""
        while (left := self._until - time.monotonic()) > 0:
            await asyncio.sleep(left)
