// One live stream for the browser, kept on the window and shared between its tabs: the tab that holds a lock reads the
// stream and tells the others. Where the browser has no locks (plain HTTP from another machine) each visible tab reads
// a stream of its own.
const live = (window.backlotLive ??= makeLive());

function makeLive() {
  const CHANNEL = "backlot-live";
  const AWAY_MS = 4000; // without a connection, after which what is shown may be old
  const SILENT_MS = 40000; // without a word of the server, which pings every 15 s: the connection is dead
  const ANSWER_MS = 3000; // in which a leading tab answers, frozen ones excepted
  const LONGEST_PAUSE_MS = 15000;
  const MOST_NAMED = 50; // jobs whose end may have been missed
  const MOST_KEPT = 2000;
  const LONGEST_RUN_MS = 1200; // that leaving waits for
  const RUN_LOOK_MS = 100;
  const LEAVE_MS = 3000; // between looks whether a page whose session has ended may be loaded anew

  const watchers = new Set();
  const endings = new Set();
  const jobs = new Map(); // the newest job by the id of its video
  const shown = new Map(); // percent by the id of the job
  const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANNEL);
  let started = false;
  let leads = false;
  let heardAt = 0; // from the server, or from the leading tab
  let awayTimer;
  let leaving = false;

  const self = {
    // "live", "slow", "connecting" or "away". slow: updates come every other second. away: what is shown may be old.
    state: "connecting",
    // Whether the session has ended while something was left to lose: the page stays, and hears nothing any more.
    signedOut: false,
    // The newest that is known of a video's newest job, or undefined: {video_id, job_id, title, owner, video_state,
    // job_state, kind, percent, message, eta, created_at, starts_at, as_of, stages: [{name, state, percent, message,
    // reason}]}; eta in seconds or null, times in seconds since 1970.
    video: (id) => jobs.get(id),
    videos: () => [...jobs.values()],
    // Calls back at once, and after each change; answers how to stop it.
    watch(changed) {
      watchers.add(changed);
      start();
      changed();
      return () => watchers.delete(changed);
    },
    // Calls back once for each job that ends while this tab looks, with the job and whether this tab leads: of several
    // tabs one does. Answers how to stop it.
    onEnded(ended) {
      endings.add(ended);
      start();
      return () => endings.delete(ended);
    },
    // The most that was ever shown of a job's percent in this tab: a stage that begins anew takes nothing back.
    held(jobId, percent) {
      const most = Math.max(percent, shown.get(jobId) ?? 0);
      shown.delete(jobId);
      shown.set(jobId, most);
      if (shown.size > MOST_KEPT) shown.delete(shown.keys().next().value);
      return most;
    },
    isUnfinished: (job) => job.job_state === "queued" || job.job_state === "running",
  };

  function start() {
    if (started) return;
    started = true;
    lost();
    if (navigator.locks && channel) {
      channel.onmessage = ({ data }) => hear(data);
      document.addEventListener("freeze", () => release());
      window.addEventListener("pagehide", () => release());
      document.addEventListener("resume", () => queueUp());
      window.addEventListener("pageshow", () => queueUp());
      document.addEventListener("visibilitychange", () => { if (!document.hidden && !leads) askAround(); });
      setInterval(() => { if (!leads && !document.hidden && Date.now() - heardAt > SILENT_MS) askAround(); }, 5000);
      queueUp();
      askAround();
    } else {
      let stop;
      const follow = () => {
        stop?.abort();
        if (!document.hidden) { stop = new AbortController(); read(stop.signal); }
      };
      document.addEventListener("visibilitychange", follow);
      follow();
    }
  }

  // Which tab leads.

  let request = null;
  let release = () => {};

  async function queueUp(steal = false) {
    if (self.signedOut || (request && !steal)) return;
    request?.abort();
    const mine = new AbortController();
    const reading = new AbortController();
    request = mine;
    let again = false;
    try {
      await navigator.locks.request(CHANNEL, steal ? { steal } : { signal: mine.signal }, () => new Promise((done) => {
        leads = true;
        release = done;
        read(reading.signal);
      }));
    } catch { // another tab took the lead, since this one did not answer it
      again = true;
    }
    reading.abort();
    if (request !== mine) return;
    request = null;
    leads = false;
    release = () => {};
    if (again) setTimeout(queueUp, ANSWER_MS);
  }

  function askAround() {
    const askedAt = Date.now();
    channel.postMessage({ kind: "ask" });
    setTimeout(() => {
      if (!leads && !document.hidden && heardAt < askedAt) queueUp(true);
    }, ANSWER_MS);
  }

  // Between tabs.

  const tell = (message) => { if (leads) channel?.postMessage(message); };

  function hear(message) {
    if (self.signedOut) return undefined;
    if (message.kind === "end") return leave();
    if (message.kind === "ask") return tell({ kind: "all", state: self.state, jobs: self.videos() });
    heardAt = Date.now();
    if (leads) return undefined;
    if (message.state) setState(message.state);
    if (message.jobs) takeIn(message.jobs, message.kind === "all");
    return undefined;
  }

  // From the server.

  async function read(signal) {
    let pause = 1000;
    while (!signal.aborted && !self.signedOut) {
      const connection = new AbortController();
      const abort = () => connection.abort();
      signal.addEventListener("abort", abort);
      let watchdog;
      const alive = () => {
        heardAt = Date.now();
        clearTimeout(watchdog);
        watchdog = setTimeout(abort, SILENT_MS);
      };
      try {
        alive();
        const response = await fetch(address(), { signal: connection.signal, cache: "no-store" });
        if (response.status === 401) return leave();
        if (!response.ok) {
          pause = Math.max(pause, 1000 * Number(response.headers.get("Retry-After") ?? 0));
        } else {
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let unread = "";
          for (let part = await reader.read(); !part.done; part = await reader.read()) {
            alive();
            pause = 1000;
            const events = (unread + part.value).split("\n\n");
            unread = events.pop();
            take(events);
          }
        }
      } catch { /* cut, or left on purpose: a snapshot comes with the next connection */ }
      clearTimeout(watchdog);
      signal.removeEventListener("abort", abort);
      connection.abort();
      if (signal.aborted) return undefined;
      lost();
      await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
      pause = Math.min(LONGEST_PAUSE_MS, 2 * pause);
    }
    return undefined;
  }

  function address() {
    const known = self.videos().filter(self.isUnfinished).slice(0, MOST_NAMED);
    const query = known.map((job) => `job=${encodeURIComponent(job.job_id)}`).join("&");
    return query ? `/api/live?${query}` : "/api/live";
  }

  function take(events) {
    const changed = [];
    for (const event of events) {
      const [, name] = /^event: (.*)$/m.exec(event) ?? [];
      const [, data] = /^data: (.*)$/m.exec(event) ?? [];
      if (!name || !data) continue;
      const told = JSON.parse(data);
      if (name === "job") changed.push(told);
      else if (name === "source") setState(told.source);
      else if (name === "end" && told.why === "session") leave();
      else if (name === "snapshot") {
        setState(told.source);
        tell({ kind: told.source === "away" ? "jobs" : "all", state: self.state, jobs: told.jobs });
        takeIn(told.jobs, told.source !== "away"); // which knows of no job, and ends none
      }
    }
    if (changed.length) {
      tell({ kind: "jobs", jobs: changed });
      takeIn(changed, false);
    } else {
      tell({ kind: "alive" });
    }
  }

  // The session is gone: the same address now shows the sign-in page, and leads back here afterwards. Where that would
  // throw away what a person sends or writes, the page stays until nothing is left to lose. A run of its script may be
  // about to sign in anew, as after a change of password: then that leads on.
  async function leave() {
    if (self.signedOut || leaving) return;
    leaving = true;
    await scriptEnded();
    leaving = false;
    if (window.backlotSigningIn) return;
    tell({ kind: "end" });
    if (!wouldLose()) {
      window.location.reload();
      return;
    }
    self.signedOut = true;
    setInterval(() => { if (!wouldLose()) window.location.reload(); }, LEAVE_MS);
    setState("away");
    release();
    changed();
  }

  async function scriptEnded() {
    const isRunning = () => !["notRunning", undefined].includes(document.querySelector("[data-testid=stApp]")?.dataset.testScriptState);
    const until = Date.now() + LONGEST_RUN_MS;
    do await new Promise((done) => setTimeout(done, RUN_LOOK_MS)); while (isRunning() && Date.now() < until);
  }

  const wouldLose = () => Boolean(window.backlotUploads?.wouldLose()) || hasUnsaved(document);

  // Whoever shows what a person wrote marks it so, until it is saved.
  function hasUnsaved(root) {
    return [...root.querySelectorAll("*")].some((one) => one.hasAttribute("data-unsaved") || (one.shadowRoot && hasUnsaved(one.shadowRoot)));
  }

  // In this tab.

  function takeIn(told, all) {
    let news = all;
    if (all) {
      const there = new Set(told.map((job) => job.job_id));
      for (const [id, job] of jobs) if (self.isUnfinished(job) && !there.has(job.job_id)) jobs.delete(id);
    }
    for (const job of told) {
      const before = jobs.get(job.video_id);
      if (before && before.job_id !== job.job_id && before.created_at > job.created_at) continue;
      job.percent = self.held(job.job_id, job.percent);
      jobs.delete(job.video_id);
      jobs.set(job.video_id, job);
      news = true;
      if (before && before.job_id === job.job_id && self.isUnfinished(before) && !self.isUnfinished(job)) {
        endings.forEach((ended) => ended(job, leads || !navigator.locks));
      }
    }
    for (const [id, job] of jobs) {
      if (jobs.size <= MOST_KEPT) break;
      if (!self.isUnfinished(job)) jobs.delete(id);
    }
    if (news) changed();
  }

  function lost() {
    if (self.state === "away") return;
    awayTimer ??= setTimeout(() => setState("away"), AWAY_MS);
    setState("connecting");
  }

  function setState(state) {
    if (state !== "connecting") {
      clearTimeout(awayTimer);
      awayTimer = undefined;
    }
    if (self.state === state) return;
    self.state = state;
    tell({ kind: "state", state });
    changed();
  }

  const changed = () => watchers.forEach((draw) => draw());

  return self;
}

// What a job's state is in words: {headline, detail, left}, each of which may be empty.
function jobWords(job) {
  const running = job.stages.some((stage) => stage.state === "running");
  if (job.job_state === "queued" || job.job_state === "running") {
    if (!running && job.starts_at * 1000 > Date.now()) {
      const at = timeOfDay(job.starts_at * 1000);
      return { headline: `Queued for ${at}`, detail: job.message, left: "" };
    }
    if (!running) return { headline: job.message, detail: "", left: "" };
    if (job.percent >= 97 || (job.percent >= 80 && job.eta !== null && job.eta <= 5)) {
      return { headline: "Almost done…", detail: job.message, left: "" };
    }
    return { headline: `Processing: ${Math.floor(job.percent)}% complete…`, detail: job.message, left: timeLeft(job.eta) };
  }
  return { headline: { succeeded: "Done", failed: "Failed", cancelled: "Cancelled" }[job.job_state], detail: job.message, left: "" };
}

function timeLeft(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 55) return `about ${Math.max(5, 5 * Math.ceil(seconds / 5))} s left`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `about ${minutes} min left` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}
