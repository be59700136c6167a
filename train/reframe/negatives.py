"""What tells the reward `true` that a text does not say what its thought says: changed words, and similar thoughts."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from backbones.tasks.reframe.spelling import plain
from train.reframe.gaming import EMPTY

COMMON = 300  # thoughts; a word that more of them have makes none similar
OPPOSITES = """
    good bad, happy sad, love hate, win lose, won lost, pass fail, passed failed, start end, started finished,
    morning night, hot cold, mum dad, brother sister, husband wife, girlfriend boyfriend, son daughter, dog cat,
    friend boss, exam party, work school, monday friday, car bike, home office, phone laptop, english maths,
    summer winter, he she, her him, they i, we they, my his, my your, essay song, sleep eat, week year,
    today yesterday, hospital hotel, broken fixed, alive dead, sick healthy, teacher driver, homework laundry,
    class flight, money time, rain snow, coffee pizza, game movie, hair teeth, doctor lawyer
"""
AUXILIARIES = set("am is are was were will can could do does did would should have has had".split())


def _both_ways(pairs: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs.split(","):
        one, other = pair.split()
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return found


SWAPS = _both_ways(OPPOSITES)


def falsified(text: str, names: Sequence[str], rare: frozenset[str], luck: random.Random) -> str | None:
    """Bare words with one or two things changed: a number, a word for its opposite, a rare one for another of `names`.

    `rare`: the set of `names`. None where there is nothing to change.
    """
    words = plain(text).split()
    spots = [i for i, word in enumerate(words) if word in SWAPS or word.isdigit() or word in rare]
    if not spots:
        return None
    for i in luck.sample(spots, min(len(spots), luck.randint(1, 2))):
        word = words[i]
        if word.isdigit():
            words[i] = str(int(word[:6]) + luck.randint(1, 9))
        else:
            words[i] = luck.choice(SWAPS.get(word, names))
    return " ".join(words)


def negated(text: str, luck: random.Random) -> str | None:
    """Bare words with a "not" taken out or put in; None where neither fits."""
    words = plain(text).split()
    if "not" in words:
        words.remove("not")
        return " ".join(words)
    spots = [i for i, word in enumerate(words[:-1]) if word in AUXILIARIES]
    if not spots:
        return None
    words.insert(luck.choice(spots) + 1, "not")
    return " ".join(words)


def added(text: str, other: str, luck: random.Random) -> str:
    """Bare words with an addition for its own sake: something empty, or what another text ends with."""
    end = plain(other.rpartition(",")[2]).split()
    end = end[1:] if end[:1] in (["and"], ["but"], ["so"]) else end
    return f"{plain(text)} {luck.choice(['and', 'but'])} {luck.choice([luck.choice(EMPTY), ' '.join(end)])}".strip()


def half(text: str, other: str) -> str:
    """The first half of a text, then the second of another."""
    first, second = plain(text).split(), plain(other).split()
    return " ".join(first[: len(first) // 2] + second[len(second) // 2 :])


def neighbours(texts: Sequence[Sequence[str]], idf: Mapping[str, float], most: int) -> list[list[int]]:
    """For each of `texts` (words) the numbers of up to `most` others that are similar, by the cosine of their idf.

    The same text again is no other one. Where nothing is shared: that of the text that follows.
    """
    own = [list(dict.fromkeys(text)) for text in texts]  # in order, so that the same comes out of every run
    holding: dict[str, list[int]] = {}
    for row, text in enumerate(own):
        for word in text:
            holding.setdefault(word, []).append(row)
    length = [sum(idf[word] ** 2 for word in text) ** 0.5 for text in own]
    near = []
    for row, text in enumerate(own):
        alike: Counter[int] = Counter()
        for word in text:
            if len(holding[word]) <= COMMON:
                for other in holding[word]:
                    alike[other] += idf[word] ** 2 / length[other]
        for other in [other for other in alike if texts[other] == texts[row]]:
            del alike[other]
        near.append([other for other, _ in alike.most_common(most)] or [(row + 1) % len(texts)])
    return near
