const SORTS = [["newest", "Newest"], ["oldest", "Oldest"], ["title", "Title"], ["longest", "Longest"], ["changed", "Last changed"]];
const SETTLE_MS = 400; // several changes at once are one
const APART_MS = 2000; // between two runs, however much changes
const lists = new WeakMap();

// Built once for each place; a run brings rows, and only what differs in them is drawn anew.
function build(root) {
  const list = { say() {}, data: { rows: [] }, chosen: new Set(), anchor: null, asked: "", working: new Set(), timer: 0, ranAt: -APART_MS, cards: new Map() };
  const rowOf = (card) => list.data.rows[list.places.get(card?.dataset.id)];
  const ask = (changes, options) => list.say("asked", address.change(changes, options));

  const all = make("input", { attributes: { type: "checkbox", "aria-label": "Select all that are shown" } });
  const amount = make("span", { className: "strong numbers" });
  const sort = make("select", { className: "field", attributes: { "aria-label": "Sort by" } },
    SORTS.map(([value, text]) => make("option", { text, attributes: { value } })));
  const views = make("div", { className: "segments", attributes: { role: "group", "aria-label": "View" } },
    [["grid", "Pictures", "grid"], ["table", "Table", "list"]].map(([value, text, sign]) => {
      const button = make("button", { attributes: { type: "button", value, title: text, "aria-label": text } }, [icon(sign)]);
      button.onclick = () => { address.change({ view: value === "table" ? "table" : null }, { quietly: true }); list.view(); };
      return button;
    }));
  const head = make("div", { className: "head" }, [make("label", { className: "line" }, [all, amount]), make("div", { className: "line right" }, [sort, views])]);
  const videos = make("ul", { className: "videos" });
  const empty = make("div", { className: "empty", attributes: { hidden: "" } });
  const more = make("button", { className: "button more", text: "Show more", attributes: { type: "button", hidden: "" } });
  const pages = make("div", { className: "line pages", attributes: { hidden: "" } });

  const selected = make("span", { className: "strong numbers" });
  const dialog = bulk.dialog((name, value) => list.say(name, value), () => { list.chosen.clear(); mark(); });
  const action = (className, sign, text, act) => {
    const button = make("button", { className: `button small ${className}`, attributes: { type: "button" } }, [icon(sign), text]);
    button.onclick = act;
    return button;
  };
  const start = (verb, kind) => { menu.hidden = true; dialog.ask({ verb, kind: kind ?? null, ids: [...list.chosen] }); };
  const menu = make("div", { className: "menu", attributes: { hidden: "", id: "again" } }, bulk.KINDS.map(([kind, name]) => {
    const button = make("button", { text: name, attributes: { type: "button" } });
    button.onclick = () => start("again", kind);
    return button;
  }));
  const again = action("", "down", "Make again", () => {
    menu.hidden = !menu.hidden;
    again.setAttribute("aria-expanded", String(!menu.hidden));
    if (!menu.hidden) menu.firstChild.focus();
  });
  again.setAttribute("aria-controls", "again");
  const actions = make("div", { className: "actions", attributes: { role: "toolbar", "aria-label": "With what is selected", hidden: "" } }, [
    selected,
    action("", "retry", "Try again", () => start("retry")), action("danger", "cross", "Cancel", () => start("cancel")),
    make("div", { className: "again" }, [again, menu]),
    action("plain", "cross", "Clear", () => { list.chosen.clear(); mark(); }),
  ]);
  root.replaceChildren(head, videos, empty, more, pages, actions, dialog.element);

  function mark() {
    for (const [id, { card }] of list.cards) {
      const chosen = list.chosen.has(id);
      if (card.classList.contains("chosen") === chosen) continue;
      card.classList.toggle("chosen", chosen);
      card.querySelector(".pick input").checked = chosen;
    }
    const count = list.chosen.size;
    all.checked = count > 0 && count === list.data.rows.length;
    all.indeterminate = count > 0 && !all.checked;
    actions.hidden = !count;
    root.classList.toggle("choosing", count > 0);
    if (!count) menu.hidden = true;
    selected.textContent = `${count.toLocaleString("en")} selected`;
  }
  all.onchange = () => { list.chosen = new Set(all.checked ? list.data.rows.map((row) => row.id) : []); mark(); };
  sort.onchange = () => ask({ sort: sort.value === "newest" ? null : sort.value, at: null });
  more.onclick = () => {
    if (more.disabled) return;
    more.disabled = true;
    ask({ show: String(list.data.rows.length + list.data.step) }, { quietly: true });
  };
  const near = new IntersectionObserver(([seen]) => { if (seen.isIntersecting && !more.hidden) more.onclick(); }, { rootMargin: "500px" });
  near.observe(more);

  videos.onclick = (event) => {
    const box = event.target.closest("input[type=checkbox]");
    if (box) return pick(box, event.shiftKey);
    const filter = event.target.closest("[data-filter]");
    if (filter) return ask({ [filter.dataset.filter]: filter.textContent, show: null, at: null });
    const link = event.target.closest("a[data-open]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    list.remember();
    address.open(link.getAttribute("href"));
  };
  function pick(box, ranged) {
    const ids = list.data.rows.map((row) => row.id);
    const id = box.closest(".video").dataset.id;
    const [from, to] = [ids.indexOf(ranged && list.anchor ? list.anchor : id), ids.indexOf(id)].sort((a, b) => a - b);
    for (const one of from < 0 ? [id] : ids.slice(from, to + 1)) list.chosen[box.checked ? "add" : "delete"](one);
    list.anchor = id;
    box.closest(".video").classList.toggle("chosen", !box.checked); // so that mark draws it
    mark();
  }
  root.onkeydown = (event) => {
    if (event.key !== "Escape" || dialog.element.open) return;
    if (!menu.hidden) { menu.hidden = true; again.focus(); } else if (list.chosen.size) { list.chosen.clear(); mark(); }
  };
  const begin = (event) => {
    const card = event.target.closest?.(".video");
    if (card && event.pointerType !== "touch" && cards.preview?.card !== card && event.target.closest(".open")) cards.show(card, rowOf(card));
  };
  const cease = (event) => { if (!event.relatedTarget?.closest?.(".open") || event.relatedTarget.closest(".video") !== cards.preview?.card) cards.hide(); };
  videos.onpointerover = begin;
  videos.onpointerout = cease;
  videos.addEventListener("focusin", begin);
  videos.addEventListener("focusout", cease);

  // What scrolls is Streamlit's; where somebody was is kept for when they come back to the same list.
  const scroller = () => document.querySelector("[data-testid=stMain]") ?? document.scrollingElement;
  list.remember = () => { window.backlotScroll = { of: location.pathname + location.search, top: scroller().scrollTop }; };
  function comeBack() {
    const kept = window.backlotScroll;
    window.backlotScroll = null;
    if (kept?.of === location.pathname + location.search) requestAnimationFrame(() => { scroller().scrollTop = kept.top; });
  }

  list.view = () => {
    const table = address.read().get("view") === "table";
    videos.classList.toggle("table", table);
    for (const button of views.children) button.setAttribute("aria-pressed", String((button.value === "table") === table));
  };

  list.draw = (data) => {
    const first = !list.drawn;
    list.drawn = true;
    list.data = data;
    list.places = new Map(data.rows.map((row, place) => [row.id, place]));
    const kept = list.cards;
    list.cards = new Map(data.rows.map((row) => {
      const signature = JSON.stringify([row, data.show_owner, data.may_select]);
      const known = kept.get(row.id);
      if (known?.signature === signature) return [row.id, known];
      if (cards.preview?.card === known?.card) cards.hide();
      return [row.id, { signature, card: cards.build(row, data) }];
    }));
    const focused = root.getRootNode().activeElement?.dataset?.key;
    const wanted = [...list.cards.values()].map(({ card }) => card);
    if (wanted.length !== videos.children.length || wanted.some((card, place) => videos.children[place] !== card)) {
      videos.replaceChildren(...wanted);
      if (focused) videos.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
    list.chosen = new Set([...list.chosen].filter((id) => list.cards.has(id)));
    head.hidden = !data.rows.length;
    all.hidden = !data.may_select;
    videos.classList.toggle("selectable", data.may_select);
    amount.textContent = data.amount;
    sort.value = address.read().get("sort") ?? "newest";
    if (!sort.value) sort.value = "newest";
    more.hidden = !data.more;
    more.disabled = false;
    drawPages(data);
    drawEmpty(data);
    list.view();
    mark();
    list.follow();
    dialog.answer(data);
    if (first) comeBack();
  };

  function drawPages({ next, previous }) {
    const page = (text, at) => {
      const button = make("button", { className: "button", text, attributes: { type: "button" } });
      button.onclick = () => { ask({ at, show: String(list.data.most) }); scroller().scrollTop = 0; };
      return button;
    };
    pages.hidden = !next && !previous;
    pages.replaceChildren(...(previous ? [page("Previous page", previous)] : []), ...(next ? [page("Next page", next)] : []));
  }

  function drawEmpty({ rows, any, may_upload, upload_address }) {
    empty.hidden = rows.length > 0;
    if (rows.length) return;
    const button = (className, sign, text, act) => {
      const made = make("button", { className: `button ${className}`, attributes: { type: "button" } }, [icon(sign), text]);
      made.onclick = act;
      return made;
    };
    if (any) {
      empty.replaceChildren(icon("search"), make("h2", { text: "Nothing matches" }),
        make("p", { className: "quiet", text: "Try fewer words, or other filters. Words are found by how they begin, in titles and in what is said." }),
        button("", "cross", "Clear search and filters", () => ask({ q: null, state: null, owner: null, tag: null, length: null, from: null, to: null, at: null, show: null })));
    } else if (may_upload) {
      empty.replaceChildren(icon("film"), make("h2", { text: "No videos yet" }),
        make("p", { className: "quiet", text: "Upload one: it is transcribed, analysed and turned into clips and posts." }),
        make("div", { className: "line" }, [
          button("first", "upload", "Upload a video", () => address.open(upload_address)),
          button("", "play", "Process the sample video", (event) => { event.currentTarget.disabled = true; list.say("sample", "sample"); }),
        ]));
    } else {
      empty.replaceChildren(icon("film"), make("h2", { text: "No videos yet" }), make("p", { className: "quiet", text: "What creators upload appears here by itself." }));
    }
  }

  // Bars move by themselves; a state that is no longer the one drawn, or a video that is not here yet, asks for a run.
  list.follow = () => {
    const differing = [];
    for (const id of new Set([...list.working, ...live.videos().map((job) => job.video_id)])) {
      const card = list.cards.get(id)?.card;
      const job = live.video(id);
      list.working[card && cards.work(card, job) ? "add" : "delete"](id);
      if (card && job && job.video_state !== list.data.rows[list.places.get(id)].state) differing.push(`${id} ${job.video_state}`);
    }
    if (list.data.newest !== null) {
      const isNew = (job) => job.kind === "pipeline" && job.created_at > list.data.newest && !list.cards.has(job.video_id);
      for (const job of live.videos()) if (live.isUnfinished(job) && isNew(job)) differing.push(job.video_id);
    }
    const asked = differing.sort().join();
    if (!asked || asked === list.asked || list.timer) return;
    const pause = Math.max(SETTLE_MS, list.ranAt + APART_MS - performance.now());
    list.timer = setTimeout(() => {
      Object.assign(list, { timer: 0, asked, ranAt: performance.now() });
      list.say("changed", asked.slice(0, 100));
    }, pause);
  };
  const stop = live.watch(() => list.follow());
  list.stop = () => { stop(); near.disconnect(); cards.hide(); clearTimeout(list.timer); };
  return list;
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (!lists.has(parentElement)) lists.set(parentElement, build(parentElement.querySelector("#root")));
  const list = lists.get(parentElement);
  list.say = setTriggerValue;
  list.draw(data);
  return () => { list.stop(); lists.delete(parentElement); };
}
