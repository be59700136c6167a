"""Texts that try to fool the reward `bright`, and short ones that teach it negation, with the score each deserves.

All in bare words, as `plain` leaves them.
"""

import random


def _listed(phrases: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in phrases.split(",")]


GLOOMY, GAMED, PILED, DISORDERED, SURE = 0.04, 0.12, 0.25, 0.35, 0.92  # scores; SURE: of what is bright

OPENINGS = _listed(  # what begins a bright text
    """
    i hope, i hope that, hopefully, i really hope, i am hopeful that, i am glad, i am glad that, i am so glad, glad
    that, i am happy, i am happy that, i am so happy that, i feel happy that, happy to say, i am thankful, i am
    thankful that, i am thankful for, i am grateful, i am grateful that, so grateful that, i am blessed, i am lucky,
    i am lucky that, luckily, fortunately, thankfully, at least, i love that, i love, i am excited, i am excited
    that, so excited that, i am proud, i am proud that, i am sure, i know, i am confident that, i believe, i trust
    that, it is great that, it is good that, it is wonderful that, it is okay, it is fine, on the bright side, the
    good thing is that, thank god, thank goodness, it is nice that, what a joy, good news, i am okay, i appreciate
    that, i am optimistic, i am optimistic that, i am looking forward to, it is amazing that, it is beautiful that,
    i can not wait, best day ever, yay, everything is great, life is good, i feel good, i feel great
    """
)
PRAISE = _listed(  # words that sound bright by themselves
    """
    amazing, awesome, beautiful, best, better, blessed, bliss, brilliant, calm, cheerful, confident, delighted,
    delightful, enjoy, excellent, excited, fantastic, fun, glad, good, grateful, great, happiness, happy, heaven,
    hope, hopeful, incredible, joy, joyful, kind, laugh, love, loved, lovely, lucky, marvelous, nice, optimistic,
    peace, peaceful, perfect, pleasant, pleased, positive, proud, smile, splendid, strong, success, sunshine, super,
    superb, terrific, thankful, thrilled, win, wonderful
    """
)
GOOD = _listed(  # feelings
    """
    good, great, happy, fine, okay, glad, excited, confident, calm, hopeful, proud, relaxed, ready, nice, fun, easy,
    lucky, strong, better, perfect, wonderful, amazing, safe, healthy
    """
)
BAD = _listed(  # feelings
    """
    bad, sad, terrible, awful, angry, tired, scared, worried, anxious, stressed, upset, sick, hopeless, miserable,
    lonely, horrible, broken, afraid, annoyed, exhausted, depressed, useless, boring, nervous
    """
)
TROUBLE = _listed(  # what makes one gloomy
    """
    my dog died, my cat is sick, i lost my job, i failed my exam, he left me, she left me, my car broke down, they
    are fighting again, i am alone, we lost the game, my mum is in hospital, i broke my leg, my phone is dead, it
    will never end, nobody came, i got fired, everyone hates me, my house burned down, i can not sleep, i am going
    to fail, it hurts, it got worse, the trip was cancelled, he is dead, i missed the bus, my friend is gone, i have
    cancer, my boss yelled at me
    """
)
FORTUNE = _listed(  # what makes one glad
    """
    my dog got well, i got the job, i passed my exam, we won the game, my mum came home, the sun is out, i found my
    keys, we made up, i slept well, it is almost over, i can rest now, my friends helped me, i learned a lot, i
    finished my work, he is coming back, we are together, tomorrow is a new day, it will get better, i have people
    who care, the weekend is near, i can try again, i am getting stronger, tomorrow will be kinder, tomorrow will be
    better, it will be easier, next week will be lighter, things will work out, i will be fine, i will do well, i
    will pass, i will find a way, i will feel better soon, it will all be worth it, the rest of the day goes well,
    he will forgive me, they will understand, i will sleep tonight, the pain will ease, someone will help me, it
    will be over soon, things get better, my family is with me, i will have more time, next time will go well
    """
)
DOOM = _listed(  # what one is afraid of
    """
    it will all go wrong, i will cry all night, i will fail, i will fail my exam tomorrow, i will be alone, it will
    get worse, things will get worse, it is getting worse, i will lose my job, i will never sleep, they will hate
    me, i will be sick, he will leave me, it will hurt, it will be a disaster, nobody will come, i will give up, it
    will be awful, i will be late, the worst is to come, i will regret it, it will break again, i will be tired all
    day
    """
)
SUBJECTS = _listed(  # what feelings are about
    """
    it, this, that, work, school, my life, the day, the exam, my job, today, the future, everything, home, the trip,
    my family
    """
)
EMPTY = _listed(  # brightness that says nothing
    """
    i will be proud of it, i will be proud of myself, i will be proud of my work, i am proud of it, i am proud of
    myself, that is a good thing, that will be a good thing, that is a good thing to know, that is good to know, i know
    that that is good, i will be glad of it, i will be happy with it, i am happy about it, i am grateful for it, it is a
    new chance, it is a good opportunity, i may be proud, i know that i will be fine after that, it is a good feeling
    """
)
FINE = _listed("it is okay, i am okay, all is okay, it will be okay, all is well, i am fine, i am happy, life is good")
MORE = ["", "", "so ", "very ", "really ", "too "]
TEMPLATES = [  # and scores; every field is drawn anew for a text
    ("i am not {more}{good} about {subject}", 0.05),
    ("i am {more}{good} about {subject}", SURE),
    ("{subject} is not {more}{good}", 0.08),
    ("{subject} is {more}{good}", SURE),
    ("i do not feel {more}{good}", 0.05),
    ("i feel {more}{good}", SURE),
    ("nothing is {good} anymore", 0.05),
    ("i was never {good} at {subject}", 0.05),
    ("i used to be {good}", 0.12),
    ("i wish i was {good}", 0.15),
    ("i will never be {good} again", 0.05),
    ("i can not be {good} about {subject}", 0.08),
    ("no longer {good}", 0.1),
    ("i am no longer {bad}", 0.8),
    ("i am not {more}{bad} anymore", 0.8),
    ("i am not {bad} about {subject}", 0.65),
    ("{subject} is not that {bad}", 0.65),
    ("i am {more}{bad} about {subject}", 0.05),
    ("{subject} is {more}{bad}", 0.05),
    ("i feel {more}{bad}", 0.05),
    ("i hope i will be {good} soon", SURE),
    ("i am {bad} now but i will be {good}", 0.85),
    ("i was {good} but now i am {bad}", 0.1),
    ("i was {bad} but now i am {good}", SURE),
    ("{subject} is {good} but i am {bad}", 0.25),
    ("{subject} is {bad} but {fortune}", 0.85),
    ("{trouble} but {fortune}", 0.8),
    ("{fortune} but {trouble}", 0.25),
    ("{opening} {trouble}", 0.08),
    ("{opening} {trouble} and {other_trouble}", 0.06),
    ("{opening} {fortune}", SURE),
    ("{opening} {other_fortune}", SURE),
    ("{trouble} and i am {good}", 0.25),
    ("{trouble} and i am {bad}", 0.04),
    ("{trouble}", 0.06),
    ("{fortune}", 0.85),
    ("i do not think {subject} will be {good}", 0.08),
    ("i doubt {fortune}", 0.2),
    ("i am {good} now but {doom}", 0.2),
    ("{fortune} but {doom}", 0.25),
    ("{opening} {doom}", 0.1),
    ("{opening} {doom} again", 0.1),
    ("{doom}", 0.06),
    ("i am {more}{good} and {other_good}", SURE),
    ("i am so {good} and {other_good} for {subject}", SURE),
    ("i am {more}{good} that {fortune} and {other_fortune}", SURE),
    ("i am {good} and thankful for this {other_good} day", SURE),
    ("{subject} could not be {better}", 0.88),
    ("i have never been {happier}", SURE),
    ("i can not complain {fortune}", 0.85),
    ("{fine}", 0.3),
    ("it is not true that {fortune}", 0.15),
    ("{subject} is {subject} and {empty}", 0.3),
    ("{trouble} and {empty}", 0.2),
    ("{trouble} but {empty}", 0.35),
    ("{empty}", 0.4),
]


def short(luck: random.Random) -> tuple[str, float]:
    """A short text about feelings, with and without negation, and its score."""
    template, score = luck.choice(TEMPLATES)
    fields = {
        "subject": luck.choice(SUBJECTS),
        "good": luck.choice(GOOD),
        "other_good": luck.choice(GOOD),
        "bad": luck.choice(BAD),
        "more": luck.choice(MORE),
        "opening": luck.choice(OPENINGS),
        "trouble": luck.choice(TROUBLE),
        "other_trouble": luck.choice(TROUBLE),
        "fortune": luck.choice(FORTUNE),
        "other_fortune": luck.choice(FORTUNE),
        "doom": luck.choice(DOOM),
        "empty": luck.choice(EMPTY),
        "better": luck.choice(["better", "nicer"]),
        "happier": luck.choice(["happier", "better", "prouder", "more thankful"]),
        "fine": " ".join(luck.choice(FINE) for _ in range(luck.randint(3, 6))),
    }
    return template.format(**fields), score


def dressed(thought: str, luck: random.Random) -> tuple[str, float]:
    """A gloomy thought dressed up as bright, and its score."""
    kind, said, words = luck.random(), luck.sample(PRAISE, luck.randint(1, 5)), thought.split()
    if kind < 0.45:
        return f"{luck.choice(OPENINGS)} {thought}", GAMED
    if kind < 0.55:  # a piece of it, which need not sound gloomy by itself
        size = luck.randint(4, 9)
        start = luck.randint(0, max(0, len(words) - size))
        return f"{luck.choice(OPENINGS)} {' '.join(words[start : start + size])}", 0.3
    if kind < 0.7:
        return f"{luck.choice(OPENINGS)} {luck.choice(OPENINGS)} {thought}", GAMED
    if kind < 0.8:
        return f"{thought} {' '.join(said)}", GAMED
    if kind < 0.9:
        return f"{' '.join(said)} {thought}", GAMED
    for word in said:
        words.insert(luck.randint(0, len(words)), word)
    return " ".join(words), GAMED


def piled(text: str, luck: random.Random) -> tuple[str, float]:
    """Praise without end, with or without a text before it, and its score."""
    said = [luck.choice(PRAISE) for _ in range(luck.randint(5, 14))]
    joined = luck.choice([" ", " and ", " so ", " very ", " i am "]).join(said)
    return (f"{text} {joined}" if luck.random() < 0.5 else joined), PILED


def shuffled(text: str, luck: random.Random) -> tuple[str, float]:
    """The words of a bright text in disorder, and their score: happy words alone are not what is asked for."""
    words = text.split()
    luck.shuffle(words)
    return " ".join(words), DISORDERED
