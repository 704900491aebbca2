"""What can go wrong with a call: which faults pass, which stay, and which end the run."""

from __future__ import annotations

import email.utils
import math
import time
from collections.abc import Mapping

from artifacts.errors import ResponseTuningError, StageError, UserError

# reason of a fault, and whether a further call may help
REASONS = {
    "timeout": True,
    "connection": True,  # refused, reset, or cut before the last byte
    "rate_limited": True,
    "server_error": True,
    "broken_reply": True,  # not JSON, or not a chat completion
    "empty": True,  # no text in it
    "wrong_finish": True,  # ended by something that is no end of a text
    "filtered": False,  # withheld by a filter of the server
    "bad_request": False,  # the server will not take it: too long, for one
}
_RATE, _PASSING, _REFUSED, _UNKNOWN = (429,), (408, 409, 425), (401, 402, 403), (404,)
_LONGEST = 300  # characters kept of what a server says
_SPENT = ("insufficient_quota", "billing_hard_limit_reached")


class Fault(Exception):
    """One call that gave no answer.

    Attributes:
        reason: One of `REASONS`.
        detail: What was said about it, short and without the key.
        retry_after: Seconds that the server asks to wait, or None.
    """

    def __init__(self, reason: str, detail: str, retry_after: float | None = None):
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Whether a further call may help."""
        return REASONS[self.reason]


def fault_of_status(
    status: int, said: str, code: str | None, headers: Mapping[str, str]
) -> Fault | ResponseTuningError:
    """What an HTTP status other than success means: a fault of this call, or an error that ends the run."""
    detail = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if code in _SPENT:
        return StageError(f"the server's account is spent ({detail})", fix="what was answered is kept")
    if status in _REFUSED:
        return UserError(
            f"the server refuses access ({detail})",
            fix="put the key into the environment variable OPENAI_API_KEY, or name another by server.key_variable",
        )
    if status in _UNKNOWN:
        return UserError(f"the server knows no such model or address ({detail})", fix="check --server and --model")
    if status in _RATE:
        return Fault("rate_limited", detail, retry_after(headers))
    if status in _PASSING or status >= 500:
        return Fault("server_error", detail, retry_after(headers))
    return Fault("bad_request", detail)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: `retry-after-ms`, else `Retry-After` as seconds or as a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())


def plain(text: str, key: str) -> str:
    """What a server said, on one line, cut, and without the key."""
    line = " ".join(text.replace(key, "***").split()) if key else " ".join(text.split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
