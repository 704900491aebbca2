"""`rt testbed`: base models of our own, pre-trained on a generated world."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Annotated

import typer

from paper_repro.cli.common import AsJson, Debug, DryRun, Out, Overrides, Overwrite, run_stage

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


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    testbed.command("pretrain", help=PRETRAIN_HELP)(pretrain)
    if importlib.util.find_spec("paper_repro.cli.testbed_data"):
        importlib.import_module("paper_repro.cli.testbed_data").register(testbed)
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
    settings = load_settings(PretrainSettings, None, overrides or (), size=size, seed=seed, corpus=corpus_name(text))
    how = {"dry_run": dry_run, "as_json": as_json, "overwrite": overwrite}
    if dry_run and not is_artifact(corpus_folder(text)):
        run_stage(CORPUS, text, {}, corpus_folder(text), **how)  # what depends on it cannot be planned before
    else:
        run_stage(PRETRAIN, settings, {"corpus": cached_corpus(text)}, out, **how)
