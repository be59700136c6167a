"""Bone Soup in the browser: `python app.py`. Settings are environment variables: app/settings.py lists them."""

import os
import sys

# gradio 6.31.0 reads these when it is imported; the rest of what is changed in it is in app/gradio_patches.py.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# After every request gradio makes a table of the last 10,000, for a page that nobody opens: soon its greatest cost.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
try:
    import spaces  # Hugging Face ZeroGPU; must come before torch
except ImportError:
    spaces = None

from app import remote, serve
from app.settings import Settings

try:
    settings = Settings.read()
    if settings.engine:
        demo = remote.page(remote.load(settings), settings)
    else:
        demo = serve.page(serve.load(settings), settings, spaces if os.environ.get("SPACES_ZERO_GPU") else None)
except ValueError as error:
    sys.exit(f"error: {error}")

if __name__ == "__main__":
    serve.launch(demo)
