"""Sets, bases and adapters of the Hub, from a hub of our own over HTTP."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from backbones import hub, sets

ROOT = Path(__file__).parents[1]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHIPPED = sets.SETS / "restaurants"


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


@pytest.fixture(scope="module")
def repositories(served):
    """The base and a backbone in repositories of their own, and a set that names them."""
    _, folder, _ = served
    shutil.copytree(SHIPPED / "base", folder / "org" / "base")
    shutil.copytree(SHIPPED / "adapters" / "backbone-1", folder / "org" / "adapters" / "good" / "backbone-1")
    (folder / "org" / "base" / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "org" / "base" / "modeling.py").write_text("raise SystemExit('code of the Hub was run')")
    mine = folder / "org" / "my-set"
    shutil.copytree(SHIPPED, mine, ignore=shutil.ignore_patterns("base", "backbone-1"))
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest |= {"name": "my-set", "base": {"hub": "org/base", "revision": COMMIT}}
    backbone = {"hub": "org/adapters", "revision": COMMIT, "folder": "good/backbone-1"}
    manifest["backbones"][0] = backbone
    for oracle in manifest["oracles"]:
        if oracle["adapter"] == "adapters/backbone-1":
            oracle["adapter"] = backbone
    (mine / "manifest.json").write_text(json.dumps(manifest))
    three = folder / "org" / "three"
    shutil.copytree(sets.SETS / "restaurants-3", three, ignore=shutil.ignore_patterns("reward-models"))
    shutil.copytree(sets.SETS / "restaurants-3" / "reward-models" / "upbeat", folder / "org" / "judge")
    manifest = json.loads((three / "manifest.json").read_text())
    manifest["objectives"][2]["reward_model"] = {"hub": "org/judge", "revision": COMMIT}
    (three / "manifest.json").write_text(json.dumps(manifest | {"name": "three"}))
    return folder


def run(code, address, home, *arguments, **environ):
    settings = {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *code, *arguments],
        cwd=ROOT,
        env=os.environ | settings | environ,
        capture_output=True,
        text=True,
        timeout=300,
    )


GENERATE = ("-m", "backbones", "generate")
ORDER = ("--prompt", "name[Elm], food[Italian]", "--preference", "0.7", "0.3", "--seed", "3", "--json")


def test_a_set_of_the_hub_writes_what_the_same_set_writes_here_and_then_without_a_network(
    served, repositories, tmp_path
):
    address, _, asked = served
    here = run(GENERATE, address, tmp_path, "restaurants", *ORDER)
    there = run(GENERATE, address, tmp_path, "org/my-set", *ORDER)
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout) == json.loads(here.stdout)
    assert not any(path.endswith((".bin", ".py")) for path in asked)
    asked.clear()
    offline = run(GENERATE, "http://127.0.0.1:9", tmp_path, "org/my-set", *ORDER, HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert offline.stdout == there.stdout and asked == []


APP = """
from app import serve
from app.settings import Settings
from backbones.writer import Order
writers = serve.load(Settings.read())
serve.page(writers, Settings.read())
print(writers["three"].write([Order({"name": "Elm"}, (0, 0, 1), max_new_tokens=8)])[0].rewards)
"""


def test_the_app_serves_a_set_of_the_hub_with_its_reward_model_next_to_the_shipped_ones(served, repositories, tmp_path):
    app = run(("-c", APP), served[0], tmp_path, BONESOUP_SETS="org/three@main, restaurants, org/nothing")
    assert app.returncode == 0, app.stderr
    assert "Bone Soup: three (10 adapters), restaurants (7 adapters) on" in app.stdout
    assert "the set org/nothing is left out: org/nothing at main cannot be had from the Hub" in app.stdout
    assert "'upbeat': 0." in app.stdout


def test_what_the_hub_does_not_have_is_said_in_one_line(served, repositories, tmp_path):
    for name in ("org/nothing", "org/my-set@0000000"):
        answer = run(GENERATE, served[0], tmp_path, name, *ORDER)
        assert answer.returncode == 1 and "Traceback" not in answer.stderr
        assert f"{name.split('@')[0]} at" in answer.stderr and "cannot be had from the Hub" in answer.stderr


def test_a_revision_that_is_no_commit_is_refused(tmp_path):
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest["base"] = {"hub": "org/base", "revision": "main"}
    with pytest.raises(sets.SetError, match=r"the revision of org/base is no commit: give all of its 40 digits"):
        sets.from_manifest(tmp_path, manifest)


@pytest.mark.parametrize("name", ["../x", "a/b/c", "org/..", "/etc", "org/na me", "restaurants"])
def test_only_plain_names_are_taken_for_repositories(name):
    assert not hub.is_repository(name)
    with pytest.raises(ValueError, match="no repository of the Hub"):
        hub.fetch(name, "main")
