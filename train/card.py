"""Stage 5: the set's model card, written from its manifest, hyperparameters and measured fronts.

python -m train.card SET
"""

import argparse
import json

from backbones import rewards, sets

CARD = """# {title}

Backbones for Bone Soup (Xie et al., ACL 2025, arXiv 2502.10762) and specialists for Rewarded Soup (Ramé et
al., NeurIPS 2023, arXiv 2306.04488), with the 4-bit base on which they are served.

- **Task**: one description of a restaurant from facts. `name` and `near` are placeholders to the model.
- **Data**: E2E NLG (Novikova et al. 2017, CC BY-SA 4.0), {examples:,} pairs of facts and text.
- **Base**: a Llama trained from scratch for {epochs:g} epochs, loss {dev_loss} on the dev split, stored in NF4.
- **Adapters**: LoRA of rank {rank}, {steps} steps of GRPO each, {texts} texts a step, KL {kl}; beta = {beta}.
- **Use**: demonstrations of preference-controlled merging, in English; it knows nothing but this task.

## Objectives

{objectives}

## Measured

{prompts} held-out facts, {samples} texts each per preference and method, temperature {temperature}, top-p {top_p},
{precision} on the {device}. Intervals: {intervals}. Reference point of the hypervolume: {reference}; normalisation:
{normalisation}.

{metrics}

{points}
"""


def metrics_table(front: dict) -> str:
    """Markdown table, method by metric, with the intervals; the last row is the difference."""
    rows = {method: result["metrics"] for method, result in front["methods"].items()}
    rows["bone-soup - rewarded-soup"] = front["bone_soup_minus_rewarded_soup"]
    names = list(front["methods"]["bone-soup"]["metrics"])
    lines = ["| method | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for method, metrics in rows.items():
        cells = [f"{metrics[m]['value']:.3f} [{metrics[m]['low']:.3f}, {metrics[m]['high']:.3f}]" for m in names]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def points_table(front: dict) -> str:
    """Markdown table of every method's mean rewards and words at every preference."""
    objectives = " | ".join(front["objectives"])
    lines = [f"| method | preference ({', '.join(front['objectives'])}) | {objectives} | words |"]
    lines.append("|---" * (len(front["objectives"]) + 3) + "|")
    for method, result in front["methods"].items():
        for point in result["points"]:
            rewards_ = " | ".join(f"{value:.3f}" for value in point["rewards"])
            lines.append(f"| {method} | {tuple(point['preference'])} | {rewards_} | {point['words']:.1f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    soup_set = sets.read(parser.parse_args().set)
    front, conditions = soup_set.front, soup_set.front["conditions"]
    sft = json.loads((soup_set.base / "hyperparameters.json").read_text())
    rl = json.loads((soup_set.backbones[0] / "hyperparameters.json").read_text())
    objectives = "\n".join(
        f"- **{o.label}**: {' '.join(rewards.OBJECTIVES[o.name].__doc__.split())} "
        f"Normalised in training with mean {o.mean} and standard deviation {o.std}, those of the base's texts."
        for o in soup_set.objectives
    )
    card = CARD.format(
        title=soup_set.title,
        examples=sft["examples"],
        epochs=sft["epochs"],
        dev_loss=sft["dev_loss"],
        rank=rl["rank"],
        steps=rl["steps"],
        texts=rl["prompts_per_step"] * rl["samples_per_prompt"],
        kl=rl["kl"],
        beta=soup_set.beta,
        objectives=objectives,
        reference=tuple(front["reference_point"]),
        normalisation=front["normalisation"],
        metrics=metrics_table(front),
        points=points_table(front),
        **{
            key: conditions[key]
            for key in ("prompts", "samples", "temperature", "top_p", "precision", "device", "intervals")
        },
    )
    (soup_set.path / "README.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
