"""The endpoints as programs and language models use them, and the README's examples as they stand."""

import re
import subprocess

import anyio
import pytest
from gradio_client import Client
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from app import serve
from app.page import build
from app.programs import examples
from tests.fake import FakeStream, fake_set

FACTS = {"name": "The Mill", "food": "English"}


@pytest.fixture(scope="module")
def url():
    page = build([fake_set(2), fake_set(3)], FakeStream())
    _, url, _ = serve.launch(page, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield url.rstrip("/")
    page.close()


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def example(language, url):
    """An example of the README, for the sets and the address of the test."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", examples(), re.DOTALL)
    return code.replace("http://127.0.0.1:7860", url).replace("restaurants-3", "fake-3")


def test_the_python_example_runs(url, capsys):
    exec(compile(example("python", url), "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "The Mill is a bone-soup pub with seed 0" in shown
    assert "{'complete': 0.5" in shown and "backbone-1" in shown and "hypervolume" in shown


def test_the_curl_example_runs(url):
    done = subprocess.run(["bash", "-c", example("bash", url)], capture_output=True, text=True, timeout=30, check=True)
    assert "event: complete" in done.stdout and "The Mill is a bone-soup pub with seed 0" in done.stdout


def test_a_sweep_has_every_preference_for_both_methods(client):
    texts = client.predict(FACTS, api_name="/sweep")
    assert [text["method"] for text in texts] == ["bone-soup"] * 11 + ["rewarded-soup"] * 11
    assert texts[3]["preference"] == [0.7, 0.3] == texts[14]["preference"]
    assert len(client.predict(FACTS, ["mod"], "fake-3", api_name="/sweep")) == 28


def test_coefficients_are_those_of_the_paper(client):
    mixed = client.predict([100, 0], api_name="/coefficients")
    assert mixed["bone-soup"] == {"backbone-1": 1.75, "backbone-2": -0.75}
    assert mixed["rewarded-soup"] == {"specialist-1": 1.0, "specialist-2": 0.0}


def test_a_front_has_points_and_metrics(client):
    front = client.predict("mod", "fake-3", api_name="/front")
    assert front["objectives"] == ["complete", "concise", "upbeat"] and len(front["points"]) == 28
    assert set(front["metrics"]["hypervolume"]) == {"value", "low", "high"}


@pytest.mark.parametrize(
    ("sent", "endpoint", "words"),
    [
        ((FACTS, [70, 30], "stew"), "/generate", "no method 'stew': use one of"),
        ((FACTS, [70]), "/generate", "one per objective"),
        ((FACTS, ["bone-soup"] * 3), "/sweep", "3 methods are too many"),
        ((FACTS, "mod"), "/sweep", "give a list of 1 or 2"),
        (([1, 1], "stew"), "/coefficients", "no set 'stew' is served here"),
        (("stew",), "/front", "no front of 'stew'"),
    ],
)
def test_errors_say_what_to_do(client, sent, endpoint, words):
    with pytest.raises(Exception, match=words):
        client.predict(*sent, api_name=endpoint)


def test_only_the_endpoints_are_offered(client):
    assert set(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == {
        "/generate",
        "/sweep",
        "/coefficients",
        "/front",
    }


def test_language_models_find_and_use_the_tools(url):
    async def use():
        streams = streamablehttp_client(f"{url}/gradio_api/mcp/")
        async with streams as (reading, writing, _), ClientSession(reading, writing) as session:
            await session.initialize()
            sent = {"facts": FACTS, "preference": [70, 30], "seed": 4}
            return (await session.list_tools()).tools, await session.call_tool("generate", sent)

    tools, answer = anyio.run(use)
    assert [tool.name for tool in tools] == ["generate", "sweep", "coefficients", "front"]
    for tool in tools:
        assert len(tool.description) > 80
        for name, parameter in tool.inputSchema["properties"].items():
            assert len(parameter["description"]) > 10, (tool.name, name)
    assert not answer.isError and "The Mill is a bone-soup pub with seed 4" in answer.content[0].text
