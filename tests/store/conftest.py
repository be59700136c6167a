"""Tiny sets and models of others, and a hub of our own."""

import hashlib
import json
import os
import shutil
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants, hf_hub_download
from transformers import AutoTokenizer

from backbones.engine.soup import Soup
from backbones.merging.methods import Oracle
from backbones.merging.preference import Preference
from backbones.store import hub
from backbones.store import soup_set as sets
from backbones.store.fetching import Gguf
from backbones.store.soup_set import SoupSet
from backbones.tasks.objectives import Objective
from backbones.tasks.restaurants.task import Restaurants
from backbones.tasks.task import Sampling
from tests.store.ggufs import NAME, make_gguf, make_wheel
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
        extrapolation=(1.25, 0.8),
        specialist_extrapolation=(1.5, 0.9),
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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A GGUF file, its matrices, and a wheel that holds it."""
    folder = tmp_path_factory.mktemp("gguf")
    file, matrices = make_gguf(folder)
    return file, matrices, make_wheel(file, folder)


@pytest.fixture(scope="module")
def published(served, made):
    """The address of a hub that has the file, and the list of the paths it was asked for."""
    address, folder, asked = served
    (folder / "org" / "tiny-GGUF").mkdir(parents=True)
    shutil.copy(made[0], folder / "org" / "tiny-GGUF")
    return address, asked


@pytest.fixture
def named(made):
    return Gguf(NAME, "org/tiny-GGUF", COMMIT, hashlib.sha256(made[0].read_bytes()).hexdigest(), "tiny-model==1.0")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty cache, no hub that can be reached, an index without packages; returns how to change the last two."""
    monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def use(address=None, wheels=None):
        get = partial(hf_hub_download, endpoint=address, cache_dir=tmp_path / "cache")

        def download(*arguments, local_files_only=False, **options):
            if address is None and not local_files_only:
                raise ConnectionError("no network")
            return get(*arguments, local_files_only=local_files_only, **options)

        monkeypatch.setattr(hub, "hf_hub_download", download)
        if wheels is not None:
            monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    use()
    return use


def _digest(body):
    return hashlib.sha1(body).hexdigest()
