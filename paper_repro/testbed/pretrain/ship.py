"""Shipping a finished base to `artifacts/testbed/<name>/` with its card; whether one made again equals it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts import shipped
from artifacts.errors import StageError, UserError
from artifacts.files import write_json, write_text
from artifacts.manifest import Artifact, read_manifest, verify_outputs
from artifacts.shipped import CARD, README, digests
from artifacts.shipped_pins import write_pin
from paper_repro.testbed.pretrain.card import make_card
from paper_repro.testbed.pretrain.readme import render_readme
from paper_repro.testbed.pretrain.settings import PretrainSettings
from paper_repro.testbed.pretrain.stage import CURVE

LIMIT_MB = 60  # of all shipped bases together
LOSS_TOLERANCE = 0.02  # nats a token: other machines and threads add up in another order, and training amplifies that


def default_name(settings: PretrainSettings) -> str:
    """Name that a base is shipped by: `testbed-<size>-<corpus>-<seed>`."""
    return f"testbed-{settings.size}-{settings.corpus}-{settings.seed}"


def ship(base: Path, probes: Mapping[str, Any], name: str | None = None, *, overwrite: bool = False) -> Path:
    """Copy a finished base to the shipped ones, with its card, and pin it; returns its folder.

    Args:
        base: What the pretrain stage made.
        probes: What `probe` found.
        name: Its name; None: `default_name`.
        overwrite: Replace one that is shipped already.

    Raises:
        UserError: the name is taken, or all shipped bases together would be too large.
        DigestError: files of the base were changed.
    """
    artifact = read_manifest(base, kind="base-model")
    verify_outputs(artifact)
    name = name or default_name(PretrainSettings.model_validate(artifact.identity.settings))
    out = shipped.SHIPPED / name
    if out.exists() and not overwrite:
        raise UserError(f"'{name}' is shipped already", where=str(out), fix="pass --overwrite to replace it")
    part = shipped.SHIPPED / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name_of_file in sorted(artifact.identity.outputs):
        if name_of_file != CURVE:
            shutil.copyfile(base / name_of_file, part / name_of_file)
    card = make_card(name, artifact, part, dict(probes))
    write_json(part / CARD, card)
    write_text(part / README, render_readme(card))
    _check_size(part, out)
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    write_pin(name)
    return out


def differences(rebuilt: Artifact, card: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """How a rebuilt base differs from a shipped one.

    Returns:
        Faults (another corpus, or a held-out loss beyond the tolerance), and remarks (other bytes within it).
    """
    faults, remarks = [], []
    for key in ("tokens_sha256", "tokenizer_sha256"):
        if rebuilt.summary["corpus"][key] != card["corpus"][key]:
            faults.append(f"the corpus differs: {key} is {rebuilt.summary['corpus'][key]}, not {card['corpus'][key]}")
    change = abs(rebuilt.summary["held_out_loss"] - card["held_out_loss"])
    if change > LOSS_TOLERANCE:
        faults.append(f"the held-out loss differs by {change:.4f} nats (at most {LOSS_TOLERANCE} is expected)")
    found = digests(rebuilt.path)
    other = [name for name, digest in card["files"].items() if found.get(name) != digest]
    if other:
        remarks.append(f"other bytes: {', '.join(other)}; the held-out loss differs by {change:.5f} nats")
    return faults, remarks


def check_rebuilt(rebuilt: Artifact, card: Mapping[str, Any]) -> str:
    """One line that says how a rebuilt base compares; bytes need to be equal only on the machine of the card.

    Raises:
        StageError: it is not the same base.
    """
    faults, remarks = differences(rebuilt, card)
    made = card["made"]
    here = (rebuilt.provenance["hardware"], rebuilt.identity.threads, rebuilt.identity.packages)
    if remarks and here == (made["hardware"], made["threads"], made["packages"]):
        faults += remarks
    if faults:
        raise StageError("; ".join(faults), where=str(rebuilt.path))
    same = "the corpus and the model equal the card's, byte for byte"
    return f"{card['name']}: " + ("; ".join(["the corpus equals the card's", *remarks]) if remarks else same)


def _check_size(part: Path, out: Path) -> None:
    files = [path for path in shipped.SHIPPED.rglob("*") if path.is_file() and out not in path.parents]
    total = sum(path.stat().st_size for path in files) / 2**20
    if total > LIMIT_MB:
        shutil.rmtree(part)
        raise UserError(f"all shipped bases together would be {total:.1f} MB", fix=f"at most {LIMIT_MB} MB are shipped")
