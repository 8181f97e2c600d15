"""What the catalogue grants, read from the permissions themselves."""

import pytest

from deploy.provision.accounts import App, accounts_text, core_users
from deploy.provision.permissions import (
    app_imports,
    app_permissions,
    exported_services,
    exported_streams,
    service_permissions,
)
from shared.contracts.catalog import CONSUMERS, SERVICES
from shared.contracts.stores import BUCKETS, Bucket

DIRECT = "$JS.API.DIRECT.GET"
READABLE = {
    service: ["SW_CLEAR"] * (service == "gateway")
    + ["SW_META.sw.meta.request.cancelled"] * (service == "router")
    + [bucket.stream for bucket in BUCKETS if service in (bucket.writer, *bucket.readers)]
    for service in SERVICES
}
KEYS = {user: f"U{user.upper()}" for user in core_users()}


def test_the_router_is_granted_nothing_clear_in_either_direction() -> None:
    router = service_permissions("router")
    for subject in (*router.publish, *router.subscribe):
        assert not subject.startswith("sw.clear")
        assert "SW_INBOX" not in subject
        assert "SW_CLEAR" not in subject


def test_only_the_redactor_and_the_gateway_are_granted_clear_subjects() -> None:
    granted = {
        service
        for service in SERVICES
        for subject in (
            *service_permissions(service).publish,
            *service_permissions(service).subscribe,
        )
        if subject.startswith("sw.clear")
    }
    assert granted == {"redactor", "gateway"}


def test_the_gateway_is_granted_what_apps_are_and_nothing_masked() -> None:
    gateway = service_permissions("gateway")
    assert not any("masked" in subject for subject in (*gateway.publish, *gateway.subscribe))
    clear = {subject for subject in gateway.subscribe if subject.startswith("sw.clear.c")}
    assert clear - {"sw.clear.cmd.gateway.config-apply", "sw.clear.cmd.gateway.config-read"} == {
        "sw.clear.completion.restored.*.*.*",
        "sw.clear.chunk.restored.*.*.*",
    }


@pytest.mark.parametrize("bucket", BUCKETS, ids=lambda each: each.name)
def test_a_bucket_is_written_by_its_one_writer_and_read_by_its_readers(bucket: Bucket) -> None:
    key = bucket.subject("*")
    writers = {one for one in SERVICES if key in service_permissions(one).publish}
    look = f"$JS.API.DIRECT.GET.{bucket.stream}.{key}"
    readers = {one for one in SERVICES if look in service_permissions(one).publish}
    assert writers == {bucket.writer}
    assert readers == {bucket.writer, *bucket.readers}


@pytest.mark.parametrize("user", sorted(core_users()))
def test_no_user_of_the_services_is_granted_a_wildcard_above_its_own_part(user: str) -> None:
    can = core_users()[user]
    for subject in (*can.publish, *can.subscribe):
        assert not subject.startswith((">", "*", "sw.*", "sw.>", "_INBOX.*", "_INBOX.>", "$SYS"))
    for subject in can.publish:
        assert not subject.endswith(">") or subject.startswith(("$JS.", "_INBOX.", "_R_."))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_talks_to_jetstream_about_its_own_consumers_only(service: str) -> None:
    own = {f"{c.stream.name}.{c.name}" for c in CONSUMERS if c.service == service}
    for subject in service_permissions(service).publish:
        if subject in {f"{DIRECT}.{bucket.stream}" for bucket in BUCKETS}:
            # Replicas find each other in a bucket that they alone write; in no other one.
            (bucket,) = (one for one in BUCKETS if subject == f"{DIRECT}.{one.stream}")
            assert service == bucket.writer
            assert service in bucket.readers
        elif subject.startswith("$JS.API.DIRECT.GET."):
            assert subject.startswith(tuple(f"{DIRECT}.{stream}." for stream in READABLE[service]))
        elif subject.startswith("$JS."):
            place = subject.removesuffix(".>").split(".")[-2:]
            assert ".".join(place) in own


def test_every_subject_of_an_app_holds_its_own_tokens() -> None:
    can = app_permissions("default", "crm")
    for subject in (*can.publish, *can.subscribe):
        assert ".default.crm" in subject or subject == "_INBOX.app-default-crm.>"


def test_what_an_app_imports_lies_within_what_the_services_export() -> None:
    imports = app_imports("default", "crm")
    for subject in imports.services:
        assert any(matches(export, subject) for export in exported_services())
    for subject in imports.streams:
        assert any(matches(export, subject) for export in exported_streams())


def test_a_user_without_a_key_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="router"):
        accounts_text({name: key for name, key in KEYS.items() if name != "router"}, [])


def test_the_text_does_not_depend_on_the_order_of_apps() -> None:
    apps = [App("default", "crm", "UCRM"), App("default", "hr", "UHR")]
    assert accounts_text(KEYS, apps) == accounts_text(KEYS, reversed(apps))


@pytest.mark.parametrize("name", [*SERVICES, "operator", "provision"])
def test_an_app_cannot_take_the_name_of_a_service(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        App("default", name, "UKEY")


@pytest.mark.parametrize("token", ["", "a.b", "a b", "*", ">", "A", 'x" }', "../x"])
def test_an_app_whose_name_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        App("default", token, "UKEY")
    with pytest.raises(ValueError, match="token"):
        App(token, "crm", "UKEY")


def matches(pattern: str, subject: str) -> bool:
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(
        want in ("*", token) for want, token in zip(wanted, given, strict=True)
    )
