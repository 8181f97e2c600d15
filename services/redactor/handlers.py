"""Events in, events out: requests are masked, answers and streamed pieces are restored."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from services.redactor import payload
from services.redactor.answering import Finished, result_of
from services.redactor.classification import classify
from services.redactor.domain import Masked, Masker, Memory
from services.redactor.in_force import InForce
from services.redactor.kinds import LITERAL
from services.redactor.leaking import leak_check
from services.redactor.placeholders import Known
from services.redactor.placeholders import Mapping as Placeholders
from services.redactor.policy import Rules
from services.redactor.settings import Settings
from services.redactor.streaming import Streams
from services.redactor.vault import sealing
from services.redactor.vault.keyring import Keyring
from services.redactor.vault.open_streams import OpenStreams
from services.redactor.vault.scopes import Scope, ScopeName, Scopes
from services.redactor.vault.sealing import Envelope, SealError
from services.redactor.vault.subjects import Subjects
from shared.bus import DependencyDown, GivenUp, Postponed
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
    LeakStopped,
    MaskedSubject,
    Operation,
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
BESIDE_ANSWER_BYTES_MAX: Final = 128 * 1024
"""What the envelope may take of a message that also holds the vectors or translations asked for."""
_SUBJECT_BYTES: Final = 320
_NOT_SCANNED: Final = {"id", "time", "cause", "request_id", "subjects", "fingerprint", "deadline"}


@dataclass(frozen=True, slots=True)
class _Hour:
    """The hour whose key seals now."""

    epoch: int
    key: bytes = field(repr=False)


class Redactor:
    """The redactor's handlers with what they share. Fails closed: what is not masked is refused."""

    def __init__(
        self,
        masker: Masker,
        keyring: Keyring,
        scopes: Scopes,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = now,
        in_force: InForce | None = None,
    ) -> None:
        self.streams = Streams(settings.streams_max)
        self._open_streams = OpenStreams(self.streams, scopes)
        self._in_force = in_force or InForce()
        self._masker = masker
        self._keyring = keyring
        self._scopes = scopes
        self._settings = settings
        self._clock = clock
        master = settings.master_key()
        self._fingerprints = sealing.derived_key(master, "fingerprint")
        self._subjects = Subjects(master)

    # --- on the way out ----------------------------------------------------------------------

    async def requests_submitted(self, events: Sequence[RequestSubmitted]) -> Sequence[Event]:
        """Mask requests, or refuse those that are late, too large, or not masked for certain.

        Single requests need no database. Those of cases and conversations wait while it is away,
        until their deadline.
        """
        hour = _Hour(*await self._keyring.current(self._clock().timestamp()))
        effects: list[Event] = []
        scoped: list[tuple[RequestSubmitted, ScopeName]] = []
        for event in events:
            name = ScopeName.of(event)
            if self._clock() >= _deadline(event):
                effects.append(self._refused(event, ErrorCode.DEADLINE))
            elif name is not None:
                scoped.append((event, name))
            else:
                effects += await self._in_turn(event, hour, None)
        if scoped:
            try:
                effects += await self._in_scopes(scoped, hour)
            except DependencyDown as error:
                waiting = {event.id for event, _ in scoped}
                raise Postponed(error.dependency, effects, waiting) from error
        return effects

    async def _in_scopes(
        self, requests: Sequence[tuple[RequestSubmitted, ScopeName]], hour: _Hour
    ) -> Sequence[Event]:
        """Mask turns of cases and conversations; nothing leaves before it is in the vault."""
        effects: list[Event] = []
        last_day = self._clock().date() + timedelta(days=self._in_force.rules.policy.scope_days)
        async with self._scopes.in_hand((name for _, name in requests), last_day) as scopes:
            for event, name in requests:
                effects += await self._in_turn(event, hour, scopes[name])
        for event, name in requests:
            scope = scopes[name]
            if event.stream and event.request_id in scope.used:
                codes = scope.used[event.request_id]
                self._open_streams.note(event.request_id, scope.id, codes, _deadline(event))
        return effects

    async def _in_turn(
        self, event: RequestSubmitted, hour: _Hour, scope: Scope | None
    ) -> Sequence[Event]:
        if _characters(event) > THREAD_CHARS_MIN:
            return await asyncio.to_thread(self._redacted, event, hour, scope)
        await asyncio.sleep(0)  # Streams and heartbeats go on between two requests.
        return self._redacted(event, hour, scope)

    def _redacted(
        self, event: RequestSubmitted, hour: _Hour, scope: Scope | None
    ) -> Sequence[Event]:
        if scope is not None and scope.is_full:
            return [self._refused(event, ErrorCode.TOO_LARGE)]
        if (code := payload.unfit(event)) is not None:
            return [self._refused(event, code)]
        rules = self._in_force.rules.for_tenant(event.tenant)
        memory = scope.memory(event.request_id) if scope else Memory(salt=self._salt(event))
        masked = self._masker.mask(payload.texts_of(event), rules=rules, memory=memory)
        redacted = self._request(event, masked, rules)
        mapping = masked.mapping
        envelope = Envelope(
            mapping,
            request_digest(event),
            scope.id if scope else None,
            answer_language=event.target_language,
        )
        nonce = os.urandom(sealing.NONCE_BYTES)
        sealed = sealing.seal(hour.key, hour.epoch, nonce, event.request_id, envelope)
        scanned = redacted.model_dump_json(exclude=_NOT_SCANNED).encode()
        size = len(scanned) + len(sealed) + len(redacted.subjects) * _SUBJECT_BYTES
        with_answer = len(sealed) if event.operation is not Operation.CHAT else 0
        if size > MESSAGE_BYTES_MAX or with_answer > BESIDE_ANSWER_BYTES_MAX:
            return [self._refused(event, ErrorCode.TOO_LARGE, mapping.language)]
        if leaking := leak_check(scanned, masked.surfaces):
            refused = self._refused(event, ErrorCode.LEAK_CHECK, mapping.language)
            stopped = LeakStopped.following(event, types=tuple(sorted(leaking)))
            return [refused.with_sealed(sealed), stopped]
        if event.stream:
            self.streams.expect(event.request_id, mapping)
        if scope is not None:
            scope.learn(event.request_id, masked)
        return [redacted.with_sealed(sealed)]

    def _salt(self, event: RequestSubmitted) -> bytes:
        return sealing.keyed_hash(self._fingerprints, f"salt/{event.request_id}").encode()

    def _request(self, event: RequestSubmitted, masked: Masked, rules: Rules) -> RequestRedacted:
        fields = payload.rewritten(event, masked)  # Before the mapping is read: it adds to it.
        classified = classify(masked, event, rules, self._clock().date())
        return RequestRedacted.following(
            event,
            config_version=rules.version,
            **fields,
            language=Language(masked.mapping.language or Language.UNDETERMINED),
            sensitivity=classified.sensitivity,
            classification=classified.account,
            subjects=tuple(self._masked_subjects(event.tenant, masked.mapping)),
            fingerprint=sealing.keyed_hash(self._fingerprints, request_digest(event)),
            deadline=_deadline(event),
            redactor=self._settings.replica,
        )

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

    def _masked_subjects(self, tenant: str, mapping: Placeholders) -> Iterator[MaskedSubject]:
        for code, entry in mapping.items():
            if entry.type != LITERAL:
                hmacs = self._subjects.hashes(tenant, entry.type, entry.value)
                yield MaskedSubject(placeholder=code, type=entry.type, hmacs=hmacs)

    def request_given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Refuse a request that could not be read or masked; its caller is told at once."""
        asked = letter.event if isinstance(letter.event, RequestSubmitted) else None
        stream, user = (asked.stream, asked.user) if asked else (False, None)
        return [letter.following(RequestRefused, code=letter.code, stream=stream, user=user)]

    # --- on the way back ---------------------------------------------------------------------

    async def completions_finished(self, events: Sequence[Finished]) -> Sequence[Event]:
        """Put the real values back and give every request its one result.

        Values of cases and conversations come from the vault, each time: what was erased there
        is not restored any more.
        """
        epochs = {_epoch_of(event) for event in events} - {None}
        keys = await self._keyring.of(epoch for epoch in epochs if epoch is not None)
        results: list[Event] = []
        scoped: list[tuple[Finished, Envelope]] = []
        for event in events:
            envelope = _opened(event, keys)
            if envelope is not None and envelope.scope is not None:
                scoped.append((event, envelope))
            else:
                results.append(result_of(event, envelope, self._in_force.rules))
                await asyncio.sleep(0)
        if scoped:
            try:
                results += await self._from_vault(scoped)
            except DependencyDown as error:
                waiting = {event.id for event, _ in scoped}
                raise Postponed(error.dependency, results, waiting) from error
        return results

    async def _from_vault(self, answers: Sequence[tuple[Finished, Envelope]]) -> Sequence[Event]:
        held = await self._scopes.values(
            envelope.scope for _, envelope in answers if envelope.scope is not None
        )
        results = []
        for event, envelope in answers:
            filled = _filled(envelope, held.get(envelope.scope or 0, {}))
            results.append(result_of(event, filled, self._in_force.rules))
            await asyncio.sleep(0)
        return results

    def completion_given_up(self, letter: GivenUp) -> Sequence[Event]:
        """Fail a request whose answer could not be read or restored."""
        return [
            letter.following(
                CompletionRestored, outcome=Outcome.FAILED, error=ErrorDetail.of(letter.code)
            )
        ]

    async def look_at_streams(self) -> None:
        """End the streams of which a value was erased."""
        await self._open_streams.look(self._clock())

    async def chunks_produced(self, chunks: Sequence[ChunkProduced]) -> Sequence[ChunkRestored]:
        """Restore pieces of streamed answers; each goes on in the order it came."""
        return [restored for chunk in chunks for restored in self.streams.restore(chunk)]


def _characters(event: RequestSubmitted) -> int:
    return sum(map(len, payload.texts_of(event)))


def _deadline(event: RequestSubmitted) -> datetime:
    return event.received_at + timedelta(milliseconds=event.timeout_ms)


def _epoch_of(event: Finished) -> int | None:
    try:
        return sealing.epoch_in(event.sealed or "")
    except SealError:
        return None


def _opened(event: Finished, keys: Mapping[int, bytes]) -> Envelope | None:
    try:
        return sealing.unseal(keys, event.sealed or "", event.request_id)
    except SealError:
        return None


def _filled(envelope: Envelope, held: Mapping[str, Known]) -> Envelope | None:
    """Return the envelope with its values from the vault; None if one of them was erased.

    Only what this request used is in it: an answer that names another placeholder of the case,
    which its app may have been told by somebody, does not get the value behind it.
    """
    values = [held[code] for code in envelope.codes if code in held]
    if len(values) < len(envelope.codes):
        return None
    entries = [(known.code, known.type, known.value) for known in values]
    empty = envelope.mapping
    return replace(envelope, mapping=Placeholders.load(entries, empty.language, empty.naming))
