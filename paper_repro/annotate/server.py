"""Serving a campaign: on this machine alone unless told otherwise."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from artifacts.errors import UserError
from paper_repro.annotate.campaign import Campaign

log = logging.getLogger("rt")
PORT = 8742


def bind(host: str, port: int) -> socket.socket:
    """A listening socket (IPv4); port 0 takes a free one.

    Raises:
        UserError: the port is taken, or the host is none of this machine's addresses.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise UserError(
            f"cannot listen there: {getattr(error, 'strerror', None) or error}",
            where=f"{host}:{port}",
            fix="give another --port (0: any free one), or leave --host out",
        ) from None
    listening.listen(128)
    return listening


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def warn_of_host(host: str) -> None:
    """Say what it means to listen on an address that others can reach."""
    if not is_loopback(host):
        log.warning(
            "annotate: listening on %s: everyone who reaches this machine can try links, and links and ratings go over "
            "the network unencrypted. A tunnel (ssh -L) or a proxy with TLS in front of 127.0.0.1 avoids both.",
            host,
        )


def links(tokens: Mapping[str, str], host: str, port: int, url: str | None = None) -> dict[str, str]:
    """The private link of each rater; `url` is the address they use where something stands before the server."""
    root = f"http://{host}:{port}" if url is None else url.rstrip("/")
    return {name: f"{root}/r/{token}/" for name, token in tokens.items()}


def host_of(url: str | None) -> str | None:
    """Host name of the address that raters use; refused if it is no plain http(s) address, as paths are our own."""
    if url is None:
        return None
    given = urlsplit(url)
    if given.scheme not in ("http", "https") or not given.hostname or given.path.strip("/") or given.query:
        raise UserError("not an address of a server", where=url, fix="as https://rate.example.org, without a path")
    return given.hostname


def serve(campaign: Campaign, listening: socket.socket, url: str | None = None) -> None:
    """Answer until interrupted. Requests are not logged: their paths are the raters' secrets."""
    import uvicorn

    from paper_repro.annotate.app import LOOPBACK, make_app

    host = listening.getsockname()[0]
    named = (host_of(url),) if url else ()
    app = make_app(campaign, (*LOOPBACK, host, *named) if is_loopback(host) else ("*", *named))
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run(sockets=[listening])
