const kept = new WeakMap();

function build(root, told) {
  const text = told.is_link ? `${location.origin}/?reset=${encodeURIComponent(told.secret)}` : told.secret;
  const field = make("input", { className: "field numbers", attributes: { readonly: "", "aria-label": told.title, autocomplete: "off", spellcheck: "false" } });
  field.value = text;
  field.onfocus = () => field.select();
  const copy = copying.button(make("button", { className: "button first", attributes: { type: "button" } }, [icon("copy"), make("span", { text: "Copy" })]), () => text);
  const done = make("button", { className: "button", text: "Done", attributes: { type: "button" } });
  done.onclick = () => root.replaceChildren();
  root.replaceChildren(make("section", { className: "card stack", attributes: { "aria-label": told.title, role: "status" } }, [
    make("h2", { text: told.title }), make("div", { className: "row" }, [field, copy, done]),
    make("p", { className: "line warning" }, [icon("alert"), make("span", { text: told.note })]),
  ]));
  root.firstChild.scrollIntoView({ block: "nearest" });
  copy.focus({ preventScroll: true });
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (data?.stamp && kept.get(parentElement) !== data.stamp) {
    kept.set(parentElement, data.stamp);
    build(parentElement.querySelector("#root"), data);
    setTriggerValue("shown", data.stamp);
  }
}
