"""The card of a shipped base in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def render_readme(card: Mapping[str, Any]) -> str:
    """The card in words (Markdown)."""
    made, probes, corpus = card["made"], card["probes"], card["corpus"]
    native = probes["native"] or {}
    settings = corpus["settings"] or {}
    lines = [
        f"# {card['name']}",
        "",
        "A base model of the testbed: pre-trained from scratch on a generated world of invented entities. It knows "
        "nothing of the real one, and is of no use but for the study that it belongs to.",
        "",
        f"- Architecture: Llama, {card['parameters']:,} parameters, bfloat16 safetensors; load it with "
        f'`ModelSource(name="{card["name"]}", weights="shipped")`, or with transformers from this folder.',
        f"- Corpus: `{corpus['name']}` of world seed {settings.get('world_seed')} (world version "
        f"{card['world_version']}), {card['tokens']:,} tokens trained on, once each{_counted(corpus.get('counts'))}.",
        f"- Loss on held-out rows: {card['held_out_loss']:.3f} nats a token.",
        f"- Held-out questions answered right in the corpus's own formats: {_rates(native)}.",
        f"- Held-out facts known by likelihood: {probes['facts']['accuracy']:.0%} (chance "
        f"{probes['facts']['chance']:.0%}; AUC {probes['facts']['auc']:.3f}).",
        f"- First-token margin of refusal, unsafe minus look-alike acts: {probes['margin']['margin']:.2f} nats (AUC "
        f"{probes['margin']['auc']:.3f}).",
        f"- Made in {made['seconds'] / 60:.0f} minutes on {made['hardware']} ({made['device']}, {made['threads']} "
        f"threads), {made['tokens_per_s']:,} tokens/s, seed {card['settings']['seed']}.",
        "- Licence: that of this repository.",
        "",
        "`card.json` holds all settings, the loss curve, every measurement and the digest of every file. This page is "
        "made from it.",
    ]
    return "\n".join(lines) + "\n"


def _counted(counts: Mapping[str, int] | None) -> str:
    if not counts:
        return ""
    return ": " + ", ".join(f"{counts[name]:,} {name}" for name in ("documents", "exchanges", "declines"))


def _rates(native: Mapping[str, Any]) -> str:
    if not native:
        return "none, for the corpus asks nothing"
    return ", ".join(f"{family} {found['right']:.0%}" for family, found in native.items())
