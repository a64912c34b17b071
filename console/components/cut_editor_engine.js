// The editor of one clip: where it starts and ends, by words, heard before it is rendered.
const cutEditor = (window.backlotCutEditor ??= { make: makeCutEditor });

// wanted: {position, start, end, title}; limits as cutting.points and cutting.problem take them, with longest_title;
// source plays the video. changed() is called after each change; close() when the person wants no more of it.
function makeCutEditor({ wanted, words, limits, source, soundOnly, isNew, changed, close }) {
  const points = cutting.points(words, limits);
  const inside = cutting.within(words, wanted.start, wanted.end);
  let first = cutting.next(points, "start", inside?.first ?? 0, -1) ?? cutting.next(points, "start", 0, 1) ?? 0;
  let last = cutting.next(points, "end", inside?.last ?? 0, 1) ?? points.length - 1;
  let touched = isNew; // as it was cut it stays to the millisecond, until an edge is moved
  let chosen = null;
  let from = Math.max(0, first - 30);
  let to = Math.min(words.length - 1, last + 30);
  let frame = 0;

  const button = (text, label, act, { className = "button small", drawn } = {}) => {
    const made = make("button", { className, attributes: { type: "button", "aria-label": label, title: label } }, [
      ...(drawn ? [icon(drawn)] : []), ...(text ? [make("span", { text })] : []),
    ]);
    made.onclick = act;
    return made;
  };
  const strip = make("div", { className: "strip wraps", attributes: { role: "group", "aria-label": "What is said around the clip" } });
  const said = make("div", { className: "choice line", attributes: { "aria-live": "polite" } });
  const length = make("p", { className: "length numbers", attributes: { role: "status" } });
  const title = make("input", {
    className: "field", attributes: { type: "text", maxlength: limits.longest_title, "aria-label": "Title of the clip" },
  });
  title.value = wanted.title;
  title.oninput = () => changed();
  const player = playAlone(make(soundOnly ? "audio" : "video", {
    attributes: { preload: "metadata", playsinline: "", src: source, "aria-label": "The passage in the video" },
  }));
  const playButton = button("Play the passage", "Play the passage", () => (player.paused ? play() : player.pause()), {
    className: "button", drawn: "play",
  });
  const played = make("span");
  const where = make("div", { className: "bar" }, [played]);

  const edges = Object.fromEntries([["start", "Start"], ["end", "End"]].map(([edge, name]) => [edge, {
    handle: handle(edge, name),
    time: make("span", { className: "numbers strong" }),
    word: make("span", { className: "quiet wraps" }),
  }]));

  function start() { return touched ? points[first].start : wanted.start; }
  function end() { return touched ? points[last].end : wanted.end; }

  function move(edge, step) {
    const now = edge === "start" ? first : last;
    const there = cutting.next(points, edge, now + Math.sign(step), Math.sign(step));
    if (there === null) return;
    put(edge, there);
    if (Math.abs(step) > 1) move(edge, step - Math.sign(step));
  }

  function put(edge, number) {
    const there = cutting.next(points, edge, number, 1) ?? cutting.next(points, edge, number, -1);
    if (there === null) return;
    touched = true;
    if (edge === "start") { first = there; last = Math.max(last, cutting.next(points, "end", there, 1) ?? last); }
    else { last = there; first = Math.min(first, cutting.next(points, "start", there, -1) ?? first); }
    chosen = null;
    from = Math.min(from, Math.max(0, first - 5));
    to = Math.max(to, Math.min(words.length - 1, last + 5));
    player.pause();
    draw();
    changed();
  }

  function handle(edge, name) {
    const made = make("span", {
      className: `handle ${edge}`,
      attributes: { role: "slider", tabindex: "0", "aria-label": `${name} of the clip`, "aria-valuemin": "0", "aria-valuemax": words.length - 1 },
    });
    made.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      move(edge, step);
      made.focus();
    };
    made.onpointerdown = (event) => {
      event.preventDefault();
      made.setPointerCapture(event.pointerId);
      made.classList.add("dragged");
    };
    made.onpointermove = (event) => {
      if (!made.hasPointerCapture(event.pointerId)) return;
      const word = strip.getRootNode().elementsFromPoint(event.clientX, event.clientY).find((each) => each.dataset?.word);
      if (word) put(edge, Number(word.dataset.word));
    };
    made.onpointerup = made.onpointercancel = () => made.classList.remove("dragged");
    return made;
  }

  function drawStrip() {
    const shown = [];
    if (from > 0) shown.push(button("Earlier", "Show what is said earlier", () => { from = Math.max(0, from - 60); draw(); }, { className: "button small plain" }));
    for (let number = from; number <= to; number += 1) {
      if (number === first) shown.push(edges.start.handle);
      const word = make("span", {
        className: number >= first && number <= last ? "word in" : "word",
        text: words[number].text.trim(), attributes: { "data-word": number },
      });
      if (number === chosen) word.classList.add("chosen");
      word.onclick = () => { chosen = number; draw(); };
      shown.push(word, " ");
      if (number === last) shown.push(edges.end.handle, " ");
    }
    if (to < words.length - 1) shown.push(button("Later", "Show what is said later", () => { to = Math.min(words.length - 1, to + 60); draw(); }, { className: "button small plain" }));
    const focused = strip.getRootNode().activeElement;
    strip.replaceChildren(...shown);
    if (focused?.classList?.contains("handle")) focused.focus();
  }

  function drawChoice() {
    if (chosen === null) {
      said.replaceChildren(make("span", { className: "quiet", text: "Choose a word, drag an edge, or use the arrow keys on an edge." }));
      return;
    }
    const word = words[chosen];
    said.replaceChildren(
      make("span", { className: "wraps", text: `“${word.text.trim()}” at ${clock(word.start)}` }),
      button("Start here", "Start the clip with this word", () => put("start", chosen)),
      button("End here", "End the clip with this word", () => put("end", chosen)),
    );
  }

  function draw() {
    drawStrip();
    drawChoice();
    for (const [edge, at, number] of [["start", start(), first], ["end", end(), last]]) {
      const text = words[number]?.text.trim() ?? "";
      edges[edge].time.textContent = precise(at);
      edges[edge].word.textContent = `“${text}”`;
      edges[edge].handle.setAttribute("aria-valuenow", number);
      edges[edge].handle.setAttribute("aria-valuetext", `${text}, ${precise(at)}`);
    }
    const seconds = end() - start();
    const was = wanted.end - wanted.start;
    const problem = cutting.problem(seconds, limits);
    length.replaceChildren(
      ...(problem ? [icon("alert")] : []),
      make("span", { className: "strong", text: `${seconds.toFixed(1)} s` }),
      make("span", { text: isNew || seconds.toFixed(1) === was.toFixed(1) ? "" : ` was ${was.toFixed(1)} s` }),
      make("span", { text: problem ? ` · ${problem}` : "" }),
    );
    length.classList.toggle("problem", Boolean(problem));
  }

  function play() {
    window.dispatchEvent(new CustomEvent("backlot-pause"));
    const begin = () => { player.currentTime = start(); player.play().catch(() => {}); };
    if (player.readyState) begin();
    else { player.onloadedmetadata = () => { player.onloadedmetadata = null; begin(); }; player.load(); }
  }

  // Each frame: a timeupdate comes up to a quarter of a second late, which is a word.
  function follow() {
    if (player.currentTime >= end()) { player.pause(); player.currentTime = end(); }
    played.style.width = `${Math.min(100, Math.max(0, (100 * (player.currentTime - start())) / (end() - start())))}%`;
    if (!player.paused) frame = requestAnimationFrame(follow);
  }
  player.onplay = () => { playButton.replaceChildren(icon("pause"), make("span", { text: "Pause" })); follow(); };
  player.onpause = () => { playButton.replaceChildren(icon("play"), make("span", { text: "Play the passage" })); cancelAnimationFrame(frame); };

  function edgeRow(edge, name) {
    return make("div", { className: "edge" }, [
      make("span", { className: "quiet", text: name }), edges[edge].time, edges[edge].word,
      make("span", { className: "steps" }, [
        button("−1 word", `${name} one word earlier`, () => move(edge, -1)),
        button("+1 word", `${name} one word later`, () => move(edge, 1)),
      ]),
    ]);
  }

  const find = make("input", {
    className: "field", attributes: { type: "search", placeholder: "Find words in the transcript", "aria-label": "Find words in the transcript" },
  });
  find.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const asked = plainWords(find.value);
    if (!asked.length) return;
    const all = words.map((word) => plainWords(word.text).join(""));
    const starts = (number) => asked.every((text, offset) => (offset < asked.length - 1 ? all[number + offset] === text : all[number + offset]?.startsWith(text)));
    const order = [...words.keys()];
    const after = (chosen ?? -1) + 1;
    const found = [...order.slice(after), ...order.slice(0, after)].find(starts);
    if (found === undefined) {
      said.replaceChildren(make("span", { className: "quiet wraps", text: `“${find.value}” is not in the transcript.` }));
      return;
    }
    chosen = found;
    from = Math.max(0, Math.min(from, found - 30));
    to = Math.min(words.length - 1, Math.max(to, found + 30));
    if (to - from > 400) { from = Math.max(0, found - 60); to = Math.min(words.length - 1, found + 60); }
    draw();
    strip.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  };

  draw();
  const element = make("section", { className: "editor", attributes: { "data-unsaved": "", "aria-label": isNew ? "A new clip" : `Cut of “${wanted.title}”` } }, [
    make("div", { className: "preview stack" }, [player, where, playButton]),
    make("div", { className: "stack" }, [
      make("div", { className: "line" }, [make("h3", { text: isNew ? "A new clip" : "Start and end, by words" }), length]),
      find, strip, said, edgeRow("start", "Start"), edgeRow("end", "End"),
      make("label", { className: "stack titled" }, [make("span", { className: "quiet", text: "Title" }), title]),
    ]),
  ]);
  element.onkeydown = (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } };
  return {
    element,
    focus: () => edges.start.handle.focus(),
    cut: () => ({ position: wanted.position, start: start(), end: end(), title: title.value.trim() }),
    isChanged: () => isNew || touched && (start() !== wanted.start || end() !== wanted.end) || title.value.trim() !== wanted.title,
    problem: () => cutting.problem(end() - start(), limits) || (title.value.trim() ? "" : "Write a title."),
    stop: () => { player.pause(); player.removeAttribute("src"); player.load(); },
  };
}

function precise(seconds) { return `${clock(seconds)}.${Math.floor((seconds % 1) * 10)}`; }

function plainWords(text) { return text.toLowerCase().replace(/[^\p{L}\p{N}\s]+/gu, "").split(/\s+/).filter(Boolean); }
