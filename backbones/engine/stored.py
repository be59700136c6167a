"""Texts that come with a set: its example at every preference of the lattice, written by the engine ahead of time.

They lie in sweep.json: what was given and how it was sampled, then method, preference, raw text, number of tokens and
rewards of each. `train.sweep` writes the file. One writer and one reader; `FORMAT` is the version in the file.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from backbones.engine.request import Request, Text
from backbones.merging.preference import Preference
from backbones.store.manifest import SetError
from backbones.store.soup_set import SoupSet

FILE, FORMAT = "sweep.json", 1


def write(soup_set: SoupSet, texts: Sequence[Text]) -> Path:
    """Put finished texts into the set's folder, all of the same given and settings; the file.

    Raises ValueError where one has no rewards.
    """
    request = texts[0].request
    assert all(text.done and text.request.given == request.given for text in texts)
    if not all(text.rewards for text in texts):
        raise ValueError("a text has no rewards, since the task points to help or a reward failed: give another line")
    rows = [
        {
            "method": text.request.method,
            "preference": list(text.request.preference),
            "raw": text.raw,
            "tokens": text.tokens,
            "rewards": {name: round(value, 6) for name, value in text.rewards.items()},
        }
        for text in texts
    ]
    head = {
        "format": FORMAT,
        "given": request.given,
        "seed": request.seed,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_new_tokens": request.max_new_tokens,
    }
    file = soup_set.path / FILE
    file.write_text(json.dumps(head | {"texts": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def read(soup_set: SoupSet) -> list[Text]:
    """The texts that come with a set, of two methods, in their order; none where it has none. Raises SetError for a
    damaged file."""
    file = soup_set.path / FILE
    if not file.is_file():
        return []
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError(f"format {held['format']}")
        given = soup_set.task.check(held["given"])
        settings = {name: held[name] for name in ("seed", "temperature", "top_p", "max_new_tokens")}
        names = [objective.name for objective in soup_set.objectives]
        texts = []
        for row in held["texts"]:
            mu = Preference.of(row["preference"], len(names))
            request = Request(given, mu, row["method"], **settings)
            rewards = {name: float(row["rewards"][name]) for name in names}
            text = soup_set.task.text(row["raw"], given)
            texts.append(Text(request, text, row["raw"], row["tokens"], done=True, rewards=rewards))
    except (KeyError, TypeError, ValueError) as error:
        raise SetError(f"{file} cannot be read ({error}): make it again with train.sweep") from None
    if len({text.request.method for text in texts}) != 2:
        raise SetError(f"{file} has not the texts of two methods: make it again with train.sweep")
    return texts
