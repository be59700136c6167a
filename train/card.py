"""Stage 9: the set's model card, written from its manifest, its task, hyperparameters and measured fronts.

python -m train.card SET
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from backbones.engine.request import Request
from backbones.engine.writer import Writer
from backbones.merging.methods import BASE, BASELINE, LABELS
from backbones.merging.preference import Preference
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.task import Learned
from train import tables

CARD = """# {title}

Backbones for Bone Soup (Xie et al., ACL 2025, arXiv 2502.10762) and specialists for Rewarded Soup (Ramé et
al., NeurIPS 2023, arXiv 2306.04488), for one base in 4 bits.

- **Task**: {about}.
- **Base**: {base}, stored in NF4.
- **Adapters**: LoRA of rank {rank}, {steps} steps of GRPO each, {texts} texts a step, learning rate {learning_rate:g}
  falling to 0, KL {kl}{alike}. {chosen}.
  {oracles} oracles: {which}.{begun}
- **Use**: demonstrations of preference-controlled merging{limits}.

## Objectives

{objectives}

{learned}
## Measured

{prompts} held-out prompts, {samples} {text} each per preference and method, temperature {temperature}, top-p {top_p},
{precision} on the {device}. Intervals: {intervals}. Reference point of the hypervolume: {reference}; normalisation:
{normalisation}.

In brackets: 95 % intervals over prompts; ▲ better than {baseline}, ▼ worse, where that interval of the difference and
every training seed say so; = level. After a method's name: its preferences, and with how many training seeds it was
measured.

{metrics}

Means at every preference; log p is the mean log-probability per token under the base, repeated the share of runs of
three words that occurred before in the same text. On what follows nothing was trained: vader is how positive texts are
by VADER's rules, openings the share of distinct first three words, copied that of runs of four words of what was given,
minilm the cosine of all-MiniLM-L6-v2 to it.

{points}
"""


def base(soup_set: SoupSet) -> tuple[str, str]:
    """What the base is, and what it cannot do; of one that was not made by `train.sft` little is known."""
    if soup_set.gguf:
        licence = soup_set.gguf.licence and f" ({soup_set.gguf.licence})"
        return f"`{soup_set.gguf.gguf}` of {soup_set.gguf.hub} on the Hugging Face Hub{licence}", ""
    file = soup_set.base / "hyperparameters.json"
    if not file.is_file():
        return "a model that others have trained", ""
    sft = json.loads(file.read_text())
    trained = f"a Llama trained from scratch on {sft['examples']:,} pairs for {sft['epochs']:g} epochs"
    limits = ", in English; it knows nothing but this task"
    return f"{trained}, loss {sft['dev_loss']} on the dev split", limits


def chosen(soup_set: SoupSet) -> str:
    """beta and the strengths of the extrapolations, and which of them `train.pilot` chose."""
    piloted = _known(soup_set.path / "pilot.json")
    values = {
        "beta": f"beta = {soup_set.beta}",
        "extrapolation": f"k = {_strengths(soup_set.extrapolation)} at the corners of Bone Soup, extrapolated",
        "specialist_extrapolation": f"k = {_strengths(soup_set.specialist_extrapolation)} at those of Rewarded Soup",
    }
    return "; ".join(f"{value} (`pilot.json`)" if name in piloted else value for name, value in values.items())


def _known(file: Path) -> dict:
    """What a file of settings says; nothing where there is none, as with what others have trained."""
    return json.loads(file.read_text()) if file.is_file() else {}


def _strengths(k: Sequence[float]) -> str:
    return ", ".join(f"{strength:g}" for strength in k)


def alike(soup_set: SoupSet, rl: Mapping) -> str:
    """What else all adapters have alike: a judge beside the rewards, an average over as many seeds."""
    judged = f", and sense as a further reward of weight {rl['sense']:g} (`train.sense`)" if rl.get("sense") else ""
    if "seeds" not in rl:
        return judged
    of = defaultdict(list)
    for name, folder in soup_set.adapters.items():
        if seeds := _known(folder / "hyperparameters.json").get("seeds"):  # the start has none
            of[", ".join(map(str, seeds))].append(name)
    which = "; ".join(f"{seeds}: {', '.join(names)}" for seeds, names in of.items())
    return f"{judged}; each is the average of {len(rl['seeds'])} training seeds ({which})"


def begun(soup_set: SoupSet) -> str:
    """Where the adapters began, if not at the base."""
    if not soup_set.start:
        return ""
    how = _known(soup_set.folders[soup_set.start] / "hyperparameters.json")
    kind = f"texts of {', '.join(how['texts'])}" if "texts" in how else "pairs of the data"
    pairs = f", tuned on {how['examples']:,} {kind}" if how else ""
    return f"\n  All began at one adapter{pairs}, and have its A."


def objectives(soup_set: SoupSet) -> str:
    """What every reward is, and how training normalised it."""
    lines, task = [], soup_set.task
    for objective in soup_set.objectives:
        reward = (dict(task.rules) | dict(task.learned)).get(objective.name)
        what = objective.description if objective.template or not reward.__doc__ else reward.__doc__
        lines.append(
            f"- **{objective.label}**: {' '.join(what.split()).rstrip('.')}. Normalised in training with mean "
            f"{objective.mean} and standard deviation {objective.std}, those of the base's texts."
        )
    return "\n".join(lines)


def learned(writer: Writer) -> str:
    """Accuracy of every learned reward's model and what it makes of the task's probes; empty without such rewards."""
    parts = []
    for objective in writer.set.objectives:
        reward = writer.scorer.rewards[objective.name]
        if isinstance(reward, Learned):
            parts.append(f"## The reward model behind {objective.label}\n")
            parts += [part for part in (accuracy(objective), probes(writer, objective, reward)) if part]
            parts.append(effect(writer, objective))
    return "\n".join(parts)


def accuracy(objective: Objective) -> str:
    """What the model behind a reward was trained on, and how well; empty for one that was trained elsewhere."""
    how = _known(objective.reward_model / "hyperparameters.json")
    if "auc_frames" in how:
        return (
            "A transformer encoder (`train.reframe.bright`) that learned from Positive Psychology Frames, from the "
            "texts that the start learned from, and from GoEmotions (Demszky et al. 2020, Apache 2.0), with reduced "
            "word vectors of all-MiniLM-L6-v2 (Apache 2.0). Area under the ROC curve: reframings of dev against their "
            f"thoughts {how['auc_frames']:.3f}; positive against negative and neutral texts of GoEmotions' dev "
            f"{how['auc_goemotions']:.3f}; bright texts of the start's against calm ones, for thoughts that were left "
            f"out, {how['auc_texts']:.3f}.\n"
        )
    if "auc_similar" in how:
        return (
            "A matcher of words (`train.reframe.true`) that learned from Positive Psychology Frames and from the texts "
            "that the start learned from, with reduced word vectors of the base. Area under the ROC curve: a thought's "
            f"own reframing of dev against that of a random other {how['auc_random']:.3f}, of the most similar other "
            f"{how['auc_similar']:.3f}; calm texts against the same with an addition {how['auc_added']:.3f}.\n"
        )
    if "positive_share" not in how:
        return ""
    return (
        f"A transformer encoder trained from scratch on "
        f"GoEmotions (Demszky et al. 2020, Apache 2.0), {how['examples']:,} texts, {how['epochs']:g} epochs: any "
        f"of the twelve positive emotions against the rest. Accuracy on the {how['dev_examples']:,} texts of the "
        f"dev split: {how['dev_accuracy']:.4f}. Positive is {how['positive_share']:.1%} of them.\n"
    )


def probes(writer: Writer, objective: Objective, reward: Learned) -> str:
    """What the model alone, and then the reward, makes of the task's probes; empty without any."""
    found = writer.set.task.probes
    if not found:
        return ""
    texts, given = [probe.text for probe in found], [writer.set.task.read(probe.line) for probe in found]
    lines = [f"| text | what it shows | probability | {objective.label} |", "|---|---|---|---|"]
    for probe, heard, value in zip(found, reward.heard(texts, given), reward(texts, given), strict=True):
        shown = probe.text.replace("<", "&lt;")
        lines.append(f"| {shown} | {probe.kind} | {heard:.2f} | {value:.2f} |")
    return "\n".join([*lines, ""])


def effect(writer: Writer, objective: Objective) -> str:
    """What RL makes of a learned reward: texts of the base and of the specialist for the same prompts and seeds."""
    task, n = writer.set.task, len(writer.set.objectives)
    given = [task.read(line) for line in task.shown]
    if not given or BASELINE not in writer.set.methods:
        return ""
    corner = Preference(float(other == objective) for other in writer.set.objectives)
    base = writer.write([Request(one, Preference.equal(n), BASE, seed=i) for i, one in enumerate(given)])
    tuned = writer.write([Request(one, corner, BASELINE, seed=i) for i, one in enumerate(given)])
    lines = [f"What reinforcement learning on {objective.label} alone makes of it, same prompts and random numbers:\n"]
    lines.append(f"| base | {objective.label} | specialist | {objective.label} |\n|---|---|---|---|")
    for before, after in zip(base, tuned, strict=True):
        cells = [cell for text in (before, after) for cell in (text.text, f"{text.rewards[objective.name]:.2f}")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    writer = Writer.load(parser.parse_args().set, "cpu")
    soup_set, front = writer.set, writer.set.front
    if front is None:
        raise SystemExit(f"{soup_set.path / 'front.json'} is missing: make it with train.evaluate")
    first = soup_set.adapters[soup_set.backbones[0]]
    rl = json.loads((first / "hyperparameters.json").read_text())
    what, limits = base(soup_set)
    card = CARD.format(
        title=soup_set.title,
        about=soup_set.task.about,
        base=what,
        limits=limits,
        rank=rl["rank"],
        steps=rl["steps"],
        texts=rl["prompts_per_step"] * rl["samples_per_prompt"],
        kl=rl["kl"],
        chosen=chosen(soup_set),
        begun=begun(soup_set),
        objectives=objectives(soup_set),
        learned=learned(writer),
        alike=alike(soup_set, rl),
        oracles=len(soup_set.oracles),
        which="the backbones, the specialists, and one adapter each for the other preferences"
        if len(soup_set.oracles) > 2 * len(soup_set.objectives)
        else "the backbones and the specialists",
        learning_rate=rl["learning_rate"],
        reference=front.reference_point,
        normalisation=front.normalisation,
        baseline=LABELS[BASELINE],
        text="text" if front.conditions["samples"] == 1 else "texts",
        metrics=tables.summary(front),
        points=tables.points_table(front, tuple(front.methods)),
        **{
            key: front.conditions[key]
            for key in ("prompts", "samples", "temperature", "top_p", "precision", "device", "intervals")
        },
    )
    (soup_set.path / "README.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
