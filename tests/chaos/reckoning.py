"""What must hold after any disaster: one result each, each call paid once, all of it recorded."""

from collections import Counter
from uuid import UUID

from stellwerk import verify
from tests.chaos.load import REQUESTS, Load, address_of
from tests.fixtures.bus import eventually
from tests.fixtures.platform import Platform

CATCH_UP_S_MAX = 30.0
OTHER_ENDS = ("request.refused", "completion.failed")
NEVER_HEARD = {"unknown", "cancelled"}
"""Ends of calls that were written down before they were made, by a router that then died."""


async def reckon(platform: Platform, load: Load, requests: int = REQUESTS) -> None:
    """Check every promise; services that were away are given time to catch up."""
    _every_caller_has_its_own_answer(load, requests)
    ids = load.request_ids
    await _one_result_each(platform, ids)
    await eventually(lambda: _is_settled(platform, ids), CATCH_UP_S_MAX)
    await _each_call_is_counted_once(platform, ids)
    await _the_budget_adds_up(platform)
    await _is_recorded(platform, ids)
    await _is_graded_once(platform, ids)
    await _nothing_was_given_up(platform)


def _every_caller_has_its_own_answer(load: Load, requests: int) -> None:
    assert load.failures == []
    assert len(load.answers) == requests
    assert len(load.request_ids) == requests
    others = [
        number for number, answer in load.answers.items() if address_of(number) not in answer.text
    ]
    assert others == [], "somebody got an answer without the address from the own question"


async def _one_result_each(platform: Platform, ids: set[UUID]) -> None:
    async def all_are_kept() -> bool:
        # A live result may be with its caller a moment before the stream has written it down.
        return ids <= (await _results(platform)).keys()

    await eventually(all_are_kept)
    results = await _results(platform)
    assert {id_: count for id_, count in results.items() if count != 1} == {}
    assert results.keys() - ids == set(), "there are results that nobody got"


async def _results(platform: Platform) -> dict[UUID, int]:
    found = await platform.messages_by_subject("SW_CLEAR", "sw.clear.completion.restored.>")
    return {UUID(subject.rsplit(".", 1)[-1]): count for subject, count in found.items()}


async def _is_settled(platform: Platform, ids: set[UUID]) -> bool:
    """Return whether billing, audit and evals have all that they will ever get."""
    (row,) = await platform.query(
        """
        SELECT (SELECT count(DISTINCT request_id) FROM billing.usage) AS used,
               (SELECT count(*) FROM billing.open_hold) AS held,
               (SELECT count(DISTINCT request_id) FROM evals.score) AS graded,
               (SELECT count(DISTINCT request_id) FROM audit.entry
                WHERE type = 'eu.stellwerk.evaluation.scored.v1') AS grades_recorded,
               (SELECT count(DISTINCT request_id) FROM audit.entry
                WHERE type = 'eu.stellwerk.usage.priced.v1') AS prices_recorded,
               (SELECT count(DISTINCT request_id) FROM audit.entry
                WHERE type = 'eu.stellwerk.request.redacted.v1') AS requests_recorded,
               (SELECT count(DISTINCT request_id) FROM audit.entry
                WHERE type = 'eu.stellwerk.completion.produced.v1') AS outcomes_recorded
        """
    )
    return dict(row) == {
        "used": len(ids),
        "held": 0,
        "graded": len(ids),
        "grades_recorded": len(ids),
        "prices_recorded": len(ids),
        "requests_recorded": len(ids),
        "outcomes_recorded": len(ids),
    }


async def _each_call_is_counted_once(platform: Platform, ids: set[UUID]) -> None:
    usages = await platform.query("SELECT request_id, outcome FROM billing.usage")
    assert Counter(row["request_id"] for row in usages) == Counter(ids)
    assert {row["outcome"] for row in usages} == {"completion"}

    received = {UUID(id_): count for id_, count in platform.provider_calls().items()}
    attempts = await platform.query("SELECT id, outcome FROM billing.attempt")
    counted = {row["id"]: row["outcome"] for row in attempts}
    assert {id_ for id_, count in received.items() if count != 1} == set()
    assert received.keys() - counted.keys() == set(), "the provider was called and nobody paid"
    not_received = {counted[id_] for id_ in counted.keys() - received.keys()}
    assert not_received <= NEVER_HEARD, "billing counts calls that the provider never saw"
    assert Counter(counted.values())["answered"] == len(ids)


async def _the_budget_adds_up(platform: Platform) -> None:
    (row,) = await platform.query(
        """
        SELECT (SELECT sum(posted_nano) FROM billing.budget) AS posted,
               (SELECT sum(pending_nano) FROM billing.budget) AS pending,
               (SELECT sum(overage_nano) FROM billing.budget) AS overage,
               (SELECT sum(cost_nano) FROM billing.usage) AS used,
               (SELECT sum(posted_nano) FROM billing.resolution) AS resolved,
               (SELECT coalesce(sum(posted_nano), 0) FROM billing.correction) AS corrected,
               (SELECT count(*) FROM billing.hold) AS holds,
               (SELECT count(*) FROM billing.resolution) AS ends
        """
    )
    assert row["pending"] == 0
    assert row["posted"] + row["overage"] == row["used"]
    assert row["posted"] == row["resolved"] + row["corrected"]
    assert row["holds"] == row["ends"]


async def _is_recorded(platform: Platform, ids: set[UUID]) -> None:
    entries = await platform.query("SELECT index, type, request_id FROM audit.entry ORDER BY index")
    assert [row["index"] for row in entries] == list(range(len(entries)))
    leaves = Counter((row["request_id"], row["type"]) for row in entries)
    for kind in ("request.redacted", "completion.produced", "usage.recorded"):
        found = {id_: leaves[id_, f"eu.stellwerk.{kind}.v1"] for id_ in ids}
        assert {id_: count for id_, count in found.items() if count != 1} == {}, kind
    others = {"request.refused", "completion.failed"}
    assert not others & {
        row["type"].split(".v")[0].removeprefix("eu.stellwerk.") for row in entries
    }
    verdict = await verify.verify(platform.service_url("audit"))
    assert verdict.intact, verdict.as_text()


async def _is_graded_once(platform: Platform, ids: set[UUID]) -> None:
    rows = await platform.query("SELECT DISTINCT request_id, event_id FROM evals.score")
    assert Counter(row["request_id"] for row in rows) == Counter(ids)


async def _nothing_was_given_up(platform: Platform) -> None:
    for stream, data_class in (("SW_CLEAR", "clear"), ("SW_MASKED", "masked"), ("SW_META", "meta")):
        assert await platform.messages_by_subject(stream, f"sw.{data_class}.dead.>") == {}
