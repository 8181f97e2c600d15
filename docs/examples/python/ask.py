"""OpenAI's own client; only the address and the key are Stellwerk's."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ["STELLWERK_BASE_URL"],  # http://127.0.0.1:4080/v1
    api_key=os.environ["STELLWERK_KEY"],
)
model = os.environ.get("MODEL", "auto")
question = "Jeg er Karla Eksempel. Skriv et kort svar til mig."

answer = client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": question}], max_tokens=60
)
print(answer.choices[0].message.content)

stream = client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": question}], max_tokens=60, stream=True
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
