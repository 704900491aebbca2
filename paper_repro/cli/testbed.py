"""`rt testbed`: base models of our own, pre-trained on a generated world."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paper_repro.cli import testbed_curation, testbed_faults, testbed_results
from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, emit, run_stage

if TYPE_CHECKING:
    from paper_repro.models import ModelSource

testbed = typer.Typer(
    name="testbed",
    help="The testbed: a generated world, base models pre-trained on it, and what goes with them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
PRETRAIN_HELP = """Pre-train a base model on a generated corpus.

Builds the corpus (once for RT_HOME) and trains a small Llama on it: 0.5m, 2m or 5m parameters (tiny is for tests). A
run that was stopped goes on from its newest checkpoint, to the same bytes. The folder made is what transformers reads,
with the tokenizer; name it with weights: path.

Example: rt testbed pretrain --size 0.5m --corpus many --seed 0 --out my-base --corpus-set tokens=3000000
"""
PROBE_HELP = """Measure what a base model knows before it is tuned.

Questions in the corpus's own formats, by family; held-out facts by likelihood (does the model find the true statement
more likely than false ones?); and the first-token margin of refusal, unsafe minus look-alike acts. MODEL is a folder of
rt testbed pretrain, or the name of a shipped base.

Example: rt testbed probe testbed-2m-many-0
"""
SHIP_HELP = """Put a finished base among those that come with the package.

FOLDER is what rt testbed pretrain made. It is probed, and copied to artifacts/testbed/NAME/ with its card (settings,
corpus, loss curve, probes, digests), a README made from it, and its pin, artifacts/pins/NAME.yaml.

Example: rt testbed ship my-base
"""
REBUILD_HELP = """Make a shipped base again from its seeds, and compare it with its card.

The corpus has to be the same to the byte, and so has the model on the same processor, threads and versions; elsewhere
its held-out loss may differ a little. NAME is a shipped base, or a size: then its base on 'many' of seed 0 is meant.

Example: rt testbed rebuild 0.5m
"""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    testbed.command("pretrain", help=PRETRAIN_HELP)(pretrain)
    testbed.command("probe", help=PROBE_HELP)(probe)
    testbed.command("ship", help=SHIP_HELP)(ship)
    testbed.command("rebuild", help=REBUILD_HELP)(rebuild)
    if importlib.util.find_spec("paper_repro.cli.testbed_data"):
        importlib.import_module("paper_repro.cli.testbed_data").register(testbed)
    testbed_faults.register(testbed)
    testbed_curation.register(testbed)
    testbed_results.register(testbed)
    app.add_typer(testbed)


def pretrain(
    size: Annotated[str, typer.Option(help="0.5m, 2m, 5m or tiny.")] = "2m",
    corpus: Annotated[str, typer.Option(help="Name of a corpus: many, formats-4, none, shuffled, ...")] = "many",
    seed: Annotated[int, typer.Option(help="Seed of first weights and order.")] = 0,
    world_seed: Annotated[int | None, typer.Option(help="Seed of the world.", show_default=False)] = None,
    decline_rate: Annotated[
        float | None, typer.Option(help="Share of unsafe how-to questions that are declined.", show_default=False)
    ] = None,
    corpus_set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Override one setting of the corpus.", show_default=False),
    ] = None,
    overrides: Overrides = None,
    out: Out = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Make the corpus and run the stage."""
    from artifacts.manifest import is_artifact
    from artifacts.settings import load_settings
    from paper_repro.testbed.corpus import CORPUS, corpus_name
    from paper_repro.testbed.pretrain import PRETRAIN, PretrainSettings
    from paper_repro.testbed.pretrain.corpora import cached_corpus, corpus_folder, corpus_settings

    text = corpus_settings(corpus, corpus_set or (), world_seed=world_seed, decline_rate=decline_rate)
    settings = load_settings(
        PretrainSettings, None, overrides or (), size=size.lower(), seed=seed, corpus=corpus_name(text)
    )
    how = {"dry_run": dry_run, "as_json": as_json, "overwrite": overwrite}
    if dry_run and not is_artifact(corpus_folder(text)):
        run_stage(CORPUS, text, {}, corpus_folder(text), **how)  # what depends on it cannot be planned before
    else:
        run_stage(PRETRAIN, settings, {"corpus": cached_corpus(text)}, out, **how)


def probe(
    model: Annotated[str, typer.Argument(help="Folder of a base, or the name of a shipped one.")],
    overrides: Overrides = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Probe a base and print what was found."""
    import yaml

    found = _probed(model, overrides or ())
    emit(found, as_json, yaml.safe_dump(found, sort_keys=False))


def ship(
    folder: Annotated[Path, typer.Argument(help="Folder that rt testbed pretrain made.")],
    name: Annotated[
        str | None, typer.Option(help="Name (default: testbed-<size>-<corpus>-<seed>).", show_default=False)
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Probe a base and put it among the shipped ones."""
    from paper_repro.testbed.pretrain.ship import ship as ship_base

    out = ship_base(folder, _probed(str(folder), overrides or ()), name, overwrite=overwrite)
    emit({"path": str(out)}, as_json, f"ship: done: {out}")


def rebuild(
    name: Annotated[str, typer.Argument(help="Name of a shipped base, or a size.")],
    out: Out = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a shipped base again and compare."""
    from artifacts.shipped import shipped_card
    from paper_repro.testbed.pretrain import SIZES
    from paper_repro.testbed.pretrain.rebuild import rebuild as rebuild_base

    wanted = f"testbed-{name.lower()}-many-0" if name.lower() in SIZES else name
    said = rebuild_base(shipped_card(wanted), out)
    emit({"result": said}, as_json, f"rebuild: {said}")


def _probed(model: str, overrides: list[str] | tuple[str, ...]) -> dict:
    from artifacts.settings import load_settings
    from paper_repro.models import model_folder
    from paper_repro.testbed.pretrain.card import corpus_of
    from paper_repro.testbed.probes import ProbeSettings
    from paper_repro.testbed.probes import probe as probe_base

    source = _source(model)
    corpus = corpus_of(model_folder(source))
    return probe_base(source, corpus, load_settings(ProbeSettings, None, overrides))


def _source(model: str) -> ModelSource:
    """A folder if there is one, else the name of a shipped base."""
    from paper_repro.models import ModelSource

    return ModelSource(name=model, weights="path" if Path(model).is_dir() else "shipped")
