"""Tiny sets and models of others, and a hub of our own."""

import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from backbones.engine.soup import Soup
from backbones.merging.methods import Oracle
from backbones.merging.preference import Preference
from backbones.store import soup_set as sets
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Sampling
from tests.store.models import make_parts

COMMIT = "0123456789abcdef0123456789abcdef01234567"  # the one of every repository of the hub


@pytest.fixture(scope="package")
def full(base, tmp_path_factory) -> Path:
    """The tiny base before it was quantised, in fp32, with its tokenizer."""
    folder = tmp_path_factory.mktemp("full") / "base"
    shutil.copytree(base.parent / "fp32", folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="package")
def parts(full, tmp_path_factory) -> Path:
    """What others have trained, see `make_parts`."""
    return make_parts(full, tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="package")
def tiny(base, adapters) -> SoupSet:
    """A set over the tiny base: backbones of ranks 4 and 8, specialists of which one has few layers."""
    names = tuple(adapters)
    return SoupSet(
        path=base.parent,
        name="tiny",
        title="Tiny",
        task=Restaurants(),
        objectives=tuple(Objective(name, name, "", 0.5, 0.2) for name in ("complete", "concise")),
        beta=0.7,
        extrapolation=0.25,
        base_folder=base,
        folders=adapters,
        backbones=names[:2],
        specialists=names[2:],
        oracles=(Oracle(Preference((0.8, 0.2)), names[2]), Oracle(Preference((0.2, 0.8)), names[1])),
        sampling=Sampling(1.0, 0.9, 80),
    )


@pytest.fixture(scope="package")
def restaurants() -> tuple[SoupSet, Soup]:
    """The shipped set, and its soup."""
    soup_set = sets.read("restaurants")
    return soup_set, Soup.load(soup_set.base, soup_set.adapters, "cpu", torch.float32)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address, folder of the repositories and list of the paths asked for."""
    folder, asked = tmp_path_factory.mktemp("hub"), []

    class Hub(BaseHTTPRequestHandler):
        """Answers as the Hub does: /api/models/REPO/revision/REV and /REPO/resolve/REV/FILE."""

        def do_GET(self):
            asked.append(self.path)
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[:2] == ["api", "models"]:
                return self.listing("/".join(parts[2:4]), parts[5])
            repository, file = folder / parts[0] / parts[1], "/".join(parts[4:])
            if not (repository / file).is_file() or parts[3] not in ("main", COMMIT):
                return self.missing()
            self.answer((repository / file).read_bytes())

        do_HEAD = do_GET

        def listing(self, name, revision):
            if not (folder / name).is_dir() or revision not in ("main", COMMIT):
                return self.missing()
            files = [str(p.relative_to(folder / name)) for p in sorted((folder / name).rglob("*")) if p.is_file()]
            body = {"id": name, "modelId": name, "sha": COMMIT, "siblings": [{"rfilename": f} for f in files]}
            if "/tree/" in self.path:
                body = [self.entry(folder / name / file, file) for file in files]
            self.answer(json.dumps(body).encode())

        def entry(self, path, file):
            return {"type": "file", "path": file, "size": path.stat().st_size, "oid": _digest(path.read_bytes())}

        def missing(self):
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def answer(self, body):
            self.send_response(200)
            self.send_header("ETag", f'"{_digest(body)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder, asked
    server.shutdown()


def _digest(body):
    return hashlib.sha1(body).hexdigest()
