"""The rewards of the restaurant task, each in [0, 1] and higher for better texts.

Every one is multiplied by `well_formed`, so that none can be raised by empty text, repetition, text cut off
in mid-sentence or a list of bare values. All work on texts with placeholders.
"""

import re
from itertools import pairwise

from backbones.tasks.restaurants.facts import NAME, Facts
from backbones.tasks.restaurants.slots import match
from backbones.tasks.words import words

FEWEST_WORDS, MOST_WORDS = 4, 44  # concise is 1 at the first, 0 at the second
MOST_PRAISE = 3  # words of praise that upbeat takes as meant

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_VERBS = set(
    """is isn't are aren't was has have hasn't had offers offer serves serve provides provide sells sell costs cost
    located can cannot can't could will won't would does doesn't do don't features feature caters cater ranges range
    gets get receives received rates rated rate it's they're there's that's allows allow welcomes welcome boasts
    try visit find come enjoy go head check look eat bring take want looking see expect specializes specialises
    makes make lies sits stands gives give earned scores scored holds runs charges prices priced situated comes known
    called named near nestled found based sit stay avoid beware recommend recommended considered considers looks
    includes be been being having serving offering providing prepares cooks delivers carries maintains advertises
    should must may might need needs keep let love like likes say says rank ranks ranked hosts sports puts seems
    remains ranging belongs falls starts start exists produces presents brings dine dining opens attracts averages
    encourages has't did goes pay set grab feed eats stop offered served priced visited""".split()
)
_PRAISE = set(
    """amazing awesome beautiful best brilliant charming cosy delicious delightful enjoy enjoyable excellent
    exceptional exquisite fabulous fantastic fine fun good gorgeous great happy incredible love lovely
    magnificent marvellous nice outstanding perfect pleasant splendid stunning super superb terrific top tasty
    wonderful""".split()
)
_DANGLING = set("a an the and or but with near in of to is are at for from by as its it's their which that has".split())
_NO_ARTICLE = re.compile(
    r"\b(?:is|as|was) ((?:[\w£'’<>-]+,? ){0,6}?)"
    r"(?:restaurant|pub|coffee shop|place|venue|eatery|establishment)\b(?! (?:food|style|fare|which))"
)
_DETERMINED = re.compile(
    r"\b(?:an?|the|this|that|one|your|another|our|my|its|their|no|some|any|not|of|in|for|at|near|to|by|with|and|on"
    r"|called|named|located|serves?|serving|what|where|by|from|rated|also)\b|<"
)


def complete(text: str, facts: Facts) -> float:
    """Facts stated correctly / (facts given + facts invented or contradicted), times `well_formed`.

    The name counts as a fact. What a text states is found by `slots.match`; every wrong meaning counts once.
    """
    found = match(text, facts)
    return len(found.correct) / (len(facts) + len(found.wrong)) * well_formed(text)


def concise(text: str, facts: Facts) -> float:
    """1 for up to `FEWEST_WORDS` words, falling linearly to 0 at `MOST_WORDS`, times `well_formed`.

    Parts of a hyphenated word count as words, and the facts do not matter.
    """
    share = (MOST_WORDS - len(words(text))) / (MOST_WORDS - FEWEST_WORDS)
    return min(max(share, 0.0), 1.0) * well_formed(text)


def well_formed(text: str) -> float:
    """1 for plain sentences, halved by every defect, 0 for fewer than `FEWEST_WORDS` words.

    Defects: no name; no full stop, ! or ? at the end; per sentence: no verb, or a last word that cannot end
    one; doubled punctuation; a word twice in a row; a repeated run of three words; more than two commas
    and more than one per five words; "is" or "as" before a place without an article; two articles in a row.
    """
    said = words(text)
    if len(said) < FEWEST_WORDS:
        return 0.0
    low = text.lower().strip()
    sentences = [words(sentence) for sentence in _SENTENCE.split(low)]
    runs = list(zip(said, said[1:], said[2:], strict=False))
    defects = (
        (NAME not in text)
        + (low[-1] not in ".!?")
        + sum(not _VERBS & set(sentence) for sentence in sentences)
        + sum(bool(sentence) and sentence[-1] in _DANGLING for sentence in sentences)
        + len(re.findall(r"[,;:.!?]\s*[,;:.!?]", low))
        + sum(a == b and (a.isalpha() or a == NAME) for a, b in pairwise(said))
        + len(runs)
        - len(set(runs))
        + (low.count(",") > max(2, len(said) / 5))
        + sum(not _DETERMINED.search(m.group(1)) for m in _NO_ARTICLE.finditer(low))
        + len(re.findall(r"\b(?:an?|the) (?:an?|the)\b", low))
    )
    return 0.5**defects


def upbeat(text: str, positive: float) -> float:
    """The probability that a text sounds positive, times `well_formed`, halved for praise that is piled up.

    `positive`: the probability given by the classifier behind it (`train.classifier`). It is halved by every
    word of praise that was said before and by every one after the third.
    """
    praise = [word for word in words(text) if word in _PRAISE]
    piled = max(len(praise) - len(set(praise)), len(praise) - MOST_PRAISE, 0)
    return positive * well_formed(text) * 0.5**piled
