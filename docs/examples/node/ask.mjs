// OpenAI's own client; only the address and the key are Stellwerk's.
import OpenAI from 'openai'

const client = new OpenAI({
  baseURL: process.env.STELLWERK_BASE_URL, // http://127.0.0.1:4080/v1
  apiKey: process.env.STELLWERK_KEY,
})
const question = {
  model: process.env.MODEL ?? 'auto',
  messages: [{ role: 'user', content: 'Jeg er Karla Eksempel. Skriv et kort svar til mig.' }],
  max_tokens: 60,
}

const answer = await client.chat.completions.create(question)
console.log(answer.choices[0].message.content)

const stream = await client.chat.completions.create({ ...question, stream: true })
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '')
process.stdout.write('\n')
