"""Command line: `python -m backbones list | check | generate | export | import | front`. SET is a name or a path."""

import argparse
import json
import sys
from pathlib import Path

from backbones import coefficients, memory, sets


def list_sets(_) -> None:
    for name in sets.shipped():
        soup_set = sets.read(name)
        print(f"{name}: {soup_set.title} ({', '.join(o.name for o in soup_set.objectives)}; beta {soup_set.beta})")


def check(args) -> None:
    import torch  # which the other commands do without

    from backbones.writer import Writer

    soup_set = sets.read(args.set)
    device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    needs = memory.of_set(soup_set, 64, device, 2 if device.startswith("cuda") else 4)
    parts = ", ".join(f"{part} {memory.readable(size)}" for part, size in needs.items())
    print(f"{soup_set.name} with 64 texts at one time on {device}: {parts}", flush=True)
    memory.refuse_if_too_large(needs, device)
    writer = Writer.load(args.set, device)
    print(f"{soup_set.name}: ok ({', '.join(writer.soup.adapter_names)} on a base in {writer.precision})")
    for problem in sets.problems(soup_set):
        print(f"before it is shipped: {problem}")


def generate(args) -> None:
    from backbones.writer import Order, Writer

    wanted = sets.read(args.set).task.read(args.prompt)
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
    from backbones.export import merged_adapter, merged_model

    soup_set = sets.read(args.set)
    if args.form == "model":
        if args.rank is not None:
            raise ValueError("--rank goes with --as adapter: a model has no rank")
        print(f"{merged_model(soup_set, args.method, args.preference, args.to)}: a model in bfloat16")
        return
    folder = merged_adapter(soup_set, args.method, args.preference, args.to, args.rank)
    rank = json.loads((folder / "adapter_config.json").read_text())["r"]
    cut = folder / "hyperparameters.json"  # written where the rank was cut
    errors = json.loads(cut.read_text())["relative_errors"].values() if cut.is_file() else ()
    note = f", largest relative error {max(errors):.3g}" if errors else ""
    print(f"{folder}: a PEFT adapter of rank {rank}{note}")


def import_set(args) -> None:
    from backbones import importing

    reports = importing.import_set(
        args.base,
        args.objectives,
        args.beta,
        args.backbone,
        args.to,
        name=args.name,
        title=args.title,
        specialists=args.specialist,
        oracles=[_oracle(text) for text in args.oracle],
        task=args.task,
        system=args.system,
        extrapolation=args.extrapolation,
        sampling=sets.Sampling(args.temperature, args.top_p, args.max_new_tokens),
        rank=args.rank,
        tolerance=args.tolerance,
    )
    for name, report in reports.items():
        worst = report.worst
        print(f"{name}: rank {report.rank}, largest relative residual {report.residuals[worst]:.3g} ({worst})")
    print(f"{args.to}: the set {args.name}")


def _oracle(text: str) -> tuple[tuple[float, ...], Path]:
    """`0.5,0.5=DIR`: a preference and a folder."""
    shares, _, folder = text.partition("=")
    try:
        preference = tuple(float(share) for share in shares.split(","))
    except ValueError:
        preference = ()
    if not preference or not folder:
        raise ValueError(f'--oracle {text!r}: write a preference and a folder, as in "0.5,0.5=DIR"')
    return preference, Path(folder)


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


def set_argument(command) -> None:
    command.add_argument("set", metavar="SET", help="name of a shipped set, or a folder")


def device_argument(command) -> None:
    command.add_argument("--device", help="cpu or cuda; default: CUDA where there is one")


def json_argument(command) -> None:
    command.add_argument("--json", action="store_true")


def merge_arguments(command) -> None:
    command.add_argument("--preference", type=float, nargs="+", required=True, help="one number per objective")
    command.add_argument("--method", choices=coefficients.METHODS, default="bone-soup")


def generate_arguments(command) -> None:
    command.add_argument("--prompt", required=True, help='"name[The Mill], food[English]", or a message')
    command.add_argument("--samples", type=int, default=1)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--temperature", type=float, help="default: the set's")
    command.add_argument("--top-p", type=float, help="default: the set's")
    command.add_argument("--max-new-tokens", type=int, help="default: the set's")


def target_argument(command) -> None:
    command.add_argument("--to", type=Path, metavar="DIR", required=True, help="a new or empty folder")


def export_arguments(command) -> None:
    command.add_argument("--as", dest="form", choices=("adapter", "model"), default="adapter", help="default: adapter")
    command.add_argument("--rank", type=int, help="cut the adapter to this rank; default: exact")


def import_arguments(command) -> None:
    folders = {"type": Path, "metavar": "DIR", "nargs": "+", "action": "extend"}
    command.add_argument("--base", required=True, metavar="DIR", help="a folder, or organisation/name@COMMIT")
    command.add_argument("--objectives", type=Path, required=True, metavar="FILE", help="JSON: the manifest's list")
    command.add_argument("--beta", type=float, required=True)
    command.add_argument("--backbone", **folders, required=True, help="adapters or full checkpoints, by row of B")
    command.add_argument("--specialist", **folders, default=[], help="the same, by objective")
    command.add_argument("--oracle", nargs="+", action="extend", default=[], metavar="MU=DIR", help='"0.5,0.5=DIR"')
    command.add_argument("--rank", type=int, help="of converted checkpoints; default: as --tolerance needs")
    command.add_argument("--tolerance", type=float, default=1e-3, help="relative residual per layer; default: 0.001")
    command.add_argument("--name", required=True)
    command.add_argument("--title", required=True)
    command.add_argument("--task", default="restaurants", help="what the set writes; default: restaurants")
    command.add_argument("--system", default="", help="the system prompt of an assistant; default: none")
    command.add_argument("--extrapolation", type=float, default=0.0)
    command.add_argument("--temperature", type=float, default=1.0)
    command.add_argument("--top-p", type=float, default=0.9)
    command.add_argument("--max-new-tokens", type=int, default=80)


COMMANDS = (
    ("list", list_sets, "the shipped sets", ()),
    ("check", check, "validate a set and load it", (set_argument, device_argument)),
    (
        "generate",
        generate,
        "write texts at a preference",
        (set_argument, device_argument, json_argument, merge_arguments, generate_arguments),
    ),
    (
        "export",
        export,
        "write the merge at a preference as a PEFT adapter or a model",
        (set_argument, merge_arguments, export_arguments, target_argument),
    ),
    ("import", import_set, "make a set from adapters and full checkpoints", (import_arguments, target_argument)),
    ("front", front, "measured points and metrics per method", (set_argument, json_argument)),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backbones", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, function, summary, arguments in COMMANDS:
        command = commands.add_parser(name, help=summary)
        command.set_defaults(run=function)
        for add in arguments:
            add(command)
    args = parser.parse_args()
    try:
        args.run(args)
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
