"""Stage 3: the set's folder, with the base in NF4, its reward models, and the reward statistics of its texts.

    python -m train.new_set runs/restaurants/sft SET --data-dir data
    python -m train.new_set SET/base SET-3 --objectives complete concise upbeat=runs/upbeat
    python -m train.new_set path/to/chat-model SET --task assistant --objectives objectives.json --setting system="..."

The source is a model as transformers saves it, or the base of another set, which is taken as it is: from a set that
lies beside the new one it is not copied, and both have it; of one that was fetched the manifest names the file.
Objectives are names of the task's own rewards, a learned one with the folder of its model; or a JSON file with a list
of manifest entries: name, label, description, reward_model (a folder, seen from the file, or {"hub", "revision"} of the
Hub), template, output. Every later stage trains and measures against this 4-bit base, the one that is served. The
rewards' means and standard deviations are measured once, on texts of the base, or of the start where there is one, and
stay fixed: only then is every backbone reward a fixed linear mix of the same normalised rewards, which B^-1 assumes.
"""

import argparse
import json
import random
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from backbones.engine.request import Request
from backbones.engine.soup import Soup
from backbones.engine.writer import Writer
from backbones.merging.methods import BASE
from backbones.merging.preference import Preference
from backbones.store import folders
from backbones.store import soup_set as sets
from backbones.store.conversion import NF4
from backbones.store.fetching import Gguf
from backbones.store.files import new_folder
from backbones.store.importing import bring_objective, read_objectives
from backbones.store.manifest import FILE, Folder, Manifest
from backbones.tasks import TASKS
from backbones.tasks.task import Given, Task
from train import adapters, data

BETA = 0.7  # until train.pilot chooses
START = "adapters/start"
BATCH = 64


def quantise(source: Path, base: Path) -> None:
    """Write `source` to `base` in NF4 with double quantisation; what is quantised already is copied."""
    if getattr(AutoConfig.from_pretrained(source), "quantization_config", None):
        shutil.copytree(source, base)
        return
    model = AutoModelForCausalLM.from_pretrained(
        source,
        dtype=torch.float32,
        quantization_config=NF4,
        device_map={"": "cuda" if torch.cuda.is_available() else "cpu"},
    )
    model.save_pretrained(base)
    AutoTokenizer.from_pretrained(source).save_pretrained(base)
    if (source / "hyperparameters.json").is_file():
        shutil.copy(source / "hyperparameters.json", base)


def compact(folder: Path) -> None:
    """Write every tokenizer below `folder` again without the white space that is a third of its file."""
    for file in folder.rglob("tokenizer.json"):
        fields = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(fields, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def named(source: Path, folder: Path) -> Folder:
    """How the manifest of the set `folder` names its base `source`.

    As that of the set beside it, where one has it, or by the GGUF file that it was made of; otherwise it has its own.
    """
    beside, how = source.resolve().parent, source / "hyperparameters.json"
    is_set = beside.parent == folder.resolve().parent and (beside / FILE).is_file()
    if is_set and Manifest.read(beside).base == source.name:
        return {"set": beside.name}
    fetched = json.loads(how.read_text()) if how.is_file() else {}
    return (
        {field.name: fetched[field.name] for field in fields(Gguf) if field.name in fetched}
        if "gguf" in fetched
        else "base"
    )


def entries(task: Task, wanted: list[str]) -> tuple[list[dict], Path]:
    """The manifest's entries of the objectives `wanted`, and the folder that paths in them start from.

    `wanted`: names, with "=" and a folder for a learned one, or one JSON file. Raises ValueError, naming the fix.
    """
    if len(wanted) == 1 and wanted[0].endswith(".json"):
        file = Path(wanted[0])
        return read_objectives(file), file.parent
    found = []
    for one in wanted:
        name, _, model = one.partition("=")
        if name not in task.objectives:
            known = ", ".join(task.objectives) or "none: give a JSON file"
            raise ValueError(f"unknown objective {name!r}: the task {task.name} has {known}")
        if bool(model) != (name in task.learned):
            raise ValueError(f"the objective {one!r}: name the folder of its model just for learned ones, NAME=FOLDER")
        label, description = task.objectives[name]
        found.append({"name": name, "label": label, "description": description})
        if model:
            found[-1]["reward_model"] = model
    return found, Path()


def measured(folder: Path, manifest: Manifest, prompts: list[Given]) -> Manifest:
    """The manifest with the means and deviations of the rewards of the base's texts, two for each of `prompts`.

    Where the set has a start, the texts are those of the base with it.
    """
    soup_set = sets.made(folder, manifest)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    writer = Writer(soup_set, Soup.load(soup_set.base, soup_set.adapters, device))
    mu, longest = Preference.equal(len(soup_set.objectives)), soup_set.sampling.max_new_tokens
    requests = [
        Request(given, mu, BASE, seed=2 * i + k, top_p=1.0, max_new_tokens=longest)
        for i, given in enumerate(prompts)
        for k in (0, 1)
    ]
    batches = [requests[start : start + BATCH] for start in range(0, len(requests), BATCH)]
    texts = [text for batch in tqdm(batches) for text in writer.write(batch)]
    objectives = []
    for entry in manifest.objectives:
        rewards = np.array([text.rewards[entry["name"]] for text in texts])
        objectives.append(entry | {"mean": round(float(rewards.mean()), 4), "std": round(float(rewards.std()), 4)})
    return replace(manifest, objectives=objectives)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of a model, of stage 1 for example, or another set's base")
    parser.add_argument("set", type=Path, help="folder of the set to make")
    parser.add_argument("--task", choices=TASKS, default="restaurants")
    parser.add_argument("--title", help="for people; default: the task and its objectives")
    parser.add_argument("--setting", nargs="+", default=[], metavar="NAME=TEXT", help="the task's settings")
    parser.add_argument("--objectives", nargs="+", metavar="NAME[=FOLDER]", help="or a JSON file; default: all rules")
    parser.add_argument("--data-dir", type=Path, help="folder with the task's data; default: fetch from the Hub")
    parser.add_argument("--start", type=Path, help="folder of the PEFT adapter that every other one is to begin at")
    parser.add_argument("--prompts", type=int, default=512, help="training prompts to write for, 2 texts each")
    parser.add_argument("--max-new-tokens", type=int, help="of a text; default: the task's")
    args = parser.parse_args()
    try:
        task = TASKS[args.task](**{name: text for name, _, text in (one.partition("=") for one in args.setting)})
        if not (wanted := args.objectives or list(task.rules)):
            parser.error(f"the task {task.name} has no rules of its own: give --objectives")
        objectives, where = entries(task, wanted)
        make(args, task, objectives, where)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from None


def make(args: argparse.Namespace, task: Task, objectives: list[dict], where: Path) -> None:
    """Write the set's folder. Raises ValueError for what cannot be used; then nothing is left of it."""
    prompts = data.to_ask(task, args.data_dir)
    labels = [str(entry.get("label", "")).lower() for entry in objectives]
    base = named(args.source, args.set)
    asked = {} if args.max_new_tokens is None else {"max_new_tokens": args.max_new_tokens}
    with new_folder(args.set) as folder:
        quantise(args.source, folder / "base")
        if args.start:
            adapters.bring(args.start, folder / START, folders.base_from_adapters(args.set, base))
        manifest = Manifest(
            name=args.set.name,
            title=args.title or f"{task.name.capitalize()}: {', '.join(labels[:-1])} and {labels[-1]}",
            objectives=[{"mean": 0.0, "std": 1.0} | bring_objective(entry, where, folder) for entry in objectives],
            beta=BETA,
            sampling=replace(task.sampling, **asked),
            task=task.name,
            settings=dict(task.settings),
            start=START if args.start else None,
        )
        manifest = measured(folder, manifest, random.Random(0).sample(prompts, min(args.prompts, len(prompts))))
        if base != "base":  # only now: until it is done, the new set lies elsewhere
            shutil.rmtree(folder / "base")
        compact(folder)
        replace(manifest, base=base).write(folder)


if __name__ == "__main__":
    main()
