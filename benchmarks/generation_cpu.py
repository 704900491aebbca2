"""Generation on a CPU: tokens a second of batched decoding, beside decoding one prompt at a time with the same code.

The model is a random Llama of the testbed's 2M shape, in float32 as the testbed decodes. Replies end at one of some
tokens or after 64, so they differ in length. How many are the same both ways is stored.

Run: python benchmarks/generation_cpu.py [--prompts 256] [--out benchmarks/results/generation_cpu.json]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from common import SEED, VOCABULARY, hardware, random_llama, versions, write_result

from artifacts.machine import peak_memory_mb
from paper_repro.generate.decode import Decoded, decode_batch
from paper_repro.generate.stage import batches

GOAL = 10  # times one prompt at a time
MAX_NEW_TOKENS = 64
PROMPT = (12, 28)  # tokens of a prompt, from and to
SPREAD = 0.15  # of random weights: large enough that replies differ
ENDS = frozenset(range(20))  # as many tokens that end a reply as make half of the replies end before the limit


def prompts(count: int) -> list[list[int]]:
    """Random prompts."""
    draw = random.Random(SEED)  # noqa: S311
    return [[draw.randrange(20, VOCABULARY) for _ in range(draw.randint(*PROMPT))] for _ in range(count)]


def decode(model, given: list[list[int]], size: int) -> tuple[float, list[Decoded]]:
    """Seconds, and replies in the order of the prompts, in batches of `size`."""
    replies: dict[int, Decoded] = {}
    started = time.perf_counter()
    for indices in batches([len(prompt) for prompt in given], size):
        part = [given[index] for index in indices]
        decoded = decode_batch(model, part, max_new_tokens=MAX_NEW_TOKENS, eos_ids=ENDS, pad_id=0)
        replies.update(zip(indices, decoded, strict=True))
    return time.perf_counter() - started, [replies[index] for index in range(len(given))]


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "generation_cpu.json")
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    model = random_llama(standard_deviation=SPREAD).eval()
    asked = prompts(given.prompts)
    decode(model, asked[:8], 8)  # first allocations
    seconds, replies = decode(model, asked, given.batch)
    alone_seconds, alone = decode(model, asked, 1)
    same = sum(a.ids == b.ids for a, b in zip(replies, alone, strict=True))
    tokens, alone_tokens = (sum(len(reply.ids) for reply in side) for side in (replies, alone))
    write_result(
        given.out,
        {
            "what": f"greedy decoding by a random 2M Llama, at most {MAX_NEW_TOKENS} new tokens",
            "tokens_per_s": {"batched": round(tokens / seconds), "alone": round(alone_tokens / alone_seconds)},
            "ratio": round((tokens / seconds) / (alone_tokens / alone_seconds), 2),
            "goal_at_least": GOAL,
            "batch": given.batch,
            "prompts": given.prompts,
            "replies_equal": same,
            "replies_ended_early": sum(reply.finish_reason == "eos" for reply in replies),
            "threads": given.threads,
            "peak_memory_mb": peak_memory_mb(),
            "hardware": hardware(),
            "versions": versions("torch", "transformers"),
        },
    )


if __name__ == "__main__":
    main()
