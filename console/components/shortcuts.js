const SECOND_KEY_MS = 1200;
const OTHERS = [["This list", ["?"]], ["Close what is open", ["Esc"]]];
const listening = new WeakMap();

const isWriting = (event) => {
  const at = event.composedPath()[0];
  return at instanceof Element && (at.matches("input, textarea, select") || at.isContentEditable);
};

export default function ({ data, parentElement, setTriggerValue }) {
  const dialog = parentElement.querySelector("dialog");
  const close = parentElement.querySelector(".close");
  const open = () => { if (!document.querySelector("[role=dialog]") && !dialog.open) dialog.showModal(); };
  const rows = [...data.pages.map((page) => [page.title, ["g", page.key]]), ...OTHERS];
  parentElement.querySelector("dl").replaceChildren(...rows.flatMap(([name, keys]) => [
    make("dt", { text: name }), make("dd", {}, keys.map((key) => make("kbd", { text: key }))),
  ]));
  close.replaceChildren(icon("cross"));
  close.onclick = () => dialog.close();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  parentElement.querySelector(".open").onclick = open;

  let first = -Infinity;
  function pressed(event) {
    if (event.metaKey || event.ctrlKey || event.altKey || isWriting(event)) return;
    if (event.key === "?") open();
    const page = data.pages.find((one) => one.key === event.key);
    if (page && performance.now() - first < SECOND_KEY_MS) {
      dialog.close();
      setTriggerValue("chosen", page.address);
    }
    first = event.key === "g" ? performance.now() : -Infinity;
  }
  listening.get(parentElement)?.();
  document.addEventListener("keydown", pressed);
  listening.set(parentElement, () => document.removeEventListener("keydown", pressed));
  return () => listening.get(parentElement)?.();
}
