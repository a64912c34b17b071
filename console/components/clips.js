const shelves = new WeakMap();
const SHAPES = [["portrait", "9:16"], ["landscape", "16:9"]];

function makeShelf(root) {
  let data = null;
  let report = () => {};
  let shape = "portrait";
  let words = null; // asked for when a person first cuts
  let sending = false;
  let reported = "";
  const cards = new Map(); // by position: {signature, element}
  const editors = new Map(); // by position: editor
  const dismissed = new Set(); // failures that were read
  const notice = make("div", { attributes: { role: "status" } });
  const count = make("p", { className: "quiet" });
  const shapeButtons = SHAPES.map(([name, text]) => {
    const button = make("button", { text, attributes: { type: "button", "aria-pressed": String(name === shape) } });
    button.onclick = () => {
      shape = name;
      shapeButtons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      root.dataset.shape = shape;
      for (const card of cards.values()) card.element.reshape?.();
    };
    return button;
  });
  const shapes = make("div", { className: "segments", attributes: { role: "group", "aria-label": "Shape of the clips" } }, shapeButtons);
  const addButton = button("Add a clip", "scissors", () => add());
  const top = make("div", { className: "top line" }, [count, shapes, addButton]);
  const grid = make("div", { className: "grid" });
  const render = button("Render again", "film", () => send(), "button first");
  const cost = make("span", { className: "quiet" });
  const wrong = make("p", { className: "problem line", attributes: { role: "alert", hidden: "" } });
  const pending = make("div", { className: "pending", attributes: { hidden: "" } }, [wrong, make("div", { className: "line" }, [render, cost])]);
  root.dataset.shape = shape;
  root.replaceChildren(notice, top, grid, pending);

  function button(text, drawn, act, className = "button small") {
    const made = make("button", { className, attributes: { type: "button" } }, [icon(drawn), make("span", { text })]);
    made.onclick = act;
    return made;
  }

  // One clip.

  function card(clip) {
    const player = playAlone(make("video", { attributes: { controls: "", preload: "none", playsinline: "", "aria-label": clip.title } }));
    const download = make("a", { className: "button small", attributes: { download: "" } }, [icon("download"), make("span", { text: "Download" })]);
    const copy = copying.button(button("Copy text", "copy"), () => clip.text);
    const adjust = button("Adjust", "edit", () => (editors.has(clip.position) ? stop(clip.position) : edit(clip)));
    const remove = button("Take out", "trash", () => hide(clip, true), "button small plain");
    const progress = make("div", { className: "progress stack", attributes: { hidden: "" } });
    const place = make("div", { className: "place" });
    const body = make("div", { className: "body stack" }, [
      make("div", { className: "line head" }, [
        make("h2", { className: "wraps", text: clip.title }),
        ...(clip.by_hand ? [make("span", { className: "chip", text: "Cut by hand" })] : []),
      ]),
      make("p", { className: "quiet numbers" }, [
        timeButton(clip.start), ` to ${clock(clip.end)} · ${(clip.end - clip.start).toFixed(1)} s long`,
      ]),
      make("div", { className: "line" }, [
        ...(clip.files ? [download] : []), copy, ...(data.may_act ? [adjust, remove] : []),
      ]),
      progress,
      score(clip),
      make("details", {}, [make("summary", { text: "What is said" }), make("p", { className: "quiet wraps", text: clip.text })]),
    ]);
    const element = make("article", { className: "card clip", attributes: { "data-position": clip.position, "aria-label": clip.title } }, [
      make("div", { className: "shown" }, [clip.files ? player : make("div", { className: "skeleton" })]), body, place,
    ]);
    element.reshape = () => {
      const file = clip.files?.[shape];
      if (!file) return;
      if (player.getAttribute("src") !== file.source) player.src = file.source;
      player.poster = file.poster ?? "";
      download.href = `${file.source}?download=1`;
    };
    element.say = (job) => {
      progress.hidden = !job;
      adjust.disabled = Boolean(data.rendering);
      remove.disabled = Boolean(data.rendering);
      if (!job) return;
      const fill = make("span");
      fill.style.width = `${job.percent}%`;
      progress.replaceChildren(
        make("div", { className: "line between" }, [make("span", { className: "wraps", text: job.message.replace(/: \d+%$/, "") }), make("span", { className: "numbers", text: `${Math.floor(job.percent)}%` })]),
        make("div", {
          className: "bar",
          attributes: { role: "progressbar", "aria-label": `Rendering ${clip.title}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.floor(job.percent) },
        }, [fill]),
      );
    };
    element.pressed = (open) => {
      adjust.setAttribute("aria-expanded", String(open));
      adjust.lastChild.textContent = open ? "Leave it as it is" : "Adjust";
      element.classList.toggle("open", open);
    };
    element.reshape();
    return element;
  }

  function score(clip) {
    if (!clip.factors.length) return make("p", { className: "quiet", text: "Not weighed yet." });
    const rows = clip.factors.map((factor) => {
      const fill = make("span");
      fill.dataset.value = factor.value;
      return make("li", { className: "factor" }, [
        make("span", { className: "wraps strong", text: factor.name[0]?.toUpperCase() + factor.name.slice(1) }),
        make("div", { className: "bar" }, [fill]),
        make("span", { className: "numbers", text: `+${Math.round(100 * factor.value)}` }),
        make("span", { className: "quiet wraps", text: factor.reason }),
      ]);
    });
    const details = make("details", { className: "score" }, [
      make("summary", {}, [make("span", { className: "strong", text: `Score ${Math.round(clip.score)}` }), " of 100, and why"]),
      make("ul", { className: "factors" }, rows),
      make("p", { className: "quiet", text: "A heuristic, not a forecast: it compares passages of this video." }),
    ]);
    details.open = window.innerWidth > 900; // the tab may not be shown yet, so that the root has no width
    return details;
  }

  function unseen(clip) {
    const back = button("Bring back", "retry", () => hide(clip, false));
    return make("p", { className: "line quiet" }, [make("span", { className: "wraps", text: `“${clip.title}” was taken out.` }), ...(data.may_act ? [back] : [])]);
  }

  async function hide(clip, gone) {
    const said = await saving.save(data.video_id, `clip:${clip.position}`, gone ? "hidden" : null);
    if (said.problem) return tell(`Not saved: ${said.problem}`);
    clip.hidden = gone;
    return draw();
  }

  // Cutting.

  async function edit(clip, isNew = false) {
    if (!words) {
      try {
        const answer = await fetch(data.transcript, { cache: "no-store" });
        if (!answer.ok) throw new Error();
        words = (await answer.json()).segments.flatMap((segment) => segment.words).sort((a, b) => a.start - b.start);
      } catch {
        return tell("The transcript did not load, and clips are cut by its words. Try again.");
      }
    }
    if (!words.length) return tell("Nothing is said in this video: clips are cut by words.");
    tell("");
    if (editors.has(clip.position)) return undefined;
    const editor = cutEditor.make({
      wanted: clip, words, limits: data.limits, source: data.source, soundOnly: false, isNew,
      changed: () => drawPending(), close: () => stop(clip.position),
    });
    editors.set(clip.position, editor);
    draw();
    editor.focus();
    editor.element.scrollIntoView({ block: "nearest" });
    return undefined;
  }

  function stop(position) {
    editors.get(position)?.stop();
    editors.delete(position);
    draw();
    cards.get(position)?.element.querySelector("[aria-expanded]")?.focus();
  }

  function add() {
    const position = Math.max(-1, ...data.clips.map((clip) => clip.position)) + 1;
    const at = lastPlayed;
    edit({ position, start: at, end: Math.min(at + 20, data.limits.duration), title: "A new clip" }, true);
  }

  function changedCuts() { return [...editors.values()].filter((editor) => editor.isChanged()); }

  function drawPending() {
    const changed = changedCuts();
    const problem = changed.map((editor) => editor.problem()).find(Boolean);
    pending.hidden = !editors.size;
    render.lastChild.textContent = sending ? "Sending…" : changed.length > 1 ? `Render ${changed.length} clips` : "Render again";
    render.disabled = sending || !changed.length || Boolean(problem) || Boolean(data.rendering);
    cost.textContent = changed.length ? data.cost : "Nothing is changed yet.";
    if (problem) cost.textContent = problem;
  }

  async function send() {
    const cuts = changedCuts().map((editor) => editor.cut());
    sending = true;
    wrong.hidden = true;
    drawPending();
    const said = await saving.send(`/api/videos/${data.video_id}/clips`, "POST", { cuts });
    sending = false;
    if (said.problem) {
      wrong.hidden = false;
      wrong.replaceChildren(icon("alert"), make("span", { text: said.problem }));
      return drawPending();
    }
    for (const cut of cuts) { editors.get(cut.position)?.stop(); editors.delete(cut.position); }
    data.rendering = { job_id: said.job_id, percent: 0, message: "Queued", cuts };
    draw();
    return report(said.job_id);
  }

  function tell(text) {
    notice.replaceChildren(...(text ? [make("p", { className: "notice orange" }, [icon("info"), make("span", { text })])] : []));
  }

  function failure() {
    const failed = data.failed;
    if (!failed || dismissed.has(failed.job_id)) return [];
    const again = button("Adjust again", "edit", () => {
      dismissed.add(failed.job_id);
      draw();
      for (const cut of failed.cuts) edit(data.clips.find((clip) => clip.position === cut.position) ?? { ...cut }, !data.clips.some((clip) => clip.position === cut.position));
    });
    const close = button("Close", "cross", () => { dismissed.add(failed.job_id); draw(); });
    return [make("div", { className: "notice red failure" }, [
      icon("alert"),
      make("div", { className: "stack" }, [
        make("span", { className: "wraps", text: `The new cut was not rendered: ${failed.message} The clips below are as they were.` }),
        make("div", { className: "line" }, [...(data.may_act ? [again] : []), close]),
      ]),
    ])];
  }

  // Drawing: a card is made anew only when its clip changed, so that the others go on playing.

  function draw() {
    const shown = data.clips.filter((clip) => !clip.hidden);
    const positions = new Set(shown.map((clip) => clip.position));
    const coming = (data.rendering?.cuts ?? []).filter((cut) => !data.clips.some((clip) => clip.position === cut.position));
    for (const clip of [...shown, ...coming.map((cut) => ({ ...cut, text: "", factors: [], files: null }))]) {
      positions.add(clip.position);
      const signature = JSON.stringify([clip, data.may_act]);
      if (cards.get(clip.position)?.signature !== signature) cards.set(clip.position, { signature, element: card(clip) });
    }
    for (const [position, editor] of editors) {
      if (positions.has(position)) continue;
      positions.add(position);
      cards.set(position, { signature: "new", element: make("article", { className: "card clip open new", attributes: { "data-position": position } }, [
        make("div", { className: "place" }, [editor.element]), button("Leave it", "cross", () => stop(position), "button small plain"),
      ]) });
    }
    for (const position of [...cards.keys()]) if (!positions.has(position)) cards.delete(position);
    const wanted = [...cards.keys()].sort((a, b) => a - b).map((position) => cards.get(position).element);
    // Moving an element would stop what plays in it: only what is not in its place is put there.
    [...grid.children].filter((element) => !wanted.includes(element)).forEach((element) => element.remove());
    wanted.forEach((element, number) => { if (grid.children[number] !== element) grid.insertBefore(element, grid.children[number] ?? null); });
    // One scale for all clips, so that their bars compare.
    const most = Math.max(0.01, ...shown.flatMap((clip) => clip.factors.map((factor) => factor.value)));
    for (const fill of grid.querySelectorAll("[data-value]")) fill.style.width = `${(100 * fill.dataset.value) / most}%`;
    for (const [position, { element }] of cards) {
      const editor = editors.get(position);
      const place = element.querySelector(".place");
      if (editor && editor.element.parentElement !== place) place.replaceChildren(editor.element);
      if (!editor && place?.childElementCount) place.replaceChildren();
      element.pressed?.(Boolean(editor));
    }
    count.textContent = shown.length === 1 ? "1 clip" : `${shown.length} clips, the best first`;
    if (!shown.length) count.textContent = "No clips yet.";
    shapes.hidden = !shown.length;
    addButton.hidden = !data.may_act;
    addButton.disabled = Boolean(data.rendering) || data.clips.length + [...editors.keys()].filter((position) => !data.clips.some((clip) => clip.position === position)).length >= data.limits.most;
    notice.replaceChildren(...failure(), ...data.clips.filter((clip) => clip.hidden).map(unseen));
    drawPending();
    follow();
  }

  // What the stream says of the job.

  function follow() {
    if (!data) return;
    const job = live.video(data.video_id);
    const mine = data.rendering;
    if (mine && job?.job_id === mine.job_id) Object.assign(mine, { percent: job.percent, message: job.message || mine.message });
    const cut = mine && new Set(mine.cuts.map((each) => each.position));
    for (const [position, { element }] of cards) element.say?.(mine && (!cut.size || cut.has(position)) ? mine : null);
    if (job && ["clips", "pipeline"].includes(job.kind)) changed(`${job.job_id}:${job.job_state}`);
  }

  function changed(known) {
    if (known === data.known || known === reported) return;
    reported = known;
    report(known);
  }

  const stopWatching = live.watch(follow);
  const stopEnding = live.onEnded((job) => { if (data && job.video_id === data.video_id) changed(`${job.job_id}:${job.job_state}`); });
  let lastPlayed = 0;
  const listeners = [
    ["backlot-time", (event) => { lastPlayed = event.detail; }],
    ["backlot-corrected", () => { words = null; }],
  ];
  for (const [name, act] of listeners) window.addEventListener(name, act);

  return {
    show(given, trigger) {
      report = (value) => trigger("changed", value);
      if (JSON.stringify(given) === JSON.stringify(data?.given)) return;
      data = { ...structuredClone(given), given };
      draw();
    },
    close() {
      stopWatching();
      stopEnding();
      for (const editor of editors.values()) editor.stop();
      for (const [name, act] of listeners) window.removeEventListener(name, act);
    },
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!shelves.has(parentElement)) shelves.set(parentElement, makeShelf(parentElement.querySelector("#root")));
  shelves.get(parentElement).show(data, setTriggerValue);
  return () => {
    shelves.get(parentElement)?.close();
    shelves.delete(parentElement);
  };
}
