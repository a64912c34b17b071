// One upload engine for the tab, kept on the window: it goes on while other pages are shown.
const uploads = (window.backlotUploads ??= makeUploads());

function makeUploads() {
  const AT_ONCE = 2;
  const FIRST_PART = 1024 * 1024; // small: the server looks at it before the rest is sent for nothing
  const SILENT_MS = 30000; // in which a byte goes out, or the connection is dead: a laptop slept
  const ANSWER_MS = 120000; // for the server to sync and hash what it has
  const LONGEST_PAUSE = 15; // seconds
  const SIGN_IN_SECONDS = 5;
  const SHORT_LIMIT = 120; // seconds after which a limit frees that are worth waiting for
  const WRITTEN_MS = 500; // without a key, after which what was written is saved
  const RATE_MS = 500;
  const OPEN = new Set(["waiting", "sending", "cut", "held", "signed_out", "paused", "duplicate"]);
  const SENDING = new Set(["sending", "cut", "held", "signed_out"]);

  const items = [];
  const watchers = new Set();
  let unfinished = [];
  let sending = 0;
  let batch = 0;
  let lists = 0;
  let looking = Promise.resolve();

  const changed = () => watchers.forEach((draw) => draw());
  const good = (answer) => answer.status >= 200 && answer.status < 300;
  const isOpen = (item) => OPEN.has(item.state);

  function show(item, state, message = "") {
    Object.assign(item, { state, message });
    changed();
  }

  function pause(item, seconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, seconds * 1000);
      item.wake = () => { clearTimeout(timer); done(); };
    });
  }

  window.addEventListener("online", () => items.forEach((item) => item.state === "cut" && item.wake?.()));
  window.addEventListener("focus", () => items.forEach((item) => item.state === "signed_out" && item.wake?.()));
  window.addEventListener("beforeunload", (event) => {
    if (self.wouldLose()) event.preventDefault();
  });

  // Resolves to {status, body, wait}; status 0 is a connection that was cut, wait is in seconds.
  function call(item, method, address, content, onSent) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      let heardAt = Date.now();
      let patience = onSent ? SILENT_MS : ANSWER_MS;
      const watchdog = setInterval(() => { if (Date.now() - heardAt > patience) request.abort(); }, 1000);
      item.request = request;
      request.open(method, address);
      if (typeof content === "string") request.setRequestHeader("Content-Type", "application/json");
      if (onSent) {
        request.upload.onprogress = (event) => { heardAt = Date.now(); onSent(event.loaded); };
        request.upload.onload = () => { heardAt = Date.now(); patience = ANSWER_MS; };
      }
      request.onloadend = () => {
        clearInterval(watchdog);
        let body = {};
        try { body = JSON.parse(request.responseText); } catch { /* no answer, or none in JSON */ }
        done({ status: request.status, body, wait: Number(request.getResponseHeader("Retry-After") ?? 0) });
      };
      request.send(content);
    });
  }

  // Waits, and says for what, where the same request may do better later; false where it will not.
  async function waited(item, answer, turn) {
    const backoff = Math.min(LONGEST_PAUSE, 2 ** turn);
    const told = answer.body.detail;
    if (answer.status === 401) {
      show(item, "signed_out", "You are signed out. Sign in again: it goes on by itself.");
      await pause(item, SIGN_IN_SECONDS);
    } else if ((answer.status === 503 && told) || (answer.status === 429 && answer.wait <= SHORT_LIMIT)) {
      show(item, "held", told ?? "The server asks to wait a moment.");
      await pause(item, Math.max(answer.wait, backoff));
    } else if (answer.status === 0 || answer.status >= 500) {
      show(item, "cut", told ?? "The connection is cut. It goes on by itself.");
      await pause(item, Math.max(answer.wait, backoff));
    } else {
      return false;
    }
    return true;
  }

  async function ask(item, isOver, method, address, content) {
    for (let turn = 0; ; turn += 1) {
      const answer = await call(item, method, address, content);
      if (isOver() || !(await waited(item, answer, turn)) || isOver()) return answer;
    }
  }

  function refuse(item, answer) {
    item.mayRepeat = answer.status !== 400; // 400: it is the file itself
    show(item, "refused", answer.body.detail ?? `The server refused the file (${answer.status}).`);
  }
  const unreadable = (item) => show(
    item, "refused", "The browser cannot read this file any more. Was it moved or changed? Choose it again: it goes on where it stopped.",
  );

  function progress(item, sent) {
    const now = performance.now();
    item.sent = Math.min(item.file.size, sent);
    if (now - item.measuredAt > RATE_MS) {
      const rate = Math.max(0, ((item.sent - item.measuredSent) * 1000) / (now - item.measuredAt));
      item.rate = item.rate ? 0.8 * item.rate + 0.2 * rate : rate;
      Object.assign(item, { measuredAt: now, measuredSent: item.sent });
    }
    show(item, "sending");
  }

  async function send(item) {
    const turn = (item.turn += 1);
    const isOver = () => item.turn !== turn; // paused or stopped in the meantime
    const { file } = item;
    show(item, "sending");
    try { item.print ??= await fingerprint(file); } catch { return unreadable(item); }
    if (isOver()) return;
    // What was begun here goes on as what it is, also where its end was accepted and the answer did not get through.
    let answer = item.id ? await ask(item, isOver, "GET", `/api/v1/uploads/${item.id}`) : null;
    if (isOver()) return;
    if (!answer || answer.status === 404) {
      const asked = { name: file.name, size: file.size, fingerprint: item.print, again: item.again };
      answer = await ask(item, isOver, "POST", "/api/v1/uploads", JSON.stringify(asked));
      if (isOver()) return;
    }
    if (!good(answer)) return refuse(item, answer);
    if (answer.body.duplicate) {
      item.duplicate = answer.body.duplicate;
      return show(item, "duplicate");
    }
    item.id = answer.body.id;
    if (!item.written.has("title")) item.title = answer.body.title;
    if (!item.written.has("tags")) item.tags = answer.body.tags;
    const address = `/api/v1/uploads/${item.id}`;
    const partSize = answer.body.part_size;
    item.sent = answer.body.offset;
    Object.assign(item, { measuredAt: performance.now(), measuredSent: item.sent, rate: 0 });
    await save(item);
    for (let cuts = 0; item.sent < file.size; ) {
      if (isOver()) return;
      const offset = item.sent;
      const length = offset === 0 ? Math.min(FIRST_PART, partSize) : partSize;
      answer = await call(
        item, "PUT", `${address}?offset=${offset}`, file.slice(offset, offset + length),
        (loaded) => isOver() || progress(item, offset + Math.min(loaded, length)),
      );
      if (isOver()) return;
      if (!good(answer)) {
        item.sent = offset;
        if (answer.status === 0) {
          try { await file.slice(offset, offset + 1).arrayBuffer(); } catch { return unreadable(item); }
        }
        // 409: it stands elsewhere, or what was sent before the cut is still being written.
        if (answer.status === 409) { if (cuts) await pause(item, Math.min(LONGEST_PAUSE, cuts / 2)); }
        else if (!(await waited(item, answer, cuts))) return refuse(item, answer);
        if (isOver()) return;
        answer = await ask(item, isOver, "GET", address);
        if (isOver()) return;
        if (!good(answer)) return refuse(item, answer);
        cuts = answer.body.offset > offset ? 0 : cuts + 1;
        Object.assign(item, { measuredAt: performance.now(), measuredSent: answer.body.offset });
      } else {
        cuts = 0;
      }
      item.sent = answer.body.offset;
      changed();
    }
    show(item, "sending", "Checking the file…");
    await save(item);
    if (isOver()) return;
    answer = await ask(item, isOver, "POST", `${address}/complete`);
    if (isOver()) return;
    if (!good(answer)) return refuse(item, answer);
    item.videoId = answer.body.video_id;
    show(item, "accepted");
    await save(item);
  }

  // Saves what was written: with the upload, and from its acceptance on with the video.
  async function save(item) {
    clearTimeout(item.saving);
    if (!item.id || !item.written.size) return;
    const names = [...item.written];
    item.written.clear();
    const values = Object.fromEntries(names.map((name) => [name, item[name]]));
    const requests = item.videoId
      ? names.map((name) => [`/api/videos/${item.videoId}/edits/${name}`, "PUT", { value: values[name] }])
      : [[`/api/v1/uploads/${item.id}`, "PATCH", values]];
    let again = 0; // seconds
    for (const [address, method, body] of requests) {
      const answer = await call({}, method, address, JSON.stringify(body));
      item.writtenProblem = good(answer) || answer.status === 409 ? "" : answer.body.detail ?? "What you wrote is not saved yet.";
      // It was accepted just now, or the connection is cut, or nobody is signed in: once more, until it is saved.
      if ([0, 401, 409, 429].includes(answer.status) || answer.status >= 500) {
        names.forEach((name) => item.written.add(name));
        again = Math.max(again, answer.wait, Math.min(LONGEST_PAUSE, 2 ** item.unsaved));
      }
    }
    item.unsaved = again ? item.unsaved + 1 : 0;
    if (again) {
      clearTimeout(item.saving);
      item.saving = setTimeout(() => save(item), again * 1000);
    }
    changed();
  }

  function work() {
    for (const item of items) {
      if (sending >= AT_ONCE) return;
      if (item.state !== "waiting") continue;
      sending += 1;
      send(item).finally(() => { sending -= 1; work(); });
    }
  }

  function look(item) {
    looking = looking.then(async () => {
      if (items.includes(item)) { Object.assign(item, await lookAt(item.file)); changed(); }
    });
  }

  const isSame = (item, file) => item.name === file.name && item.file.size === file.size;

  async function refresh() {
    const answer = await call({}, "GET", "/api/v1/uploads");
    if (good(answer)) unfinished = answer.body.uploads;
    changed();
  }

  async function discard(id) {
    unfinished = unfinished.filter((row) => row.id !== id);
    changed();
    await call({}, "DELETE", `/api/v1/uploads/${id}`);
  }

  function halt(item, state, message) {
    item.turn += 1;
    item.rate = 0;
    item.request?.abort();
    item.wake?.();
    show(item, state, message);
    work();
  }

  function forget(item) {
    clearTimeout(item.saving);
    items.splice(items.indexOf(item), 1);
    changed();
  }

  const self = {
    items,
    isOpen,
    // Whether a page that is loaded anew loses something: the files that it sends, or what was written of one.
    wouldLose: () => items.some((item) => (isOpen(item) && item.state !== "duplicate") || (item.videoId && item.written.size)),
    refresh,
    discard,
    // Uploads that stopped elsewhere, in a tab that was closed: {id, name, size, offset, when}.
    unfinished: () => unfinished.filter((row) => !items.some((item) => item.id === row.id || (isSame(item, row) && isOpen(item)))),
    add(files, sizeLimit) {
      if (!items.some(isOpen)) batch += 1;
      for (const file of files) {
        if (items.some((item) => isOpen(item) && isSame(item, file) && item.file.lastModified === file.lastModified)) continue;
        const item = {
          file, batch, name: file.name, title: file.name.replace(/(.)\.[^.]*$/, "$1"), tags: [], written: new Set(), unsaved: 0, turn: 0,
          state: "waiting", message: "", sent: 0, rate: 0, again: false, duration: null, picture: null,
        };
        if (file.size === 0) Object.assign(item, { state: "refused", message: "This file is empty. Export it once more." });
        if (file.size > sizeLimit) {
          Object.assign(item, { state: "refused", message: `Larger than ${bytes(sizeLimit)}, the most one file may have. Export it smaller.` });
        }
        items.push(item);
        if (item.state === "waiting") look(item);
      }
      changed();
      work();
    },
    pause: (item) => halt(item, "paused", ""),
    pauseAll: () => items.filter((item) => isOpen(item) && !["paused", "duplicate"].includes(item.state)).forEach(self.pause),
    stop: (item) => (item.id ? halt(item, "stopped", "What arrived is kept for a week.") : (halt(item, "stopped", ""), forget(item))),
    go(item) {
      show(item, "waiting");
      work();
    },
    goAll: () => items.filter((item) => item.state === "paused").forEach(self.go),
    goAgain(item) {
      item.again = true;
      self.go(item);
    },
    // Takes a row off the list; bytes of what was not accepted are given up.
    remove(item) {
      if (item.id && !item.videoId && item.state !== "refused") discard(item.id);
      forget(item);
    },
    write(item, name, value) {
      item[name] = value;
      item.written.add(name);
      item.writtenProblem = "";
      clearTimeout(item.saving);
      item.saving = setTimeout(() => save(item), WRITTEN_MS);
      changed();
    },
    // How all that was added together stands: bytes, bytes a second, seconds left.
    together() {
      const open = items.filter((item) => isOpen(item) && item.state !== "duplicate");
      const counted = items.filter((item) => item.batch === batch && (open.includes(item) || item.state === "accepted"));
      const sum = (of) => counted.reduce((total, item) => total + of(item), 0);
      const size = sum((item) => item.file.size);
      const sent = sum((item) => (item.state === "accepted" ? item.file.size : item.sent));
      const rate = open.reduce((total, item) => total + (item.state === "sending" ? item.rate : 0), 0);
      return {
        open, counted, size, sent, rate, left: rate > 0 ? (size - sent) / rate : null,
        isPaused: open.length > 0 && open.every((item) => item.state === "paused"),
        trouble: open.find((item) => SENDING.has(item.state) && item.state !== "sending"),
        asked: items.filter((item) => item.state === "duplicate").length,
      };
    },
    // The list of files is on the page until what this answers is called: the strip need not repeat it.
    listShown() {
      lists += 1;
      changed();
      return () => { lists -= 1; changed(); };
    },
    isListShown: () => lists > 0,
    watch(draw) {
      watchers.add(draw);
      return () => watchers.delete(draw);
    },
  };
  return self;
}

function sendingLeft(seconds) {
  if (seconds < 60) return "under a minute left";
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min left`;
}
