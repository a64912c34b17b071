const asking = new WeakMap(); // the id of the row that asks whether it is meant, by place

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const button = (row, text, className, key, label) => make("button", {
    className: `button small ${className}`, text, attributes: { type: "button", "data-key": `${key} ${row.id}`, ...(label ? { "aria-label": label } : {}) },
  });

  function actions(row) {
    const label = `${row.action}: ${row.title}`;
    if (asking.get(parentElement) !== row.id) {
      const act = button(row, row.action, row.confirm ? "danger" : "", "act", label);
      act.onclick = () => (row.confirm ? ask(row.id, `keep ${row.id}`) : send(row, act));
      return [act];
    }
    const sure = button(row, row.action, "danger", "sure", label);
    const keep = button(row, "Keep", "", "keep", `Keep: ${row.title}`);
    sure.onclick = () => send(row, sure);
    keep.onclick = () => ask(null, `act ${row.id}`);
    return [make("span", { className: "confirm", text: row.confirm, attributes: { role: "alert" } }), sure, keep];
  }
  function ask(id, focus) {
    asking.set(parentElement, id);
    draw(focus);
  }
  function send(row, pressed) {
    pressed.disabled = true;
    asking.set(parentElement, null);
    setTriggerValue("acted", row.id);
  }

  function draw(focus = parentElement.getRootNode().activeElement?.dataset?.key) {
    if (!data.rows.length) {
      root.replaceChildren(make("p", { className: "quiet nothing", text: data.empty }));
      return;
    }
    root.replaceChildren(make("ul", { className: "rows", attributes: { "aria-label": data.label } }, data.rows.map((row) => make("li", {}, [
      make("div", { className: "what" }, [
        make("div", { className: "line name" }, [
          make("span", { className: "strong wraps", text: row.title }),
          ...(row.chip ? [make("span", { className: `chip ${row.chip.colour}`, text: row.chip.label })] : []),
        ]),
        make("div", { className: "quiet facts" }, row.facts.map((fact) => make("span", { className: "wraps numbers", text: fact }))),
      ]),
      ...(row.action ? [make("div", { className: "line acts" }, actions(row))] : []),
    ]))));
    if (focus) root.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  root.onkeydown = (event) => {
    const id = asking.get(parentElement);
    if (event.key !== "Escape" || !id) return;
    event.stopPropagation();
    ask(null, `act ${id}`);
  };
  draw();
}
