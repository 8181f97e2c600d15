"""The one enumeration of how a request can end badly.

    ErrorCode
    ├── refused   the platform decided not to do it      (ErrorCode.is_refusal)
    └── failed    the platform tried and could not       (the rest)

Every code says whether a retry can help, after how long, which HTTP status stands for it, and a
sentence in the caller's language with what was wrong and what to do. No sentence holds a value.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.contracts.event import Record
from shared.contracts.values import Language


class ErrorCode(StrEnum):
    """A reason that a caller, an analyst and a rule can all name alike."""

    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED = "unsupported"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNKNOWN_VERSION = "unknown_version"
    TOO_LARGE = "too_large"
    QUEUE_FULL = "queue_full"
    CONFLICT = "conflict"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    UNKNOWN_MODEL = "unknown_model"
    NO_CAPABLE_MODEL = "no_capable_model"
    CONTEXT_TOO_LONG = "context_too_long"
    SENSITIVITY_LOCAL_ONLY = "sensitivity_local_only"
    POLICY_RESIDENCY = "policy_residency"
    BUDGET_EXHAUSTED = "budget_exhausted"
    LEAK_CHECK = "leak_check"
    REDACTOR_UNAVAILABLE = "redactor_unavailable"
    BILLING_UNAVAILABLE = "billing_unavailable"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_REJECTED = "provider_rejected"
    STREAM_BROKEN = "stream_broken"
    BUS_UNAVAILABLE = "bus_unavailable"
    INTERNAL = "internal"

    @classmethod
    def _missing_(cls, value: object) -> "ErrorCode | None":
        """Read a code of a newer version as `internal`, so that codes can be added."""
        return cls.INTERNAL if isinstance(value, str) else None

    @property
    def is_refusal(self) -> bool:
        """Return whether the platform decided against the request, rather than failed at it."""
        return _FACTS[self].refusal

    @property
    def retryable(self) -> bool:
        """Return whether the same request may succeed later."""
        return _FACTS[self].retry_after_s is not None

    @property
    def retry_after_s(self) -> int | None:
        """Return how long a caller should wait before it tries again, in seconds."""
        return _FACTS[self].retry_after_s

    @property
    def http_status(self) -> int:
        """Return the HTTP status that stands for this code at the edge."""
        return _FACTS[self].http_status

    def sentence(self, language: Language = Language.ENGLISH) -> str:
        """Return what happened and what to do, in the caller's language (English if unknown)."""
        sentences = _SENTENCES[self]
        return sentences.get(_WRITTEN_AS.get(language, "en"), sentences["en"])


class ErrorDetail(Record):
    """How a request ended badly, as a caller sees it."""

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_s: int | None = None
    http_status: int

    @classmethod
    def of(cls, code: ErrorCode, language: Language = Language.ENGLISH) -> "ErrorDetail":
        """Return the detail of `code` with its sentence in `language`."""
        return cls(
            code=code,
            message=code.sentence(language),
            retryable=code.retryable,
            retry_after_s=code.retry_after_s,
            http_status=code.http_status,
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    refusal: bool
    http_status: int
    retry_after_s: int | None = None


_FACTS: Final = {
    ErrorCode.INVALID_REQUEST: _Facts(refusal=True, http_status=400),
    ErrorCode.UNSUPPORTED: _Facts(refusal=True, http_status=400),
    ErrorCode.UNAUTHENTICATED: _Facts(refusal=True, http_status=401),
    ErrorCode.FORBIDDEN: _Facts(refusal=True, http_status=403),
    ErrorCode.NOT_FOUND: _Facts(refusal=True, http_status=404),
    ErrorCode.UNKNOWN_VERSION: _Facts(refusal=True, http_status=400),
    ErrorCode.TOO_LARGE: _Facts(refusal=True, http_status=413),
    ErrorCode.QUEUE_FULL: _Facts(refusal=True, http_status=429, retry_after_s=5),
    ErrorCode.CONFLICT: _Facts(refusal=True, http_status=409),
    ErrorCode.DEADLINE: _Facts(refusal=True, http_status=504, retry_after_s=1),
    # nginx's number for a client that closed the connection; nobody is left to read it.
    ErrorCode.CANCELLED: _Facts(refusal=False, http_status=499),
    ErrorCode.UNKNOWN_MODEL: _Facts(refusal=True, http_status=404),
    ErrorCode.NO_CAPABLE_MODEL: _Facts(refusal=True, http_status=422),
    ErrorCode.CONTEXT_TOO_LONG: _Facts(refusal=True, http_status=413),
    ErrorCode.SENSITIVITY_LOCAL_ONLY: _Facts(refusal=True, http_status=403),
    ErrorCode.POLICY_RESIDENCY: _Facts(refusal=True, http_status=403),
    ErrorCode.BUDGET_EXHAUSTED: _Facts(refusal=True, http_status=429),
    ErrorCode.LEAK_CHECK: _Facts(refusal=True, http_status=422),
    ErrorCode.REDACTOR_UNAVAILABLE: _Facts(refusal=True, http_status=503, retry_after_s=5),
    ErrorCode.BILLING_UNAVAILABLE: _Facts(refusal=True, http_status=503, retry_after_s=5),
    ErrorCode.PROVIDER_UNAVAILABLE: _Facts(refusal=False, http_status=502, retry_after_s=10),
    ErrorCode.PROVIDER_REJECTED: _Facts(refusal=False, http_status=502),
    ErrorCode.STREAM_BROKEN: _Facts(refusal=False, http_status=502, retry_after_s=1),
    ErrorCode.BUS_UNAVAILABLE: _Facts(refusal=False, http_status=503, retry_after_s=5),
    ErrorCode.INTERNAL: _Facts(refusal=False, http_status=500, retry_after_s=10),
}

_WRITTEN_AS: Final = {
    Language.DANISH: "da",
    Language.BOKMAAL: "nb",
    Language.NYNORSK: "nb",
    Language.SWEDISH: "sv",
    Language.GERMAN: "de",
}

_SENTENCES: Final[dict[ErrorCode, dict[str, str]]] = {
    ErrorCode.INVALID_REQUEST: {
        "en": "The request breaks its contract. Compare it with docs/events.md and send it again.",
        "da": "Forespørgslen overholder ikke formatet. Ret den efter docs/events.md, og send igen.",
        "nb": "Forespørselen følger ikke formatet. Rett den etter docs/events.md og send på nytt.",
        "sv": "Begäran följer inte formatet. Rätta den enligt docs/events.md och skicka igen.",
        "de": "Die Anfrage verletzt ihr Format. Bitte nach docs/events.md berichtigen.",
    },
    ErrorCode.UNSUPPORTED: {
        "en": "The request asks for something that is not offered here. Leave that out.",
        "da": "Forespørgslen beder om noget, der ikke tilbydes her. Udelad det, og prøv igen.",
        "nb": "Forespørselen ber om noe som ikke tilbys her. Utelat det og prøv igjen.",
        "sv": "Begäran innehåller något som inte erbjuds här. Utelämna det och försök igen.",
        "de": "Die Anfrage verlangt etwas, das es hier nicht gibt. Bitte weglassen.",
    },
    ErrorCode.UNAUTHENTICATED: {
        "en": "The key is missing, unknown, expired or disabled. Ask an operator for a valid one.",
        "da": "Nøglen mangler, er ukendt, udløbet eller spærret. Bed driften om en gyldig.",
        "nb": "Nøkkelen mangler, er ukjent, utløpt eller sperret. Be driften om en gyldig.",
        "sv": "Nyckeln saknas, är okänd, har gått ut eller är spärrad. Be driften om en giltig.",
        "de": "Der Schlüssel fehlt, ist unbekannt, abgelaufen oder gesperrt. Bitte Betrieb fragen.",
    },
    ErrorCode.FORBIDDEN: {
        "en": "This key's role does not allow that. Ask whoever grants rights for another role.",
        "da": "Nøglens rolle tillader det ikke. Bed den, der tildeler rettigheder, om en anden.",
        "nb": "Nøkkelens rolle tillater det ikke. Be den som gir rettigheter, om en annen.",
        "sv": "Nyckelns roll tillåter inte det. Be den som ger rättigheter om en annan.",
        "de": "Die Rolle dieses Schlüssels erlaubt das nicht. Bitte eine andere erteilen lassen.",
    },
    ErrorCode.NOT_FOUND: {
        "en": "There is nothing by this name here. List what there is and correct the name.",
        "da": "Her findes intet med det navn. Vis, hvad der er, og ret navnet.",
        "nb": "Her finnes ingenting med det navnet. Vis hva som finnes, og rett navnet.",
        "sv": "Här finns inget med det namnet. Visa vad som finns och rätta namnet.",
        "de": "Unter diesem Namen gibt es hier nichts. Bitte auflisten und berichtigen.",
    },
    ErrorCode.UNKNOWN_VERSION: {
        "en": "The event's type or version is unknown here. Send one that docs/events.md lists.",
        "da": "Hændelsens type eller version er ukendt her. Brug en fra docs/events.md.",
        "nb": "Hendelsens type eller versjon er ukjent her. Bruk en fra docs/events.md.",
        "sv": "Händelsens typ eller version är okänd här. Använd en från docs/events.md.",
        "de": "Typ oder Version des Ereignisses ist hier unbekannt. Siehe docs/events.md.",
    },
    ErrorCode.TOO_LARGE: {
        "en": "The request is larger than the limit. Shorten it or split it.",
        "da": "Forespørgslen er større end grænsen. Forkort eller del den.",
        "nb": "Forespørselen er større enn grensen. Forkort eller del den.",
        "sv": "Begäran är större än gränsen. Förkorta eller dela den.",
        "de": "Die Anfrage überschreitet die Grenze. Bitte kürzen oder teilen.",
    },
    ErrorCode.QUEUE_FULL: {
        "en": "This app's queue is full. Send more slowly, or raise the app's queue limit.",
        "da": "Appens kø er fuld. Send langsommere, eller hæv appens kø-grænse.",
        "nb": "Appens kø er full. Send saktere, eller hev appens køgrense.",
        "sv": "Appens kö är full. Skicka långsammare, eller höj appens kögräns.",
        "de": "Die Warteschlange der App ist voll. Langsamer senden oder die Grenze anheben.",
    },
    ErrorCode.CONFLICT: {
        "en": "The same idempotency key came with another body. Use a new key for a new request.",
        "da": "Samme nøgle er brugt med et andet indhold. Brug en ny nøgle til en ny forespørgsel.",
        "nb": "Samme nøkkel er brukt med et annet innhold. Bruk en ny nøkkel.",
        "sv": "Samma nyckel har använts med annat innehåll. Använd en ny nyckel.",
        "de": "Derselbe Schlüssel wurde mit anderem Inhalt verwendet. Bitte einen neuen nehmen.",
    },
    ErrorCode.DEADLINE: {
        "en": "The request was not answered before its deadline. Try again or allow more time.",
        "da": "Forespørgslen blev ikke besvaret inden fristen. Prøv igen, eller giv mere tid.",
        "nb": "Forespørselen ble ikke besvart innen fristen. Prøv igjen, eller gi mer tid.",
        "sv": "Begäran besvarades inte inom tidsfristen. Försök igen, eller ge mer tid.",
        "de": "Die Anfrage wurde nicht rechtzeitig beantwortet. Bitte mehr Zeit geben.",
    },
    ErrorCode.CANCELLED: {
        "en": "The caller left before the answer was whole. What was used until then is charged.",
        "da": "Spørgeren forlod os, før svaret var helt. Forbruget indtil da afregnes.",
        "nb": "Spørreren forlot oss før svaret var helt. Forbruket til da avregnes.",
        "sv": "Den som frågade lämnade innan svaret var helt. Förbrukningen dittills debiteras.",
        "de": "Der Aufrufer ging vor dem Ende der Antwort. Das bis dahin Verbrauchte zählt.",
    },
    ErrorCode.UNKNOWN_MODEL: {
        "en": "No model has this name. `stellwerk model list` shows the names that can be used.",
        "da": "Ingen model har dette navn. `stellwerk model list` viser de navne, der kan bruges.",
        "nb": "Ingen modell har dette navnet. `stellwerk model list` viser navnene.",
        "sv": "Ingen modell har detta namn. `stellwerk model list` visar namnen.",
        "de": "Kein Modell hat diesen Namen. `stellwerk model list` zeigt die Namen.",
    },
    ErrorCode.NO_CAPABLE_MODEL: {
        "en": "No configured model can do this. Add one to config/models.yaml or ask for less.",
        "da": "Ingen opsat model kan dette. Tilføj en i config/models.yaml, eller bed om mindre.",
        "nb": "Ingen oppsatt modell kan dette. Legg til en i config/models.yaml.",
        "sv": "Ingen konfigurerad modell kan detta. Lägg till en i config/models.yaml.",
        "de": "Kein eingerichtetes Modell kann das. Eines in config/models.yaml ergänzen.",
    },
    ErrorCode.CONTEXT_TOO_LONG: {
        "en": "The text is longer than any allowed model can read. Shorten it or split it.",
        "da": "Teksten er længere, end nogen tilladt model kan læse. Forkort eller del den.",
        "nb": "Teksten er lengre enn noen tillatt modell kan lese. Forkort eller del den.",
        "sv": "Texten är längre än någon tillåten modell kan läsa. Förkorta eller dela den.",
        "de": "Der Text ist länger, als ein erlaubtes Modell lesen kann. Bitte kürzen.",
    },
    ErrorCode.SENSITIVITY_LOCAL_ONLY: {
        "en": "The text is sensitive and may go to local models only, and none is available now.",
        "da": "Teksten er følsom og må kun gå til lokale modeller, og ingen er klar nu.",
        "nb": "Teksten er sensitiv og kan bare gå til lokale modeller, og ingen er klar nå.",
        "sv": "Texten är känslig och får bara gå till lokala modeller, och ingen är redo nu.",
        "de": "Der Text ist schutzbedürftig: nur lokale Modelle, und keines ist verfügbar.",
    },
    ErrorCode.POLICY_RESIDENCY: {
        "en": "The policy keeps this data in its region, and no model there is available.",
        "da": "Politikken holder disse data i deres region, og ingen model dér er klar.",
        "nb": "Policyen holder disse dataene i sin region, og ingen modell der er klar.",
        "sv": "Policyn håller dessa data i sin region, och ingen modell där är redo.",
        "de": "Die Richtlinie hält diese Daten in ihrer Region; dort ist kein Modell verfügbar.",
    },
    ErrorCode.BUDGET_EXHAUSTED: {
        "en": "The budget does not cover this request. Ask the budget's owner to raise it.",
        "da": "Budgettet dækker ikke forespørgslen. Bed budgettets ejer om at hæve det.",
        "nb": "Budsjettet dekker ikke forespørselen. Be budsjetteieren om å heve det.",
        "sv": "Budgeten täcker inte begäran. Be budgetens ägare att höja den.",
        "de": "Das Budget deckt die Anfrage nicht. Bitte beim Verantwortlichen erhöhen lassen.",
    },
    ErrorCode.LEAK_CHECK: {
        "en": "A personal value was still present after masking, so nothing was sent. Tell IT.",
        "da": "En personoplysning stod tilbage efter maskering. Intet blev sendt. Kontakt IT.",
        "nb": "En personopplysning sto igjen etter maskering. Ingenting ble sendt. Kontakt IT.",
        "sv": "En personuppgift fanns kvar efter maskering, så inget skickades. Meddela IT.",
        "de": "Nach der Maskierung blieb ein personenbezogener Wert stehen; nichts wurde gesendet.",
    },
    ErrorCode.REDACTOR_UNAVAILABLE: {
        "en": "Masking is not available, so nothing was sent. Try again in a few seconds.",
        "da": "Maskering er ikke tilgængelig, så intet blev sendt. Prøv igen om lidt.",
        "nb": "Maskering er ikke tilgjengelig, så ingenting ble sendt. Prøv igjen om litt.",
        "sv": "Maskering är inte tillgänglig, så inget skickades. Försök igen om en stund.",
        "de": "Die Maskierung ist nicht verfügbar; nichts wurde gesendet. Bitte erneut versuchen.",
    },
    ErrorCode.BILLING_UNAVAILABLE: {
        "en": "The budget could not be checked before the deadline, so no model was called.",
        "da": "Budgettet kunne ikke kontrolleres inden fristen, så ingen model blev kaldt.",
        "nb": "Budsjettet kunne ikke kontrolleres innen fristen, så ingen modell ble kalt.",
        "sv": "Budgeten kunde inte kontrolleras inom tidsfristen, så ingen modell anropades.",
        "de": "Das Budget war vor Fristende nicht prüfbar; kein Modell wurde aufgerufen.",
    },
    ErrorCode.PROVIDER_UNAVAILABLE: {
        "en": "No provider that may be used answered. Try again shortly.",
        "da": "Ingen udbyder, der må bruges, svarede. Prøv igen om lidt.",
        "nb": "Ingen leverandør som kan brukes, svarte. Prøv igjen om litt.",
        "sv": "Ingen leverantör som får användas svarade. Försök igen om en stund.",
        "de": "Kein zulässiger Anbieter hat geantwortet. Bitte bald erneut versuchen.",
    },
    ErrorCode.PROVIDER_REJECTED: {
        "en": "The provider rejected the request. `stellwerk explain` names the class of error.",
        "da": "Udbyderen afviste forespørgslen. `stellwerk explain` viser fejlens art.",
        "nb": "Leverandøren avviste forespørselen. `stellwerk explain` viser feilens art.",
        "sv": "Leverantören avvisade begäran. `stellwerk explain` visar felets art.",
        "de": "Der Anbieter lehnte die Anfrage ab. `stellwerk explain` nennt die Fehlerart.",
    },
    ErrorCode.STREAM_BROKEN: {
        "en": "The answer broke off before its end. What arrived is not complete: ask again.",
        "da": "Svaret blev afbrudt. Det modtagne er ikke fuldstændigt: spørg igen.",
        "nb": "Svaret ble avbrutt. Det mottatte er ikke fullstendig: spør igjen.",
        "sv": "Svaret bröts av. Det mottagna är inte fullständigt: fråga igen.",
        "de": "Die Antwort brach ab. Das Empfangene ist unvollständig: bitte erneut fragen.",
    },
    ErrorCode.BUS_UNAVAILABLE: {
        "en": "The bus did not confirm the request. Sending it again with the same id is safe.",
        "da": "Bussen bekræftede ikke forespørgslen. Det er sikkert at sende igen med samme id.",
        "nb": "Bussen bekreftet ikke forespørselen. Det er trygt å sende den igjen med samme id.",
        "sv": "Bussen bekräftade inte begäran. Det är säkert att skicka igen med samma id.",
        "de": "Der Bus hat nicht bestätigt. Erneutes Senden mit derselben Id ist sicher.",
    },
    ErrorCode.INTERNAL: {
        "en": "Stellwerk could not finish the request. `stellwerk trace` shows where it stopped.",
        "da": "Stellwerk kunne ikke afslutte forespørgslen. `stellwerk trace` viser hvor.",
        "nb": "Stellwerk kunne ikke fullføre forespørselen. `stellwerk trace` viser hvor.",
        "sv": "Stellwerk kunde inte slutföra begäran. `stellwerk trace` visar var.",
        "de": "Stellwerk konnte die Anfrage nicht abschließen. `stellwerk trace` zeigt, wo.",
    },
}
