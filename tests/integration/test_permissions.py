"""Every attack on the bus that we know of is denied by the server, and nothing of it is stored."""

import json

import pytest
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeoutError

from deploy.provision.permissions import PROVISION
from shared.bus.buckets import IN_FORCE, Entry, read, replace
from shared.contracts.catalog import CONSUMERS, OPERATOR, SERVICES
from shared.contracts.stores import CONFIG, STREAMS
from tests.fixtures.guarded import GuardedBus, User, let_in

SUBMITTED = "sw.clear.request.submitted.default"
RESTORED = "sw.clear.completion.restored.default"
CHUNK = "sw.clear.chunk.restored.default"
REDACTED = "sw.masked.request.redacted.default.crm.r1"
DIRECT_GET = f"$JS.API.DIRECT.GET.SW_CLEAR.{RESTORED}"
NEXT = "$JS.API.CONSUMER.MSG.NEXT"
ANSWER = b'{"text": "Kaere Signe Testesen"}'

DENIED = (NatsTimeoutError, NoRespondersError)


async def ask(user: User, subject: str, payload: bytes = b"", wait_s: float = 0.4) -> bytes:
    return (await user.client.request(subject, payload, timeout=wait_s)).data


async def stored(bus: GuardedBus) -> dict[str, int]:
    """Return how many messages each subject of each stream holds."""
    js = (await bus.as_service(PROVISION)).client.jetstream()
    found: dict[str, int] = {}
    for stream in STREAMS:
        info = await js.stream_info(stream.name, subjects_filter=">")
        found |= info.state.subjects or {}
    return found


async def answered(bus: GuardedBus, app: str, request: str = "r1") -> None:
    """Put an answer for the app where the redactor would."""
    redactor = await bus.as_service("redactor")
    assert b"stream" in await ask(redactor, f"{RESTORED}.{app}.{request}", ANSWER, wait_s=5)


# --- what must work -----------------------------------------------------------------------------


async def test_an_app_submits_hears_its_answer_and_looks_it_up(guarded_bus: GuardedBus) -> None:
    crm = await guarded_bus.as_app("crm")
    live = await crm.client.subscribe(f"{RESTORED}.crm.*")
    chunks = await crm.client.subscribe(f"{CHUNK}.crm.*")
    await crm.settled()

    header = {"Nats-Msg-Id": "one"}
    first = await crm.client.request(f"{SUBMITTED}.crm", b"{}", timeout=5, headers=header)
    again = await crm.client.request(f"{SUBMITTED}.crm", b"{}", timeout=5, headers=header)
    await answered(guarded_bus, "crm")
    redactor = await guarded_bus.as_service("redactor")
    await redactor.client.publish(f"{CHUNK}.crm.r1", b"Kaere")

    assert json.loads(first.data)["stream"] == "SW_INBOX"
    assert json.loads(again.data)["duplicate"] is True
    assert (await live.next_msg(5)).data == ANSWER
    assert (await chunks.next_msg(5)).data == b"Kaere"
    assert await ask(crm, f"{DIRECT_GET}.crm.r1", wait_s=5) == ANSWER
    assert await crm.settled() == []


async def test_every_service_takes_from_its_own_consumers(guarded_bus: GuardedBus) -> None:
    for consumer in CONSUMERS:
        user = await guarded_bus.as_service(consumer.service)
        reply = await user.client.request(
            f"{NEXT}.{consumer.stream.name}.{consumer.name}", b'{"no_wait": true}', timeout=5
        )
        assert reply.headers is not None
        assert reply.headers["Status"] == "404"  # nothing waits, and it was allowed to ask


# --- the router and clear text ------------------------------------------------------------------


async def test_the_router_cannot_read_clear_text(guarded_bus: GuardedBus) -> None:
    crm = await guarded_bus.as_app("crm")
    await ask(crm, f"{SUBMITTED}.crm", b"Signe Testesen", wait_s=5)
    await answered(guarded_bus, "crm")
    router = await guarded_bus.as_service("router")
    subjects = ("sw.>", "sw.clear.>", f"{SUBMITTED}.*", f"{RESTORED}.>", f"{CHUNK}.>", ">")
    heard = [await router.client.subscribe(subject) for subject in subjects]
    asked = [
        (f"{NEXT}.SW_INBOX.redactor-requests", b"1"),
        ("$JS.API.STREAM.MSG.GET.SW_INBOX", b'{"seq": 1}'),
        ("$JS.API.STREAM.MSG.GET.SW_CLEAR", b'{"seq": 1}'),
        (f"{DIRECT_GET}.crm.r1", b""),
        ("$JS.API.DIRECT.GET.SW_CLEAR", b'{"seq": 1}'),
        ("$JS.API.CONSUMER.CREATE.SW_CLEAR", b'{"stream_name": "SW_CLEAR", "config": {}}'),
        ("$JS.API.STREAM.CREATE.MINE", b'{"name": "MINE", "sources": [{"name": "SW_CLEAR"}]}'),
        ("$JS.API.STREAM.SNAPSHOT.SW_CLEAR", b'{"deliver_subject": "_INBOX.router.x"}'),
    ]
    for subject, payload in asked:
        with pytest.raises(DENIED):
            await ask(router, subject, payload)

    await answered(guarded_bus, "crm", "r2")
    assert len(await router.settled()) == len(heard) + len(asked)
    assert all(subscription.pending_msgs == 0 for subscription in heard)


async def test_no_service_but_the_redactor_can_take_or_write_clear_text(
    guarded_bus: GuardedBus,
) -> None:
    for service in ("router", "billing", "audit", "evals", "watch", "operator"):
        user = await guarded_bus.as_service(service)
        for subject in (f"{RESTORED}.crm.r1", f"{SUBMITTED}.crm", "sw.clear.dead.redactor"):
            with pytest.raises(DENIED):
                await ask(user, subject, b"invented", wait_s=0.1)
        await user.client.subscribe("sw.clear.>")
        assert len(await user.settled()) == 4, service
    assert await stored(guarded_bus) == {}


# --- one app and another ------------------------------------------------------------------------


async def test_an_app_cannot_read_another_apps_answers(guarded_bus: GuardedBus) -> None:
    await answered(guarded_bus, "crm")
    hr = await guarded_bus.as_app("hr")
    asked = [
        (f"{DIRECT_GET}.crm.r1", b""),
        ("$JS.API.DIRECT.GET.SW_CLEAR", b'{"seq": 1}'),
        ("$JS.API.STREAM.MSG.GET.SW_CLEAR", b'{"seq": 1}'),
        (f"{NEXT}.SW_INBOX.redactor-requests", b"1"),
        ("$JS.API.CONSUMER.CREATE.SW_CLEAR", b'{"stream_name": "SW_CLEAR", "config": {}}'),
        ("$JS.API.STREAM.NAMES", b""),
    ]
    for subject, payload in asked:
        with pytest.raises(DENIED):
            await ask(hr, subject, payload)
    for subject in (f"{RESTORED}.crm.*", f"{CHUNK}.crm.*", f"{RESTORED}.>", "sw.>", "_INBOX.>"):
        await hr.client.subscribe(subject)
    assert len(await hr.settled()) == len(asked) + 5


@pytest.mark.parametrize(
    "payload",
    [
        {"last_by_subj": f"{RESTORED}.crm.r1"},
        {"multi_last": [f"{RESTORED}.crm.>"]},
        {"seq": 1},
        {"next_by_subj": f"{RESTORED}.crm.>"},
        {"seq": 1, "next_by_subj": f"{RESTORED}.crm.>", "batch": 10},
    ],
)
async def test_a_look_up_of_ones_own_cannot_be_bent_to_another_apps_answer(
    guarded_bus: GuardedBus, payload: dict[str, object]
) -> None:
    await answered(guarded_bus, "crm")
    hr = await guarded_bus.as_app("hr")
    reply = await hr.client.request(f"{DIRECT_GET}.hr.r1", json.dumps(payload).encode(), timeout=5)
    assert reply.headers is not None
    assert reply.headers["Status"] in {"404", "408"}
    assert ANSWER not in reply.data


async def test_an_app_cannot_publish_for_another_app(guarded_bus: GuardedBus) -> None:
    hr = await guarded_bus.as_app("hr")
    subjects = (
        f"{SUBMITTED}.crm",
        f"{RESTORED}.crm.r1",
        f"{RESTORED}.hr.r1",
        f"{CHUNK}.crm.r1",
        REDACTED,
        "sw.meta.usage.recorded.default.hr.r1",
        "sw.meta.span.recorded.default.crm",
        "sw.meta.span.recorded.default.router",
        "sw.meta.cmd.billing.hold-request",
        "sw.masked.cmd.audit.record-read",
        "$JS.ACK.SW_INBOX.redactor-requests.1.1.1.1.0",
    )
    for subject in subjects:
        with pytest.raises(DENIED):
            await ask(hr, subject, b"forged", wait_s=0.1)
    assert len(await hr.settled()) == len(subjects)
    assert await stored(guarded_bus) == {}


async def test_an_app_cannot_listen_on_another_clients_inbox(guarded_bus: GuardedBus) -> None:
    hr = await guarded_bus.as_app("hr")
    for inbox in ("_INBOX.app-default-crm.>", "_INBOX.redactor.>", "_INBOX.>", "_R_.>", "$SYS.>"):
        await hr.client.subscribe(inbox)
    assert len(await hr.settled()) == 5


async def test_services_cannot_listen_on_each_others_inboxes(guarded_bus: GuardedBus) -> None:
    router = await guarded_bus.as_service("router")
    for inbox in ("_INBOX.redactor.>", "_INBOX.billing.>", "_INBOX.provision.>", "_INBOX.>"):
        await router.client.subscribe(inbox)
    assert len(await router.settled()) == 4


async def test_two_apps_whose_names_join_alike_do_not_share_an_inbox(
    guarded_bus: GuardedBus,
) -> None:
    let_in(guarded_bus, "a-b", "c")
    let_in(guarded_bus, "a", "b-c")
    secrets = guarded_bus.secrets
    first = await guarded_bus.sign_in(secrets.app_seed_file("a-b", "c"), "_INBOX.app-a-b-c")
    second = await guarded_bus.sign_in(secrets.app_seed_file("a", "b-c"), "_INBOX.app-a-b-c")
    overheard = await second.client.subscribe("_INBOX.app-a-b-c.>")
    await second.settled()
    assert b"stream" in await ask(first, "sw.clear.request.submitted.a-b.c", b"{}", wait_s=5)
    assert await second.settled() == []
    assert overheard.pending_msgs == 0


# --- forged reply and deliver subjects ----------------------------------------------------------

FORGED = (
    REDACTED,
    f"{SUBMITTED}.hr",
    f"{RESTORED}.hr.r9",
    f"{CHUNK}.hr.r9",
    "_INBOX.app-default-hr.guessed",
    "_INBOX.router.guessed",
    "sw.meta.cmd.billing.hold-request",
    "$JS.API.STREAM.PURGE.SW_CLEAR",
    "$JS.ACK.SW_INBOX.redactor-requests.1.1.1.1.0",
)


@pytest.mark.parametrize("forged", FORGED)
async def test_a_forged_reply_subject_of_an_app_reaches_nobody(
    guarded_bus: GuardedBus, forged: str
) -> None:
    crm = await guarded_bus.as_app("crm")
    hr = await guarded_bus.as_app("hr")
    router = await guarded_bus.as_service("router")
    billing = await guarded_bus.as_service("billing")
    live = await hr.client.subscribe(f"{RESTORED}.hr.*")
    victims = [
        live,
        await hr.client.subscribe("_INBOX.app-default-hr.>"),
        await hr.client.subscribe(f"{CHUNK}.hr.*"),
        await router.client.subscribe("_INBOX.router.>"),
        await billing.client.subscribe("sw.meta.cmd.billing.hold-request"),
    ]
    for user in (hr, router, billing):
        assert await user.settled() == []
    await answered(guarded_bus, "crm")

    # The one answer the app can steer: of the submission, and of a look-up of its own text.
    await crm.client.publish(f"{SUBMITTED}.crm", b"{}", reply=forged)
    await crm.client.publish(f"{DIRECT_GET}.crm.r1", b"", reply=forged)
    await crm.settled()
    await hr.settled()

    assert all(victim.pending_msgs == 0 for victim in victims)
    kept = await stored(guarded_bus)
    assert kept.pop(f"{RESTORED}.crm.r1") == 1
    assert kept.pop(f"{SUBMITTED}.crm", 1) == 1  # the app's own submission, as it may
    assert kept == {}
    # The victims did listen: what is really for them arrives.
    await answered(guarded_bus, "hr")
    assert (await live.next_msg(5)).data == ANSWER


async def test_a_service_cannot_name_a_deliver_subject(guarded_bus: GuardedBus) -> None:
    audit = await guarded_bus.as_service("audit")
    config = {"deliver_subject": f"{RESTORED}.crm.r1", "ack_policy": "none"}
    body = json.dumps({"stream_name": "SW_MASKED", "config": config}).encode()
    for call in ("CREATE.SW_MASKED", "CREATE.SW_MASKED.mine", "DURABLE.CREATE.SW_MASKED.mine"):
        with pytest.raises(DENIED):
            await ask(audit, f"$JS.API.CONSUMER.{call}", body, wait_s=0.2)
    assert len(await audit.settled()) == 3


async def test_a_caller_cannot_choose_where_a_service_publishes_its_reply(
    guarded_bus: GuardedBus,
) -> None:
    billing = await guarded_bus.as_service("billing")
    router = await guarded_bus.as_service("router")
    commands = await billing.client.subscribe("sw.meta.cmd.billing.hold-request", queue="billing")
    await billing.settled()
    await router.client.publish(
        "sw.meta.cmd.billing.hold-request", b"{}", reply=f"{RESTORED}.crm.r1"
    )
    command = await commands.next_msg(5)
    await command.respond(b"a hold")

    assert len(await billing.settled()) == 1
    assert await stored(guarded_bus) == {}


async def test_an_app_cannot_have_its_message_traced_to_a_subject_of_others(
    guarded_bus: GuardedBus,
) -> None:
    crm = await guarded_bus.as_app("crm")
    await crm.client.publish(
        f"{SUBMITTED}.crm", b"{}", headers={"Nats-Trace-Dest": f"{RESTORED}.hr.r1"}
    )
    await crm.settled()
    assert f"{RESTORED}.hr.r1" not in await stored(guarded_bus)


# --- the configuration --------------------------------------------------------------------------

IN_FORCE_PLACE = CONFIG.subject(IN_FORCE)


async def test_the_gateway_puts_a_version_in_force_and_its_readers_see_it(
    guarded_bus: GuardedBus,
) -> None:
    gateway = await guarded_bus.as_service("gateway")
    assert await replace(gateway.client, CONFIG, IN_FORCE, Entry(b"{}", 0))
    assert not await replace(gateway.client, CONFIG, IN_FORCE, Entry(b"an older one", 0))

    for reader in CONFIG.readers:
        user = await guarded_bus.as_service(reader)
        assert await read(user.client, CONFIG, IN_FORCE) == Entry(b"{}", 1)
        assert await user.settled() == []


async def test_nobody_but_the_gateway_can_put_a_version_in_force(guarded_bus: GuardedBus) -> None:
    gateway = await guarded_bus.as_service("gateway")
    await replace(gateway.client, CONFIG, IN_FORCE, Entry(b"{}", 0))
    users = [await guarded_bus.as_service(one) for one in (*SERVICES, OPERATOR) if one != "gateway"]
    users.append(await guarded_bus.as_app("crm"))
    asked = [
        (IN_FORCE_PLACE, b"forged"),
        (f"$JS.API.STREAM.PURGE.{CONFIG.stream}", b""),
        (f"$JS.API.STREAM.MSG.DELETE.{CONFIG.stream}", b'{"seq": 1}'),
        (f"$JS.API.STREAM.DELETE.{CONFIG.stream}", b""),
    ]
    for user in users:
        for subject, payload in asked:
            with pytest.raises(DENIED):
                await ask(user, subject, payload, wait_s=0.05)
        assert len(await user.settled()) == len(asked)

    assert await read(gateway.client, CONFIG, IN_FORCE) == Entry(b"{}", 1)


async def test_only_the_gateway_can_say_that_a_caller_has_left(guarded_bus: GuardedBus) -> None:
    place = "sw.meta.request.cancelled.default.crm.r1"
    router = await guarded_bus.as_service("router")
    heard = await router.client.subscribe("sw.meta.request.cancelled.*.*.*")
    assert await router.settled() == []
    for name in ("router", "redactor", "console", "operator"):
        user = await guarded_bus.as_service(name)
        with pytest.raises(DENIED):
            await ask(user, place, b"forged", wait_s=0.05)
    crm = await guarded_bus.as_app("crm")
    with pytest.raises(DENIED):
        await ask(crm, place, b"forged", wait_s=0.05)
    gateway = await guarded_bus.as_service("gateway")
    assert b"stream" in await ask(gateway, place, b"{}", wait_s=5)

    assert (await heard.next_msg(5)).data == b"{}"
    assert heard.pending_msgs == 0


# --- the rest -----------------------------------------------------------------------------------


async def test_the_operator_can_send_commands_and_nothing_else(guarded_bus: GuardedBus) -> None:
    operator = await guarded_bus.as_service("operator")
    asked = ("$JS.API.STREAM.INFO.SW_MASKED", "sw.meta.cmd.billing.hold-request", f"{NEXT}.A.b")
    for subject in asked:
        with pytest.raises(DENIED):
            await ask(operator, subject, wait_s=0.1)
    assert len(await operator.settled()) == len(asked)


async def test_provisioning_cannot_delete_purge_or_read_messages(guarded_bus: GuardedBus) -> None:
    provision = await guarded_bus.as_service(PROVISION)
    calls = ("STREAM.DELETE", "STREAM.PURGE", "STREAM.MSG.GET", "DIRECT.GET", "STREAM.SNAPSHOT")
    for call in calls:
        with pytest.raises(DENIED):
            await ask(provision, f"$JS.API.{call}.SW_CLEAR", wait_s=0.1)
    assert len(await provision.settled()) == len(calls)


async def test_an_app_that_comes_later_disturbs_nobody_who_is_connected(
    guarded_bus: GuardedBus,
) -> None:
    crm = await guarded_bus.as_app("crm")
    router = await guarded_bus.as_service("router")
    let_in(guarded_bus, "default", "later")

    later = await guarded_bus.as_app("later")
    assert b"stream" in await ask(later, f"{SUBMITTED}.later", b"{}", wait_s=5)
    assert b"stream" in await ask(crm, f"{SUBMITTED}.crm", b"{}", wait_s=5)
    assert crm.client.stats["reconnects"] == 0
    assert router.client.stats["reconnects"] == 0
