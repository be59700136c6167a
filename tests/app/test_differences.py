"""Where two texts differ, word by word."""

from app.differences import lacking, pieces
from backbones.tasks.task import Span


def differing(text, other):
    return [text[low:high] for low, high in lacking(text, other)]


def test_words_that_the_other_text_lacks_are_found_in_runs():
    assert differing("a cheap pub in town", "a pub in the town") == ["cheap"]
    assert differing("a pub in the town", "a cheap pub in town") == ["the"]
    assert differing("Red soup and bread", "green stew and bread") == ["Red soup"]
    assert differing("The pub", "the pub") == []  # capitals are no difference
    assert differing("", "a pub") == [] and differing("a pub", "") == ["a pub"]


def test_spans_come_in_pieces_and_lose_nothing():
    spans = [Span("It is a "), Span("cheap pub", "stated", "price"), Span(", near.")]
    found = list(pieces(spans, "It is a pub, far."))
    assert [span for span, _ in found] == spans
    assert ["".join(words for words, _ in parts) for _, parts in found] == [span.text for span in spans]
    assert found[1][1] == [("cheap", True), (" pub", False)]
    assert found[2][1] == [(", ", False), ("near.", True)]


def test_nothing_differs_where_there_is_no_other_text():
    assert [parts for _, parts in pieces([Span("One two.")], None)] == [[("One two.", False)]]


def test_a_word_that_two_spans_share_differs_in_both():
    found = [parts for _, parts in pieces([Span("pub", "stated"), Span(". Yes")], "Yes")]
    assert found == [[("pub", True)], [(".", True), (" Yes", False)]]
