"""Things to write about, for sets of any task."""

import random

from backbones.tasks.task import Given, Task

QUESTION = "What is worth seeing in a town by a river?"  # where a task draws no examples


def examples(task: Task, count: int, seed: int = 0) -> list[Given]:
    """So many things that can be given, the same for the same seed."""
    before = random.getstate()
    random.seed(seed)
    drawn = [task.check(task.example() or task.read(QUESTION)) for _ in range(count)]
    random.setstate(before)
    return drawn


def arrival(task: Task) -> Given:
    """What the page holds on arrival, or something else where that is nothing."""
    held = {field.name: field.default for field in task.fields if field.default}
    return task.check(held) if held else examples(task, 1)[0]
