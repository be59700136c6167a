"""Rows, requests and a writer on the tiny soup, for tests of the engine."""

from dataclasses import replace

from backbones.engine.batch import Row, stream
from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from backbones.tasks.restaurants import facts
from tests.fake import fake_set

PROMPTS = [
    facts.prompt(facts.parse("name[A], food[Italian]")),
    facts.prompt(facts.parse("name[B], eatType[pub], priceRange[cheap], area[riverside], near[C]")),
]
GIVEN = {"name": "Ox", "food": "Italian"}
MIXES = [(1.0, 0.0, 0.0, 0.0), (1.75, -0.75, 0.0, 0.0), (0.0, 0.0, 0.3, 0.7), (0.0, 0.0, 0.0, 0.0)]


def tiny_row(prompt="", coefficients=((),), weights=(1.0,), **settings):
    """A row; what its request gives and prefers plays no part in decoding. The nucleus is everything by default."""
    return Row(Request({}, Preference.equal(2), **{"top_p": 1.0} | settings), prompt, coefficients, weights)


def several(n):
    """Rows of different prompts, mixes, settings and lengths."""
    return [
        tiny_row(PROMPTS[i % 2], (MIXES[i % 4],), seed=i, temperature=0.7 + i / 10, top_p=0.95, max_new_tokens=8 + i)
        for i in range(n)
    ]


def again(row, coefficients=None, weights=None, **settings):
    """A row that has not begun like another, but for what is said."""
    return Row(replace(row.request, **settings), row.prompt, coefficients or row.coefficients, weights or row.weights)


def tokens(soup, rows):
    """Those that rows get, which are decoded anew."""
    rows = [again(row) for row in rows]
    for _ in stream(soup, rows):
        pass
    return [row.tokens for row in rows]


def request(seed=0, **settings):
    """A request to the tiny writer."""
    return Request(**{"given": GIVEN, "preference": (0.3, 0.7), "seed": seed, "max_new_tokens": 24, **settings})


def tiny_writer(soup, adapters):
    """A writer with two objectives on four adapters by name."""
    names = tuple(adapters)
    parts = {"folders": adapters, "backbones": names[:2], "specialists": names[2:], "oracles": ()}
    return Writer(replace(fake_set(2), **parts), soup)


BAD = [  # requests that the tiny writer refuses, and what it says
    ([], "no requests"),
    ([request(), request(method="stew")], "unknown method 'stew'"),
    ([request(method="morlhf")], "unknown method 'morlhf'"),  # the set has no oracles
    ([request(preference=(1.0,))], "needs one number for each of complete, concise"),
    ([request(given={"food": "Italian"})], "'name' is missing"),
]
