"""People are told through real HTTP: once for each incident and kind, whatever happens."""

import asyncio
import logging
from pathlib import Path

import pytest

from services.watch import rules, store
from services.watch.channels import Channels
from services.watch.notifying import REMARK, Notifying
from shared.contracts.incidents import NotificationReply, NotificationTest
from tests.fixtures.bells import Bell
from tests.fixtures.schemas import ProvisionedSchema, ProvisionSchema
from tests.integration.test_watch_incidents import Desk, ago
from tests.unit.watch.usages import answered

DAY_S = 24 * 3600
# apprise loads all its plug-ins, and one of them a module that Python 3.13 has not any more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Post:
    """An incident desk and who tells of it."""

    def __init__(self, schema: ProvisionedSchema, file: Path | None) -> None:
        self.desk = Desk(schema)
        self.remarks: dict[str, str] = {}
        self.notifying = Notifying(
            schema.database, Channels(file), rules.load(), self.remarks, DAY_S
        )

    async def send(self, after_s: float = 0.0) -> None:
        """Send what waits, as if so many seconds had passed."""
        await self.desk.admin.execute(
            "UPDATE watch.notification SET due_at = due_at - make_interval(secs => $1),"
            " created_at = created_at - make_interval(secs => $1)",
            after_s,
        )
        await self.notifying.send_waiting()

    async def test(self, command: NotificationTest) -> NotificationReply:
        async with self.desk.database.transaction() as tx:
            [reply] = (await self.notifying.notification_test([command], tx)).replies
        assert isinstance(reply, NotificationReply)
        return reply


def channels_file(folder: Path, *lines: str) -> Path:
    file = folder / "channels"
    file.write_text("\n".join(("# who is told", "", *lines)) + "\n")
    return file


async def test_one_message_when_it_opens_and_one_when_it_is_over(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    post = Post(await provision_schema("watch"), channels_file(tmp_path, bell.address))

    await post.desk.take(*(ago(100 - number / 10) for number in range(30)))
    for _ in range(3):
        await post.send()
    [opened] = bell.messages
    await post.desk.take(ago(70, answered()), ago(40, answered()))
    for _ in range(3):
        await post.send()

    assert bell.told == ["failure", "success"]
    assert opened["title"] == "Stellwerk critical: fallback_active about scripted"
    for part in ("What: Calls to", "Since: ", "Counted: 30", "Cause: unreachable", "What to do: "):
        assert part in opened["message"]
    assert "stellwerk incident ack " in opened["message"]
    assert bell.messages[1]["title"].startswith("Stellwerk resolved: fallback_active")
    assert "ended by the facts themselves" in bell.messages[1]["message"]
    assert await post.desk.notifications() == [("opened", "delivered"), ("resolved", "delivered")]


async def test_two_replicas_that_send_at_once_tell_once(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    schema, file = await provision_schema("watch"), channels_file(tmp_path, bell.address)
    posts = [Post(schema, file) for _ in range(4)]
    await posts[0].desk.take(ago(10))

    await asyncio.gather(*(post.notifying.send_waiting() for post in posts))

    assert bell.told == ["warning"]


async def test_what_one_replica_is_about_to_send_no_other_one_waits_for(
    provision_schema: ProvisionSchema,
) -> None:
    schema = await provision_schema("watch")
    await Desk(schema).take(ago(10))

    async with schema.database.transaction() as first:
        claimed = await store.claim(first, 60.0)
        async with asyncio.timeout(5), schema.database.transaction() as second:
            assert await store.claim(second, 60.0) is None

    assert claimed is not None


async def test_a_channel_that_is_down_is_tried_again_and_shows_until_it_is_back(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell, second_bell: Bell
) -> None:
    file = channels_file(tmp_path, bell.address, second_bell.address)
    post = Post(await provision_schema("watch"), file)
    second_bell.status = 503
    await post.desk.take(ago(100))
    await post.desk.take(ago(99, answered()), ago(70, answered()))

    await post.send()
    await post.send()
    assert (bell.told, second_bell.asked) == (["warning"], 1)
    assert "1 could not be sent yet" in post.remarks[REMARK]

    second_bell.status = 200
    await post.send(after_s=3)

    assert bell.told == second_bell.told == ["warning", "success"]
    assert post.remarks == {}


async def test_who_dies_while_sending_is_followed_by_another_attempt(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    post = Post(await provision_schema("watch"), channels_file(tmp_path, bell.address))
    await post.desk.take(ago(10))
    await post.desk.admin.execute(
        "UPDATE watch.notification SET attempts = 1, due_at = now() + interval '60 seconds'"
    )

    await post.send(after_s=59)
    assert bell.told == []
    await post.send(after_s=1)
    assert bell.told == ["warning"]


async def test_after_a_day_it_is_given_up_and_says_so(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    post = Post(await provision_schema("watch"), channels_file(tmp_path, bell.address))
    bell.status = 500
    await post.desk.take(ago(10))

    await post.send()
    await post.send(after_s=DAY_S + 1)

    told = await post.desk.admin.fetchval("SELECT told_of_opening FROM watch.incidents_v1")
    assert told == "given_up"
    assert post.remarks == {}


async def test_without_a_channel_nobody_is_told_and_not_later_either(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    schema = await provision_schema("watch")
    silent = Post(schema, None)
    await silent.desk.take(ago(10))
    await silent.send()

    await Post(schema, channels_file(tmp_path, bell.address)).send(after_s=3_600)

    assert await silent.desk.notifications() == [("opened", "unsent")]
    assert bell.told == []


@pytest.mark.parametrize("lines", [("nonsense",), ("json://127.0.0.1:1/invented-secret",), None])
async def test_a_channel_that_cannot_work_fails_without_a_word_of_its_address(
    provision_schema: ProvisionSchema,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    lines: tuple[str, ...] | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    file = channels_file(tmp_path, *lines) if lines else tmp_path / "missing"
    post = Post(await provision_schema("watch"), file)
    await post.desk.take(ago(10))

    await post.send()
    reply = await post.test(NotificationTest(actor="operator"))

    assert post.remarks[REMARK]
    assert (reply.delivered, reply.failed) == (0, 1)
    everything = caplog.text + str(post.remarks)
    everything += str(await post.desk.admin.fetch("SELECT * FROM watch.notification"))
    assert "invented-secret" not in everything
    assert "nonsense" not in everything


async def test_a_file_that_cannot_be_read_shows_before_it_is_needed(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell
) -> None:
    file = tmp_path / "channels"
    post = Post(await provision_schema("watch"), file)

    await post.send()
    assert post.remarks == {"channels": f"{file} cannot be read: No such file or directory."}

    channels_file(tmp_path, bell.address)
    await post.send()
    assert post.remarks == {}


async def test_a_test_reaches_every_channel_once_and_counts_those_that_took_it(
    provision_schema: ProvisionSchema, tmp_path: Path, bell: Bell, second_bell: Bell
) -> None:
    file = channels_file(tmp_path, bell.address, second_bell.address)
    post = Post(await provision_schema("watch"), file)
    second_bell.status = 500
    command = NotificationTest(actor="operator")

    first, again = await post.test(command), await post.test(command)

    assert first == again
    assert (first.delivered, first.failed) == (1, 1)
    assert [message["title"] for message in bell.messages] == ["Stellwerk: test message"]
    assert second_bell.asked == 1
