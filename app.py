"""Bone Soup in the browser: `python app.py`.

Environment: BONESOUP_SET (name or folder, default restaurants), BONESOUP_DEVICE (cpu or cuda; default: CUDA
where there is one). Gradio's own variables, such as GRADIO_SERVER_PORT, work too.
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
from backbones.writer import Writer

started = time.perf_counter()
writer = Writer.load(os.environ.get("BONESOUP_SET", "restaurants"), os.environ.get("BONESOUP_DEVICE"))


def stream(orders):
    """Texts for orders; on ZeroGPU this runs in the process that holds the GPU."""
    yield from writer.stream(orders)


demo = build(writer.set, spaces.GPU(stream, duration=20) if spaces else stream)
print(
    f"Bone Soup: {writer.set.name} with {len(writer.set.adapters)} adapters on {writer.device} in {writer.precision}, "
    f"loaded in {time.perf_counter() - started:.1f} s"
)

if __name__ == "__main__":
    demo.launch(theme=theme.THEME, css=theme.CSS, ssr_mode=False, run_history=False)
