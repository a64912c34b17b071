export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#root");
  const head = make("div", { className: "head quiet", attributes: { "aria-hidden": "true" } }, [
    make("span", { text: "Title" }), make("span", { text: "State" }),
    ...(data.show_owner ? [make("span", { text: "Owner" })] : []),
    make("span", { className: "right", text: "Length" }), make("span", { className: "right", text: "Uploaded" }),
  ]);
  const rows = data.rows.map((row) => {
    const link = make("a", { className: "row", attributes: { href: `/video?id=${encodeURIComponent(row.id)}` } }, [
      make("span", { className: "name" }, [
        make("span", { className: "title wraps", text: row.title }),
        make("span", { className: "quiet wraps", text: row.file_name === row.title ? row.size : `${row.file_name} · ${row.size}` }),
      ]),
      make("span", {}, [make("span", { className: `chip ${row.colour}`, text: row.state })]),
      ...(data.show_owner ? [make("span", { className: "owner wraps", text: row.owner })] : []),
      make("span", { className: "right numbers duration", text: row.duration ?? "" }),
      make("span", { className: "right numbers quiet when", text: row.when }),
    ]);
    link.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      setTriggerValue("opened", row.id);
    };
    return make("li", {}, [link]);
  });
  root.className = data.show_owner ? "list" : "list without-owner";
  root.replaceChildren(head, make("ul", {}, rows));
}
