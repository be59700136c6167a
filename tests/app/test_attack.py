"""What strangers send: arguments of every kind, bodies without end, damaged links, markup. All over real HTTP."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client

from app import choices as ch
from app import request_limits, serve
from app.handlers import Handlers
from app.page import build
from backbones.merging.methods import METHODS
from backbones.tasks.restaurants import facts as f
from tests.fake import FakeStream, chosen, fake_set

ENDPOINTS = {
    "generate": [{"name": "Ox"}, [70, 30], "bone-soup", "fake-2", 1, 0, 1.0, 0.9],
    "sweep": [{"name": "Ox"}, ["bone-soup", "mod"], "fake-2", 0],
    "coefficients": [[70, 30], "fake-2"],
    "front": ["bone-soup", "fake-2"],
}
NASTY = [
    "../../etc/passwd",
    "/etc/passwd\0",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "\ud800",
    "\u202eevil",
    "😀" * 60,
    "x" * 100_000,
]
FILE = {"path": "/etc/passwd", "url": "http://127.0.0.1:9/", "meta": {"_type": "gradio.FileData"}}
LEAKS = ["Traceback", 'File \\"', "site-packages", str(Path(__file__).parents[2]), "gradio/", ".py"]
KEYS = [*f.SLOTS, "path", "meta", "__proto__"]

numbers = (
    st.integers(-(10**30), 10**30) | st.floats() | st.sampled_from([10**400, -(10**400), 1e308, 5e-324, 2**31, 2**63])
)
texts = st.text(st.characters(), max_size=20) | st.sampled_from(NASTY)
junk = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.just(FILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | texts, inner, max_size=4),
    max_leaves=6,
)
endpoints = st.sampled_from(list(ENDPOINTS))


def attack(examples):
    """The same examples in every run."""
    checks = list(HealthCheck)
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=checks)


@st.composite
def arguments(draw, name):
    """The arguments of an endpoint, some of them replaced, too many or too few."""
    sent = [draw(junk) if draw(st.booleans()) else value for value in ENDPOINTS[name]]
    return (sent + draw(st.lists(junk, max_size=2)))[: draw(st.sampled_from([99, 99, 99, 0, 1, 2]))]


@pytest.fixture(scope="module")
def client():
    page = build([fake_set(2), fake_set(3)], FakeStream())
    _, url, _ = serve.launch(page, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    with httpx.Client(base_url=f"{url}gradio_api/", timeout=20) as client:
        yield client
        assert good(client)  # after everything
    page.close()


def good(client) -> bool:
    (written,) = called(client, "generate", [{"name": "Ox"}, [70, 30], "mod", "fake-2", 2])
    return [text["text"] for text in written] == [f"Ox is a mod pub with seed {seed}" for seed in (0, 1)]


def post(client, path, body) -> dict | None:
    """The answer to a request, or None where it is refused in words."""
    answer = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert not any(leak in answer.text for leak in LEAKS), answer.text[:500]
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, (answer.status_code, answer.text[:500])
    assert answer.text
    return answer.json() if answer.status_code == 200 else None


def clear(output) -> None:
    """An error says what is wrong, and is no longer than it needs to be."""
    assert isinstance(output["error"], str) and 10 < len(output["error"]) < 700, output


def called(client, name, sent):
    """What a program gets from an endpoint: its data, or None where it fails in clear words."""
    event = post(client, f"call/{name}", {"data": sent})
    if event is None:
        return None
    answer = client.get(f"call/{name}/{event['event_id']}").text
    assert not any(leak in answer for leak in LEAKS), answer[:500]
    kind, data = answer.strip().split("\n\n")[-1].split("\n")
    data = json.loads(data.removeprefix("data: "))
    if kind == "event: error":
        return clear(data)
    assert kind == "event: complete"
    return data


def joined(client, name, sent, session):
    """The same through the queue, as the page calls."""
    page = client.get("../config").json()["dependencies"]
    index = next(event["id"] for event in page if event["api_name"] == name)
    if post(client, "queue/join", {"data": sent, "fn_index": index, "session_hash": session}) is None:
        return None
    answer = client.get("queue/data", params={"session_hash": session}).text
    assert not any(leak in answer for leak in LEAKS), answer[:500]
    messages = [json.loads(line.removeprefix("data: ")) for line in answer.splitlines() if line]
    (last,) = (message for message in messages if message["msg"] == "process_completed")
    return last["output"]["data"] if last["success"] else clear(last["output"])


@asynccontextmanager
async def tools(client):
    url = f"{client.base_url}mcp/"
    async with streamablehttp_client(url) as (reading, writing, _), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


@attack(300)
@given(endpoints.flatmap(lambda name: st.tuples(st.just(name), arguments(name))))
@example(("generate", [{"name": "Ox"}, [1e308, 1e308]]))
@example(("generate", [{"name": "Ox"}, [10**400, 1]]))
@example(("generate", [{"name": "Ox"}, [1, 1], "bone-soup", "", 1, 10**400]))
@example(("generate", [FILE, [1, 1]]))
@example(("sweep", [{"name": "Ox"}, 5]))
@example(("sweep", [{"name": "Ox"}, "mod"]))
@example(("generate", [{"x" * 100_000: "y"}, [1, 1]]))
def test_programs_get_texts_or_clear_words(client, call):
    data = called(client, *call)
    if data and call[0] == "generate":
        assert sum(data[0][0]["preference"]) == pytest.approx(1)


@attack(40)
@given(endpoints.flatmap(lambda name: st.tuples(st.just(name), arguments(name))), st.uuids())
def test_the_queue_of_the_page_gives_texts_or_clear_words(client, call, session):
    joined(client, *call, str(session))


@attack(30)
@given(endpoints, st.dictionaries(st.sampled_from(["given", "preference", "method", "set_name"]), junk, max_size=3))
def test_language_models_get_texts_or_clear_words(client, name, sent):
    sent = json.loads(json.dumps(sent, ensure_ascii=False).encode("utf-8", "ignore"))  # mcp's client sends UTF-8 alone

    async def call():
        async with tools(client) as session:
            return await session.call_tool(name, sent)

    answer = anyio.run(call)
    words = " ".join(part.text for part in answer.content)
    assert not any(leak in words for leak in LEAKS), words[:500]
    assert words and len(words) < (1000 if answer.isError else 100_000)


@pytest.mark.parametrize("depth", [50, 200, 400, 800, 5_000, 100_000])
def test_deep_json_is_refused_in_words(client, depth):
    body = f'{{"data": [{{"name": "Ox"}}, {"[" * depth}{"]" * depth}]}}'
    answer = client.post("call/generate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        answer = client.get(f"call/generate/{answer.json()['event_id']}")
        assert "event: error" in answer.text
        clear(json.loads(answer.text.split("data: ")[1]))


@pytest.mark.parametrize("body", ["", "{", "null", "[]", "{}", '{"data": null}', '{"data": {}}', "\ufeff{}", "\xff"])
def test_what_is_no_call_is_refused(client, body):
    for path in ("call/generate", "call/v2/generate", "queue/join", "run/generate", "mcp/"):
        answer = client.post(path, content=body.encode("latin-1", "ignore"))
        assert 400 <= answer.status_code < 500 and not any(leak in answer.text for leak in LEAKS)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("call/stew", {"data": []}),
        ("call/look", {"data": []}),
        ("call/v2/stew", {}),
        ("call/v2/generate", {"given": {"name": "Ox"}, "stew": 1}),
        ("call/v2/generate", {"given": {"name": "Ox"}}),
        ("queue/join", {"data": [], "fn_index": 10**6, "session_hash": "a"}),
        ("queue/join", {"data": [], "fn_index": 0}),
        ("api/stew", {"data": []}),
    ],
)
def test_what_does_not_exist_is_refused_in_words(client, path, body):
    assert post(client, path, body) is None


def chunks(size):
    for _ in range(size // 50_000):
        yield b"x" * 50_000


@pytest.mark.parametrize("path", ["call/generate", "queue/join", "mcp/"])
@pytest.mark.parametrize("content", [lambda n: b"x" * n, chunks], ids=["whole", "in chunks"])
def test_bodies_that_are_too_long_are_refused(client, path, content):
    answer = client.post(path, content=content(request_limits.MAX_BODY + 50_000))
    assert answer.status_code == 413 and "more than 1,000,000 bytes" in answer.text


def test_bodies_in_chunks_are_read_whole(client):
    body = json.dumps({"data": [{"name": "Ox"}, [70, 30]]}).encode()
    halves = (part for part in (body[:20], body[20:]))
    answer = client.post("call/generate", content=halves, headers={"Content-Type": "application/json"})
    assert "Ox is a bone-soup pub" in client.get(f"call/generate/{answer.json()['event_id']}").text


def test_files_are_refused(client):
    answer = client.post("upload", files={"files": ("a.txt", b"x")})
    assert answer.status_code == 403 and answer.text == "files are not taken here"


SETS = {soup_set.name: soup_set for soup_set in (fake_set(2), fake_set(3))}
names = st.text(st.characters(exclude_characters="[]<>", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
printable = names.filter(lambda name: name.strip())
fields = st.fixed_dictionaries(
    {},
    optional={
        "set": st.sampled_from([*SETS, "../etc"]),
        "given": texts | names.map("name[{}]".format) | st.sampled_from(["name[A], food[Thai]", "name[A], name[B]"]),
        "facts": st.sampled_from(["name[A], food[Thai]", "name[A]"]),
        "preference": st.sampled_from(["70-30", "1-2-3", "0-0", "1e-5-1", "nan-1", "inf-1", "--", "1_0-2"]) | texts,
        "left": st.sampled_from([*list(METHODS), "stew"]),
        "right": st.sampled_from(list(METHODS)),
        "samples": st.sampled_from(["1", "4", "5", "1.5"]) | numbers.map(str),
        "temperature": st.floats(0, 2).map(str) | numbers.map(str),
        "top_p": st.floats(0.01, 1).map(str) | texts,
        "seed": st.integers(0, ch.MAX_SEED).map(str) | numbers.map(str),
        "same": st.sampled_from(["0", "1", "x"]),
    },
)


@attack(400)
@given(fields.map(lambda query: urlencode(query, errors="replace")) | st.text())
@example("set=fake-2&given=" + " " * 1900)
def test_links_open_or_say_what_is_damaged(query):
    try:
        choices = ch.from_query(SETS, query)
    except ValueError as error:
        assert str(error)
        return
    assert ch.from_query(SETS, choices.query()) == choices


@st.composite
def choices_of_people(draw):
    """Choices as a person makes them."""
    soup_set = SETS[draw(st.sampled_from(list(SETS)))]
    n = len(soup_set.objectives)
    facts = {"name": draw(printable)} | {slot: draw(st.sampled_from(["", *f.VALUES[slot]])) for slot in f.VALUES}
    shares = draw(st.lists(st.floats(0, 100), min_size=n, max_size=n).filter(lambda shares: sum(shares) > 0))
    methods = draw(st.tuples(*[st.sampled_from(list(METHODS))] * 2))
    numbers = [draw(strategy) for strategy in (st.integers(1, 4), st.floats(0, 2), st.floats(0.01, 1))]
    return ch.check(soup_set, methods, shares, facts, *numbers, draw(st.integers(0, ch.MAX_SEED)), draw(st.booleans()))


@attack(300)
@given(choices_of_people())
def test_a_link_gives_exactly_what_was_chosen(choices):
    assert ch.from_query(SETS, choices.query()) == choices
    assert sum(choices.preference) == pytest.approx(1, abs=1e-12)


def test_the_longest_choices_make_a_link_that_opens():
    facts = {slot: max(values, key=len) for slot, values in f.VALUES.items()} | dict.fromkeys(
        ("name", "near"), "😀" * 60
    )
    methods = [max(METHODS, key=len)] * 2
    settings = 4, 1.2345678901234567, 0.12345678901234567, ch.MAX_SEED, True
    choices = ch.check(SETS["fake-3"], methods, [0.123456781, 0.2, 0.3], facts, *settings)
    assert ch.from_query(SETS, choices.query()) == choices


class Markup(HTMLParser):
    """The tags of a piece of HTML with the names of their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, [name for name, _ in attrs]))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = handle_comment


def shown(name, near, said):
    """The HTML that the page shows while and after it writes, of a set whose every word is `said`."""
    objectives = [replace(one, label=said, description=said) for one in fake_set(2).objectives]
    soup_set = replace(fake_set(2), name=said, title=said, objectives=tuple(objectives))
    some = chosen(said, ("bone-soup", "mod"), given={"name": name, "near": near, "food": "Italian"})
    handlers = Handlers([soup_set], FakeStream())
    written = list(handlers.write(some, []))
    swept = list(handlers.sweep(some, None))[-1]["swept"]
    seen = [handlers.choose(some, swept), handlers.follow(some, "0-1"), *written]
    seen.append(handlers.point(SimpleNamespace(key=["front", "mod", 3]), some, None))
    return "".join(html for news in seen for html in markup(news))


def markup(news):
    """All HTML in news of parts."""
    for value in news.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pages = [*(value.get("value") or ()), value.get("exact")]
            yield from (html for page in pages if isinstance(page, dict) for html in page["parts"].values())


@cache
def usual_markup():
    return Markup(shown("Ox", "Elm", "fake"))


@attack(60)
@given(printable, printable, st.text(max_size=40))
@example('" onmouseover="alert(1)', "' style='x", "<img src=x onerror=alert(1)>")
@example("&lt;script&gt;", "&#60;b&#62;", "</td></table><script>")
@example("${alert(1)}", "{{value}}", "<!-- x")
def test_markup_in_names_is_shown_as_text(name, near, said):
    usual, markup = usual_markup(), Markup(shown(name, near, said))
    assert markup.tags == usual.tags
    assert said in markup.text or not said.strip()
    assert " ".join(name.split()) in markup.text
