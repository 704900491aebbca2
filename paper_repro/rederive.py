"""Deep verification: make an artifact again from its recorded settings and inputs, and compare the two.

On the same type of machine, with the same package versions and as many threads, the identities must be equal, bit for
bit. Elsewhere sums are added up in another order, and what is made again must be near what is recorded, within
`TOLERANCES`. The number of threads is always the recorded one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from artifacts.differences import Difference, differences
from artifacts.errors import ResponseTuningError, UserError
from artifacts.machine import machine_facts
from artifacts.manifest import Artifact, read_manifest, verify_outputs
from artifacts.settings import Settings, validate_settings
from artifacts.stage import Stage, input_digest
from paper_repro.file_differences import FileDifference, compare_files, gap
from paper_repro.stages import stage_of

State = Literal["same", "within tolerance", "differs", "not re-derived"]
MACHINE = ("machine", "processor")  # what of the provenance decides last bits
LOSSES = ("loss_first", "loss_last", "held_out_loss", "train_loss_last")
LOSS = 0.02  # nats a token, as of bases that are made again (`paper_repro.testbed.pretrain.ship`)


@dataclass(frozen=True)
class Tolerance:
    """How far an artifact made elsewhere may be from the recorded one.

    Attributes:
        number: Relative difference of two numbers in tables and in the summary.
        rows: Share of the rows of a table that may differ in more than that.
        loss: Absolute difference of losses in the summary (nats a token); the weights and what is measured on them
            are then not judged, only told.
    """

    number: float = 1e-6
    rows: float = 0.0
    loss: float | None = None

    def __str__(self) -> str:
        if self.loss is not None:
            return f"losses within {self.loss:g} nats a token"
        return f"numbers within {self.number:g} (relative), {self.rows:.1%} of the rows otherwise"


# Of the kinds whose numbers come out of a model; any other kind has the default. These are allowances for other
# machines. Measured on the testbed, in 32 bits: under other vector instructions the final loss moved by 2e-7 nats a
# token, weights by 9e-6 of the largest in their tensor, and no reply changed; with two threads nothing changed at all.
TOLERANCES = {
    "model": Tolerance(loss=LOSS),
    "base-model": Tolerance(loss=LOSS),
    "generations": Tolerance(rows=0.05),
    "ranking": Tolerance(number=1e-3),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one artifact.

    Attributes:
        folder: Where it is.
        kind: Its kind; None if its manifest cannot be read.
        state: `same` (equal identities), `within tolerance`, `differs`, or `not re-derived`.
        rule: Which rule was applied, and why that one.
        reasons: How the two differ, or why it was not made again.
        files: Each file that differs.
    """

    folder: Path
    kind: str | None
    state: State
    rule: str | None = None
    reasons: tuple[str, ...] = ()
    files: tuple[FileDifference, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the artifact is confirmed."""
        return self.state in ("same", "within tolerance")


def rederive(folder: Path, places: Mapping[str, Path] | None = None) -> Outcome:
    """Make the artifact in `folder` again in a temporary folder, from its recorded inputs, and compare.

    Nothing in `folder` is changed. Its inputs are taken as they lie there: each of them is an artifact of its own.

    Args:
        folder: The artifact.
        places: Digest to folder of artifacts that may be its inputs, where these are no longer where they were.
    """
    kind = None
    try:
        artifact = read_manifest(folder)
        kind = artifact.identity.kind
        verify_outputs(artifact)
        stage, settings = _recipe(artifact)
        inputs = _inputs(artifact, places or {})
        with tempfile.TemporaryDirectory(prefix="rt-verify-") as temporary, _threads(artifact.identity.threads):
            again, _ = stage.run(settings, Path(temporary) / folder.resolve().name, inputs)
            return compare(artifact, again)
    except (ResponseTuningError, OSError) as error:
        return Outcome(folder, kind, "not re-derived", reasons=(str(error),))


def _recipe(artifact: Artifact) -> tuple[Stage, Settings]:
    """The stage and the settings as recorded.

    Raises:
        UserError: made by code of another version, whose bytes this one need not give.
        SettingsError: settings that this version does not know.
    """
    identity = artifact.identity
    stage = stage_of(identity)
    if stage.version != identity.stage_version:
        commit = artifact.provenance.get("commit")
        raise UserError(
            f"made by version {identity.stage_version} of '{stage.name}', this is version {stage.version}",
            fix=f"verify it with the code of its time{f' (commit {commit})' if commit else ''}, or make it anew",
        )
    settings = validate_settings(stage.settings, _without_cache(identity.settings), where=f"{artifact.path}: settings")
    if settings.resolved() != identity.settings:
        raise UserError("its settings mean something else in this version", where=str(artifact.path))
    return stage, settings


def _without_cache(value: Any) -> Any:
    """Recorded settings, with vectors of encoders computed again, not read from those kept in RT_HOME."""
    if isinstance(value, dict):
        more = {"cache": False} if {"batch_tokens", "window", "content"} <= value.keys() else {}
        return {key: _without_cache(inner) for key, inner in value.items()} | more
    return [_without_cache(inner) for inner in value] if isinstance(value, list) else value


def _inputs(artifact: Artifact, places: Mapping[str, Path]) -> dict[str, Path]:
    """Every recorded input where it was, or among `places`.

    Raises:
        UserError: those that are not at hand, or are others by now.
    """
    recorded = artifact.places
    found, faults = {}, []
    for name, digest in artifact.identity.inputs.items():
        tried = [Path(recorded[name])] if name in recorded else []
        tried += [places[digest]] if digest in places else []
        try:
            found[name] = next(path for path in tried if path.exists() and input_digest(path) == digest)
        except StopIteration:
            here = "is another version by now" if any(path.exists() for path in tried) else "is not there"
            faults.append(f"{name} ({recorded.get(name, 'place not recorded')}) {here}; its digest is {digest[:12]}")
    if faults:
        raise UserError(f"inputs: {'; '.join(faults)}", fix="give the folder that holds them too, as another PATH")
    return found


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """As many compute threads as recorded."""
    before = os.environ.get("RT_THREADS")
    if count is not None:
        os.environ["RT_THREADS"] = str(count)
    try:
        yield
    finally:
        os.environ.pop("RT_THREADS", None)
        if before is not None:
            os.environ["RT_THREADS"] = before


def compare(artifact: Artifact, again: Artifact) -> Outcome:
    """Compare an artifact with what was made again from the same recipe, by the rule that holds here."""
    kind = artifact.identity.kind
    elsewhere = [*_other_machine(artifact), *_other_packages(artifact, again)]
    tolerance = TOLERANCES.get(kind, Tolerance())
    if artifact.digest == again.digest:
        return Outcome(artifact.path, kind, "same", "bit for bit")
    if elsewhere:
        rule = f"within tolerance ({tolerance}), as {'; '.join(elsewhere)}"
    else:
        rule = "bit for bit, as machine, packages and threads are the recorded ones"
    found = differences(artifact.identity, again.identity)
    names = [one.key for one in found if one.part == "files"]
    # a file's difference has two keys, its digest and its size: they are one text
    files = [compare_files(name, artifact.path / name, again.path / name, tolerance.number) for name in names]
    differing = tuple(file for file in files if file is not None)
    faults = [*_fault_of_values(found, tolerance), *_fault_of_files(differing, tolerance)]
    near = bool(elsewhere) and not faults
    told = faults if elsewhere and faults else _told(found, differing)
    return Outcome(artifact.path, kind, "within tolerance" if near else "differs", rule, tuple(told), differing)


def _other_machine(artifact: Artifact) -> Iterator[str]:
    here = machine_facts()
    for name in MACHINE:
        recorded = artifact.provenance.get(name)
        if recorded is None:
            yield f"the manifest does not name the {name}"
        elif recorded != here[name]:
            yield f"the {name} was {recorded}, here it is {here[name]}"


def _other_packages(artifact: Artifact, again: Artifact) -> Iterator[str]:
    now = again.identity.packages
    for name, version in artifact.identity.packages.items():
        if now.get(name) != version:
            yield f"{name} was {version}, here it is {now.get(name)}"


def _fault_of_values(found: list[Difference], tolerance: Tolerance) -> Iterator[str]:
    """Differences of settings, data and summary that the tolerance does not explain."""
    for one in found:
        if one.part == "files" or (one.part == "code" and one.key.startswith("packages.")):
            continue
        apart = gap(one.a, one.b) if one.part == "numbers" else None
        if apart is not None and _near(one.key, *apart, tolerance):
            continue
        yield f"{one.part}: {one.key} was {one.a}, is {one.b}"


def _near(key: str, relative: float, absolute: float, tolerance: Tolerance) -> bool:
    if tolerance.loss is None:
        # counts over rows differ where rows may
        return relative <= max(tolerance.number, tolerance.rows)
    # what is measured on the weights is told, not judged; counts of tokens and steps are whole numbers
    return absolute <= tolerance.loss if key.startswith(LOSSES) else "logit" in key


def _fault_of_files(files: tuple[FileDifference, ...], tolerance: Tolerance) -> Iterator[str]:
    """Files that the tolerance does not explain. Pictures and pages are not judged where their numbers can be."""
    for file in files:
        if file.rows_a is None:
            if file.how.startswith("only in"):
                yield f"{file.name}: {file.how}"
        elif tolerance.loss is None and file.rows_beyond > tolerance.rows * max(file.rows_a, 1):
            yield describe(file)


def _told(found: list[Difference], files: tuple[FileDifference, ...]) -> list[str]:
    values = [f"{one.part}: {one.key} was {one.a}, is {one.b}" for one in found if one.part != "files"]
    return values + [describe(file) for file in files]


def describe(file: FileDifference) -> str:
    """One line on how a file differs, with the first cells that do."""
    text = f"{file.name}: {file.how}"
    if file.rows_a is None or not file.rows_differing:
        return text
    rows = f"{file.rows_differing} of {max(file.rows_a, file.rows_b or 0)} differ"
    size = f", by up to {file.largest:.2g} (relative)" if file.largest else ""
    cells = "; ".join(f"{cell.row}: {cell.column} {_short(cell.a)} -> {_short(cell.b)}" for cell in file.examples[:2])
    return f"{text}: {rows}{size}" + (f" ({cells})" if cells else "")


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:40]}\u2026"
