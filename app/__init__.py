"""The Bone Soup page: figures, rendering and event handlers; `app.py` lays them out."""
