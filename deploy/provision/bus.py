"""Streams, buckets and consumers on NATS, made what the catalogue says.

Services declare nothing at start: nats-py would silently keep a consumer whose settings have
changed, and other libraries overwrite a stream.
"""

from typing import Final

from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from deploy.provision.changes import Change
from shared.contracts.catalog import CONSUMERS, Consumer, stream_subjects
from shared.contracts.stores import BUCKETS, STREAMS, Bucket, Stream

UNACKNOWLEDGED_FACTOR: Final = 16
"""Messages that all replicas of a service together may hold, in batches: room for 16 replicas."""
BUCKET_DUPLICATE_WINDOW_S: Final = 120
"""The server's own; stated, since everything is that is compared."""


async def provision_bus(js: JetStreamContext, *, replicas: int, apply: bool) -> list[Change]:
    """Make streams, buckets and consumers what the catalogue says and return the differences.

    With `apply` false nothing is changed. A consumer is updated in place and keeps its position.
    """
    changes: list[Change] = []
    for stream in STREAMS:
        changes += await _provision_stream(js, stream_config(stream, replicas), apply=apply)
    for bucket in BUCKETS:
        changes += await _provision_stream(js, bucket_config(bucket, replicas), apply=apply)
    for consumer in CONSUMERS:
        changes += await _provision_consumer(js, consumer, apply=apply)
    return changes


async def _provision_stream(
    js: JetStreamContext, wanted: StreamConfig, *, apply: bool
) -> list[Change]:
    name = str(wanted.name)
    try:
        found = (await js.stream_info(name)).config
    except NotFoundError:
        if apply:
            await js.add_stream(wanted)
        return [Change(f"stream {name}", "created")]
    differing = _differing(wanted, found)
    if differing and apply:
        await js.update_stream(wanted)
    return [Change(f"stream {name}: {setting}", "updated") for setting in differing]


async def _provision_consumer(
    js: JetStreamContext, consumer: Consumer, *, apply: bool
) -> list[Change]:
    wanted = consumer_config(consumer)
    try:
        found = (await js.consumer_info(consumer.stream.name, consumer.name)).config
    except NotFoundError:
        if apply:
            await js.add_consumer(consumer.stream.name, wanted)
        return [Change(f"consumer {consumer.name}", "created")]
    differing = _differing(wanted, found)
    if differing and apply:
        await js.add_consumer(consumer.stream.name, wanted)
    return [Change(f"consumer {consumer.name}: {name}", "updated") for name in differing]


def stream_config(stream: Stream, replicas: int) -> StreamConfig:
    """Return a stream's settings as the server wants them; every one that matters is named."""
    return StreamConfig(
        name=stream.name,
        subjects=list(stream_subjects(stream)),
        retention=RetentionPolicy.WORK_QUEUE if stream.work_queue else RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        # A full stream refuses what is new; dropping what is old would lose accepted requests.
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=stream.per_subject_max is not None,
        max_msgs_per_subject=stream.per_subject_max or -1,
        max_age=stream.max_age_s,
        max_bytes=stream.bytes_max,
        max_msg_size=stream.message_bytes_max,
        duplicate_window=stream.duplicate_window_s,
        num_replicas=replicas,
        allow_direct=stream.direct_get,
    )


def bucket_config(bucket: Bucket, replicas: int) -> StreamConfig:
    """Return the stream behind a bucket, as NATS' own key-value clients know it."""
    return StreamConfig(
        name=bucket.stream,
        subjects=[bucket.subject(">")],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_msgs_per_subject=1,
        max_bytes=bucket.bytes_max,
        max_msg_size=bucket.value_bytes_max,
        duplicate_window=BUCKET_DUPLICATE_WINDOW_S,
        num_replicas=replicas,
        allow_direct=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
    )


def consumer_config(consumer: Consumer) -> ConsumerConfig:
    """Return a consumer's settings. The server never gives up: our bus counts attempts itself."""
    filters = list(consumer.filters)
    return ConsumerConfig(
        durable_name=consumer.name,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait_s,
        max_deliver=-1,
        max_ack_pending=consumer.batch_max * UNACKNOWLEDGED_FACTOR,
        filter_subject=filters[0] if len(filters) == 1 else None,
        filter_subjects=filters if len(filters) > 1 else None,
    )


def _differing(wanted: StreamConfig | ConsumerConfig, found: object) -> list[str]:
    """Return the settings that are stated in `wanted` and not so in `found`."""
    stated = {name: value for name, value in vars(wanted).items() if value is not None}
    return sorted(name for name, value in stated.items() if getattr(found, name, None) != value)
