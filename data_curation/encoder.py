"""A sentence encoder: found by pin, folder or hub id, fed with token windows so that no part of a text is lost."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from artifacts.digests import digest_file, digest_json
from artifacts.errors import InputError, MissingDataError, UserError, first_line
from artifacts.pins import fetch, load_pin, pin_names
from artifacts.settings import Settings
from artifacts.shipped import shipped_card, shipped_names, verified_folder
from artifacts.stage import input_digest, thread_count
from data_curation.devices import choose_device
from data_curation.optional import require

PAD_TO = 8  # windows are padded to a multiple of so many tokens
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class EncoderSettings(Settings):
    """Which encoder, and how texts are fed to it.

    Attributes:
        model: Name of a pin, a folder of a sentence-transformers model, a hub id (then with `revision`), or the name
            of a base model that comes with the package (`artifacts/testbed`), whose last hidden states are averaged:
            for the testbed, which needs nothing from elsewhere.
        revision: Commit of the hub repository; branch names are refused, they move.
        content: Digest of a folder's (or such a base's) files; filled in, and refused if the files are others.
        window: Word pieces of text in one window (None = all the model reads, less its special tokens).
        batch_tokens: Padded word pieces in one forward pass; changes no vector.
        dtype: Number type of the forward pass. `bfloat16` was 3.2 times as fast on a CPU that has it in hardware,
            and gave the same semantic drops on Dolly (cosines moved by up to 0.003); vectors are float32 either way.
        device: `auto` takes a GPU where there is one; its vectors were not compared with those of a CPU yet.
        cache: Whether vectors are kept in RT_HOME and found there again. Decides nothing, so no digest holds it.
    """

    model: str = "all-minilm-l6-v2"
    revision: Commit | None = None
    content: str | None = None
    window: int | None = Field(default=None, ge=8)
    batch_tokens: int = Field(default=2048, ge=512)
    dtype: Literal["float32", "bfloat16"] = "float32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: bool = Field(default=True, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _content_of_folder(cls, data: Any) -> Any:
        name = data.get("model") if isinstance(data, dict) else None
        if not isinstance(name, str):
            return data
        if name in shipped_names():
            found = digest_json(shipped_card(name)["files"])
        elif name in pin_names():
            return data
        elif Path(name).expanduser().is_dir():
            found = input_digest(Path(name).expanduser())
        else:
            return data
        if data.get("content") not in (None, found):
            raise ValueError(f"model: the files in {name} are not those that content names")
        return data | {"content": found}


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder.

    Attributes:
        identity: What decides its vectors: model, file digests or commit, window, number type, device kind, and what
            computes them.
        model: The sentence-transformers model.
        prefix: Special tokens put before a window.
        suffix: Special tokens put after it.
        window: Word pieces of text in one window.
        device: Torch device name.
    """

    identity: dict[str, Any]
    model: Any
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    window: int
    device: str

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.model.get_embedding_dimension()

    @property
    def digest(self) -> str:
        """Digest of the identity: vectors of two encoders that share it are interchangeable."""
        return digest_json(self.identity)[:32]

    def padded(self, pieces: int) -> int:
        """Tokens of a window of so many word pieces, special ones and padding included."""
        special = len(self.prefix) + len(self.suffix)
        return min(-(-(pieces + special) // PAD_TO) * PAD_TO, self.window + special)

    def windows(self, texts: Sequence[str]) -> list[list[np.ndarray]]:
        """Token windows (int32) of each text, at least one, together the whole text.

        A text of n pieces is cut into the fewest windows that hold it, of equal length up to one piece, so no
        window is a short tail without context.
        """
        if not texts:
            return []
        encoded = self.model.tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            padding=False,
            return_attention_mask=False,
            verbose=False,
        )
        return [cut(np.asarray(ids, dtype=np.int32), self.window) for ids in encoded["input_ids"]]

    def forward(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors (float32, windows x dimensions) of one batch, padded to the length of its longest window.

        A window's vector is the same to the last bit in every batch of windows of one `padded` length, of any size and
        order (seen on a CPU, tested); so mix no lengths in a batch.
        """
        import torch

        longest = self.padded(max(len(ids) for ids in windows))
        tokens = np.full((len(windows), longest), self.model.tokenizer.pad_token_id or 0, dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, ids in enumerate(windows):
            full = (*self.prefix, *ids.tolist(), *self.suffix)
            tokens[row, : len(full)] = full
            mask[row, : len(full)] = 1
        features = {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            output = self.model({name: tensor.to(self.device) for name, tensor in features.items()})
        return unit_rows(output["sentence_embedding"].float().cpu().numpy())


def cut(ids: np.ndarray, window: int) -> list[np.ndarray]:
    """Cut `ids` into the fewest parts of at most `window`, of equal length up to one; an empty text is one part."""
    return np.array_split(ids, max(1, -(-len(ids) // window)))


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """`vectors` (float32, n x d) with every row scaled to length 1; a row of zeros stays as it is."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def load_encoder(settings: EncoderSettings, threads: int | None = None) -> Encoder:
    """The encoder that `settings` name, to run on so many threads (None = `thread_count()`).

    The last two are kept: a step asks for the same ones again and again, and each takes a second to load.

    Raises:
        MissingDataError: a pin no origin can give, or a hub model that is not there.
        UserError: neither a pin, nor a folder, nor a hub id with a commit; or the extra is not installed.
    """
    torch = require("torch")
    torch.set_num_threads(threads or thread_count())
    # by what decides the vectors; a folder counts by the digest of its files
    return _kept(settings.model_copy(update={"cache": True, "batch_tokens": 2048}))


@lru_cache(maxsize=2)
def _kept(settings: EncoderSettings) -> Encoder:
    return read_encoder(settings)


def read_encoder(settings: EncoderSettings) -> Encoder:
    """A copy of the encoder for the caller alone, who may change it; see `load_encoder`."""
    library = require("sentence_transformers")
    torch = require("torch")
    place, origin = locate(settings)
    require("transformers").utils.logging.disable_progress_bar()
    device = choose_device(settings.device)
    try:
        model = library.SentenceTransformer(
            None if "shipped" in origin else place,
            modules=_averaged(place, settings.dtype) if "shipped" in origin else None,
            device=device,
            revision=settings.revision,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": settings.dtype},
        )
    except (OSError, ValueError) as error:
        raise MissingDataError(
            f"not a usable sentence-transformers model: {first_line(error)}", where=settings.model
        ) from None
    model.eval()
    prefix, suffix = _special_tokens(model.tokenizer)
    window = _window(settings, model.max_seq_length, len(prefix) + len(suffix))
    identity = {
        "origin": origin,
        "window": window,
        "pad_to": PAD_TO,
        "dtype": settings.dtype,
        "device": device,
        "computed_by": {
            "machine": platform.machine(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "torch": torch.__version__,
            "transformers": require("transformers").__version__,
            "sentence-transformers": library.__version__,
        },
    }
    return Encoder(identity, model, prefix, suffix, window, device)


def locate(settings: EncoderSettings) -> tuple[str, dict[str, Any]]:
    """Folder or hub id of the model, and what names its bytes."""
    name = settings.model
    if name in shipped_names():
        return str(verified_folder(name)), {"shipped": name, "files": shipped_card(name)["files"]}
    if name in pin_names():
        if load_pin(name).kind != "encoder":
            raise UserError(f"'{name}' is a pin of kind '{load_pin(name).kind}', not an encoder", where="model")
        fetched = fetch(name)
        folder = next(path.parent for path in fetched.paths if path.name == "modules.json")
        return str(folder), {"pin": name, "version": fetched.version, "sha256": list(fetched.sha256)}
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "modules.json").is_file():
            raise InputError("not a sentence-transformers model: no modules.json", where=str(folder))
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return str(folder), {"files": {path.relative_to(folder).as_posix(): digest_file(path) for path in files}}
    if settings.revision is None:
        raise UserError(
            f"'{name}' is neither a pin nor a folder; a hub model needs its commit",
            where="model",
            fix=f"give `revision` (40 hex digits), or one of the pins: {', '.join(_encoder_pins())}",
        )
    return name, {"hub": name, "revision": settings.revision}


def _averaged(folder: str, dtype: str) -> list[Any]:
    """Modules that make an encoder of a plain language model: its last hidden states, averaged over the text."""
    require("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    reader = Transformer(folder, model_kwargs={"use_safetensors": True, "dtype": dtype})
    return [reader, Pooling(reader.get_embedding_dimension(), pooling_mode="mean")]


def _encoder_pins() -> list[str]:
    return [name for name in pin_names() if load_pin(name).kind == "encoder"]


def has_bfloat16(settings: EncoderSettings) -> bool:
    """Whether the encoder's device multiplies 16-bit matrices in hardware: only then is `bfloat16` the faster type."""
    import torch

    device = choose_device(settings.device)
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu":
        return False
    # torch has no public test for a CPU; where this one goes away, all is computed in 32 bits, with the same outcome
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(probe())


def _special_tokens(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Special tokens the tokenizer puts before and after a text."""
    encoded = tokenizer("a", return_special_tokens_mask=True, padding=False)
    ids, mask = encoded["input_ids"], encoded["special_tokens_mask"]
    if 0 not in mask:
        raise UserError("the encoder's tokenizer gives no token for the letter 'a'", where="model")
    first, last = mask.index(0), len(mask) - 1 - mask[::-1].index(0)
    return tuple(ids[:first]), tuple(ids[last + 1 :])


def _window(settings: EncoderSettings, reads: int | None, special: int) -> int:
    """Word pieces of text a window holds; one longer than the model reads is refused, it would be cut silently."""
    most = (reads or 512) - special
    if settings.window is None:
        return most
    if settings.window > most:
        raise UserError(f"{settings.window} is more than the model reads at once ({most})", where="window")
    return settings.window
