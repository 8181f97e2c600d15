"""Events in, events out: requests are masked, answers and streamed pieces are restored."""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.redactor import payload
from services.redactor.answering import Finished, result_of
from services.redactor.classification import classify
from services.redactor.domain import Masker
from services.redactor.in_force import InForce
from services.redactor.kinds import LITERAL
from services.redactor.leaking import leak_check
from services.redactor.placeholders import Mapping
from services.redactor.settings import Settings
from services.redactor.streaming import Streams
from services.redactor.vault import sealing
from services.redactor.vault.keyring import Keyring
from services.redactor.vault.sealing import Envelope, SealError
from shared.bus import GivenUp
from shared.contracts.completions import (
    ChunkProduced,
    ChunkRestored,
    CompletionRestored,
    Outcome,
)
from shared.contracts.errors import ErrorCode, ErrorDetail
from shared.contracts.event import Event
from shared.contracts.requests import (
    PAYLOAD_BYTES_MAX,
    MaskedSubject,
    RequestRedacted,
    RequestRefused,
    RequestSubmitted,
    request_digest,
)
from shared.contracts.values import Language, now

THREAD_CHARS_MIN: Final = 20_000
"""A longer request takes more than some milliseconds, so it is masked beside the event loop."""
MESSAGE_BYTES_MAX: Final = 2 * PAYLOAD_BYTES_MAX - 16 * 1024
"""What a masked request and its envelope may take of one message; the rest is for the frame."""
_SUBJECT_BYTES: Final = 320
_NOT_SCANNED: Final = {"id", "time", "cause", "request_id", "subjects", "fingerprint", "deadline"}


class Redactor:
    """The redactor's handlers with what they share. Fails closed: what is not masked is refused."""

    def __init__(
        self,
        masker: Masker,
        keyring: Keyring,
        settings: Settings,
        clock: Callable[[], datetime] = now,
        in_force: InForce | None = None,
    ) -> None:
        self.streams = Streams(settings.streams_max)
        self._in_force = in_force or InForce()
        self._masker = masker
        self._keyring = keyring
        self._master = settings.master_key()
        self._settings = settings
        self._clock = clock
        self._fingerprints = sealing.derived_key(self._master, "fingerprint")
        self._subjects: dict[str, bytes] = {}

    # --- on the way out ----------------------------------------------------------------------

    async def requests_submitted(self, events: Sequence[RequestSubmitted]) -> Sequence[Event]:
        """Mask requests, or refuse those that are late, too large, or not masked for certain."""
        epoch, key = await self._keyring.current(self._clock().timestamp())
        effects: list[Event] = []
        for event in events:
            if _characters(event) > THREAD_CHARS_MIN:
                effects.append(await asyncio.to_thread(self._redacted, event, epoch, key))
            else:
                effects.append(self._redacted(event, epoch, key))
                await asyncio.sleep(0)  # Streams and heartbeats go on between two requests.
        return effects

    def _redacted(self, event: RequestSubmitted, epoch: int, key: bytes) -> Event:
        deadline = event.received_at + timedelta(milliseconds=event.timeout_ms)
        if self._clock() >= deadline:
            return self._refused(event, ErrorCode.DEADLINE)
        rules = self._in_force.rules.for_tenant(event.tenant)
        masked = self._masker.mask(payload.texts_of(event), rules=rules)
        fields = payload.rewritten(event, masked)  # Before sealing: it adds to the map.
        classified = classify(masked, event, rules, self._clock().date())
        digest = request_digest(event)
        sealed = sealing.seal(
            key,
            epoch,
            os.urandom(sealing.NONCE_BYTES),
            event.request_id,
            Envelope(masked.mapping, digest),
        )
        redacted = RequestRedacted.following(
            event,
            config_version=rules.version,
            **fields,
            language=Language(masked.mapping.language or Language.UNDETERMINED),
            sensitivity=classified.sensitivity,
            classification=classified.account,
            subjects=self._masked_subjects(event.tenant, masked.mapping),
            fingerprint=sealing.keyed_hash(self._fingerprints, digest),
            deadline=deadline,
            redactor=self._settings.replica,
        )
        scanned = redacted.model_dump_json(exclude=_NOT_SCANNED).encode()
        size = len(scanned) + len(sealed) + len(redacted.subjects) * _SUBJECT_BYTES
        if size > MESSAGE_BYTES_MAX:
            return self._refused(event, ErrorCode.TOO_LARGE, masked.mapping.language)
        if leak_check(scanned, masked.surfaces):
            refused = self._refused(event, ErrorCode.LEAK_CHECK, masked.mapping.language)
            return refused.with_sealed(sealed)
        if event.stream:
            self.streams.expect(event.request_id, masked.mapping)
        return redacted.with_sealed(sealed)

    def _refused(
        self, event: RequestSubmitted, code: ErrorCode, language: str | None = None
    ) -> RequestRefused:
        return RequestRefused.following(
            event,
            code=code,
            language=Language(language or Language.UNDETERMINED),
            stream=event.stream,
            redactor=self._settings.replica,
            user=event.user,
        )

    def _masked_subjects(self, tenant: str, mapping: Mapping) -> tuple[MaskedSubject, ...]:
        key = self._subjects.get(tenant)
        if key is None:
            key = sealing.derived_key(self._master, f"subjects/{tenant}")
            self._subjects[tenant] = key
        return tuple(
            MaskedSubject(
                placeholder=code,
                type=entry.type,
                hmacs=sealing.subject_hashes(key, entry.type, entry.value),
            )
            for code, entry in mapping.items()
            if entry.type != LITERAL
        )

    def request_given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Refuse a request that could not be read or masked; its caller is told at once."""
        asked = letter.event if isinstance(letter.event, RequestSubmitted) else None
        stream, user = (asked.stream, asked.user) if asked else (False, None)
        return [letter.following(RequestRefused, code=letter.code, stream=stream, user=user)]

    # --- on the way back ---------------------------------------------------------------------

    async def completions_finished(self, events: Sequence[Finished]) -> Sequence[Event]:
        """Put the real values back and give every request its one result."""
        epochs = {_epoch_of(event) for event in events} - {None}
        keys = await self._keyring.of(epoch for epoch in epochs if epoch is not None)
        results: list[Event] = []
        for event in events:
            try:
                envelope = sealing.unseal(keys, event.sealed or "", event.request_id)
            except SealError:
                envelope = None
            results.append(result_of(event, envelope, self._in_force.rules))
            await asyncio.sleep(0)
        return results

    def completion_given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Fail a request whose answer could not be read or restored."""
        return [
            letter.following(
                CompletionRestored, outcome=Outcome.FAILED, error=ErrorDetail.of(letter.code)
            )
        ]

    async def chunks_produced(self, chunks: Sequence[ChunkProduced]) -> Sequence[ChunkRestored]:
        """Restore pieces of streamed answers; each goes on in the order it came."""
        return [restored for chunk in chunks for restored in self.streams.restore(chunk)]


def _characters(event: RequestSubmitted) -> int:
    return sum(map(len, payload.texts_of(event)))


def _epoch_of(event: Finished) -> int | None:
    try:
        return sealing.epoch_in(event.sealed or "")
    except SealError:
        return None
