const COLUMNS = ["Name", "Role", "State", "Last seen", "Open sessions"];

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const focused = parentElement.getRootNode().activeElement?.dataset?.key;
  const cell = (column, children, className = "") => make("td", { className, attributes: { "data-column": column } }, children);
  root.replaceChildren(make("table", { attributes: { "aria-label": "Users" } }, [
    make("thead", {}, [make("tr", {}, COLUMNS.map((name) => make("th", { text: name, attributes: { scope: "col" } })))]),
    make("tbody", {}, data.rows.map((row) => {
      const link = make("a", {
        className: "strong wraps", text: row.name, attributes: { href: `${data.address}?user=${row.id}`, "data-key": String(row.id) },
      });
      const line = make("tr", {}, [
        make("th", { attributes: { scope: "row" } }, [link]),
        cell("Role", [row.role]),
        cell("State", [make("span", { className: `chip ${row.state.colour}`, text: row.state.label })]),
        cell("Last seen", [row.seen], "numbers"),
        cell("Open sessions", [row.sessions ? count(row.sessions) : "none"], "numbers"),
      ]);
      line.onclick = (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
        event.preventDefault();
        setTriggerValue("opened", String(row.id));
      };
      return line;
    })),
  ]));
  if (focused) root.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}
