// Calls a server by Node's own fetch: client.mjs HOST PORT CONFIGURATION says `ready` once it calls. The
// configuration is JSON; times are in milliseconds:
//
//     timeout     of an attempt
//     attempts    of a call, and `base`, the first wait between them, doubled each time
//     breaker     options of opossum, around all attempts; its own timeout is off unless given
//     fallback    whether the breaker answers in place of a call that fails
//     alternate   port that the breaker has called instead
//     workers     who call one after the other, with `every` between the beginnings of calls or `rest` after each
//     serves      port: calls are made for requests that come in there, instead
//
// A breaker's changes of state are told as they happen, a line each: the monotonic clock's nanoseconds, and the
// state. PATTERN_SEED is what chance comes from, PATTERN_PACKAGES the folder that has opossum.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const [host, port, text] = process.argv.slice(2);
const config = JSON.parse(text);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Node's own source of chance takes no seed. This is a Weyl sequence, its steps mixed.
let state = Number(process.env.PATTERN_SEED ?? Date.now()) >>> 0;
function chance() {
  state = (state + 0x9e3779b9) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

const path = () => `/item/${Math.floor(chance() * 1e9)}`;

async function once(port, path, signal) {
  const answer = await fetch(`http://${host}:${port}${path}`, { signal });
  await answer.text();
  if (answer.status >= 500) throw new Error(String(answer.status));
  return answer.status;
}

async function attempts(path, signal) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(port, path, config.timeout ? AbortSignal.timeout(config.timeout) : signal);
    } catch (error) {
      if (attempt >= (config.attempts ?? 1)) throw error;
      await sleep((config.base ?? 0) * 2 ** (attempt - 1));
    }
  }
}

function guarded() {
  const CircuitBreaker = createRequire(`${process.env.PATTERN_PACKAGES}/package.json`)("opossum");
  const action = (path) => attempts(path, breaker.getSignal());
  const breaker = new CircuitBreaker(action, { timeout: false, ...config.breaker });
  const tell = (state) => console.log(`${process.hrtime.bigint()} ${state}`);
  breaker.on("open", () => tell("open"));
  breaker.on("halfOpen", () => tell("half_open"));
  breaker.on("close", () => tell("closed"));
  if (config.fallback) breaker.fallback(() => 200);
  if (config.alternate) breaker.fallback((path) => once(config.alternate, path));
  return (path) => breaker.fire(path);
}

const ask = config.breaker ? guarded() : (path) => attempts(path);

async function work() {
  for (let due = performance.now(); ; ) {
    await ask(path()).catch(() => {});
    due = Math.max(due + (config.every ?? 0), performance.now() - (config.every ?? 0));
    await sleep(config.every ? Math.max(0, due - performance.now()) : config.rest);
  }
}

function serve() {
  const server = createServer(async (_, answer) => {
    const status = await ask(path()).then(() => 200, () => 502);
    answer.writeHead(status, { "Content-Length": 0 }).end();
  });
  server.listen(config.serves, () => console.log("ready"));
}

if (config.serves) {
  serve();
} else {
  console.log("ready");
  for (let worker = 0; worker < (config.workers ?? 1); worker++) work();
}
