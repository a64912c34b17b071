// What is left of the viewer's limits, known once in a tab: from Python at first, then from the server as it changes.
const allowances = (window.backlotLimits ??= makeLimits());

function makeLimits() {
  const SOON_MS = 300; // several changes at once are one
  const AFTER_MS = 500; // the server's clock and this one differ by a little
  const watchers = new Set();
  const seen = new Set(); // ids of jobs
  let view = null;
  let ahead = 0; // milliseconds that this clock is ahead of the server's
  let accepted = 0;
  let started = false;
  let soon;
  let next;

  const self = {
    // The newest that is known, or null: {owner, as_of, uploads_allowed, degraded, requests, jobs, uploads}, each of the
    // three {limit, used, left, window, free_at, overridden_until, reason}; as_of in seconds since 1970, free_at an ISO time.
    view: () => view,
    // What Python knew when it drew; older than what is known here it changes nothing.
    take(told) {
      if (!told || (view && view.owner === told.owner && view.as_of >= told.as_of)) return;
      ahead = Date.now() - told.as_of * 1000;
      put(told);
    },
    // Calls back after each change; answers how to stop it.
    watch(changed) {
      watchers.add(changed);
      start();
      return () => watchers.delete(changed);
    },
    isFew: (use) => use.left * 5 <= use.limit,
  };

  function put(told) {
    view = told;
    clearTimeout(next);
    const times = [view.jobs, view.uploads, view.requests].filter((use) => use.free_at).map((use) => Date.parse(use.free_at) + ahead);
    // Requests that are nearly used up come back within their window, without a time of their own.
    if (self.isFew(view.requests) && !view.requests.free_at) times.push(Date.now() + view.requests.window * 1000);
    if (times.length) next = setTimeout(ask, Math.max(0, Math.min(...times) - Date.now()) + AFTER_MS);
    watchers.forEach((changed) => changed());
  }

  async function ask() {
    if (!view || live.signedOut) return;
    const asOf = (Date.now() - ahead) / 1000;
    try {
      const answer = await fetch("/api/v1/limits", { cache: "no-store" });
      if (!answer.ok) return;
      const told = await answer.json();
      if (view.as_of > asOf) return;
      for (const name of ["requests", "jobs", "uploads"]) told[name] = { ...view[name], ...told[name] };
      put({ ...view, ...told, as_of: asOf });
    } catch { /* the next change asks again */ }
  }

  function askSoon() {
    clearTimeout(soon);
    soon = setTimeout(ask, SOON_MS);
  }

  function start() {
    if (started) return;
    started = true;
    live.watch(() => {
      const isNews = (job) => view && job.owner === view.owner && job.created_at > view.as_of;
      const unseen = live.videos().filter((job) => !seen.has(job.job_id));
      unseen.forEach((job) => seen.add(job.job_id));
      if (unseen.some(isNews)) askSoon();
    });
    uploads.watch(() => {
      const now = uploads.items.filter((item) => item.state === "accepted").length;
      if (now > accepted) askSoon();
      accepted = now;
    });
  }

  return self;
}

const LIMIT_NAMES = { jobs: "AI jobs, this hour", uploads: "Uploads, 24 hours", requests: "Requests, this minute" };
const LIMIT_UNITS = { jobs: "an hour", uploads: "a day", requests: "a minute" };
const LIMIT_THEN = {
  jobs: (at) => `Uploads are kept, and their work starts by itself ${at}.`,
  uploads: (at) => `The next upload fits ${at}.`,
  requests: (at) => `Go on ${at}.`,
};

const atTime = (time) => when(time).replace("today", "at").replace(/^(?=\d)/, "on ");

// One limit: built once, so that its bar moves. isWide says more of it. Answers {row, draw(use)}.
function limitMeter(name, isWide) {
  const note = make("span", { className: "quiet numbers" });
  const fill = make("span");
  const bar = make("div", { attributes: { role: "meter", "aria-label": LIMIT_NAMES[name], "aria-valuemin": 0 } }, [fill]);
  const more = make("p", { className: "quiet" });
  const row = make("li", {}, [
    make("div", { className: "line limit" }, [make("span", { className: "strong", text: LIMIT_NAMES[name] }), note]), bar, more,
  ]);
  return {
    row,
    draw(use) {
      const isGone = use.left <= 0;
      const at = use.free_at ? atTime(use.free_at) : "";
      note.textContent = isGone ? "Used up" : `${count(use.left)} of ${count(use.limit)} left`;
      note.classList.toggle("problem", isGone);
      fill.style.width = `${use.limit ? (100 * use.left) / use.limit : 0}%`;
      bar.className = `bar ${isGone ? "gone" : allowances.isFew(use) ? "yellow" : "green"}`;
      bar.setAttribute("aria-valuemax", use.limit);
      bar.setAttribute("aria-valuenow", use.left);
      bar.setAttribute("aria-valuetext", [note.textContent, at && `again ${at}`].filter(Boolean).join(", "));
      const own = use.overridden_until
        ? `${count(use.limit)} ${LIMIT_UNITS[name]} until ${when(use.overridden_until)}${use.reason ? `: ${use.reason}` : ""}` : "";
      const then = isGone && at ? (isWide ? LIMIT_THEN[name](at) : `Again ${at}`) : "";
      more.textContent = [then, isWide ? own : ""].filter(Boolean).join(" ");
      more.hidden = !more.textContent;
    },
  };
}

// The limits that are worth a look, in a list that follows them. hasRequests: also while many are left.
function limitList({ isWide = false, hasRequests = false } = {}) {
  const list = make("ul", { className: "stack limits", attributes: { "aria-label": "What is left of your limits" } });
  const alone = make("li", { className: "quiet", text: "Requests are counted by this server alone, until the others answer again." });
  const meters = Object.fromEntries(Object.keys(LIMIT_NAMES).map((name) => [name, limitMeter(name, isWide)]));
  function draw() {
    const view = allowances.view();
    list.hidden = !view;
    if (!view) return;
    const worth = [
      ...(view.uploads_allowed ? ["jobs", "uploads"] : []),
      ...(hasRequests || view.degraded || allowances.isFew(view.requests) ? ["requests"] : []),
    ];
    worth.forEach((name) => meters[name].draw(view[name]));
    const rows = [...worth.map((name) => meters[name].row), ...(view.degraded ? [alone] : [])];
    if (rows.length !== list.children.length || rows.some((row, place) => list.children[place] !== row)) list.replaceChildren(...rows);
    list.hidden = !rows.length;
  }
  draw();
  return { list, draw };
}
