const TYPING_MS = 220;
const LENGTHS = [["", "Any"], ["short", "Under 5 min"], ["medium", "5 to 20 min"], ["long", "Over 20 min"]];
const bars = new WeakMap();

const isWriting = (event) => {
  const at = event.composedPath()[0];
  return at instanceof Element && (at.matches("input, textarea, select") || at.isContentEditable);
};

// Built once for each place, so that what somebody types stays, with the cursor; each run only brings new answers.
function build(root) {
  const bar = { ask() {}, typing: 0, pushed: false };
  const focused = () => root.getRootNode().activeElement;
  const search = make("input", { className: "field", attributes: {
    type: "search", placeholder: "Search titles and what is said", "aria-label": "Search titles and what is said",
    autocomplete: "off", spellcheck: "false", enterkeyhint: "search", maxlength: 200,
  } });
  const hint = make("kbd", { text: "/", attributes: { "aria-hidden": "true" } });
  const box = make("div", { className: "box" }, [icon("search"), search, hint]);
  const badge = make("span", { className: "count", attributes: { hidden: "" } });
  const toggle = make("button", { className: "button", attributes: {
    type: "button", "aria-expanded": "false", "aria-controls": "filters",
  } }, ["Filters", badge]);
  const chips = make("div", { className: "chips", attributes: { role: "group", "aria-label": "State" } });
  const panel = make("div", { className: "card filters", attributes: { id: "filters", hidden: "" } });
  const active = make("div", { className: "line active", attributes: { hidden: "" } });
  const told = make("p", { className: "unseen", attributes: { role: "status" } });
  root.replaceChildren(make("div", { className: "top" }, [box, toggle]), chips, panel, active, told);

  const change = (changes, options) => bar.ask(address.change({ show: null, at: null, ...changes }, options));
  search.oninput = () => {
    clearTimeout(bar.typing);
    bar.typing = setTimeout(() => {
      bar.typing = 0;
      change({ q: search.value.trim() || null }, { quietly: bar.pushed });
      bar.pushed = true; // one step back leads to before the typing
    }, TYPING_MS);
  };
  search.onblur = () => { bar.pushed = false; };
  search.onkeydown = (event) => {
    if (event.key === "Escape" && !search.value) search.blur();
  };
  toggle.onclick = () => {
    panel.hidden = !panel.hidden;
    toggle.setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) panel.querySelector("input, button")?.focus();
  };
  const field = (label, name, attributes, children = []) => {
    const input = make("input", { className: "field", attributes: { "aria-label": label, name, ...attributes } });
    input.onchange = () => change({ [name]: input.value.trim() || null });
    return [make("label", { className: "stack" }, [make("span", { className: "quiet", text: label }), input]), ...children];
  };
  const lengths = make("div", { className: "segments", attributes: { role: "group", "aria-label": "Length" } },
    LENGTHS.map(([value, text]) => {
      const button = make("button", { text, attributes: { type: "button", value } });
      button.onclick = () => change({ length: value || null });
      return button;
    }));
  panel.replaceChildren(
    make("div", { className: "stack wide" }, [make("span", { className: "quiet", text: "Length" }), lengths]),
    ...field("Uploaded from", "from", { type: "date" }), ...field("Uploaded to", "to", { type: "date" }),
    ...field("Tag", "tag", { type: "text", autocomplete: "off", maxlength: 100 }),
    ...field("Owner", "owner", { type: "text", autocomplete: "off", maxlength: 64 }),
  );

  function pressed(event) {
    if (event.key !== "/" || event.metaKey || event.ctrlKey || event.altKey || isWriting(event)) return;
    event.preventDefault();
    search.focus();
    search.select();
  }
  document.addEventListener("keydown", pressed);
  bar.stop = () => { clearTimeout(bar.typing); document.removeEventListener("keydown", pressed); };

  const chip = (className, text, count, pressedNow, act) => {
    const button = make("button", {
      className: `chip ${className}${count === "0" ? " none" : ""}`, attributes: { type: "button", "aria-pressed": String(pressedNow) },
    }, [make("span", { text }), make("span", { className: "numbers amount", text: count })]);
    button.onclick = act;
    return button;
  };
  const drawn = { chips: "", active: "" };
  bar.draw = (data) => {
    const params = address.read();
    const states = (params.get("state") ?? "").split(",").filter((one) => data.states.some(({ id }) => id === one));
    const text = params.get("q") ?? "";
    if (!bar.typing && search.value.trim() !== text) search.value = text;
    const signature = JSON.stringify([data.states, data.total, states]);
    if (drawn.chips !== signature) {
      drawn.chips = signature;
      const at = [...chips.children].indexOf(focused());
      chips.replaceChildren(
        chip("all", "All", data.total, !states.length, () => change({ state: null })),
        ...data.states.map(({ id, name, colour, count }) => chip(colour, name, count, states.includes(id), () => {
          const chosen = states.includes(id) ? states.filter((one) => one !== id) : [...states, id];
          change({ state: chosen.join(",") || null });
        })),
      );
      chips.children[at]?.focus();
    }
    for (const input of panel.querySelectorAll("input")) {
      if (focused() !== input) input.value = params.get(input.name) ?? "";
      input.closest("label").hidden = input.name === "owner" && !data.show_owner;
    }
    for (const button of lengths.children) {
      button.setAttribute("aria-pressed", String(button.value === (params.get("length") ?? "")));
    }
    const set = [
      ["owner", (value) => `Owner: ${value}`], ["tag", (value) => `Tag: ${value}`],
      ["length", (value) => LENGTHS.find(([id]) => id === value)?.[1] ?? ""],
      ["from", (value) => `From ${value}`], ["to", (value) => `To ${value}`],
    ].filter(([name]) => params.get(name));
    badge.hidden = !set.length;
    badge.textContent = set.length;
    const shown = JSON.stringify(set.map(([name]) => params.get(name)));
    if (drawn.active !== shown) {
      drawn.active = shown;
      active.hidden = !set.length;
      active.replaceChildren(...set.map(([name, tell]) => {
        const text = tell(params.get(name));
        const button = make("button", {
          className: "button small", attributes: { type: "button", "aria-label": `Remove the filter ${text}` },
        }, [make("span", { className: "cut", text }), icon("cross")]);
        button.onclick = () => change({ [name]: null });
        return button;
      }), (() => {
        const clear = make("button", { className: "link", text: "Clear filters", attributes: { type: "button" } });
        clear.onclick = () => change({ owner: null, tag: null, length: null, from: null, to: null });
        return clear;
      })());
    }
    told.textContent = data.told;
  };
  return bar;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!bars.has(parentElement)) bars.set(parentElement, build(parentElement.querySelector("#root")));
  const bar = bars.get(parentElement);
  bar.ask = (asked) => setTriggerValue("asked", asked);
  bar.draw(data);
  return () => { bar.stop(); bars.delete(parentElement); };
}
