"""Have texts changed? 200 texts of the sets of restaurants, compared byte for byte with those kept here.

    python -m benchmarks.same_texts [--write]

`texts.json` holds requests of random facts, preferences, methods, seeds and sampling settings with what was written.
For changes that must not change texts, on the machine on which `--write` made the file, with as many threads: another
processor may round otherwise, and so may one thread where there were two. After a change that may, `--write` keeps the
new ones.
"""

import argparse
import json
import sys
from pathlib import Path

from backbones.engine.request import Request
from backbones.engine.writer import Writer

FILE = Path(__file__).parent / "texts.json"
SETTINGS = ("method", "seed", "temperature", "top_p", "max_new_tokens")


def written(entries: list[dict]) -> list[dict]:
    """The entries with the texts and rewards that are written now, each set in one batch."""
    results = []
    for name in dict.fromkeys(entry["set"] for entry in entries):
        own = [entry for entry in entries if entry["set"] == name]
        writer = Writer.load(name, "cpu", "float32")
        requests = [
            Request(writer.set.task.read(one["given"]), one["preference"], **{key: one[key] for key in SETTINGS})
            for one in own
        ]
        texts = writer.write(requests)
        for one, text in zip(own, texts, strict=True):
            rewards = {name: round(value, 4) for name, value in text.rewards.items()}  # of a model: by batch
            results.append(one | {"raw": text.raw, "rewards": rewards})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the texts that are written now")
    args = parser.parse_args()
    before = json.loads(FILE.read_text(encoding="utf-8"))
    after = written(before)
    if args.write:
        FILE.write_text(json.dumps(after, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    for old, new in changed[:5]:
        print(f"{old['set']}, {old['method']}, seed {old['seed']}:\n- {old['raw']}\n+ {new['raw']}")
    print(f"{len(changed)} of {len(before)} texts differ")
    sys.exit(bool(changed) and not args.write)


if __name__ == "__main__":
    main()
