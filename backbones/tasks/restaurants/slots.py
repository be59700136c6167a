"""Slot matcher: which facts a restaurant description states.

Works on texts with placeholders (`<name>`, `<near>`) and by meaning: people write "expensive" for "more
than £30" and "highly rated" for "5 out of 5", in either direction, so price and rating have three meanings
each. The phrases come from reading the human references of the E2E training data and counting which facts
they stand for: "affordable" stands for cheap and for moderate prices, "good rating" for high and average.
"""

import re
from dataclasses import dataclass, replace

from backbones.tasks.restaurants.facts import NAME, NEAR, Facts

# Values of the facts that mean the same.
MEANING = {
    "priceRange": {"less than £20": "cheap", "£20-25": "moderate", "more than £30": "high"},
    "customer rating": {"1 out of 5": "low", "3 out of 5": "average", "5 out of 5": "high"},
}

# Words that tell whether high, low or average is about the price or the rating: "high-priced", "prices are
# on the high side", "high customer service rating", "customers rate it as high".
_PRICE = r"[- ]*(?:in )?(?:pric(?:e[ds]?|ing)|cost(?:s|ing)?|rang(?:e[ds]?|ing)|end|level)"
_PRICE_IS = (
    r"(?:pric(?:e[ds]?|ing)|costs?)(?:[- ]?ranges?)?(?: (?:is|are|at|of|in|on|the|an?|being|be|rather|quite|very|fairly"
    r"|really|a bit|slightly|tends? to|remains?))*[ :(-]*"
)
_RATES = r"(?:rat(?:e[ds]?|ings?)|review(?:s|ed)?|rank(?:s|ed|ings?)?|scor(?:e[ds]?|ing)|feedback|satisfaction)"
_RATING = (
    r"[- ]*(?:(?:overall|customers?'?|costumers?|consumer|user|guest|service|star)[- ]+)*"
    rf"(?:{_RATES}|customer service|approval|regarded|reputation)"
)
_RATING_IS = (  # each word of a repeated phrase in one way alone, or the search takes time exponential in their number
    rf"{_RATES}(?: (?:(?:for|from|by) )?(?:is|are|was|of|as|at|being|has|been|it|this|an?|customers?|very|quite"
    r"|only|just|really|currently|be|the|<name>|restaurant|place|pub|coffee shop))*[ :(-]*"
)
_NO_PRICE, _NO_RATING = r"(?![- ](?:in )?(?:pric|cost|end\b|rang))", r"(?![- ](?:customer|rat|review|quality|scor))"
_NO_AMOUNT = (
    r"(?! (?:range )?(?:of|is|are|from|at|over|under|between) (?:over|under|between|more|less|around|about|[£l]?\d))"
)
_OUT_OF_5 = r"(?:[- ]*(?:out[- ]*of|out|of|/|in)[- ]*(?:a possible )?(?:5|five)(?:[- ]stars?)?|[- ]*(?:stars?|\*))"
_NO_SCALE = r"(?<!\d\.)(?<!of )(?<!of-)(?<!out )(?<!/)"
_20, _25, _30 = (rf"[£l]?\s?(?:{digits}(?:\.00)?|{word})(?: (?:british )?(?:pounds|euros|gbp))?" for digits, word in
                 (("20", "twenty"), ("25", "twenty[- ]?five"), ("30", "thirty")))  # fmt: skip
_THAN = r"[- ]*th(?:an|at|en)[- ]*"
_PLACE = r"(?:restaurant|place|coffee shop|caf[eé]|pub|venue|eatery|establishment|spot|food|meals|dining|cuisine)"

# How people grade prices, then ratings.
_LOW = r"(?:low(?:er|ly|est)?|cheap(?:er|est)?|below[- ]average|(?:less|lower) than average)"
_MIDDLE = (
    r"(?:moderate(?:d|ly)?|average(?:d|ly)?|mid(?:dle)?|medium|fair(?:ly)?|decent(?:ly)?|modest(?:ly)?|intermediate)"
)
_HIGH = r"(?:high(?:er|ly|est)?|above[- ]average(?:ly)?|(?:more|higher) than (?:the )?average|over(?= ?priced)|premium|upper|expensive|steep)"
_POOR = (
    r"(?:low(?:er|ly|est)?|poor(?:ly)?|bad(?:ly)?|terribl[ey]|awful|negative|below[- ]average|worst|disappointing"
    r"|(?:not|n't)(?: very| that| so)? (?:well|high(?:ly)?|good|great))"
)
_SO_SO = r"(?:average(?:d|ly)?|moderate(?:ly)?|mediocre|decent(?:ly)?|ok|okay|mixed|medium|mid|middling|fair(?:ly)?|satisfactory)"
_GREAT = r"(?:high(?:er|ly|est)?|excellent(?:ly)?|great|top|perfect(?:ly)?|outstanding|superb|fantastic|best|amazing)"


def _price(grade: str, *more: str) -> tuple[str, ...]:
    shared = rf"{grade}{_RATING} and pric(?:e[ds]?|ing)(?: range)?(?= ?[.,;])"  # "high customer ratings and prices."
    return grade + _PRICE + _NO_AMOUNT + _NO_RATING, _PRICE_IS + grade + _NO_RATING, shared, *more


def _rating(grade: str, stars: str, *more: str) -> tuple[str, ...]:
    shared = rf"{grade}{_PRICE} and rat(?:ed|ings?)(?= ?[.,]|(?: \w+)? {_PLACE})"  # "moderately priced and rated pub"
    in_stars = (
        rf"{_RATING_IS}{stars}(?!\.\d)(?:{_OUT_OF_5})?",
        rf"{_NO_SCALE}{stars}(?:{_OUT_OF_5}|[- ](?:customer )?rat(?:ing|ed))",
    )
    return grade + _RATING, _RATING_IS + grade + _NO_PRICE, shared, *in_stars, *more


# slot -> meaning -> phrases. Where phrases of one slot overlap, the longest holds. "cheap or moderate" is right
# for either meaning, "other" (4 out of 5, £15) is no value of the data set and always wrong.
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "name": {NAME: (NAME,)},
    "eatType": {
        "coffee shop": (r"coffee[- ]?(?:shop|house|place|bar|spot|joint|cafe|establishment|venue)s?", "caf[eé]s?"),
        "pub": (
            "pubs?(?![- ](?:food|fare|grub|meals?))",
            "public houses?",
            "taverns?",
            "gastropub",
            r"(?<!sushi )(?<!wine )(?<!burger )(?<!noodle )(?<!snack )bars?",
        ),
        "restaurant": ("restaurants?", "resturants?", "restaraunts?"),
    },
    "food": {
        "Chinese": ("chinese", "china"),
        "English": ("english", "british", "england", "fish (?:and|&|'?n'?) chips"),
        "Fast food": (r"fast[- ]?foods?", "(?:ham|cheese)?burgers?", "junk food"),
        "French": ("french(?! fries)", "france"),
        "Indian": ("indian", "india", "curry", "curries"),
        "Italian": ("italian", "italy", "pastas?", "pizzas?", "spaghetti"),
        "Japanese": ("japanese", "japan", "sushi"),
    },
    "priceRange": {
        "cheap": _price(
            _LOW,
            "cheap(?:er|ly|est)?",
            "inexpensive(?:ly)?",
            "(?<!high )(?<!higher )budget(?! of)",
            rf"(?:less|lower|cheaper){_THAN}{_20}",
            rf"(?:under|below|up to) {_20}",
            rf"{_20} (?:or|and) (?:less|under|below|lower)",
        ),
        "moderate": _price(
            _MIDDLE,
            "moderate(?:ly)? expensive",
            rf"{_20}\s?(?:-|–|to|and|or)[- ]?{_25}",
            rf"(?:around|about) {_20}",
            rf"(?:under|below|up to) {_25}",
            "£25",
        ),
        "high": _price(
            _HIGH,
            "expensive",
            "pricey",
            "pricy",
            "costly",
            "upscale",
            "up-?market",
            "high(?:er)?[- ]class",
            "high(?:er)? budgets?",
            rf"(?:more|higher|greater){_THAN}{_30}",
            rf"(?:over|above|from|at|of|around|about|exceed\w*|upwards? of) {_30}",
            rf"{_30} ?(?:\+|plus|and (?:up|over|above|more)|or (?:more|over|above)|upwards)",
            "£30",
        ),
        "cheap or moderate": _price("(?:affordabl[ey]|reasonabl[ey]|well)", "affordabl[ey]", "£20"),
        "moderate or high": ("fairly expensive",),
        "other": (r"£\d+(?:\.\d+)?", rf"(?:less{_THAN}|under |below ){_30}", rf"(?:more{_THAN}|over |above ){_20}"),
    },
    "customer rating": {
        "low": _rating(_POOR, "(?:1|one|single)", "(?:low|poor|bad)[- ]quality"),
        "average": _rating(
            _SO_SO,
            "(?:3|three)",
            rf"(?<!above )(?<!below )average,?(?: (?:(?!pric|cost|rang|rat|custom)[\w'-]+,?)){{0,3}} {_PLACE}",
            rf"<name> is (?:an )?average{_NO_PRICE}",
        ),
        "high": _rating(_GREAT, "(?:5|five)", "highly[- ](?:recommended|acclaimed)"),
        "average or high": (
            "(?:good|well|positive|favou?rable)" + _RATING,
            _RATING_IS + "(?:good|well)" + _NO_PRICE,
            "(?:good|high|great)[- ]quality",
        ),
        "other": ("(?:2|two|4|four)" + _OUT_OF_5,),
    },
    "area": {
        "city centre": (
            r"(?:(?:inner )?city|town|central)(?:'?s)?[- ]?cent(?:re|er)",
            r"(?:cent(?:re|er)|middle|heart) of (?:the )?(?:city|town|cambridge)",
            "downtown",
            "in the cent(?:re|er)",
            "inner city",
            "cent(?:re|er) city",
            "centrally located",
        ),
        "riverside": (r"river(?:[- ]?(?:sides?|banks?|fronts?))?", "waterfront", "waterside"),
    },
    # Any word on the young says "yes", unless `_denied` finds it denied.
    "familyFriendly": {
        "yes": (
            r"(?:famil(?:y|ies)|kids?|child(?:ren)?s?|toddlers|all ages)(?:'?s)?(?![- ](?:owned|run))"
            r"(?: with (?:\w+ )?(?:kids|children))?"
            r"(?:[- ]+(?:(?:and|or)[- ]\w+[- ]+)?(?:un)?friend(?:ly|liness)?|[- ]free)?",
        ),
        "no": (
            r"(?<!\band )(?<!\bor )adults?(?:[- ](?:only|oriented|friendly))?(?! and (?:kid|child|famil))",
            "mature",
        ),
    },
    "near": {NEAR: (NEAR,)},
}
_PATTERNS = [
    (slot, value, re.compile(rf"(?<![\w£])(?:{'|'.join(phrases)})(?!\w)"))
    for slot, meanings in PHRASES.items()
    for value, phrases in meanings.items()
]

# What a denied statement says: "not cheap", "does not get good reviews". Other denied ones say nothing.
DENIED = {
    ("priceRange", "cheap"): "moderate or high",
    ("priceRange", "high"): "cheap or moderate",
    ("customer rating", "high"): "low",
    ("customer rating", "average or high"): "low",
    ("familyFriendly", "yes"): "no",
}
# The words before that deny a statement, put the place outside the centre, or start the statement's clause.
_NOT = re.compile(
    r"(?:\bnot|n't|\bno|\bnor|\bnon)[- ](?:(?:an?|the|too|very|so|that|overly|exactly|have|has|get|got) )*$"
)
_OUTSIDE = re.compile(
    r"(?:north|south|east|west|outside|far|away|edge|outskirts|out|distance)(?:ern)?(?: side)? (?:of|from|outside)? ?(?:the )?$"
)
_CLAUSE = re.compile(r"[.;!?,]|\b(?:but|and|with|however|although|which|it is|serv\w+)\b")
_DENIED_BEFORE = re.compile(
    r"\b(?:not(?! (?:only|just|far|expensive))|non|none|no|never|without|nor|neither|hardly|lacks?|leave"
    r"|unsuitable|inappropriate|cannot|(?:is|are|does|do|was|would|ca)n'?t)\b"
)
_DENIED_AFTER = re.compile(
    r"(?:'?s)?[ :-]*(?:(?:is|are|will|would|should|must|be)[ -]+)*"
    r"(?:not?\b|never|(?:is|are|wo|should)n'?t|stay|at home|banned|prohibited|unwelcome|discouraged)"
)


@dataclass(frozen=True)
class Statement:
    """One fact that a text states, at the characters `start` to `end`; `value` is a meaning of `PHRASES`."""

    slot: str
    value: str
    start: int
    end: int

    def agrees(self, value: str) -> bool:
        """Whether it states this value of a fact of its slot."""
        return MEANING.get(self.slot, {}).get(value, value) in self.value.split(" or ")


@dataclass(frozen=True)
class Match:
    """A text against the facts given: slots stated correctly, slots missed, statements that are wrong."""

    correct: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[Statement, ...]


def statements(text: str) -> list[Statement]:
    """Every statement found in a text with placeholders, in the order of the text."""
    low = text.lower().replace("’", "'")
    found = [Statement(slot, value, *m.span()) for slot, value, phrase in _PATTERNS for m in phrase.finditer(low)]
    kept: list[Statement] = []
    for s in sorted(found, key=lambda s: s.start - s.end):
        if all(s.slot != k.slot or s.end <= k.start or s.start >= k.end for k in kept):
            kept.append(s)
    for k, s in enumerate(kept):
        if _denied(low, s):
            kept[k] = replace(s, value=DENIED.get((s.slot, s.value), ""))
    return sorted((s for s in kept if s.value), key=lambda s: s.start)


def judged(text: str, facts: Facts) -> list[tuple[Statement, bool]]:
    """Every statement of a text with placeholders, and whether it is right for the facts given.

    "restaurant" is also the word for any place to eat, so it is wrong only where the text leaves out the eatType given.
    """
    said = [(s, _states(s, facts)) for s in statements(text)]
    if "eatType" not in facts or any(right and s.slot == "eatType" for s, right in said):
        return [(s, right) for s, right in said if right or (s.slot, s.value) != ("eatType", "restaurant")]
    return said


def match(text: str, facts: Facts) -> Match:
    """What a text says of the facts given.

    Contradictions and inventions of one slot and meaning count once; a slot that is stated both rightly and
    wrongly counts as both.
    """
    said = judged(text, facts)
    correct = [slot for slot in facts if any(right and s.slot == slot for s, right in said)]
    wrong = {(s.slot, s.value): s for s, right in reversed(said) if not right}
    missed = tuple(slot for slot in facts if slot not in correct)
    return Match(tuple(correct), missed, tuple(sorted(wrong.values(), key=lambda s: s.start)))


def _states(statement: Statement, facts: Facts) -> bool:
    if statement.slot in ("name", "near"):
        return statement.slot in facts
    return statement.slot in facts and statement.agrees(facts[statement.slot])


def _denied(low: str, s: Statement) -> bool:
    """Whether the words around deny it ("not a pub"), or say it of another place ("the <near> restaurant")."""
    before, after = low[max(0, s.start - 40) : s.start], low[s.end : s.end + 30]
    if s.slot in ("name", "near"):
        return False
    if s.slot == "area":
        return s.value == "city centre" and bool(_OUTSIDE.search(before))
    if s.slot == "familyFriendly":
        clause = _CLAUSE.split(before)[-1].replace("-", " ")
        unfriendly = low[s.start : s.end].endswith(("free", "unfriendly"))
        return s.value == "yes" and bool(unfriendly or _DENIED_BEFORE.search(clause) or _DENIED_AFTER.match(after))
    return bool(_NOT.search(before)) or (s.slot == "eatType" and before.endswith(f"{NEAR} "))
