"""Command line: `python -m backbones list | check | generate | export | front`. SET is a name or a path."""

import argparse
import json
import sys
from pathlib import Path

from backbones import coefficients, facts, sets


def list_sets(_) -> None:
    for name in sets.shipped():
        soup_set = sets.read(name)
        print(f"{name}: {soup_set.title} ({', '.join(o.name for o in soup_set.objectives)}; beta {soup_set.beta})")


def check(args) -> None:
    from backbones.writer import Writer  # loads torch, which the other commands do without

    problems = sets.problems(sets.read(args.set))
    if problems:
        raise ValueError("\n".join(problems))
    writer = Writer.load(args.set, args.device)
    print(f"{writer.set.name}: ok ({', '.join(writer.soup.adapter_names)} on a base in {writer.precision})")


def generate(args) -> None:
    from backbones.writer import Order, Writer

    wanted = facts.parse(args.prompt)
    writer = Writer.load(args.set, args.device)
    sampling = writer.set.sampling
    orders = [
        Order(
            wanted,
            tuple(args.preference),
            args.method,
            seed=args.seed + i,
            temperature=sampling.temperature if args.temperature is None else args.temperature,
            top_p=sampling.top_p if args.top_p is None else args.top_p,
            max_new_tokens=args.max_new_tokens or sampling.max_new_tokens,
        )
        for i in range(args.samples)
    ]
    names = [path.name for path in writer.set.adapters]
    weights, rows = writer.set.members(args.method, args.preference)
    row = (weights @ rows).round(6).tolist()  # of "mod" the shares that its members have in every token
    results = [
        {
            "text": text.text,
            "rewards": {name: round(value, 4) for name, value in text.rewards.items()},
            "coefficients": dict(zip(names, row, strict=True)),
            "method": args.method,
            "preference": args.preference,
            "seed": order.seed,
        }
        for order, text in zip(orders, writer.write(orders), strict=True)
    ]
    if args.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        for result in results:
            print(result["text"], result["rewards"])


def export(args) -> None:
    from backbones.export import merged_adapter

    folder = merged_adapter(sets.read(args.set), args.method, args.preference, args.to)
    rank = json.loads((folder / "adapter_config.json").read_text())["r"]
    print(f"{folder}: a PEFT adapter of rank {rank}")


def front(args) -> None:
    measured = sets.read(args.set).front
    if measured is None:
        raise ValueError(f"the set {args.set} has no front.json: measure it with train.evaluate")
    if args.json:
        print(json.dumps(measured, indent=1, ensure_ascii=False))
        return
    for method, result in measured["methods"].items():
        for name, metric in result["metrics"].items():
            print(f"{method:14} {name:16} {metric['value']:.4f} [{metric['low']:.4f}, {metric['high']:.4f}]")
        for point in result["points"]:
            print(f"{method:14} {point['preference']} {point['rewards']}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backbones", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for function, summary in (
        (list_sets, "the shipped sets"),
        (check, "validate a set and load it"),
        (generate, "write texts at a preference"),
        (export, "write the merge at a preference as a PEFT adapter"),
        (front, "measured points and metrics per method"),
    ):
        name = "list" if function is list_sets else function.__name__
        command = commands.add_parser(name, help=summary)
        command.set_defaults(run=function)
        if function is not list_sets:
            command.add_argument("set", metavar="SET", help="name of a shipped set, or a folder")
        if function in (check, generate):
            command.add_argument("--device", help="cpu or cuda; default: CUDA where there is one")
        if function in (generate, front):
            command.add_argument("--json", action="store_true")
        if function in (generate, export):
            command.add_argument("--preference", type=float, nargs="+", required=True, help="one number per objective")
            command.add_argument("--method", choices=coefficients.METHODS, default="bone-soup")
        if function is export:
            command.add_argument("--to", type=Path, metavar="DIR", required=True, help="a new or empty folder")
        if function is generate:
            command.add_argument("--prompt", required=True, help='facts: "name[The Mill], food[English]"')
            command.add_argument("--samples", type=int, default=1)
            command.add_argument("--seed", type=int, default=0)
            command.add_argument("--temperature", type=float, help="default: the set's")
            command.add_argument("--top-p", type=float, help="default: the set's")
            command.add_argument("--max-new-tokens", type=int, help="default: the set's")
    args = parser.parse_args()
    try:
        args.run(args)
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
