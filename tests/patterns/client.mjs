// Calls a server by Node's own fetch: client.mjs HOST PORT CONFIGURATION, which is JSON with `timeout` in
// milliseconds, `attempts`, `base` (the first wait, doubled each time) and `rest` after each call.

const [host, port, text] = process.argv.slice(2);
const config = JSON.parse(text);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function once(path) {
  const signal = config.timeout ? AbortSignal.timeout(config.timeout) : undefined;
  const answer = await fetch(`http://${host}:${port}${path}`, { signal });
  await answer.text();
  if (answer.status >= 500) throw new Error(String(answer.status));
}

async function call(path) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(path);
    } catch (error) {
      if (attempt >= (config.attempts ?? 1)) throw error;
      await sleep((config.base ?? 0) * 2 ** (attempt - 1));
    }
  }
}

console.log("ready");
for (;;) {
  await call(`/item/${Math.floor(Math.random() * 1e9)}`).catch(() => {});
  await sleep(config.rest);
}
