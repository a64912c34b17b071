Object.assign(ICONS, { up: "M6 15l6-6 6 6", add: "M12 5v14M5 12h14" });
const desks = new WeakMap();
const SAVE_AFTER = 1000; // milliseconds after the last change
const NUMBERED = /(?:^| )\d+\/\d+$/; // how the parts of a thread end when they are counted

function makeDesk(root) {
  const cards = new Map(); // by network
  const method = make("p", { className: "quiet wraps" });
  const grid = make("div", { className: "grid" });
  const extra = make("div", { className: "grid" });
  root.replaceChildren(method, grid, extra);

  function button(text, drawn, act, { className = "button small", label } = {}) {
    const made = make("button", { className, attributes: { type: "button", ...(label ? { "aria-label": label, title: label } : {}) } }, [
      icon(drawn), ...(text ? [make("span", { text })] : []),
    ]);
    made.onclick = act;
    return made;
  }

  function makeCard(post, data) {
    let saved = post.parts; // what stands, as the server knows it
    let timer = 0;
    let sending = null;
    let again = false;
    const parts = make("div", { className: "parts stack" });
    const status = make("span", { className: "quiet status", attributes: { role: "status" } });
    const edited = make("div", { className: "line quiet edited" });
    const restore = button("Restore the original", "retry", () => back(), { className: "button small plain" });
    const total = make("span", { className: "quiet numbers" });
    const copyAll = copying.button(button(post.thread ? "Copy all" : "Copy", "copy", null, { label: `Copy ${post.name}` }), () => texts().join("\n\n"));
    const download = button("Download", "download", () => keep(), { label: `Download ${post.name} as ${post.ending}` });
    const addPart = button("Add a part", "add", () => {
      const made = part(texts().every((text) => NUMBERED.test(text)) ? " 0/0" : "");
      parts.append(made);
      renumber(true);
      made.area.focus();
      made.area.setSelectionRange(0, 0);
    });
    const element = make("section", { className: "card post", attributes: { "data-network": post.network, "aria-label": post.name } }, [
      make("div", { className: "line head" }, [make("h2", { text: post.name }), total, status]),
      parts,
      make("div", { className: "line" }, [copyAll, download, ...(post.thread && data.may_act ? [addPart] : [])]),
      edited,
    ]);

    function areas() { return [...parts.children].map((each) => each.area); }
    function texts() { return areas().map((area) => area.value); }

    function part(text) {
      const area = make("textarea", { className: "field", attributes: { rows: "2" } });
      area.value = text;
      area.readOnly = !data.may_act;
      area.oninput = () => { grow(area); measure(made); changed(); };
      area.onblur = () => { if (timer) save(); };
      const counted = make("span", { className: "counted numbers" });
      const tools = post.thread ? [
        copying.button(button("Copy", "copy", null, { label: "Copy this part" }), () => area.value),
        ...(data.may_act ? [
          button("", "up", () => { made.previousElementSibling?.before(made); renumber(true); changed(); made.querySelector(".up").focus(); }, { className: "button small square up", label: "Move this part up" }),
          button("", "down", () => { made.nextElementSibling?.after(made); renumber(true); changed(); made.querySelector(".down").focus(); }, { className: "button small square down", label: "Move this part down" }),
          button("", "trash", () => { made.remove(); renumber(true); changed(); }, { className: "button small square remove", label: "Remove this part" }),
        ] : []),
      ] : [];
      const made = make("div", { className: "part" }, [area, make("div", { className: "line under" }, [counted, ...tools])]);
      made.area = area;
      made.counted = counted;
      measure(made);
      return made;
    }

    function measure(made) {
      const length = postLength.of(post.network, made.area.value);
      const over = post.limit ? length - post.limit : 0;
      made.area.setAttribute("aria-invalid", String(over > 0));
      made.counted.classList.toggle("problem", over > 0);
      made.counted.replaceChildren(
        ...(over > 0 ? [icon("alert")] : []),
        make("span", {
          text: post.limit
            ? `${count(length)} of ${count(post.limit)}${over > 0 ? `: ${count(over)} too many for ${post.on}` : ""}`
            : `${count(length)} characters`,
        }),
      );
    }

    function renumber(anew = false) {
      const all = [...parts.children];
      const numbered = anew && all.every((made) => NUMBERED.test(made.area.value));
      all.forEach((made, number) => {
        const text = numbered ? made.area.value.replace(NUMBERED, ` ${number + 1}/${all.length}`) : made.area.value;
        if (text !== made.area.value) { made.area.value = text; measure(made); }
        made.area.setAttribute("aria-label", all.length > 1 ? `${post.name}, part ${number + 1} of ${all.length}` : post.name);
        for (const [name, off] of [["up", number === 0], ["down", number === all.length - 1], ["remove", all.length === 1]]) {
          const tool = made.querySelector(`.${name}`);
          if (tool) tool.disabled = off;
        }
      });
      total.textContent = post.thread ? `${all.length} ${all.length === 1 ? "part" : "parts"}` : "";
    }

    function put(all) {
      const there = areas();
      if (there.length === all.length) {
        there.forEach((area, number) => { if (area.value !== all[number]) area.value = all[number]; });
        [...parts.children].forEach(measure);
      } else {
        parts.replaceChildren(...all.map(part));
      }
      renumber();
      areas().forEach(grow);
    }

    function isChanged() { return JSON.stringify(texts()) !== JSON.stringify(saved); }

    function changed() {
      clearTimeout(timer);
      timer = 0;
      say(isChanged() ? "Not saved yet" : "");
      if (isChanged()) timer = setTimeout(save, SAVE_AFTER);
    }

    function say(text, problem = false, ...more) {
      element.toggleAttribute("data-unsaved", isChanged());
      status.classList.toggle("problem", problem);
      status.replaceChildren(...(problem ? [icon("alert")] : []), make("span", { text }), ...more);
    }

    async function save() {
      clearTimeout(timer);
      timer = 0;
      if (sending) { again = true; return; }
      const all = texts();
      if (all.some((text) => !text.replace(NUMBERED, "").trim())) {
        say(all.length > 1 ? "Not saved: write something in the empty part, or remove it." : "Not saved: write something, or restore the original.", true);
        return;
      }
      say("Saving…");
      sending = send(all);
      const said = await sending;
      sending = null;
      if (said.problem) {
        say(`Not saved: ${said.problem}`, true, button("Try again", "retry", save));
      } else {
        saved = all;
        stands("you, just now");
        say(isChanged() ? "Not saved yet" : "Saved");
        if (isChanged() && !timer && !again) timer = setTimeout(save, SAVE_AFTER);
      }
      if (again) { again = false; save(); }
    }

    function send(value, keepalive = false) {
      return saving.save(data.video_id, `post:${post.network}`, value, { keepalive });
    }

    async function back() {
      clearTimeout(timer);
      timer = 0;
      say("Restoring…");
      await sending;
      const said = await send(null);
      if (said.problem) { say(`Not restored: ${said.problem}`, true, button("Try again", "retry", back)); return; }
      saved = post.original;
      put(post.original);
      stands("");
      say("The original is back");
    }

    function stands(who) {
      edited.replaceChildren(...(who ? [make("span", { className: "wraps", text: `Edited by ${who}` }), ...(data.may_act ? [restore] : [])] : []));
    }

    function keep() {
      const address = URL.createObjectURL(new Blob([`${texts().join("\n\n")}\n`], { type: "text/plain" }));
      const link = make("a", { attributes: { href: address, download: `${data.file}-${post.network}.${post.ending}` } });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    }

    const card = {
      element,
      // What the server knows, unless somebody writes here just now.
      show(given) {
        if (timer || sending || isChanged()) return;
        post = given;
        saved = given.parts;
        put(given.parts);
        stands(given.edited);
      },
      leave() { if (timer) { clearTimeout(timer); send(texts(), true); } },
    };
    put(post.parts);
    stands(post.edited);
    return card;
  }

  function grow(area) {
    if (CSS.supports("field-sizing", "content")) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  }

  function list(name, texts) {
    return make("section", { className: "card post", attributes: { "data-network": name.toLowerCase(), "aria-label": name } }, [
      make("div", { className: "line head" }, [
        make("h2", { text: name }), copying.button(button("Copy all", "copy", null, { label: `Copy ${name}` }), () => texts.join("\n")),
      ]),
      make("ul", { className: "stack" }, texts.map((text) => make("li", { className: "line piece" }, [
        make("span", { className: "wraps", text }),
        copying.button(button("Copy", "copy", null, { className: "button small plain", label: `Copy ${text}` }), () => text),
      ]))),
    ]);
  }

  let shown = "";
  return {
    show(data) {
      method.textContent = data.method;
      for (const post of data.posts) {
        if (cards.has(post.network)) cards.get(post.network).show(post);
        else {
          cards.set(post.network, makeCard(post, data));
          grid.append(cards.get(post.network).element);
        }
      }
      const wanted = JSON.stringify([data.titles, data.hashtags]);
      if (wanted === shown) return;
      shown = wanted;
      extra.replaceChildren(
        ...(data.titles.length ? [list("Titles", data.titles)] : []), ...(data.hashtags.length ? [list("Hashtags", data.hashtags)] : []),
      );
    },
    leave() { for (const card of cards.values()) card.leave(); },
  };
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#root");
  // Another output has other originals: what is shown of it starts anew.
  if (root.dataset.output !== String(data.output)) {
    const before = desks.get(parentElement);
    before?.leave();
    window.removeEventListener("pagehide", before?.onHide);
    root.dataset.output = data.output;
    const desk = makeDesk(root);
    desk.onHide = () => desk.leave();
    desks.set(parentElement, desk);
  }
  const desk = desks.get(parentElement);
  desk.show(data);
  window.addEventListener("pagehide", desk.onHide);
  return () => {
    desk.leave();
    window.removeEventListener("pagehide", desk.onHide);
  };
}
