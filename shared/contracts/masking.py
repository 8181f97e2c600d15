"""What policy.yaml may state about masking: how placeholders read, what is lowered, who may see."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.contracts.requests import ToolName
from shared.contracts.values import Language, Sensitivity, Token

SCOPE_DAYS_DEFAULT: Final = 90
SCOPE_DAYS_MAX: Final = 3650

LabelWord = Annotated[str, StringConstraints(pattern=r"^[A-Za-zÄÖÅÆØäöåæøßÉé]{2,20}$")]
"""The word of a placeholder: letters only, so that no sign in it is lost or escaped by a model."""


def _known_level(value: object) -> object:
    # Readers of events take an unknown level for the strictest; here it is a slip of the pen.
    if isinstance(value, str) and value not in set(Sensitivity):
        raise ValueError(f"the levels are {', '.join(Sensitivity)}")
    return value


Level = Annotated[Sensitivity, BeforeValidator(_known_level)]


class Style(StrEnum):
    """How placeholders read."""

    NUMBERED = "numbered"
    """`Klient_001`: numbered in the order of reading, within one request, case or conversation."""
    COMPACT = "compact"
    """`PERSON-7Q3`: short, and says nothing about how many there are."""


class Bias(StrEnum):
    """What to do about what may be personal and may be not."""

    PRECISE = "precise"
    """Mask what is nearly certain; more is missed."""
    BALANCED = "balanced"
    THOROUGH = "thorough"
    """Mask whatever may be personal; more of what is not is masked too."""


class Override(BaseModel):
    """Lets an app's texts travel further than they were judged, until a day, for a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    app: Token
    use_case: Token | None = None
    to: Level
    reason: Token
    until: date
    """The last day (UTC) on which it holds."""


class MaskingPolicy(BaseModel):
    """The section `masking` of policy.yaml. There is no switch that turns masking off."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    style: Style = Style.NUMBERED
    labels: dict[Token, dict[Language, LabelWord]] = Field(default_factory=dict)
    """By kind and language; what is not stated here keeps the shipped word."""
    bias: Bias = Bias.BALANCED
    tools: tuple[ToolName, ...] | Literal["any"] = ()
    """Functions whose arguments get the real values back; others keep placeholders."""
    media: Level = Sensitivity.SPECIAL
    """What images, audio and unknown parts are, which nobody can mask."""
    scope_days: int = Field(default=SCOPE_DAYS_DEFAULT, ge=1, le=SCOPE_DAYS_MAX)
    """How long a case or conversation is remembered after it was last used."""
    overrides: tuple[Override, ...] = ()
