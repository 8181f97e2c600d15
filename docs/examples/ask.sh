#!/bin/sh
# Plain HTTP: a whole answer, a streamed one, and the models there are.
set -eu
header="Authorization: Bearer $STELLWERK_KEY"
body='{
  "model": "'"${MODEL:-auto}"'",
  "messages": [{"role": "user", "content": "Jeg er Karla Eksempel. Skriv et kort svar til mig."}],
  "max_tokens": 60
}'

curl --silent --show-error --fail-with-body "$STELLWERK_BASE_URL/models" --header "$header"
echo
curl --silent --show-error --fail-with-body "$STELLWERK_BASE_URL/chat/completions" \
  --header "$header" --json "$body"
echo
curl --silent --show-error --fail-with-body --no-buffer "$STELLWERK_BASE_URL/chat/completions" \
  --header "$header" --json "${body%\}}, \"stream\": true}"
