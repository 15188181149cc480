"""Whatever the child does, every decision is made, and made as our matcher says."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

import psutil
import pytest
from questions import Question, a_set, events, question
from random_patterns import a_pattern_set, an_episode

from tidegate.correlation.correlator import Alarm, mark_of
from tidegate.correlation.lines import MAX_REPLY
from tidegate.engine.patterns.matcher import Match, match
from tidegate.engine.reference import evaluate
from tidegate.errors import InputError

Child = Callable[..., list[str]]
SAYS = "print(json.dumps({{'n': n, 'found': {found}}}), flush=True)"


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


# with durable-rules


def test_durable_rules_answers_and_our_matcher_names_the_match(
    durable: None, bench: Any, yes: Question, no: Question
) -> None:
    correlator = bench.correlator()
    assert correlator.start()
    assert yes.put(correlator) == Match(True, (1, 2))
    assert no.put(correlator) == Match(False, None)  # nobody looked how far it got
    assert correlator.counts == {"started": 1, "answered": 2, "compared": 1}
    assert bench.alarms == []


def test_a_decision_is_the_same_with_either_matcher(durable: None, bench: Any) -> None:
    correlator = bench.correlator()
    assert correlator.start()
    asked = 0
    for seed in range(150):
        rng = Random(seed)
        ruleset = a_pattern_set(rng)
        facts = an_episode(rng, 8, gaps=rng.choice((0, 0.1)))
        now = question(ruleset, {}).context.now
        one, other = evaluate(ruleset, facts, now), evaluate(ruleset, facts, now, match=correlator)
        assert one.as_document("en") == other.as_document("en"), seed
        asked += 1
    assert asked == 150
    assert correlator.counts["answered"] > 30
    assert bench.alarms == []


def test_what_the_profile_cannot_carry_is_decided_by_ours(bench: Any, child: Child) -> None:
    correlator = bench.correlator(command=child(SAYS.format(found=True)))
    assert correlator.start()
    unknown = question(a_set(), events((0, {"flag": None}), (1, {"state": "b"})))
    assert unknown.put(correlator) == unknown.put()
    assert unknown.put().truth is None
    assert correlator.counts["answered"] == 0


def test_an_error_of_the_definition_is_the_answer_of_both(bench: Any, child: Child) -> None:
    names = ["one", "two", "three", "four"]
    find = [{name: "amount >= 0"} for name in names[:3]] + [
        {"four": "amount < one.amount + two.amount - three.amount - 10000"}
    ]
    rows = [(0, {"amount": n * n}) for n in range(150)]
    asked = question(a_set(find), events(*rows))
    correlator = bench.correlator(command=child(SAYS.format(found=False)))
    assert correlator.start()
    for matcher in (match, correlator):
        with pytest.raises(InputError) as raised:
            asked.put(matcher)
        assert raised.value.code == "pattern.too_much_work"


def test_many_threads_share_one_child(durable: None, bench: Any) -> None:
    """B26: the library lets go of a session that two threads use; here one asks at a time."""
    correlator = bench.correlator(share=1.0)
    assert correlator.start()
    wrong: list[object] = []

    def work(seed: int) -> None:
        for number in range(40):
            rng = Random(seed * 1000 + number)
            asked = question(a_pattern_set(rng), an_episode(rng, 8, gaps=0))
            if asked.put(correlator).truth is not asked.put().truth:
                wrong.append((seed, number))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert bench.alarms == []
    assert correlator.counts["answered"] > 60
    assert correlator.counts["started"] == 1


def test_a_child_is_replaced_after_its_share_of_episodes(
    durable: None, bench: Any, yes: Question
) -> None:
    """What the library leaks goes with it (B22, B23)."""
    correlator = bench.correlator(recycle_after=3)
    pids = set()
    for _ in range(3):
        assert correlator.start()
        pids.add(correlator.pid)
        for _ in range(3):
            assert yes.put(correlator).truth is True
        assert correlator.pid is None
    assert len(pids) == 3
    assert bench.alarms == []


# a child that dies


def test_killing_the_child_loses_no_decision_and_another_is_started(
    durable: None, bench: Any, yes: Question, no: Question
) -> None:
    correlator = bench.correlator()
    assert correlator.start()
    first = correlator.pid
    assert yes.put(correlator).truth is True
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: psutil.Process(first).status() == psutil.STATUS_ZOMBIE)
    assert no.put(correlator) == no.put()
    assert bench.kinds == ["died"]
    assert yes.put(correlator).truth is True  # while it rests, ours decides
    assert correlator.pid is None
    bench.now = 0.99
    assert not correlator.start()
    bench.now = 1.0
    assert correlator.start()
    assert correlator.pid not in (None, first)
    assert yes.put(correlator).truth is True
    assert bench.kinds == ["died"]


@pytest.mark.parametrize("by", ["SIGSEGV", "SIGKILL", "SIGFPE"])
def test_a_crash_in_the_middle_of_an_episode_loses_no_decision(
    bench: Any, child: Child, yes: Question, by: str
) -> None:
    correlator = bench.correlator(command=child(f"os.kill(os.getpid(), signal.{by})"))
    assert correlator.start()
    assert yes.put(correlator) == yes.put()
    assert bench.kinds == ["died"]
    assert bench.alarms[0].pattern == mark_of(yes.sequence)


def test_the_raw_join_that_kills_the_library_costs_no_decision(
    durable: None, bench: Any, child: Child, yes: Question
) -> None:
    """B1 as published, in the child's own process: it dies on 3.12 and 3.13 and may live on 3.11."""
    body = (
        "import durable_rules_engine as C\n"
        "d = {'dup': {'all': [{'a': {'t': 'o'}}, {'b': {'$and': [{'t': 'o'}, {'p': {'a': 'p'}}, {'$gt': {'s': {'a': 's'}}}]}}]}}\n"
        "h = C.create_ruleset('dup', json.dumps(d))\n"
        "for i in range(20): C.assert_fact(h, json.dumps({'id': str(i), 't': 'o', 'p': '138', 's': 1}))\n"
        + SAYS.format(found=True)
    )
    correlator = bench.correlator(command=child(body))
    assert correlator.start()
    assert yes.put(correlator) == yes.put()
    assert bench.kinds in ([], ["died"])


def test_a_child_that_ends_by_itself_loses_no_decision(
    bench: Any, child: Child, no: Question
) -> None:
    correlator = bench.correlator(command=child("sys.exit(0)"))
    assert correlator.start()
    assert no.put(correlator) == no.put()
    assert bench.kinds == ["died"]


# a child that is slow


def test_a_hanging_child_is_killed_in_time(bench: Any, child: Child, yes: Question) -> None:
    """B8: `create_ruleset` may loop for ever holding the interpreter."""
    correlator = bench.correlator(command=child("time.sleep(600)"), limit_s=0.2)
    assert correlator.start()
    pid = correlator.pid
    start = time.monotonic()
    assert yes.put(correlator) == yes.put()
    assert 0.2 <= time.monotonic() - start < 2
    assert bench.kinds == ["slow"]
    assert not psutil.pid_exists(pid)


def test_a_child_that_reads_nothing_does_not_block_a_long_question(
    bench: Any, tmp_path: Any
) -> None:
    script = tmp_path / "deaf.py"
    script.write_text("import time\nprint('{\"ready\": true}', flush=True)\ntime.sleep(600)\n")
    correlator = bench.correlator(command=[sys.executable, "-I", str(script)], limit_s=0.2)
    assert correlator.start()
    find = [{"one": "true"}] + [
        {f"n{n}": " and ".join(f"amount >= {e}.amount" for e in ["one"] * 1)} for n in range(1)
    ]
    rows = [(0, {"amount": n}) for n in range(150)]
    asked = question(a_set(find), events(*rows))
    for _ in range(20):  # more than a pipe holds
        assert asked.put(correlator).truth is True
    assert bench.kinds[0] == "slow"


def test_while_one_thread_waits_for_a_slow_child_the_others_are_decided_by_ours(
    bench: Any, child: Child, yes: Question
) -> None:
    correlator = bench.correlator(command=child("time.sleep(600)"), limit_s=0.3)
    assert correlator.start()
    answers: list[Match] = []
    threads = [
        threading.Thread(target=lambda: answers.append(question(a_set(), YES_ROWS).put(correlator)))
        for _ in range(6)
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - start < 2
    assert [answer.truth for answer in answers] == [True] * 6
    assert bench.kinds == ["slow"]


YES_ROWS = events(
    (1, {"flag": True, "amount": 1, "state": "a"}), (2, {"flag": False, "amount": 2, "state": "b"})
)


def test_a_start_that_hangs_is_given_up(bench: Any, child: Child, yes: Question) -> None:
    command = child("pass", greeting="time.sleep(600)")
    correlator = bench.correlator(command=command, start_limit_s=0.2)
    assert not correlator.start()
    assert bench.kinds == ["slow"]
    assert yes.put(correlator) == yes.put()


# a child that talks nonsense


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("print('segmentation fault', flush=True)", "garbage"),
        ("print('[1, 2]', flush=True)", "garbage"),
        ("print('{\"found\": true}', flush=True)", "garbage"),
        (SAYS.format(found="'yes'"), "garbage"),
        (SAYS.format(found="1"), "garbage"),
        ("print(json.dumps({'n': n + 1, 'found': True}), flush=True)", "garbage"),
        ("print('[' * 9000, flush=True)", "garbage"),
        ("os.write(1, b'\\xff\\xfe\\n')", "garbage"),
        (f"os.write(1, b'x' * {MAX_REPLY * 5})", "garbage"),
        ("print(json.dumps({'n': n, 'error': 'assert 303'}), flush=True)", "error"),
    ],
)
def test_an_answer_that_makes_no_sense_loses_no_decision(
    bench: Any, child: Child, no: Question, body: str, kind: str
) -> None:
    correlator = bench.correlator(command=child(body))
    assert correlator.start()
    pid = correlator.pid
    assert no.put(correlator) == no.put()
    assert bench.kinds == [kind]
    assert not psutil.pid_exists(pid)


def test_what_nobody_asked_for_is_never_taken_for_an_answer(
    bench: Any, child: Child, no: Question
) -> None:
    twice = SAYS.format(found="n > 1") + "\n" + SAYS.format(found=True)
    correlator = bench.correlator(command=child(twice))
    assert correlator.start()
    assert no.put(correlator).truth is False
    assert eventually(lambda: correlator._worker is None or correlator._worker._lines.pending)
    assert no.put(correlator).truth is False
    assert bench.kinds == ["garbage"]
    assert bench.alarms[0].detail == "unasked"


# a child that is not to be used


def test_without_durable_rules_ours_decides_and_it_is_told_once(
    bench: Any, child: Child, yes: Question
) -> None:
    greeting = 'print(\'{"ready": false, "reason": "not_installed"}\', flush=True)'
    correlator = bench.correlator(command=child("pass", greeting))
    assert not correlator.start()
    bench.now = 10_000
    assert yes.put(correlator) == yes.put()
    assert not correlator.start()
    assert [(alarm.kind, alarm.pause_s) for alarm in bench.alarms] == [("not_installed", 0.0)]


def test_an_engine_that_answers_wrongly_fails_the_self_test_and_is_never_used(
    durable: None, bench: Any, tmp_path: Any, yes: Question
) -> None:
    """The real child with a library that takes every comparison for true."""
    script = tmp_path / "broken.py"
    script.write_text(
        "import sys\n"
        "from tidegate.correlation import child, network\n"
        "real = network._condition\n"
        "network._condition = lambda join: {'$gte': {'z': {'m0': 'z'}}}\n"
        "sys.exit(child.main())\n",
        "utf-8",
    )
    correlator = bench.correlator(command=[sys.executable, "-I", str(script)])
    assert not correlator.start()
    assert (bench.alarms[0].kind, bench.alarms[0].detail) == ("self_test", "last_condition_false")
    bench.now = 10_000
    assert not correlator.start()
    assert yes.put(correlator) == yes.put()
    assert bench.kinds == ["self_test"]


def test_a_child_that_dies_of_its_self_test_is_given_up_after_three_tries(
    bench: Any, child: Child, yes: Question
) -> None:
    correlator = bench.correlator(command=child("pass", "os.kill(os.getpid(), signal.SIGSEGV)"))
    for number in range(5):
        bench.now = 1_000.0 * number
        assert not correlator.start()
    assert [(alarm.kind, alarm.pause_s) for alarm in bench.alarms] == [
        ("self_test", 1.0), ("self_test", 2.0), ("self_test", 0.0),
    ]  # fmt: skip
    assert yes.put(correlator) == yes.put()


def test_an_interpreter_that_is_not_there_is_no_reason_to_fail(bench: Any, yes: Question) -> None:
    correlator = bench.correlator(command=["/no/such/python"])
    assert not correlator.start()
    assert yes.put(correlator) == yes.put()
    assert bench.kinds == ["died"]


# back-off


def test_the_pause_before_a_new_start_grows_and_ends_with_an_answer(
    bench: Any, child: Child, yes: Question
) -> None:
    flag = "if os.path.exists(__file__ + '.well'): " + SAYS.format(found=True)
    command = child(flag + "\nif not os.path.exists(__file__ + '.well'): sys.exit(1)")
    correlator = bench.correlator(command=command)
    for _ in range(10):
        assert correlator.start()
        assert yes.put(correlator) == yes.put()
        bench.now += bench.alarms[-1].pause_s
    assert [alarm.pause_s for alarm in bench.alarms] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    with open(command[-1] + ".well", "w", encoding="utf-8"):
        pass
    assert correlator.start()
    assert yes.put(correlator).truth is True
    os.remove(command[-1] + ".well")
    assert yes.put(correlator).truth is True
    assert bench.alarms[-1].pause_s == 1


def test_the_first_question_starts_the_child_aside_and_is_decided_by_ours(
    bench: Any, child: Child, yes: Question
) -> None:
    correlator = bench.correlator(command=child(SAYS.format(found=True)))
    assert yes.put(correlator) == yes.put()
    assert correlator.counts["ours"] == 1
    assert eventually(lambda: correlator.pid is not None)
    assert yes.put(correlator) == yes.put()
    assert correlator.counts["answered"] == 1


# a child that is wrong


def test_a_wrong_yes_is_always_found_out_and_the_pattern_is_left_to_ours(
    bench: Any, child: Child, no: Question
) -> None:
    correlator = bench.correlator(command=child(SAYS.format(found=True)))
    assert correlator.start()
    assert no.put(correlator) == no.put()
    mark = mark_of(no.sequence)
    assert bench.alarms == [Alarm("differs", "True False", mark)]
    assert no.put(correlator) == no.put()
    assert correlator.ours_only == {mark}
    assert correlator.counts["answered"] == 1
    other = question(a_set([{"one": "flag"}]), YES_ROWS)
    assert other.put(correlator).truth is True
    assert correlator.counts["answered"] == 2


def test_a_wrong_no_is_found_out_in_the_share_that_is_compared(
    bench: Any, child: Child, yes: Question
) -> None:
    correlator = bench.correlator(command=child(SAYS.format(found=False)), share=0.25)
    assert correlator.start()
    bench.chance = 0.25
    assert yes.put(correlator) == Match(False)  # not in the sample
    bench.chance = 0.2499
    assert yes.put(correlator) == Match(True, (1, 2))
    assert bench.kinds == ["differs"]
    bench.chance = 0.99
    assert yes.put(correlator) == Match(True, (1, 2))  # ours from now on


def test_with_the_whole_share_every_no_is_compared(bench: Any, child: Child, no: Question) -> None:
    correlator = bench.correlator(command=child(SAYS.format(found=False)), share=1.0)
    assert correlator.start()
    bench.chance = 0.999999
    assert no.put(correlator) == no.put()
    assert correlator.counts["compared"] == 1


# alarms and the end


def test_an_alarm_holds_no_value_of_a_fact_and_has_words_in_both_languages(
    bench: Any, child: Child
) -> None:
    find = [{"one": 'who = "李四"'}, {"two": "who != one.who"}]
    rows = events((0, {"who": "李四"}), (1, {"who": "王小明"}))
    correlator = bench.correlator(command=child("print(line, flush=True)"))
    assert correlator.start()
    assert question(a_set(find), rows).put(correlator).truth is True
    (alarm,) = bench.alarms
    for text in (str(alarm), alarm.text("zh"), alarm.text("en")):
        assert "王小明" not in text
        assert "李四" not in text
    assert "子进程" in alarm.text("zh-CN")
    assert len(alarm.pattern) == 12


def test_a_broken_alarm_costs_no_decision(bench: Any, child: Child, yes: Question) -> None:
    correlator = bench.correlator(command=child("sys.exit(1)"))
    correlator._alarm = lambda alarm: 1 / 0
    assert correlator.start()
    assert yes.put(correlator) == yes.put()
    assert correlator.counts["alarm_failed"] == 1


def test_closing_ends_the_child_and_a_later_question_may_start_another(
    bench: Any, child: Child, yes: Question
) -> None:
    with bench.correlator(command=child(SAYS.format(found=True))) as correlator:
        assert correlator.start()
        pid = correlator.pid
    assert not psutil.pid_exists(pid)
    correlator.close()
    assert correlator.start()
    assert yes.put(correlator).truth is True


def test_the_child_ends_with_its_parent(durable: None) -> None:
    """A parent that is killed leaves no child behind."""
    code = (
        "import sys, time\n"
        "from tidegate.correlation.correlator import Correlator\n"
        "c = Correlator(print); assert c.start(); print(c.pid, flush=True); time.sleep(600)\n"
    )
    import subprocess

    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: not psutil.pid_exists(pid))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_each_process_has_a_child_of_its_own(
    durable: None, bench: Any, yes: Question, no: Question
) -> None:
    """B27: a worker that is forked must not talk into its parent's pipes."""
    correlator = bench.correlator()
    assert correlator.start()
    first = correlator.pid
    reader, writer = os.pipe()
    forked = os.fork()
    if forked == 0:  # in the other process: answer through the pipe and leave at once
        try:
            rested = yes.put(correlator).truth is True and correlator.start()
            own = correlator.pid not in (None, first)
            right = no.put(correlator).truth is False and yes.put(correlator).truth is True
            os.write(
                writer, b"1" if rested and own and right and psutil.pid_exists(first) else b"0"
            )
            correlator.close()
        finally:
            os._exit(0)
    os.waitpid(forked, 0)
    assert os.read(reader, 1) == b"1"
    os.close(reader)
    os.close(writer)
    assert correlator.pid == first
    assert yes.put(correlator).truth is True
    assert bench.alarms == []
