"""Texts of many methods and preferences for the same facts with the same random numbers, logged as they come."""

import json
from pathlib import Path

from tqdm import tqdm

from backbones.writer import Order, Writer
from train import processes

BATCH = 192  # texts written at once, about
Cell = tuple[str, tuple[float, ...]]  # a method and a preference


def sample(writer: Writer, prompts: list[dict[str, str]], samples: int, cells: list[Cell], log: Path) -> list[dict]:
    """One record per prompt, sample and cell, kept as JSON lines in the folder `log`; sorted.

    Every process writes its share to a file of its own and returns the records of all. Records that the log
    already holds are not generated again.
    """
    state = processes.state()
    log.mkdir(parents=True, exist_ok=True)
    done = {(r["prompt"], r["sample"]) for r in _read(log, len(cells))}
    state.wait_for_everyone()  # nobody appends before all have read
    todo = [(p, s) for p in range(len(prompts)) for s in range(samples) if (p, s) not in done]
    todo = todo[state.process_index :: state.num_processes]
    settings = writer.set.sampling
    per_batch = max(1, BATCH // len(cells))
    with (log / f"texts-{state.process_index}.jsonl").open("a", encoding="utf-8") as file:
        if file.tell():
            file.write("\n")  # a run that was cut off may have left half a line, which must not spoil the next
        for start in tqdm(range(0, len(todo), per_batch), desc="texts", disable=not state.is_main_process):
            keys = [(p, s, method, mu) for p, s in todo[start : start + per_batch] for method, mu in cells]
            orders = [
                Order(
                    prompts[p],
                    mu,
                    method,
                    seed=p * samples + s,
                    temperature=settings.temperature,
                    top_p=settings.top_p,
                    max_new_tokens=settings.max_new_tokens,
                )
                for p, s, method, mu in keys
            ]
            for (p, s, method, mu), text in zip(keys, writer.write(orders), strict=True):
                record = {"prompt": p, "sample": s, "method": method, "preference": mu, "text": text.text}
                record |= {"raw": text.raw, "rewards": list(text.rewards.values())}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
    state.wait_for_everyone()
    return _read(log, len(cells))


def _read(log: Path, cells: int) -> list[dict]:
    """The records of all prompt-sample pairs that are complete, in order; each pair once."""
    pairs: dict[tuple[int, int], dict] = {}
    for file in sorted(log.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:  # empty, or the last line of a run that was cut off
                continue
            cell = (record["method"], tuple(record["preference"]))
            pairs.setdefault((record["prompt"], record["sample"]), {})[cell] = record
    return [record for key in sorted(pairs) if len(pairs[key]) == cells for record in pairs[key].values()]
