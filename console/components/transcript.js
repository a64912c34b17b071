Object.assign(ICONS, { undo: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 0 12", up: "M6 15l6-6 6 6", follow: "M12 4v16M6 14l6 6 6-6" });
const transcripts = new WeakMap();
const LINES = 40; // drawn together

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

  const legend = make("span", { className: "quiet legend" });
  const uncertain = smallButton("info", "Next uncertain word", { text: "Next uncertain word" });
  const status = make("span", { className: "quiet told", attributes: { role: "status" } });
  const undoButton = smallButton("undo", "Take the last change back", { text: "Undo" });
  const followButton = make("button", { className: "button small follow", attributes: { type: "button", hidden: "" } }, [
    icon("follow"), make("span", { text: "Follow" }),
  ]);
  const notes = make("p", { className: "quiet wraps" });
  const finder = finding.make({
    segments: () => said.segments,
    drawn: () => rows.keys(),
    spans: (line) => rows.get(line)?.querySelectorAll(".word"),
    goTo(line) { letGo(); bring(line, { always: true, page: true }); },
  });
  const corrector = correcting.make({
    video: () => data.video,
    lines: () => ({ segments: said.segments, corrections }),
    row: need, fill, tell, bring,
    focus: (line) => focusLine(line, false),
    done: drawLegend,
  });

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
    finder.mark(line);
    if (now.line === line) highlight(line, now.word);
  }
  function correctedNote(correction) {
    const back = make("button", { className: "link back", text: "Take back", attributes: { type: "button" } });
    return make("p", { className: "quiet note wraps" }, [
      make("span", { className: "chip blue" }, [icon("edit"), make("span", { text: "Corrected" })]),
      make("span", {}, [` by ${correction.editor} · `, timeTag(correction.at), " · original: "]),
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
      finder.element, legend, uncertain,
      make("span", { className: "line telling" }, [status, undoButton]),
    ]);
    root.replaceChildren(bar, make("div", { className: "frame" }, [list, followButton]), notes);
    drawLegend();
    finder.search(false);
    tell("");
  }
  function drawLegend() {
    words = said.segments.flatMap((segment, line) => pieces(line).flatMap((word, position) => (word.unsure || segment.unsure ? [[line, position]] : [])));
    legend.replaceChildren(make("span", { className: "unsure", text: "Underlined" }), ` = the model was unsure (${count(words.length)})`);
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
    tell(`Uncertain word ${count(words.indexOf(target) + 1)} of ${count(words.length)}: “${pieces(target[0])[target[1]].text.trim()}”`);
  }

  function edit(line) { if (data.may_act) corrector.edit(line); }
  function focusLine(line, scroll = true) {
    list.querySelector('li[tabindex="0"]')?.setAttribute("tabindex", "-1");
    tabLine = line;
    need(line).setAttribute("tabindex", "0");
    if (scroll) bring(line);
    rows.get(line).focus({ preventScroll: true });
  }
  const lineOf = (target) => Number(target.closest("li")?.dataset.line ?? -1);
  list.onclick = (event) => {
    const line = lineOf(event.target);
    if (line < 0 || event.target.closest("form")) return;
    const word = event.target.closest("[data-word]");
    if (event.target.closest(".pencil")) edit(line);
    else if (event.target.closest(".back")) corrector.put(line, null);
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
  undoButton.onclick = () => undo && corrector.put(undo.line, undo.value, true);
  const onFind = (event) => { finder.field.value = event.detail; if (said) finder.search(true); };
  window.addEventListener("backlot-time", onTime);
  window.addEventListener("backlot-find", onFind);

  async function load() {
    root.replaceChildren(make("div", { className: "stack", attributes: { role: "status", "aria-label": "Loading the transcript" } },
      Array.from({ length: 6 }, () => make("span", { className: "skeleton" }))));
    const wanted = data.source;
    try {
      const response = await fetch(wanted);
      const body = await response.json();
      if (!response.ok) throw new Error(body.detail);
      if (wanted !== data.source) return;
      said = body;
      corrections = new Map((body.corrections ?? []).map((one) => [one.line, one]));
      now = { line: -1, word: -1 };
      finder.field.value ||= new URL(location.href).searchParams.get("q") ?? "";
      draw();
      if (finder.field.value) finder.search(true);
    } catch (error) {
      said = null;
      const again = make("button", { className: "button small", text: "Try again", attributes: { type: "button" } });
      again.onclick = load;
      root.replaceChildren(make("p", { className: "notice orange" }, [icon("alert"), make("span", {
        text: error instanceof TypeError ? "The transcript did not load: Backlot does not answer." : error.message,
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
