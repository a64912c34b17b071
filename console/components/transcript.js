Object.assign(ICONS, { undo: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 0 12", up: "M6 15l6-6 6 6", follow: "M12 4v16M6 14l6 6 6-6" });
const transcripts = new WeakMap();
const LINES = 40; // drawn together
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function smallButton(name, label, { text, className } = {}) {
  const button = make("button", {
    className: `button small ${text ? "" : "square"} ${className ?? ""}`, attributes: { type: "button", title: label },
  }, [icon(name), ...(text ? [make("span", { text })] : [])]);
  if (!text) button.setAttribute("aria-label", label);
  return button;
}

function makeTranscript(root) {
  let data = {};
  let said = null; // the transcript as the server has it
  let corrections = new Map();
  let rows = new Map(); // the lines that are drawn
  let blocks = [];
  let now = { line: -1, word: -1 };
  let following = true;
  let moving = 0; // until when scrolling is our own
  let found = [];
  let place = -1;
  let tabLine = 0; // the line that the Tab key reaches
  let words = null; // [line, word] of what the model was unsure of
  let undo = null;
  const list = make("div", { className: "list", attributes: { role: "group", "aria-label": "Transcript", "data-player-keys": "" } });
  // Ten hours are a hundred thousand words: only the lines around those that are seen are in the document.
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const block = Number(entry.target.dataset.block);
      if (entry.isIntersecting) drawBlock(block); else dropBlock(block);
    }
  }, { root: list, rootMargin: "800px 0px" });

  const find = make("input", { className: "field find", attributes: { type: "search", placeholder: "Find in transcript", "aria-label": "Find in transcript" } });
  const count = make("span", { className: "quiet numbers count-found", attributes: { role: "status" } });
  const previous = smallButton("up", "Previous match (Shift+Enter)");
  const next = smallButton("down", "Next match (Enter)");
  const legend = make("span", { className: "quiet legend" });
  const uncertain = smallButton("info", "Next uncertain word", { text: "Next uncertain word" });
  const status = make("span", { className: "quiet told", attributes: { role: "status" } });
  const undoButton = smallButton("undo", "Take the last change back", { text: "Undo" });
  const followButton = make("button", { className: "button small follow", attributes: { type: "button", hidden: "" } }, [
    icon("follow"), make("span", { text: "Follow" }),
  ]);
  const notes = make("p", { className: "quiet wraps" });

  function text(line) { return said.segments[line].text; }
  function pieces(line) { return spoken.words(said.segments[line]); }

  function drawBlock(block) {
    const part = blocks[block];
    if (part.children.length) return;
    const first = block * LINES;
    const numbers = said.segments.slice(first, first + LINES).map((_, place) => first + place);
    part.replaceChildren(...numbers.map((line) => {
      const row = make("li", { attributes: { "data-line": line, tabindex: line === tabLine ? "0" : "-1" } });
      rows.set(line, row);
      return row;
    }));
    numbers.forEach(fill);
    part.style.height = "";
  }
  function dropBlock(block) {
    const part = blocks[block];
    if (!list.clientHeight) return; // another tab is open: nothing has a height there
    if (!part.children.length || part.querySelector("form") || part.contains(root.getRootNode().activeElement)) return;
    part.style.height = `${part.offsetHeight}px`;
    for (const row of part.children) rows.delete(Number(row.dataset.line));
    part.replaceChildren();
  }
  function need(line) { drawBlock(Math.floor(line / LINES)); return rows.get(line); }
  function fill(line) {
    const row = rows.get(line);
    if (!row || row.querySelector("form")) return;
    const segment = said.segments[line];
    const correction = corrections.get(line);
    const paragraph = make("p", { className: "wraps" });
    pieces(line).forEach((word, position) => {
      const unsure = word.unsure || segment.unsure;
      const shown = make("span", { className: unsure ? "word unsure" : "word", text: word.text.trim(), attributes: { "data-word": position } });
      if (unsure) shown.title = "The model was not sure of this word";
      paragraph.append(shown, " ");
    });
    const body = make("div", { className: "body" }, [paragraph]);
    if (data.may_act) {
      const pencil = smallButton("edit", "Correct this line", { className: "plain pencil" });
      pencil.tabIndex = -1;
      body.append(pencil);
    }
    if (correction) body.append(correctedNote(correction));
    row.classList.toggle("corrected", Boolean(correction));
    row.replaceChildren(
      make("button", { className: "link at", text: clock(segment.start), attributes: { type: "button", tabindex: "-1", title: "Play from here" } }),
      body,
    );
    mark(line);
    if (now.line === line) highlight(line, now.word);
  }
  function correctedNote(correction) {
    const back = make("button", { className: "link back", text: "Take back", attributes: { type: "button" } });
    return make("p", { className: "quiet note wraps" }, [
      make("span", { className: "chip blue" }, [icon("edit"), make("span", { text: "Corrected" })]),
      make("span", { text: ` by ${correction.editor} · ${DAY.format(new Date(correction.at))} · original: ` }),
      make("q", { text: correction.original }), " ", ...(data.may_act ? [back] : []),
    ]);
  }

  function draw() {
    observer.disconnect();
    rows = new Map();
    blocks = Array.from({ length: Math.ceil(said.segments.length / LINES) }, (_, block) => {
      const part = make("ol", { attributes: { "data-block": block } });
      part.style.height = `${2.2 * Math.min(LINES, said.segments.length - block * LINES)}rem`;
      return part;
    });
    list.replaceChildren(...blocks);
    blocks.forEach((part) => observer.observe(part));
    notes.textContent = [`${said.language} · ${said.engine} ${said.model}`, said.note].filter(Boolean).join(" · ");
    const bar = make("div", { className: "line bar-of-tools" }, [
      make("span", { className: "finding line" }, [find, count, previous, next]), legend, uncertain,
      make("span", { className: "line telling" }, [status, undoButton]),
    ]);
    root.replaceChildren(bar, make("div", { className: "frame" }, [list, followButton]), notes);
    drawLegend();
    search(false);
    tell("");
  }
  function drawLegend() {
    words = said.segments.flatMap((segment, line) => pieces(line).flatMap((word, position) => (word.unsure || segment.unsure ? [[line, position]] : [])));
    legend.replaceChildren(make("span", { className: "unsure", text: "Underlined" }), ` = the model was unsure (${words.length.toLocaleString()})`);
    legend.hidden = uncertain.hidden = !words.length;
  }
  function tell(message, { problem = false, back = null } = {}) {
    status.textContent = message;
    status.classList.toggle("problem", problem);
    undo = back;
    undoButton.hidden = !back;
  }

  // Where the sound is.
  function onTime(event) {
    if (!said) return;
    const line = spoken.lineAt(said.segments, event.detail + 0.02);
    const word = line < 0 ? -1 : pieces(line).findLastIndex((one) => one.start <= event.detail + 0.02);
    if (line === now.line && word === now.word) return;
    const moved = line !== now.line;
    rows.get(now.line)?.querySelector(".spoken")?.classList.remove("spoken");
    if (moved) rows.get(now.line)?.classList.remove("now");
    now = { line, word };
    highlight(line, word);
    if (moved && following && !root.querySelector("form")) bring(line);
  }
  function highlight(line, word) {
    const row = rows.get(line);
    if (!row) return;
    row.classList.add("now");
    row.querySelector(`[data-word="${word}"]`)?.classList.add("spoken");
  }
  // Moves the list; the page only for who asked to see a line.
  function bring(line, { always = false, page = false } = {}) {
    if (!list.clientHeight || !said.segments[line]) return;
    const row = need(line);
    const top = () => row.offsetTop - list.clientHeight / 3;
    const inside = row.offsetTop >= list.scrollTop && row.offsetTop + row.offsetHeight <= list.scrollTop + list.clientHeight - 40;
    if (inside && !always) return;
    // Lines that were never drawn have guessed heights: what is drawn on the way moves the aim.
    const aim = (times) => {
      moving = performance.now() + 300;
      list.scrollTop = top();
      if (times) requestAnimationFrame(() => aim(times - 1));
      else if (page) row.scrollIntoView({ block: "nearest" });
    };
    aim(3);
  }
  function letGo() {
    following = false;
    followButton.hidden = false;
  }
  function followAgain() {
    following = true;
    followButton.hidden = true;
    bring(Math.max(now.line, 0), { always: true, page: true });
  }

  // Finding.
  function search(jump) {
    const wanted = find.value.trim().toLowerCase();
    list.querySelectorAll(".found, .here").forEach((one) => one.classList.remove("found", "here"));
    place = -1;
    found = [];
    if (wanted) found = spoken.matches(said.segments, wanted);
    for (const line of rows.keys()) mark(line);
    previous.disabled = next.disabled = !found.length;
    count.textContent = wanted ? (found.length ? `${found.length.toLocaleString()} found` : "Not found") : "";
    if (jump && found.length) step(1);
  }
  function mark(line) {
    const spans = rows.get(line)?.querySelectorAll(".word");
    if (!spans) return;
    for (let position = spoken.firstIn(found, line); found[position]?.line === line; position += 1) {
      const one = found[position];
      for (let word = one.first; word <= one.last; word += 1) {
        spans[word]?.classList.add("found");
        spans[word]?.classList.toggle("here", position === place);
      }
    }
  }
  function step(direction) {
    if (!found.length) return;
    root.querySelectorAll(".here").forEach((one) => one.classList.remove("here"));
    place = (place + direction + found.length) % found.length;
    count.textContent = `${(place + 1).toLocaleString()} of ${found.length.toLocaleString()}`;
    letGo();
    bring(found[place].line, { always: true, page: true });
    mark(found[place].line);
  }
  function nextUncertain() {
    if (!words.length) return;
    const from = nextUncertain.from ?? [now.line, now.word];
    const target = words.find(([line, word]) => line > from[0] || (line === from[0] && word > from[1])) ?? words[0];
    nextUncertain.from = target;
    letGo();
    bring(target[0], { always: true, page: true });
    focusLine(target[0], false);
    root.querySelector(".asked")?.classList.remove("asked");
    need(target[0]).querySelector(`[data-word="${target[1]}"]`)?.classList.add("asked");
    tell(`Uncertain word ${(words.indexOf(target) + 1).toLocaleString()} of ${words.length.toLocaleString()}: “${pieces(target[0])[target[1]].text.trim()}”`);
  }

  // Correcting.
  function focusLine(line, scroll = true) {
    list.querySelector('li[tabindex="0"]')?.setAttribute("tabindex", "-1");
    tabLine = line;
    need(line).setAttribute("tabindex", "0");
    if (scroll) bring(line);
    rows.get(line).focus({ preventScroll: true });
  }
  function edit(line, kept = null, problem = "") {
    if (!data.may_act || need(line).querySelector("form")) return;
    window.dispatchEvent(new CustomEvent("backlot-pause"));
    const field = make("textarea", { className: "field", attributes: { "aria-label": "Text of this line", rows: "2", maxlength: "2000" } });
    field.value = kept ?? text(line);
    const told = make("p", { className: "quiet wraps", attributes: { role: "status" }, text: problem || "Enter saves, Esc leaves it as it was." });
    told.classList.toggle("problem", Boolean(problem));
    const save = make("button", { className: "button small first", text: "Save", attributes: { type: "submit" } });
    const leave = make("button", { className: "button small", text: "Cancel", attributes: { type: "button" } });
    const hear = smallButton("play", "Play this line", { text: "Play line" });
    const form = make("form", { className: "stack" }, [field, make("div", { className: "line" }, [save, leave, hear, told])]);
    const close = () => { form.remove(); fill(line); focusLine(line, false); };
    leave.onclick = close;
    hear.onclick = () => seek(said.segments[line].start);
    form.onsubmit = (event) => {
      event.preventDefault();
      const value = field.value.split(/\s+/).filter(Boolean).join(" ");
      if (!value) { field.setAttribute("aria-invalid", "true"); told.textContent = "Write what is said here, or press Esc."; return; }
      close();
      if (value !== text(line)) put(line, value);
    };
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
      if (event.key === "Escape") { event.preventDefault(); close(); }
    };
    rows.get(line).querySelector(".body").replaceChildren(form);
    field.focus({ preventScroll: true });
    bring(line);
  }
  // value null takes a line back to how it was recognised. What is shown changes at once; the times come with the answer.
  async function put(line, value, undoing = false) {
    const before = corrections.has(line) ? text(line) : null;
    const kept = said.segments[line];
    const wanted = value ?? corrections.get(line)?.original ?? kept.text;
    said.segments[line] = { ...kept, text: wanted, words: wanted.split(" ").map((one) => ({ ...kept, text: one, words: undefined })) };
    fill(line);
    tell("Saving…");
    try {
      const answer = await fetch(`/api/videos/${data.video}/edits/segment:${line}`, {
        method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ value }),
      });
      if (!answer.ok) throw new Error((await answer.json()).message);
      const stands = await (await fetch(`/api/videos/${data.video}/transcript.json?line=${line}`)).json();
      [said.segments[line]] = stands.segments;
      if (stands.corrections?.length) corrections.set(line, stands.corrections[0]); else corrections.delete(line);
      tell(undoing ? "Taken back." : value === null ? "As it was recognised." : "Saved.", { back: undoing ? null : { line, value: before } });
      window.dispatchEvent(new CustomEvent("backlot-corrected"));
    } catch (error) {
      said.segments[line] = kept;
      const problem = `Not saved: ${error instanceof TypeError ? "the server does not answer. Try again." : error.message}`;
      tell(problem, { problem: true });
      if (value !== null) edit(line, value, problem);
    }
    fill(line);
    drawLegend();
  }

  const lineOf = (target) => Number(target.closest("li")?.dataset.line ?? -1);
  list.onclick = (event) => {
    const line = lineOf(event.target);
    if (line < 0 || event.target.closest("form")) return;
    const word = event.target.closest("[data-word]");
    if (event.target.closest(".pencil")) edit(line);
    else if (event.target.closest(".back")) put(line, null);
    else if (word) seek(pieces(line)[Number(word.dataset.word)].start);
    else if (event.target.closest(".at")) seek(said.segments[line].start);
    else return;
    following = true;
    followButton.hidden = true;
  };
  list.ondblclick = (event) => {
    const line = lineOf(event.target);
    if (line >= 0 && !event.target.closest("form, button")) edit(line);
  };
  list.onkeydown = (event) => {
    const line = lineOf(event.target);
    if (event.target.tagName !== "LI") return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    if (moves[event.key]) { letGo(); focusLine(Math.min(Math.max(line + moves[event.key], 0), said.segments.length - 1)); }
    else if (event.key === "Enter" && data.may_act) edit(line);
    else if (event.key === "Enter") seek(said.segments[line].start);
    else return;
    event.preventDefault();
  };
  list.onscroll = () => { if (performance.now() > moving) letGo(); };
  list.onwheel = list.ontouchmove = () => { moving = 0; };
  followButton.onclick = followAgain;
  uncertain.onclick = nextUncertain;
  undoButton.onclick = () => undo && put(undo.line, undo.value, true);
  find.oninput = () => search(true);
  find.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { find.value = ""; search(false); }
  };
  previous.onclick = () => step(-1);
  next.onclick = () => step(1);
  const onFind = (event) => { find.value = event.detail; if (said) search(true); };
  window.addEventListener("backlot-time", onTime);
  window.addEventListener("backlot-find", onFind);

  async function load() {
    root.replaceChildren(make("div", { className: "stack", attributes: { role: "status", "aria-label": "Loading the transcript" } },
      Array.from({ length: 6 }, () => make("span", { className: "skeleton" }))));
    const wanted = data.source;
    try {
      const response = await fetch(wanted);
      const body = await response.json();
      if (!response.ok) throw new Error(body.message);
      if (wanted !== data.source) return;
      said = body;
      corrections = new Map((body.corrections ?? []).map((one) => [one.line, one]));
      now = { line: -1, word: -1 };
      find.value = find.value || new URL(location.href).searchParams.get("q") || "";
      draw();
      if (find.value) search(true);
    } catch (error) {
      said = null;
      const again = make("button", { className: "button small", text: "Try again", attributes: { type: "button" } });
      again.onclick = load;
      root.replaceChildren(make("p", { className: "notice orange" }, [icon("alert"), make("span", {
        text: error instanceof TypeError ? "The transcript did not load: the server does not answer." : error.message,
      })]), again);
    }
  }
  return {
    show(given) {
      const before = data;
      data = given;
      if (before.source !== data.source) load();
      else if (before.may_act !== data.may_act && said) draw();
    },
    close() {
      observer.disconnect();
      window.removeEventListener("backlot-time", onTime);
      window.removeEventListener("backlot-find", onFind);
    },
  };
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  if (!transcripts.has(parentElement)) transcripts.set(parentElement, makeTranscript(root));
  transcripts.get(parentElement).show(data);
  return () => {
    transcripts.get(parentElement)?.close();
    transcripts.delete(parentElement);
  };
}
