"""A streamed answer over the bus with the client of this repository."""

import asyncio
import os

from stellwerk import Client
from stellwerk.errors import NoAnswer


async def main() -> None:
    async with Client(
        os.environ["NATS_URL"], app=os.environ["APP"], seed_file=os.environ["SEED_FILE"]
    ) as client:
        stream = client.stream(
            "Jeg er Karla Eksempel. Skriv et kort svar til mig.",
            model=os.environ.get("MODEL", "auto"),
            max_tokens=60,
        )
        try:
            async for piece in stream:
                print(piece, end="", flush=True)
        except NoAnswer as refused:
            raise SystemExit(f"{refused.code}: {refused}") from None
        answer = await stream.answer()
        print(f"\n{answer.model}, {answer.masked_count} values masked, {answer.cost}")


asyncio.run(main())
