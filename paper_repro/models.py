"""Base models and tokenizers: where weights come from is a setting, never a silent fallback."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from artifacts.errors import InputError, MissingDataError, UserError, first_line
from artifacts.manifest import Artifact, is_artifact, read_manifest
from artifacts.pins import fetch, load_pin, pin_names
from artifacts.settings import Settings, validate_settings
from artifacts.shipped import shipped_folder, shipped_names, verified_folder
from artifacts.stage import input_digest
from paper_repro.gguf import converted
from paper_repro.repository import fetched_repository
from paper_repro.tuned import folder_label

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

log = logging.getLogger("rt")


class ModelSource(Settings):
    """Which weights to load, and from where.

    Attributes:
        name: `pypi`: name of a pin. `hub`: name of a pin, or `owner/repo`. `path`: a folder (a `model`
            artifact, of which `merged/` is read, or any folder that transformers can read). `shipped`: name of a base
            model in `artifacts/testbed/`.
        weights: Where they come from. There is no fallback from one to another.
        revision: Commit (40 hex digits) of a hub repository; required unless `name` is a pin.
    """

    name: str
    weights: Literal["pypi", "hub", "path", "shipped"]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None

    @model_validator(mode="after")
    def _revision_fits(self) -> ModelSource:
        if self.in_repository and self.revision is None:
            raise ValueError("a hub repository needs 'revision', a commit of 40 hex digits")
        if not self.in_repository and self.revision is not None:
            raise ValueError("'revision' is only for weights: hub with name: owner/repo")
        return self

    @property
    def in_repository(self) -> bool:
        """Whether these are weights of a hub repository that no pin names."""
        return self.weights == "hub" and "/" in self.name

    @property
    def label(self) -> str:
        """Readable name for results: the pin's title without its remark, the repository's or the folder's name.

        Of a part of a `model` artifact `ARTIFACT-merged`: every such artifact has one.
        """
        if self.weights == "path":
            return folder_label(Path(self.name))
        if self.weights == "shipped":
            return self.name
        if self.in_repository:
            return self.name.rsplit("/", 1)[1]
        return load_pin(self.name).title.split(" (")[0]

    def inputs(self) -> dict[str, Path]:
        """Stage inputs that the weights add: a folder's content has to enter the digest, a pin's is fixed by name."""
        if self.weights == "shipped":
            return {"base": shipped_folder(self.name)}
        return {"base": Path(self.name)} if self.weights == "path" else {}

    def neutral(self) -> ModelSource:
        """The same source for a stage's settings: of a folder only its name, so that no digest holds a machine's path.

        The content is in the digest of the input (`inputs`), and the work finds the folder with `at`.
        """
        return self.model_copy(update={"name": self.label}) if self.weights == "path" else self

    def at(self, folder: Path | None) -> ModelSource:
        """The same source in `folder`, where a stage's input says so; a shipped one is found by its name."""
        return self.model_copy(update={"name": str(folder)}) if folder and self.weights == "path" else self


def model_folder(source: ModelSource) -> Path:
    """Folder with config, safetensors and tokenizer of `source`, fetched and converted if need be.

    Of a `model` artifact `merged/`, or `adapter/` where nothing was merged.

    Raises:
        InputError: `path` is not a folder with a model.
        DigestError: the files of a shipped model are not those of its card.
        MissingDataError: the weights cannot be had; the message says how to get them.
        UserError: the pin has no origin of that kind.
    """
    if source.weights == "path":
        return _local_folder(Path(source.name))
    if source.weights == "shipped":
        return verified_folder(source.name)
    if source.in_repository:
        return fetched_repository(source.name, source.revision)
    pin = load_pin(source.name)
    if pin.kind != "model":
        raise UserError(f"the pin '{pin.name}' is a {pin.kind}, not a model")
    kinds = [origin.kind for origin in pin.origins]
    if source.weights not in kinds and kinds != ["mirror"]:  # a pin of which no commit could be checked
        raise UserError(f"the pin '{pin.name}' has no weights from '{source.weights}', only from {', '.join(kinds)}")
    fetched = fetch(pin.name)
    if fetched.origin not in (source.weights, "mirror"):
        raise MissingDataError(
            f"'{pin.name}' could only be had from '{fetched.origin}', asked for was '{source.weights}'"
        )
    if fetched.paths[0].suffix == ".gguf":
        return converted(fetched.paths[0], fetched.sha256[0])
    return fetched.paths[0].parent


def load_tokenizer(source: ModelSource | Path) -> PreTrainedTokenizerBase:
    """The tokenizer of `source` (or of a folder); it has an end-of-sequence token, else InputError."""
    from transformers import AutoTokenizer

    folder = _local_folder(source) if isinstance(source, Path) else model_folder(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"no usable tokenizer: {first_line(error)}", where=str(folder)) from None
    if tokenizer.eos_token is None:
        raise InputError("the tokenizer has no end-of-sequence token", where=str(folder))
    return tokenizer


def load_base(source: ModelSource, dtype: str | torch.dtype = "float32", **options: Any) -> PreTrainedModel:
    """The causal language model of `source`, in evaluation mode, from safetensors only.

    Args:
        source: Which weights.
        dtype: Precision to hold them in.
        options: More for `from_pretrained` (a quantisation).
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    folder = model_folder(source)
    if (folder / "adapter_config.json").is_file():
        return _merged_in_memory(folder, dtype, options)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, **options
        )
    except (OSError, ValueError) as error:
        raise InputError(
            f"the weights cannot be loaded: {first_line(error)}",
            where=str(folder),
            fix="needed are config.json and *.safetensors of an architecture that transformers knows",
        ) from None
    return model.eval()


def _merged_in_memory(adapter: Path, dtype: torch.dtype, options: dict[str, Any]) -> PreTrainedModel:
    """An adapter of `rt train --no-merge` on its base, merged; the base is found as its manifest says."""
    from peft import PeftModel

    artifact = read_manifest(adapter.parent, kind="model")
    base = validate_settings(ModelSource, artifact.identity.settings["base"])
    if base.weights == "path":
        base = base.at(_base_of(artifact))
    return PeftModel.from_pretrained(load_base(base, dtype, **options), adapter).merge_and_unload().eval()


def _base_of(adapter: Artifact) -> Path:
    """The folder that an adapter was tuned on, where its manifest says it lies."""
    recorded = adapter.places.get("base")
    if not recorded or not Path(recorded).is_dir():
        raise InputError(
            f"an adapter without its base, which was the folder {recorded or 'of another machine'}",
            where=str(adapter.path),
            fix="put the base back there, or tune again without --no-merge: merged weights need no base",
        )
    if input_digest(Path(recorded)) != adapter.identity.inputs["base"]:
        raise InputError(
            "the base is not the one that the adapter was tuned on: its files have changed",
            where=recorded,
            fix=f"put the base of {adapter.path} back there, or tune again",
        )
    return Path(recorded)


def source_of(text: str) -> ModelSource:
    """The weights that a command line means: a folder, a shipped base, a pin's name, or `owner/repo@commit`.

    Raises:
        InputError: none of them; the known names are shown.
    """
    if Path(text).is_dir():
        return ModelSource(name=text, weights="path")
    if text in shipped_names():
        return ModelSource(name=text, weights="shipped")
    if text in pin_names() and load_pin(text).kind == "model":
        kinds = [origin.kind for origin in load_pin(text).origins]
        return ModelSource(name=text, weights="pypi" if "pypi" in kinds else "hub")
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})", text)
    if match:
        return ModelSource(name=match[1], weights="hub", revision=match[2])
    models = [name for name in pin_names() if load_pin(name).kind == "model"]  # shipped bases among them
    fix = f"a folder, one of {', '.join(models)}, or owner/repo@commit (40 hex digits)"
    raise InputError("no weights of that name", where=text, fix=fix)


def tokenizer_folder(text: str) -> Path:
    """Folder of the tokenizer that `--tokenizer DIR_OR_ID` means: a folder, a pin's name, or `owner/repo[@commit]`.

    Without a commit the repository's newest one is used and named in a warning: good for a look, not for a result.
    """
    if Path(text).is_dir():
        return _local_folder(Path(text))
    if text in shipped_names():
        return model_folder(ModelSource(name=text, weights="shipped"))
    if text in pin_names():
        kinds = [origin.kind for origin in load_pin(text).origins]
        return model_folder(ModelSource(name=text, weights="pypi" if "pypi" in kinds else "hub"))
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([0-9a-f]{40}))?", text)
    if match is None:
        raise InputError("no such folder or pin", where=text, fix=f"pins: {', '.join(pin_names())}")
    folder = fetched_repository(match[1], match[2], tokenizer_only=True)
    if match[2] is None:
        log.warning("%s: no commit given; this is commit %s", text, folder.name)
    return folder


def pad_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Token to pad with: the tokenizer's own, else end-of-sequence. Nothing is added, nothing resized."""
    return tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id


def parameter_count(model: PreTrainedModel) -> int:
    """Number of parameters; tied ones count once, and those held in 4 bits as what they stand for."""
    return model.num_parameters()


def _local_folder(path: Path) -> Path:
    if not path.is_dir():
        raise InputError("no such folder", where=str(path), fix="give a folder with config.json and safetensors")
    if is_artifact(path) and read_manifest(path).identity.kind != "base-model":
        read_manifest(path, kind="model")
        return path / "merged" if (path / "merged").is_dir() else path / "adapter"
    if not any((path / name).is_file() for name in ("config.json", "tokenizer.json", "tokenizer.model")):
        raise InputError("holds neither a model nor a tokenizer (no config.json, no tokenizer.json)", where=str(path))
    return path
