"""Requests and the writer: what is checked, when texts are scored, what a text says."""

import pytest

from backbones.engine.batch import Batch, Row
from backbones.engine.request import Request
from backbones.merging.preference import Preference
from tests.engine.tiny import BAD, GIVEN, request, tiny_writer
from tests.fake import HEAVY, POINTER


@pytest.fixture(scope="module")
def writer(soup, adapters):
    """Two objectives on the four tiny adapters."""
    return tiny_writer(soup, adapters)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("temperature", -1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.5),
        ("max_new_tokens", 0),
        ("seed", -1),
    ],
)
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=f"{setting} is {value}"):
        Request(GIVEN, (1.0,), **{setting: value})


def test_a_preference_is_checked_and_normalised_where_a_request_is_made_and_stays_as_it_is(writer):
    assert Request(GIVEN, (1, 3)).preference == Preference((0.25, 0.75))
    thirds = Request(GIVEN, Preference((0.1, 0.2, 0.7)))
    assert thirds.preference == (0.1, 0.2, 0.7)  # whose sum is not one to the last bit
    for values, words in (((), "all zero"), ((0, 0), "all zero"), ((1, -1), "negative"), ((1, float("nan")), "NaN")):
        with pytest.raises(ValueError, match=words):
            Request(GIVEN, values)
    (row,) = writer.rows([request(preference=(3, 7))])
    assert row.request.preference == Request(GIVEN, (3, 7)).preference


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_bad_requests_are_refused_before_anything_is_written(writer, bad, words):
    with pytest.raises(ValueError, match=words):
        next(writer.stream(bad))


@pytest.mark.parametrize(
    ("method", "coefficients", "weights"),
    [
        ("bone-soup", [[0.0, 1.0, 0.0, 0.0]], [1.0]),  # (0.3, 0.7) is a row of B
        ("no-mapping", [[0.3, 0.7, 0.0, 0.0]], [1.0]),
        ("rewarded-soup", [[0.0, 0.0, 0.3, 0.7]], [1.0]),
        ("mod", [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]], [0.3, 0.7]),
        ("base", [[0.0] * 4], [1.0]),
    ],
)
def test_rows_have_the_coefficients_of_their_methods_in_the_order_of_the_soup(writer, method, coefficients, weights):
    (row,) = writer.rows([request(method=method)])
    assert isinstance(row, Row) and row.prompt.endswith(writer.set.task.prompt(GIVEN, writer.soup.tokenizer))
    assert [list(members) for members in row.coefficients] == [pytest.approx(members) for members in coefficients]
    assert list(row.weights) == pytest.approx(weights)


def test_a_text_is_scored_once_when_it_is_done(writer, monkeypatch):
    scored, score = [], writer.scorer.score
    monkeypatch.setattr(writer.scorer, "score", lambda raws, given: scored.extend(raws) or score(raws, given))
    texts = writer.write([request(1, max_new_tokens=3), request(2)])
    assert scored == [text.raw for text in texts]


def test_texts_grow_and_say_what_they_are_for(writer):
    asked = [request(1, given={**GIVEN, "area": " "}, max_new_tokens=6), request(2, method="mod")]
    states = list(writer.stream(asked))
    assert [state[0].tokens for state in states][:6] == list(range(1, 7))
    assert all(text.rewards is None for state in states for text in state if not text.done)
    first, second = states[-1]
    assert first.request.given == GIVEN and first.done and set(first.rewards) == {"complete", "concise"}
    assert (second.request, first.request.seed) == (request(2, method="mod"), 1)
    assert writer.write(asked) == states[-1]


def test_people_read_names_and_no_half_characters(writer):
    row = writer.rows([request()])[0]
    row.tokens = writer.soup.tokenizer("<name> is a café", add_special_tokens=False)["input_ids"]
    (text,) = writer.texts([row])
    assert (text.raw, text.text) == ("<name> is a café", "Ox is a café")
    row.tokens = row.tokens[:-1]  # é is two bytes, and two tokens
    (text,) = writer.texts([row])
    assert (text.raw, text.text) == ("<name> is a caf", "Ox is a caf")


def test_a_pointer_stands_in_place_of_a_text_and_the_model_is_not_asked(writer, monkeypatch):
    monkeypatch.setattr(writer.soup.model, "forward", lambda *args, **kwargs: pytest.fail("the model was asked"))
    monkeypatch.setattr(writer.scorer, "score", lambda raws, given: pytest.fail("scored") if raws else [])
    asked = [request(seed, given={"name": f" {HEAVY} "}, method=method) for seed, method in enumerate(("mod", "base"))]
    texts = writer.write(asked)
    assert list(writer.stream(asked)) == [texts]
    assert [text.request.seed for text in texts] == [0, 1]
    for text in texts:
        assert (text.text, text.done, text.pointer, text.rewards, text.tokens) == (POINTER, True, True, {}, 0)
    with pytest.raises(ValueError, match="unknown method 'stew'"):
        writer.write([request(given={"name": HEAVY}, method="stew")])


def test_pointers_leave_the_other_texts_as_they_are(writer, monkeypatch):
    written, heavy = [], request(2, given={"name": HEAVY})
    add = Batch.add
    monkeypatch.setattr(Batch, "add", lambda self, rows: written.extend(rows) or add(self, rows))
    first, pointer, last = writer.write([request(1), heavy, request(3)])
    assert [row.request.seed for row in written] == [1, 3] and pointer.text == POINTER
    assert [first, last] == writer.write([request(1), request(3)]) and first.rewards and not first.pointer
    *_, states = writer.stream([request(1), heavy, request(3)])
    assert states == [first, pointer, last]
