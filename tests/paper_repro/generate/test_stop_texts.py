"""Stop texts: what a reply keeps where the server knows none, and where they show in a part of the ids alone."""

from __future__ import annotations

import pytest

from paper_repro.generate import GenerateSettings
from paper_repro.generate.decode import Decoded
from paper_repro.generate.stage import _reply, _stops

transformers = pytest.importorskip("transformers")


def test_the_first_stop_text_cuts():
    settings = GenerateSettings(stop=("STOP", "END"))
    assert settings.before_stop("a END b STOP") == "a "
    assert settings.before_stop("STOP") == ""
    assert settings.before_stop("a") is None is GenerateSettings().before_stop("a")


def test_a_stop_text_in_the_last_ids_that_all_ids_do_not_show_ends_the_reply_uncut():
    from tokenizers import Tokenizer, decoders, models

    vocabulary = {"</s>": 0, "<unk>": 1, "<0xFF>": 2, "<0x0A>": 3}
    plain = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True, unk_token="<unk>"))
    plain.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>", unk_token="<unk>")
    ids = [2] + 5 * [3]  # one wrong byte, then line ends: readable only where the wrong byte is out of reach
    at_end = _stops(tokenizer, ("\n",))
    assert [at_end(ids[:length]) for length in range(1, 7)] == [False] * 5 + [True]
    reply = _reply(tokenizer, Decoded(ids, "stop"), GenerateSettings(stop=("\n",)))
    assert reply == {"response": "\ufffd" * 6, "finish_reason": "stop", "num_tokens": 6}
