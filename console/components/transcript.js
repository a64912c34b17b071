const closers = new WeakMap();

function segmentRow(segment) {
  const words = segment.words.length ? segment.words : [segment];
  const line = make("p", { className: "wraps" });
  for (const word of words) {
    const shown = make("span", {
      className: word.unsure || segment.unsure ? "word unsure" : "word", text: word.text.trim(),
    });
    if (word.unsure || segment.unsure) shown.title = "The recogniser was not sure of this";
    shown.onclick = () => seek(word.start);
    line.append(shown, " ");
  }
  return make("li", {}, [timeButton(segment.start), line]);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  if (root.dataset.source !== data.source) {
    root.dataset.source = data.source;
    root.replaceChildren(make("p", { className: "quiet", text: "Loading the transcript…" }));
    fetch(data.source)
      .then(async (response) => {
        const body = await response.json();
        if (!response.ok) throw new Error(body.message);
        const list = make("ol", { attributes: { tabindex: "0", "aria-label": "Transcript" } }, body.segments.map(segmentRow));
        const unsure = list.querySelectorAll(".unsure").length;
        root.segments = body.segments;
        root.replaceChildren(make("div", { className: "notes quiet" }, [
          make("span", { text: `${body.language} · ${body.engine} ${body.model}` }),
          ...(unsure ? [make("span", {}, [
            make("span", { className: "unsure", text: "Underlined" }), ` words are uncertain (${unsure})`,
          ])] : []),
          ...(body.note ? [make("span", { className: "wraps", text: body.note })] : []),
        ]), list);
      })
      .catch((error) => {
        delete root.dataset.source;
        root.replaceChildren(make("p", { className: "quiet", text: error.message || "The transcript did not load." }));
      });
  }
  const follow = (event) => {
    const list = root.querySelector("ol");
    if (!list || !root.segments) return;
    const position = root.segments.findLastIndex((segment) => segment.start <= event.detail);
    if (list.children[position]?.classList.contains("now")) return;
    list.querySelector(".now")?.classList.remove("now");
    const row = list.children[position];
    if (!row) return;
    row.classList.add("now");
    if (row.offsetTop < list.scrollTop || row.offsetTop + row.offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = row.offsetTop - list.clientHeight / 3;
    }
  };
  closers.get(parentElement)?.();
  window.addEventListener("backlot-time", follow);
  closers.set(parentElement, () => window.removeEventListener("backlot-time", follow));
  return () => closers.get(parentElement)?.();
}
