"""The page served without a model, and opened in a browser."""

import pytest

from app.page import build
from app.serve import launch
from tests.browser import opened
from tests.fake import FakeStream, fake_set, with_sweep


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of the page, and the stream behind it. Both sets come with texts."""
    stream = FakeStream(delay=0.15)
    page = build([with_sweep(fake_set(n), tmp_path_factory.mktemp("set")) for n in (2, 3)], stream)
    _, url, _ = launch(page, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url, stream
    page.close()


@pytest.fixture
def page(browser, served, request):
    """A tab with the page; fails at the end for errors in it and requests to the outside."""
    page, problems = opened(browser, served[0], *getattr(request, "param", ()))
    yield page
    page.close()
    assert problems == []
