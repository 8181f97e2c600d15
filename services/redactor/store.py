"""All SQL of the vault: which key seals in which hour."""

from collections.abc import Iterable
from typing import Final

from shared.db import Transaction

_CLAIM: Final = """
INSERT INTO epoch_key (epoch, wrapped) VALUES ($1, $2) ON CONFLICT (epoch) DO NOTHING
"""
_WRAPPED: Final = "SELECT epoch, wrapped FROM epoch_key WHERE epoch = ANY($1::bigint[])"
_DESTROY: Final = "DELETE FROM epoch_key WHERE epoch < $1 RETURNING epoch"


async def claim(tx: Transaction, epoch: int, wrapped: bytes) -> bytes:
    """Return the wrapped key of an hour: `wrapped`, unless another replica was first."""
    await tx.execute(_CLAIM, epoch, wrapped)
    return (await wrapped_keys(tx, [epoch]))[epoch]


async def wrapped_keys(tx: Transaction, epochs: Iterable[int]) -> dict[int, bytes]:
    """Return the wrapped keys of these hours; what is missing has been destroyed."""
    rows = await tx.fetch(_WRAPPED, list(epochs))
    return {row["epoch"]: row["wrapped"] for row in rows}


async def destroy_before(tx: Transaction, epoch: int) -> list[int]:
    """Destroy the keys of all hours before `epoch` and return which there were."""
    return [row["epoch"] for row in await tx.fetch(_DESTROY, epoch)]
