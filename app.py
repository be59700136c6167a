"""Bone Soup in the browser: `python app.py`.

Environment: BONESOUP_SETS (names or folders, separated by commas; default: every shipped set), BONESOUP_DEVICE (cpu or
cuda; default: CUDA where there is one). Gradio's own variables, such as GRADIO_SERVER_PORT, work too.
"""

import os
import time

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
try:
    import spaces  # Hugging Face ZeroGPU; must come before torch
except ImportError:
    spaces = None

from app import theme
from app.page import build
from backbones.sets import shipped
from backbones.writer import Writer

started = time.perf_counter()
names = os.environ.get("BONESOUP_SETS") or ",".join(shipped())
loaded = [Writer.load(name.strip(), os.environ.get("BONESOUP_DEVICE")) for name in names.split(",")]
writers = {writer.set.name: writer for writer in loaded}


def stream(name, orders):
    """Texts of a set for orders; on ZeroGPU this runs in the process that holds the GPU."""
    yield from writers[name].stream(orders)


demo = build([writer.set for writer in loaded], spaces.GPU(stream, duration=20) if spaces else stream)
for writer in loaded:
    count, where = len(writer.set.adapters), f"{writer.device} in {writer.precision}"
    print(f"Bone Soup: {writer.set.name} with {count} adapters on {where}")
print(f"Loaded in {time.perf_counter() - started:.1f} s")

if __name__ == "__main__":
    demo.launch(theme=theme.THEME, css=theme.CSS, ssr_mode=False, run_history=False)
