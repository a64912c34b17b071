const closers = new WeakMap();

function part(title, className, children) {
  return make("section", { className: `card ${className}` }, [make("h2", { text: title }), ...children]);
}

function passage(row, text, tag) {
  const button = make("button", { className: "passage", attributes: { type: "button", title: "Play from here", "data-start": row.start } }, [
    make("span", { className: "at numbers", text: clock(row.start) }), make(tag, { className: "wraps", text }),
  ]);
  button.onclick = () => seek(row.start);
  return make("li", {}, [button]);
}

function keyword(word) {
  const button = make("button", { className: "button small", attributes: { type: "button", title: "Find in the transcript" } }, [
    icon("search"), make("span", { className: "wraps", text: word.text }),
  ]);
  button.onclick = () => {
    // The tabs are Streamlit's, and changing them from Python would draw the page again.
    [...document.querySelectorAll('[role="tab"]')].find((tab) => tab.textContent.trim() === "Transcript")?.click();
    window.dispatchEvent(new CustomEvent("backlot-find", { detail: word.text }));
  };
  return button;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const none = (text) => make("p", { className: "quiet", text });
  const list = (rows) => make("ul", {}, rows);
  const main = [
    part("Summary", "summary", data.summary.length
      ? data.summary.map((sentence) => make("p", { className: "wraps", text: sentence }))
      : [none("Too little was said to summarise.")]),
    part("Quotes", "quotes", data.quotes.length
      ? [list(data.quotes.map((quote) => passage(quote, quote.text, "q")))] : [none("No sentence stood out.")]),
  ];
  const side = [
    part("Chapters", "chapters", data.chapters.length
      ? [list(data.chapters.map((chapter) => passage(chapter, chapter.title, "span")))] : [none("One chapter: the whole video.")]),
    part("Keywords", "words", data.keywords.length
      ? [make("div", { className: "line keywords" }, data.keywords.map(keyword))] : [none("None found.")]),
  ];
  if (data.sentiment) {
    const scale = make("span", { className: "point" });
    scale.style.left = `${50 * (data.sentiment.compound + 1)}%`;
    side.push(part("Tone", "tone", [
      make("p", { text: data.sentiment.label }),
      make("div", { className: "scale", attributes: { "aria-hidden": "true" } }, [scale]),
      make("p", { className: "quiet numbers", text: `${data.sentiment.compound.toFixed(2)} on a scale from −1 to 1` }),
    ]));
  }
  root.replaceChildren(
    make("div", { className: "columns" }, [make("div", { className: "side" }, main), make("div", { className: "side" }, side)]),
    make("p", { className: "method quiet wraps", text: data.method }),
  );
  const chapters = [...root.querySelectorAll(".chapters .passage")];
  const mark = (event) => {
    const now = chapters.findLast((one) => Number(one.dataset.start) <= event.detail + 0.01);
    for (const one of chapters) one.toggleAttribute("aria-current", one === now);
  };
  closers.get(parentElement)?.();
  window.addEventListener("backlot-time", mark);
  closers.set(parentElement, () => window.removeEventListener("backlot-time", mark));
  return () => closers.get(parentElement)?.();
}
