"""What provisioning found and did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differed from what it should be, and what was done about it."""

    what: str
    done: str
