"""Optional packages, named plainly when they are absent."""

from __future__ import annotations

import importlib
from types import ModuleType

from artifacts.errors import UserError


def require(module: str, extra: str = "curate") -> ModuleType:
    """Import `module`, or raise a UserError that says which extra of this package installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise UserError(
            f"the package '{error.name}' is needed for this and not installed",
            fix=f"install the extra '{extra}' (in a checkout: pip install -c constraints.txt -e '.[{extra}]')",
        ) from None
