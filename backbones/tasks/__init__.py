"""What sets write, and how it is rewarded. A task is one file and one line in `TASKS`."""

from backbones.tasks.assistant import Assistant
from backbones.tasks.reframe.task import Reframe
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Task

TASKS: dict[str, type[Task]] = {task.name: task for task in (Restaurants, Reframe, Assistant)}
