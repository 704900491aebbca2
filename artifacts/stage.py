"""A stage: typed settings and inputs in, one folder with a manifest out; done once, resumed when stopped."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from artifacts.aside import LOCK, PARTIAL, SCRATCH, SLOTS, begun_plan, is_replacing, put_back, retire, set_aside, settle
from artifacts.digests import digest_file, digest_json
from artifacts.errors import DigestError, InputError, StageError, UserError
from artifacts.files import disk_faults
from artifacts.machine import cores, run_facts
from artifacts.manifest import (
    MANIFEST,
    Artifact,
    Identity,
    OutputFile,
    is_artifact,
    read_manifest,
    verify_outputs,
    write_manifest,
)
from artifacts.settings import Settings
from artifacts.workspace import Workspace, differences, open_workspace

VIEWS = ("README.md", "lineage.json")  # what a stage's `describe` writes: derived, so no part of the identity
log = logging.getLogger("rt")


@dataclass(frozen=True)
class Stage:
    """A command word with what it needs and the function that does it.

    Attributes:
        name: Command word (`rt <name>`).
        kind: Kind of artifact it makes.
        version: Raised whenever the same settings and inputs would give other bytes.
        settings: Settings class.
        work: `work(settings, inputs, workspace)`; heavy imports belong inside it.
        packages: Distributions whose version can change the result.
        threaded: Whether the number of compute threads can change the result.
        describe: `describe(artifact, inputs, notes)` writes `VIEWS` into the finished folder, just before its manifest.
            They can bear the artifact's digest, and another wording makes no finished work stale. Called with empty
            notes for an artifact that is up to date but lacks them.
    """

    name: str
    kind: str
    version: int
    settings: type[Settings]
    work: Callable[[Any, Mapping[str, Path], Workspace], None]
    packages: tuple[str, ...] = ()
    threaded: bool = False
    describe: Callable[[Artifact, Mapping[str, Path], Mapping[str, Any]], None] | None = None

    def key(self, settings: Settings, inputs: Mapping[str, str]) -> dict[str, Any]:
        """All that decides the result before it exists; `inputs` maps names to digests."""
        return {
            "kind": self.kind,
            "stage": self.name,
            "stage_version": self.version,
            "settings": settings.resolved(),
            "inputs": dict(inputs),
            "packages": {name: _version(name) for name in self.packages},
            "threads": thread_count() if self.threaded else None,
        }

    def run(
        self,
        settings: Settings,
        out: Path,
        inputs: Mapping[str, Path] | None = None,
        *,
        overwrite: bool = False,
    ) -> tuple[Artifact, bool]:
        """Make the artifact in `out`, or find it there.

        Args:
            settings: An instance of this stage's settings class.
            out: Output folder: absent, empty, or this stage's own (finished or stopped).
            inputs: Name to artifact folder or plain file.
            overwrite: Replace what was made, or begun, from other settings or inputs. What is finished stays until its
                replacement is.

        Returns:
            The artifact, and whether it was already up to date.

        Raises:
            UserError: `out` holds something else, an input or lies in one, or may not be written; or work of other
                settings or inputs, and `overwrite` is not set.
            StageError: the disk is full, or the work itself failed.
        """
        with disk_faults(out):
            return self._run(settings, out, dict(inputs or {}), overwrite)

    def _run(self, settings, out, inputs, overwrite) -> tuple[Artifact, bool]:
        plan = self.key(settings, {name: input_digest(path) for name, path in inputs.items()})
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise InputError("the output must be a folder, not a file or a link", where=str(out))
        check_apart(out, inputs)
        found = self._at_rest(out, plan)
        if found is not None:
            log.info("%s: up to date, nothing to do (%s)", self.name, out)
            return found, True
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            # often a stage whose parent was killed: when it is done, there is nothing left to do here
            log.warning("%s: waiting for another process that is working in %s", self.name, out)
            lock.acquire()
        try:
            return self._run_locked(plan, settings, out, inputs, overwrite)
        finally:
            lock.release()

    def _at_rest(self, out: Path, plan: dict[str, Any]) -> Artifact | None:
        """The up-to-date artifact in `out` where there is nothing to write, or None if that has to be seen to.

        It is looked for without the lock, which a store that may only be read has no place for. Whatever is amiss may
        be another process at work: it is looked at again, and told, under the lock.
        """
        if not is_artifact(out) or self._lacks_views(out) or any((out / name).exists() for name in SLOTS):
            return None
        try:
            artifact = read_manifest(out)
            if _plan_of(artifact) != plan:
                return None
            verify_outputs(artifact)
            return artifact
        except (DigestError, InputError, OSError):
            return None

    def _lacks_views(self, out: Path) -> bool:
        return self.describe is not None and not all((out / name).exists() for name in VIEWS)

    def _run_locked(self, plan, settings, out, inputs, overwrite) -> tuple[Artifact, bool]:
        settle(out)
        if is_replacing(out) and begun_plan(out) != digest_json(plan):
            put_back(out)  # a replacement that was killed, and is not what is asked for now
        found = _finished(out, plan, overwrite)
        if found is not None:
            if self._lacks_views(out):
                self.describe(found, inputs, {})
            log.info("%s: up to date, nothing to do (%s)", self.name, out)
            return found, True
        try:
            artifact = self._make(plan, settings, out, inputs, overwrite)
        except BaseException:
            put_back(out)
            raise
        retire(out)
        return artifact, False

    def _make(self, plan, settings, out, inputs, overwrite) -> Artifact:
        workspace = open_workspace(out, plan, overwrite)
        log.info("%s: %s %s", self.name, "resuming" if workspace.resumed else "starting", out)
        for path in inputs.values():
            if is_artifact(path):
                verify_outputs(read_manifest(path))
        started, ticks = time.time(), time.monotonic()
        self.work(settings, inputs, workspace)
        shutil.rmtree(workspace.scratch, ignore_errors=True)
        outputs = _outputs(out, () if self.describe is None else VIEWS)
        if not outputs:
            raise StageError(f"{self.name} wrote no file", where=str(out))
        identity = Identity(**plan, summary=workspace.summary, outputs=outputs)
        where = {name: str(path.resolve()) for name, path in inputs.items()}
        seconds = time.monotonic() - ticks  # the clock may be set back while we work
        provenance = run_facts(started, seconds) | {"inputs": where} | workspace.provenance
        artifact = Artifact(path=out, identity=identity, provenance=provenance)
        if self.describe is not None:
            self.describe(artifact, inputs, workspace.notes)
        write_manifest(artifact)
        log.info("%s: done in %.1f s (%s)", self.name, seconds, out)
        return artifact


def thread_count() -> int:
    """Compute threads of this process: `RT_THREADS`, else the cores it may run on."""
    given = os.environ.get("RT_THREADS")
    if given is None:
        return cores()
    if not given.isdigit() or int(given) < 1:
        raise UserError(f"RT_THREADS must be a whole number from 1, found {given!r}")
    return int(given)


def input_digest(path: Path) -> str:
    """Digest of an input: an artifact's identity, or a plain file's name and bytes, or those of a folder's files.

    A file's name counts because stages call rows and sets after it. A folder's own does not: it holds models and
    encoders too, which are the same wherever they lie; a stage that calls something after one makes that a setting.
    """
    if is_artifact(path):
        return read_manifest(path).digest
    if path.is_file():
        return digest_json({path.name: digest_file(path)})
    if path.is_dir():
        return digest_json({str(p.relative_to(path)): digest_file(p) for p in sorted(path.rglob("*")) if p.is_file()})
    raise InputError("no such file or folder", where=str(path))


def check_apart(out: Path, inputs: Mapping[str, Path]) -> None:
    """Refuse an output that holds an input, which would be cleared away, or lies in one, which it would change.

    Raises:
        UserError: it does.
    """
    place = out.resolve()
    for name, path in inputs.items():
        given = path.resolve()
        if place == given or place in given.parents or (given in place.parents and given.is_dir()):
            word = "is" if place == given else "holds" if place in given.parents else "lies in"
            raise UserError(
                f"the output {word} the input '{name}' ({path})", where=str(out), fix="choose another --out"
            )


@cache
def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"


def _plan_of(artifact: Artifact) -> dict[str, Any]:
    """What `Stage.key` gave when the artifact was made."""
    return artifact.identity.model_dump(mode="json", exclude={"summary", "outputs"})


def _finished(out: Path, plan: dict[str, Any], overwrite: bool) -> Artifact | None:
    """The up-to-date artifact in `out`, or None if the folder is free to be worked in; another one is set aside."""
    if not is_artifact(out):
        return None
    try:
        artifact = read_manifest(out)
        recorded = _plan_of(artifact)
        if recorded == plan:
            verify_outputs(artifact)
            return artifact
    except (DigestError, InputError) as error:  # a file or the manifest was changed or cut off
        if not overwrite:
            error.fix = error.fix or "pass --overwrite to make it again"
            raise
        log.warning("%s\n  made again", error)
        recorded = plan
    if recorded != plan and not overwrite:
        changed = sorted(differences(recorded, plan))
        raise UserError(
            f"holds a finished '{artifact.identity.kind}' made otherwise (differs in: {', '.join(changed)})",
            where=str(out),
            fix="choose another --out, or pass --overwrite to replace it",
        )
    set_aside(out, digest_json(plan))
    return None


def _outputs(out: Path, views: tuple[str, ...] = ()) -> dict[str, OutputFile]:
    own = {MANIFEST, PARTIAL, LOCK}
    aside = {SCRATCH, *SLOTS}  # scratch may still be there: a network disk does not remove what is open
    written = {out / name for name in views}
    places = [path for path in sorted(out.rglob("*")) if path.relative_to(out).parts[0] not in aside]
    files = [path for path in places if path.is_file() and path.name not in own and path not in written]
    if links := [path.relative_to(out).as_posix() for path in files if path.is_symlink()]:
        raise StageError(f"wrote links, not files: {', '.join(links)}", where=str(out))
    return {
        path.relative_to(out).as_posix(): OutputFile(sha256=digest_file(path), bytes=path.stat().st_size)
        for path in files
    }
