// SHA-256 (FIPS 180-4): the browser's own is missing where the page comes over plain HTTP from another machine.
function sha256(message) {
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) {
    if (primes.every((prime) => number % prime)) primes.push(number);
  }
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
  const state = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, message.length << 3);
  const words = new Int32Array(64);
  const turn = (value, by) => (value >>> by) | (value << (32 - by));
  for (let start = 0; start < padded.length; start += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(start + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const near = turn(words[i - 15], 7) ^ turn(words[i - 15], 18) ^ (words[i - 15] >>> 3);
      const far = turn(words[i - 2], 17) ^ turn(words[i - 2], 19) ^ (words[i - 2] >>> 10);
      words[i] = words[i - 16] + near + words[i - 7] + far;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const upper = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const lower = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const first = (h + upper + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      const second = (lower + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
  }
  return [...state].map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

// One upload engine for the tab, kept on the window: it goes on while other pages are shown.
const uploads = (window.backlotUploads ??= makeUploads());

function makeUploads() {
  const items = [];
  const watchers = new Set();
  const edge = 1024 * 1024;
  let working = false;

  const changed = () => watchers.forEach((draw) => draw());
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  window.addEventListener("beforeunload", (event) => {
    if (items.some((item) => ["waiting", "sending", "cut"].includes(item.state))) event.preventDefault();
  });

  // Size and sha256 of the first and last MiB, as the server's own fingerprint of a file.
  async function fingerprint(file) {
    const ends = new Blob([file.slice(0, edge), file.slice(Math.max(0, file.size - edge))]);
    return `${file.size}-${sha256(new Uint8Array(await ends.arrayBuffer()))}`;
  }

  // Resolves to {status, body}; status 0 is a connection that was cut.
  function call(item, method, address, content, onSent) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      item.request = request;
      request.open(method, address);
      if (typeof content === "string") request.setRequestHeader("Content-Type", "application/json");
      if (onSent) request.upload.onprogress = (event) => onSent(event.loaded);
      request.onloadend = () => {
        let body = {};
        try { body = JSON.parse(request.responseText); } catch { /* no answer, or none in JSON */ }
        done({ status: request.status, body, wait: Number(request.getResponseHeader("Retry-After") ?? 0) });
      };
      request.send(content);
    });
  }

  const good = (answer) => answer.status >= 200 && answer.status < 300;
  // 409: the server is at another offset. 0 and 5xx: a cut, or a server that is coming back.
  const passing = (answer) => answer.status === 0 || answer.status === 409 || answer.status >= 500;

  async function persistent(item, method, address, content) {
    for (let turn = 0; ; turn += 1) {
      const answer = await call(item, method, address, content);
      if (item.stopped || !passing(answer) || answer.status === 409) return answer;
      await cut(item, turn, answer);
      if (item.stopped) return answer;
    }
  }

  async function cut(item, turn, answer) {
    item.state = "cut";
    item.message = answer.body.message ?? "The connection is cut. It goes on by itself.";
    changed();
    await pause(Math.max(answer.wait, Math.min(15, 2 ** turn)));
  }

  function refuse(item, answer) {
    item.state = "refused";
    item.message = answer.status === 401
      ? "You are signed out. Sign in and add the file again: it goes on where it stopped."
      : answer.body.message ?? `The server refused the file (${answer.status}).`;
    changed();
  }

  async function send(item) {
    const { file } = item;
    let print;
    try { print = await fingerprint(file); } catch {
      return refuse(item, { body: { message: "The browser cannot read this file. Was it moved or deleted?" } });
    }
    let answer = await persistent(
      item, "POST", "/api/uploads", JSON.stringify({ name: file.name, size: file.size, fingerprint: print }),
    );
    if (item.stopped) return;
    if (!good(answer)) return refuse(item, answer);
    const address = `/api/uploads/${answer.body.id}`;
    const partSize = answer.body.part_size;
    item.sent = answer.body.offset;
    item.resumedFrom = answer.body.offset;
    item.startedAt = performance.now();
    let cuts = 0;
    while (item.sent < file.size) {
      item.state = "sending";
      item.message = "";
      const offset = item.sent;
      answer = await call(
        item, "PUT", `${address}?offset=${offset}`, file.slice(offset, offset + partSize),
        (loaded) => { item.sent = Math.min(file.size, offset + loaded); changed(); },
      );
      if (item.stopped) return;
      if (good(answer)) {
        cuts = 0;
      } else if (passing(answer)) {
        item.sent = offset;
        if (answer.status !== 409) { await cut(item, cuts, answer); cuts += 1; }
        if (item.stopped) return;
        answer = await persistent(item, "GET", address);
        if (item.stopped) return;
        if (!good(answer)) return refuse(item, answer);
      } else {
        return refuse(item, answer);
      }
      item.sent = answer.body.offset;
      changed();
    }
    item.state = "sending";
    item.message = "Checking the file…";
    changed();
    answer = await persistent(item, "POST", `${address}/complete`);
    if (item.stopped) return;
    if (!good(answer)) return refuse(item, answer);
    item.state = "accepted";
    item.message = "";
    item.videoId = answer.body.video_id;
    changed();
  }

  async function work() {
    if (working) return;
    working = true;
    for (let item; (item = items.find((one) => one.state === "waiting")); ) await send(item);
    working = false;
    changed();
  }

  return {
    items,
    add(files, sizeLimit) {
      for (const file of files) {
        const item = { file, name: file.name, state: "waiting", message: "", sent: 0, stopped: false };
        if (file.size === 0) Object.assign(item, { state: "refused", message: "This file is empty." });
        if (file.size > sizeLimit) {
          Object.assign(item, { state: "refused", message: `Larger than ${bytes(sizeLimit)}, the most one file may have.` });
        }
        items.unshift(item);
      }
      changed();
      work();
    },
    stop(item) {
      Object.assign(item, { stopped: true, state: "stopped", message: "Stopped. Add the file again to go on." });
      item.request?.abort();
      changed();
    },
    repeat(item) {
      Object.assign(item, { stopped: false, state: "waiting", message: "" });
      changed();
      work();
    },
    watch(draw) {
      watchers.add(draw);
      return () => watchers.delete(draw);
    },
  };
}
