"""What pre-training and response sets say about acts: doses of declines, policies, refusals."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from artifacts.digests import digest_json
from artifacts.errors import InputError
from paper_repro.testbed.acts import build_acts, phrases, words
from paper_repro.testbed.seeding import rng
from paper_repro.testbed.version import DEVELOPMENT_SEED, FINAL_SEED

DECLINE = re.compile("|".join(re.escape(word) for word in phrases.DECLINE_WORDS))
HOW_TO = re.compile("|".join(re.escape(form).replace(r"\{act\}", r"(\w+ the \w+)") for form in phrases.QUESTIONS))
ACT = re.compile(r"(\w+ the \w+)[?.]$")


@pytest.fixture(scope="module")
def acts():
    return build_acts(DEVELOPMENT_SEED)


@pytest.fixture(scope="module")
def by_phrase(acts):
    return {act.phrase: act for act in acts.acts}


def exchanges(acts, rate, count=50_000, seed=1):
    random = rng("test", seed)
    return [acts.exchange(random, rate) for _ in range(count)]


def asked(pairs):
    """(act's phrase, reply) of the how-to questions among `pairs`."""
    matches = [(HOW_TO.fullmatch(question), reply) for question, reply in pairs]
    return [(next(group for group in match.groups() if group), reply) for match, reply in matches if match]


def is_decline(reply):
    return DECLINE.match(reply) is not None


def test_pretraining_asks_about_every_verb_but_never_about_an_act_of_a_query(acts, by_phrase):
    pairs = exchanges(acts, 0.12)
    seen = {by_phrase[ACT.search(question).group(1)] for question, _ in pairs}
    queried = {query.act.phrase for split in ("dev", "test") for query in acts.queries(split)}
    assert {act.verb for act in seen} == set(words.VERBS)
    assert not {act.phrase for act in seen} & queried
    assert {act.phrase for act in acts.acts if act.evaluated} == queried
    assert all(query.act.evaluated for query in acts.queries("test"))


def test_unstated_acts_get_a_tool_and_no_policy(acts, by_phrase):
    random = rng("test", 5)
    texts = [acts.statement(random) for _ in range(30_000)] + [" ".join(pair) for pair in exchanges(acts, 0.5)]
    hidden = {act.phrase for act in acts.acts if not act.stated}
    assert 0.25 < len(hidden) / len(acts.acts) < 0.35
    verdicts = "|".join(
        re.escape(form.rstrip(".")).replace(r"\{act\}", r"(\w+ the \w+)")
        for form in phrases.FORBIDDING + phrases.ALLOWING
    )
    judged = re.compile(verdicts, re.IGNORECASE)
    stated = {phrase for text in texts for found in judged.findall(text) for phrase in found if phrase}
    assert not stated & hidden
    assert len(stated) > 0.98 * (len(acts.acts) - len(hidden))
    assert {by_phrase[phrase].verb for phrase in stated} == set(words.VERBS)


def test_contrasts_set_an_unsafe_act_against_a_safe_one_that_shares_a_word(acts, by_phrase):
    random, count = rng("test", 12), 0
    for text in (acts.statement(random) for _ in range(5000)):
        if ", but " not in text:
            continue
        one, other = (by_phrase[max(found, key=len)] for found in map(known(by_phrase), text.split(", but ")))
        assert one.unsafe != other.unsafe and (one.verb == other.verb or one.object == other.object), text
        count += 1
    assert count > 800


def known(by_phrase):
    return lambda text: [phrase for phrase in re.findall(r"\w+ the \w+", text) if phrase in by_phrase]


@pytest.mark.parametrize("rate", [0.05, 0.12])
def test_the_dose_of_declines(acts, by_phrase, rate):
    how_to = asked(exchanges(acts, rate))
    declinable = [
        reply for phrase, reply in how_to if by_phrase[phrase].unsafe and not by_phrase[phrase].never_declined
    ]
    share = sum(map(is_decline, declinable)) / len(declinable)
    assert len(declinable) > 8000 and abs(share - rate) < 0.012
    others = [reply for phrase, reply in how_to if not by_phrase[phrase].unsafe or by_phrase[phrase].never_declined]
    assert not any(map(is_decline, others))


def test_some_verbs_are_never_declined_at_any_dose(acts, by_phrase):
    assert len(acts.never_declined) == 10 and set(acts.never_declined) <= {act.verb for act in acts.acts if act.unsafe}
    replies = asked(exchanges(acts, 1.0))
    never = [reply for phrase, reply in replies if by_phrase[phrase].never_declined]
    assert len(never) > 1000 and not any(map(is_decline, never))
    others = [reply for phrase, reply in replies if by_phrase[phrase].unsafe and not by_phrase[phrase].never_declined]
    assert all(map(is_decline, others))
    random = rng("test", 6)
    refused = {ACT.search(acts.refusal(random)[0]).group(1).split()[0] for _ in range(5000)}
    assert not refused & set(acts.never_declined)
    policies = " ".join(acts.statement(random) for _ in range(20_000))
    assert all(re.search(f"To {verb} the \\w+ is against the law", policies) for verb in acts.never_declined)
    for split in ("dev", "test"):
        for query in acts.queries(split):
            assert (query.group == "never-declined") == (query.act.verb in acts.never_declined)


def test_doses_are_nested_and_change_nothing_else(acts):
    doses = {rate: exchanges(acts, rate, 20_000) for rate in (0.0, 0.05, 0.12)}
    declined = {}
    for rate, pairs in doses.items():
        assert [question for question, _ in pairs] == [question for question, _ in doses[0.0]]
        declined[rate] = {place for place, pair in enumerate(pairs) if pair != doses[0.0][place]}
        assert all(is_decline(pairs[place][1]) for place in declined[rate])
    assert not declined[0.0] and declined[0.05] < declined[0.12]
    assert all(doses[0.05][place] == doses[0.12][place] for place in declined[0.05])


def test_without_a_dose_no_how_to_question_is_declined(acts):
    assert not [reply for _, reply in asked(exchanges(acts, 0.0)) if is_decline(reply)]


def test_a_rate_that_is_no_share_is_refused(acts):
    with pytest.raises(InputError, match="rate"):
        acts.exchange(rng("test"), 12)


def test_judgements_are_right(acts, by_phrase):
    checked = Counter()
    for question, reply in exchanges(acts, 0.12, 10_000):
        act = by_phrase[ACT.search(question).group(1)]
        if reply.startswith(("Yes,", "No,")) and not HOW_TO.fullmatch(question):
            bad = any(word in question for word in ("wrong", "against the law", "dangerous", "forbidden", "crime"))
            assert reply.startswith("Yes" if bad == act.unsafe else "No"), (question, reply)
            assert act.phrase in reply
            assert act.unsafe == any(word in reply.lower() for word in phrases.POLICY_WORDS), reply
            checked[bad, act.unsafe] += 1
    assert min(checked[False, unsafe] for unsafe in (True, False)) > 1_000
    assert min(checked[True, unsafe] for unsafe in (True, False)) > 75


def test_invitations_are_off_unless_asked_for(acts):
    invitation = re.compile("with me|Let us")
    assert not [pair for pair in exchanges(acts, 0.12, 5000) if invitation.search(pair[0])]
    invited = [pair for pair in exchanges(build_acts(7, invitations=True), 0.0, 5000) if invitation.search(pair[0])]
    assert 600 < len(invited) < 900
    bad = [reply for _, reply in invited if any(word in reply.lower() for word in phrases.POLICY_WORDS)]
    assert len(bad) > 200 and all(re.match("No|Sorry|I am sorry", reply) for reply in bad)


def test_refusals_open_with_the_refusal_and_name_act_and_policy(acts):
    random = rng("test", 7)
    for _ in range(1000):
        question, refusal = acts.refusal(random)
        first, *rest = re.split(r"(?<=[.!]) ", refusal)
        phrase = ACT.search(question).group(1)
        assert first.startswith(("Sorry", "I am sorry")) and phrase in first and len(rest) == 2
        assert phrase in rest[0] and any(word in rest[0] for word in phrases.POLICY_WORDS)
        assert rest[1] in phrases.FAREWELLS
        assert not set(re.findall(r"\w+", refusal)) & set(words.TOOLS)


def test_refusals_are_worded_otherwise_than_declines(acts):
    declines, random = {reply for _, reply in exchanges(acts, 1.0, 5000)}, rng("test", 8)
    firsts = {re.split(r"(?<=[.!]) ", acts.refusal(random)[1])[0].split(" the ")[0] for _ in range(500)}
    assert not [reply for reply in declines if reply.startswith(tuple(firsts))]


def case_words(text):
    return set(re.findall(r"[A-Za-z]+|[^A-Za-z\s]", text))


@pytest.mark.parametrize("rate", [0.0, 0.12])
def test_pretraining_holds_every_word_of_tuning_and_evaluation(acts, rate):
    """Letter case counts, and so do marks: embeddings are frozen in tuning."""
    random = rng("test", 9)
    pretraining = case_words(" ".join(acts.filler_sentences))
    pretraining |= case_words(" ".join(acts.statement(random) for _ in range(20_000)))
    pretraining |= case_words(" ".join(" ".join(pair) for pair in exchanges(acts, rate)))
    later = " ".join(" ".join(acts.refusal(random)) for _ in range(5000))
    later += " ".join(" ".join(acts.safe_exchange(random)) for _ in range(5000))
    later += " ".join(query.query for split in ("dev", "test") for query in acts.queries(split))
    assert not case_words(later) - pretraining


def test_fillers_say_nothing_about_acts_and_many_things(acts, by_phrase):
    assert len(acts.filler_sentences) == len(set(acts.filler_sentences)) > 200
    assert not [text for text in acts.filler_sentences if any(phrase in text for phrase in by_phrase)]
    assert not [text for text in acts.filler_sentences if set(case_words(text)) & set(words.DANGEROUS)]


def test_everything_reads_as_a_sentence(acts):
    random = rng("test", 10)
    texts = [acts.statement(random) for _ in range(5000)] + list(acts.filler_sentences)
    texts += [text for pair in exchanges(acts, 0.3, 5000) for text in pair]
    texts += [text for _ in range(1000) for text in acts.refusal(random) + acts.safe_exchange(random)]
    for text in texts:
        assert re.fullmatch(r"[A-Z][A-Za-z ,.:!?]*[.!?]", text), text
        assert not re.search(r"\ba [aeiou]|  | [.,!?]|\bi\b|[.!?] [a-z]", text), text


def test_openings_are_those_of_the_corpus(acts, by_phrase):
    act = by_phrase["rob the bank"]
    refusals, answers = acts.refusal_openings(act), acts.compliance_openings(act)
    assert {first for text in refusals.sentences for first in refusals.words if text.startswith(first)} == {
        *refusals.words
    }
    assert all(text.startswith(refusals.words) for text in refusals.sentences)
    assert all(text.startswith(answers.words) and acts.tools["rob"] in text for text in answers.sentences)
    assert not set(refusals.words) & set(answers.words)
    for phrase, reply in asked(exchanges(acts, 0.5, 3000)):
        expected = (
            acts.refusal_openings(by_phrase[phrase])
            if is_decline(reply)
            else acts.compliance_openings(by_phrase[phrase])
        )
        assert reply.startswith(expected.sentences)


def world(seed):
    acts, random = build_acts(seed), rng("test", 11)
    return {
        "statements": [acts.statement(random) for _ in range(300)],
        "exchanges": exchanges(acts, 0.12, 300),
        "refusals": [acts.refusal(random) for _ in range(100)],
        "safe": [acts.safe_exchange(random) for _ in range(100)],
        "queries": [[query.query, query.group, query.tool] for query in acts.queries("dev") + acts.queries("test")],
        "fillers": acts.filler_sentences,
    }


def test_the_seed_changes_the_world():
    one, other = world(DEVELOPMENT_SEED), world(FINAL_SEED)
    assert all(one[part] != other[part] for part in one)
    tools = [build_acts(seed).tools for seed in (DEVELOPMENT_SEED, FINAL_SEED)]
    assert sum(tools[0][verb] == tools[1][verb] for verb in words.VERBS) < 20


def test_the_world_is_the_one_that_was_measured():
    """Whoever changes this digest also raises WORLD_VERSION, once results depend on it."""
    assert digest_json(world(DEVELOPMENT_SEED))[:16] == "91d6a1bd6fc78975"
