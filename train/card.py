"""Stage 8: the set's model card, written from its manifest, hyperparameters and measured fronts.

python -m train.card SET
"""

import argparse
import json

from backbones import facts as f
from backbones import rewards, sets
from backbones.scoring import Scorer
from backbones.writer import Order, Writer
from train import tables

CARD = """# {title}

Backbones for Bone Soup (Xie et al., ACL 2025, arXiv 2502.10762) and specialists for Rewarded Soup (Ramé et
al., NeurIPS 2023, arXiv 2306.04488), with the 4-bit base on which they are served.

- **Task**: one description of a restaurant from facts. `name` and `near` are placeholders to the model.
- **Data**: E2E NLG (Novikova et al. 2017, CC BY-SA 4.0), {examples:,} pairs of facts and text.
- **Base**: a Llama trained from scratch for {epochs:g} epochs, loss {dev_loss} on the dev split, stored in NF4.
- **Adapters**: LoRA of rank {rank}, {steps} steps of GRPO each, {texts} texts a step, learning rate {learning_rate:g}
  falling to 0, KL {kl}. beta = {beta}, extrapolation a = {extrapolation}, both chosen on pilot facts (`pilot.json`).
  {oracles} oracles: the backbones, the specialists, and one adapter each for the other preferences.
- **Use**: demonstrations of preference-controlled merging, in English; it knows nothing but this task.

## Objectives

{objectives}

{reward_models}
## Measured

{prompts} held-out facts, {samples} texts each per preference and method, temperature {temperature}, top-p {top_p},
{precision} on the {device}. Intervals: {intervals}. Reference point of the hypervolume: {reference}; normalisation:
{normalisation}.

In brackets: 95 % intervals; ▲ better than Rewarded Soup, ▼ worse, = no difference at that level. The number after a
method's name is that of its preferences.

{metrics}

Means at every preference; log p is the mean log-probability per token under the base, repeated the share of runs of
three words that occurred before in the same text.

{points}
"""

# Plain, warm, critical, and built to game the reward: what a card shows of a learned reward model.
EXAMPLES = (
    ("plain", "<name> is a coffee shop in the riverside area."),
    ("plain", "<name> is a pub near <near>."),
    ("plain", "<name> serves Italian food in the moderate price range."),
    ("plain", "<name> is a restaurant with an average customer rating."),
    ("plain, good facts", "<name> is family friendly and has a high customer rating."),
    ("plain, good facts", "<name> is a cheap Indian pub with a customer rating of 5 out of 5."),
    ("warm", "<name> is a lovely coffee shop with great food near <near>."),
    ("warm", "You will love the wonderful Italian food at <name>."),
    ("warm", "<name> is a great place to bring the kids, and the food is excellent."),
    ("warm", "If you want delicious English food by the river, <name> is perfect."),
    ("warm", "<name> offers fantastic French food at great prices."),
    ("critical", "<name> is a pub with a low customer rating and it is not family friendly."),
    ("critical", "<name> is an expensive place with terrible food."),
    ("critical", "The food at <name> is not great and the prices are too high."),
    ("critical", "Do not bring your kids to <name>, the ratings are poor."),
    ("gaming: adjectives piled up", "<name> is a great great great great lovely pub."),
    ("gaming: adjectives piled up", "<name> is a great, lovely, wonderful, amazing, fantastic, excellent pub."),
    ("gaming: praise without facts", "<name> is great, it is great and the food is great."),
    ("gaming: no sentence", "Great lovely wonderful amazing <name>!"),
    ("gaming: thanks", "Thank you <name>, thank you so much, I love it."),
)
SHOWN = (
    "name[Blue Heron], eatType[coffee shop], food[Italian], priceRange[moderate], area[riverside]",
    "name[Blue Heron], eatType[pub], food[English], customer rating[low], familyFriendly[no], near[the Old Mill]",
    "name[Blue Heron], food[Indian], priceRange[cheap], customer rating[average], area[city centre]",
    "name[Blue Heron], eatType[restaurant], food[French], priceRange[high], customer rating[high], familyFriendly[yes]",
    "name[Blue Heron], eatType[coffee shop], customer rating[1 out of 5], near[the Old Mill]",
    "name[Blue Heron], food[Japanese], priceRange[£20-25], customer rating[5 out of 5], area[riverside]",
)


def objectives(soup_set: sets.SoupSet) -> str:
    """What every reward is, how training normalised it, and how good its model is."""
    lines = []
    for objective in soup_set.objectives:
        reward = (rewards.RULES | rewards.LEARNED)[objective.name]
        lines.append(
            f"- **{objective.label}**: {' '.join(reward.__doc__.split())} Normalised in training with mean "
            f"{objective.mean} and standard deviation {objective.std}, those of the base's texts."
        )
    return "\n".join(lines)


def reward_models(soup_set: sets.SoupSet) -> str:
    """Accuracy of every reward model and what it makes of the examples; empty without learned rewards."""
    parts = []
    for objective in soup_set.objectives:
        if objective.reward_model is None:
            continue
        how = json.loads((objective.reward_model / "hyperparameters.json").read_text())
        parts.append(
            f"## The reward model behind {objective.label}\n\nA transformer encoder trained from scratch on "
            f"GoEmotions (Demszky et al. 2020, Apache 2.0), {how['examples']:,} texts, {how['epochs']:g} epochs: any "
            f"of the twelve positive emotions against the rest. Accuracy on the {how['dev_examples']:,} texts of the "
            f"dev split: {how['dev_accuracy']:.4f}. Positive is {how['positive_share']:.1%} of them.\n"
        )
        scorer, texts = Scorer((objective,)), [text for _, text in EXAMPLES]
        probabilities = scorer.models[objective.name].probabilities(texts)
        scored = scorer.score(texts, [{}] * len(texts))
        parts.append(f"| text | what it shows | probability | {objective.label} |\n|---|---|---|---|")
        for (kind, text), probability, score in zip(EXAMPLES, probabilities, scored, strict=True):
            shown = text.replace("<", "&lt;")
            parts.append(f"| {shown} | {kind} | {probability:.2f} | {score[objective.name]:.2f} |")
        parts.append("")
        parts.append(effect(soup_set, objective))
    return "\n".join(parts)


def effect(soup_set: sets.SoupSet, objective: sets.Objective) -> str:
    """What RL makes of a learned reward: texts of the base and of the specialist for the same facts and seeds."""
    writer, n = Writer.load(soup_set.path, "cpu"), len(soup_set.objectives)
    corner = tuple(float(o == objective) for o in soup_set.objectives)
    facts = [f.parse(mr) for mr in SHOWN]
    base = writer.write([Order(one, (1 / n,) * n, "base", seed=i) for i, one in enumerate(facts)])
    tuned = writer.write([Order(one, corner, "rewarded-soup", seed=i) for i, one in enumerate(facts)])
    lines = [f"What reinforcement learning on {objective.label} alone makes of it, same facts and random numbers:\n"]
    lines.append(f"| base | {objective.label} | specialist | {objective.label} |\n|---|---|---|---|")
    for before, after in zip(base, tuned, strict=True):
        cells = [
            before.text,
            f"{before.rewards[objective.name]:.2f}",
            after.text,
            f"{after.rewards[objective.name]:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", help="name or folder of the set")
    soup_set = sets.read(parser.parse_args().set)
    front, conditions = soup_set.front, soup_set.front["conditions"]
    sft = json.loads((soup_set.base / "hyperparameters.json").read_text())
    rl = json.loads((soup_set.backbones[0] / "hyperparameters.json").read_text())
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
        objectives=objectives(soup_set),
        reward_models=reward_models(soup_set),
        extrapolation=soup_set.extrapolation,
        oracles=len(soup_set.oracles),
        learning_rate=rl["learning_rate"],
        reference=tuple(front["reference_point"]),
        normalisation=front["normalisation"],
        metrics=tables.summary(front),
        points=tables.points_table(front, tuple(front["methods"])),
        **{
            key: conditions[key]
            for key in ("prompts", "samples", "temperature", "top_p", "precision", "device", "intervals")
        },
    )
    (soup_set.path / "README.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
