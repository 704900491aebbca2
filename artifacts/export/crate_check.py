"""Validate an RO-Crate with the validator of its makers' community (roc-validator), without the network."""

from __future__ import annotations

import io
import logging
import tempfile
from importlib.resources import files
from pathlib import Path

from artifacts.errors import StageError
from artifacts.export.folders import needs

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def check_crate(folder: Path, profile: str) -> None:
    """Validate a crate against a profile and all that it builds on: every requirement that a crate must meet.

    The validator asks for the JSON-LD context of RO-Crate 1.1 by its address; it gets the copy that the library rocrate
    brings, out of a cache made for this one call.

    Args:
        folder: The crate.
        profile: `workflow-run-crate` or `process-run-crate`.

    Raises:
        UserError: the validator is not installed.
        StageError: the crate does not meet the profile; each fault is named.
    """
    try:
        from rocrate_validator import services
    except ImportError:
        raise needs("roc-validator") from None
    logging.getLogger("rocrate_validator").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "http"
        _seed(cache)
        result = services.validate(
            {
                "rocrate_uri": str(folder),
                "profile_identifier": profile,
                "requirement_severity": "REQUIRED",
                "offline": True,
                "cache_path": str(cache),
                "skip_availability_check": True,
            }
        )
    if not result.passed():
        faults = sorted({f"{issue.check.identifier}: {issue.message}" for issue in result.get_issues()})
        raise StageError(f"the crate does not meet {profile}:\n  - " + "\n  - ".join(faults), where=str(folder))


def _seed(cache: Path) -> None:
    """Put the context into a cache of the validator's kind."""
    import requests
    from requests_cache import CachedSession
    from urllib3 import HTTPResponse

    body = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()
    headers = {"Content-Type": "application/ld+json"}
    response = requests.Response()
    response.status_code, response.reason, response.url = 200, "OK", CONTEXT
    response.request = requests.Request("GET", CONTEXT).prepare()
    response.headers.update(headers)
    response._content = body
    response.raw = HTTPResponse(
        body=io.BytesIO(body), status=200, headers=headers, preload_content=False, request_url=CONTEXT
    )
    with CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1) as session:
        session.cache.save_response(response)
