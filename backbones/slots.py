"""Slot matcher: which facts a restaurant description states.

Works on texts with placeholders (`<name>`, `<near>`) and by meaning: people write "expensive" for "more
than £30" and "highly rated" for "5 out of 5", in either direction, so price and rating each have three
meanings. The patterns come from reading the human references of the E2E training data.
"""

import re
from dataclasses import dataclass

from backbones.facts import NAME, NEAR, Facts

# Values of the facts that mean the same.
MEANING = {
    "priceRange": {
        "cheap": "cheap",
        "less than £20": "cheap",
        "moderate": "moderate",
        "£20-25": "moderate",
        "high": "high",
        "more than £30": "high",
    },
    "customer rating": {
        "low": "low",
        "1 out of 5": "low",
        "average": "average",
        "3 out of 5": "average",
        "high": "high",
        "5 out of 5": "high",
    },
}

_POUNDS = r"(?:£\s*|gbp\s*)"
_PRICE = r"(?:[- ](?:to|and)[- ]\w+)?[- ]?(?:pric(?:ed?|es|ing|ey)|cost(?:s|ing)?|end\b|range\b)"
_PRICE_IS = r"(?:pric(?:es?|ed|ing)|price[- ]?range|costs?)(?: range)?(?: (?:are|is|at|of|being|in|the|a|rather|quite|very|fairly|from))*:? (?:on the )?"
_RATING = r"[- ]*(?:overall |customer |quality |user |consumer )*(?:rat(?:ings?|ed|es?)|reviews?|reviewed|satisfaction|feedback|scores?|scoring|approval|recommended|regarded|recommendations?|reputation|opinions?|remarks)\b"
_RATING_IS = r"(?:rat(?:ings?|ed|es|e)|reviews?|reviewed|satisfaction|feedback|scored?)(?: (?:is|are|of|as|at|by|being|has|been|it|a|an|customers?|very|quite|only|with|from))*:? "
_OUT_OF = r"(?:[- ]?out[- ]of[- ]?(?:a possible )?|[- ]of[- ]|\s?/\s?|[- ]in[- ])(?:5|five)"
_STAR = r"[- ]stars?"

# slot -> meaning -> what says it. Longer phrases of a slot win over shorter ones that overlap them.
PATTERNS = {
    "name": {"": NAME},
    "eatType": {
        "coffee shop": r"coffee[- ]?(?:shop|house|place|bar|spot|joint|cafe|establishment|venue)s?|caf[eé]s?\b",
        "pub": r"\bpubs?\b|\btaverns?\b|\bbars?\b(?! none)",
        "restaurant": r"\brestaurants?\b|\bresturants?\b|\brestaraunts?\b",
    },
    "food": {
        "Chinese": r"\bchinese\b|\bchina\b",
        "English": r"\benglish\b|\bbritish\b|fish and chips|fish 'n' chips|\benglands?\b",
        "Fast food": r"\bfast[- ]?foods?\b|\bburgers?\b|\bjunk food",
        "French": r"\bfrench\b|\bfrance\b",
        "Indian": r"\bindian\b|\bcurry\b|\bcurries\b|\bindia\b",
        "Italian": r"\bitalian\b|\bpasta\b|\bpizzas?\b|\bspaghetti\b|\bitaly\b",
        "Japanese": r"\bjapanese\b|\bsushi\b|\bjapan\b",
    },
    "priceRange": {
        "cheap": r"\bcheap(?:er|ly|est)?\b|\binexpensive\b|\baffordabl[ey]\b|\blow(?:er|ly)?"
        + _PRICE
        + r"|\b(?:less|lower|cheaper) th[ae]n "
        + _POUNDS
        + r"?(?:20|twenty)(?: pounds| gbp)?"
        + r"|\b(?:under|below|up to|within) "
        + _POUNDS
        + r"?(?:20|twenty)(?: pounds)?|\bbudget\b|\b"
        + _PRICE_IS
        + r"low(?:er)?\b",
        "moderate": r"\bmoderat(?:e|ely)"
        + _PRICE
        + r"|\b(?:average|averagely|mid|middle|medium|reasonabl[ey]|fair|fairly|decent|decently|modest|modestly|intermediate)"
        + _PRICE
        + r"|"
        + _POUNDS
        + r"?20(?: pounds)?\s?(?:-|–|to|and|or)\s?"
        + _POUNDS
        + r"?25(?: pounds| gbp)?|\b"
        + _PRICE_IS
        + r"(?:moderate|average|reasonable|mid|medium|fair)(?:ly)?\b|\bmid-range\b|\bmoderate(?:ly)? expensive\b",
        "high": r"\bexpensive\b|\bpric[e]?y\b|\bupscale\b|\bcostly\b|\bhigh(?:er|ly)?"
        + _PRICE
        + r"|\bhigh-end\b|\bupmarket\b"
        + r"|\b(?:more|higher|greater) th[ae]n "
        + _POUNDS
        + r"?(?:30|thirty)(?: pounds| gbp)?"
        + r"|\b(?:over|above|from|at|starting at|upwards? of|exceeding|exceeds?) "
        + _POUNDS
        + r"?(?:30|thirty)\b(?: pounds)?|"
        + _POUNDS
        + r"30\s?(?:\+|plus|and (?:up|over|above|more)|or more|upwards)|\b"
        + _PRICE_IS
        + r"(?:high|higher|expensive)\b",
    },
    "customer rating": {
        "low": r"\b(?:low(?:er|est|ly)?|poor(?:ly)?|bad(?:ly)?|terribl[ey]|negative|below average|worst|disappointing|unfavorable|awful)"
        + _RATING
        + r"|\b"
        + _RATING_IS
        + r"(?:low|poor|bad)(?:ly)?\b(?![- ]?pric|[- ]cost)|(?<![.\d])\b(?:1|one)"
        + _OUT_OF
        + r"(?: stars?)?|\b(?:1|one|single)"
        + _STAR
        + r"|\brat(?:ed|ing)(?: of)?(?: only)? (?:1|one)\b(?! out|[- ]of|\s?/|[- ]star|\.)|\bnot (?:very )?(?:well|highly)"
        + _RATING,
        "average": r"\b(?:average|averagely|mediocre|decent|moderate(?:ly)?|ok|okay|mixed|medium|mid|middling|fair|reasonabl[ey]|satisfactory|acceptable)"
        + _RATING
        + r"|\b"
        + _RATING_IS
        + r"(?:average|moderate|mediocre|decent|ok|fair)(?:ly)?\b(?![- ]?pric|[- ]cost)|(?<![.\d])\b(?:3|three)"
        + _OUT_OF
        + r"(?: stars?)?|\b(?:3|three)"
        + _STAR
        + r"|\brat(?:ed|ing)(?: of)? (?:3|three)\b|\baverage by (?:its )?customers",
        "high": r"\b(?:high(?:er|est|ly)?|excellent(?:ly)?|great|good|well|top|perfect(?:ly)?|outstanding|superb|positive|best|fantastic|favorabl[ey]|5 star|five star)"
        + _RATING
        + r"|\b"
        + _RATING_IS
        + r"(?:high|excellent|well|good|great|perfect|outstanding)(?:ly)?\b(?![- ]?pric|[- ]cost)|(?<![.\d])\b(?:5|five)"
        + _OUT_OF
        + r"(?: stars?)?|\b(?:5|five)"
        + _STAR
        + r"|\brat(?:ed|ing)(?: of)? (?:5|five)\b(?! out|[- ]of|\s?/|[- ]star|\.)",
    },
    "area": {
        "city centre": r"\b(?:city|town|central)[- ]?(?:'s )?cent(?:re|er)\b|\bcent(?:re|er) of (?:the )?(?:city|town|cambridge)|\bcity'?s cent(?:re|er)|\bdowntown\b|\bin the cent(?:re|er)\b|\binner city\b|\bcent(?:re|er) city\b|\bheart of the city\b",
        "riverside": r"\briver[- ]?sides?\b|\briver(?:bank|front)?\b|\bwaterfront\b",
    },
    "familyFriendly": {},
    "near": {"": NEAR},
}

_YOUNG = r"(?:famil(?:y|ies)|kids?|child(?:ren)?s?|youngsters|toddlers|all ages)"
_FAMILY = re.compile(
    rf"\b{_YOUNG}(?:'?s)?[- ]*(?:and[- ]\w+[- ]*|or[- ]\w+[- ]*)?(?:un)?friendl(?:y|iness)"
    rf"|\b{_YOUNG}[- ](?:oriented|orientated|welcoming|suitable|appropriate|style|free|atmosphere|environment|restaurant|pub"
    rf"|coffee shop|place|venue|establishment|eatery|dining|orientated|based|run|cafe|location|spot|fun)\b"
    rf"|\b(?:welcom(?:es?|ing)|allows?|accommodat(?:es?|ing)|caters? (?:to|for|towards)|accepts?|bring|brings|take|open to|includes)"
    rf" (?:(?:the|your|all|whole|of|entire|small|young|a) )*{_YOUNG}\b"
    rf"|\b(?:for|with|suit(?:s|ed to)?|to) (?:(?:the|your|all|whole|entire|young|small|a|those with) )*{_YOUNG}\b(?![- ]free)"
    rf"|\b(?:no|without) {_YOUNG}\b"
    rf"|\b{_YOUNG}(?: and \w+)?,? (?:(?:are|is|were|will|be|may|can|always|more|than|very|not|aren't|isn't|n't) )+(?:welcome[d]?|allowed|permitted|catered|recommended|suitable|accepted|good|okay|ok)\b"
    rf"|\b{_YOUNG} welcome\b"
    rf"|\badults?[- ]?(?:only|oriented|orientated|friendly|themed|dining|restaurant|pub|coffee shop|venue|place|establishment|environment|atmosphere)?\b"
)
_NOT = re.compile(
    r"\b(?:not|non|no|isn'?t|aren'?t|doesn'?t|don'?t|never|without|nor|neither|cannot|can'?t|hardly|lacks?|free|unfriendly|unsuitable|inappropriate|n't)\b"
)
_ADULT = re.compile(r"\badults?\b")
_CLAUSE = re.compile(r"[.;!?]|,|\bbut\b|\band\b|\bwith\b|\bhowever\b|\balthough\b|\bwhich\b|\bit is\b|\bserv")

_COMPILED = {
    slot: [(value, re.compile(pattern)) for value, pattern in meanings.items()]
    for slot, meanings in PATTERNS.items()
}


@dataclass(frozen=True)
class Statement:
    """One fact that a text states: `value` is a meaning of `PATTERNS`, "yes"/"no" for familyFriendly."""

    slot: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Match:
    """A text against the facts given: slots stated correctly, slots missed, statements that are wrong."""

    correct: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[Statement, ...]


def statements(text: str) -> list[Statement]:
    """Every statement found in a text with placeholders, in the order of the text."""
    low = text.lower()
    found = _family(low)
    for slot, meanings in _COMPILED.items():
        here = [
            Statement(slot, value, *m.span()) for value, pattern in meanings for m in pattern.finditer(low)
        ]
        longest = sorted(here, key=lambda s: (s.start - s.end, s.start))
        kept: list[Statement] = []
        for s in longest:
            if all(s.end <= k.start or s.start >= k.end for k in kept) and not _denied(low, s):
                kept.append(s)
        found += kept
    return sorted(found, key=lambda s: s.start)


def match(text: str, facts: Facts) -> Match:
    """What a text says of the facts given.

    "restaurant" is what people call any place to eat, so it is never wrong. Contradictions and inventions
    of one slot and meaning count once; a slot that is stated both rightly and wrongly counts as both.
    """
    correct, wrong = [], {}
    for s in statements(text):
        given = facts.get(s.slot)
        meant = MEANING.get(s.slot, {}).get(given, given)
        if given is not None and (s.value == meant or s.slot in ("name", "near")):
            if s.slot not in correct:
                correct.append(s.slot)
        elif (s.slot, s.value) != ("eatType", "restaurant"):
            wrong.setdefault((s.slot, s.value), s)
    missed = tuple(slot for slot in facts if slot not in correct)
    return Match(tuple(correct), missed, tuple(wrong.values()))


def _denied(low: str, s: Statement) -> bool:
    """ "not cheap", "isn't expensive": says too little to count as any meaning."""
    return s.slot not in ("name", "near", "area") and bool(
        re.search(
            r"(?:\bnot|n't|\bneither|\bnor)(?: (?:too|very|so|a|an))?\s$|\b(?:less|least|moderately|reasonably) $",
            low[: s.start],
        )
    )


def _family(low: str) -> list[Statement]:
    found = []
    for m in _FAMILY.finditer(low):
        before = _CLAUSE.split(low[max(0, m.start() - 40) : m.start()])[-1]
        after = _CLAUSE.split(low[m.end() : m.end() + 30])[0]
        phrase = m.group()
        no = bool(
            _NOT.search(before.replace("-", " "))
            or _NOT.search(phrase.replace("-", " "))
            or _ADULT.search(phrase)
        )
        no = no or bool(
            re.match(
                r"(?:'s)?[- ]*(?:is|are|would|should|will)?[- ]*(?:not|n't|isn't|aren't|no)\b", after.lstrip()
            )
            and "friendly" not in phrase
        )
        found.append(Statement("familyFriendly", "no" if no else "yes", *m.span()))
    return found
