"""The picture of a link and the animation: what they show, and that nothing leaves its place."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import animation, card, sheet, sweep
from app.colours import PAPER, colour
from app.handlers import Handlers
from backbones.merging.preference import Preference
from tests.fake import HEAVY, FakeStream, chosen, fake_set, text, with_sweep

ASSETS = Path(__file__).parents[2] / "assets"
LONG = "A very long text, written by a model that could not find its end, again and again. " * 40


def choices(n=2, mu=(0.7, 0.3), **changed):
    soup_set = replace(fake_set(n), **changed)
    mu = mu if n == 2 else (0.5, 0.2, 0.3)
    return replace(chosen(soup_set.name, preference=mu).checked({soup_set.name: soup_set}))


def drawn(some, *words):
    """The card of texts of these words."""
    left, right = (text(one, said) for one, said in zip(some.requests(), words, strict=True))
    return card.drawn(some, (left, right))


def rgb(hexadecimal):
    return tuple(int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5))


def places(picture, colour):
    """Where [k, 2] pixels of a colour are: x and y. Edges are smoothed, which changes what is near them a little."""
    return np.argwhere((abs(np.asarray(picture).astype(int) - rgb(colour)) < 16).all(axis=2))[:, ::-1]


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("words", [("", "x"), (LONG, "Short."), ("x" * 5000, LONG), ("你好", "😀" * 90), ("Same",) * 2])
@pytest.mark.parametrize("front", [True, False])
def test_whatever_is_shown_leaves_the_margins_free(n, words, front):
    labels = [replace(one, label="x" * 80 if n == 3 else one.label) for one in fake_set(n).objectives]
    changed = {"objectives": tuple(labels)} | ({} if front else {"front": None})
    picture = drawn(choices(n, **changed), *words)
    assert picture.size == (1200, 630)
    pixels = np.asarray(picture)
    frame = (pixels[:, :44], pixels[:, -44:], pixels[:24], pixels[-32:])
    assert max(abs(side.astype(int) - rgb(PAPER["light"])).max() for side in frame) == 0


@pytest.mark.parametrize("mu", [(1, 0), (0.7, 0.3), (0, 1)])
def test_the_bar_is_filled_as_far_as_the_preference_says(mu):
    picture = drawn(choices(mu=mu), "One.", "Another.")
    filled = places(picture, card.SHADES[0])
    _, counts = np.unique(filled[(filled[:, 1] > 100) & (filled[:, 1] < 240), 1], return_counts=True)
    assert max(counts, default=0) == pytest.approx(1104 * mu[0], abs=80)


def test_the_markers_follow_the_preference_along_the_front():
    def marker(mu):
        plot = drawn(choices(mu=mu), "One.", "Another.").crop((806, 0, 1150, 590))
        inside = np.asarray(plot.convert("L"))
        return inside

    concise, complete = marker((0.1, 0.9)), marker((0.9, 0.1))
    moved = np.argwhere(abs(concise.astype(int) - complete) > 40)
    top_left, bottom_right = moved[moved[:, 1] < 150], moved[moved[:, 1] > 200]
    assert len(top_left) and len(bottom_right) and top_left[:, 0].mean() < bottom_right[:, 0].mean()


def test_texts_that_are_alike_are_shown_once():
    some = choices()
    orange = [places(drawn(some, *words), colour("rewarded-soup")) for words in (("One.", "Two."), ("One.", "One."))]
    left = [found[found[:, 0] < 60] for found in orange]
    assert len(left[0]) > 200 and len(left[1]) == 0


def test_a_card_is_the_same_whenever_it_is_drawn_and_says_what_it_is_of():
    one = drawn(choices(), "One.", "Another.")
    assert one.tobytes() == drawn(choices(), "One.", "Another.").tobytes()
    assert one.tobytes() != drawn(choices(), "One.", "Others.").tobytes()
    assert one.tobytes() != drawn(choices(mu=(0.6, 0.4)), "One.", "Another.").tobytes()


def test_what_the_font_lacks_does_not_become_boxes():
    assert sheet.legible("Zoë’s café — 20–25 £ 😀👩‍🍳 ok\u202e\ufe0f") == "Zoë’s café — 20–25 £ ok"
    assert sheet.legible("Ελλάδα\n Привет  Łódź") == "Ελλάδα Привет Łódź"
    assert sheet.legible("Cafe\u0301") == "Café"
    assert sheet.legible("你好世界 ok") == sheet.ILLEGIBLE
    assert sheet.legible("😀") == ""
    shades = np.asarray(drawn(choices(), "é", "你好").convert("L"))
    assert shades.min() < 60


@pytest.mark.parametrize("words", [LONG, "x" * 3000, "a " * 500, "", "two words"])
def test_words_stay_in_their_place(words):
    size, lines = sheet.fitted(words, (28, 20), 300, 120)
    assert size in (20, 28) and len(lines) <= 120 / (sheet.LINE * size)
    assert all(sheet.extent(line, size) <= 300 for line in lines)
    assert lines[-1].endswith("…") == (len(words) > 300)
    if not words[300:]:
        assert " ".join(lines) == words.strip()


def test_a_narrow_place_holds_something_of_a_wide_word():
    assert sheet.wrapped("wide", 28, 1) == ["w", "i", "d", "e"]
    assert sheet.cut("widely", 28, 60) in ("w …", "wi …", "wid …") and sheet.cut("wide", 28, 1) == " …"


@pytest.mark.parametrize(("n", "frames"), [(2, 20), (3, 12)])
def test_an_animation_goes_along_an_edge_and_back(tmp_path, n, frames):
    content = animation.gif(sweep.of_set(with_sweep(fake_set(n), tmp_path)))
    assert len(content) < 2_000_000
    film = Image.open(io.BytesIO(content))
    assert (film.format, film.n_frames, film.size, film.info["loop"]) == ("GIF", frames, animation.SIZE, 0)
    seen, shown = [], []
    for i in range(frames):
        film.seek(i)
        seen.append(film.convert("RGB").tobytes())
        shown.append(film.info["duration"])
    assert len(set(seen)) == frames // 2 + 1
    assert seen[1 : frames // 2] == seen[: frames // 2 : -1]
    assert [shown[0], shown[1], shown[frames // 2]] == [animation.END_MS, animation.STEP_MS, animation.END_MS]


def test_there_is_no_animation_of_words_that_point_to_help():
    some = chosen(given={"name": HEAVY}).checked({"fake-2": fake_set()})
    texts = [text(one, "") for one in sweep.requests(some)]
    with pytest.raises(ValueError, match="no texts to animate"):
        animation.gif(sweep.finished(some, texts))


def test_what_is_animated_is_what_is_shown(tmp_path):
    shared = Handlers([with_sweep(fake_set(), tmp_path)], FakeStream())
    arrival = chosen(given={field.name: field.default for field in fake_set().task.fields}, seed=0)
    stored = Path(shared.animation(arrival, None)["file"])
    assert stored.name == "bone-soup.gif" and Image.open(stored).n_frames == 20
    with pytest.raises(ValueError, match="has not been written at every preference yet"):
        shared.animation(chosen(), None)
    *_, last = shared.sweep(chosen(), None)
    own = Path(shared.animation(chosen(preference=(1, 9)), last["swept"])["file"])
    assert own.read_bytes() != stored.read_bytes()
    with pytest.raises(ValueError, match="has not been written"):
        shared.animation(chosen(seed=9), last["swept"])


def test_the_pictures_of_the_readme_are_what_chats_ask_for():
    for name in ("share", "card"):
        file = ASSETS / f"{name}.png"
        assert Image.open(file).size == (card.WIDTH, card.HEIGHT) and file.stat().st_size < 120_000
    assert card.cover(fake_set()).size == (card.WIDTH, card.HEIGHT)


def test_a_card_of_any_two_methods_can_be_drawn():
    for methods in (("base", "base"), ("morlhf", "mod"), ("bone-soup", "bone-soup")):
        some = replace(choices(), methods=methods)
        assert drawn(some, "One.", "Another.").size == (1200, 630)
    plane = card.drawn(choices(3), tuple(text(one, "One.") for one in choices(3).requests()), (1, 2))
    assert plane.tobytes() != drawn(choices(3), "One.", "One.").tobytes()
    assert Preference((0.5, 0.2, 0.3)) == choices(3).preference
