"""A set whose texts servers write: every merge is a PEFT adapter in a folder that they share.

That a merge is exported once and found again, preferences are those of a lattice, and an adapter is named by what it
holds. Nothing here loads the weights of the base.
"""

import hashlib
import json
import shutil
from collections.abc import Collection
from functools import cached_property, lru_cache
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from backbones.engine.batch import Row
from backbones.engine.request import Request
from backbones.engine.soup import ending
from backbones.engine.writer import Editor
from backbones.merging.preference import PARTS, Preference
from backbones.store.adapters import CONFIG, fingerprint, read_adapter, write_adapter
from backbones.store.files import new_folder
from backbones.store.low_rank import concatenated
from backbones.store.soup_set import SoupSet

NAME = "soup-"  # what adapters' names begin with
DIGITS = 16  # of a hash in a name
Merged = tuple[tuple[str, float], ...]  # the adapters in use and their coefficients


def snapped(mu: Preference, parts: int) -> Preference:
    """The nearest preference all of whose n shares are multiples of 1 / parts. Those that fronts are measured at stay,
    so that a sweep is at the same places."""
    measured = _nearest(mu, PARTS.get(len(mu), 3))
    return measured if measured.same(mu) else _nearest(mu, parts)


def _nearest(mu: Preference, parts: int) -> Preference:
    """The same without exceptions: shares are cut off, and what is missing goes to those that lost most."""
    counts = [int(share * parts + 1e-9) for share in mu]
    lost = sorted(range(len(mu)), key=lambda i: counts[i] - mu[i] * parts)
    for i in lost[: parts - sum(counts)]:
        counts[i] += 1
    return Preference(count / parts for count in counts)


class Merges(Editor):
    """A set: requests in, prompts and adapters out; tokens in, scored texts out.

    `folder`: where adapters are written. `parts`: of the lattice of preferences. `device`: as of an `Editor`. `ends`:
    the tokens that end a text.
    """

    def __init__(self, soup_set: SoupSet, folder: Path, parts: int, device: str = "cpu"):
        """Raises SetError for a base that is not fetched, ValueError for adapters that cannot be read."""
        base = soup_set.base
        tokenizer = AutoTokenizer.from_pretrained(base, padding_side="left", local_files_only=True)
        super().__init__(soup_set, tokenizer, list(soup_set.adapters), device)
        self.folder, self.parts = folder, parts
        self.adapters = {name: read_adapter(path, name) for name, path in soup_set.adapters.items()}
        self.ends = ending(tokenizer, _generation(base))
        self.adapter = lru_cache(maxsize=10_000)(self._adapter)

    def written(self, name: str, merged: Merged) -> Path:
        """The folder of the adapter `name` with these coefficients, which is made where it is not there."""
        folder = self.folder / name
        if not (folder / CONFIG).is_file():
            deltas = concatenated([self.adapters[one] for one, _ in merged], [value for _, value in merged])
            with new_folder(folder) as made:
                write_adapter(deltas, self.set.name, made)
        return folder

    def remove(self, name: str) -> None:
        """Delete the folder of an adapter that no server holds."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def tidy(self, held: Collection[str]) -> None:
        """Delete the folders of all adapters but those that are `held`: runs before have left them."""
        for folder in self.folder.glob(NAME + "[0-9a-f]" * DIGITS):  # what else lies there is not ours
            if folder.name not in held:
                self.remove(folder.name)

    def _adapter(self, method: str, mu: Preference) -> tuple[str, Merged]:
        """The name of the adapter that `method` makes of mu, "" where that is the base, and its coefficients.

        Methods that give the same coefficients share an adapter. Raises ValueError for a method that does not merge.
        """
        merge = self.set.merge(method, snapped(mu, self.parts))
        if merge.at_every_token:
            raise ValueError(f"{method!r} mixes models at every token, which servers cannot: use another method")
        merged = tuple(merge.used.items())
        held = hashlib.sha256(json.dumps([self._fingerprint, merged]).encode()).hexdigest()
        return (f"{NAME}{held[:DIGITS]}" if merged else ""), merged

    @cached_property
    def _fingerprint(self) -> str:
        """Of all adapters' files: merges of a set that was tuned anew have other names."""
        return fingerprint(self.set.adapters.values())

    def _row(self, request: Request) -> Row:
        row = super()._row(request)
        if row.done:
            return row
        self.adapter(request.method, request.preference)  # raises before anything is queued
        place = snapped(request.preference, self.parts)
        if not place.same(request.preference):
            shares = " / ".join(f"{100 * share:g} %" for share in place)
            row.note = f"Written at {shares}, the nearest merge that is kept."
        return row


def _generation(base: Path) -> GenerationConfig:
    """How the base in a folder generates; a folder need not say."""
    try:
        return GenerationConfig.from_pretrained(base, local_files_only=True)
    except OSError:
        return GenerationConfig.from_model_config(AutoConfig.from_pretrained(base, local_files_only=True))
