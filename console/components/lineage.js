const COLUMNS = ["Output", "Made by", "Asked for", "Started", "Waited", "Took", "Attempts", "Worker", "Cost"];

function span(seconds) {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds);
}

function row(output) {
  const uses = output.uses.length ? output.uses.map((use) => make("span", { className: "use wraps" }, [
    make("span", { text: `${use.engine} ${use.model}` }),
    make("span", { className: "quiet", text: [use.prompt ? `prompt ${use.prompt}` : "", use.amount].filter(Boolean).join(" · ") }),
  ])) : [make("span", { className: "quiet", text: "Backlot itself" })];
  const cells = [
    [make("span", { className: "strong", text: output.stage }), ...(output.superseded ? [make("span", { className: "chip", text: "older" })] : [])],
    uses,
    [make("span", { text: output.kind }), make("span", { className: "quiet", text: `by ${output.asked_by}` })],
    [make("span", { className: "numbers" }, [timeTag(output.started_at)])],
    [make("span", { className: "numbers whole", text: span(output.waited) })],
    [make("span", { className: "numbers whole", text: span(output.took) })],
    [make("span", { className: "numbers", text: String(output.attempts) })],
    [make("span", { className: "quiet whole", text: output.worker })],
    [make("span", { className: "numbers", text: output.cost })],
  ];
  return make("tr", { className: output.superseded ? "older" : "" }, cells.map((children, position) =>
    make(position ? "td" : "th", { attributes: { "data-label": COLUMNS[position], ...(position ? {} : { scope: "row" }) } }, [
      make("div", { className: "cell" }, children),
    ])));
}

export default function ({ data, parentElement }) {
  parentElement.querySelector("#root").replaceChildren(
    make("div", { className: "wide" }, [make("table", { attributes: { "aria-label": "How each output was made" } }, [
      make("thead", {}, [make("tr", {}, COLUMNS.map((text) => make("th", { text, attributes: { scope: "col" } })))]),
      make("tbody", {}, data.outputs.map(row)),
    ])]),
    make("p", { className: "total" }, [make("span", { text: "All work on this video: " }), make("span", { className: "strong", text: data.cost })]),
    ...(data.edits.length ? [make("h2", { text: "Changed by people" }), make("ul", {}, data.edits.map((edit) => make("li", { className: "line" }, [
      make("span", { className: "quiet numbers" }, [timeTag(edit.at)]),
      make("span", { className: "wraps", text: edit.text }),
    ])))] : []),
    make("p", { className: "quiet", text: `Times are those of your clock (${ZONE}). Outputs are never changed: what people changed lies over them.` }),
  );
}
