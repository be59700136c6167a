"""Texts from servers: routing, adapters kept and given up, servers that fail, callers that leave; on stand-ins."""

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from backbones.engine.jobs import Job, ServingError, Waiting
from backbones.engine.request import Request
from backbones.merging.preference import Preference, lattice
from backbones.remote import dispatcher as dispatching
from backbones.remote.dispatcher import AGAIN, Dispatcher, weight
from backbones.remote.merges import DIGITS, NAME
from backbones.remote.servers import Down, Server
from tests.remote.conftest import CAPACITY
from tests.remote.stand_in import BREAKS, SETTINGS, answer
from tests.waiting import until

GIVEN = {"name": "The Mill", "food": "English", "area": "riverside"}
METHODS = ("bone-soup", "rewarded-soup")
SWEEP = [(mu, method) for mu in lattice(2) for method in METHODS]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(dispatching, "RETRY", 0.2)
    monkeypatch.setattr("backbones.engine.jobs.PATIENCE", 0.05)


def request(seed=1, mu=(0.7, 0.3), method="bone-soup", **settings):
    return Request(GIVEN, Preference(mu), method, seed, **settings)


def sweep(seed=1):
    return [request(seed, mu, method) for mu, method in SWEEP]


def finished(running):
    """The texts of the last yield."""
    *_, texts = running
    assert all(text.done and set(text.rewards) == {"complete", "concise"} for text in texts)
    return texts


def expected(merges, asked):
    """What the stand-ins write."""
    ids = merges.tokenizer(merges.set.task.prompt(GIVEN, merges.tokenizer), add_special_tokens=False)["input_ids"]
    (end,), found = merges.ends, []
    for one in asked:
        adapter, _ = merges.adapter(one.method, one.preference)
        settings = dict(zip(SETTINGS, (one.seed, one.temperature, one.top_p, one.max_new_tokens), strict=True))
        tokens = [token for token in answer(adapter or "restaurants", ids, settings, end) if token != end]
        found.append(merges.tokenizer.decode(tokens, skip_special_tokens=True))
    return found


def raw(texts):
    return [text.raw for text in texts]


def test_texts_are_those_that_the_servers_write_for_just_these_requests(merges, dispatcher, pair):
    asked = [
        request(3, temperature=0.5, top_p=0.8),
        request(3, temperature=0),
        request(4, temperature=0),
        request(5, max_new_tokens=3),
        request(5, (0.2, 0.8), "bone-soup-anchored"),
        request(6, method="base"),
    ]
    texts = finished(dispatcher.stream("restaurants", asked))
    assert raw(texts) == expected(merges, asked) and texts[1].raw == texts[2].raw
    assert [text.request for text in texts] == asked
    assert texts[3].tokens == 3 and not any(text.note for text in texts)
    sent = [one for server in pair for one in server.told()["asked"]]
    assert len(sent) == len(asked) and all(one["stop_token_ids"] == sorted(merges.ends) for one in sent)
    assert {one["top_k"] for one in sent} == {-1} and {one["repetition_penalty"] for one in sent} == {1}
    assert any(one["model"] == "restaurants" for one in sent)
    (prompt,) = {tuple(one["prompt"]) for one in sent}
    assert merges.tokenizer.decode(prompt) == merges.set.task.prompt(GIVEN, merges.tokenizer)


def test_what_a_job_failed_of_is_not_lost_when_another_of_its_texts_goes_on(dispatcher):
    job = Job("restaurants", dispatcher.editors["restaurants"].rows([request(), request(2)]), False, dispatcher._lock)
    dispatcher._fail(job, ServingError("a server is full"))
    dispatcher._tell(job)
    with pytest.raises(ServingError, match="a server is full"):
        dispatcher._news(job)


@pytest.mark.parametrize("said", [[], {"data": None}, {"data": [{}]}, "vLLM"])
def test_a_server_that_answers_something_else_is_down(said):
    async def connect():
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json=said))
        async with httpx.AsyncClient(transport=transport) as client:
            await Server("http://a", CAPACITY, client).connect()

    with pytest.raises(Down):
        asyncio.run(connect())


def test_the_others_write_where_one_address_is_odd(merges, pair):
    odd = Dispatcher({"restaurants": merges}, ["http://host:80a", pair[0].url], CAPACITY)
    assert raw(finished(odd.stream("restaurants", [request()]))) == expected(merges, [request()])


def test_an_adapter_is_loaded_once_by_the_server_that_its_name_hashes_to(merges, dispatcher, pair):
    asked = [request(seed, mu) for seed in range(3) for mu in lattice(2)[:CAPACITY]]  # one server may have them all
    finished(dispatcher.stream("restaurants", asked))
    finished(dispatcher.stream("restaurants", asked))
    names = {merges.adapter(one.method, one.preference)[0] for one in asked}
    for server, other in (pair, pair[::-1]):
        theirs = {name for name in names if weight(server.url, name) > weight(other.url, name)}
        told = server.told()
        assert sorted(told["loads"]) == sorted(theirs)
        assert {one["model"] for one in told["asked"]} == theirs


def test_preferences_off_the_lattice_share_the_nearest_merge_and_the_text_says_so(merges, dispatcher, pair):
    texts = finished(dispatcher.stream("restaurants", [request(1, (0.731, 0.269)), request(1, (0.725, 0.275))]))
    assert texts[0].raw == texts[1].raw
    assert [text.note for text in texts] == ["Written at 72.5 % / 27.5 %, the nearest merge that is kept.", ""]
    assert sum(len(server.told()["loads"]) for server in pair) == 1


def test_a_sweep_goes_in_groups_of_what_the_servers_hold(merges, dispatcher, pair):
    news = list(dispatcher.stream("restaurants", sweep()))
    assert raw(news[-1]) == expected(merges, sweep()) and len(news) > 3
    told = [server.told() for server in pair]
    assert sum(len(one["unloads"]) for one in told) > 0
    assert all(one["most"] <= CAPACITY for one in told)
    held = {name for one in told for name in one["loaded"]}
    until(lambda: folders(merges) == held)
    again = finished(dispatcher.stream("restaurants", sweep()))
    assert raw(again) == raw(news[-1])


def test_what_servers_hold_from_before_is_used_and_given_up(merges, dispatcher, pair):
    finished(dispatcher.stream("restaurants", sweep()))
    before = [server.told() for server in pair]
    after = Dispatcher({"restaurants": merges}, [server.url for server in pair], CAPACITY)
    last = [one for one in sweep() if merges.adapter(one.method, one.preference)[0] in before[0]["loaded"]]
    finished(after.stream("restaurants", last))
    assert pair[0].told()["loads"] == before[0]["loads"]
    finished(after.stream("restaurants", sweep()))
    assert all(server.told()["most"] <= CAPACITY for server in pair)


def folders(merges):
    return {folder.name for folder in merges.folder.iterdir()}


def test_adapters_that_runs_before_have_left_are_deleted_unless_a_server_holds_them(merges, dispatcher, pair):
    finished(dispatcher.stream("restaurants", sweep()))
    held = {name for server in pair for name in server.told()["loaded"]}
    until(lambda: folders(merges) == held)
    for name in (f"{NAME}{'0' * DIGITS}", "soup-of-mine"):
        shutil.copytree(merges.folder / min(held), merges.folder / name)
    after = Dispatcher({"restaurants": merges}, [server.url for server in pair], CAPACITY)
    finished(after.stream("restaurants", [request(method="base")]))
    until(lambda: folders(merges) == held | {"soup-of-mine"})
    texts = finished(after.stream("restaurants", sweep()))
    assert raw(texts) == expected(merges, sweep())


def test_adapters_of_a_server_that_was_started_again_are_deleted_unless_another_holds_them(merges, started):
    pair = [started(), started()]
    dispatcher = Dispatcher({"restaurants": merges}, [one.url for one in pair], CAPACITY)
    finished(dispatcher.stream("restaurants", sweep()))
    lost, kept = (set(one.told()["loaded"]) for one in pair)
    until(lambda: folders(merges) == lost | kept and lost)
    theirs = next(one for one in sweep() if merges.adapter(one.method, one.preference)[0] in lost)
    pair[0].kill()
    finished(dispatcher.stream("restaurants", [theirs]))  # by the other, which loads its adapter from that folder
    pair[0].start()
    until(lambda: dispatcher.servers[0].models)
    until(lambda: folders(merges) == set(pair[1].told()["loaded"]))
    assert merges.adapter(theirs.method, theirs.preference)[0] in folders(merges)
    assert raw(finished(dispatcher.stream("restaurants", [theirs]))) == expected(merges, [theirs])
    assert pair[0].told()["loaded"]
    assert all(one.told()["wrong"] == [] for one in pair)


def test_twenty_callers_with_twenty_preferences_get_their_own_texts(merges, dispatcher):
    asked = [[request(i, (i / 40, 1 - i / 40), method) for method in METHODS] for i in range(20)]
    with ThreadPoolExecutor(20) as pool:
        written = list(pool.map(lambda job: raw(finished(dispatcher.stream("restaurants", job))), asked))
    assert written == [expected(merges, job) for job in asked]


def test_a_server_that_is_killed_in_mid_sweep_loses_nothing_and_is_used_again_once_it_is_back(merges, started):
    pair = [started(delay=0.05), started(delay=0.05)]
    names = [merges.adapter(method, mu)[0] for mu, method in SWEEP]
    if 2 * sum(weight(pair[0].url, name) > weight(pair[1].url, name) for name in names) < len(names):
        pair.reverse()  # the one that is killed has half of the texts, and is not done before that
    dispatcher = Dispatcher({"restaurants": merges}, [one.url for one in pair], CAPACITY)
    running = dispatcher.stream("restaurants", sweep())
    for news in running:
        if not isinstance(news, Waiting) and sum(text.done for text in news) >= 4:
            break
    until(lambda: pair[0].told()["running"])
    pair[0].kill()
    texts = finished(running)
    assert raw(texts) == expected(merges, sweep())
    noted = [text for text in texts if text.note]
    assert 0 < len(noted) < len(texts) and {text.note for text in noted} == {AGAIN.strip()}
    pair[0].start()
    until(lambda: raw(finished(dispatcher.stream("restaurants", sweep()))) and pair[0].told()["asked"])
    assert all(not text.note for text in finished(dispatcher.stream("restaurants", sweep())))
    assert all(one.told()["wrong"] == [] for one in pair)


def test_with_no_server_left_callers_are_told_and_later_ones_served_when_one_is_back(merges, started):
    server = started(delay=0.5)
    dispatcher = Dispatcher({"restaurants": merges}, [server.url, "http://127.0.0.1:9"], CAPACITY)
    running = dispatcher.stream("restaurants", [request()])
    while isinstance(news := next(running), Waiting) or not news[0].tokens:
        pass
    server.kill()
    with pytest.raises(ServingError, match="no server that writes these texts answers: try again in a minute"):
        list(running)
    with pytest.raises(ServingError, match="no server that writes these texts answers"):
        list(dispatcher.stream("restaurants", [request()]))
    server.settings["delay"] = 0.0
    server.start()

    def served():
        try:
            return finished(dispatcher.stream("restaurants", [request()]))
        except ServingError:
            return False

    until(served)


def test_closing_a_stream_closes_those_of_the_servers(merges, started):
    server = started(delay=0.5)
    dispatcher = Dispatcher({"restaurants": merges}, [server.url], CAPACITY, max_texts=2)
    running = dispatcher.stream("restaurants", [request(1), request(2), request(3)])
    while isinstance(news := next(running), Waiting) or not news[0].tokens:
        pass
    until(lambda: server.told()["running"] == 2)
    running.close()
    until(lambda: server.told()["running"] == 0)
    assert server.told()["closed"] == 2 and len(server.told()["asked"]) == 2
    assert raw(finished(dispatcher.stream("restaurants", [request(4)]))) == expected(merges, [request(4)])


def test_adapters_on_their_way_are_not_given_up(merges, dispatcher, pair):
    for _ in range(3):
        running = dispatcher.stream("restaurants", sweep())
        next(running)
        running.close()  # while adapters are being loaded
    assert raw(finished(dispatcher.stream("restaurants", sweep()))) == expected(merges, sweep())
    assert all(server.told()["most"] <= CAPACITY for server in pair)


def test_an_adapter_that_a_server_has_lost_is_loaded_again(merges, dispatcher, pair):
    finished(dispatcher.stream("restaurants", [request()]))
    (holder,) = (server for server in pair if server.told()["loaded"])
    (name,) = holder.told()["loaded"]
    holder.unload(name)
    texts = finished(dispatcher.stream("restaurants", [request(7)]))
    assert raw(texts) == expected(merges, [request(7)]) and holder.told()["loads"] == [name, name]


def test_a_merge_that_a_server_does_not_load_ends_its_job_alone(merges, started, caplog):
    server = started(rank=16)  # the merge of two adapters has 32
    dispatcher = Dispatcher({"restaurants": merges}, [server.url], CAPACITY)
    with pytest.raises(ServingError, match="a server cannot load this merge"):
        list(dispatcher.stream("restaurants", [request()]))
    assert "LoRA rank 32 is greater than max_lora_rank 16" in caplog.text and "--max-lora-rank high" in caplog.text
    one = request(1, (1, 0), "rewarded-soup")
    assert raw(finished(dispatcher.stream("restaurants", [one]))) == expected(merges, [one])


def test_what_is_too_long_for_a_server_is_said_in_its_words(dispatcher):
    with pytest.raises(ValueError, match="the server says: max_tokens=300 cannot be greater"):
        list(dispatcher.stream("restaurants", [request(max_new_tokens=300)]))


def test_a_text_that_breaks_off_again_and_again_ends_its_job(merges, dispatcher, caplog):
    with pytest.raises(ServingError, match=r"servers failed while writing|no server that writes"):
        list(dispatcher.stream("restaurants", [request(BREAKS)]))
    until(lambda: all(server.models for server in dispatcher.servers))
    assert raw(finished(dispatcher.stream("restaurants", [request()]))) == expected(merges, [request()])


def test_a_method_that_does_not_merge_is_refused_before_anything_is_queued(dispatcher, pair):
    with pytest.raises(ValueError, match="'mod' mixes models at every token, which servers cannot"):
        list(dispatcher.stream("restaurants", [request(method="mod")]))
    assert not any(server.told()["asked"] for server in pair)


def test_the_background_leaves_half_of_a_server_and_comes_last(merges, started):
    server = started(delay=0.1)
    dispatcher = Dispatcher({"restaurants": merges}, [server.url], CAPACITY, max_texts=4)
    unasked = dispatcher.stream("restaurants", sweep(1), background=True)
    next(unasked)
    until(lambda: server.told()["peak"] == 2)
    while isinstance(news := next(unasked), Waiting) or sum(text.done for text in news) < 3:
        pass
    assert server.told()["peak"] == 2
    asked = [request(2, mu) for mu in lattice(2)[:4]]
    assert raw(finished(dispatcher.stream("restaurants", asked))) == expected(merges, asked)
    assert not all(text.done for text in next(unasked))
    unasked.close()
    assert server.told()["peak"] <= 4 and not server.told()["wrong"]


def test_a_failure_of_the_dispatcher_itself_ends_jobs_and_not_the_thread(merges, dispatcher, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(Dispatcher, "_admit", lambda *_: 1 / 0)
        with pytest.raises(ServingError, match="the model failed while writing"):
            list(dispatcher.stream("restaurants", [request()]))
    assert finished(dispatcher.stream("restaurants", [request()]))
