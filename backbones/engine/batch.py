"""Decoding with a soup: a whole batch at once, one token per row per step. Rows join and leave while it runs.

Every model that has a say in a text has a slot of the cache and of the mix. Slots in use are the first ones: those that
decode, then those whose prompts are being read. Lengths and tokens are kept on the host, and read from the device once
a step: where that device works ahead of the host (CUDA), one step late.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from backbones.engine.cache import SlotCache
from backbones.engine.device import Coming, out_of_memory, sent
from backbones.engine.request import Request, Text
from backbones.engine.sampling import Sampler
from backbones.engine.soup import Soup
from backbones.store import footprint

SLOTS = 64
READ_AT_ONCE = 1024  # tokens of prompts that a step reads while others decode


@dataclass(eq=False)
class Row:
    """A request under way: the prompt that the model reads, and the tokens so far.

    `coefficients` [members, adapters]: merging coefficients of every model that has a say in the text, usually one.
    With several, the log-probabilities are mixed by `weights` [members] at every token (decoding-time mixing; Shi et
    al., "MOD", NeurIPS 2024). `ids`: the prompt's tokens, see `tokenised`. `end`: the token that ended the text, if one
    did. `raw` is decoded once it is done, `text` scored after that. `note`: the text's.
    """

    request: Request
    prompt: str
    coefficients: Sequence[Sequence[float]]
    weights: Sequence[float] = (1.0,)
    tokens: list[int] = field(default_factory=list)
    done: bool = False
    ids: list[int] | None = None
    end: int | None = None
    raw: str | None = None
    text: Text | None = None
    note: str = ""

    def __post_init__(self):
        assert len(self.coefficients) == len(self.weights) > 0, (self.coefficients, self.weights)
        assert all(math.isfinite(c) for row in self.coefficients for c in row), self.coefficients


@dataclass(eq=False)
class Slot:
    """One member of a row. `length`: its tokens in the cache; `unread`: those of its prompt that are not there yet."""

    row: Row
    weight: float
    unread: list[int]
    length: int = 0


@dataclass(eq=False)
class Drawn:
    """What a pass drew for `rows`: `found` (2, rows), a token each, and 1 where its nucleus was too wide and it must be
    drawn again from all of `scores` as number `steps` of its text. `decoded`: how many slots decoded for it."""

    rows: list[Row]
    decoded: int
    sampler: Sampler
    scores: torch.Tensor
    steps: torch.Tensor
    found: Coming


class Unread(MemoryError):
    """There was no memory to read the prompts of `rows`: their batch has dropped them."""

    def __init__(self, words: str, rows: list[Row]):
        super().__init__(words)
        self.rows = rows


class TooLong(MemoryError):
    """There is no memory for a text as long as a row's, in words for who asked for it; a note says what it needs."""


def stream(soup: Soup, rows: Sequence[Row], slots: int = SLOTS) -> Iterator[None]:
    """Decode all rows, as many at a time as there are slots; yields after every step.

    Closing the generator stops the work. Raises ValueError when a row needs more positions than the base has, TooLong
    or Unread when there is no memory for one or for prompts.
    """
    waiting = tokenised(soup, rows)
    members = [len(row.weights) for row in rows]
    batch = Batch(soup, max(min(slots, sum(members)), *members))
    while waiting or batch.live:
        room, new = batch.free, []
        while waiting and len(waiting[0].weights) <= room:
            room -= len(waiting[0].weights)
            new.append(waiting.pop(0))
        if new:
            batch.add(new)
        batch.step()
        yield


def tokenised(soup: Soup, rows: Sequence[Row]) -> list[Row]:
    """The rows, with the tokens of their prompts, which hold special tokens already.

    Raises ValueError when a row needs more positions than the base has.
    """
    positions = soup.model.config.get_text_config().max_position_embeddings
    for row in rows:
        row.ids = soup.tokenizer(row.prompt, add_special_tokens=False)["input_ids"]
        if len(row.ids) + row.request.max_new_tokens > positions:
            raise ValueError(
                f"the prompt has {len(row.ids)} tokens and max_new_tokens is {row.request.max_new_tokens}, "
                f"the base has {positions} positions"
            )
    return list(rows)


class Batch:
    """Rows decoded together; they can join and leave while it runs. `late`: whether tokens are read a step late."""

    def __init__(self, soup: Soup, slots: int = SLOTS, late: bool | None = None):
        self.soup, self.late = soup, soup.device.type == "cuda" if late is None else late
        self.cache, self.mix = SlotCache(slots), soup.mix(slots)
        self.slots: list[Slot] = []
        self.decoding = 0  # of the slots, the first so many
        self.newest = torch.zeros(slots, dtype=torch.long, device=soup.device)  # token of every slot that decodes
        self.unseen: list[Drawn] = []
        self._sampler: Sampler | None = None

    @property
    def live(self) -> list[Row]:
        """The rows that go on."""
        return list(dict.fromkeys(slot.row for slot in self.slots))

    @property
    def free(self) -> int:
        """Slots that are not taken."""
        return self.cache.slots - len(self.slots)

    def add(self, rows: list[Row]) -> None:
        """Let rows join; their prompts are read from the next step on. They need as many free slots as members.

        Raises ValueError when a row needs more positions than the base has, TooLong when the cache would have to grow
        beyond what is free. After any exception none has joined, and the others can go on.
        """
        assert sum(len(row.weights) for row in rows) <= self.free, (len(rows), self.free)
        tokenised(self.soup, [row for row in rows if row.ids is None])
        with torch.inference_mode():
            longest = max(len(row.ids) + row.request.max_new_tokens for row in rows)
            if longest > self.cache.capacity:
                self._require_memory(longest)
            self.cache.reserve(longest, len(self.slots))
            self.mix.write(len(self.slots), [member for row in rows for member in row.coefficients])
        self.slots += [Slot(row, weight, row.ids) for row in rows for weight in row.weights]

    def _require_memory(self, positions: int) -> None:
        """Raises TooLong where there is no memory for a cache of rows of this length: on the CPU the system would end
        the process rather than refuse it."""
        config, cache = self.soup.model.config.get_text_config().to_dict(), self.cache
        needed = footprint.cache(config, cache.slots, positions, self.soup.dtype.itemsize)
        free = footprint.available(str(self.soup.device))
        if not self.slots:  # or else what is held stays until it has been copied
            free += sum(tensor.nbytes for tensor in (*cache.keys, *cache.values))
        if needed > free:
            error = TooLong(
                f"there is no memory for a text this long ({positions} tokens with its prompt): write a shorter one"
            )
            error.add_note(
                f"the cache of {cache.slots} texts at one time (BONESOUP_ROWS), of up to {positions} tokens with their "
                f"prompts, needs {footprint.readable(needed)}, {self.soup.device} has {footprint.readable(free)} free"
            )
            raise error

    def step(self) -> None:
        """One more token for every row that decodes, and a piece of the prompts of the others.

        Raises Unread when there is no memory for the latter: then those that were being read have been dropped, and the
        others go on. After any other exception the batch is of no use.
        """
        with torch.inference_mode():
            drawn = [self._decode(self.decoding)] if self.decoding else []
            unread = None
            if self.decoding < len(self.slots):
                slots = self._next()
                try:
                    drawn += self._read(slots)
                except Exception as error:  # raised below, as its traceback keeps the tensors of the pass alive
                    if not out_of_memory(error):
                        raise
                    unread = Unread(str(error), list(dict.fromkeys(slot.row for slot in slots)))
            seen, self.unseen = (self.unseen, drawn) if self.late else (drawn, [])
            self._see(seen)
            if unread:
                self.drop(unread.rows)
                if not self.slots:
                    self.cache = SlotCache(self.cache.slots)  # for shorter rows there may be memory
                raise unread

    def drop(self, rows: list[Row]) -> None:
        """Go on without `rows`. After an exception the batch is of no use."""
        with torch.inference_mode():
            self._keep(lambda row: row not in rows)

    def _decode(self, count: int) -> Drawn:
        """A token for the first `count` slots."""
        slots = self.slots[:count]
        positions = sent([[slot.length] for slot in slots], self.soup.device)
        for slot in slots:
            slot.length += 1
        logits = self._pass(0, self.newest[:count].unsqueeze(1), positions, slots)
        if self._sampler is None:
            self._sampler = self._sampler_of(slots)
        return self._draw(0, slots, self._sampler, logits, count)

    def _next(self) -> list[Slot]:
        """The slots to be read next: as many as `READ_AT_ONCE` holds the prompts of, and at least those of one row."""
        first, count = self.decoding, 0
        while first + count < len(self.slots):
            wider = self._whole_rows(first, count + 1)
            if count and len(wider) * max(len(slot.unread) for slot in wider) > READ_AT_ONCE:
                break
            count = len(wider)
        return self.slots[first : first + count]

    def _read(self, slots: list[Slot]) -> list[Drawn]:
        """Read the prompts of `slots`, which come after those that decode, or a piece of them; then they decode too."""
        first, count = self.decoding, len(slots)
        width, longest = max(READ_AT_ONCE // count, 1), max(len(slot.unread) for slot in slots)
        last = longest <= width
        ids, positions = [], []
        for slot in slots:  # before the last piece each keeps a token back, so that all end together
            piece = slot.unread if last else slot.unread[: min(width, len(slot.unread) - 1)]
            slot.unread = slot.unread[len(piece) :]
            padding = min(width, longest) - len(piece)
            ids.append([0] * padding + piece)
            positions.append([-1] * padding + list(range(slot.length, slot.length + len(piece))))
            slot.length += len(piece)
        device = self.soup.device
        logits = self._pass(first, sent(ids, device), sent(positions, device), slots)
        if not last:
            return []
        self.decoding += count
        self._sampler = None
        return [self._draw(first, slots, self._sampler_of(slots), logits, 0)]

    def _whole_rows(self, first: int, count: int) -> list[Slot]:
        """The slots from `first` on, at least `count`, with which no row lacks a member: moves can part them."""
        rows = {slot.row for slot in self.slots[first : first + count]}
        end = max(i for i, slot in enumerate(self.slots) if slot.row in rows) + 1
        return self.slots[first:end] if end == first + count else self._whole_rows(first, end - first)

    def _pass(self, first: int, ids: torch.Tensor, positions: torch.Tensor, slots: list[Slot]) -> torch.Tensor:
        """Logits (slots, vocabulary) after the last of the tokens `ids` (slots, T) at `positions` (slots, T)."""
        longest = max(slot.length for slot in slots)
        self.cache.aim(first, positions, longest)
        with self.mix.over(first, len(slots)):
            return self.soup.model(
                input_ids=ids,
                attention_mask=self.soup.masks(positions, longest),
                position_ids=positions.clamp(min=0),
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]

    def _draw(self, first: int, slots: list[Slot], sampler: Sampler, logits: torch.Tensor, decoded: int) -> Drawn:
        """A token for every row of `slots`, which are those from `first` on."""
        own = {slot.row: slot.length - len(slot.row.ids) for slot in slots}
        steps = sent(list(own.values()), self.soup.device)
        scores = sampler.scores(logits)
        tokens, wide = sampler.draw(scores, steps)
        self.newest[first : first + len(slots)] = tokens[sampler.owner]
        return Drawn(list(own), decoded, sampler, scores, steps, Coming(torch.stack([tokens, wide.long()])))

    def _see(self, drawn: list[Drawn]) -> None:
        """Read what was drawn, give the tokens to their rows, and free the slots of those that are done."""
        here = {slot.row for slot in self.slots}  # of a late read others have ended a token ago, or been dropped
        found: dict[Row, int] = {}
        again = set()
        for one in drawn:
            for row, token, wide in zip(one.rows, *one.found.read(), strict=True):
                if row in here:
                    found[row] = token
                    if wide:
                        again.add(row)
        if again:
            for one in drawn:
                places = [i for i, row in enumerate(one.rows) if row in again]
                if places:
                    corrected = one.sampler.redraw(one.scores, one.steps, places).tolist()
                    found |= zip((one.rows[i] for i in places), corrected, strict=True)
            self._correct(found)
        for row, token in found.items():
            if token in self.soup.ends:
                row.end = token
            else:
                row.tokens.append(token)
            row.done = row.end is not None or len(row.tokens) == row.request.max_new_tokens
        self._keep(lambda row: not row.done)

    def _correct(self, tokens: dict[Row, int]) -> None:
        """Decode with these tokens, and once more where that was done with others since."""
        decoded = self.unseen[0].decoded if self.unseen else 0
        for i, slot in enumerate(self.slots[: decoded or self.decoding]):
            if slot.row in tokens:
                self.newest[i] = tokens[slot.row]
        if decoded:
            for slot in self.slots[:decoded]:
                slot.length -= 1
            self._sampler = None
            self.unseen[0] = self._decode(decoded)
            self._sampler = None

    def _keep(self, wanted) -> None:
        """Free the slots of all rows that are not wanted: the last that decodes moves there, and the last of all to its
        place."""
        for i in reversed(range(len(self.slots))):
            if not wanted(self.slots[i].row):
                last = self.decoding - 1
                if i < self.decoding:
                    self._move(last, i)
                    self._move(len(self.slots) - 1, last)
                    self.decoding = last
                else:
                    self._move(len(self.slots) - 1, i)
                self.slots.pop()
                self._sampler = None

    def _move(self, source: int, target: int) -> None:
        if source != target:
            self.cache.move(source, target, self.slots[source].length)
            self.mix.move(source, target)
            self.newest[target] = self.newest[source]
            self.slots[target] = self.slots[source]

    def _sampler_of(self, slots: list[Slot]) -> Sampler:
        place = {row: i for i, row in enumerate(dict.fromkeys(slot.row for slot in slots))}
        members = [(place[slot.row], slot.weight) for slot in slots]
        return Sampler([row.request for row in place], members, self.soup.device)
