"""Serve weights on this machine, with OpenAI's interface, under a name of one's own: for judges that ask a small model.

    python -m experiments.serve smollm2-135m-instruct --name SmolLM2-135M-Instruct --port 8000

It is `transformers serve` on loopback, which knows a model by the folder it was started with: so the weights get a
folder of the given name, and verdicts hold that name and no path of a machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from paper_repro.cli import run_app
from paper_repro.models import model_folder, source_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def main(
    weights: Annotated[str, typer.Argument(help="A folder, a shipped base, a pin, or owner/repo@commit.")],
    name: Annotated[str, typer.Option(help="The model's name on the server: letters, digits, . _ -")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)],
) -> None:
    """Serve weights until the process is ended."""
    if Path(name).name != name or name in (".", ".."):
        raise typer.BadParameter("a name, not a path", param_hint="--name")
    folder = model_folder(source_of(weights))
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", os.environ.get("RT_THREADS", "1"))
    from transformers.cli.serving.model_manager import ModelManager
    from transformers.cli.transformers import main as transformers

    # of itself it lists what lies in the hub's cache, and fails where there is none
    listed = {"id": name, "object": "model", "created": 0, "owned_by": "this machine"}
    ModelManager.get_gen_models = staticmethod(lambda cache_dir=None: [listed])
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / name).symlink_to(folder)
        os.chdir(place)
        sys.argv = ["transformers", "serve", name, "--host", "127.0.0.1", "--port", str(port)]
        transformers()


if __name__ == "__main__":
    run_app(app, "serve")
