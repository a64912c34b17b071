const headings = new WeakMap();

function makeHeading(root) {
  let data = {};
  const title = make("h1", { className: "wraps" });
  const chip = make("span", { className: "chip" });
  const pencil = make("button", { className: "button small square plain", attributes: { type: "button", "aria-label": "Change the title", title: "Change the title" } }, [icon("edit")]);
  const line = make("div", { className: "line" }, [title, chip, pencil]);
  const facts = make("p", { className: "quiet wraps" });
  const tags = make("div", { className: "line tags" });
  const told = make("p", { className: "problem", attributes: { role: "alert", hidden: "" } });
  root.replaceChildren(line, facts, tags, told);

  // What is shown changes at once; where saving fails it goes back, and the field opens again with what was written.
  async function put(target, value, before, again) {
    data = { ...data, [target]: value };
    draw();
    told.hidden = true;
    const said = await saving.save(data.video, target, value);
    data = { ...data, [target]: said.problem ? before : said.value };
    draw();
    if (!said.problem) return;
    told.hidden = false;
    told.textContent = `Not saved: ${said.problem}`;
    again(value);
  }
  function field(value, label, limit, save, close) {
    const input = make("input", { className: "field", attributes: { "aria-label": label, maxlength: limit } });
    input.value = value;
    const form = make("form", { className: "line changing", attributes: { "data-unsaved": "" } }, [
      input,
      make("button", { className: "button small first", text: "Save", attributes: { type: "submit" } }),
      make("button", { className: "button small cancel", text: "Cancel", attributes: { type: "button" } }),
    ]);
    form.onsubmit = (event) => { event.preventDefault(); save(input.value); };
    form.querySelector(".cancel").onclick = close;
    input.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") { event.preventDefault(); close(); }
    };
    return form;
  }
  function editTitle(written) {
    const close = () => { draw(); pencil.focus(); };
    line.replaceChildren(field(written ?? data.title, "Title", 200, (value) => {
      const wanted = value.trim();
      if (!wanted || wanted === data.title) { close(); return; }
      put("title", wanted, data.title, editTitle);
    }, close));
    line.querySelector("input").select();
  }
  function editTags(written) {
    tags.replaceChildren(field((written ?? data.tags).join(", "), "Tags, with commas between them", 900, (value) => {
      put("tags", value.split(",").map((one) => one.trim()).filter(Boolean), data.tags, editTags);
    }, draw));
    tags.querySelector("input").focus();
  }
  function draw() {
    title.textContent = data.title;
    chip.textContent = data.state;
    chip.className = `chip ${data.colour}`;
    pencil.hidden = !data.may_act;
    line.replaceChildren(title, chip, pencil);
    facts.textContent = data.facts.join(" · ");
    const change = make("button", { className: "link", text: data.tags.length ? "Change tags" : "Add tags", attributes: { type: "button" } });
    change.onclick = () => editTags();
    tags.replaceChildren(...data.tags.map((tag) => make("span", { className: "chip wraps", text: tag })), ...(data.may_act ? [change] : []));
    tags.hidden = !data.tags.length && !data.may_act;
  }
  pencil.onclick = () => editTitle();
  return (given) => {
    const open = root.querySelector("form");
    data = given;
    if (!open) draw();
  };
}

export default function ({ data, parentElement }) {
  if (!headings.has(parentElement)) headings.set(parentElement, makeHeading(parentElement.querySelector("#root")));
  headings.get(parentElement)(data);
}
