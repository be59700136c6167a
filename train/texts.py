"""Texts of many methods and preferences for the same prompts with the same random numbers, logged as they come."""

import json
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.preference import Preference
from backbones.store.adapters import fingerprint
from backbones.tasks.task import Given
from train import checkpoints, data, processes

BATCH = 192  # texts written at once, about
ABOUT = "texts.json"  # beside the texts in their folder
Cell = tuple[str, Preference]  # a method and a preference


@dataclass(frozen=True)
class Record:
    """A text, by the numbers of its prompt, sample and cell; `raw` as in `Text`, `rewards` [n] in the set's order."""

    prompt: int
    sample: int
    cell: int
    text: str
    raw: str
    rewards: list[float]


def write(
    writer: Writer, prompts: Sequence[Given], samples: int, cells: Sequence[Cell], log: Path
) -> list[list[Record]]:
    """The records of every cell, sorted by prompt and sample; kept as JSON lines in the folder `log`.

    Every process writes its share to a file of its own and returns the records of all. Texts that the log already
    holds are not generated again, and cells with the same merge share theirs. Exits where it holds those of another
    base, of other adapters, rewards, prompts or settings, or computed in another precision.
    """
    state = processes.state()
    about, wanted = log / ABOUT, _made_with(writer, prompts, samples)
    made_for = checkpoints.made_for(writer.set) | {"dtype": str(writer.soup.dtype).removeprefix("torch.")}
    if other := checkpoints.differs(about, wanted, made_for):
        raise SystemExit(f"the texts in {log} were written with {other}: use another folder for the new ones")
    done = _read(log, cells)
    state.wait_for_everyone()  # nobody appends before all have read
    if state.is_main_process:
        checkpoints.keep(about, wanted | made_for)
    log.mkdir(parents=True, exist_ok=True)
    todo = [(p, s) for p in range(len(prompts)) for s in range(samples) if (p, s) not in done]
    todo = todo[state.process_index :: state.num_processes]
    merges = [_merge(writer, cell) for cell in cells]
    per_batch = max(1, BATCH // len(set(merges)))
    with (log / f"texts-{state.process_index}.jsonl").open("a", encoding="utf-8") as file:
        if file.tell():
            file.write("\n")  # a run that was cut off may have left half a line, which must not spoil the next
        for start in tqdm(range(0, len(todo), per_batch), desc="texts", disable=not state.is_main_process):
            keys = [
                (p, s, *cell) for p, s in todo[start : start + per_batch] for cell in zip(cells, merges, strict=True)
            ]
            requests = {
                (p, s, merge): _request(writer, prompts[p], cell, p * samples + s) for p, s, cell, merge in keys
            }
            written = dict(zip(requests, writer.write(list(requests.values())), strict=True))
            for p, s, (method, mu), merge in keys:
                text = written[p, s, merge]
                line = {"prompt": p, "sample": s, "method": method, "preference": mu.rounded, "text": text.text}
                line |= {"raw": text.raw, "rewards": list(text.rewards.values())}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
    state.wait_for_everyone()
    return read(log, cells)


def _merge(writer: Writer, cell: Cell) -> Hashable:
    """What tells the models of two cells apart: the coefficients of all members."""
    method, mu = cell
    members = writer.set.merge(method, mu).members
    return tuple((weight, *sorted((name, round(c, 9)) for name, c in of.items() if c)) for weight, of in members)


def _made_with(writer: Writer, prompts: Sequence[Given], samples: int) -> dict:
    """What the texts of a log have in common, whatever the method and the preference."""
    return {
        "samples": samples,
        "prompts (SHA-256)": data.digest(writer.set.task, prompts)[:12],
        "adapters (SHA-256)": fingerprint(writer.set.adapters.values())[:12],
        "beta": writer.set.beta,
        "extrapolation": list(writer.set.extrapolation),
        "specialist_extrapolation": list(writer.set.specialist_extrapolation),
    } | asdict(writer.set.sampling)


def read(log: Path, cells: Sequence[Cell]) -> list[list[Record]]:
    """The records of every cell in the folder `log`, sorted by prompt and sample, of those that have them all."""
    pairs = _read(log, cells)
    return [[pairs[key][cell] for key in sorted(pairs)] for cell in range(len(cells))]


def _request(writer: Writer, given: Given, cell: Cell, seed: int) -> Request:
    method, mu = cell
    settings = writer.set.sampling
    return Request(given, mu, method, seed, settings.temperature, settings.top_p, settings.max_new_tokens)


def _read(log: Path, cells: Sequence[Cell]) -> dict[tuple[int, int], dict[int, Record]]:
    """By prompt and sample, of those that are complete, the record of every cell; each once."""
    pairs: dict[tuple[int, int], dict[int, Record]] = {}
    numbers: dict[tuple, int | None] = {}
    for file in sorted(log.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                found = json.loads(line)
            except json.JSONDecodeError:  # empty, or the last line of a run that was cut off
                continue
            method, mu = found.pop("method"), tuple(found.pop("preference"))
            if (method, mu) not in numbers:
                same = (i for i, (other, nu) in enumerate(cells) if other == method and nu.same(mu))
                numbers[method, mu] = next(same, None)
            cell = numbers[method, mu]
            if cell is not None:
                pairs.setdefault((found["prompt"], found["sample"]), {})[cell] = Record(cell=cell, **found)
    return {key: records for key, records in pairs.items() if len(records) == len(cells)}
