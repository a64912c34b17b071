const walls = new WeakMap();

function makeWall(root) {
  let data = null;
  let open = 0;
  let busy = false;
  const grid = make("div", { className: "grid" });
  const problem = make("p", { className: "problem line", attributes: { role: "alert", hidden: "" } });
  const large = make("img");
  const caption = make("p", { className: "wraps" });
  const before = tool("back", "The one before", () => show(open - 1));
  const after = tool("back", "The next one", () => show(open + 1));
  after.classList.add("turned");
  const close = tool("cross", "Close", () => box.close());
  const use = make("button", { className: "button", attributes: { type: "button" } });
  const save = make("a", { className: "button", attributes: { download: "" } }, [icon("download"), make("span", { text: "Download" })]);
  const box = make("dialog", { attributes: { "aria-label": "Thumbnail, large" } }, [
    make("div", { className: "stage" }, [before, large, after]),
    make("div", { className: "line foot" }, [caption, use, save, close]),
  ]);
  box.onclick = (event) => { if (event.target === box) box.close(); };
  box.onclose = () => grid.children[open]?.querySelector(".open").focus();
  box.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    show(open + step);
  };
  root.replaceChildren(problem, grid, box);

  function tool(drawn, label, act) {
    const made = make("button", { className: "button square", attributes: { type: "button", "aria-label": label, title: label } }, [icon(drawn)]);
    made.onclick = act;
    return made;
  }

  function standing() { return (data.pictures.find((one) => one.position === data.chosen) ?? data.pictures.find((one) => one.picked))?.position; }

  function show(number) {
    open = (number + data.pictures.length) % data.pictures.length;
    const picture = data.pictures[open];
    large.src = picture.source;
    large.alt = `Thumbnail at ${clock(picture.at)}`;
    caption.replaceChildren(make("span", { className: "strong numbers", text: `${clock(picture.at)} ` }), make("span", { className: "quiet", text: picture.reason }));
    save.href = `${picture.source}?download=1`;
    before.hidden = after.hidden = data.pictures.length < 2;
    dress(use, picture);
    if (!box.open) box.showModal();
  }

  function dress(button, picture) {
    const stands = picture.position === standing();
    button.hidden = !data.may_act;
    button.disabled = busy || stands;
    button.replaceChildren(icon(stands ? "check" : "star"), make("span", { text: stands ? "In use" : "Use this" }));
    button.setAttribute("aria-label", stands ? `The thumbnail at ${clock(picture.at)} is in use` : `Use the thumbnail at ${clock(picture.at)}`);
    button.onclick = () => choose(picture);
  }

  async function choose(picture) {
    const previous = data.chosen;
    // The one that was picked by itself needs no choice: it stands as soon as there is none.
    const value = picture.picked ? null : picture.position;
    busy = true;
    data.chosen = value;
    refresh();
    const said = await saving.save(data.video_id, "thumbnail", value);
    problem.hidden = !said.problem;
    if (said.problem) {
      data.chosen = previous;
      problem.replaceChildren(icon("alert"), make("span", { text: `Not saved: ${said.problem}` }));
    }
    busy = false;
    refresh();
  }

  function figure(picture, number) {
    const image = make("img", { attributes: { src: picture.source, alt: `Thumbnail at ${clock(picture.at)}`, loading: "lazy" } });
    const opener = make("button", { className: "open", attributes: { type: "button", "aria-label": `See the thumbnail at ${clock(picture.at)} large`, title: picture.reason } }, [image]);
    opener.onclick = () => show(number);
    const chips = make("span", { className: "line chips" });
    const chooser = make("button", { className: "button small", attributes: { type: "button" } });
    const made = make("figure", { className: "card" }, [
      opener,
      make("figcaption", {}, [
        make("div", { className: "line" }, [timeButton(picture.at), chips]),
        make("span", { className: "quiet wraps", text: picture.reason }),
        make("div", { className: "line" }, [
          chooser,
          make("a", { className: "button small plain", attributes: { href: `${picture.source}?download=1`, download: "" } }, [icon("download"), make("span", { text: "Download" })]),
        ]),
      ]),
    ]);
    made.refresh = () => {
      const stands = picture.position === standing();
      made.classList.toggle("stands", stands);
      chips.replaceChildren(
        ...(stands ? [make("span", { className: "chip green" }, [icon("check"), make("span", { text: "Stands for the video" })])] : []),
        ...(picture.picked ? [make("span", { className: "chip", text: "Best" })] : []),
      );
      dress(chooser, picture);
    };
    return made;
  }

  function refresh() {
    for (const each of grid.children) each.refresh();
    if (box.open) dress(use, data.pictures[open]);
  }

  let given = "";
  return {
    show(fresh) {
      if (JSON.stringify(fresh) === given) return;
      given = JSON.stringify(fresh);
      const same = data && JSON.stringify(data.pictures) === JSON.stringify(fresh.pictures);
      data = structuredClone(fresh);
      if (!same) grid.replaceChildren(...data.pictures.map(figure));
      refresh();
    },
  };
}

export default function ({ data, parentElement }) {
  if (!walls.has(parentElement)) walls.set(parentElement, makeWall(parentElement.querySelector("#root")));
  walls.get(parentElement).show(data);
}
