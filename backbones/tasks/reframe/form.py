"""What can be computed of a reframing without a model: form, length, what it copies, whether words keep their order.

Each is 1 for most texts that are fine, and less for what raises a learned reward without making a better text.
"""

import re
from itertools import pairwise

FEWEST_WORDS, MOST_WORDS, MOST_SENTENCES = 3, 40, 2
RUN = 4  # words in a row that count as copied
FREE_SHARE = 0.6  # of the thought's runs, that costs nothing: 17 in 20 calm texts of train/reframe/texts.tsv copy less
COPY = 0.7  # what a verbatim copy keeps: if less, a small model changes words that matter for the change's sake
IN_ORDER = 0.66  # of the shared words, in the thought's order: nine in ten human writers keep more
JUMBLED = 0.2  # what a shuffled thought keeps
AS_LONG, LONGER, SHORTEST = 1.1, 2, 8  # times the thought's words and more, or words: nine in ten calm texts have less
TOO_LONG, PADDED = 0.08, 0.5  # what a word beyond these takes, and what is kept in the end

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")
_END = re.compile(r"[.!?][\"'”’)]*$")
_SPAM = re.compile(r"#\w|@\w|https?:|www\.|\.com\b", re.IGNORECASE)
_MARKUP = re.compile(r"\b(?:thought|reframed)\s*:|[<>{}|*_~`\[\]\\^=\n]|:\)|\(:", re.IGNORECASE)
_STUTTER = re.compile(r"[,;:!?]\s*[,;:!?.]|\.\s*[,;:!?]|\.{2,}|--")
_FUNCTION = set(
    """a about after again all also am an and any are as at be because been before being but by can can't could day did
    do does doing don't down even for from get go going good got had has have he her him his how i i'll i'm i've if in
    into is it it's just know like make me more my need no not now of off on one or other our out over really she so
    some something than that that's the their them then there these they they're thing things this those though time
    to too up us was we were what when where which who will with would you your""".split()
)
_OPENING = re.compile(
    r"""^(?:but\ |and\ |well,?\ )?(?:
    (?:i'm|i\ am|im|i\ feel|i'm\ just|i\ am\ just|just)\ (?:so\ |very\ |really\ )?
        (?:glad|happy|grateful|thankful|sure|certain|confident|excited|hopeful|blessed|lucky|proud|looking\ forward)
        (?:\ (?:that|to|for|about))?
    |i\ (?:really\ )?(?:hope|know|believe|trust|love)(?:\ that)?
    |hopefully,?|thankfully,?|luckily,?|fortunately,?|at\ least,?|on\ the\ bright\ side,?|thank\ god(?:\ that)?,?
    |it'?s\ (?:ok|okay|great|good|all\ good|fine)(?:\ that)?,?|everything\ will\ be\ (?:ok|okay|fine|alright)[,.!]?
    )\s+""",
    re.IGNORECASE | re.VERBOSE,
)


def words(text: str) -> list[str]:
    """The words of a text in lower case, with straight apostrophes."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def without_opening(text: str) -> str:
    """`text` after a stock opening such as "I hope that" or "I'm glad"; itself when it has none or nothing follows."""
    rest = _OPENING.sub("", text, count=1)
    return rest if words(rest) else text


def form(text: str, thought: str = "") -> float:
    """1 for one or two plain sentences, halved by every defect, 0 for fewer than `FEWEST_WORDS` words.

    Defects: more than `MOST_WORDS` words, and ten more again; every sentence beyond `MOST_SENTENCES`; no . ! or ? at
    the end; a word twice in a row; a repeated run of three words; a word that carries meaning said three times or more;
    doubled punctuation; markup or the prompt's own labels; hashtags, mentions, addresses; letters of other scripts;
    a list of words instead of a sentence; nothing but questions, unless `thought` asks.
    """
    said, text = words(text), text.strip()
    if len(said) < FEWEST_WORDS:
        return 0.0
    sentences = [sentence for sentence in _SENTENCE.split(text) if words(sentence)]
    runs = list(zip(said, said[1:], said[2:], strict=False))
    meant = [word for word in said if word not in _FUNCTION]
    defects = (
        max(0, -(-(len(said) - MOST_WORDS) // 10))
        + max(0, len(sentences) - MOST_SENTENCES)
        + (not _END.search(text))
        + sum(a == b and a not in ("that", "had") for a, b in pairwise(said))
        + len(runs)
        - len(set(runs))
        + sum(meant.count(word) > 2 for word in set(meant))
        + len(_STUTTER.findall(text))
        + len(_MARKUP.findall(text))
        + len(_SPAM.findall(text))
        + any(ord(letter) > 0x24F and letter.isalpha() for letter in text)
        + (len(said) - len(meant) < len(said) / 5)
        + ("?" not in thought and all(sentence.rstrip("\"'”’)").endswith("?") for sentence in sentences))
    )
    return 0.5**defects


def copied_share(thought: str, text: str) -> float:
    """The share of the thought's runs of `RUN` words that the text has; 0 to 1, whatever else it says.

    A thought too short for a run is one run as a whole.
    """
    source, said = words(thought), words(text)
    size = max(1, min(RUN, len(source)))
    known = set(zip(*(said[k:] for k in range(size)), strict=False))
    runs = list(zip(*(source[k:] for k in range(size)), strict=False))
    return sum(run in known for run in runs) / max(1, len(runs))


def own_words(thought: str, text: str) -> float:
    """1 for a text in words of its own, falling from `FREE_SHARE` copied to `COPY` for a verbatim copy."""
    excess = max(0.0, copied_share(thought, text) - FREE_SHARE) / (1 - FREE_SHARE)
    return 1 - (1 - COPY) * excess


def in_order(thought: str, text: str) -> float:
    """1 for words of the thought in its order, falling below `IN_ORDER` of them to `JUMBLED` for a shuffled thought.

    Counted are words that carry meaning, and at least three of them: the longest run, with gaps, that both share.
    """
    source = [word for word in words(thought) if word not in _FUNCTION]
    said = [word for word in words(text) if word in source]
    if len(said) < 3:
        return 1.0
    longest = [0] * (len(source) + 1)  # of a common subsequence, by how much of the source it may use
    for word in said:
        before = 0
        for place, other in enumerate(source, start=1):
            here = longest[place]
            longest[place] = before + 1 if word == other else max(here, longest[place - 1])
            before = here
    missing = max(0.0, IN_ORDER - longest[-1] / len(said)) / (IN_ORDER - 1 / 3)
    return 1 - (1 - JUMBLED) * min(missing, 1.0)


def no_longer(thought: str, text: str) -> float:
    """1 for a text about as long as its thought, and less by `TOO_LONG` for every word beyond, to `PADDED`.

    What says the same and then goes on for its own sake is longer; what makes room for more says the same in less.
    """
    allowed = max(SHORTEST, AS_LONG * len(words(thought)) + LONGER)
    return max(PADDED, 1 - TOO_LONG * max(0.0, len(words(text)) - allowed))
