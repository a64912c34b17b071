function part(title, className, children) {
  return make("section", { className: `card ${className}` }, [make("h2", { text: title }), ...children]);
}

function timed(rows, textOf) {
  return make("ul", {}, rows.map((row) => make("li", {}, [
    timeButton(row.start), make("span", { className: "wraps", text: textOf(row) }),
  ])));
}

export default function ({ data, parentElement }) {
  const none = (text) => make("p", { className: "quiet", text });
  const main = [
    part("Summary", "summary", data.summary.length
      ? data.summary.map((sentence) => make("p", { className: "wraps", text: sentence }))
      : [none("Too little was said to summarise.")]),
    part("Quotes", "quotes", data.quotes.length
      ? [timed(data.quotes, (quote) => `“${quote.text}”`)] : [none("No sentence stood out.")]),
  ];
  const side = [
    part("Chapters", "chapters", data.chapters.length
      ? [timed(data.chapters, (chapter) => chapter.title)] : [none("One chapter: the whole video.")]),
    part("Keywords", "words", data.keywords.length
      ? [make("div", { className: "keywords" }, data.keywords.map((word) => make("span", { className: "chip wraps", text: word.text })))]
      : [none("None found.")]),
  ];
  if (data.sentiment) {
    side.push(part("Tone", "tone", [make("p", {
      text: `${data.sentiment.label} (${data.sentiment.compound.toFixed(2)} on a scale from −1 to 1)`,
    })]));
  }
  parentElement.querySelector("#root").replaceChildren(
    make("p", { className: "method quiet wraps", text: data.method }),
    make("div", { className: "columns" }, [
      make("div", { className: "side" }, main), make("div", { className: "side" }, side),
    ]),
  );
}
