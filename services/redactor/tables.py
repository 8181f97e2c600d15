"""The table of the vault schema: the keys of the hours. No value from a request is stored."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, Table, text

metadata: Final = MetaData()

epoch_key: Final = Table(
    "epoch_key",
    metadata,
    # Hours since 1970 (UTC).
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    # Encrypted under the master key, which is in a secret file and in no database.
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
