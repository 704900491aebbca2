"""Copies of artifacts that leave this machine: whole, checked, and without what a manifest says of the machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from artifacts.manifest import Artifact, verify_outputs, write_manifest
from artifacts.stage import VIEWS

# of a manifest's provenance, what is nobody else's business; none of it is part of the digest
_PRIVATE = ("host", "inputs")


def copy_artifact(artifact: Artifact, into: Path) -> Artifact:
    """Copy an artifact's files into a new or empty folder, then its manifest; returns the copy.

    What its stage wrote beside its data (`VIEWS`) comes along.

    Raises:
        DigestError: a file, or its copy, is not what the manifest says.
    """
    verify_outputs(artifact)
    views = (name for name in VIEWS if (artifact.path / name).is_file())
    for file in (*artifact.identity.outputs, *views):
        copy = into / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact.path / file, copy)
    provenance = {key: value for key, value in artifact.provenance.items() if key not in _PRIVATE}
    copied = artifact.model_copy(update={"path": into, "provenance": provenance})
    verify_outputs(copied)
    write_manifest(copied)
    return copied
