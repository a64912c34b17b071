const STEPS = [
  ["upload", "It is sent in parts", "What is cut off goes on by itself, also from another tab, for a week."],
  ["search", "It is understood", "Every word is written down, with chapters, a summary and keywords."],
  ["scissors", "It is put to use", "Thumbnails, short clips with captions, and posts to edit and copy."],
];
const mounted = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const [zone, input, list] = [find(".zone"), find("input[type=file]"), find(".files")];
  const state = mounted.get(parentElement) ?? { rows: new Map(), close() {}, wanted: null, told: "" };
  mounted.set(parentElement, state);
  state.close();
  state.data = data;

  find(".formats").textContent =
    `MP4, MOV, MKV, WebM, AVI or sound alone · up to ${bytes(data.size_limit)} each · what was cut goes on where it stopped`;
  if (!find(".steps").children.length) {
    find(".steps").append(...STEPS.map(([drawing, head, text]) => make("li", {}, [
      icon(drawing), make("span", { className: "strong", text: head }), make("span", { className: "quiet", text }),
    ])));
  }

  const add = (files) => uploads.add(files, data.size_limit);
  find(".choose").onclick = () => input.click();
  input.onchange = () => { add([...input.files]); input.value = ""; };

  // A file may be dropped anywhere on the page: beside the zone the browser would open it and leave.
  const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (event) => { if (holdsFiles(event)) { event.preventDefault(); zone.classList.add("over"); } };
  const out = (event) => { if (!event.relatedTarget) zone.classList.remove("over"); };
  const drop = (event) => {
    zone.classList.remove("over");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  };
  parentElement.onclick = (event) => {
    const link = event.target.closest?.("a[data-video]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    setTriggerValue("opened", link.dataset.video);
  };

  function drawStopped() {
    const section = find(".stopped-before");
    const rows = uploads.unfinished();
    const key = JSON.stringify(rows);
    section.hidden = !rows.length;
    if (section.dataset.key === key) return;
    section.dataset.key = key;
    section.replaceChildren(make("h2", { text: "Stopped before they had arrived" }), ...rows.map((row) => {
      const choose = make("button", { className: "button small first", text: "Choose the file", attributes: { type: "button", "aria-label": `Choose ${row.name} again` } });
      choose.onclick = () => input.click();
      const discard = make("button", { className: "button small plain", text: "Discard", attributes: { type: "button", "aria-label": `Discard ${row.name}` } });
      discard.onclick = () => uploads.discard(row.id);
      return make("div", { className: "card", attributes: { "data-unfinished": row.name } }, [
        make("div", { className: "what" }, [
          make("div", { className: "strong wraps", text: row.name }),
          make("div", {
            className: "quiet numbers",
            text: `stands at ${Math.floor((row.offset / row.size) * 100)}% of ${bytes(row.size)} since ${when(row.when)}: choose the file again to go on`,
          }),
        ]),
        choose, discard,
      ]);
    }));
  }

  function drawTogether() {
    const { open, counted, size, sent, rate, left, isPaused } = uploads.together();
    const section = find(".sending");
    section.hidden = !uploads.items.length;
    find(".steps").hidden = uploads.items.length > 0;
    zone.classList.toggle("busy", uploads.items.length > 0);
    section.querySelector("h2").textContent = open.length ? `Sending ${open.length === 1 ? "one file" : `${open.length} files`}` : "Sent";
    section.querySelector(".together").textContent = open.length && counted.length > 1
      ? `${Math.floor((sent / size) * 100)}% of ${bytes(size)}${rate ? ` · ${bytes(rate)}/s` : ""}${left ? ` · ${sendingLeft(left)}` : ""}` : "";
    const wanted = open.length < 2 ? "" : isPaused ? "Resume all" : "Pause all";
    if (state.wanted === wanted) return;
    state.wanted = wanted;
    const button = make("button", { className: "button small", attributes: { type: "button" } }, [icon(isPaused ? "play" : "pause"), wanted]);
    button.onclick = () => (isPaused ? uploads.goAll() : uploads.pauseAll());
    section.querySelector(".all").replaceChildren(...(wanted ? [button] : []));
  }

  function draw() {
    for (const item of uploads.items) {
      if (!state.rows.has(item)) state.rows.set(item, uploadRow(item, () => state.data, (id) => live.video(id)));
      state.rows.get(item).draw();
    }
    for (const [item, one] of state.rows) {
      if (!uploads.items.includes(item)) { one.row.remove(); state.rows.delete(item); }
    }
    uploads.items.forEach((item, position) => {
      const { row } = state.rows.get(item);
      if (list.children[position] !== row) list.insertBefore(row, list.children[position] ?? null);
    });
    drawStopped();
    drawTogether();
    tell();
  }

  // For who listens to the page: what ended, not each percent.
  function tell() {
    const last = uploads.items.filter((item) => ["accepted", "refused", "duplicate"].includes(item.state)).at(-1);
    const told = last ? `${last.name}: ${UPLOAD_LABELS[last.state]}` : "";
    if (told !== state.told) { state.told = told; find(".unseen").textContent = told; }
  }

  const page = document;
  page.addEventListener("dragover", over);
  page.addEventListener("dragleave", out);
  page.addEventListener("drop", drop);
  const stops = [uploads.watch(draw), live.watch(draw)];
  const isShown = uploads.listShown();
  state.close = () => {
    page.removeEventListener("dragover", over);
    page.removeEventListener("dragleave", out);
    page.removeEventListener("drop", drop);
    stops.forEach((stop) => stop());
    isShown();
    state.close = () => {};
  };
  draw();
  if (!state.looked) { state.looked = true; uploads.refresh(); }
  return () => state.close();
}
