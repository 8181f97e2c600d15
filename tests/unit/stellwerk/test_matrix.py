"""A comparison is a table that can be read at 100 columns, whatever became of its runs."""

from dataclasses import replace

import pytest

from stellwerk.matrix import WIDTH, answers, table
from tests.unit.stellwerk.experiments import answer_by, comparison, run

DRAWN = """\
                         local-default                         local-small
case                     language  length     time       EUR   language  length    time       EUR
late-delivery                1.00    0.67   1.23 s  0.042500          –    1.00  0.98 s  0.042500
a-case-with-a-very-lo…       0.00       –  61.00 s  0.042500          …       …  1.00 s  0.042500
tender-question              1.00    1.00   2.00 s  0.042500   deadline

mean · p50 · sum             0.67    0.83   2.00 s  0.127500          –    1.00  0.99 s  0.085000
judged                          3       2                             0       1
answered                 3 of 3                                2 of 3
tokens                   3,600 in, 450 out                     2,400 in, 300 out

                         scripted-503
case                     language  length  time       EUR
late-delivery            provider_unavailable
a-case-with-a-very-lo…   answered by scripted
tender-question          not asked

mean · p50 · sum                –       –     –  0.042500
judged                          0       0
answered                 0 of 2, 1 by another
tokens                   1,200 in, 150 out

– not judged: too_short 2
… not graded yet; the view evals.experiments_v1 will have it"""


def test_a_comparison_is_drawn_cases_down_and_models_across() -> None:
    assert table(comparison()) == DRAWN


def test_a_comparison_fits_where_it_is_read() -> None:
    assert max(map(len, table(comparison()).splitlines())) <= WIDTH
    assert max(map(len, answers(comparison()).splitlines())) <= WIDTH


@pytest.mark.parametrize("count", [1, 2])
def test_models_stand_beside_each_other_where_there_is_room(count: int) -> None:
    experiment = comparison()
    plan = replace(experiment.plan, models=experiment.plan.models[:count])
    drawn = table(replace(experiment, plan=plan))
    assert drawn.splitlines()[0].split() == list(plan.models)


def test_what_failed_everywhere_is_a_table_too() -> None:
    experiment = comparison()
    failed = replace(experiment, runs=[each for each in experiment.runs if each.code])
    drawn = table(failed)
    assert "provider_unavailable" in drawn
    assert "deadline" in drawn


def test_the_answers_to_a_case_stand_beside_each_other() -> None:
    experiment = comparison()
    long = "Kære kunde\n\n" + "Vi beklager, at pakken er forsinket. " * 6 + "\nMed venlig hilsen"
    first = replace(experiment.runs[0], answer=answer_by("local-default", long))
    drawn = answers(replace(experiment, runs=[first, *experiment.runs[1:]]))
    line = drawn.splitlines()[3]
    assert line.startswith("Kære kunde   ")
    assert line.endswith("Kære kunde, tak for dit brev.")
    assert "answered by scripted" in drawn
    assert "provider_unavailable" in drawn


def test_an_answer_cannot_steer_the_terminal() -> None:
    experiment = comparison()
    wild = answer_by("local-default", "Hej\x1b[2J\x1b]0;titel\x07 med jer\nTak")
    shown = answers(replace(experiment, runs=[run("late-delivery", "local-default", answer=wild)]))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "Tak" in shown.splitlines()
