"""A run as an RO-Crate of the Workflow Run profiles (0.5, on RO-Crate 1.1): what was done, with what, what it made."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import __version__
from artifacts.chain import Node, chain_of, nodes, parts
from artifacts.export.folders import needs, new_folder
from artifacts.licences import summarise
from artifacts.manifest import MANIFEST, Artifact
from artifacts.portable import copy_artifact
from artifacts.references import PAPER, reference

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
}
_WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
_SHA256 = "https://w3id.org/ro/terms/workflow-run#sha256"
_TYPES = {".parquet": "application/vnd.apache.parquet", ".jsonl": "application/jsonl", ".md": "text/markdown"}


def write_crate(
    artifact: Artifact, out: Path, *, workflow: Sequence[Path] = (), leave_out: Collection[str] = ()
) -> dict[str, Any]:
    """Write the crate of everything that an artifact was made from, and validate it.

    Args:
        artifact: Where the run ends; usually a report.
        out: A new folder.
        workflow: Files of the workflow that ran it, the main one first; with none, it is a crate of processes alone.
        leave_out: Kinds of artifacts whose files stay out; what they are, and their digests, still stand in it.

    Returns:
        `artifacts`, `files`, `left_out` (numbers) and `profile`.

    Raises:
        UserError: the library is not installed, or `out` cannot be used.
        StageError: the validator finds a fault.
    """
    from artifacts.export.crate_check import check_crate

    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise needs("rocrate") from None
    top = chain_of(artifact)
    with new_folder(out) as building:
        crate = ROCrate()
        crate.metadata.extra_terms["sha256"] = _SHA256
        writer = _Writer(crate, building, leave_out)
        for node in nodes(top):
            writer.add(node)
        _describe(crate, artifact, top, bool(workflow))
        if workflow:
            writer.add_workflow(workflow, top)
        crate.write(building)
        profile = "workflow-run-crate" if workflow else "process-run-crate"
        check_crate(building, profile)
    return writer.counts | {"profile": profile}


class _Writer:
    """Puts nodes of a chain into a crate, each once, inputs first."""

    def __init__(self, crate: ROCrate, folder: Path, leave_out: Collection[str]):
        self.crate = crate
        self.folder = folder
        self.leave_out = leave_out
        self.made: dict[str, Entity] = {}
        self.tools: dict[str, Entity] = {}
        self.actions: list[Entity] = []
        self.counts = {"artifacts": 0, "files": 0, "left_out": 0}

    def add(self, node: Node) -> None:
        """Add what a node is, and how it was made."""
        if node.artifact is None or node.artifact.identity.kind in self.leave_out:
            self.made[node.digest] = self.named(node)
        else:
            self.made[node.digest] = self.dataset(node, node.artifact)
        if node.artifact is not None:
            self.actions.append(self.action(node, node.artifact))

    def entity(self, identifier: str, values: Mapping[str, Any]) -> Entity:
        from rocrate.model.contextentity import ContextEntity

        return self.crate.add(ContextEntity(self.crate, identifier, properties=dict(values)))

    def named(self, node: Node) -> Entity:
        """An artifact or file that is not in the crate: its name, digest and licence."""
        self.counts["left_out"] += node.artifact is not None
        values = {"@type": "CreativeWork", "name": f"{node.kind}: {node.name}", "identifier": f"sha256:{node.digest}"}
        return self.entity(f"#{node.digest}", values | _licence(node))

    def dataset(self, node: Node, artifact: Artifact) -> Entity:
        """An artifact's folder with its files."""
        identity = artifact.identity
        place = f"{identity.stage}/{identity.kind}-{node.digest[:12]}"
        copy_artifact(artifact, self.folder / place)
        files = []
        for name, output in sorted(identity.outputs.items()):
            facts = {"name": name, "contentSize": str(output.bytes), "sha256": output.sha256}
            files.append(self.file(f"{place}/{name}", facts))
        files.append(self.file(f"{place}/{MANIFEST}", {"name": f"{MANIFEST}: settings, inputs, versions, digests"}))
        self.counts["artifacts"] += 1
        values = {"name": f"{identity.kind}: {node.name}", "identifier": f"sha256:{node.digest}"} | _licence(node)
        entity = self.crate.add_directory(self.folder / place, f"{place}/", properties=values)
        entity["hasPart"] = files
        return entity

    def file(self, place: str, values: Mapping[str, Any]) -> Entity:
        self.counts["files"] += 1
        kind = {"encodingFormat": _encoding(place)}
        return self.crate.add_file(self.folder / place, place, properties=dict(values) | kind)

    def action(self, node: Node, artifact: Artifact) -> Entity:
        """How an artifact was made."""
        stage, provenance = artifact.identity.stage, artifact.provenance
        if stage not in self.tools:
            values = {"@type": "SoftwareApplication", "name": f"rt {stage}", "softwareVersion": __version__}
            self.tools[stage] = self.entity(f"#rt-{stage}", values)
        values = {
            "@type": "CreateAction",
            "name": f"rt {stage}: {node.name}",
            "description": f"Stage {stage}, version {artifact.identity.stage_version}; settings in the manifest.",
            "actionStatus": "http://schema.org/CompletedActionStatus",
        }
        action = self.entity(f"#made-{node.digest[:12]}", values | _times(provenance))
        action["instrument"] = self.tools[stage]
        action["object"] = [self.made[below.digest] for below in node.inputs.values()]
        action["result"] = self.made[node.digest]
        self.crate.root_dataset.append_to("mentions", action)
        return action

    def add_workflow(self, files: Sequence[Path], top: Node) -> None:
        """The workflow and its run as a whole."""
        main, *others = files
        flow = self.crate.add_workflow(
            main,
            f"workflow/{main.name}",
            main=True,
            lang="snakemake",
            properties={
                "name": "response-tuning: a profile, from its data to its report",
                "version": __version__,
            },
        )
        flow["hasPart"] = [
            self.crate.add_file(one, f"workflow/{one.name}", properties={"name": one.name}) for one in others
        ]
        starts = [action["startTime"] for action in self.actions if action.get("startTime")]
        ends = [action["endTime"] for action in self.actions if action.get("endTime")]
        values = {"@type": "CreateAction", "name": "The run", "description": "All stages of this crate, in order."}
        times = ({"startTime": min(starts)} if starts else {}) | ({"endTime": max(ends)} if ends else {})
        run = self.entity("#run", values | times)
        run["instrument"] = flow
        sources = [node for node in nodes(top) if not node.inputs and node.digest != top.digest]
        run["object"] = [self.made[node.digest] for node in sources]
        run["result"] = self.made[top.digest]
        self.crate.root_dataset.append_to("mentions", run)


def _describe(crate: ROCrate, artifact: Artifact, top: Node, by_workflow: bool) -> None:
    """The crate's own entry: name, terms, paper, profiles."""
    from rocrate.model.contextentity import ContextEntity

    def entity(identifier: str, **values: Any) -> Entity:
        return crate.add(ContextEntity(crate, identifier, properties=values))

    terms = summarise(parts(top))
    said = f"Use: {terms['use']}. Licence of the whole: {terms['licence']}. Parts: " + "; ".join(
        f"{part['name']} {part['version'] or ''}: {part['licence']}" for part in terms["parts"]
    )
    crate.name = f"A run of response-tuning {__version__} that ends in {artifact.identity.kind} {artifact.digest[:12]}"
    crate.description = "Every artifact of the run with its manifest, and how each was made from others."
    crate.license = entity("#terms", **{"@type": "CreativeWork", "name": terms["licence"], "description": said})
    crate.datePublished = datetime.fromisoformat(
        _times(artifact.provenance).get("endTime", "1970-01-01T00:00:00+00:00")
    )
    paper = reference(PAPER)
    link = f"https://arxiv.org/abs/{paper['identifiers'][0]['value'].removeprefix('arXiv:')}"
    crate.root_dataset["citation"] = entity(link, **{"@type": "ScholarlyArticle", "name": paper["title"]})
    wanted = dict(_PROFILES) if by_workflow else dict([next(iter(_PROFILES.items()))])
    profiles = [
        entity(url, **{"@type": "CreativeWork", "name": name, "version": "0.5"}) for url, name in wanted.items()
    ]
    if by_workflow:
        profiles.append(
            entity(_WORKFLOW_CRATE, **{"@type": "CreativeWork", "name": "Workflow RO-Crate", "version": "1.0"})
        )
    crate.root_dataset["conformsTo"] = profiles


def _licence(node: Node) -> dict[str, str]:
    return {"license": node.facts["licence"]} if "licence" in node.facts else {}


def _times(provenance: Mapping[str, Any]) -> dict[str, str]:
    """`startTime` and `endTime`, as far as a manifest tells them."""
    started, seconds = provenance.get("started"), provenance.get("duration_s")
    if not isinstance(started, str):
        return {}
    if not isinstance(seconds, int | float):
        return {"startTime": started}
    ended = datetime.fromisoformat(started) + timedelta(seconds=seconds)
    return {"startTime": started, "endTime": ended.isoformat(timespec="seconds")}


def _encoding(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
