"""`/share` and its picture over HTTP: tags, addresses behind proxies, what is not shown, limits, strangers."""

import io
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from app import card, pictures, share
from app.choices import MAX_LINK
from app.page import build
from app.serve import launch
from backbones.engine.jobs import ServingError
from backbones.tasks.assistant import Assistant
from tests.app.test_attack import LEAKS, attack, fields
from tests.fake import GIVEN, HEAVY, POINTER, FakeStream, chosen, fake_set, with_sweep

CHAT = replace(fake_set(), name="chat", task=Assistant(), front=None)
STORED = {"preference": (50, 50), "given": {field.name: field.default for field in fake_set().task.fields}, "seed": 0}
EVIL = "\"><script>alert(1)</script><meta x='"


class Tags(HTMLParser):
    """The tags of a page in order, those of `meta` by their names, and the addresses that it leads to."""

    def __init__(self, html):
        super().__init__()
        self.names, self.metas, self.links = [], {}, []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.names.append(tag)
        if tag == "meta":
            key = found.get("property") or found.get("name") or found.get("http-equiv") or "charset"
            assert key not in self.metas, f"{key} is there twice"
            self.metas[key] = found.get("content")
        if tag == "a":
            self.links.append(found["href"])


def query(**changed):
    some = chosen(**changed)
    return some.checked({name: fake_set(n) for name, n in (("fake-2", 2), ("fake-3", 3))}).query()


def started(tmp_path, stream, **settings):
    """The server of a page, and a client for it."""
    page = build([with_sweep(fake_set(2), tmp_path), fake_set(3), CHAT], stream, **settings)
    launch(page, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    return page, httpx.Client(base_url=page.local_url, timeout=30)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A client and the stream behind the page; a visitor may have any number of pictures made."""
    stream = FakeStream()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "BURST", 10**6)
        page, client = started(tmp_path_factory.mktemp("set"), stream)
        yield client, stream
        client.close()
        page.close()


@pytest.fixture
def client(served):
    return served[0]


def opened(answer):
    """The picture that was sent."""
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
    return Image.open(io.BytesIO(answer.content))


def is_cover(answer):
    opened(answer)
    return answer.content == share.COVER.read_bytes()


def test_a_link_has_tags_and_a_picture_and_leads_to_the_app_at_once(client):
    asked = query(samples=3)
    answer = client.get(f"/share?{asked}")
    tags = Tags(answer.text)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    assert tags.metas["og:title"] == "Zoë's, a cheap English pub by the riverside, rated low, not family-friendly"
    assert "70 % complete, 30 % concise" in tags.metas["og:description"]
    assert tags.metas["og:url"] == f"{client.base_url}share?{asked}".replace("//share", "/share")
    assert tags.metas["twitter:card"] == "summary_large_image"
    assert tags.metas["twitter:image"] == tags.metas["og:image"]
    assert tags.metas["refresh"] == f"0; url=./#{asked}" and tags.links == [f"./#{asked}"]
    assert "script" not in tags.names
    picture = opened(client.get(tags.metas["og:image"]))
    size = (int(tags.metas["og:image:width"]), int(tags.metas["og:image:height"]))
    assert picture.size == size == (card.WIDTH, card.HEIGHT) == (1200, 630)


def test_nothing_is_run_or_kept_in_an_index(client):
    for path in ("/share", "/share.png", f"/share?{query()}", f"/share.png?{query()}"):
        answer = client.get(path)
        assert answer.headers["x-robots-tag"] == "noindex" and answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "max-age" in answer.headers["cache-control"]
        assert client.head(path).status_code == 200
        assert client.post(path).status_code == 405


@pytest.mark.parametrize(
    ("headers", "root"),
    [
        ({"X-Forwarded-Host": "soup.hf.space", "X-Forwarded-Proto": "https"}, "https://soup.hf.space"),
        ({"X-Forwarded-Proto": "https,http", "Host": "soup.example:81"}, "https://soup.example:81"),
        ({"X-Forwarded-Host": EVIL}, None),
        ({"X-Forwarded-Host": "a b[", "X-Forwarded-Proto": "javascript:"}, None),
        ({"X-Forwarded-Host": "\x7f:x"}, ""),
    ],
)
def test_addresses_are_those_by_which_the_page_was_reached(client, headers, root):
    tags = Tags(client.get(f"/share?{query()}", headers=headers).text)
    assert "script" not in tags.names
    if root is not None:
        assert tags.metas["og:image"] == f"{root}/share.png?{query()}"
    if root:
        assert client.get("/", headers=headers).status_code == 200


def test_addresses_under_a_path_have_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/soup")
    page, client = started(tmp_path, FakeStream())
    for path in (f"/share?{query()}", f"/soup/share?{query()}"):
        answer = client.get(path)
        assert Tags(answer.text).metas["og:image"].endswith(f"/soup/share.png?{query()}")
        assert Tags(answer.text).links == [f"./#{query()}"]
    client.close()
    page.close()


def test_the_page_itself_has_tags_of_its_own_and_a_picture(client):
    metas = [tag for tag in client.get("/").text.split("<meta")[1:] if "og:" in tag or "twitter:" in tag]
    assert len(metas) == 14 and "radio" not in " ".join(tag.split("/>")[0].split(">")[0] for tag in metas)
    tags = Tags("".join(f"<meta{tag.split('>')[0]}>" for tag in metas))
    assert tags.metas["og:title"] == "Bone Soup" and tags.metas["og:description"] == card.DESCRIPTION
    assert is_cover(client.get(tags.metas["og:image"]))


def test_a_picture_is_drawn_of_stored_texts_or_of_texts_written_in_the_background(served):
    client, stream = served
    before, swept = len(stream.requests), len(stream.swept)
    stored = opened(client.get(f"/share.png?{query(**STORED)}"))
    assert (len(stream.requests), len(stream.swept)) == (before, swept)
    asked = query(**(STORED | {"preference": (52, 48)}), samples=4)
    other = opened(client.get(f"/share.png?{asked}"))
    assert len(stream.requests) == before and [len(one) for one in stream.swept[swept:]] == [2]
    assert other.convert("RGB").tobytes() != stored.convert("RGB").tobytes()
    opened(client.get(f"/share.png?{asked}"))
    assert len(stream.swept) == swept + 1, "it is kept"


def test_words_that_point_to_help_are_on_no_card(served):
    client, stream = served
    asked, swept = query(given=GIVEN | {"name": HEAVY}), len(stream.swept)
    answer = client.get(f"/share?{asked}")
    tags = Tags(answer.text)
    assert (tags.metas["og:title"], tags.metas["og:description"]) == (card.TITLE, card.DESCRIPTION)
    shown = [value for name, value in tags.metas.items() if name != "refresh"]
    assert not any(HEAVY in value or POINTER in value for value in shown if value)
    assert tags.links == [f"./#{asked}"]
    assert is_cover(client.get(tags.metas["og:image"])) and is_cover(client.get(f"/share.png?{asked}"))
    assert len(stream.swept) == swept


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "set=fake-2",
        query().replace("70-30", "70-x"),
        query().replace("fake-2", "../etc"),
        f"set={EVIL}",
        "%ff%fe=%00&&&=;",
        "x" * (MAX_LINK + 1),
    ],
)
def test_a_damaged_link_has_tags_that_say_nothing_and_leads_to_the_app(client, damaged):
    answer = client.get(f"/share?{damaged}")
    tags = Tags(answer.text)
    assert answer.status_code == 200 and (tags.metas["og:title"], "script" in tags.names) == (card.TITLE, False)
    assert tags.metas["og:image"].endswith("/share.png") and tags.links[0].startswith("./")
    assert len(answer.text) < 5 * MAX_LINK
    assert is_cover(client.get(f"/share.png?{damaged}"))


def test_what_is_given_is_text_in_the_tags_and_cut_where_it_is_long(client):
    evil = chosen("chat", given={"prompt": EVIL}, task=Assistant()).checked({"chat": CHAT}).query()
    tags = Tags(client.get(f"/share?{evil}").text)
    assert "script" not in tags.names and tags.metas["og:title"] == " ".join(EVIL.split())
    title = Tags(client.get(f"/share?{query(given={'name': 'long ' * 12, 'near': 'wide ' * 12})}").text).metas[
        "og:title"
    ]
    assert len(title) <= share.TITLE and title.endswith("…")


def test_where_nothing_is_written_unasked_only_stored_texts_have_a_picture(tmp_path):
    stream = FakeStream()
    page, client = started(tmp_path, stream, background=False)
    assert is_cover(client.get(f"/share.png?{query()}"))
    assert not is_cover(client.get(f"/share.png?{query(**STORED)}"))
    assert not stream.requests and not stream.swept
    client.close()
    page.close()


def test_too_many_and_too_slow_are_said_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "BURST", 2)
    monkeypatch.setattr(pictures, "EVERY", 10**6)  # however long the pictures take
    monkeypatch.setattr(share, "PATIENCE", -1)
    stream = FakeStream()
    page, client = started(tmp_path, stream)
    slow = client.get(f"/share.png?{query()}")
    assert slow.status_code == 503 and "take too long" in slow.text and stream.closed == 1
    monkeypatch.setattr(share, "PATIENCE", 60)
    opened(client.get(f"/share.png?{query()}"))
    many = client.get(f"/share.png?{query(seed=6)}")
    assert many.status_code == 429 and "try again in a minute" in many.text
    for refused in (slow, many):
        assert refused.headers["cache-control"] == "no-store" and refused.headers["retry-after"] == "60"
        assert refused.headers["content-type"].startswith("text/plain")
    assert client.get(f"/share?{query(seed=6)}").status_code == 200
    client.close()
    page.close()


def test_a_model_that_fails_is_said(tmp_path):
    def failing(name, requests, background=False):
        raise ServingError("the model failed while writing: try again")
        yield

    page, client = started(tmp_path, failing)
    answer = client.get(f"/share.png?{query()}")
    assert answer.status_code == 503 and answer.text == "the model failed while writing: try again"
    client.close()
    page.close()


def test_the_script_of_the_web_component_is_served(client):
    answer = client.get("/gradio.js", headers={"Origin": "https://other.example"})
    assert answer.headers["content-type"].startswith("text/javascript")
    script = answer.text.split('"')[1].removeprefix(".")
    assert client.get(script).status_code == 200


@attack(120)
@given(
    fields.map(lambda sent: urlencode(sent, errors="replace")[:30_000])
    | st.text(st.characters(codec="ascii"), max_size=60)
)
@example("set=fake-2&given=" + "%20" * 6000)
@example("&".join(["a=b"] * 5000))
def test_strangers_get_a_page_and_a_picture_whatever_they_send(client, sent):
    page, picture = (client.get(f"/{path}", params=sent) for path in ("share", "share.png"))
    assert page.status_code == 200 and "script" not in Tags(page.text).names
    assert not any(leak in page.text for leak in LEAKS)
    assert opened(picture).size == (1200, 630)
