"""HTML of texts, merges and tables."""

import html
import re
from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from app import history, views
from app.history import Entry
from backbones.engine.request import Request, Text
from backbones.merging.front import SeedFront
from backbones.merging.methods import METHODS
from backbones.merging.metrics import KINDS
from backbones.merging.preference import Preference
from backbones.tasks.assistant import Assistant
from backbones.tasks.reframe import care
from tests.fake import fake_set, text

IMAGE = "<img src=x onerror=alert(1)>"
EVEN = Preference.equal(2)
GIVEN = {"name": "Zoë's", "eatType": "coffee shop", "food": "English"}


def written(raw, given=GIVEN, method="bone-soup", mu=EVEN, **settings):
    return text(Request(given, mu, method, **settings), raw)


def column(*texts, method="bone-soup", note=""):
    soup_set = fake_set()
    return views.texts(soup_set.task, method, texts, soup_set.objectives, note)


def seen(page):
    """The text of HTML as a person sees it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_facts_are_marked_in_the_text():
    shown = html.unescape(column(written("<name> is a pub .")))
    assert '<mark class="stated" title="name: stated">Zoë\'s</mark> is a <mark class="wrong"' in shown
    assert '<mark class="wrong" title="kind: not among the facts">pub</mark> .' in shown


def test_facts_stated_left_out_and_made_up_follow_the_text_with_scores_and_length():
    shown = html.unescape(column(written("<name> is a pub."), note="A note"))
    assert '<span class="chip stated" title="stated: Zoë\'s">✓ name</span>' in shown
    assert '<span class="chip missed" title="left out: English">○ food: English</span>' in shown
    assert '<span class="chip wrong" title="not among the facts: pub">✗ kind: pub</span>' in shown
    assert "A note Zoë's is a pub . Complete 0.50 Concise 0.50 4 words" in seen(shown)


def test_a_defect_of_form_that_halves_the_rewards_is_shown():
    assert "form: rewards × 0.5" in column(written("<name> is a pub"))  # there is no full stop
    assert "form" not in column(written("<name> is a pub.", {"name": "Elm"}))


def test_a_text_under_way_has_a_caret_and_no_scores():
    running = text(Request(GIVEN, EVEN), "<name> is", done=False)
    shown = column(running)
    assert '<div class="text writing"><p>Zoë&#39;s is<span class="caret"></span></p></div>' in shown
    assert "score" not in shown


def test_a_text_that_could_not_be_scored_says_so_and_has_no_place_in_the_plot():
    unscored = replace(written("<name> is a pub."), rewards={})
    assert "could not be scored 4 words" in seen(column(unscored))
    scored = written("<name> is a pub.", seed=1)
    (mean,) = history.means([Entry("fake-2", one, "write") for one in (unscored, scored)], ["complete"])
    assert [one.text for one in mean.entries] == [scored]


def test_an_empty_text_says_so():
    assert "<i>(empty)</i></p>" in column(written("")) and "(empty)" not in column(written("A."))


def test_answers_keep_their_lines_and_state_nothing():
    answer = "First:\n\n1. one\n2. two"
    given = {"prompt": "List."}
    finished = Text(Request(given, EVEN), answer, f" {answer} ", 9, True, {"complete": 0.5, "concise": 0.5})
    shown = views.texts(Assistant(), "mod", [finished], fake_set().objectives)
    assert f'<p class="answer">{answer}</p>' in shown and "5 words" in shown
    assert "chip" not in shown and "<mark" not in shown


def test_columns_without_texts_say_what_comes():
    assert "MOD writes here. Press Write ." in seen(views.empty("mod"))
    assert "1 request is before yours" in views.waiting("mod", 1)
    assert "3 requests are before yours" in views.waiting("mod", 3)


def test_a_verdict_says_what_to_see_in_both_columns():
    soup_set, methods = fake_set(), ("bone-soup", "rewarded-soup")
    left, right = written("<name> is an English coffee shop."), written("<name> is a pub.")
    words = "Bone Soup : 3 of 3 facts in 6 words. Rewarded Soup : 1 of 3 facts and 1 made up in 4 words."
    assert seen(views.verdict(soup_set, methods, ([left], [right]))) == words
    same = "Bone Soup and Rewarded Soup write the same text here: 3 of 3 facts in 6 words."
    assert seen(views.verdict(soup_set, methods, ([left], [left]))) == same
    assert seen(views.verdict(soup_set, ("mod", "mod"), ([left], [left]))).startswith("MOD in both columns: 3 of 3")
    several = seen(views.verdict(soup_set, methods, ([left, right], [right, right])))
    assert several.startswith("Bone Soup : Complete 0.50, Concise 0.50 on average.")
    unscored = replace(left, rewards={})
    assert "Bone Soup : could not be scored." in seen(views.verdict(soup_set, methods, ([unscored], [right])))
    running = replace(right, done=False)
    assert views.verdict(soup_set, methods, ([left], [running])) == ""


def test_words_that_differ_from_the_other_column_can_be_told_apart():
    left, right = written("<name> is a pub."), written("<name> is a bar.")
    soup_set = fake_set()
    shown = views.texts(soup_set.task, "mod", [left], soup_set.objectives, others=[right])
    assert re.findall(r'class="differs">(.*?)<', shown) == ["pub", "."]
    assert "differs" not in column(left)


def test_several_fields_are_a_sentence_that_opens_them_and_one_is_not():
    task = fake_set().task
    shown = views.sentence(task, {"name": IMAGE, "eatType": "pub"})
    assert 'aria-expanded="false" aria-controls="given"' in shown
    assert "&lt;img" in shown and seen(shown) == f"{IMAGE}, a pub change"
    assert views.sentence(Assistant(), {"prompt": "Hi"}) == ""


def test_merges_show_what_the_set_makes_of_the_preference_and_what_is_expected():
    soup_set, mu = fake_set(), Preference((1.0, 0.0))
    shown = views.merges(soup_set, ("bone-soup", "bone-soup"), mu)
    assert "+1.75" in shown and "-0.75" in shown and shown.count("mix-title") == 1
    assert "complete <b>0.95</b> <small>[0.93, 0.97]</small>" in shown
    assert "left:50.00%;width:50.00%" in shown and "left:28.57%;width:21.43%" in shown  # 1.75 reaches the end
    for method in METHODS:
        merge = soup_set.merge(method, mu)
        words = seen(views.merges(soup_set, (method,), mu))
        for name, value in merge.coefficients.items():
            assert f"{name} {value:+.2f}" in words
        assert f"{METHODS[method].label} {merge.remark}" in words
    assert "not measured" in views.merges(replace(soup_set, front=None), ("mod",), mu)


def test_theory_says_where_bone_soup_leads():
    soup_set = fake_set()  # beta 0.7: from 11.9 % to 88.1 %
    assert "from 12 % to 88 % complete: your 50 % is inside" in seen(views.hint(soup_set, EVEN))
    assert "your 95 % is outside" in seen(views.hint(soup_set, Preference((0.95, 0.05))))
    assert "is inside" in views.hint(fake_set(3), Preference.equal(3))
    assert "is outside" in views.hint(fake_set(3), Preference((1.0, 0.0, 0.0)))


def test_results_say_what_is_better_and_how_sure_that_is():
    shown = seen(views.results(fake_set()))
    assert "10 held-out prompts, 1 text each" in shown
    assert "worse than Rewarded Soup: at 95 % over prompts and with every training seed; else level." in shown
    assert "MOD 11 preferences, 1 training seed 0.700 [0.600, 0.800] ▲ better" in shown
    assert shown.count("▼ worse") == 2 * (len(METHODS) - 1)  # sparsity and spacing, of all but the base
    assert "Base 1 preferences" not in shown  # among the methods' meanings it is


def test_results_call_level_what_another_training_seed_does_not_bear_out():
    soup_set = fake_set()
    metrics = {"mod": dict.fromkeys(KINDS, 0.4), "rewarded-soup": dict.fromkeys(KINDS, 0.5)}
    front = replace(soup_set.front, training_seeds=(SeedFront(1, {}, {}, metrics, {}),))
    shown = seen(views.results(replace(soup_set, front=front)))
    assert "MOD 11 preferences, 2 training seeds 0.700 [0.600, 0.800] = level" in shown
    assert "Bone Soup 11 preferences, 1 training seed 0.700 [0.600, 0.800] ▲ better" in shown


def test_a_front_is_a_table_of_its_points_that_can_be_gone_to():
    shown = html.unescape(views.front(fake_set(), ("bone-soup", "mod")))
    assert shown.count("<tr") == 1 + 11 + 11 + 2 + 1
    assert "<td>80 % / 20 %</td>" in shown and 'data-key="["front", "mod", 10]"' in shown
    assert "<td>0.95 <small>[0.93, 0.97]</small></td>" in shown


def test_what_has_not_been_measured_says_how_to():
    bare = replace(fake_set(), front=None)
    assert "python -m train.evaluate" in views.results(bare) and "train.evaluate" in views.front(bare, ("mod",))


def test_the_address_in_a_pointer_is_a_link_and_nothing_else_in_it_is_markup():
    request = Request(GIVEN, EVEN)
    for words in (care.POINTER, "Call <b>us</b>: help.example.org knows more."):
        (address,) = re.findall(r"[a-z.]+\.(?:com|org)", words)
        shown = column(Text(request, words, "", 0, True, {}, pointer=True))
        link = f'<a href="https://{address}" target="_blank" rel="noopener noreferrer">{address}</a>'
        assert shown.count("<a") == 1 and link in shown and "<b>" not in shown
        assert html.unescape(shown.replace(link, address)).count(words) == 1


def test_a_history_has_the_newest_first():
    assert "Press <b>Write</b>" in views.history([])
    texts = [written(f"Text {i}.", seed=i) for i in (1, 2)]
    shown = html.unescape(views.history(history.add([], history.entries("fake-2", texts, "write"))))
    assert re.findall(r'data-key="(.*?)">', shown) == ['["text", 2]', '["text", 1]']
    assert "2 texts of this session." in shown
    words = "Bone Soup fake-2 50 % / 50 % 2 complete 0.50, concise 0.50, upbeat 0.50 Text 2. reopen"
    assert words in seen(shown)


def test_a_sweep_has_both_columns_side_by_side():
    assert "once they have been written" in views.sweep(None)
    columns = [
        [Entry("fake-2", written(f"By {method}.", method=method, mu=Preference(mu)), "sweep") for mu in ((0.3, 0.7),)]
        for method in ("mod", "base")
    ]
    shown = html.unescape(views.sweep(tuple(columns)))
    assert 'data-key="["preference", 0.3, 0.7]"' in shown and "2 texts." in shown
    assert seen(shown).index("By mod.") < seen(shown).index("By base.")


def test_an_example_of_a_measured_point():
    soup_set = fake_set()
    shown = seen(views.example(soup_set, "mod", soup_set.points("mod")[2]))
    words = "Measured: MOD at 80 % / 20 % (complete 0.82, concise 0.43). An example, for A, an English place to eat:"
    assert f"{words} A is a <b>pub</b>." in shown
    point = soup_set.points("mod")[2]
    unknown = replace(point, example=replace(point.example, given="a line of another version's"))
    assert "for a line of another version's:" in seen(views.example(soup_set, "mod", unknown))


@pytest.mark.parametrize("n", [2, 3])
def test_what_a_set_or_a_person_says_is_never_markup(n):
    soup_set = fake_set(n)
    objectives = tuple(replace(one, name=IMAGE, label=IMAGE, description=IMAGE) for one in soup_set.objectives)
    conditions = {"prompts": IMAGE, "samples": IMAGE}
    front = replace(soup_set.front, objectives=(IMAGE,) * n, conditions=conditions)
    soup_set = replace(soup_set, name=IMAGE, title=IMAGE, objectives=objectives, front=front)
    mu = Preference.equal(n)
    said = Text(
        Request({"name": IMAGE, "near": IMAGE}, mu), f"{IMAGE} pub", f"<name> {IMAGE} pub", 3, True, {IMAGE: 0.5}
    )
    entry, point = Entry(IMAGE, said, "write", 1), soup_set.points("mod")[0]
    point = replace(point, example=replace(point.example, given=IMAGE, text=IMAGE))
    pages = {
        "texts": views.texts(soup_set.task, "mod", [said, replace(said, done=False)], objectives, IMAGE),
        "sentence": views.sentence(soup_set.task, {"name": IMAGE}),
        "merges": views.merges(soup_set, soup_set.methods, mu),
        "results": views.results(soup_set),
        "front": views.front(soup_set, soup_set.methods),
        "history": views.history([entry]),
        "sweep": views.sweep(([entry], [entry])),
        "example": views.example(soup_set, "mod", point),
        "problem": views.problem(IMAGE),
    } | ({"hint": views.hint(soup_set, mu)} if n == 2 else {})
    for name, page in pages.items():
        assert "&lt;img src=x onerror=alert(1)&gt;" in page and "<img" not in page, name


def test_quotes_do_not_end_an_attribute():
    given = {"name": 'Tom & Jerry "quote"', "food": "English"}
    shown = column(written("<name> .", given)) + views.history([Entry("a", written("<name> .", given), "write", 1)])
    assert shown.count("Tom &amp; Jerry &#34;quote&#34;") == 3  # in the text, in a title and in the table
    assert "Tom & Jerry" not in shown and '"quote"' not in shown


def test_a_template_that_misses_a_value_says_so():
    with pytest.raises(UndefinedError, match="message"):
        views.rendered("problem.html")
