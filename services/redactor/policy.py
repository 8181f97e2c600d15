"""What the policy in force says about masking."""

from dataclasses import dataclass, field

from shared.contracts.masking import MaskingPolicy


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that one batch is masked by."""

    policy: MaskingPolicy = field(default_factory=MaskingPolicy)
