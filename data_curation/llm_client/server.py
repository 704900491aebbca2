"""Where the answers come from and how patiently they are asked for. No part of any digest."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from pydantic import Field

from artifacts.errors import UserError
from artifacts.settings import Settings

KEY_VARIABLE = "OPENAI_API_KEY"
NO_KEY = "none"  # the openai package wants one; servers without keys do not look at it
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ServerSettings(Settings):
    """An OpenAI-compatible server.

    Address and key are checked by `base_url` and `key`, not when settings are made: messages about settings show the
    value found, and either may hold a secret.

    Attributes:
        url: Address of the server (`http://127.0.0.1:8000/v1`; `/v1` is added to an address without a path).
        key_variable: Environment variable that holds the key; None = `OPENAI_API_KEY` if it is set, else no key.
        concurrency: Requests on their way at a time.
        timeout_s: Longest time for one call, from sending to the last byte, in seconds.
        retries: Further calls for a request whose call failed in passing.
        backoff_s: Longest wait before the first further call; it doubles with each, and a draw between half of it
            and all of it is waited.
        longest_backoff_s: What it stops doubling at.
        wait_budget_s: Longest time that one request may wait between its calls, all of them together; a server that
            asks for more (Retry-After) makes the request fail at once.
        give_up_after: A run stops when so many requests in a row have failed.
        seed: Seed of the draws.
    """

    url: str | None = None
    key_variable: str | None = None
    concurrency: int = Field(default=16, ge=1, le=1024)
    timeout_s: float = Field(default=600, gt=0)
    retries: int = Field(default=6, ge=0, le=100)
    backoff_s: float = Field(default=1, ge=0)
    longest_backoff_s: float = Field(default=60, ge=0)
    wait_budget_s: float = Field(default=900, ge=0)
    give_up_after: int = Field(default=20, ge=1)
    seed: int = Field(default=0, ge=0)

    def base_url(self) -> str:
        """The address to use.

        Raises:
            UserError: none is given, it is no http address, or it holds a user, a password or a query. The message
                does not repeat it.
        """
        if self.url is None:
            raise UserError("the address of a server is needed", fix="give --server http://HOST:PORT/v1")
        try:
            parts = urlsplit(self.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise UserError("the server's address is not one", fix="it looks like http://HOST:PORT/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise UserError(
                "the server's address holds more than host, port and path",
                fix="a key or password belongs into an environment variable (server.key_variable)",
            )
        return self.url.rstrip("/") if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/v1"

    def key(self) -> str:
        """The key, from the environment, or `NO_KEY`.

        Raises:
            UserError: the variable named is not set, or holds what cannot be a key. A name that could be the key itself
                is not repeated.
        """
        found = os.environ.get(self.key_variable or KEY_VARIABLE, "").strip()
        if not (found.isascii() and found.isprintable()):
            # refused here: the error of the HTTP library would show it
            raise UserError("the key in the environment holds characters that no key has")
        if not found and self.key_variable is None:
            return NO_KEY
        if not found:
            plain = re.fullmatch("[A-Z][A-Z0-9_]{0,40}", self.key_variable)
            name = f"'{self.key_variable}'" if plain else "that server.key_variable names"
            raise UserError(
                f"the environment variable {name} is not set",
                fix="server.key_variable takes the name of a variable, never the key itself",
            )
        return found

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: then no proxy is used."""
        return urlsplit(self.url or "").hostname in _LOOPBACK
