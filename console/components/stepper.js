const MARKS = { succeeded: "✓", running: "…", failed: "!", cancelled: "×", skipped: "–" };

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  const fill = make("span");
  fill.style.width = `${data.percent}%`;
  const steps = data.stages.map((stage) => make("li", { className: stage.state, attributes: { "data-stage": stage.id } }, [
    make("span", { className: "dot", text: MARKS[stage.state] ?? "", attributes: { "aria-hidden": "true" } }),
    make("span", { className: "name", text: stage.name }),
    make("span", { className: "quiet numbers", text: stage.note }),
    ...(stage.detail ? [make("span", { className: "more quiet wraps reason", text: stage.detail })] : []),
  ]));
  root.replaceChildren(
    ...(data.unfinished ? [
      make("div", { className: "overall numbers" }, [
        make("span", { className: "wraps", text: data.message }), make("span", { text: `${Math.floor(data.percent)}%` }),
      ]),
      make("div", {
        className: "bar",
        attributes: {
          role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100,
          "aria-valuenow": Math.floor(data.percent),
        },
      }, [fill]),
    ] : []),
    make("ol", {}, steps),
  );
}
