// A streamed answer over the bus, with a NATS client and nothing else. The wire is described in
// docs/app-developers/raw-nats.md, every field in docs/events.md.
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, headers, nkeyAuthenticator } from '@nats-io/transport-node'

const { NATS_URL, SEED_FILE, APP, TENANT = 'default', MODEL = 'auto' } = process.env
const ANSWER_MS_MAX = 60_000
const SILENCE_MS_MAX = 15_000

const seed = new TextEncoder().encode(readFileSync(SEED_FILE, 'utf8').trim())
const bus = await connect({
  servers: NATS_URL,
  authenticator: nkeyAuthenticator(seed),
  inboxPrefix: `_INBOX.app-${TENANT}-${APP}`, // every other inbox is forbidden
  maxReconnectAttempts: -1,
})
try {
  const messages = [{ role: 'user', content: 'Jeg er Karla Eksempel. Skriv et kort svar til mig.' }]
  for await (const piece of ask(messages)) process.stdout.write(piece)
  process.stdout.write('\n')
} catch (error) {
  // `code` says why; `retryable` whether the same request may succeed later.
  console.error(`${error.code ?? 'error'}: ${error.message}`)
  process.exitCode = 1
} finally {
  await bus.close()
}

async function* ask(messages) {
  const id = randomUUID() // the same id again is the same request: asked once, charged once
  const subject = (noun) => `sw.clear.${noun}.${TENANT}.${APP}.${id}`
  let result = null
  // Subscribed before it is sent: the first piece may be here before the ack is.
  const chunks = bus.subscribe(subject('chunk.restored'))
  bus.subscribe(subject('completion.restored'), {
    max: 1,
    callback: (_, message) => {
      result = message.json().data
      if (result.error) chunks.unsubscribe() // no pieces will come
    },
  })
  await submit(id, messages)
  let text = ''
  const whole = yield* inOrder(chunks, (piece) => (text += piece))
  chunks.unsubscribe()
  if (whole) return
  // Pieces were lost, or there is no answer: what is stored has the last word.
  result ??= await lookUp(subject('completion.restored'))
  if (result.error) throw Object.assign(new Error(result.error.message), result.error)
  if (!result.text.startsWith(text)) throw new Error('What was shown is not the answer.')
  yield result.text.slice(text.length)
}

// Publishes until the bus has it; from then on the request cannot be lost.
async function submit(id, messages) {
  const data = { tenant: TENANT, app: APP, request_id: id, messages, model: MODEL, stream: true }
  const event = {
    specversion: '1.0',
    id,
    source: '/stellwerk/app',
    type: 'eu.stellwerk.request.submitted.v1',
    subject: `${TENANT}/${APP}`,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data: { ...data, max_tokens: 60, timeout_ms: ANSWER_MS_MAX },
  }
  const options = { timeout: 5000, headers: headers() }
  options.headers.set('Nats-Msg-Id', id)
  const subject = `sw.clear.request.submitted.${TENANT}.${APP}`
  for (let tries = 0; tries < 10; tries++) {
    const ack = await bus.request(subject, JSON.stringify(event), options).catch(() => null)
    if (ack === null) await sleep(1000) // nobody answered: again, with the same id
    else if (ack.json().error) throw new Error(ack.json().error.description)
    else return
  }
  throw new Error('The bus did not confirm the request.')
}

// Yields the pieces in order; returns whether they are the whole answer.
async function* inOrder(chunks, shown) {
  const hash = createHash('sha256')
  const early = new Map()
  const messages = chunks[Symbol.asyncIterator]()
  let next = 0
  for (;;) {
    const silence = new AbortController()
    const { value, done } = await Promise.race([
      messages.next(),
      sleep(SILENCE_MS_MAX, { done: true }, { signal: silence.signal }),
    ])
    silence.abort()
    if (done) return false
    const chunk = value.json().data
    early.set(chunk.sequence, chunk)
    for (let found; (found = early.get(next)) !== undefined; next++) {
      if (found.end) return found.sha256 === hash.copy().digest('hex')
      const piece = found.text ?? '' // a chunk without text is a sign of life
      hash.update(piece)
      shown(piece)
      yield piece
    }
  }
}

// An answer can be looked up for an hour after it was given.
async function lookUp(subject) {
  const until = Date.now() + ANSWER_MS_MAX
  for (let pause = 500; Date.now() < until; pause = Math.min(2 * pause, 5000)) {
    const found = await bus.request(`$JS.API.DIRECT.GET.SW_CLEAR.${subject}`).catch(() => null)
    if (found !== null && !found.headers?.hasError) return found.json().data
    await sleep(pause)
  }
  throw new Error('There is no result yet; look it up again later.')
}
