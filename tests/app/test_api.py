"""The endpoints as programs and language models use them, and the examples of docs/api.md as they stand."""

import json
import re
import subprocess
from dataclasses import replace

import anyio
import httpx
import pytest
from gradio_client import Client
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from app import serve
from app.api import Programs, examples
from app.handlers import Handlers
from app.page import build
from backbones.merging.methods import METHODS
from backbones.tasks.assistant import Assistant
from backbones.tasks.task import Sampling
from tests.fake import HEAVY, POINTER, FakeStream, fake_set

GIVEN = {"name": "The Mill", "food": "English"}


@pytest.fixture(scope="module")
def url():
    page = build([fake_set(2), fake_set(3)], FakeStream())
    _, url, _ = serve.launch(page, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url.rstrip("/")
    page.close()


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def examples_in(language, url):
    """The examples of the page, for the sets and the address of the test."""
    found = re.findall(rf"```{language}\n(.*?)```", examples(), re.DOTALL)
    for name, served in (("http://127.0.0.1:7860", url), ("restaurants-3", "fake-3"), ("restaurants", "fake-2")):
        found = [code.replace(name, served) for code in found]
    return found


def test_the_python_example_runs(url, capsys):
    (code,) = examples_in("python", url)
    exec(compile(code, "docs/api.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "The Mill is a bone-soup pub with seed 0" in shown
    assert "{'complete': 0.5" in shown and "backbone-1" in shown and "hypervolume" in shown


def test_the_curl_examples_run(url):
    found = examples_in("bash", url)
    assert len(found) == 2
    for code in found:
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=30, check=True)
        assert "event: complete" in done.stdout and "The Mill is a bone-soup pub with seed 0" in done.stdout


@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [
        ("generate", {"given": GIVEN, "preference": [70, 30]}),
        ("generate", {"seed": 3, "method": "mod", "preference": [1, 1, 1], "set_name": "fake-3", "given": GIVEN}),
        ("sweep", {"given": GIVEN, "methods": ["mod"]}),
        ("coefficients", {"set_name": "fake-3", "preference": [1, 0, 0]}),
        ("front", {}),
        ("front", {"method": "mod"}),
    ],
)
def test_arguments_can_be_named_over_http(url, client, endpoint, sent):
    asked = httpx.post(f"{url}/gradio_api/call/v2/{endpoint}", json=sent)
    assert asked.status_code == 200, asked.text
    answer = httpx.get(f"{url}/gradio_api/call/{endpoint}/{asked.json()['event_id']}").text
    assert answer.startswith("event: complete"), answer
    (data,) = json.loads(answer.split("data: ")[1])
    assert data == client.predict(**sent, api_name=f"/{endpoint}")
    if endpoint == "generate":
        method, seed = sent.get("method", "bone-soup"), sent.get("seed", 0)
        assert data[0]["text"] == f"The Mill is a {method} pub with seed {seed}" and data[0]["given"] == GIVEN


def test_a_text_is_written_with_the_sets_own_sampling_unless_told_otherwise():
    cool = replace(fake_set(2), sampling=Sampling(0.5, 0.8, 80))
    generate = Programs(Handlers([cool], FakeStream())).generate
    (own,), (told,) = generate(GIVEN, [70, 30]), generate(GIVEN, [70, 30], temperature=0)
    assert [(one["temperature"], one["top_p"]) for one in (own, told)] == [(0.5, 0.8), (0, 0.8)]


def test_a_sweep_has_every_preference_for_both_methods(client):
    texts = client.predict(GIVEN, api_name="/sweep")
    assert [text["method"] for text in texts] == ["bone-soup"] * 11 + ["rewarded-soup"] * 11
    assert texts[3]["preference"] == [0.7, 0.3] == texts[14]["preference"]
    assert len(client.predict(GIVEN, ["mod"], "fake-3", api_name="/sweep")) == 28


def test_a_pointer_comes_in_place_of_texts_and_without_rewards(client):
    given = {"name": HEAVY}
    texts = client.predict(given, [70, 30], samples=2, api_name="/generate") + client.predict(given, api_name="/sweep")
    assert len(texts) == 2 + 22
    assert {text["text"] for text in texts} == {POINTER} and all(text["rewards"] == {} for text in texts)
    (other,) = client.predict(GIVEN, [70, 30], api_name="/generate")
    assert all(text["pointer"] is True for text in texts) and other["pointer"] is False


def test_coefficients_are_those_of_the_paper(client):
    merged = client.predict([100, 0], api_name="/coefficients")
    assert merged["bone-soup"] == {"backbone-1": 1.75, "backbone-2": -0.75}
    assert merged["rewarded-soup"] == {"specialist-1": 1.0, "specialist-2": 0.0}
    extrapolated = merged["bone-soup-extrapolated"], merged["rewarded-soup-extrapolated"]
    assert extrapolated == ({"backbone-1": 2.1875, "backbone-2": -0.9375}, {"specialist-1": 1.1, "specialist-2": 0.0})
    assert list(merged) == [name for name, method in METHODS.items() if not method.lone and name != "mod"]


def test_a_front_has_points_and_metrics(client):
    front = client.predict("mod", "fake-3", api_name="/front")
    assert front["objectives"] == ["complete", "concise", "upbeat"] and len(front["points"]) == 28
    assert set(front["metrics"]["hypervolume"]) == {"value", "low", "high"}
    assert set(front["points"][0]) == {"preference", "rewards", "low", "high", "words", "example"}


def test_a_set_without_fronts_or_specialists_says_so():
    bare = replace(fake_set(), name="bare", front=None, specialists=(), oracles=())
    programs = Programs(Handlers([bare, fake_set()], FakeStream()))
    assert set(programs.coefficients([1, 1], "bare")) == {"bone-soup", "bone-soup-extrapolated", "no-mapping"}
    with pytest.raises(ValueError, match="have not been measured"):
        programs.front("bone-soup", "bare")


@pytest.mark.parametrize(
    ("sent", "endpoint", "words"),
    [
        ((GIVEN, [70, 30], "stew"), "/generate", "no method 'stew': use one of"),
        ((GIVEN, [70, 30], "<b>stew"), "/generate", "no method '<b>stew': use one of"),
        ((GIVEN, [70]), "/generate", "one number for each of complete, concise"),
        ((GIVEN, ["bone-soup"] * 3), "/sweep", "3 methods are too many"),
        ((GIVEN, "mod"), "/sweep", "give a list of 1 or 2"),
        (([1, 1], "stew"), "/coefficients", "no set 'stew' is served here"),
        (("stew",), "/front", "no front of 'stew'"),
    ],
)
def test_errors_say_what_to_do(client, sent, endpoint, words):
    with pytest.raises(Exception, match=words):
        client.predict(*sent, api_name=endpoint)


def test_only_the_endpoints_are_offered(client):
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == {"/generate", "/sweep", "/coefficients", "/front"}
    assert offered["/sweep"]["parameters"][0]["parameter_name"] == "given"


def test_language_models_find_and_use_the_tools(url):
    async def use():
        streams = streamablehttp_client(f"{url}/gradio_api/mcp/")
        async with streams as (reading, writing, _), ClientSession(reading, writing) as session:
            await session.initialize()
            sent = {"given": GIVEN, "preference": [70, 30], "seed": 4}
            return (await session.list_tools()).tools, await session.call_tool("generate", sent)

    tools, answer = anyio.run(use)
    assert [tool.name for tool in tools] == ["generate", "sweep", "coefficients", "front"]
    for tool in tools:
        assert len(tool.description) > 80 and "{" not in tool.description
        for name, parameter in tool.inputSchema["properties"].items():
            assert len(parameter["description"]) > 10, (tool.name, name)
    assert not answer.isError and "The Mill is a bone-soup pub with seed 4" in answer.content[0].text


def test_the_tools_tell_what_the_sets_served_need():
    chat = replace(fake_set(), name="chat", task=Assistant())
    programs = Programs(Handlers([chat, fake_set(3)], FakeStream()))
    told = programs.described(programs.generate).__doc__
    for words in (
        "chat: complete (About complete), concise (About concise); fake-3: complete",
        '{"prompt": a message}',
        "priceRange is cheap, moderate, high",
        "rewarded-soup (Rewarded Soup): The baseline",
        "set_name: chat or fake-3; empty: the first of them",
    ):
        assert words in told, words
    programs = Programs(Handlers([replace(chat, specialists=(), oracles=())], FakeStream()))
    told = programs.described(programs.generate).__doc__
    assert "priceRange" not in told and "rewarded-soup" not in told


def test_the_page_may_end_what_has_no_number_yet(url):
    sent = {"event_id": None, "session_hash": "a", "fn_index": 1}
    assert httpx.post(f"{url}/gradio_api/cancel", json=sent).json() == {"success": False}
    answer = httpx.post(f"{url}/gradio_api/cancel", json={"event_id": "a", "session_hash": 5})
    assert answer.status_code == 422 and "session_hash" in answer.text
